// Log events that tell of calls, through the pipeline into a real engine: once, with or without their span, before or after it,
// and without a word of what was said where content is not kept.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pipeline } from '../collector/pipeline.ts'
import { loadPriceBook } from '../collector/price-files.ts'
import { loadDialects } from '../collector/registry.ts'
import { settlePass } from '../collector/settling/pass.ts'
import { priceStored } from '../collector/settling/price.ts'
import { PriceBook } from '../processors/pricing/book.ts'
import { startTestEngine, type TestEngine } from './engine.ts'
import { engineStore } from './engine-store.ts'
import { logsRequest, tracesRequest } from './otlp-messages.ts'

const book = new PriceBook(loadPriceBook())
const dialects = await loadDialects()
const startMs = Date.now() - 60_000
const resource = { 'service.name': 'cli' }
let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

function pipelineOf(keepContent: boolean): Pipeline {
  return new Pipeline({
    store: engineStore(engine),
    dialects,
    book: () => book,
    settings: { keepContent, retentionDays: 90, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
}

const traceId = '11'.repeat(16)
const usage = { 'gen_ai.usage.input_tokens': 1000, 'gen_ai.usage.output_tokens': 100 }
const call = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4.1-2025-04-14',
  'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"a secret"}]}]',
}

function spanRequest(given: object = {}): Uint8Array {
  const span = {
    traceId,
    spanId: 'aaaa000000000001',
    startMs,
    durationMs: 1000,
    attributes: { ...call, ...usage },
    ...given,
  }
  return tracesRequest({ scope: 'sdk', resource, spans: [span] })
}

function eventRequest(given: object = {}): Uint8Array {
  const record = {
    eventName: 'gen_ai.client.inference.operation.details',
    timeMs: startMs + 1000,
    traceId,
    spanId: 'aaaa000000000001',
    attributes: { ...call, ...usage },
    ...given,
  }
  return logsRequest({ scope: 'sdk', resource, records: [record] })
}

async function billed(project: string): Promise<unknown> {
  const price = (rows: Parameters<typeof priceStored>[2]) =>
    priceStored(engine.clickhouse, { bookFor: () => book }, rows)
  await settlePass(
    { clickhouse: engine.clickhouse, now: Date.now, price },
    { sinceMs: 0, untilMs: Date.now() + 60_000 },
  )
  const [rows, rollup] = await Promise.all([
    engine.clickhouse.query(
      `SELECT span_kind, toString(total_cost) AS cost FROM llm_calls WHERE project_id = {project:String}`,
      { project },
    ),
    engine.clickhouse.query(
      `SELECT toString(sum(u.calls)) AS calls, toString(sum(u.total_cost)) AS cost FROM usage_hourly AS u WHERE project_id = {project:String}`,
      { project },
    ),
  ])
  return { rows, rollup }
}

const once = (spanKind: string): unknown => ({
  rows: [{ span_kind: spanKind, cost: '0.0028' }],
  rollup: [{ calls: '1', cost: '0.0028' }],
})

test('an event alone is a call, also when its request is sent again', async () => {
  const pipeline = pipelineOf(true)
  for (let i = 0; i < 3; i++) await pipeline.logs(eventRequest(), 'alone')
  expect(await billed('alone')).toEqual(once('event'))
})

test('an event before, after or between two sendings of its span is that span’s call', async () => {
  const ways = {
    before: ['logs', 'traces'],
    after: ['traces', 'logs'],
    between: ['traces', 'logs', 'traces', 'logs'],
  } as const
  const pipeline = pipelineOf(true)
  for (const [project, signals] of Object.entries(ways))
    for (const signal of signals) await pipeline[signal](signal === 'logs' ? eventRequest() : spanRequest(), project)
  for (const project of Object.keys(ways)) expect(await billed(project)).toEqual(once('client'))
})

test('of an event and a span without usage the event carries the money', async () => {
  const pipeline = pipelineOf(true)
  await pipeline.traces(spanRequest({ attributes: call }), 'unknown')
  await pipeline.logs(eventRequest(), 'unknown')
  expect(await billed('unknown')).toEqual(once('event'))
})

test('an event within its span is that span’s call, also where it counts otherwise', async () => {
  const pipeline = pipelineOf(true)
  const attributes = { ...call, 'gen_ai.usage.input_tokens': 1100, 'gen_ai.usage.output_tokens': 130 }
  await pipeline.logs(eventRequest({ attributes }), 'otherwise')
  await pipeline.traces(spanRequest(), 'otherwise')
  expect(await billed('otherwise')).toEqual(once('client'))
})

test('an event of another call in the context of an agent is a call of its own', async () => {
  const pipeline = pipelineOf(true)
  await pipeline.traces(spanRequest(), 'two')
  const attributes = { ...call, 'gen_ai.usage.input_tokens': 2000, 'gen_ai.usage.output_tokens': 200 }
  await pipeline.logs(eventRequest({ spanId: 'bbbb000000000001', attributes }), 'two')
  expect(await billed('two')).toMatchObject({ rollup: [{ calls: '2', cost: '0.0084' }] })
})

test('without content, no word of a message is kept of a record or its row; with it, on the record alone', async () => {
  const prompt = {
    body: 'claude_code.user_prompt',
    timeMs: startMs,
    attributes: { 'event.name': 'user_prompt', 'session.id': 's', 'prompt.id': 'p', prompt: 'a secret' },
  }
  const request = logsRequest({ scope: 'com.anthropic.claude_code.events', resource, records: [prompt] })
  for (const keepContent of [true, false]) {
    const project = `content ${keepContent}`
    const pipeline = pipelineOf(keepContent)
    await pipeline.logs(request, project)
    await pipeline.logs(eventRequest(), project)
    const [found] = await engine.clickhouse.query<Record<string, number>>(
      `SELECT (SELECT countIf(toString(attributes) LIKE '%secret%') FROM logs WHERE project_id = {project:String}) AS logs,
        (SELECT count() FROM logs WHERE project_id = {project:String}) AS records,
        (SELECT countIf(toString(attributes) LIKE '%secret%') FROM spans WHERE project_id = {project:String}) AS spans,
        (SELECT count() FROM span_content WHERE project_id = {project:String}) AS content`,
      { project },
    )
    const numbers = Object.fromEntries(Object.entries(found ?? {}).map(([name, value]) => [name, Number(value)]))
    expect(numbers).toEqual({ logs: keepContent ? 2 : 0, records: 2, spans: 0, content: 0 })
  }
})

test('an answer waits for the rows of calls as it does for the records', async () => {
  const pipeline = new Pipeline({
    store: { append: (records) => (records.length > 0 ? Promise.reject(new Error('disk full')) : Promise.resolve()) },
    dialects,
    book: () => book,
    settings: { keepContent: true, retentionDays: 90, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
  await expect(pipeline.logs(eventRequest(), 'p')).rejects.toThrow('disk full')
})
