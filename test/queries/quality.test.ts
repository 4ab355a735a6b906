// The question `quality` over a month: whole hours come from the rollup, and give what the calls themselves give, also after
// corrections; scores that were changed or deleted count as they are now. And the distribution of scores.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadQueries, type QueryRow, runQuery } from '../../collector/queries.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'
import { insertScores, insertSpans, llmCall, utc } from '../api/rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

const hour = 3_600_000
const day = 24 * hour
const midnight = Math.floor(Date.now() / day) * day
const month = { from: utc(midnight - 30 * day), to: utc(midnight) }
const queries = loadQueries()
let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  const at = (days: number, hours = 10) => ({ start_time: utc(midnight - days * day + hours * hour) })
  const gpt = { team: 'help', release: '1' }
  const mini = { model: 'gpt-4.1-mini', team: 'sales', release: '2' }
  await insertSpans(engine, midnight, [
    llmCall('a', 'a1', { ...gpt, ...at(3), total_cost: '0.5' }),
    llmCall('a', 'a2', { ...gpt, ...at(3), total_cost: '0.25', status: 'error' }),
    llmCall('b', 'b1', {
      ...gpt,
      ...at(20),
      total_cost: '0.125',
      cost_status: 'partial',
      cost_reason: 'unit_no_price',
    }),
    llmCall('b', 'b2', { ...gpt, ...at(20), total_cost: null, cost_status: 'unpriced', cost_reason: 'no_price' }),
    llmCall('c', 'c1', { ...mini, ...at(2), total_cost: '1' }),
    llmCall('c', 'c2', { ...mini, ...at(2), total_cost: '1' }),
    { trace_id: 'e', span_id: 'e', kind: 'evaluator', name: 'judge', duration_ns: 7e12, ...at(2, 9.9) },
    llmCall('e', 'e1', { ...gpt, ...at(2, 9.95), total_cost: '4', parent_span_id: 'e' }),
    llmCall('e', 'e2', { ...gpt, ...at(2, 11.8), total_cost: '8', parent_span_id: 'e' }),
    llmCall('e', 'e3', { model: 'judge-only', ...at(2, 10), total_cost: '16', parent_span_id: 'e' }),
  ])
})
afterAll(() => engine?.stop())

async function ask(id: string, params: Readonly<Record<string, unknown>>): Promise<QueryRow[]> {
  return runQuery(engine.clickhouse, queries.find((query) => query.id === id)!, { ...month, ...params })
}

let scores = 0
function score(trace: string, cells: Partial<ScoreRow>): ScoreRow {
  const at = midnight - 2 * day + scores++
  return {
    ...blankScore,
    ...{
      project_id: 'default',
      name: 'thumbs',
      score_id: `s${scores}`,
      source: 'user',
      version: at,
      retention_days: 90,
    },
    ...{
      created_at: at,
      target: 'trace',
      trace_id: trace,
      target_time: at,
      resolved: 1,
      calls: 2,
      value: 1,
      verdict: 1,
    },
    ...{ model: 'gpt-4.1', team: 'help', release: '1', author_id: `author-${scores}` },
    ...cells,
  }
}

/** What a zone of half hours cannot take from whole hours is read from the calls. */
const fromCalls = { tz: 'Asia/Kolkata' }
const line = (row: QueryRow) =>
  ['group', 'calls', 'priced_calls', 'unpriced_calls', 'errors', 'total_cost'].map((name) => row[name])

test('the rollup and the calls give the same figures, without what judges asked for', async () => {
  const rows = await ask('quality', {})
  expect(rows.map(line)).toEqual([
    ['gpt-4.1-mini', 2, 2, 0, 0, '2'],
    ['gpt-4.1', 4, 2, 2, 1, '0.875'],
  ])
  expect(rows[1]).toMatchObject({ avg_cost: 0.375, priced_share: 0.5 })
  expect(await ask('quality', fromCalls)).toEqual(rows)
  expect((await ask('quality', { by: 'release' })).map(line)).toEqual([
    ['2', 2, 2, 0, 0, '2'],
    ['1', 4, 2, 2, 1, '0.875'],
  ])
})

