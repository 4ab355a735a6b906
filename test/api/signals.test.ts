// Signals (of rules, `implicit-…`, `signal-…`) are asked for by a question of their own and move no figure of people's votes.

import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadQueries, type QueryRow, runQuery } from '../../collector/queries.ts'
import { type FeedbackBody, type ScoreRow, scoreFromFeedback } from '../../processors/scores.ts'
import { signalNames } from '../../schemas/automatic-rules.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores, insertSpans, llmCall } from './rows.ts'

const nowMs = Date.now()
const queries = loadQueries()
let engine: TestEngine
let given = 0

beforeAll(async () => {
  engine = await startTestEngine()
  await insertSpans(engine, nowMs, [
    llmCall('a', 'a1', { total_cost: '0.10', feature: 'chat', prompt_name: 'support', prompt_version: '1' }),
    llmCall('b', 'b1', { total_cost: '0.20', feature: 'chat', prompt_name: 'support', prompt_version: '1' }),
    llmCall('c', 'c1', { total_cost: '0.40', model: 'gpt-4.1-mini' }),
    llmCall('d', 'd1', { total_cost: '0.80', model: 'gpt-4.1-mini' }),
  ])
  await insertScores(engine, [
    score(1, 'a', { user_id: 'ada' }),
    score(-1, 'b', { user_id: 'bob' }),
    score(1, 'c', { source: 'human-review', user_id: 'eva' }, mini),
    score(1, 'a', { name: 'relevance', source: 'eval' }),
    // What a team's own check sent, as AgentCost's page has it.
    score(-1, 'c', { source: 'automated' }, mini),
  ])
})
afterAll(() => engine?.stop())

const gpt = { model: 'gpt-4.1', feature: 'chat', prompt_name: 'support', prompt_version: '1' }
const mini = { model: 'gpt-4.1-mini', feature: '', prompt_name: '', prompt_version: '' }

function score(
  value: -1 | 0 | 1,
  trace: string,
  body: Omit<FeedbackBody, 'score'>,
  columns: Partial<ScoreRow> = {},
): ScoreRow {
  given++
  const row = scoreFromFeedback(
    { trace_id: trace, span_id: `${trace}1`, ...body, score: value },
    { projectId: 'default', nowMs: nowMs - 10_000 + given, newId: () => `v${given}` },
  )
  return { ...row, resolved: 1, target_time: nowMs - 60_000, kind: 'llm', provider: 'openai', ...gpt, ...columns }
}

async function ask(id: string, params: Readonly<Record<string, unknown>> = {}): Promise<QueryRow[]> {
  const query = queries.find((each) => each.id === id)
  if (query === undefined) throw new Error(`no question ${id}`)
  return runQuery(engine.clickhouse, query, params)
}

/** Questions whose answer is what was given, each by itself. */
const lists = ['feedback_list', 'scores', 'signals']

async function figures(): Promise<Record<string, QueryRow[]>> {
  const asked = queries.filter(({ id }) => !lists.includes(id))
  const entries: [string, QueryRow[]][] = []
  for (const { id, params: known } of asked) {
    const to = known.some(({ name }) => name === 'to') ? { to: new Date(nowMs + 3_600_000).toISOString() } : {}
    entries.push([id, await ask(id, to)])
  }
  return Object.fromEntries(entries)
}

test('figures of votes do not move when signals come, and signals have a question of their own', async () => {
  const before = await figures()
  expect(before['quality']).toMatchObject([
    { group: 'gpt-4.1-mini', votes: 2 },
    { group: 'gpt-4.1', votes: 3 },
  ])
  expect(before['feedback_agreement']).not.toEqual([])
  const rule = { source: 'automated', id: 'automated-refusal:a:a1', name: 'automated-refusal' } as const
  await insertScores(engine, [
    score(-1, 'a', rule, { evaluator: 'spanledger', span_cost: 100_000_000_000n }),
    score(-1, 'a', { ...rule, id: 'by another id' }, { evaluator: 'spanledger', span_cost: 100_000_000_000n }),
    score(-1, 'd', { source: 'automated', name: 'automated-too-long' }, { ...mini, span_cost: 800_000_000_000n }),
    score(1, 'b', { name: 'implicit-copy', user_id: 'bob' }, { span_cost: null }),
    score(-1, 'b', { name: 'implicit-regenerate' }, { span_cost: null }),
    score(-1, 'b', { name: 'implicit-regenerate', user_id: 'cyd' }, { span_cost: null }),
  ])
  const after = await figures()
  // A rule is one more judge, on lines of its own.
  const judges = (rows: QueryRow[] = []) => rows.filter((row) => !String(row['name']).startsWith('automated-'))
  expect({ ...after, feedback_agreement: judges(after['feedback_agreement']) }).toEqual(before)
  expect(after['feedback_agreement']).toContainEqual(
    expect.objectContaining({ name: 'automated-refusal', pairs: 1, judge_bad_person_good: 1 }),
  )
  expect(await ask('signals')).toEqual([
    line('gpt-4.1', 'automated-refusal', { source: 'automated', bad: 1, total_cost: '0.1', newest_trace_id: 'a' }),
    line('gpt-4.1-mini', 'automated-too-long', {
      source: 'automated',
      bad: 1,
      total_cost: '0.8',
      newest_trace_id: 'd',
    }),
    line('gpt-4.1', 'implicit-copy', { source: 'user', good: 1, newest_trace_id: 'b' }),
    line('gpt-4.1', 'implicit-regenerate', { source: 'user', bad: 1, newest_trace_id: 'b' }),
  ])
  expect(await ask('signals', { by: 'prompt', name: 'implicit-copy' })).toMatchObject([
    { group: 'support@1', targets: 1, calls: 2, share: 0.5 },
  ])
})

test('an evaluation that only begins like a rule is a vote, and what is named signal is none', async () => {
  const before = await figures()
  await insertScores(engine, [
    score(1, 'a', { source: 'eval', name: 'automated-relevancy', id: 'relevancy' }, {}),
    score(-1, 'a', { source: 'automated', name: 'signal-length', id: 'length' }, {}),
  ])
  const after = await figures()
  const votes = (rows: QueryRow[] = []) => rows.reduce((sum, row) => sum + Number(row['votes']), 0)
  expect(votes(after['quality'])).toBe(votes(before['quality']) + 1)
  expect((await ask('signals')).map((row) => row['name'])).toContain('signal-length')
})

test('every place that tells signals from votes goes by the same names', () => {
  const folders = ['migrations', 'queries'].map((name) => new URL(`../../schemas/${name}/`, import.meta.url))
  const files = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => ({ name, sql: readFileSync(new URL(name, folder), 'utf8') })),
  )
  // A landed migration stays as it is: the last that makes the view counts.
  const named = files.filter(({ name, sql }) => /match\([a-z.]+name, /.test(sql) && name !== '0012_votes.sql')
  expect(named.map(({ name }) => name)).toEqual(['0015_signals.sql', 'feedback_summary.sql', 'signals.sql'])
  for (const { name, sql } of named) expect([name, sql.includes(`'${signalNames}'`)]).toEqual([name, true])
})

function line(group: string, name: string, columns: Readonly<Record<string, unknown>>) {
  return { group, name, targets: 1, good: 0, bad: 0, calls: 2, share: 0.5, total_cost: null, ...columns }
}
