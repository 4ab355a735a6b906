// Switched on, calls without usage are counted from their content, marked on the row, and can be left out of every total.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directory = temporaryDirectory()
let collector: CollectorUnderTest
beforeAll(async () => {
  collector = await startCollector(directory.path, {
    SPANLEDGER_ESTIMATE_USAGE: 'true',
    SPANLEDGER_CONTENT: 'drop',
  })
})
afterAll(async () => {
  await collector?.stop()
  directory.remove()
})

test('an estimated call beside a counted one and one that cannot be counted', async () => {
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.response.model': 'gpt-4o-2024-08-06',
  }
  const startMs = Date.now() - 1000
  const said = (text: string): string => JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: text }] }])
  const spans = [
    { 'gen_ai.input.messages': said('hello world'), 'gen_ai.output.messages': said('hello') },
    { 'gen_ai.usage.input_tokens': 8, 'gen_ai.usage.output_tokens': 1 },
    {},
  ].map((attributes, i) => ({ spanId: `000000000000000${i + 1}`, startMs, attributes: { ...call, ...attributes } }))
  const response = await fetch(`http://${collector.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: tracesRequest({ spans }) as Uint8Array<ArrayBuffer>,
  })
  expect(response.status).toBe(200)
  const clickhouse = collector.ready.clickhouse_http
  await until(async () => (await ask(clickhouse, 'SELECT 1 FROM llm_calls')).length === 3, 5000)

  expect(
    await ask(
      clickhouse,
      'SELECT cost_status, usage_rule, input_tokens, toString(total_cost) AS cost FROM llm_calls ORDER BY span_id',
    ),
  ).toEqual([
    { cost_status: 'estimated', usage_rule: 'estimated:o200k_base', input_tokens: '8', cost: '0.00003' },
    { cost_status: 'priced', usage_rule: 'inclusive:convention', input_tokens: '8', cost: '0.00003' },
    { cost_status: 'unpriced', usage_rule: '', input_tokens: null, cost: null },
  ])
  expect(await ask(clickhouse, 'SELECT count() AS n FROM span_content')).toEqual([{ n: '0' }])
  const answer = await fetch(`http://${collector.ready.api}/api/queries/cost_coverage`)
  const { rows } = (await answer.json()) as { rows: Record<string, unknown>[] }
  expect(rows[0]).toMatchObject({ total_cost: '0.00006', estimated_cost: '0.00003', estimated_calls: 1, calls: 3 })
  const rollup = (): Promise<Record<string, unknown>[]> =>
    ask(
      clickhouse,
      'SELECT toString(sum(u.total_cost)) AS total, toString(sum(u.estimated_cost)) AS estimated, sum(u.estimated_calls) AS calls FROM usage_hourly AS u',
    )
  // The rollup follows within the insert, a moment after the rows.
  await until(async () => (await rollup())[0]?.['calls'] === '1', 5000)
  expect(await rollup()).toEqual([{ total: '0.00006', estimated: '0.00003', calls: '1' }])
})
