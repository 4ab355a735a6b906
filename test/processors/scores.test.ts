// Evaluation events as instrumentations send them, and feedback as the API takes it, become rows of `scores`.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeLogs } from '../../collector/otlp/logs.ts'
import { eventName } from '../../processors/log-rows.ts'
import {
  type EvaluationInput,
  type FeedbackBody,
  isEvaluationEvent,
  metadataText,
  metadataValue,
  plainId,
  type ScoreRow,
  scoreFromEvaluationEvent,
  scoreFromFeedback,
  tombstoneOf,
} from '../../processors/scores.ts'
import { scoresTable } from '../../schemas/scores-table.ts'
import { columnNames } from '../../schemas/table.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)
const trace = 'f9dc9d2d88a1ff3ad4552a1d3a0a2b57'
const span = '5a478ba9496c589e'
const context = { projectId: 'default', nowMs }

interface Sent {
  readonly name?: string
  readonly body?: string
  readonly attributes: Readonly<Record<string, unknown>>
}

function input({ name = 'gen_ai.evaluation.result', body = '', attributes }: Sent): EvaluationInput {
  const map = new Map(Object.entries(attributes))
  return { name, attributes: map, body, timeMs: nowMs - 1000, traceId: trace, spanId: span, scopeName: 'app.evals' }
}

function scored(sent: Sent): ScoreRow {
  const row = scoreFromEvaluationEvent(input(sent), context)
  if (row === undefined) throw new Error('no score')
  return row
}

test('the eight evaluations of the OpenTelemetry capture, one row each', () => {
  const file = new URL('../fixtures/captures/py-evaluations-otel-logs/002-logs.bin', import.meta.url)
  const rows = decodeLogs(readFileSync(file)).flatMap((record) => {
    const name = eventName(record)
    if (!isEvaluationEvent(name, record.attributes)) return []
    const timeMs = Number((record.timeUnixNano || record.observedUnixNano) / 1_000_000n)
    const row = scoreFromEvaluationEvent({ ...record, name, timeMs, scopeName: record.source.scopeName }, context)
    return row === undefined ? [] : [row]
  })
  const line = (row: ScoreRow) =>
    [row.name, row.value, row.label, row.verdict, row.source, row.data_type, row.error_type, row.target].join(' | ')
  expect(rows.map(line)).toEqual([
    'Relevance | 0.87 | relevant | 1 | eval | numeric |  | span',
    'Faithfulness | 2 | fail | -1 | eval | numeric |  | span',
    'user_feedback | 1 | thumbs_up | 1 | user | numeric |  | span',
    'user_feedback | 0 | thumbs_down | -1 | user | numeric |  | span',
    'Relevance |  | pass | 1 | eval | categorical |  | span',
    'Toxicity |  |  | 0 | eval | numeric | TimeoutError | span',
    'user_feedback | 1 | thumbs_up | 1 | user | numeric |  | span',
    'Relevance | 0.4 | partly | 0 | eval | numeric |  | span',
  ])
  expect(rows.map((row) => [row.given_trace_id.slice(0, 4), row.given_span_id.slice(0, 4), row.response_id])).toEqual([
    ['f9dc', '5a47', 'chatcmpl-rmwrg6g0a451'],
    ['f1e1', '0300', ''],
    ['', '', 'chatcmpl-rmwrg6g0x453'],
    ['', '', 'chatcmpl-rmwrg6g0a451'],
    ['', '', 'chatcmpl-rmwrg6g0p452'],
    ['', '', 'chatcmpl-rmwrg6g0p452'],
    ['', '', 'chatcmpl-unknown'],
    ['eb9a', '0eba', 'chatcmpl-rmwrg6g0x453'],
  ])
  expect(rows.map((row) => row.comment)).toEqual([
    'Answers the question.',
    'Invented a fact.',
    '',
    'late correction by the user',
    ...['', '', '', ''],
  ])
  expect(new Set(rows.map((row) => row.score_id)).size).toBe(8)
})

