// Scores on spans: OpenInference's in its three scopes and both words, Logfire's and Genkit's.

import { describe, expect, test } from 'vitest'
import { feedbackOnSpans } from '../../processors/feedback-spans.ts'
import { scoreFromEvaluationEvent } from '../../processors/scores.ts'
import { Bench, nowMs } from '../batches.ts'
import { type Attributes, Double, type SpanInput, tracesRequest } from '../otlp-messages.ts'

const trace = 'aa'.repeat(16)
const other = 'bb'.repeat(16)
const bench = new Bench()

/** Scores of one span; what it judges as target, trace and span, and what was said. */
function scores(attributes: Attributes, given: Partial<SpanInput> = {}): Record<string, unknown>[] {
  bench.rows(tracesRequest({ spans: [{ traceId: trace, spanId: '1'.repeat(16), attributes, ...given }] }))
  return feedbackOnSpans(bench.batch, bench.strings, bench.normaliser.scoreKeys).map((event) => {
    const row = scoreFromEvaluationEvent(event, { projectId: 'p', nowMs })
    return { ...row, judges: [row?.target, row?.trace_id, row?.span_id, row?.session_id].join(' ') }
  })
}

const own = `span ${trace} ${'1'.repeat(16)} `
const link = { traceId: other, spanId: '2'.repeat(16) }
const linked = `span ${other} ${'2'.repeat(16)} `
const verdict = (form: string): Attributes => ({
  [`${form}.name`]: 'hallucination',
  [`${form}.score`]: new Double(0.25),
  [`${form}.label`]: 'likely',
  [`${form}.explanation`]: 'Unsupported claim',
  [`${form}.annotator_kind`]: 'LLM',
  [`${form}.identifier`]: 'judge-v2',
  [`${form}.metadata`]: '{"evaluator":"judge","evaluator_version":2,"rubric":"2026-07"}',
})

describe('OpenInference', () => {
  test('an annotation on the judged span has every column', () => {
    expect(scores({ 'openinference.span.kind': 'CHAIN', ...verdict('annotations.0.annotation') })).toMatchObject([
      {
        judges: own,
        name: 'hallucination',
        value: 0.25,
        label: 'likely',
        comment: 'Unsupported claim',
        source: 'eval',
        evaluator: 'judge',
        evaluator_version: '2',
        data_type: 'numeric',
        metadata: { rubric: '2026-07', 'gen_ai.evaluation.evaluator.type': 'LLM' },
      },
    ])
  })

  const cases: readonly {
    readonly name: string
    readonly attributes: Attributes
    readonly links?: SpanInput['links']
    readonly want: string
  }[] = [
    {
      name: 'one link goes before the span',
      attributes: verdict('annotations.0.annotation'),
      links: [link],
      want: linked,
    },
    { name: 'an evaluator with a link', attributes: evaluator(), links: [link], want: linked },
    { name: 'an evaluator without a link judges nothing known', attributes: evaluator(), want: '   ' },
    { name: 'nor one with two', attributes: evaluator(), links: [link, link], want: '   ' },
    {
      name: 'an evaluation on any other span is of that span',
      attributes: verdict('evaluations.3.evaluation'),
      want: own,
    },
    { name: 'the trace', attributes: verdict('trace.annotations.0.annotation'), want: `trace ${trace}  ` },
    {
      name: 'the linked trace',
      attributes: verdict('trace.evaluations.0.evaluation'),
      links: [link],
      want: `trace ${other}  `,
    },
    {
      name: 'the session',
      attributes: { 'session.id': 's1', ...verdict('session.annotations.0.annotation') },
      want: 'session   s1',
    },
  ]
  test.each(cases)('$name', ({ attributes, links = [], want }) => {
    expect(scores(attributes, { links }).map(({ judges }) => judges)).toEqual([want])
  })

  test('several on one span, one of words alone, one without a name', () => {
    const found = scores({
      'annotations.0.annotation.name': 'tone',
      'annotations.0.annotation.label': 'kind',
      'annotations.1.annotation.name': 'notes',
      'annotations.1.annotation.explanation': 'Reads well',
      'annotations.2.annotation.score': 1,
      'annotations.3.annotation.name': 'user_satisfaction',
      'annotations.3.annotation.score': 1,
      'annotations.3.annotation.annotator_kind': 'HUMAN',
      'user.id': 'jane',
    })
    expect(
      found.map(({ name, data_type, text, source, author_id }) => [name, data_type, text, source, author_id]),
    ).toEqual([
      ['tone', 'categorical', '', 'eval', ''],
      ['notes', 'text', 'Reads well', 'eval', ''],
      ['user_satisfaction', 'numeric', '', 'user', 'jane'],
    ])
  })

  test('an identifier makes results on one target one score; without it the carrier does', () => {
    const id = (attributes: Attributes, given: Partial<SpanInput>) => scores(attributes, given)[0]?.['score_id']
    const elsewhere = { spanId: '3'.repeat(16), links: [link] }
    expect(id(evaluator(), { links: [link] })).toBe(id(verdict('annotations.7.annotation'), elsewhere))
    const { 'evaluations.0.evaluation.identifier': _, ...anonymous } = evaluator()
    expect(id(anonymous, { links: [link] })).toBe(id(anonymous, { links: [link] }))
    expect(id(anonymous, { links: [link] })).not.toBe(id(anonymous, elsewhere))
  })
})

