// Exports, comparisons and Langfuse's reading in the cluster form, on two shards: content and scores of a call may be on another one.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyPage, parquetOf, type Reader, rowsOf } from '../../collector/exporting/export.ts'
import { selectionOf, type What } from '../../collector/exporting/selection.ts'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { type Shards, startShards } from '../clickhouse/shards.ts'

const nowMs = Date.now()
const calls = 40
let running: Shards
let reader: Reader

beforeAll(async () => {
  running = await startShards()
  const [first] = running.shards
  if (first === undefined) throw new Error('shards are needed')
  reader = first
  const settings = { distributed_foreground_insert: 1 } as const
  await first.command(
    `INSERT INTO spans (project_id, kind, start_time, ingested_at, trace_id, span_id, model, total_cost, cost_status, retention_days, sign)
    SELECT 'default', 'llm', now64(9) - toIntervalMinute(number), now(), concat('t', toString(number)), concat('s', toString(number)), 'gpt-4.1', 0.5, 'priced', 90, 1 FROM numbers(${calls})`,
    {},
    settings,
  )
  await first.command(
    `INSERT INTO span_content (project_id, start_time, trace_id, span_id, input_messages, output_messages, retention_days, ingested_at)
    SELECT project_id, start_time, trace_id, span_id, 'hi', 'Hello', 90, now() FROM spans`,
    {},
    settings,
  )
  await first.command(
    `INSERT INTO scores (project_id, name, created_at, score_id, target, trace_id, span_id, data_type, value, verdict, source, run_name, item_id, resolved, target_time, retention_days, version, is_deleted)
    SELECT 'default', 'tone', now(), concat(span_id, run), 'span', trace_id, span_id, 'numeric', if(run = 'a', 0.2, 0.6), 1, 'eval', run, span_id, 1, now(), 400, 1, 0
    FROM spans ARRAY JOIN ['a', 'b'] AS run`,
    {},
    settings,
  )
})
afterAll(() => running?.stop())

async function read(what: What, given: Record<string, string>) {
  const bounds = { nowMs: nowMs + 60_000, limitDefault: 100, limitMax: 100 }
  const selection = selectionOf(given, { what, project: 'default', bounds })
  const page = await keyPage(reader, selection)
  const rows: Readonly<Record<string, unknown>>[] = []
  for await (const row of rowsOf(reader, selection, page.keys)) rows.push(row)
  return { selection, page, rows }
}

test.each<[What, Record<string, string>]>([
  ['calls', {}],
  ['calls', { verdict: 'good', order: 'cost' }],
  ['traces', { run: 'a' }],
])('%s by %o come whole', async (what, given) => {
  const { rows, selection, page } = await read(what, given)
  expect(rows).toHaveLength(calls)
  for (const row of rows) {
    expect(row).toMatchObject({ input_messages: 'hi', output_messages: 'Hello' })
    expect(row['scores']).toHaveLength(2)
  }
  const parts: Uint8Array[] = []
  for await (const part of await parquetOf(reader, { ...selection, format: 'parquet' }, page)) parts.push(part)
  const file = Buffer.concat(parts).toString('base64')
  const [sums] = await reader.query(
    `SELECT count() AS rows, countIf(input_messages = 'hi') AS said, sum(length(scores)) AS scores FROM format(Parquet, base64Decode({file:String}))`,
    { file },
  )
  expect(sums).toEqual({ rows: String(calls), said: String(calls), scores: String(2 * calls) })
})

test('runs are compared over all shards', async () => {
  const query = loadQueries().find(({ id }) => id === 'compare_runs')!
  expect(await runQuery(reader, query, { a: 'a', b: 'b' })).toMatchObject([
    { a_items: calls, pairs: calls, b_wins: calls, a_cost: '20', b_cost: '20' },
  ])
})

test("Langfuse's lists and metrics count all shards", async () => {
  const queries = loadQueries(new URL('../../schemas/langfuse/', import.meta.url))
  const ask = (id: string) => runQuery(reader, queries.find((query) => query.id === id)!, { limit: 5 })
  expect(await ask('traces')).toHaveLength(5)
  expect(await ask('observations')).toHaveLength(5)
  const daily = queries.find(({ id }) => id === 'metrics_daily')!
  const rows = await runQuery(reader, daily, {})
  const whole = rows.filter((row) => Number(row['is_whole']) === 1)
  expect(whole.reduce((sum, row) => sum + Number(row['calls']), 0)).toBe(calls)
})
