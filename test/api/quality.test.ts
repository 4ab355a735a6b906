// The questions about feedback, asked of a small ledger whose figures are worked out by hand.
//
//   trace  call  model     cost    votes
//   a1     a1    gpt-4.1   0.10    ada: down, then up · bob: up · cyd: neutral · a judge: 0.4 · a judge that failed
//   a2     a2    gpt-4.1   0.20    somebody: down
//   a3     a3    gpt-4.1   ?       (unpriced)
//   a4     a4    gpt-4.1   0.05    (failed)
//   b      b1    mini      0.01    two people without a name: up, up
//          b2    mini      0.02
//   m      m1    gpt-4.1   0.30    on the trace: down
//          m2    mini      0.03
//   e      k     nano      0.50    made by an evaluator
//   and a vote that has not found its call, a vote in project `other`, a deleted one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadQueries, type QueryRow, runQuery } from '../../collector/queries.ts'
import { type FeedbackBody, type ScoreRow, scoreFromFeedback, tombstoneOf } from '../../processors/scores.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores, insertSpans, llmCall, utc } from './rows.ts'

const nowMs = Date.now()
const queries = new Map(loadQueries().map((query) => [query.id, query]))
let engine: TestEngine
let votes = 0

beforeAll(async () => {
  engine = await startTestEngine()
  await insertSpans(engine, nowMs, spans)
  await insertScores(engine, [...judged, unresolved, foreign, dropped])
  await insertScores(engine, [tombstoneOf(dropped, nowMs)])
})
afterAll(() => engine?.stop())

const mini = { model: 'gpt-4.1-mini' }
const prompt = (version: string) => ({ prompt_name: 'support', prompt_version: version })

const spans = [
  llmCall('a1', 'a1', { total_cost: '0.10', feature: 'chat', ...prompt('2') }),
  llmCall('a2', 'a2', { total_cost: '0.20', feature: 'chat', ...prompt('10') }),
  llmCall('a3', 'a3', { total_cost: null, cost_status: 'unpriced', cost_reason: 'no_price' }),
  llmCall('a4', 'a4', { total_cost: '0.05', status: 'error' }),
  llmCall('b', 'b1', { ...mini, total_cost: '0.01', feature: 'search' }),
  llmCall('b', 'b2', { ...mini, total_cost: '0.02', feature: 'search' }),
  llmCall('m', 'm1', { total_cost: '0.30' }),
  llmCall('m', 'm2', { ...mini, total_cost: '0.03' }),
  { trace_id: 'e', span_id: 'e', kind: 'evaluator', name: 'LLM judge' },
  llmCall('e', 'k', { model: 'gpt-4.1-nano', total_cost: '0.50', parent_span_id: 'e' }),
]

function vote(score: -1 | 0 | 1, body: Omit<FeedbackBody, 'score'>, columns: Partial<ScoreRow> = {}): ScoreRow {
  votes++
  const context = { projectId: 'default', nowMs: nowMs - 10_000 + votes, newId: () => `v${votes}` }
  const row = scoreFromFeedback({ ...body, score }, context)
  return { ...row, resolved: 1, target_time: nowMs - 60_000, kind: 'llm', provider: 'openai', ...columns }
}

const onA1 = { trace_id: 'a1', span_id: 'a1' }
const gpt = { model: 'gpt-4.1', feature: 'chat', ...prompt('2') }
const judge = { source: 'eval', name: 'relevance', evaluator: 'judge', evaluator_version: '1' } as const
const judged = [
  vote(-1, { ...onA1, user_id: 'ada', id: 'ada-first' }, gpt),
  vote(1, { ...onA1, user_id: 'ada', id: 'ada-second', comment: 'now it is right' }, gpt),
  vote(1, { ...onA1, user_id: 'bob' }, gpt),
  vote(0, { ...onA1, user_id: 'cyd' }, gpt),
  vote(0, { ...onA1, source: 'eval' }, { ...gpt, ...judge, value: 0.4, label: 'partly' }),
  vote(0, { ...onA1, source: 'eval' }, { ...gpt, ...judge, value: null, label: '', error_type: 'TimeoutError' }),
  vote(-1, { trace_id: 'a2', span_id: 'a2' }, { ...gpt, ...prompt('10') }),
  vote(1, { trace_id: 'b', span_id: 'b1' }, { ...mini, feature: 'search' }),
  vote(1, { trace_id: 'b', span_id: 'b1' }, { ...mini, feature: 'search' }),
  vote(-1, { trace_id: 'm' }, { model: 'mixed', provider: '', kind: 'workflow' }),
]
const unresolved = vote(1, { response_id: 'rx' }, { resolved: 0, model: '', kind: '' })
const foreign = vote(1, onA1, { ...gpt, project_id: 'other' })
const dropped = vote(1, onA1, { ...gpt, score_id: 'dropped' })

