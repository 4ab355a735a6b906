// Rollups are the sums of the rows: through retries, corrections, merges and whatever a span may hold.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../../collector/clickhouse/native.ts'
import { dice } from '../dice.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertSpans, spanRow } from './span-rows.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const insert = (rows: readonly Row[], token?: string): Promise<void> => insertSpans(engine.clickhouse, rows, token)

/** Calls, cost and input tokens of a project, as the rollups and as the rows have them. */
async function totals(project: string): Promise<Row> {
  const found: Record<string, unknown> = {}
  for (const [source, calls] of [
    ['usage_hourly', 'sum(calls)'],
    ['usage_user_daily', 'sum(calls)'],
    ['llm_calls', 'toInt64(count())'],
  ] as const) {
    const [row] = await engine.clickhouse.query(
      `SELECT ${calls} AS calls, sum(total_cost) AS cost, toInt64(sum(input_tokens)) AS input FROM ${source} WHERE project_id = {project:String}`,
      { project },
    )
    found[source] = row
  }
  return found
}

const everywhere = (row: Row): Row => ({ usage_hourly: row, usage_user_daily: row, llm_calls: row })

describe('an insert', () => {
  test('sent twice with its token counts once, in the table and in the rollups', async () => {
    const rows = [spanRow('a1', { project_id: 'once' }), spanRow('a2', { project_id: 'once' })]
    await insert(rows, 'once')
    await insert(rows, 'once')
    expect(await totals('once')).toEqual(everywhere({ calls: '2', cost: '1.5', input: '200' }))
    expect(await engine.clickhouse.query("SELECT count() AS rows FROM spans WHERE project_id = 'once'")).toEqual([
      { rows: '2' },
    ])
  })

  test('over several weeks and hours counts once, too', async () => {
    const weekNano = 7n * 86_400n * 1_000_000_000n
    const start = BigInt(Date.now()) * 1_000_000n
    const rows = Array.from({ length: 8 }, (_, i) =>
      spanRow(`w${i}`, { project_id: 'weeks', start_time: start - BigInt(i) * weekNano }),
    )
    for (let tries = 0; tries < 3; tries++) await insert(rows, 'weeks')
    expect(await totals('weeks')).toEqual(everywhere({ calls: '8', cost: '6', input: '800' }))
  })

  test('whose rollup looks like that of another is still another', async () => {
    await insert([spanRow('s1', { project_id: 'alike' })], 'alike-1')
    await insert([spanRow('s2', { project_id: 'alike' })], 'alike-2')
    expect(await totals('alike')).toEqual(everywhere({ calls: '2', cost: '1.5', input: '200' }))
  })
})

