// Bad input of every kind gets a clear error and loses nothing else; two collectors run side by side; Ctrl-C is in order.

import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SpanInput, tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directories = [temporaryDirectory(), temporaryDirectory()]
let collector: CollectorUnderTest
let other: CollectorUnderTest
beforeAll(async () => {
  ;[collector, other] = await Promise.all([startCollector(directories[0]!.path), startCollector(directories[1]!.path)])
})
afterAll(async () => {
  await Promise.all([collector?.stop(), other?.stop()])
  for (const { remove } of directories) remove()
})

const protobuf = { 'content-type': 'application/x-protobuf' }
const usage = (input: number, output: number) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
})
const call = (spanId: string, attributes: SpanInput['attributes'] = {}): SpanInput => ({
  spanId,
  startMs: Date.now() - 1000,
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.response.model': 'gpt-4.1-2025-04-14',
    ...usage(1000, 100),
    ...attributes,
  },
})

async function send(
  body: Uint8Array,
  headers: Record<string, string> = protobuf,
  to = collector,
): Promise<{ status: number; type: string; body: Buffer }> {
  const response = await fetch(`http://${to.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: Buffer.from(await response.arrayBuffer()),
  }
}

async function rowOf(spanId: string, from = collector): Promise<Record<string, string | null>> {
  const sql = `SELECT toString(total_cost) AS cost, cost_status, cost_reason, input_tokens, price_entry, usage_rule FROM llm_calls WHERE span_id = '${spanId}'`
  await until(async () => (await ask(from.ready.clickhouse_http, sql)).length > 0, 5000)
  return (await ask<Record<string, string | null>>(from.ready.clickhouse_http, sql))[0]!
}

describe('refused with the reason, in the encoding of the request', () => {
  const good = tracesRequest({ spans: [call('aaaa000000000001')] })

  test.each([
    {
      name: 'a body that is cut off',
      body: good.slice(0, good.length - 7),
      headers: protobuf,
      status: 400,
      says: /cut off/,
    },
    {
      name: 'a content type we do not read',
      body: good,
      headers: { 'content-type': 'text/csv' },
      status: 415,
      says: /text\/csv/,
    },
    {
      name: 'a content coding we do not read',
      body: good,
      headers: { ...protobuf, 'content-encoding': 'br' },
      status: 415,
      says: /br/,
    },
    {
      name: 'gzip that is none',
      body: good,
      headers: { ...protobuf, 'content-encoding': 'gzip' },
      status: 400,
      says: /gzip/,
    },
    {
      name: 'JSON that is none',
      body: Buffer.from('{"resourceSpans":['),
      headers: { 'content-type': 'application/json' },
      status: 400,
      says: /./,
    },
  ])('$name', async ({ body, headers, status, says }) => {
    const answer = await send(body, headers)
    expect(answer.status).toBe(status)
    expect(answer.body.toString('latin1')).toMatch(says)
    expect(answer.type).toMatch(headers === protobuf ? /protobuf/ : /json|protobuf/)
  })

  test('and a good request right after it is taken', async () => {
    expect((await send(gzipSync(good), { ...protobuf, 'content-encoding': 'gzip' })).status).toBe(200)
    // 1,000 × 2 + 100 × 8 USD per million.
    expect(await rowOf('aaaa000000000001')).toMatchObject({ cost: '0.0028', cost_status: 'priced' })
  })
})

test('a span with an id of zeros is rejected alone, and the answer says which', async () => {
  const answer = await send(
    tracesRequest({
      spans: [call('bbbb000000000001'), { ...call('0'.repeat(16)), name: 'the bad one' }, call('bbbb000000000002')],
    }),
  )
  expect(answer.status).toBe(200)
  expect(answer.body.toString()).toContain('the bad one')
  expect(answer.body.subarray(2, 4)).toEqual(Buffer.from([8, 1]))
  for (const id of ['bbbb000000000001', 'bbbb000000000002']) expect(await rowOf(id)).toMatchObject({ cost: '0.0028' })
})

test('impossible and unknown usage has no cost, and its reason', async () => {
  const spans = [
    call('cccc000000000001', { 'gen_ai.usage.input_tokens': -5 }),
    call('cccc000000000002', { 'gen_ai.response.model': 'gpt-99-ultra' }),
    call('cccc000000000003', { 'gen_ai.provider.name': 'nobody' }),
  ]
  expect((await send(tracesRequest({ spans }))).status).toBe(200)
  expect(await rowOf('cccc000000000001')).toMatchObject({
    cost: null,
    cost_status: 'invalid',
    cost_reason: 'bad_quantity',
    input_tokens: null,
  })
  expect(await rowOf('cccc000000000002')).toMatchObject({
    cost: null,
    cost_status: 'unpriced',
    cost_reason: 'unknown_model',
    input_tokens: '1000',
  })
  expect(await rowOf('cccc000000000003')).toMatchObject({
    cost: null,
    cost_status: 'unpriced',
    cost_reason: 'unknown_provider',
  })
})

test('two collectors with their own directories and ports keep their books apart', async () => {
  await send(tracesRequest({ spans: [call('dddd000000000001')] }), protobuf, other)
  expect(await rowOf('dddd000000000001', other)).toMatchObject({ cost: '0.0028' })
  expect(await ask(collector.ready.clickhouse_http, "SELECT 1 FROM spans WHERE span_id = 'dddd000000000001'")).toEqual(
    [],
  )
})

test('a second collector on the same directory is refused and says why', async () => {
  await expect(startCollector(directories[0]!.path)).rejects.toThrow(/in use|another process|lock/i)
})

test('at rest every span received is stored, journalled, refused or quarantined', async () => {
  const text = await (await fetch(`http://${collector.ready.admin}/metrics`)).text()
  const value = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(name) && !line.startsWith('#'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  expect(value('spanledger_spans_received_total')).toBeGreaterThan(0)
  expect(value('spanledger_spans_received_total')).toBe(
    value('spanledger_spans_stored_total') +
      value('spanledger_spans_journalled') +
      value('spanledger_spans_refused_total') +
      value('spanledger_spans_quarantined_total'),
  )
})

test('Ctrl-C ends it in order in under 5 s', async () => {
  const { code, ms } = await other.stop()
  expect(code).toBe(0)
  expect(ms).toBeLessThan(5000)
})