async function ask(id: string, params: Readonly<Record<string, unknown>> = {}): Promise<QueryRow[]> {
  const query = queries.get(id)
  if (query === undefined) throw new Error(`no question ${id}`)
  return runQuery(engine.clickhouse, query, params)
}

const line = {
  time: null,
  positive_share_low: expect.any(Number),
  positive_share_high: expect.any(Number),
  pass_rate_low: expect.any(Number),
  pass_rate_high: expect.any(Number),
}

test('quality by model: votes and spend side by side, neither multiplied by the other', async () => {
  const rows = await ask('quality')
  expect(rows).toEqual([
    {
      ...line,
      group: 'gpt-4.1',
      calls: 5,
      priced_calls: 4,
      unpriced_calls: 1,
      priced_share: 0.8,
      errors: 1,
      total_cost: '0.65',
      avg_cost: 0.1625,
      votes: 4,
      positive: 2,
      negative: 1,
      neutral: 1,
      positive_share: 0.5,
      negative_share: 0.25,
      avg_score: 0.25,
      pass_rate: 2 / 3,
      // Up, up, neutral and down, and what the judge said: 0.4.
      avg_value: expect.closeTo(0.28, 12),
      numbers: 5,
      rated_calls: 2,
      rated_share: 0.4,
      cost_per_positive: 0.325,
    },
    {
      ...line,
      group: 'gpt-4.1-mini',
      calls: 3,
      priced_calls: 3,
      unpriced_calls: 0,
      priced_share: 1,
      errors: 0,
      total_cost: '0.06',
      avg_cost: 0.02,
      votes: 2,
      positive: 2,
      negative: 0,
      neutral: 0,
      positive_share: 1,
      negative_share: 0,
      avg_score: 1,
      pass_rate: 1,
      avg_value: 1,
      numbers: 2,
      rated_calls: 1,
      rated_share: 1 / 3,
      cost_per_positive: 0.03,
    },
    {
      ...line,
      group: 'mixed',
      calls: null,
      priced_calls: null,
      unpriced_calls: null,
      priced_share: null,
      errors: null,
      total_cost: null,
      avg_cost: null,
      votes: 1,
      positive: 0,
      negative: 1,
      neutral: 0,
      positive_share: 0,
      negative_share: 1,
      avg_score: -1,
      pass_rate: 0,
      avg_value: -1,
      numbers: 1,
      rated_calls: null,
      rated_share: null,
      cost_per_positive: null,
    },
  ])
  // Wilson's interval as the textbook has it: 2 of 4 is 15.0 to 85.0 %, 2 of 2 34.2 to 100 %, 0 of 1 0 to 79.3 %.
  const bounds = rows.map((row) =>
    [row['positive_share_low'], row['positive_share_high']].map((share) => Math.round(1000 * Number(share)) / 10),
  )
  expect(bounds).toEqual([
    [15, 85],
    [34.2, 100],
    [0, 79.3],
  ])
})

test('quality of one model is its line, and of a model nobody judged there are no calls of the product', async () => {
  expect(await ask('quality', { model: 'gpt-4.1-mini' })).toMatchObject([{ votes: 2, calls: 3 }])
  expect(await ask('quality', { model: 'gpt-4.1-nano' })).toEqual([])
})

test('scores of one name, and of some sources, alone', async () => {
  expect(await ask('quality', { name: 'relevance' })).toMatchObject([
    { group: 'gpt-4.1', votes: 0, avg_value: 0.4, numbers: 1, rated_calls: 0, cost_per_positive: null },
    { group: 'gpt-4.1-mini', votes: 0, avg_value: null },
  ])
  expect(await ask('quality', { by: 'all', sources: ['user', 'human-review'] })).toMatchObject([
    { group: 'all', calls: 8, votes: 7, positive: 4, avg_value: 0.285714285714 },
  ])
  expect(await ask('quality', { by: 'all', sources: ['eval'] })).toMatchObject([{ votes: 0, numbers: 1 }])
})

