// Scores find what they judge, on a real ClickHouse; the sink of the resolver is a plain insert of its rows.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ResolverSettings, ScoreResolver } from '../collector/score-resolver.ts'
import { readScores, readTraces, spansPerTraceMax } from '../collector/score-store.ts'
import {
  type FeedbackBody,
  type ScoreRow,
  scoreFromEvaluationEvent,
  scoreFromFeedback,
  tombstoneOf,
} from '../processors/scores.ts'
import { insertScores, insertSpans, llmCall } from './api/rows.ts'
import { startTestEngine, type TestEngine } from './engine.ts'

let engine: TestEngine
let clock = 0
let projects = 0
/** Spans are shared by the tests of this file: each has a project of its own. */
let project = ''

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.stop())
beforeEach(async () => {
  clock = Date.now()
  project = `p${projects++}`
  await engine.clickhouse.command('TRUNCATE TABLE scores')
})

const store = (rows: readonly ScoreRow[]) => insertScores(engine, rows)

function storeSpans(spans: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  return insertSpans(
    engine,
    clock,
    spans.map((span) => ({ project_id: project, ...span })),
  )
}

function score(id: string, body: Omit<FeedbackBody, 'score' | 'id'>, ageMs = 40_000): ScoreRow {
  return scoreFromFeedback({ ...body, id, score: 1 }, { projectId: project, nowMs: clock - ageMs, newId: () => id })
}

function makeResolver(settings: Partial<ResolverSettings> = {}, appendScores = store): ScoreResolver {
  const log = { info: () => undefined, warn: () => undefined }
  return new ScoreResolver({ clickhouse: engine.clickhouse, appendScores, log, settings, now: () => clock })
}

async function current(id: string): Promise<ScoreRow | undefined> {
  return (await readScores(engine.clickhouse, project, [id]))[0]
}

test('a score that came before its span is resolved when the span is there, and has every column of both', async () => {
  const before = score('s1', { trace_id: 't1', span_id: 'a', comment: 'good', tags: ['x'], metadata: { k: 1 } })
  await store([before])
  const resolver = makeResolver()
  expect(await resolver.runOnce()).toMatchObject({ resolved: 0 })
  const whose = { env: 'prod', team: 'help', customer: 'acme' }
  await storeSpans([llmCall('t1', 'a', { ...whose, service: 'web', feature: 'chat', user_id: 'ada' })])
  clock += 2000
  expect(await resolver.runOnce()).toMatchObject({ resolved: 1 })
  expect(await current('s1')).toEqual({
    ...before,
    resolved: 1,
    version: before.version + 1,
    target_time: expect.any(Number),
    kind: 'llm',
    ...whose,
    calls: 1,
    service: 'web',
    feature: 'chat',
    provider: 'openai',
    model: 'gpt-4.1',
    user_id: 'ada',
    span_cost: 1_234_567_891n,
  })
})

test('the evaluations of the OpenTelemetry capture: by response id, by the workflow span, and never by the judge', async () => {
  const workflow = (trace: string, id: string, name = 'handle ticket') => ({ trace_id: trace, span_id: id, name })
  await storeSpans([
    workflow('f9', '5a'),
    llmCall('f9', '96', { parent_span_id: '5a', response_id: 'r0' }),
    workflow('f1', '03'),
    llmCall('f1', '09', { parent_span_id: '03', response_id: 'r1', model: 'gpt-4.1-mini', total_cost: '0.5' }),
    llmCall('b0', '93', { response_id: 'r2', model: 'o4-mini' }),
    workflow('eb', '0e', 'judge'),
    llmCall('eb', '95', { parent_span_id: '0e', response_id: 'r3', model: 'gpt-4.1-nano' }),
  ])
  await store([
    score('relevance', { response_id: 'r0', trace_id: 'f9', span_id: '5a' }),
    score('faithfulness', { trace_id: 'f1', span_id: '03' }),
    score('thumb', { response_id: 'r2' }),
    score('unknown', { response_id: 'rx' }),
    score('judged', { response_id: 'r2', trace_id: 'eb', span_id: '0e' }),
  ])
  expect(await makeResolver().runOnce()).toEqual({ waiting: 1, resolved: 4 })
  const line = async (id: string) => {
    const row = await current(id)
    return [row?.resolved, row?.trace_id, row?.span_id, row?.model].join(' ')
  }
  expect(await line('relevance')).toBe('1 f9 96 gpt-4.1')
  expect(await line('faithfulness')).toBe('1 f1 03 gpt-4.1-mini')
  expect((await current('faithfulness'))?.span_cost).toBe(500_000_000_000n)
  expect(await line('thumb')).toBe('1 b0 93 o4-mini')
  expect(await line('unknown')).toBe('0   ')
  expect(await line('judged')).toBe('1 b0 93 o4-mini')
})

