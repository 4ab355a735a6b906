// The evaluations of a recorded client come out as its account says, each on the answer it judges, in whatever order and however
// long before their spans the events come.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pipeline } from '../collector/pipeline.ts'
import { loadPriceBook } from '../collector/price-files.ts'
import { loadDialects } from '../collector/registry.ts'
import { ScoreResolver } from '../collector/score-resolver.ts'
import { PriceBook } from '../processors/pricing/book.ts'
import { oneByOne, type Sent, sentBy } from './captures.ts'
import { dice } from './dice.ts'
import { startTestEngine, type TestEngine } from './engine.ts'
import { engineStore } from './engine-store.ts'
import { tracesRequest } from './otlp-messages.ts'

const capture = 'py-evaluations-otel-logs'
const hourMs = 3_600_000
const book = new PriceBook(loadPriceBook())
const dialects = await loadDialects()
const file = (name: string): string =>
  readFileSync(new URL(`fixtures/captures/${capture}/${name}`, import.meta.url), 'utf8')

interface Evaluation {
  readonly name: string
  readonly score: number | null
  readonly label: string
  readonly error: string
  /** Model of the answer that is judged, and its id; without an id where the span above the call is judged; null if unknown. */
  readonly judged: string | null
}

let engine: TestEngine
let projects = 0
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.stop())

const sent = sentBy(capture)
const traces = sent.filter(({ signal }) => signal === 'traces')
const logs = sent.filter(({ signal }) => signal === 'logs')
const shuffled = (requests: readonly Sent[], seed: number): Sent[] => {
  const roll = dice(seed)
  return requests
    .map((each) => ({ each, at: roll() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each)
}

describe('every evaluation is one score on the answer it judges', () => {
  const cases: readonly { readonly name: string; readonly parts: readonly (readonly Sent[])[] }[] = [
    { name: 'as they were sent', parts: [sent] },
    { name: 'in reverse', parts: [sent.toReversed()] },
    { name: 'each request twice', parts: [sent.flatMap((each) => [each, each])] },
    { name: 'each span and record alone, shuffled', parts: [shuffled(oneByOne(sent), 7)] },
    { name: 'each alone and twice, shuffled otherwise', parts: [shuffled([...oneByOne(sent), ...oneByOne(sent)], 11)] },
    { name: 'the logs an hour before the spans', parts: [logs, traces] },
    { name: 'the spans an hour before the logs, one by one', parts: [oneByOne(traces), oneByOne(logs)] },
  ]
  test.each(cases)('$name', async ({ parts }) => {
    const { pipeline, resolver, later } = running(Date.parse('2026-11-22T06:20:10Z'))
    const project = `evaluations-${projects++}`
    for (const requests of parts) {
      for (const { signal, body } of requests) {
        if (signal === 'traces') await pipeline.traces(body, project)
        else await pipeline.logs(body, project)
      }
      for (let round = 0; round < 4; round++) {
        await resolver.runOnce()
        later(60_000)
      }
      later(hourMs)
    }
    await resolver.runOnce()
    expect((await stored(project)).map(textOf).sort()).toEqual(expectedEvaluations().map(textOf).sort())
  })
})

/** What the collector is made of, without doors and journal, at a moved clock. */
function running(startMs: number) {
  let clock = startMs
  const pipeline = new Pipeline({
    store: engineStore(engine),
    dialects,
    book,
    settings: { keepContent: true, retentionDays: 90, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
    now: () => clock,
  })
  const resolver = new ScoreResolver({
    clickhouse: engine.clickhouse,
    appendScores: (rows) => pipeline.appendScores(rows),
    log: { info: () => undefined, warn: () => undefined },
    now: () => clock,
  })
  const later = (ms: number): void => {
    clock += ms
  }
  return { pipeline, resolver, later }
}

test('an evaluator’s span that comes before the call it links to is a score on that call', async () => {
  const project = `evaluations-${projects++}`
  const startMs = Date.now() - 60_000
  const { pipeline, resolver, later } = running(startMs)
  const call = { traceId: 'cc'.repeat(16), spanId: 'c1'.repeat(8) }
  const result = 'evaluations.0.evaluation'
  const judge = {
    'openinference.span.kind': 'EVALUATOR',
    [`${result}.name`]: 'hallucination',
    [`${result}.label`]: 'factual',
    [`${result}.annotator_kind`]: 'LLM',
  }
  const model = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4.1' }
  await pipeline.traces(tracesRequest({ spans: [{ startMs, links: [call], attributes: judge }] }), project)
  await resolver.runOnce()
  later(1000)
  await pipeline.traces(tracesRequest({ spans: [{ ...call, startMs, attributes: model }] }), project)
  later(5000)
  await resolver.runOnce()
  const found = await engine.clickhouse.query(
    'SELECT s.name AS name, s.label AS label, s.verdict AS verdict, s.resolved AS resolved, s.span_id AS span_id, s.model AS model FROM current_scores AS s WHERE s.project_id = {project:String}',
    { project },
  )
  const span_id = call.spanId
  expect(found).toEqual([
    { name: 'hallucination', label: 'factual', verdict: 1, resolved: 1, span_id, model: 'gpt-4.1' },
  ])
})

interface Account {
  readonly telemetry_can_show: {
    readonly expected_evaluations: readonly {
      readonly name: string
      readonly score?: number
      readonly label?: string
      readonly error?: string
      readonly line: number | null
      readonly by: string
    }[]
  }
}

function expectedEvaluations(): Evaluation[] {
  const lines = file('invoice.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; model: string })
  const { telemetry_can_show: account } = JSON.parse(file('about.json')) as Account
  return account.expected_evaluations.map(({ name, score = null, label = '', error = '', line, by }) => {
    const billed = line === null ? undefined : lines[line]
    const id = by.startsWith('trace context of the workflow span only') ? '' : billed?.id
    return { name, score, label, error, judged: billed === undefined ? null : `${billed.model} ${id}` }
  })
}

/** Scores as anybody reads them, with the id of the answer that their target gave. */
function stored(project: string): Promise<Evaluation[]> {
  return engine.clickhouse.query<Evaluation & Record<string, unknown>>(
    `SELECT s.name AS name, s.value AS score, s.label AS label, s.error_type AS error,
  if(s.resolved = 0, NULL, concat(s.model, ' ', c.response_id)) AS judged
FROM current_scores AS s
LEFT JOIN llm_calls AS c ON c.project_id = s.project_id AND c.trace_id = s.trace_id AND c.span_id = s.span_id
WHERE s.project_id = {project:String}`,
    { project },
  )
}

function textOf({ name, score, label, error, judged }: Evaluation): string {
  return `${name} ${score} ${label} ${error} → ${judged}`
}
