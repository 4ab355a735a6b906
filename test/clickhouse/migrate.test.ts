// The migrated database is what the declarations say, in both forms; migrating is safe to repeat, to interrupt and to race.

import { hostname } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formed, loadMigrations, type Migration, migrate, type SchemaForm } from '../../collector/clickhouse/migrate.ts'
import { documentedTables } from '../../schemas/columns-page.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const single = (database: string): SchemaForm => ({ database, cluster: '' })
const newest = loadMigrations().length

function extra(statements: readonly string[], given: Partial<Migration> = {}): Migration {
  return { version: newest + 1, name: 'extra', checksum: 'x', statements, clusterStatements: [], ...given }
}

function codec(text: string): string {
  return text.replace(/^CODEC\((.*)\)$/, '$1').replaceAll(/Delta\(\d\)/g, 'Delta')
}

describe('the migrated tables', () => {
  test.each(documentedTables)(
    '$name has the declared columns, types and codecs, in order',
    async ({ name, columns }) => {
      const found = await engine.clickhouse.query<{ name: string; type: string; compression_codec: string }>(
        `SELECT name, type, compression_codec FROM system.columns
      WHERE database = {db:String} AND table = {table:String} AND default_kind NOT IN ('MATERIALIZED', 'DEFAULT')
      ORDER BY position`,
        { db: engine.database, table: name },
      )
      expect(found.map((column) => `${column.name} ${column.type} ${codec(column.compression_codec)}`)).toEqual(
        columns.map((column) => `${column.name} ${column.type} ${codec(column.codec ?? '')}`),
      )
    },
  )

  test('are those of the public surface', async () => {
    const found = await engine.clickhouse.query<{ name: string }>(
      'SELECT name FROM system.tables WHERE database = {db:String} ORDER BY name',
      { db: engine.database },
    )
    expect(found.map(({ name }) => name)).toEqual([
      'all_scores',
      'currency_rates',
      'currency_rates_daily',
      'current_invoice_findings',
      'current_invoice_lines',
      'current_scores',
      'dataset_items',
      'dataset_run_items',
      'datasets',
      'invoice_findings',
      'invoice_imports',
      'invoice_lines',
      'ledger_corrections',
      'llm_calls',
      'llm_calls_reporting',
      'logs',
      'model_prices',
      'otel_traces',
      'otel_traces_trace_id_ts',
      'pricing_claims',
      'pricing_runs',
      'reporting_currency',
      'schema_claims',
      'schema_migrations',
      'score_configs',
      'score_rejudgements',
      'scores',
      'span_content',
      'span_recosts',
      'spans',
      'usage_hourly',
      'usage_hourly_mv',
      'usage_user_daily',
      'usage_user_daily_mv',
      'votes',
    ])
  })

  test('know a repeated insert, targets of materialised views included; those that do not are written idempotently', async () => {
    const found = await engine.clickhouse.query<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = {db:String} AND engine LIKE '%MergeTree'
      AND create_table_query NOT LIKE '%non_replicated_deduplication_window = 10000%' ORDER BY name`,
      { db: engine.database },
    )
    expect(found.map(({ name }) => name)).toEqual([
      'currency_rates',
      'dataset_items',
      'dataset_run_items',
      'datasets',
      'invoice_findings',
      'invoice_imports',
      'invoice_lines',
      'model_prices',
      'pricing_claims',
      'pricing_runs',
      'reporting_currency',
      'schema_claims',
      'schema_migrations',
      'score_configs',
      'score_rejudgements',
    ])
  })
})

describe('migrating', () => {
  test('twice changes nothing the second time', async () => {
    expect((await migrate(engine.url, single('twice'), 'test')).applied).toHaveLength(newest)
    expect(await migrate(engine.url, single('twice'), 'test')).toEqual({ applied: [], version: newest })
  })

  test('remembers by which version', async () => {
    const [first] = await engine.clickhouse.query(
      'SELECT version, name, form, by_version FROM schema_migrations ORDER BY version LIMIT 1',
    )
    expect(first).toEqual({ version: 1, name: 'tables', form: 'single', by_version: 'test' })
  })

  test('a database that is newer than the program is refused', async () => {
    await migrate(engine.url, single('newer'), 'test', [
      ...loadMigrations(),
      extra([], { version: 9999, name: 'future' }),
    ])
    await expect(migrate(engine.url, single('newer'), 'test')).rejects.toThrow(
      `database newer has migration 9999 (future), this program knows ${newest} at most: run the newer program`,
    )
  })

  test('a released file that was changed is refused', async () => {
    await migrate(engine.url, single('changed'), 'test')
    const edited = loadMigrations().map((each) => (each.version === 1 ? { ...each, checksum: 'other' } : each))
    await expect(migrate(engine.url, single('changed'), 'test', edited)).rejects.toThrow(
      /migration 1 \(tables\) was changed/,
    )
  })

  test('a database made in the other form is refused', async () => {
    await migrate(engine.url, single('formed'), 'test', [])
    await engine.clickhouse.command(
      "INSERT INTO formed.schema_migrations (version, name, checksum, form) SELECT 1, 'tables', {checksum:String}, 'cluster main'",
      {
        checksum: loadMigrations()[0]?.checksum,
      },
    )
    await expect(migrate(engine.url, single('formed'), 'test')).rejects.toThrow(
      'database formed was made as "cluster main", the configuration says "single"',
    )
  })

  test('a failed statement names its migration and can be tried again', async () => {
    const bad = extra(['CREATE TABLE {db}.t (a Nonsense) ENGINE = Memory'])
    await expect(migrate(engine.url, single('retried'), 'test', [...loadMigrations(), bad])).rejects.toThrow(
      `migration ${newest + 1} (extra) failed: ClickHouse 50: Unknown data type family: Nonsense`,
    )
    const good = extra(['CREATE TABLE {db}.t (a UInt8) ENGINE = Memory'])
    expect((await migrate(engine.url, single('retried'), 'test', [...loadMigrations(), good])).applied).toEqual([
      'extra',
    ])
  })

  test('a ledger of the first schema keeps its rows, and what was journalled under it still goes in', async () => {
    const all = loadMigrations()
    await migrate(engine.url, single('upgraded'), 'test', all.slice(0, 3))
    const old = `INSERT INTO upgraded.spans (project_id, kind, start_time, trace_id, span_id, usage_other, total_cost, cost_status, retention_days, sign)
      SELECT 'p', 'llm', now64(9), 't', {id:String}, CAST(map('images', 2), 'Map(LowCardinality(String), UInt64)'), toDecimal64('0.25', 12), 'priced', 90, 1`
    await engine.clickhouse.command(old, { id: 'before' })
    await migrate(engine.url, single('upgraded'), 'test', all)
    await engine.clickhouse.command(old, { id: 'after' })
    const rows = await engine.clickhouse.query(
      'SELECT span_id, usage_other, total_cost, price_conditions, pricing_currency_cost FROM upgraded.llm_calls ORDER BY span_id',
    )
    const same = { usage_other: { images: 2 }, total_cost: '0.25', price_conditions: '', pricing_currency_cost: null }
    expect(rows).toEqual([
      { span_id: 'after', ...same },
      { span_id: 'before', ...same },
    ])
    const [rolled] = await engine.clickhouse.query(
      'SELECT sum(calls) AS calls, sum(total_cost) AS cost, sum(estimated_calls) AS estimated FROM upgraded.usage_hourly',
    )
    expect(rolled).toEqual({ calls: '2', cost: '0.5', estimated: '0' })
  })

  test('what is older than its retention when it arrives is kept as long as what is new', async () => {
    await migrate(engine.url, single('retention'), 'test')
    const insert = (id: string, age: number, arrived: number): Promise<unknown> =>
      engine.clickhouse.command(
        `INSERT INTO retention.spans (project_id, kind, start_time, trace_id, span_id, retention_days, sign, ingested_at)
        SELECT 'p', 'llm', now64(9) - INTERVAL {age:UInt16} DAY, 't', {id:String}, 90, 1, now64(3) - INTERVAL {arrived:UInt16} DAY`,
        { id, age, arrived },
      )
    await insert('late', 200, 0)
    await insert('expired', 200, 91)
    await insert('new', 0, 0)
    await engine.clickhouse.command('OPTIMIZE TABLE retention.spans FINAL')
    expect(await engine.clickhouse.query('SELECT span_id FROM retention.spans ORDER BY span_id')).toEqual([
      { span_id: 'late' },
      { span_id: 'new' },
    ])
  })

  test('a name that is no name for a database never reaches SQL', async () => {
    await expect(migrate(engine.url, single('a; DROP DATABASE b'), 'test')).rejects.toThrow(/is no name for a database/)
  })

  test('several collectors at once: one applies each migration, all succeed', async () => {
    // A statement that cannot be run twice.
    const once = extra(['CREATE TABLE {db}.once (a UInt8) ENGINE = Memory'])
    const all = [...loadMigrations(), once]
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((by) => migrate(engine.url, single('raced'), by, all)))
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(all.map(({ name }) => name).sort())
  })
})

describe('the claim of another collector', () => {
  /** As if a collector had claimed the database `secondsAgo` and had not been heard of since. */
  async function claimed(database: string, owner: string, secondsAgo: number): Promise<void> {
    await migrate(engine.url, single(database), 'test')
    await engine.clickhouse.command(
      `INSERT INTO ${database}.schema_claims SELECT {owner:String}, now64(6) - {ago:UInt32}, now64(6) - {ago:UInt32}, 0`,
      { owner, ago: secondsAgo },
      { async_insert: 0 },
    )
  }
  const withExtra = [...loadMigrations(), extra(['CREATE TABLE {db}.later (a UInt8) ENGINE = Memory'])]

  test('is waited for until it is released', async () => {
    await claimed('waited', 'elsewhere:1:x', 1)
    let isDone = false
    const migrating = migrate(engine.url, single('waited'), 'test', withExtra).finally(() => {
      isDone = true
    })
    const claims = (): Promise<{ owner: string }[]> =>
      engine.clickhouse.query(
        "SELECT owner FROM waited.schema_claims FINAL WHERE is_released = 0 AND owner != 'elsewhere:1:x'",
      )
    while ((await claims()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isDone).toBe(false)
    await engine.clickhouse.command(
      'INSERT INTO waited.schema_claims SELECT owner, claimed_at, now64(6), 1 FROM waited.schema_claims',
      {},
      { async_insert: 0 },
    )
    expect((await migrating).applied).toEqual(['extra'])
  })

  test('is void when nothing was heard of it for long', async () => {
    await claimed('silent', 'elsewhere:1:x', 16)
    expect((await migrate(engine.url, single('silent'), 'test', withExtra)).applied).toEqual(['extra'])
  })

  test('is void when its process was one of this host and is gone', async () => {
    // No process has a number so high.
    await claimed('gone', `${hostname()}:99999999:x`, 1)
    expect((await migrate(engine.url, single('gone'), 'test', withExtra)).applied).toEqual(['extra'])
  })
})

describe('both forms', () => {
  const forms = [single('single_form'), { database: 'cluster_form', cluster: 'main' }]

  test.each(forms)('every statement parses for $database', async (form) => {
    const isCluster = form.cluster !== ''
    for (const { name, statements, clusterStatements } of loadMigrations()) {
      for (const statement of isCluster ? [...statements, ...clusterStatements] : statements) {
        const sql = formed(statement, form)
        // What is left in braces is for the server.
        expect(sql.replaceAll(/\{(database|table|shard|replica)\}/g, ''), name).not.toMatch(/[{}]/)
        await engine.clickhouse.query('SELECT formatQuery({sql:String}) AS text', { sql })
        expect(sql.includes(" ON CLUSTER 'main'"), sql).toBe(isCluster)
        if (sql.includes('MergeTree')) expect(sql.includes('ENGINE = Replicated'), sql).toBe(isCluster)
      }
    }
  })

  test('in a cluster prices are the same on all servers, spans are by shard', () => {
    const all = loadMigrations().flatMap(({ statements }) =>
      statements.map((each) => formed(each, { database: 'd', cluster: 'main' })),
    )
    const engineOf = (table: string): string | undefined =>
      all.find((sql) => sql.includes(`EXISTS d.${table} `))?.match(/ENGINE = \w+\([^\n]*\)/)?.[0]
    expect(engineOf('spans_local')).toBe(
      "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', version)",
    )
    expect(engineOf('usage_hourly_local')).toBe(
      "ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}')",
    )
    expect(engineOf('model_prices')).toBe(
      "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}', '{shard}-{replica}', loaded_at)",
    )
  })
})
