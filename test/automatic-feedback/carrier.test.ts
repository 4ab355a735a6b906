// Where a rule's score goes whose span turned out to be no call of its own.

import { expect, test } from 'vitest'
import { isAutomatic, movedToCarrier } from '../../processors/automatic-feedback/carrier.ts'
import { resolveScore, type SpanFacts } from '../../processors/score-target.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'

const nowMs = 1_790_000_060_000
const madeMs = 1_790_000_001_000

function score(rule: string, span: string): ScoreRow {
  const name = `automated-${rule}`
  return {
    ...blankScore,
    project_id: 'default',
    name,
    score_id: `${name}:t:${span}`,
    trace_id: 't',
    span_id: span,
    given_trace_id: 't',
    given_span_id: span,
    target: 'span',
    value: -1,
    verdict: -1,
    source: 'automated',
    evaluator: 'spanledger',
    created_at: madeMs,
    version: madeMs,
  }
}

function span(id: string, facts: Partial<SpanFacts> = {}): SpanFacts {
  const blank = Object.fromEntries(
    'env service release feature team customer prompt_name prompt_version user_id session_id run_name dataset item_id response_id counted_as parent_span_id provider'
      .split(' ')
      .map((name) => [name, '']),
  ) as Record<'env', string>
  const base = {
    trace_id: 't',
    span_id: id,
    kind: 'llm',
    name: 'chat',
    start_ms: 1,
    ingested_ms: 1,
    model: 'm',
    is_call: 1,
    cost_status: 'priced',
    total_cost: 5n,
  }
  return { ...(blank as unknown as SpanFacts), ...base, ...facts }
}

const repeats = (id: string, of: string) =>
  span(id, { is_call: 0, counted_as: of, cost_status: 'not_billed', model: '' })
const step = (id: string, facts: Partial<SpanFacts> = {}) =>
  span(id, { is_call: 0, kind: 'workflow', cost_status: 'not_billed', model: '', ...facts })
const found = (...trace: SpanFacts[]) => ({
  responses: new Map(),
  traces: new Map([['t', trace]]),
  sessions: new Map(),
})

test('of a span that repeats a call it becomes the call’s, and nothing is left under the old id', () => {
  const trace = found(repeats('outer', 'inner'), span('inner', { parent_span_id: 'outer' }))
  const moved = movedToCarrier(score('refusal', 'outer'), trace, nowMs)
  expect(moved?.gone).toMatchObject({ score_id: 'automated-refusal:t:outer', is_deleted: 1 })
  expect(moved?.gone.version).toBeGreaterThan(madeMs + 1)
  expect(moved?.score).toMatchObject({
    score_id: 'automated-refusal:t:inner',
    span_id: 'inner',
    given_span_id: 'inner',
  })
  const row = resolveScore(
    moved!.score!,
    trace,
    { nowMs, waitedMs: 0 },
    { fallbackMs: 1, quietMs: 1, orphanQuietMs: 1 },
  )
  expect(row).toMatchObject({ resolved: 1, span_id: 'inner', model: 'm', span_cost: 5n })
  // A finding of the call's own, made when it ended, stays in force.
  expect(row!.version).toBeLessThan(madeMs - 3_600_000)
})

test('of a step around one call it becomes the call’s, around several it stays', () => {
  const one = [step('step'), span('a', { parent_span_id: 'step' })]
  expect(movedToCarrier(score('malformed-json', 'step'), found(...one), nowMs)?.score?.span_id).toBe('a')
  const two = [...one, span('b', { parent_span_id: 'step' })]
  expect(movedToCarrier(score('malformed-json', 'step'), found(...two), nowMs)).toBeUndefined()
})

test('where the call is in another trace, its own span is judged and nothing is left here', () => {
  const moved = movedToCarrier(score('refusal', 'outer'), found(repeats('outer', 'elsewhere')), nowMs)
  expect(moved).toEqual({ gone: expect.objectContaining({ is_deleted: 1 }) })
})

test('calls, tools and scores of others stay where they are', () => {
  const tool = [step('tool', { kind: 'tool' }), span('a', { parent_span_id: 'tool' })]
  expect(movedToCarrier(score('tool-error', 'tool'), found(...tool), nowMs)).toBeUndefined()
  expect(movedToCarrier(score('refusal', 'a'), found(span('a')), nowMs)).toBeUndefined()
  const theirs = { ...score('refusal', 'outer'), score_id: 'theirs' }
  expect(isAutomatic(theirs)).toBe(false)
  expect(movedToCarrier(theirs, found(repeats('outer', 'inner'), span('inner')), nowMs)).toBeUndefined()
})
