// Every question, those to come included: a score that breaks its configuration is in no figure, and of one person's votes on
// one target the newest counts, or each where the configuration of its name says so.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadQueries, type QueryRow, runQuery } from '../../collector/queries.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'
import { insertScores, insertSpans, llmCall } from '../api/rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

const nowMs = Date.now()
const questions = loadQueries().filter(({ params }) => params.some(({ name }) => name === 'project'))
/** They show scores one by one, each with what it breaks. */
const lists = ['feedback_list', 'scores']
let engine: TestEngine

let count = 0
function vote(project: string, cells: Partial<ScoreRow>): ScoreRow {
  count++
  return {
    ...blankScore,
    project_id: project,
    name: 'user_feedback',
    score_id: `${project}-${count}`,
    created_at: nowMs - 30_000 + count,
    target: 'span',
    trace_id: 't1',
    span_id: 's1',
    data_type: 'numeric',
    source: 'user',
    author_id: 'jane',
    value: 1,
    verdict: 1,
    label: 'thumbs_up',
    resolved: 1,
    target_time: nowMs - 60_000,
    kind: 'llm',
    provider: 'openai',
    model: 'gpt-4.1',
    feature: 'chat',
    prompt_name: 'support',
    prompt_version: '1',
    retention_days: 90,
    version: nowMs,
    ...cells,
  }
}

const bad = { value: -1, verdict: -1, label: 'thumbs_down' }
const judge = { name: 'relevance', source: 'eval', author_id: '', evaluator: 'judge', label: 'pass' }
/** A person and a judge, both content. */
const base = (project: string) => [vote(project, {}), vote(project, judge)]
/** The person's second thought, somebody else's, and the judge's. */
const further = (project: string, cells: Partial<ScoreRow>) =>
  [vote(project, bad), vote(project, { ...bad, author_id: 'joe' }), vote(project, { ...judge, ...bad })].map((row) => ({
    ...row,
    ...cells,
  }))

beforeAll(async () => {
  engine = await startTestEngine()
  for (const project of ['base', 'flagged', 'counted', 'newest', 'each']) {
    const dimensions = { feature: 'chat', prompt_name: 'support', prompt_version: '1', user_id: 'u' }
    await insertSpans(engine, nowMs, [{ project_id: project, ...llmCall('t1', 's1', dimensions) }])
  }
  const again = (project: string, each_counts: number) => [
    ...base(project),
    { ...vote(project, bad), each_counts },
    { ...vote(project, { ...judge, ...bad }), each_counts },
  ]
  await insertScores(engine, [
    ...base('base'),
    ...base('flagged'),
    ...further('flagged', { violation: 'out_of_range', config: 'c@1' }),
    ...base('counted'),
    ...further('counted', {}),
    ...again('newest', 0),
    ...again('each', 1),
  ])
})
afterAll(() => engine?.stop())

async function answer(id: string, project: string, params: object = {}): Promise<QueryRow[]> {
  const question = questions.find((each) => each.id === id)
  if (question === undefined) throw new Error(`there is no question ${id}`)
  return runQuery(engine.clickhouse, question, { ...params, project })
}

describe('a score that breaks its configuration', () => {
  const figures = questions.map(({ id }) => id).filter((id) => !lists.includes(id))

  test.each(figures)('is not in %s', async (id) => {
    const rows = (await answer(id, 'flagged')).map((row) => (id === 'feedback_summary' ? { ...row, flagged: 0 } : row))
    expect(rows).toEqual(await answer(id, 'base'))
  })

  test.each(['quality', 'score_distribution', 'feedback_agreement', 'feedback_summary'])(
    'would be in %s otherwise, and is when asked for',
    async (id) => {
      const counted = await answer(id, 'counted')
      expect(counted).not.toEqual(await answer(id, 'base'))
      const asked = (await answer(id, 'flagged', { flagged: 1 })).map((row) =>
        'flagged' in row ? { ...row, flagged: 0 } : row,
      )
      expect(asked).toEqual(counted)
    },
  )
})

describe('of one person’s votes on one target the newest counts, and each of a repeated measurement, in', () => {
  test.each([
    ['feedback_summary', 'total'],
    ['quality', 'votes'],
  ])('%s', async (id, column) => {
    const total = async (project: string) => (await answer(id, project))[0]?.[column]
    // The judge is nobody: its scores are counted one by one.
    expect([await total('newest'), await total('each')]).toEqual([3, 4])
  })

  test('feedback_agreement', async () => {
    const pairs = async (project: string) => (await answer('feedback_agreement', project))[0]?.['pairs']
    expect([await pairs('newest'), await pairs('each')]).toEqual([1, 4])
  })
})
