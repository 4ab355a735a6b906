// Requests of real clients through the whole pipeline into a real engine, settled, and judged by what the provider billed: as they
// were sent, and in other orders, split and doubled. Then: all ways say the same, and the rollups say what the rows say.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadDialects } from '../../collector/registry.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { priceStored } from '../../collector/settling/price.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import {
  captureNames,
  oneByOne,
  type Sent,
  sentBy,
  startingAt,
  withoutContexts,
  withoutIds,
  withoutSpans,
} from '../captures.ts'
import { dice } from '../dice.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { gatheringStore } from '../engine-store.ts'
import { shuffled } from '../settling/world.ts'
import { billOf } from './bill.ts'
import { judge, type LedgerRow } from './judge.ts'
import { ownCalls } from './not-shown.ts'

const random = dice(20_261_124)
const book = new PriceBook(loadPriceBook())

const arrivedMs = Date.now()

const ways: Readonly<Record<string, (requests: readonly Sent[]) => readonly Sent[]>> = {
  'as sent': (requests) => requests,
  'each request twice': (requests) => requests.flatMap((each) => [each, each]),
  'each record alone, in order': (requests) => oneByOne(requests),
  'each record alone, in reverse': (requests) => oneByOne(requests).reverse(),
  'each record alone, in any order': (requests) => shuffled(oneByOne(requests), random),
  'requests in reverse': (requests) => [...requests].reverse(),
}

/** Other recordings than were made: what is billed is the same all the same, but not each word of the rows. */
const altered: typeof ways = {
  'without ids': (requests) => withoutIds(requests),
  'without contexts': (requests) => withoutContexts(requests),
}

/**
 * Only what is above or below, or the span that a record names, tells that these are no calls of their own: a sum made by hand, a
 * wrapper without usage or id, a log event without an id.
 */
const joinedByContext = [
  'js-langfuse-5-openai-openinference',
  'js-openinference-openllmetry-langchain',
  'py-nested-oi-contrib-openai-retry',
  'py-oi-dspy-litellm',
  'py-adk',
  'py-dual-langfuse5-oi-langchain',
  'py-dual-oi-llama-openai',
  'py-dual-oi-traceloop-bedrock',
  'py-dual-traceloop-agents-openai',
  'py-triple-oi-dspy-litellm-openai',
  'py-dual-langsmith-oi',
]

/** A client and its gateway, two services in traces of their own: nothing but the answer's id says that their calls are the same. */
const joinedById = ['py-litellm-proxy-oi-openai']

/** Its rounds are told apart by the tools between them. */
const joinedBySteps = ['java-spring-ai-10-loop', 'java-spring-ai-11-loop']

const withoutSteps = 'without the spans between its calls'

/** The project of all clients, each beginning at one instant. */
const allAtOnce = 'all clients at once'

/** That an answer of Claude has no id is what tells a stream of it from an answer as a whole. */
const toldByNoId = ['js-openllmetry-langchain', 'js-openinference-openllmetry-langchain', 'js-oi-traceloop-langchain-1']

const captures = captureNames()
let engine: TestEngine
let calls: Rows
let spans: Rows