test('a value that the question does not know is refused', async () => {
  await expect(ask('quality', { by: 'modle' })).rejects.toThrow(/by is "modle"; it may be all, model, /)
})

test('calls outside the range count neither as votes nor as spend', async () => {
  const early = { from: utc(nowMs - 3_600_000), to: utc(nowMs - 60_000) }
  expect(await ask('quality', early)).toEqual([])
  const from = new Date(nowMs - 60_000)
  expect(await ask('quality', { from, to: utc(nowMs - 59_999) })).toHaveLength(3)
})

test('a rated trace counts all its calls of the model as rated', async () => {
  const [row] = await ask('quality', { project: 'traces' })
  expect(row).toBeUndefined()
  await insertSpans(engine, nowMs, [
    llmCall('t', 'c1', { project_id: 'traces' }),
    llmCall('t', 'c2', { project_id: 'traces' }),
    llmCall('u', 'c3', { project_id: 'traces' }),
  ])
  await insertScores(engine, [
    vote(1, { trace_id: 't' }, { model: 'gpt-4.1', kind: 'workflow', calls: 2, project_id: 'traces' }),
  ])
  expect(await ask('quality', { project: 'traces' })).toMatchObject([{ rated_calls: 2, calls: 3 }])
})

test('quality by version of a prompt, a vote whose call was not found among them where its sender named the prompt', async () => {
  await insertScores(engine, [
    vote(1, { trace_id: 'late' }, { resolved: 0, kind: '', model: '', ...prompt('3'), project_id: 'prompts' }),
    vote(1, { trace_id: 'later' }, { resolved: 0, kind: '', model: '', project_id: 'prompts' }),
  ])
  expect(await ask('quality', { by: 'prompt', project: 'prompts' })).toMatchObject([{ group: 'support@3', votes: 1 }])
  expect(await ask('quality', { by: 'all', project: 'prompts' })).toEqual([])
  expect(await ask('quality', { by: 'prompt', prompt: 'support' })).toMatchObject([
    { group: 'support@10', votes: 1, positive: 0, positive_share: 0, cost_per_positive: null },
    { group: 'support@2', votes: 3, positive: 2, calls: 1, cost_per_positive: 0.05 },
  ])
})

test('summary: votes, and beside them what is no vote', async () => {
  expect(await ask('feedback_summary')).toEqual([
    {
      total: 8,
      positive: 5,
      negative: 2,
      neutral: 1,
      positive_pct: 62.5,
      negative_pct: 25,
      score: 0.375,
      positive_low_pct: 30.6,
      positive_high_pct: 86.3,
      superseded: 1,
      without_verdict: 1,
      failed: 1,
      unresolved: 1,
      flagged: 0,
    },
  ])
})

test('summary of nothing has no share, not a share of 0', async () => {
  expect(await ask('feedback_summary', { project: 'nobody' })).toMatchObject([
    { total: 0, positive: 0, positive_pct: null, score: null, positive_low_pct: null },
  ])
})

test('summary of a trace', async () => {
  expect(await ask('feedback_summary', { traces: ['a1'] })).toMatchObject([
    { total: 3, positive: 2, neutral: 1, score: 2 / 3 },
  ])
})

