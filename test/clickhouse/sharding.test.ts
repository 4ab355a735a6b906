// The cluster form on two shards: local tables, Distributed tables, views over them.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClickHouse } from '../../collector/clickhouse/client.ts'
import { type Shards, startShards } from './shards.ts'
import { insertSpans, spanRow } from './span-rows.ts'

let running: Shards
let shards: readonly ClickHouse[] = []
beforeAll(async () => {
  running = await startShards()
  shards = running.shards
})
afterAll(() => running.stop())

const sums = 'SELECT sum(calls) AS calls, sum(total_cost) AS cost FROM'

test('what is inserted at one server is spread by trace, stored once, and the same at every server', async () => {
  const [first, second] = shards as [ClickHouse, ClickHouse]
  const rows = Array.from({ length: 100 }, (_, i) => spanRow(`s${i}`))
  await insertSpans(first, rows, 'sharded-1')
  // The same insert again, perhaps to another server behind the load balancer.
  await insertSpans(first, rows, 'sharded-1')
  await insertSpans(second, rows, 'sharded-1')
  const here = await Promise.all(
    shards.map(async (shard) => Number((await shard.query('SELECT count() AS rows FROM spans_local'))[0]?.['rows'])),
  )
  expect(here[0]).toBeGreaterThan(20)
  expect(here[1]).toBeGreaterThan(20)
  expect((here[0] ?? 0) + (here[1] ?? 0)).toBe(100)
  for (const shard of shards) {
    expect(await shard.query('SELECT toInt64(count()) AS calls, sum(total_cost) AS cost FROM llm_calls')).toEqual([
      { calls: '100', cost: '75' },
    ])
    expect(await shard.query(`${sums} usage_hourly`)).toEqual([{ calls: '100', cost: '75' }])
    expect(await shard.query(`${sums} usage_user_daily`)).toEqual([{ calls: '100', cost: '75' }])
  }
})

test('a correction finds the shard of its span', async () => {
  const [, second] = shards as [ClickHouse, ClickHouse]
  const duplicate = {
    revision: 1,
    total_cost: null,
    cost_status: 'not_billed',
    cost_reason: 'duplicate',
    counted_as: 's2',
  }
  await insertSpans(second, [spanRow('s1', { revision: 1, sign: -1 }), spanRow('s1', duplicate)])
  for (const shard of shards) {
    expect(await shard.query('SELECT toInt64(count()) AS calls, sum(total_cost) AS cost FROM llm_calls')).toEqual([
      { calls: '99', cost: '74.25' },
    ])
    expect(await shard.query(`${sums} usage_hourly`)).toEqual([{ calls: '99', cost: '74.25' }])
    expect(await shard.query("SELECT count() AS spans FROM otel_traces WHERE TraceId = 'trace of s1'")).toEqual([
      { spans: '1' },
    ])
  }
})
