// Brings a database to the schema of this program: numbered files in order, each once, remembered with its checksum.
// A file is a template with a single-node and a cluster form; statements end with a semicolon at the end of a line.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type ClickHouse, connectClickHouse } from './client.ts'
import { claimsTable, withClaim } from './migration-claim.ts'

export interface Migration {
  readonly version: number
  readonly name: string
  /** Of the templates, so that it does not depend on where they are applied. */
  readonly checksum: string
  /** Statements as templates; `cluster` ones follow in a cluster and are left out on a single node. */
  readonly statements: readonly string[]
  readonly clusterStatements: readonly string[]
}

export interface SchemaForm {
  readonly database: string
  /** Empty: a single node. Else the name of the cluster in `system.clusters`. */
  readonly cluster: string
}

/** The migrations that ship with the program, in order. */
export function loadMigrations(folder: URL = new URL('../../schemas/migrations/', import.meta.url)): Migration[] {
  const files = readdirSync(folder).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file))
  return files.sort().map((file, index) => {
    if (Number(file.slice(0, 4)) !== index + 1)
      throw new Error(`migration ${file} is not number ${index + 1} in its folder`)
    const text = readFileSync(new URL(file, folder), 'utf8')
    const clusterText = readOptional(new URL(file.replace('.sql', '.cluster.sql'), folder))
    return {
      version: Number(file.slice(0, 4)),
      name: file.slice(5, -4),
      checksum: createHash('sha256').update(text).update('\0').update(clusterText).digest('hex'),
      statements: statementsOf(text),
      clusterStatements: statementsOf(clusterText),
    }
  })
}

/**
 * A template's statement in one of the two forms. In a cluster a sharded table is one replicated table a shard under the
 * name `…_local`, and a table needed everywhere (prices, migrations) is replicated over all servers. Their paths in Keeper
 * bear names, not UUIDs, so that a server added later joins when the migrations are run again.
 */
export function formed(template: string, { database, cluster }: SchemaForm): string {
  const values: Readonly<Record<string, string>> =
    cluster === ''
      ? {
          db: database,
          sfx: '',
          on_cluster: '',
          rmt: 'ReplacingMergeTree',
          amt: 'AggregatingMergeTree',
          sharded: '',
          everywhere: '',
          dedup: 'non_replicated_deduplication_window = 10000,',
        }
      : {
          db: database,
          cluster,
          sfx: '_local',
          on_cluster: ` ON CLUSTER '${cluster}'`,
          rmt: 'ReplicatedReplacingMergeTree',
          amt: `ReplicatedAggregatingMergeTree('${keeperPath}/{shard}', '{replica}')`,
          sharded: `'${keeperPath}/{shard}', '{replica}', `,
          everywhere: `'${keeperPath}', '{shard}-{replica}', `,
          dedup: 'replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 86400,',
        }
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

/** ClickHouse fills in `{database}`, `{table}`, and from the server's macros `{shard}` and `{replica}`. */
const keeperPath = '/clickhouse/tables/{database}/{table}'

interface AppliedRow {
  readonly version: number
  readonly name: string
  readonly checksum: string
  readonly form: string
}

export interface MigrateResult {
  readonly applied: readonly string[]
  readonly version: number
}

/**
 * Applies what is missing, creating the database if need be. May be run twice and by several collectors: one applies, the
 * others wait, and every statement is idempotent should the claim fail. Throws an Error when the database is newer than
 * the program, when a released file was changed, or when it was made in the other form.
 */
export async function migrate(
  url: string,
  form: SchemaForm,
  programVersion: string,
  migrations: readonly Migration[] = loadMigrations(),
): Promise<MigrateResult> {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(form.database))
    throw new Error(`"${form.database}" is no name for a database: letters, digits and _ only`)
  const admin = connectClickHouse({ url, database: 'default', requestTimeoutMs: statementMs })
  try {
    await admin.command(formed('CREATE DATABASE IF NOT EXISTS {db}{on_cluster} ENGINE = Atomic', form))
    await admin.command(formed(migrationsTable, form))
    const version = migrations.at(-1)?.version ?? 0
    if ((await missing(admin, form, migrations)).length === 0) return { applied: [], version }
    await admin.command(formed(claimsTable, form))
    const applied = await withClaim(admin, `${form.database}.schema_claims`, async () => {
      const names: string[] = []
      // Another collector may have applied them while this one waited.
      for (const migration of await missing(admin, form, migrations)) {
        await apply(admin, migration, form, programVersion)
        names.push(migration.name)
      }
      return names
    })
    return { applied, version }
  } finally {
    await admin.close()
  }
}

/** An ALTER on every server of a cluster may take its time. */
const statementMs = 300_000
const statementSettings = {
  alter_sync: '2',
  mutations_sync: '2',
  distributed_ddl_task_timeout: String(statementMs / 1000),
} as const

const migrationsTable = `CREATE TABLE IF NOT EXISTS {db}.schema_migrations{on_cluster} (
  version UInt32, name String, checksum String, form LowCardinality(String), applied_at DateTime64(3, 'UTC') DEFAULT now64(3), by_version String
) ENGINE = {rmt}({everywhere}applied_at) ORDER BY version`

/** What is still to be applied; throws when what is applied does not fit. */
async function missing(admin: ClickHouse, form: SchemaForm, migrations: readonly Migration[]): Promise<Migration[]> {
  const applied = await admin.query<AppliedRow>(
    `SELECT version, name, checksum, form FROM ${form.database}.schema_migrations FINAL ORDER BY version`,
  )
  check(applied, migrations, form)
  return migrations.filter(({ version }) => !applied.some((row) => row.version === version))
}

function check(applied: readonly AppliedRow[], migrations: readonly Migration[], form: SchemaForm): void {
  const newest = migrations.at(-1)?.version ?? 0
  const wanted = form.cluster === '' ? 'single' : `cluster ${form.cluster}`
  for (const row of applied) {
    const { version } = row
    const known = migrations.find((migration) => migration.version === version)
    if (version > newest || known === undefined) {
      throw new Error(
        `database ${form.database} has migration ${version} (${row.name}), this program knows ${newest} at most: run the newer program`,
      )
    }
    if (known.checksum !== row.checksum)
      throw new Error(
        `migration ${version} (${row.name}) was changed after it was applied to ${form.database}: restore the released file`,
      )
    if (row.form !== wanted)
      throw new Error(`database ${form.database} was made as "${row.form}", the configuration says "${wanted}"`)
  }
}

async function apply(admin: ClickHouse, migration: Migration, form: SchemaForm, programVersion: string): Promise<void> {
  const statements =
    form.cluster === '' ? migration.statements : [...migration.statements, ...migration.clusterStatements]
  for (const statement of statements) {
    try {
      await admin.command(formed(statement, form), {}, statementSettings)
    } catch (cause) {
      throw new Error(
        `migration ${migration.version} (${migration.name}) failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    }
  }
  await admin.command(
    `INSERT INTO ${form.database}.schema_migrations (version, name, checksum, form, by_version) VALUES ({version:UInt32}, {name:String}, {checksum:String}, {form:String}, {by:String})`,
    {
      version: migration.version,
      name: migration.name,
      checksum: migration.checksum,
      form: form.cluster === '' ? 'single' : `cluster ${form.cluster}`,
      by: programVersion,
    },
    { async_insert: 0 },
  )
}

function statementsOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

function readOptional(file: URL): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Most migrations are the same in both forms.
    return ''
  }
}