test('they do so after corrections: a call found to be a repetition, one priced again', async () => {
  const call = { ...llmCall('c', 'c2', { model: 'gpt-4.1-mini', team: 'sales', release: '2' }), revision: 1 }
  const b2 = { ...llmCall('b', 'b2', { team: 'help', release: '1' }), revision: 1 }
  const [c, b] = [utc(midnight - 2 * day + 10 * hour), utc(midnight - 20 * day + 10 * hour)]
  const unpriced = { total_cost: null, cost_status: 'unpriced', cost_reason: 'no_price' }
  await insertSpans(engine, midnight, [
    { ...call, start_time: c, total_cost: '1', sign: -1 },
    { ...call, start_time: c, total_cost: null, cost_status: 'not_billed', cost_reason: 'duplicate', sign: 1 },
    { ...b2, start_time: b, ...unpriced, sign: -1 },
    { ...b2, start_time: b, total_cost: '2', sign: 1 },
  ])
  const rows = await ask('quality', {})
  expect(rows.map(line)).toEqual([
    ['gpt-4.1', 4, 3, 1, 1, '2.875'],
    ['gpt-4.1-mini', 1, 1, 0, 0, '1'],
  ])
  expect(rows[0]).toMatchObject({ avg_cost: 2.75 / 3 })
  expect(await ask('quality', fromCalls)).toEqual(rows)
})

test('scores count as they are now: changed, deleted, one on a call of a trace that was judged whole', async () => {
  const [kept, changed, deleted] = [score('a', {}), score('b', {}), score('a', { verdict: -1, value: -1 })]
  const call = { target: 'span', span_id: 'a1', kind: 'llm', calls: 1 } as const
  await insertScores(engine, [kept, changed, deleted, score('a', call)])
  await insertScores(engine, [
    { ...changed, verdict: -1, value: -1, version: changed.version + 1 },
    { ...deleted, is_deleted: 1, version: deleted.version + 1 },
  ])
  expect(await ask('quality', { by: 'team' })).toMatchObject([
    { group: 'help', votes: 3, positive: 2, negative: 1, rated_calls: 4, rated_share: 1, cost_per_positive: 2.875 / 2 },
    { group: 'sales', votes: 0, rated_calls: 0 },
  ])
})

test('over time: days of the zone asked for', async () => {
  const days = async (tz: string) =>
    (await ask('quality', { by: 'all', step: 'day', tz })).map((row) => [row['time'], row['calls'], row['votes']])
  const start = (days: number, hours = 0) => utc(midnight - days * day + hours * hour).slice(0, 19)
  expect(await days('UTC')).toEqual([
    [start(20), 2, 0],
    [start(3), 2, 0],
    [start(2), 1, 3],
  ])
  expect(await days('Asia/Kolkata')).toEqual([
    [start(20, -5.5), 2, 0],
    [start(3, -5.5), 2, 0],
    [start(2, -5.5), 1, 3],
  ])
})

test('distribution: numbers in bins of equal width, few different ones by themselves, labels apart', async () => {
  const given = (name: string, cells: Partial<ScoreRow>) => score('a', { project_id: 'd', name, verdict: 0, ...cells })
  await insertScores(engine, [
    ...Array.from({ length: 21 }, (_, i) => given('relevance', { value: i / 20 })),
    ...[1, 1, 5].map((value) => given('stars', { value })),
    given('tone', { value: null, label: 'kind' }),
    given('tone', { value: null, label: 'rude', release: '2' }),
  ])
  const shown = async (params: Readonly<Record<string, unknown>>) =>
    (await ask('score_distribution', { project: 'd', bins: 4, ...params })).map((row) =>
      ['name', 'bin_from', 'bin_to', 'label', 'scores', 'share'].map((name) => row[name]),
    )
  expect(await shown({ name: 'relevance' })).toEqual([
    ['relevance', 0, 0.25, '', 5, 5 / 21],
    ['relevance', 0.25, 0.5, '', 5, 5 / 21],
    ['relevance', 0.5, 0.75, '', 5, 5 / 21],
    ['relevance', 0.75, 1, '', 6, 6 / 21],
  ])
  expect(await shown({ name: 'stars' })).toEqual([
    ['stars', 1, 1, '', 2, 2 / 3],
    ['stars', 5, 5, '', 1, 1 / 3],
  ])
  expect(await shown({ name: 'tone', by: 'release' })).toEqual([
    ['tone', null, null, 'kind', 1, 1],
    ['tone', null, null, 'rude', 1, 1],
  ])
})
