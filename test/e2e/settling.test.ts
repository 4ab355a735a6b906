// Spans of one call that come in requests of their own, with a restart in between, are one call once their trace is quiet.

import { afterAll, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directory = temporaryDirectory()
let collector: CollectorUnderTest | undefined
afterAll(async () => {
  await collector?.stop()
  directory.remove()
})

async function start(): Promise<CollectorUnderTest> {
  collector = await startCollector(directory.path, { SPANLEDGER_SETTLE_AFTER: '1s' })
  return collector
}

async function send(to: CollectorUnderTest, scope: string, spanId: string, given: object): Promise<void> {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4.1-2025-04-14',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 100,
  }
  const span = { spanId, startMs: Date.now() - 5000, durationMs: 1000, attributes, ...given }
  const response = await fetch(`http://${to.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: tracesRequest({ scope, spans: [span] }) as Uint8Array<ArrayBuffer>,
  })
  expect(response.status).toBe(200)
}

test('a wrapper, its call and a restart between them', { timeout: 30_000 }, async () => {
  const inner = 'aaaa000000000001'
  const outer = 'bbbb000000000001'
  const first = await start()
  await send(first, 'sdk', inner, { parentSpanId: outer })
  expect((await first.stop()).code).toBe(0)
  const second = await start()
  await send(second, 'gateway', outer, {})
  const clickhouse = second.ready.clickhouse_http
  const rows = (): Promise<Record<string, unknown>[]> =>
    ask(
      clickhouse,
      'SELECT span_id, cost_reason, counted_as, toString(total_cost) AS cost FROM spans FINAL ORDER BY span_id',
    )
  await until(async () => (await rows())[1]?.['cost_reason'] === 'duplicate', 15_000)
  expect(await rows()).toEqual([
    { span_id: inner, cost_reason: '', counted_as: '', cost: '0.0028' },
    { span_id: outer, cost_reason: 'duplicate', counted_as: inner, cost: null },
  ])
  const rollup = (): Promise<Record<string, unknown>[]> =>
    ask(clickhouse, 'SELECT toString(sum(u.total_cost)) AS cost, sum(u.calls) AS calls FROM usage_hourly AS u')
  // The rollup follows within the insert, a moment after the rows.
  await until(async () => (await rollup())[0]?.['calls'] === '1', 5000)
  expect(await rollup()).toEqual([{ cost: '0.0028', calls: '1' }])
  const metrics = async (): Promise<string> => (await fetch(`http://${second.ready.admin}/metrics`)).text()
  await until(async () => (await metrics()).includes('spanledger_ledger_corrections_total 1'), 5000)
})

test('a sum in a later request than its calls is never billed', { timeout: 30_000 }, async () => {
  const to = collector ?? (await start())
  const traceId = 'ab'.repeat(16)
  const agent = 'cccc000000000002'
  await send(to, 'sdk', 'cccc000000000001', { traceId, parentSpanId: agent })
  const sum = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 1,
  }
  await send(to, 'framework', agent, { traceId, attributes: sum })
  const rows = (): Promise<Record<string, unknown>[]> =>
    ask(
      to.ready.clickhouse_http,
      `SELECT span_id, revision, cost_reason, counted_as FROM spans WHERE trace_id = '${traceId}' ORDER BY span_id, revision`,
    )
  await until(async () => (await rows()).length === 2, 15_000)
  expect(await rows()).toEqual([
    { span_id: 'cccc000000000001', revision: 0, cost_reason: '', counted_as: '' },
    { span_id: agent, revision: 0, cost_reason: 'aggregate', counted_as: 'cccc000000000001' },
  ])
})