describe('list', () => {
  test('every score once, newest first, superseded ones too, deleted ones not', async () => {
    const rows = await ask('feedback_list')
    expect(rows.map((row) => row['id'])).toEqual([
      'v11',
      'v10',
      'v9',
      'v8',
      'v7',
      'v6',
      'v5',
      'v4',
      'v3',
      'ada-second',
      'ada-first',
    ])
    expect(rows.at(-2)).toMatchObject({
      trace_id: 'a1',
      score: 1,
      comment: 'now it is right',
      user_id: 'ada',
      model: 'gpt-4.1',
      value: 1,
      label: 'thumbs_up',
    })
  })

  test.each([
    { params: { score: 1 }, want: ['v11', 'v9', 'v8', 'v3', 'ada-second'] },
    { params: { score: 0 }, want: ['v4'] },
    { params: { score: -1 }, want: ['v10', 'v7', 'ada-first'] },
    { params: { model: 'mixed' }, want: ['v10'] },
    { params: { source: 'eval' }, want: ['v6', 'v5'] },
    { params: { name: 'relevance', limit: 1 }, want: ['v6'] },
    { params: { traces: ['b', 'm'] }, want: ['v10', 'v9', 'v8'] },
    { params: { project: 'other' }, want: ['v12'] },
  ])('filtered by $params', async ({ params, want }) => {
    expect((await ask('feedback_list', params)).map((row) => row['id'])).toEqual(want)
  })

  test('a score that says neither good nor bad has no score, only its value', async () => {
    expect(await ask('feedback_list', { name: 'relevance' })).toMatchObject([
      { score: null, value: null, error_type: 'TimeoutError' },
      { score: null, value: 0.4, label: 'partly', evaluator: 'judge' },
    ])
  })
})

test('cost per positive by feature: groups nobody rated are listed, the sum of the lines is the spend', async () => {
  const rows = await ask('quality', { by: 'feature' })
  const lines = rows.map((row) => [
    row['group'],
    row['calls'],
    row['total_cost'],
    row['votes'],
    row['positive'],
    row['cost_per_positive'],
  ])
  expect(lines).toEqual([
    ['[none]', 4, '0.38', 1, 0, null],
    ['chat', 2, '0.3', 4, 2, 0.15],
    ['search', 2, '0.03', 2, 2, 0.015],
  ])
  expect(rows[0]).toMatchObject({ priced_share: 0.75, positive_share: 0 })
})

test('cost per positive by model and by prompt', async () => {
  const lines = async (by: string) =>
    (await ask('quality', { by })).map((row) => [row['group'], row['calls'], row['votes'], row['cost_per_positive']])
  expect(await lines('model')).toEqual([
    ['gpt-4.1', 5, 4, 0.325],
    ['gpt-4.1-mini', 3, 2, 0.03],
    ['mixed', null, 1, null],
  ])
  expect(await lines('prompt')).toEqual([
    ['[none]', 6, 3, 0.205],
    ['support@10', 1, 1, null],
    ['support@2', 1, 3, 0.05],
  ])
})

test('what judging costs is apart from what the product costs', async () => {
  expect(await ask('feedback_judging_cost')).toMatchObject([
    { evaluator: 'LLM judge', model: 'gpt-4.1-nano', calls: 1, total_cost: '0.5' },
  ])
  const models = (await ask('quality')).map((row) => row['group'])
  expect(models).not.toContain('gpt-4.1-nano')
})

test('judges and people on one target: agreement beyond chance', async () => {
  const onSpan = (span: string, verdict: -1 | 1, source: 'user' | 'eval') =>
    vote(
      verdict,
      { trace_id: 't', span_id: span, source },
      { project_id: 'kappa', ...(source === 'eval' ? judge : {}) },
    )
  const pair = (span: string, person: -1 | 1, said: -1 | 1) => [
    onSpan(span, person, 'user'),
    onSpan(span, said, 'eval'),
  ]
  // The textbook's table of 20, 5, 10 and 15 pairs, kappa 0.4, at a fifth of its size.
  const rows = [
    ...[1, 2, 3, 4].flatMap((i) => pair(`gg${i}`, 1, 1)),
    ...pair('pg', 1, -1),
    ...[1, 2].flatMap((i) => pair(`jg${i}`, -1, 1)),
    ...[1, 2, 3].flatMap((i) => pair(`bb${i}`, -1, -1)),
    onSpan('alone', 1, 'eval'),
  ]
  await insertScores(engine, rows)
  const [row] = await ask('feedback_agreement', { project: 'kappa' })
  expect(row).toMatchObject({
    name: 'relevance',
    evaluator: 'judge',
    evaluator_version: '1',
    pairs: 10,
    both_good: 4,
    judge_good_person_bad: 2,
    judge_bad_person_good: 1,
    both_bad: 3,
    agreement: 0.7,
  })
  expect(row?.['kappa']).toBeCloseTo(0.4, 10)
})