describe('a correction', () => {
  const aggregate = {
    revision: 1,
    total_cost: null,
    cost_status: 'not_billed',
    cost_reason: 'aggregate',
    counted_as: 'b1',
  }

  test('moves rows and rollups together, to the last digit, before and after a merge, however often it is sent', async () => {
    const row = (id: string, given: Row = {}): Row => spanRow(id, { project_id: 'moved', ...given })
    await insert([row('b1'), row('b2')])
    for (let tries = 0; tries < 2; tries++) {
      await insert([row('b2', { revision: 1, sign: -1 }), row('b2', aggregate)], 'moved-correction')
    }
    const want = everywhere({ calls: '1', cost: '0.75', input: '100' })
    expect(await totals('moved')).toEqual(want)
    for (const table of ['spans', 'usage_hourly', 'usage_user_daily']) {
      await engine.clickhouse.command(`OPTIMIZE TABLE ${table} FINAL`)
    }
    expect(await totals('moved')).toEqual(want)
    const kept = await engine.clickhouse.query(
      "SELECT span_id, revision, sign, version FROM spans WHERE project_id = 'moved' ORDER BY span_id",
    )
    expect(kept).toEqual([
      { span_id: 'b1', revision: 0, sign: 1, version: '1' },
      { span_id: 'b2', revision: 1, sign: 1, version: '3' },
    ])
  })

  test('of a correction: the highest revision is the state, in whatever order they arrive', async () => {
    const row = (given: Row): Row => spanRow('r', { project_id: 'order', ...given })
    const states = [0, 1, 2].map((revision) => ({
      revision,
      user_id: `user-${revision}`,
      total_cost: BigInt(revision) * 10n ** 12n,
    }))
    const pairs = states.map((state, i) => [
      row(state),
      ...(i === 0 ? [] : [row({ ...states[i - 1], revision: i, sign: -1 })]),
    ])
    for (const at of [2, 0, 1]) await insert(pairs[at] ?? [])
    expect(
      await engine.clickhouse.query("SELECT user_id, revision, sign FROM spans FINAL WHERE project_id = 'order'"),
    ).toEqual([{ user_id: 'user-2', revision: 2, sign: 1 }])
    expect(await totals('order')).toEqual(everywhere({ calls: '1', cost: '2', input: '100' }))
    const users = await engine.clickhouse.query(
      "SELECT user_id, sum(calls) AS calls, sum(total_cost) AS cost FROM usage_user_daily WHERE project_id = 'order' GROUP BY user_id HAVING calls != 0",
    )
    expect(users).toEqual([{ user_id: 'user-2', calls: '1', cost: '2' }])
  })

  test('leaves latencies alone: they are of first writes', async () => {
    const row = (given: Row): Row =>
      spanRow('l', { project_id: 'latency', duration_ns: 1_000_000_000n, ttft_ns: 1_000_000n, ...given })
    await insert([row({})])
    await insert([
      row({ revision: 1, sign: -1 }),
      row({ revision: 1, duration_ns: 9_000_000_000n, ttft_ns: 9_000_000n }),
    ])
    const [digests] = await engine.clickhouse.query(
      `SELECT quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(latency_ms)[1] AS latency, quantilesTDigestIfMerge(0.5, 0.9, 0.95, 0.99)(ttft_ms)[1] AS ttft,
      sum(duration_ns) AS duration FROM usage_hourly WHERE project_id = 'latency'`,
    )
    expect(digests).toEqual({ latency: 1000, ttft: 1, duration: '9000000000' })
  })
})

test('what is no call of a model is in no total; what has no price is counted and not summed', async () => {
  const row = (id: string, given: Row = {}): Row => spanRow(id, { project_id: 'kinds', ...given })
  const reasons = ['aggregate', 'duplicate', 'replayed', 'not_a_model_call']
  await insert([
    ...reasons.map((reason) =>
      row(reason, { kind: 'agent', total_cost: null, cost_status: 'not_billed', cost_reason: reason }),
    ),
    row('failed', {
      total_cost: null,
      cost_status: 'not_billed',
      cost_reason: 'failed_no_usage',
      status: 'error',
      input_tokens: null,
    }),
    row('unknown', { total_cost: null, cost_status: 'unpriced', cost_reason: 'unknown_model', input_tokens: null }),
    row('part', { cost_status: 'partial', cost_reason: 'no_rate', total_cost: 1n }),
    row('carrier', { kind: 'agent' }),
  ])
  const [row1] = await engine.clickhouse.query(
    `SELECT sum(calls) AS calls, sum(errors) AS errors, sum(priced_calls) AS priced, sum(partial_calls) AS partial,
    sum(unpriced_calls) AS unpriced, sum(total_cost) AS cost, sum(input_tokens) AS input FROM usage_hourly WHERE project_id = 'kinds'`,
  )
  expect(row1).toEqual({
    calls: '4',
    errors: '1',
    priced: '2',
    partial: '1',
    unpriced: '1',
    cost: '0.750000000001',
    input: '200',
  })
  const [none] = await engine.clickhouse.query(
    "SELECT sum(total_cost) AS cost, sum(input_tokens) AS input FROM llm_calls WHERE project_id = 'kinds' AND span_id = 'unknown'",
  )
  expect(none).toEqual({ cost: null, input: null })
})

