// Requests of real clients through the whole pipeline into a real engine, settled, and judged by what the provider billed: as they
// were sent, and in other orders, split and doubled. Then: all ways say the same, and the rollups say what the rows say.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { captureNames, oneByOne, type Sent, sentBy } from '../captures.ts'
import { dice } from '../dice.ts'
import { shuffled } from '../settling/world.ts'
import { startingAt, withoutContexts, withoutIds, withoutSpans } from './altered.ts'
import { billOf } from './bill.ts'
import { judge, type LedgerRow } from './judge.ts'
import { book, CaptureLedger, type Rows } from './ledger.ts'
import { ownCalls } from './not-shown.ts'

const random = dice(20_261_124)
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
  'py-oi-haystack-0121',
]

/** A client and its gateway, an agent and its stream, in traces of their own: nothing but the answer's id says that their calls are the same. */
const joinedById = ['py-litellm-proxy-oi-openai', 'py-maf-rc']

/** Rounds are told apart by the tools between them; a gateway's calls are known by the requests above them. */
const joinedBySteps = ['java-spring-ai-10-loop', 'java-spring-ai-11-loop', 'py-litellm-proxy-oi-embeddings']

const withoutSteps = 'without the spans between its calls'

/** The project of all clients, each beginning at one instant. */
const allAtOnce = 'all clients at once'

/** That an answer of Claude has no id is what tells a stream of it from an answer as a whole. */
const toldByNoId = ['js-openllmetry-langchain', 'js-openinference-openllmetry-langchain', 'js-oi-traceloop-langchain-1']

const captures = captureNames()
let ledger: CaptureLedger
let calls: Rows
let spans: Rows

beforeAll(async () => {
  ledger = await CaptureLedger.start()
  for (const capture of captures)
    for (const [way, change] of Object.entries({ ...ways, ...altered }))
      await ledger.take(change(sentBy(capture)), `${capture}: ${way}`)
  const instantNs = BigInt(ledger.arrivedMs - 3_600_000) * 1_000_000n
  for (const capture of captures) await ledger.take(startingAt(sentBy(capture), instantNs), allAtOnce)
  await ledger.settle()
  expect(await ledger.settle()).toBe(0)
  const steps = await ledger.engine.clickhouse.query<{ id: string }>(
    "SELECT DISTINCT concat(trace_id, ' ', span_id) AS id FROM spans WHERE cost_reason = 'not_a_model_call'",
  )
  const ids = new Set(steps.map(({ id }) => id))
  for (const capture of captures) await ledger.take(withoutSpans(sentBy(capture), ids), `${capture}: ${withoutSteps}`)
  await ledger.settle()
  calls = await ledger.calls()
  spans = await ledger.spans()
}, 120_000)
afterAll(() => ledger.stop())

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
  const ofRows = await ledger.engine.clickhouse.query(
    `SELECT ${groups}, ${sums('count()')} FROM llm_calls AS t GROUP BY ${groups} ORDER BY ${groups}`,
  )
  const ofRollup = await ledger.engine.clickhouse.query(
    `SELECT ${groups}, ${sums('sum(t.calls)')} FROM usage_hourly AS t GROUP BY ${groups} HAVING sum(t.calls) != 0 ORDER BY ${groups}`,
  )
  const known = (rows: Record<string, unknown>[]): unknown[] =>
    rows.map((row) => ({ ...row, cost: row['cost'] ?? '0' }))
  expect(known(ofRollup)).toEqual(known(ofRows))
})