test('an event of two days ago that came just now is among the recent ones', async () => {
  await storeSpans([llmCall('t1', 'a')])
  const attributes = new Map<string, unknown>([
    ['gen_ai.evaluation.name', 'tone'],
    ['gen_ai.evaluation.score.value', 1],
  ])
  const event = {
    name: 'gen_ai.evaluation.result',
    attributes,
    timeMs: clock - 2 * 86_400_000,
    traceId: 't1',
    spanId: 'a',
  }
  const row = scoreFromEvaluationEvent(event, { projectId: project, nowMs: clock })
  if (row === undefined) throw new Error('no score')
  await store([row])
  expect(await makeResolver().runOnce('recent')).toMatchObject({ resolved: 1 })
  expect(await current(row.score_id)).toMatchObject({ created_at: row.created_at, resolved: 1, model: 'gpt-4.1' })
  await store([row])
  expect(await makeResolver().runOnce('recent')).toEqual({ waiting: 0, resolved: 0 })
})

test('a trace and a session', async () => {
  const env = { env: 'prod', session_id: 'c1' }
  await storeSpans([
    { trace_id: 't1', span_id: 'w', feature: 'chat', ...env },
    llmCall('t1', 'a', { parent_span_id: 'w', total_cost: '0.25', ...env }),
    llmCall('t1', 'b', { parent_span_id: 'w', total_cost: '0.5', ...env }),
    llmCall('t2', 'c', { model: 'o4-mini', ...env }),
  ])
  await store([score('trace', { trace_id: 't1' }), score('session', { session_id: 'c1' })])
  await makeResolver().runOnce()
  expect(await current('trace')).toMatchObject({
    target: 'trace',
    model: 'gpt-4.1',
    feature: 'chat',
    session_id: 'c1',
    span_cost: 750_000_000_000n,
  })
  expect(await current('session')).toMatchObject({
    target: 'session',
    env: 'prod',
    feature: 'chat',
    model: 'mixed',
    span_cost: null,
  })
})

test('another project has nothing to do with it', async () => {
  await storeSpans([llmCall('t1', 'a', { response_id: 'r', project_id: 'elsewhere' })])
  await store([score('s', { response_id: 'r' }), score('t', { trace_id: 't1' })])
  expect(await makeResolver().runOnce()).toEqual({ waiting: 2, resolved: 0 })
})

describe('changed under way', () => {
  const cases = [
    { name: 'deleted', change: (row: ScoreRow) => tombstoneOf(row, clock), want: undefined },
    {
      name: 'given anew',
      change: (row: ScoreRow): ScoreRow => ({ ...row, value: -1, verdict: -1, version: clock }),
      want: { value: -1, verdict: -1, resolved: 0 },
    },
  ]
  test.each(cases)('a score that is $name while it is resolved stays so', async ({ change, want }) => {
    await storeSpans([llmCall('t1', 'a')])
    const row = score('s', { trace_id: 't1', span_id: 'a' })
    await store([row])
    await makeResolver({}, async (rows) => {
      await store([change(row)])
      await store(rows)
    }).runOnce()
    const found = await current('s')
    if (want === undefined) expect(found).toBeUndefined()
    else expect(found).toMatchObject(want)
  })
})

test('two collectors at once, and one again after a crash, leave one row', async () => {
  await storeSpans([llmCall('t1', 'a')])
  await store([score('s', { trace_id: 't1', span_id: 'a' })])
  await Promise.all([makeResolver().runOnce(), makeResolver().runOnce()])
  await makeResolver().runOnce()
  const [sum] = await engine.clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM current_scores WHERE project_id = {project:String}',
    { project },
  )
  expect(sum).toEqual({ rows: '1' })
})

test('rows that could not be appended are tried again; rows that were are left to show', async () => {
  await storeSpans([llmCall('t1', 'a')])
  await store([score('s', { trace_id: 't1', span_id: 'a' })])
  const tries: string[] = []
  const resolver = makeResolver({}, async () => {
    tries.push('try')
    if (tries.length === 1) throw new Error('journal is full')
  })
  await expect(resolver.runOnce()).rejects.toThrow('journal is full')
  clock += 1000
  expect(await resolver.runOnce()).toMatchObject({ resolved: 1 })
  clock += 1000
  expect(await resolver.runOnce()).toMatchObject({ resolved: 0 })
  clock += 10_000
  expect(await resolver.runOnce()).toMatchObject({ resolved: 1 })
  expect(tries).toHaveLength(3)
})

test('more scores than a page, more pages than a round: each gets its turn', async () => {
  await storeSpans([llmCall('t1', 'a')])
  const hopeless = Array.from({ length: 7 }, (_, i) => score(`a${i}`, { response_id: 'never' }))
  await store([...hopeless, score('z', { trace_id: 't1', span_id: 'a' })])
  const resolver = makeResolver({ pageSize: 2, pagesMax: 1 })
  const resolved: number[] = []
  for (let i = 0; i < 5; i++) resolved.push((await resolver.runOnce()).resolved)
  expect(resolved.reduce((sum, each) => sum + each)).toBe(1)
  expect((await current('z'))?.resolved).toBe(1)
})