describe('spellings', () => {
  const cases: readonly { name: string; sent: Sent; want: Partial<ScoreRow> }[] = [
    {
      name: 'pydantic-evals: a truth value as 1 with the label pass, its extras kept',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'IsCorrect',
          'gen_ai.evaluation.score.value': 1,
          'gen_ai.evaluation.score.label': 'pass',
          'gen_ai.evaluation.target': 'answer',
          'gen_ai.evaluation.evaluator.source': '{"name":"IsCorrect"}',
          'gen_ai.evaluation.evaluator.version': 'v2',
        },
      },
      want: {
        value: 1,
        label: 'pass',
        data_type: 'boolean',
        verdict: 1,
        evaluator_version: 'v2',
        metadata: {
          'gen_ai.evaluation.target': 'answer',
          'gen_ai.evaluation.evaluator.source': '{"name":"IsCorrect"}',
        },
      },
    },
    {
      name: 'a truth value sent as one',
      sent: { attributes: { 'gen_ai.evaluation.name': 'Grounded', 'gen_ai.evaluation.score.value': false } },
      want: { value: 0, label: '', data_type: 'boolean', verdict: -1 },
    },
    {
      name: 'the same as the decoder gives it, as text',
      sent: { attributes: { 'gen_ai.evaluation.name': 'Grounded', 'gen_ai.evaluation.score.value': 'true' } },
      want: { value: 1, data_type: 'boolean', verdict: 1 },
    },
    {
      name: 'AWS AgentCore: evaluator id and session',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'Builtin.Helpfulness',
          'gen_ai.evaluation.score.value': '0.83',
          'gen_ai.evaluation.score.label': 'Very Helpful',
          'aws.bedrock_agentcore.evaluator.id': 'Builtin.Helpfulness',
          'session.id': 'sess-9',
        },
      },
      want: {
        value: 0.83,
        label: 'Very Helpful',
        verdict: 0,
        evaluator: 'Builtin.Helpfulness',
        session_id: 'sess-9',
        metadata: {},
      },
    },
    {
      name: 'Splunk: name of the evaluator',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'bias',
          'gen_ai.evaluation.score.value': 0.1,
          'gen_ai.evaluation.evaluator.name': 'deepeval',
        },
      },
      want: { evaluator: 'deepeval', value: 0.1, verdict: 0 },
    },
    {
      name: 'older Azure: the metric in the name of the event',
      sent: {
        name: 'gen_ai.evaluation.relevance',
        attributes: {
          'event.name': 'gen_ai.evaluation.relevance',
          'gen_ai.evaluation.score': 4,
          'gen_ai.response.id': 'chatcmpl-1',
        },
      },
      want: { name: 'relevance', value: 4, verdict: 0, source: 'eval', response_id: 'chatcmpl-1', metadata: {} },
    },
    {
      name: 'withdrawn user feedback: the comment is the body',
      sent: {
        name: 'gen_ai.evaluation.user_feedback',
        body: '{"comment":"wrong date"}',
        attributes: { 'gen_ai.evaluation.score': -1, 'gen_ai.response.id': 'chatcmpl-1', 'user.id': 'ada' },
      },
      want: {
        name: 'user_feedback',
        value: -1,
        label: 'thumbs_down',
        verdict: -1,
        source: 'user',
        comment: 'wrong date',
        author_id: 'ada',
        metadata: {},
      },
    },
    {
      name: 'feedback between the thumbs is neither good nor bad',
      sent: { name: 'gen_ai.evaluation.user_feedback', attributes: { 'gen_ai.evaluation.score': 0.5 } },
      want: { value: 0.5, label: '', verdict: 0 },
    },
    {
      name: 'a span event that an application made up',
      sent: { name: 'human.feedback', attributes: { rating: 'thumbs_up', channel: 'slack' } },
      want: { name: 'user_feedback', value: null, label: 'thumbs_up', verdict: 1, metadata: { channel: 'slack' } },
    },
    {
      name: 'a person among the evaluators',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'tone',
          'gen_ai.evaluation.score.label': 'good',
          'gen_ai.evaluation.evaluator.type': 'human',
          'user.id': 'jane',
        },
      },
      want: { source: 'human-review', author_id: 'jane', verdict: 1 },
    },
    {
      name: 'cost of the evaluation, exact',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'tone',
          'gen_ai.evaluation.score.value': 3,
          'gen_ai.evaluation.cost': 0.00012,
        },
      },
      want: { eval_cost: 120_000_000n },
    },
    {
      name: 'a failed evaluation has no value, also when a 0 was sent along',
      sent: {
        attributes: {
          'gen_ai.evaluation.name': 'tone',
          'gen_ai.evaluation.score.value': 0,
          'error.type': 'RateLimitError',
        },
      },
      want: {
        value: null,
        verdict: 0,
        error_type: 'RateLimitError',
        metadata: { 'gen_ai.evaluation.score.value': '0' },
      },
    },
    {
      name: 'NaN is a failed evaluation',
      sent: { attributes: { 'gen_ai.evaluation.name': 'faithfulness', 'gen_ai.evaluation.score.value': Number.NaN } },
      want: { value: null, error_type: 'not_a_number', verdict: 0 },
    },
  ]
  test.each(cases)('$name', ({ sent, want }) => {
    expect(scored(sent)).toMatchObject(want)
  })

  test.each([
    ['gen_ai.evaluation.run.name', 'gen_ai.evaluation.dataset.name', 'gen_ai.evaluation.item.id'],
    ['langfuse.experiment.name', 'langfuse.experiment.dataset.id', 'langfuse.experiment.item.id'],
  ])('the run is told by %s', (run, dataset, item) => {
    const attributes = {
      'gen_ai.evaluation.name': 'tone',
      'gen_ai.evaluation.score.value': 1,
      [run]: 'prompt v2',
      [dataset]: 'refunds',
      [item]: '17',
    }
    const row = scored({ attributes })
    expect(row).toMatchObject({ run_name: 'prompt v2', dataset: 'refunds', item_id: '17' })
    expect(row.metadata).not.toHaveProperty(run)
  })

  test('an event without value, label and error is no score', () => {
    const event = input({ attributes: { 'gen_ai.evaluation.name': 'tone', 'gen_ai.evaluation.score.value': '' } })
    expect(scoreFromEvaluationEvent(event, context)).toBeUndefined()
  })

  test('an event is recognised by its name; one without a name by its attributes', () => {
    const named = new Map([['gen_ai.evaluation.name', 'tone']])
    expect(isEvaluationEvent('gen_ai.evaluation.result', new Map())).toBe(true)
    expect(isEvaluationEvent('gen_ai.user.feedback', new Map())).toBe(true)
    expect(isEvaluationEvent('', named)).toBe(true)
    expect(isEvaluationEvent('gen_ai.choice', named)).toBe(false)
    expect(isEvaluationEvent('', new Map())).toBe(false)
  })
})