test('sums neither wrap nor round: the largest counts, the smallest and the largest money', async () => {
  const row = (id: string, given: Row = {}): Row =>
    spanRow(id, { project_id: 'large', input_tokens: 2n ** 40n, total_cost: 999_999n * 10n ** 12n + 1n, ...given })
  const rows = Array.from({ length: 1000 }, (_, i) => row(`n${i}`))
  await insert(rows)
  expect(await totals('large')).toEqual(
    everywhere({ calls: '1000', cost: '999999000.000000001', input: String(1000n * 2n ** 40n) }),
  )
  // More cancelled than there ever was shows as negative numbers, which reconciling finds, and not as 2^64.
  await insert(rows.map((each) => ({ ...each, revision: 1, sign: -1 })))
  await insert(rows.slice(0, 1).map((each) => ({ ...each, revision: 2, sign: -1 })))
  const [sums] = await engine.clickhouse.query(
    "SELECT sum(calls) AS calls, sum(total_cost) AS cost, sum(input_tokens) AS input FROM usage_hourly WHERE project_id = 'large'",
  )
  expect(sums).toEqual({ calls: '-1', cost: '-999999.000000000001', input: String(-(2n ** 40n)) })
})

test('every counter of usage_hourly equals its sum over llm_calls, in every group, after any history', async () => {
  const random = dice(20_261_124)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const hourNano = 3_600_000_000_000n
  // Recent, or retention would drop them.
  const start = BigInt(Date.now() - 3 * 86_400_000) * 1_000_000n
  const money = (): bigint | null => (random() < 0.3 ? null : BigInt(Math.floor(random() * 1e15)))
  const state = (): Row => ({
    user_id: pick(['', 'u1', 'u2']),
    env: pick(['prod', 'test']),
    feature: pick(['', 'search', 'chat']),
    model: pick(['m1', 'm2']),
    status: pick(['ok', 'error']),
    cost_status: pick(['priced', 'partial', 'unpriced', 'invalid', 'not_billed', 'reported', 'estimated']),
    cost_reason: pick(['', '', 'aggregate', 'duplicate', 'replayed', 'not_a_model_call', 'failed_no_usage']),
    input_tokens: random() < 0.2 ? null : Math.floor(random() * 1e6),
    output_tokens: random() < 0.2 ? null : Math.floor(random() * 1e4),
    cache_read_tokens: Math.floor(random() * 100),
    cache_write_tokens: Math.floor(random() * 100),
    reasoning_tokens: Math.floor(random() * 100),
    input_cost: money(),
    cache_read_cost: money(),
    cache_write_cost: money(),
    output_cost: money(),
    other_cost: money(),
    total_cost: money(),
    reported_cost: money(),
    pricing_currency_cost: money(),
    duration_ns: BigInt(Math.floor(random() * 1e10)),
  })
  let rows: Row[] = Array.from({ length: 400 }, (_, i) =>
    spanRow(`p${i}`, {
      project_id: 'property',
      kind: pick(['llm', 'agent', 'embedding']),
      start_time: start + BigInt(i % 30) * hourNano,
      ...state(),
    }),
  )
  await insert(rows)
  for (let revision = 1; revision <= 3; revision++) {
    const corrected = new Map(rows.filter(() => random() < 0.4).map((row) => [row, { ...row, ...state(), revision }]))
    await insert([...corrected].flatMap(([row, next]) => [{ ...row, revision, sign: -1 }, next]))
    rows = rows.map((row) => corrected.get(row) ?? row)
  }
  const groups = 'project_id, hour, kind, env, service, feature, provider, model, price_book'
  const counters: Readonly<Record<string, string>> = {
    calls: 'count()',
    errors: "countIf(status = 'error')",
    priced_calls: 'countIf(total_cost IS NOT NULL)',
    partial_calls: "countIf(cost_status = 'partial')",
    unpriced_calls: "countIf(cost_status IN ('unpriced', 'invalid'))",
    estimated_calls: "countIf(cost_status = 'estimated')",
    other_currency_calls: 'countIf(total_cost IS NULL AND pricing_currency_cost IS NOT NULL)',
    estimated_cost: "sumIf(ifNull(total_cost, 0), cost_status = 'estimated')",
    whole_calls: "countIf(total_cost IS NOT NULL AND cost_status IN ('priced', 'reported', 'estimated'))",
    whole_cost: "sumIf(ifNull(total_cost, 0), cost_status IN ('priced', 'reported', 'estimated'))",
    cache_cost: 'sum(ifNull(cache_read_cost, 0) + ifNull(cache_write_cost, 0))',
    ...Object.fromEntries(
      [
        'input_tokens',
        'output_tokens',
        'cache_read_tokens',
        'cache_write_tokens',
        'reasoning_tokens',
        'input_cost',
        'output_cost',
        'other_cost',
        'total_cost',
        'reported_cost',
        'duration_ns',
      ].map((name) => [name, `sum(ifNull(${name}, 0))`]),
    ),
  }
  const numeric = await engine.clickhouse.query<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = {db:String} AND table = 'usage_hourly' AND type LIKE 'SimpleAggregateFunction%' ORDER BY name",
    { db: engine.database },
  )
  expect(Object.keys(counters).sort()).toEqual(numeric.map(({ name }) => name))
  const names = Object.keys(counters)
  const text = (sql: (name: string) => string): string =>
    names.map((name) => `toString(${sql(name)}) AS ${name}_`).join(', ')
  const rolled = await engine.clickhouse.query(
    `SELECT ${groups}, ${text((name) => `sum(r.${name})`)} FROM usage_hourly AS r WHERE project_id = 'property' GROUP BY ${groups} HAVING sum(r.calls) != 0 ORDER BY ${groups}`,
  )
  const summed = await engine.clickhouse.query(
    `SELECT ${groups}, ${text((name) => counters[name] ?? '')} FROM (SELECT *, toStartOfHour(start_time) AS hour FROM llm_calls WHERE project_id = 'property') GROUP BY ${groups} ORDER BY ${groups}`,
  )
  expect(rolled).toEqual(summed)
  expect(rolled.length).toBeGreaterThan(100)
  const emptied = await engine.clickhouse.query(
    `SELECT ${groups} FROM usage_hourly AS r WHERE project_id = 'property' GROUP BY ${groups}
    HAVING sum(r.calls) = 0 AND (sum(r.total_cost) != 0 OR sum(r.input_tokens) != 0 OR sum(r.duration_ns) != 0)`,
  )
  expect(emptied).toEqual([])
  const daily = 'project_id, day, env, user_id'
  const ofUsers = names.filter((name) =>
    [
      'calls',
      'errors',
      'priced_calls',
      'unpriced_calls',
      'estimated_calls',
      'other_currency_calls',
      'total_cost',
      'estimated_cost',
      'input_tokens',
      'output_tokens',
    ].includes(name),
  )
  const userText = (sql: (name: string) => string): string =>
    ofUsers.map((name) => `toString(${sql(name)}) AS ${name}_`).join(', ')
  expect(
    await engine.clickhouse.query(
      `SELECT ${daily}, ${userText((name) => `sum(r.${name})`)} FROM usage_user_daily AS r WHERE project_id = 'property' GROUP BY ${daily} HAVING sum(r.calls) != 0 ORDER BY ${daily}`,
    ),
  ).toEqual(
    await engine.clickhouse.query(
      `SELECT ${daily}, ${userText((name) => counters[name] ?? '')} FROM llm_calls WHERE project_id = 'property' GROUP BY ${daily} ORDER BY ${daily}`,
    ),
  )
})
