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
    let clock = Date.parse('2026-11-22T06:20:10Z')
    const project = `evaluations-${projects++}`
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
    for (const requests of parts) {
      for (const { signal, body } of requests) {
        if (signal === 'traces') await pipeline.traces(body, project)
        else await pipeline.logs(body, project)
      }
      for (let round = 0; round < 4; round++) {
        await resolver.runOnce()
        clock += 60_000
      }
      clock += hourMs
    }
    await resolver.runOnce()
    expect((await stored(project)).map(textOf).sort()).toEqual(expectedEvaluations().map(textOf).sort())
  })
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