test('a score is looked at often while it is fresh, seldom later, never after a week', async () => {
  await store([score('s', { response_id: 'never' }, 0)])
  const queries: string[] = []
  const clickhouse = {
    query: <T>(sql: string, parameters?: Readonly<Record<string, unknown>>) => {
      if (sql.includes('all_scores')) queries.push(sql)
      return engine.clickhouse.query<T>(sql, parameters)
    },
  }
  const log = { info: () => undefined, warn: () => undefined }
  const resolver = new ScoreResolver({ clickhouse, appendScores: store, log, now: () => clock })
  const looks = async (seconds: number) => {
    const before = queries.length
    for (let i = 0; i < seconds; i++) {
      clock += 1000
      await resolver.runOnce()
    }
    return queries.length - before
  }
  expect(await looks(8)).toBe(8)
  clock += 900_000
  expect(await looks(8)).toBe(1)
  clock += 7 * 86_400_000
  expect(await resolver.runOnce()).toEqual({ waiting: 0, resolved: 0 })
})

test('what counts as a call here is what is in llm_calls', async () => {
  const reasons = ['', 'no_price', 'failed_no_usage', 'aggregate', 'duplicate', 'replayed', 'not_a_model_call']
  await storeSpans(reasons.map((reason, i) => llmCall('t1', `s${i}`, { cost_reason: reason })))
  const rows = await engine.clickhouse.query<{ span_id: string }>(
    'SELECT span_id FROM llm_calls WHERE project_id = {project:String} ORDER BY span_id',
    { project },
  )
  const trace = (await readTraces(engine.clickhouse, project, { traceIds: ['t1'], spanIds: [] })).get('t1') ?? []
  const calls = trace.filter((span) => span.is_call === 1).map((span) => span.span_id)
  expect(calls.sort()).toEqual(rows.map((row) => row.span_id))
  expect(calls).toHaveLength(3)
})

test('a trace of more calls than are read has no cost as a whole; a call of it named by the score has its own', async () => {
  await storeSpans(
    Array.from({ length: spansPerTraceMax + 5 }, (_, i) => llmCall('t1', `s${String(i).padStart(5, '0')}`)),
  )
  const last = `s0${spansPerTraceMax + 4}`
  await store([score('whole', { trace_id: 't1' }), score('one', { trace_id: 't1', span_id: last })])
  await makeResolver({ orphanQuietMs: 0 }).runOnce()
  expect(await current('whole')).toMatchObject({ resolved: 1, model: 'gpt-4.1', span_cost: null })
  expect(await current('one')).toMatchObject({ span_id: last, span_cost: 1_234_567_891n })
})

describe('the loop', () => {
  /** A clock that runs only while the loop sleeps, and notes for how long. */
  function makeLoop(query: () => Promise<never[]>) {
    const pauses: number[] = []
    const lines: string[] = []
    let enough: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      enough = resolve
    })
    const resolver = new ScoreResolver({
      clickhouse: { query },
      appendScores: async () => undefined,
      log: { info: (message) => lines.push(message), warn: (message) => lines.push(message) },
      now: () => clock,
      wait: (ms, signal) => {
        pauses.push(ms)
        clock += ms
        if (pauses.length < 6) return Promise.resolve()
        enough()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    return { resolver, pauses, lines, done }
  }

  test('sleeps longer while nothing waits, and stops at once', async () => {
    const { resolver, pauses, done } = makeLoop(async () => [])
    resolver.start()
    await done
    await resolver.stop()
    await resolver.stop()
    expect(pauses).toEqual([2000, 2000, 2000, 2000, 2000, 2000])
  })

  test('says once that ClickHouse does not answer, and once that it does again', async () => {
    let calls = 0
    const { resolver, pauses, lines, done } = makeLoop(async () => {
      if (calls++ < 4) throw new Error('ECONNREFUSED')
      return []
    })
    resolver.start()
    await done
    await resolver.stop()
    expect(lines).toEqual(['scores cannot be resolved now, will try again', 'scores are resolved again'])
    expect(pauses.slice(0, 4)).toEqual([2000, 4000, 8000, 16_000])
  })

  test('a poke ends the pause', async () => {
    const { resolver, pauses, done } = makeLoop(async () => [])
    resolver.start()
    await done
    resolver.poke()
    await expect.poll(() => pauses.length).toBe(7)
    expect(pauses.at(-1)).toBe(2000)
    await resolver.stop()
  })

  test('may be stopped before it was started', async () => {
    const { resolver } = makeLoop(async () => [])
    await resolver.stop()
  })
})

test('the run that an experiment wrote on its spans is that of its scores', async () => {
  await store([score('s1', { trace_id: 't1' })])
  const attributes = {
    'langfuse.experiment.name': 'prompt v2',
    'langfuse.experiment.dataset.id': 'refunds',
    'langfuse.experiment.item.id': '17',
  }
  await storeSpans([llmCall('t1', 'a', { attributes })])
  await makeResolver().runOnce()
  expect(await current('s1')).toMatchObject({ run_name: 'prompt v2', dataset: 'refunds', item_id: '17', resolved: 1 })
})