describe('identity', () => {
  const sent = { attributes: { 'gen_ai.evaluation.name': 'tone', 'gen_ai.evaluation.score.value': 3, b: 1, a: 2 } }

  test('an event sent again, later and with its attributes in another order, is the same score and not a newer one', () => {
    const first = scored(sent)
    const again = scoreFromEvaluationEvent(
      input({ attributes: Object.fromEntries(Object.entries(sent.attributes).reverse()) }),
      { ...context, nowMs: nowMs + 60_000 },
    )
    expect(again).toMatchObject({ score_id: first.score_id, version: first.version, created_at: first.created_at })
  })

  test('anything said differently is another score', () => {
    const first = scored(sent).score_id
    expect(scored({ attributes: { ...sent.attributes, a: 3 } }).score_id).not.toBe(first)
    const later = scoreFromEvaluationEvent({ ...input(sent), timeMs: nowMs - 999 }, context)
    expect(later?.score_id).not.toBe(first)
  })

  test("the sender's own id is the id", () => {
    expect(scored({ attributes: { ...sent.attributes, 'gen_ai.evaluation.id': 'mine-1' } }).score_id).toBe('mine-1')
  })

  test('a time far off is brought into reach, and never makes a version of the future', () => {
    const at = (timeMs: number) => scoreFromEvaluationEvent({ ...input(sent), timeMs }, context)
    expect(at(0)?.created_at).toBe(nowMs - 400 * 86_400_000)
    // It came today, and is kept from today.
    expect(at(0)?.retention_days).toBe(799)
    expect(at(nowMs - 3 * 3_600_000)?.retention_days).toBe(400)
    expect(at(nowMs + 365 * 86_400_000)).toMatchObject({ created_at: nowMs + 86_400_000, version: nowMs })
  })
})

test('an explanation of a megabyte is cut, and never within a character', () => {
  const explanation = `x${'😀'.repeat(500_000)}`
  const comment = scored({
    attributes: { 'gen_ai.evaluation.score.value': 1, 'gen_ai.evaluation.explanation': explanation },
  }).comment
  expect(comment).toHaveLength(65_536)
  expect(comment.isWellFormed()).toBe(true)
})

describe('verdict', () => {
  const verdict = (name: string, value: unknown, label = '') =>
    scoreFromEvaluationEvent(
      input({
        attributes: {
          'gen_ai.evaluation.name': name,
          'gen_ai.evaluation.score.value': value,
          'gen_ai.evaluation.score.label': label,
        },
      }),
      context,
    )?.verdict

  test('by its own word: a label decides, and a number alone says nothing', () => {
    expect(verdict('tone', 5, 'PASS')).toBe(1)
    expect(verdict('tone', 5, 'not relevant')).toBe(-1)
    expect(verdict('tone', 1)).toBe(0)
    expect(verdict('tone', -1)).toBe(0)
    expect(verdict('tone', 1, 'so-so')).toBe(0)
  })
})