beforeAll(async () => {
  engine = await startTestEngine()
  const { clickhouse } = engine
  const store = gatheringStore(engine)
  const pipeline = new Pipeline({
    store,
    dialects: await loadDialects(),
    book: () => book,
    // All in one millisecond: the time of arrival does not tell requests apart.
    now: () => arrivedMs,
    settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
  for (const capture of captures)
    for (const [way, change] of Object.entries({ ...ways, ...altered }))
      await Promise.all(change(sentBy(capture)).map(({ signal, body }) => pipeline[signal](body, `${capture}: ${way}`)))
  const instantNs = BigInt(arrivedMs - 3_600_000) * 1_000_000n
  for (const capture of captures)
    await Promise.all(
      startingAt(sentBy(capture), instantNs).map(({ signal, body }) => pipeline[signal](body, allAtOnce)),
    )
  await store.flush()
  const pass = {
    clickhouse,
    now: Date.now,
    price: (rows: Parameters<typeof priceStored>[2]) => priceStored(clickhouse, { bookFor: () => book }, rows),
  }
  const span = { sinceMs: 0, untilMs: Date.now() + 1000 }
  await settlePass(pass, span)
  expect((await settlePass(pass, span)).changes).toBe(0)
  const steps = await clickhouse.query<{ id: string }>(
    "SELECT DISTINCT concat(trace_id, ' ', span_id) AS id FROM spans WHERE cost_reason = 'not_a_model_call'",
  )
  const ids = new Set(steps.map(({ id }) => id))
  for (const capture of captures)
    await Promise.all(
      withoutSpans(sentBy(capture), ids).map(({ signal, body }) =>
        pipeline[signal](body, `${capture}: ${withoutSteps}`),
      ),
    )
  await store.flush()
  await settlePass(pass, { sinceMs: 0, untilMs: Date.now() + 1000 })
  calls = byProject(await clickhouse.query(callsSql))
  spans = byProject(await clickhouse.query(spansSql))
}, 120_000)
afterAll(() => engine.stop())

const callsSql = `SELECT project_id, span_id, name, status, model, response_id, toFloat64(input_tokens) AS input_tokens,
  toFloat64(output_tokens) AS output_tokens, toFloat64(cache_read_tokens) AS cache_read_tokens,
  toFloat64(cache_write_tokens) AS cache_write_tokens, toFloat64(reasoning_tokens) AS reasoning_tokens, usage_other, cost_status,
  toString(total_cost) AS cost, toFloat64(toUnixTimestamp64Milli(start_time)) + duration_ms AS end_ms
FROM llm_calls
WHERE kind IN ('llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'moderation') OR total_cost IS NOT NULL
ORDER BY start_time, span_id`

const spansSql = `SELECT project_id, trace_id, span_id, cost_status, cost_reason, counted_as, toString(total_cost) AS cost, price_entry, price_book,
  provider, model, cost_flags, user_id, session_id, feature, attempt, attempts, input_tokens, output_tokens, cache_read_tokens,
  cache_write_tokens, reasoning_tokens
FROM spans FINAL ORDER BY trace_id, span_id`

type Rows = ReadonlyMap<string, readonly object[]>

/** Rows of each project, which they then no longer name. */
function byProject(rows: readonly Record<string, unknown>[]): Rows {
  const groups = Map.groupBy(rows, ({ project_id }) => String(project_id))
  return new Map([...groups].map(([project, of]) => [project, of.map(({ project_id: _, ...row }) => row)]))
}

describe.each(captures)('%s', (capture) => {
  test.each([...Object.keys({ ...ways, ...altered }), withoutSteps])(
    'sent %s is billed as the provider billed it',
    (way) => {
      if (way === 'without contexts' && joinedByContext.includes(capture)) return
      if (way === 'without ids' && [...joinedById, ...toldByNoId].includes(capture)) return
      if (way === withoutSteps && joinedBySteps.includes(capture)) return
      const rows = (calls.get(`${capture}: ${way}`) ?? []) as readonly LedgerRow[]
      const { faults, ...counts } = judge(billOf(capture), rows, book, ownCalls[capture])
      if (way === 'as sent' && process.env['SHOW_JUDGEMENT'] === '1')
        console.log(`${capture} | ${counts.exact}/${counts.known} | ${counts.otherMoney}`)
      expect(faults).toEqual([])
    },
  )

  test.each(Object.keys(ways).slice(1))('sent %s says the same', (way) => {
    expect(spans.get(`${capture}: ${way}`)).toEqual(spans.get(`${capture}: as sent`))
  })
})

test('clients that call at the same time keep their calls apart', () => {
  const billed = (rows: readonly object[]): string[] =>
    (rows as readonly LedgerRow[]).flatMap(({ model, cost }) => (cost === null ? [] : [`${model} ${cost}`])).sort()
  const apart = captures.flatMap((capture) => calls.get(`${capture}: as sent`) ?? [])
  expect(billed(apart).length).toBeGreaterThan(1000)
  expect(billed(calls.get(allAtOnce) ?? [])).toEqual(billed(apart))
})

test('the rollups say what the rows say', async () => {
  const groups = 'project_id, kind, provider, model, feature'
  const sums = (calls: string): string => `toString(${calls}) AS n, toString(sum(t.total_cost)) AS cost`
  const ofRows = await engine.clickhouse.query(
    `SELECT ${groups}, ${sums('count()')} FROM llm_calls AS t GROUP BY ${groups} ORDER BY ${groups}`,
  )
  const ofRollup = await engine.clickhouse.query(
    `SELECT ${groups}, ${sums('sum(t.calls)')} FROM usage_hourly AS t GROUP BY ${groups} HAVING sum(t.calls) != 0 ORDER BY ${groups}`,
  )
  const known = (rows: Record<string, unknown>[]): unknown[] =>
    rows.map((row) => ({ ...row, cost: row['cost'] ?? '0' }))
  expect(known(ofRollup)).toEqual(known(ofRows))
})