function evaluator(): Attributes {
  return { 'openinference.span.kind': 'EVALUATOR', ...verdict('evaluations.0.evaluation') }
}

test('an annotation span of Logfire judges its parent', () => {
  const said = {
    'logfire.span_type': 'annotation',
    'logfire.feedback.name': 'correct',
    'logfire.feedback.comment': 'As the manual says',
    correct: true,
  }
  expect(scores(said, { parentSpanId: '4'.repeat(16) })).toMatchObject([
    {
      judges: `span ${trace} ${'4'.repeat(16)} `,
      name: 'correct',
      value: 1,
      data_type: 'boolean',
      verdict: 1,
      comment: 'As the manual says',
      source: 'human-review',
    },
  ])
  expect(scores({ ...said, correct: 'partly' })).toMatchObject([{ data_type: 'categorical', label: 'partly' }])
  expect(scores({ 'logfire.feedback.name': 'correct', correct: true })).toEqual([])
})

test('a user of a Genkit flow votes, or takes what was offered', () => {
  const engagement = (subtype: string, more: Attributes): Attributes => ({
    'genkit:type': 'userEngagement',
    'genkit:metadata:subtype': subtype,
    ...more,
  })
  const thumb = { 'genkit:metadata:feedbackValue': 'negative', 'genkit:metadata:textFeedback': 'Too long' }
  expect(scores(engagement('userFeedback', thumb), { parentSpanId: '4'.repeat(16) })).toMatchObject([
    {
      judges: `span ${trace} ${'4'.repeat(16)} `,
      name: 'user_feedback',
      value: -1,
      label: 'thumbs_down',
      verdict: -1,
      comment: 'Too long',
    },
  ])
  const taken = scores(engagement('userAcceptance', { 'genkit:metadata:acceptanceValue': 'rejected' }))
  expect(taken).toMatchObject([{ name: 'user_acceptance', label: 'rejected', verdict: -1, source: 'user' }])
  expect(scores({ 'genkit:type': 'action' })).toEqual([])
})

test('spans that say nothing of the kind are not looked at', () => {
  const fresh = new Bench()
  fresh.rows(tracesRequest({ spans: [{ attributes: { 'gen_ai.request.model': 'gpt-4.1', annotations: 'x' } }] }))
  expect(fresh.normaliser.scoreKeys.size).toBe(0)
})
