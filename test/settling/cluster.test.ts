// Settling in the cluster form, on two shards: pairs go through the Distributed tables to where their spans are.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { settlePass } from '../../collector/settling/pass.ts'
import { type Shards, startShards } from '../clickhouse/shards.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'

let running: Shards
beforeAll(async () => {
  running = await startShards()
})
afterAll(() => running.stop())

test('calls told twice are put right on all shards', async () => {
  const [first, second] = running.shards
  if (first === undefined || second === undefined) throw new Error('two shards are needed')
  const calls = 40
  const startNano = BigInt(Date.now() - 3_600_000) * 1_000_000n
  const rows = Array.from({ length: calls }, (_, i) => {
    const trace = { trace_id: i.toString(16).padStart(32, '0'), response_id: `answer-${i}`, start_time: startNano }
    const call = { ...trace, service: 'web', request_model: 'gpt-4.1', input_tokens: 100 + i, attempt: 1, attempts: 1 }
    return [
      spanRow(`a${i}`, { ...call, scope_name: 'sdk', parent_span_id: `b${i}` }),
      spanRow(`b${i}`, { ...call, scope_name: 'gateway' }),
    ]
  })
  await insertSpans(first, rows.flat())
  const settle = (untilMs: number) =>
    settlePass({ clickhouse: first, price: async () => [], now: Date.now }, { sinceMs: 0, untilMs })
  expect((await settle(Date.now() + 1000)).changes).toBe(calls)
  expect((await settle(Date.now() + 1000)).changes).toBe(0)
  expect(
    await second.query('SELECT toString(sum(calls)) AS calls, toString(sum(total_cost)) AS cost FROM usage_hourly'),
  ).toEqual([{ calls: '40', cost: '30' }])
  expect(await second.query('SELECT toString(count()) AS rows FROM ledger_corrections')).toEqual([{ rows: '40' }])
}, 60_000)
