// Feedback from the request to the figures, on a real ClickHouse: posted, journalled late, resolved, listed, summed up, deleted.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { ScoreResolver } from '../../collector/score-resolver.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores, insertSpans, llmCall } from './rows.ts'

/** What the journal and the writer take between the answer and the row in ClickHouse. */
const lagMs = 150

let engine: TestEngine
let api: Api
let resolver: ScoreResolver
const late = new Set<Promise<void>>()

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }

beforeAll(async () => {
  engine = await startTestEngine()
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: async (rows) => {
      const inserting = new Promise((resolve) => setTimeout(resolve, lagMs)).then(() => insertScores(engine, rows))
      late.add(inserting)
    },
    project: (headers) => String(headers['x-project'] ?? 'default'),
    version: '0',
    log,
  })
  resolver = new ScoreResolver({
    clickhouse: engine.clickhouse,
    appendScores: (rows) => insertScores(engine, rows),
    log,
  })
})
afterAll(async () => {
  await api?.close()
  await Promise.all(late)
  await engine?.stop()
})

async function send(method: string, path: string, body?: unknown, project = 'default') {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, {
    method,
    headers: { 'x-project': project, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const get = async (path: string, project?: string) => (await send('GET', path, undefined, project)).body

test('what was answered as stored is read at once, as it was sent', async () => {
  const sent = {
    trace_id: 'abc-123',
    score: -1,
    comment: 'Hallucinated "a date"\n<b>',
    source: 'automated',
    user_id: 'checker',
    tags: ['hallucination', 'b'],
    metadata: { n: 5, text: '5', deep: { a: [true, null] } },
    evaluator: 'date-check',
    evaluator_version: '1.4',
    cost: 0.0003,
  }
  const stored = (await send('POST', '/api/feedback', sent, 'first')).body
  expect(await get('/api/feedback', 'first')).toEqual([
    {
      ...stored,
      data_type: 'numeric',
      text: '',
      config: '',
      violation: '',
      ...sent,
      value: -1,
      label: 'thumbs_down',
      error_type: '',
      resolved: false,
      target: 'trace',
      target_trace_id: 'abc-123',
      target_span_id: '',
      provider: '',
      model: '',
      feature: '',
      prompt_name: '',
      prompt_version: '',
      span_cost: null,
    },
  ])
  expect(await get('/api/feedback/trace/abc-123/score', 'first')).toEqual({
    trace_id: 'abc-123',
    total: 1,
    positive: 0,
    negative: 1,
    neutral: 0,
    score: -1,
  })
  expect(await get('/api/feedback/trace/nothing/score', 'first')).toMatchObject({ total: 0, score: null })
})

test('a change and a deletion of what ClickHouse has had for long', async () => {
  const old = { trace_id: 't', score: 1, id: 'old' }
  const created_at = (await send('POST', '/api/feedback', old, 'changes')).body['created_at']
  await get('/api/feedback', 'changes')
  // Another process, which knows nothing of it but what is stored.
  const other = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: (rows) => insertScores(engine, rows),
    project: () => 'changes',
    version: '0',
    log,
  })
  const url = `http://127.0.0.1:${other.endpoint.port}/api/feedback`
  const post = async (body: object) =>
    (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    ).json()
  const rows = async () => {
    const sql = "SELECT count() AS rows FROM scores WHERE project_id = 'changes'"
    return Number((await engine.clickhouse.query<{ rows: string }>(sql))[0]?.rows)
  }
  try {
    const before = await rows()
    expect(await post(old)).toMatchObject({ id: 'old', created_at })
    expect(await rows()).toBe(before)
    expect(await post({ ...old, score: -1 })).toMatchObject({ score: -1, created_at })
    expect(await get('/api/feedback', 'changes')).toMatchObject([{ id: 'old', score: -1, created_at }])
    expect((await fetch(`${url}/old`, { method: 'DELETE' })).status).toBe(200)
    expect(await get('/api/feedback', 'changes')).toEqual([])
    expect((await fetch(`${url}/old`, { method: 'DELETE' })).status).toBe(404)
  } finally {
    await other.close()
  }
})

test('of two collectors each knows what the other has written since', async () => {
  let aheadMs = 0
  const collector = () =>
    startApi({
      endpoint: { host: '127.0.0.1', port: 0 },
      clickhouse: engine.clickhouse,
      appendScores: (rows) => insertScores(engine, rows),
      project: () => 'pair',
      version: '0',
      log,
      now: () => Date.now() + aheadMs,
    })
  const [a, b] = await Promise.all([collector(), collector()])
  const at = async (one: Api, method: string, path: string, body?: unknown) => {
    aheadMs += 5000
    const sent = {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }
    const response = await fetch(`http://127.0.0.1:${one.endpoint.port}/api/feedback${path}`, sent)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const up = { trace_id: 't', score: 1, id: 'mine' }
  try {
    await at(a, 'POST', '', up)
    await at(b, 'POST', '', { ...up, score: -1 })
    // The same that `a` said first, and no repetition of it.
    await at(a, 'POST', '', up)
    expect((await at(b, 'GET', '')).body).toMatchObject([{ id: 'mine', score: 1 }])
    expect((await at(b, 'DELETE', '/mine')).status).toBe(200)
    expect((await at(a, 'DELETE', '/mine')).status).toBe(404)
    expect((await at(a, 'POST', '', up)).status).toBe(200)
    expect((await at(b, 'GET', '')).body).toMatchObject([{ id: 'mine', score: 1 }])
  } finally {
    await Promise.all([a.close(), b.close()])
  }
})

test('what found its call is not written again when it is said again', async () => {
  await insertSpans(engine, Date.now(), [
    llmCall('t5', 'e', { project_id: 'resolved', session_id: 'the session', feature: 'chat' }),
  ])
  const said = { trace_id: 't5', span_id: 'e', score: 1, id: 'again' }
  await send('POST', '/api/feedback', said, 'resolved')
  await get('/api/feedback', 'resolved')
  await Promise.all(late)
  await resolver.runOnce()
  const now = () =>
    engine.clickhouse.query("SELECT resolved, session_id, version FROM all_scores WHERE score_id = 'again'")
  const found = await now()
  expect(found).toMatchObject([{ resolved: 1, session_id: 'the session' }])
  await new Promise((resolve) => setTimeout(resolve, 1100)) // so long a collector trusts its own memory
  expect((await send('POST', '/api/feedback', said, 'resolved')).body).toMatchObject({ id: 'again', score: 1 })
  await Promise.all(late)
  expect(await now()).toEqual(found)
})

describe('with the calls that are judged', () => {
  beforeAll(async () => {
    await insertSpans(engine, Date.now(), [
      llmCall('0af7651916cd43dd8448eb211c80319c', 'a', {
        total_cost: '0.25',
        prompt_name: 'support-bot',
        prompt_version: '2',
      }),
      llmCall('t2', 'b', {
        total_cost: '0.75',
        prompt_name: 'support-bot',
        prompt_version: 'beta',
        response_id: 'chatcmpl-1',
      }),
      llmCall('t3', 'c', { total_cost: '2', model: 'meta/llama-4', provider: 'together' }),
    ])
    await send('POST', '/api/feedback', { trace_id: '0AF76519-16CD-43DD-8448-EB211C80319C', score: 1, user_id: 'ada' })
    await send('POST', '/api/feedback', { response_id: 'chatcmpl-1', score: -1, tags: ['too-long'] })
    await send('POST', '/api/feedback', { trace_id: 't3', span_id: 'c', score: 0 })
    await get('/api/feedback')
    // The resolver looks at what ClickHouse has, and a loaded machine takes longer than the lag.
    await Promise.all(late)
    await resolver.runOnce()
  })

  test('quality by model', async () => {
    expect(await get('/api/feedback/quality/models')).toMatchObject([
      {
        model: 'gpt-4.1',
        total_feedback: 2,
        positive_pct: 50,
        negative_pct: 50,
        avg_score: 0,
        avg_cost: 0.5,
        cost_per_positive: 1,
        total_cost: 1,
        calls: 2,
        rated_share: 1,
      },
      { model: 'meta/llama-4', total_feedback: 1, positive_pct: 0, neutral: 1, cost_per_positive: null, avg_cost: 2 },
    ])
  })

  test('quality of one model, its name with a slash; of an unknown one nothing is known', async () => {
    expect(await get('/api/feedback/quality/model/meta%2Fllama-4')).toMatchObject({
      model: 'meta/llama-4',
      total_feedback: 1,
    })
    expect(await get('/api/feedback/quality/model/none')).toEqual({
      model: 'none',
      total_feedback: 0,
      positive: 0,
      negative: 0,
      neutral: 0,
      positive_pct: null,
      negative_pct: null,
      avg_score: null,
      avg_cost: null,
      cost_per_positive: null,
    })
  })

  test('quality of a prompt by version, numbers as numbers', async () => {
    expect(await get('/api/feedback/quality/prompt/support-bot')).toMatchObject([
      {
        prompt_id: 'support-bot',
        version: 2,
        total_feedback: 1,
        positive_pct: 100,
        avg_score: 1,
        cost_per_positive: 0.25,
      },
      { prompt_id: 'support-bot', version: 'beta', total_feedback: 1, positive_pct: 0, avg_score: -1 },
    ])
    expect(await get('/api/feedback/quality/prompt/other')).toEqual([])
  })

  test('quality within a time, of scores of one name, and of some sources', async () => {
    const total = async (query: string) => (await get(`/api/feedback/quality/model/gpt-4.1?${query}`))['total_feedback']
    expect(await total('name=user_feedback&sources=user&sources=eval')).toBe(2)
    expect(await total('name=tone')).toBe(0)
    expect(await total('sources=eval')).toBe(0)
    expect(await total('to=2026-01-01')).toBe(0)
    expect(await get('/api/feedback/quality/prompt/support-bot?name=tone')).toEqual([])
    expect(await get('/api/feedback/summary?to=2026-01-01')).toMatchObject({ total: 0 })
  })

  test('a trace is found by its id in any spelling, and by the trace a response led to', async () => {
    for (const id of ['0af7651916cd43dd8448eb211c80319c', '0AF76519-16CD-43DD-8448-EB211C80319C'])
      expect(await get(`/api/feedback/trace/${id}`)).toMatchObject([
        { score: 1, user_id: 'ada', model: 'gpt-4.1', resolved: true },
      ])
    expect(await get('/api/feedback/trace/t2')).toMatchObject([
      { score: -1, response_id: 'chatcmpl-1', span_cost: 0.75 },
    ])
  })

  test('list by model, score and source; newest first, as many as asked for', async () => {
    expect(await get('/api/feedback?model=gpt-4.1&score=-1&source=user')).toMatchObject([{ tags: ['too-long'] }])
    const all = (await get('/api/feedback?limit=1000&project=default')) as unknown as { created_at: number }[]
    expect(all).toHaveLength(3)
    const times = all.map(({ created_at }) => created_at)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(await get('/api/feedback?limit=1')).toEqual(all.slice(0, 1))
  })

  test('summary', async () => {
    expect(await get('/api/feedback/summary')).toMatchObject({
      total: 3,
      positive: 1,
      negative: 1,
      neutral: 1,
      positive_pct: 33.3,
      unresolved: 0,
      flagged: 0,
    })
    expect(await get('/api/feedback/summary', 'nobody')).toMatchObject({ total: 0, positive_pct: null })
  })

  test('any question, its parameters from the URL; a wrong one is explained', async () => {
    const from = new Date(Date.now() - 3_600_000).toISOString()
    const { status, body } = await send('GET', `/api/queries/quality?by=model&from=${from}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: 'quality', title: 'Quality and cost' })
    expect(body['rows']).toMatchObject([
      { group: 'meta/llama-4', total_cost: '2', cost_per_positive: null },
      { group: 'gpt-4.1', total_cost: '1', cost_per_positive: 1 },
    ])
    const wrong = await send('GET', '/api/queries/quality?from=yesterday')
    expect(wrong.status).toBe(400)
    expect(wrong.body['detail']).toMatch(/^from is "yesterday"; it must be a time/)
    expect((await send('GET', '/api/queries/feedback_list?traces=t2&traces=t3')).body['rows']).toHaveLength(2)
    expect((await send('GET', '/api/queries/feedback_list?traces=t2')).body['rows']).toHaveLength(1)
  })

  test('the page shows the calls', async () => {
    const text = await (await fetch(`http://127.0.0.1:${api.endpoint.port}/`)).text()
    expect(text).toContain('meta/llama-4')
    expect(text).toContain('<b>3.0000</b>')
  })
})