describe('feedback of the API', () => {
  const feedback = (body: FeedbackBody) => scoreFromFeedback(body, { ...context, newId: () => 'made-here' })

  test('becomes one row with every column of the table', () => {
    const row = feedback({
      trace_id: 'abc-123',
      score: -1,
      comment: 'Hallucinated a date',
      source: 'human-review',
      user_id: 'reviewer-jane',
      tags: ['verbose', 'inaccurate'],
      metadata: { prompt_id: 'support-bot', prompt_version: 3, note: '3' },
    })
    expect(Object.keys(row).sort()).toEqual(columnNames(scoresTable).sort())
    expect(row).toMatchObject({
      project_id: 'default',
      score_id: 'made-here',
      name: 'human-review',
      target: 'trace',
      trace_id: 'abc-123',
      given_trace_id: 'abc-123',
      value: -1,
      label: 'thumbs_down',
      verdict: -1,
      data_type: 'numeric',
      source: 'human-review',
      author_id: 'reviewer-jane',
      user_id: '',
      comment: 'Hallucinated a date',
      tags: ['verbose', 'inaccurate'],
      metadata: { prompt_id: 'support-bot', prompt_version: '3', note: '"3"' },
      prompt_name: 'support-bot',
      prompt_version: '3',
      resolved: 0,
      is_deleted: 0,
      created_at: nowMs,
      target_time: nowMs,
      version: nowMs,
      span_cost: null,
    })
  })

  test('may be the result of a run', () => {
    const run = { run_name: 'prompt v2', dataset: 'refunds', item_id: '17' }
    expect(feedback({ trace_id: 't', score: 1, ...run })).toMatchObject(run)
  })

  test('may say what judged and what that has cost', () => {
    const judge = { evaluator: 'brevity', evaluator_version: '2' }
    expect(feedback({ trace_id: 't', score: 1, source: 'eval', ...judge, cost: 0.00125 })).toMatchObject({
      ...judge,
      eval_cost: 1_250_000_000n,
    })
    expect(feedback({ trace_id: 't', score: 1 })).toMatchObject({ evaluator: '', eval_cost: null })
  })

  test('defaults are those of AgentCost', () => {
    expect(feedback({ trace_id: 't', score: 0 })).toMatchObject({
      source: 'user',
      name: 'user_feedback',
      label: 'neutral',
      verdict: 0,
      comment: '',
      author_id: '',
      tags: [],
      metadata: {},
    })
  })

  const targets: readonly { name: string; body: Omit<FeedbackBody, 'score'>; want: string }[] = [
    { name: 'a trace', body: { trace_id: 't' }, want: 'trace' },
    { name: 'a span of a trace', body: { trace_id: 't', span_id: 's' }, want: 'span' },
    { name: 'a response', body: { response_id: 'r' }, want: 'span' },
    { name: 'a session', body: { session_id: 'c' }, want: 'session' },
    { name: 'the trace before its session', body: { trace_id: 't', session_id: 'c' }, want: 'trace' },
    { name: 'nothing', body: {}, want: '' },
  ]
  test.each(targets)('judges $name', ({ body, want }) => {
    expect(feedback({ ...body, score: 1 }).target).toBe(want)
  })

  test('ids are compared as spans carry them, and kept as sent', () => {
    const row = feedback({ trace_id: 'F9DC9D2D-88A1-FF3A-D455-2A1D3A0A2B57', span_id: '5A478BA9496C589E', score: 1 })
    expect(row).toMatchObject({ trace_id: trace, span_id: span, given_span_id: '5A478BA9496C589E' })
    expect(plainId('Abc-123')).toBe('Abc-123')
  })

  test('a deletion keeps the key and nothing that anybody wrote', () => {
    const row = feedback({ trace_id: 't', score: 1, comment: 'secret', user_id: 'carla', metadata: { a: 'b' } })
    const gone = tombstoneOf(row, nowMs - 5000)
    expect(gone).toMatchObject({ project_id: 'default', score_id: 'made-here', created_at: nowMs, is_deleted: 1 })
    expect(gone.version).toBe(nowMs + 2)
    expect(JSON.stringify({ ...gone, score_id: '' })).not.toMatch(/secret|carla|"t"|"b"/)
  })
})

test.each(['plain', '5', 'true', '{"a":1}', '{open', '-', '3 pages', '', '"quoted"'])(
  'metadata: the text %j comes back as it was',
  (text) => {
    expect(metadataValue(metadataText(text))).toBe(text)
  },
)

test.each([[5], [true], [null], [[1, 'a']], [{ a: { b: 1 } }]])(
  'metadata: the value %j comes back as it was',
  (value) => {
    expect(metadataValue(metadataText(value))).toEqual(value)
  },
)
