// What the API says over HTTP: what it takes, what it refuses and how, and that it takes feedback while the database is away.

import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Api, type ApiAnswer, type ApiOptions, startApi } from '../../collector/api/server.ts'
import { ClickHouseError } from '../../collector/clickhouse/client.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'

let api: Api | undefined
/** For tests that need nothing special: starting one takes longer than such a test. */
let plain: Api | undefined
let url = ''
let appended: ScoreRow[] = []
let lines: string[] = []

afterEach(async () => {
  await api?.close()
  api = undefined
})
afterAll(() => plain?.close())

const away = async (): Promise<never[]> => {
  throw new ClickHouseError('world', null, 'ClickHouse did not answer: ECONNREFUSED')
}

async function start(options?: Partial<ApiOptions>): Promise<void> {
  appended = []
  lines = []
  let started: Api
  if (options === undefined) started = plain ??= await startWith({})
  else started = api = await startWith(options)
  url = `http://127.0.0.1:${started.endpoint.port}`
}

function startWith(options: Partial<ApiOptions>): Promise<Api> {
  return startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async (rows) => void appended.push(...rows),
    project: () => 'default',
    version: '1.2.3',
    log: {
      limited: (key) => void lines.push(key),
      error: (message) => void lines.push(message),
    },
    ...options,
  })
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

const post = (body: unknown, headers?: Record<string, string>) => send('POST', '/api/feedback', body, headers)

describe('POST /api/feedback', () => {
  test("answers AgentCost's fields and ours, once the row is durable", async () => {
    let release: () => void = () => undefined
    const durable = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({ appendScores: () => durable, now: () => 1_790_000_000_123 })
    const sent = {
      trace_id: 'abc-123',
      score: -1,
      comment: 'Hallucinated a date',
      source: 'human-review',
      user_id: 'reviewer-jane',
      tags: ['hallucination'],
      metadata: { prompt_id: 'support-bot', prompt_version: 3, nested: { a: [1, null] } },
    }
    const answer = post(sent)
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve('waiting'), 50))])
    expect(first).toBe('waiting')
    release()
    const { status, body } = await answer
    expect(status).toBe(200)
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      ...sent,
      org_id: 'default',
      created_at: 1_790_000_000.123,
      name: 'human-review',
      span_id: '',
      response_id: '',
      session_id: '',
      run_name: '',
      dataset: '',
      item_id: '',
      evaluator: '',
      evaluator_version: '',
      cost: null,
    })
  })

  test('takes the smallest body, and null for what is not known', async () => {
    await start()
    expect((await post({ trace_id: 't', score: 1 })).body).toMatchObject({
      source: 'user',
      comment: '',
      tags: [],
      metadata: {},
    })
    const nulls = {
      trace_id: 't',
      score: 0,
      comment: null,
      source: null,
      user_id: null,
      tags: null,
      metadata: null,
      span_id: null,
    }
    expect(await post(nulls)).toMatchObject({ status: 200, body: { score: 0, comment: '', user_id: '' } })
    expect(appended.map((row) => row.project_id)).toEqual(['default', 'default'])
  })

  const longText = 'x'.repeat(10_001)
  const wrong: readonly { name: string; body: unknown; status?: number; detail: RegExp }[] = [
    { name: 'a score of 5', body: { trace_id: 't', score: 5 }, detail: /^score must be one of -1, 0, 1$/ },
    { name: 'a score of a half', body: { trace_id: 't', score: 0.5 }, detail: /score must be/ },
    { name: 'a score as text', body: { trace_id: 't', score: '1' }, detail: /score must be/ },
    { name: 'no score', body: { trace_id: 't' }, detail: /required property 'score'/ },
    { name: 'nothing that is judged', body: { score: 1, span_id: 's' }, detail: /trace_id is missing/ },
    { name: 'ids of spaces', body: { trace_id: ' ', session_id: '', score: 1 }, detail: /trace_id is missing/ },
    {
      name: 'an unknown source',
      body: { trace_id: 't', score: 1, source: 'robot' },
      detail: /source must be one of user, human-review, automated, eval/,
    },
    {
      name: 'a comment of 10,001 characters',
      body: { trace_id: 't', score: 1, comment: longText },
      detail: /comment must NOT have more than 10000/,
    },
    {
      name: 'too long a trace id',
      body: { trace_id: 'x'.repeat(257), score: 1 },
      detail: /trace_id must NOT have more than 256/,
    },
    {
      name: '51 tags',
      body: { trace_id: 't', score: 1, tags: Array(51).fill('a') },
      detail: /tags must NOT have more than 50/,
    },
    { name: 'a tag that is no text', body: { trace_id: 't', score: 1, tags: [1] }, detail: /tags\.0 must be string/ },
    { name: 'metadata that is a list', body: { trace_id: 't', score: 1, metadata: [] }, detail: /metadata must be/ },
    {
      name: 'metadata of 17 kB',
      body: { trace_id: 't', score: 1, metadata: { a: 'x'.repeat(17_000) } },
      detail: /metadata is 170\d\d bytes/,
    },
    { name: 'a negative cost', body: { trace_id: 't', score: 1, cost: -1 }, detail: /cost must be >= 0/ },
    { name: 'a cost as text', body: { trace_id: 't', score: 1, cost: '1' }, detail: /cost must be number/ },
    { name: 'an empty id', body: { trace_id: 't', score: 1, id: '' }, detail: /id must NOT have fewer than 1/ },
    { name: 'a list', body: [], detail: /must be object/ },
    { name: 'no JSON', body: '{"trace_id":', detail: /JSON/ },
    { name: 'a body for the prototype', body: '{"trace_id":"t","score":1,"__proto__":{}}', detail: /not valid JSON/ },
    {
      name: 'a byte that is no UTF-8',
      body: Buffer.from('{"trace_id":"\xff","score":1}', 'latin1'),
      detail: /not UTF-8/,
    },
    { name: 'half a character', body: '{"trace_id":"t\\ud83d","score":1}', detail: /half a character/ },
    {
      name: 'metadata of 101 lists in each other',
      body: `{"trace_id":"t","score":1,"metadata":{"[\\\\":${'['.repeat(99)}${']'.repeat(99)}}}`,
      detail: /deeper than 100/,
    },
    {
      name: '300 kB',
      body: { trace_id: 't', score: 1, comment: 'x'.repeat(300_000) },
      status: 413,
      detail: /too large/,
    },
  ]
  test.each(wrong)('refuses $name', async ({ body, status = 400, detail }) => {
    await start()
    const answer = await post(body)
    expect(answer).toMatchObject({ status, body: { detail: expect.stringMatching(detail) } })
    expect(appended).toEqual([])
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/protobuf'])('refuses %s', async (type) => {
    await start()
    const answer = await post('{"trace_id":"t","score":1}', { 'content-type': type })
    expect(answer).toMatchObject({
      status: 415,
      body: { detail: expect.stringMatching(/^send JSON, as application\/json/) },
    })
  })

  test('takes whole characters in any spelling, brackets in texts, and as many levels as fit', async () => {
    await start()
    const lists = `${'['.repeat(98)}${']'.repeat(98)}`
    const body = `{"trace_id":"t","score":1,"comment":"\\ud83d\\ude00 \\"${'{'.repeat(200)}","metadata":{"a\\\\":${lists}}}`
    expect(await post(body)).toMatchObject({ status: 200, body: { comment: `😀 "${'{'.repeat(200)}` } })
  })

  test('says that it reads no packed bodies', async () => {
    await start()
    expect(await post(Buffer.from([0x1f, 0x8b]), { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
      body: { detail: expect.stringMatching(/content-encoding gzip/) },
    })
  })

  test('goes on while the database is away', async () => {
    await start({ clickhouse: { query: away } })
    expect(await post({ trace_id: 't', score: 1 })).toMatchObject({ status: 200 })
    expect(await post({ trace_id: 't', score: 1, id: 'mine' })).toMatchObject({ status: 200, body: { id: 'mine' } })
  })

  test('a database that hangs does not hold it up', async () => {
    await start({ clickhouse: { query: () => new Promise<never[]>(() => undefined) } })
    const began = performance.now()
    expect(await post({ trace_id: 't', score: 1, id: 'mine' })).toMatchObject({ status: 200 })
    expect(performance.now() - began).toBeLessThan(5000)
  })

  test('what the journal refuses is refused, with a time to come again', async () => {
    await start({ appendScores: () => Promise.reject(new Refusal('journal_full', 'journal is full')) })
    const answer = await post({ trace_id: 't', score: 1, id: 'mine' })
    expect(answer).toMatchObject({ status: 503, body: { detail: 'journal is full' } })
    expect(answer.headers.get('retry-after')).toBe('2')
    // Nothing was stored under the id: sending it again is no repetition.
    expect(await post({ trace_id: 't', score: 1, id: 'mine' })).toMatchObject({ status: 503 })
  })

  test('a bug tells the log, not the sender', async () => {
    await start({ appendScores: () => Promise.reject(new TypeError('secret detail')) })
    expect(await post({ trace_id: 't', score: 1 })).toMatchObject({ status: 500, body: { detail: 'internal error' } })
    expect(lines).toEqual(['a request of the API failed: this is a bug'])
  })
})

describe('the same id again, before ClickHouse shows it', () => {
  test('the same words are one row and one answer', async () => {
    await start({})
    const sent = { trace_id: 't', score: 1, id: 'mine', metadata: { a: 1, b: '2' } }
    const first = await post(sent)
    const again = await post({ ...sent, metadata: { b: '2', a: 1 } })
    expect(again.body).toEqual(first.body)
    expect(appended).toHaveLength(1)
  })

  test('the scores of a list are looked for by one question', async () => {
    const asked: unknown[] = []
    const query = async (_: string, parameters: unknown): Promise<never[]> => {
      asked.push(parameters)
      return []
    }
    await start({ clickhouse: { query } })
    const list = Array.from({ length: 50 }, (_, i) => ({ id: `s${i}`, name: 'q', traceId: 't', value: i }))
    expect((await send('POST', '/api/public/scores', list)).status).toBe(202)
    expect(asked).toEqual([{ project: 'default', ids: list.map(({ id }) => id) }])
    expect(appended).toHaveLength(50)
  })

  test('two at once are one row', async () => {
    let release: () => void = () => undefined
    const durable = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({
      appendScores: async (rows) => {
        appended.push(...rows)
        await durable
      },
    })
    const both = [post({ trace_id: 't', score: 1, id: 'mine' }), post({ trace_id: 't', score: 1, id: 'mine' })]
    await expect.poll(() => appended.length).toBe(1)
    release()
    const [first, second] = await Promise.all(both)
    expect(first?.body).toEqual(second?.body)
    expect(appended).toHaveLength(1)
  })

  test('other words replace it: same time, higher version', async () => {
    let nowMs = 1_790_000_000_000
    await start({ now: () => nowMs })
    await post({ trace_id: 't', score: 1, id: 'mine' })
    nowMs += 5000
    const changed = await post({ trace_id: 't', score: -1, id: 'mine' })
    expect(changed.body).toMatchObject({ score: -1, created_at: 1_790_000_000 })
    expect(appended.map((row) => [row.score_id, row.created_at, row.version])).toEqual([
      ['mine', 1_790_000_000_000, 1_790_000_000_000],
      ['mine', 1_790_000_000_000, 1_790_000_005_000],
    ])
  })

  test('a deletion wins over a resolution under way, and is found again as not found', async () => {
    await start({ now: () => 1_790_000_000_000 })
    await post({ trace_id: 't', score: 1, id: 'mine', comment: 'secret' })
    expect(await send('DELETE', '/api/feedback/mine')).toMatchObject({ status: 200, body: { status: 'deleted' } })
    expect(appended[1]).toMatchObject({ score_id: 'mine', is_deleted: 1, comment: '', version: 1_790_000_000_002 })
    expect(await send('DELETE', '/api/feedback/mine')).toMatchObject({
      status: 404,
      body: { detail: 'Feedback not found' },
    })
    expect(await post({ trace_id: 't', score: 1, id: 'mine' })).toMatchObject({ status: 200 })
    expect(appended[2]).toMatchObject({ is_deleted: 0, version: 1_790_000_000_004 })
  })

  test('a deletion may name a type of the body that it has not', async () => {
    await start()
    await post({ trace_id: 't', score: 1, id: 'typed' })
    const deleted = await send('DELETE', '/api/feedback/typed', undefined, { 'content-type': 'application/json' })
    expect(deleted).toMatchObject({ status: 200, body: { status: 'deleted' } })
  })

  test('a path that no route can have is refused in the form of its neighbours', async () => {
    await start()
    const long = 'x'.repeat(513)
    expect(await send('GET', `/api/feedback/trace/${long}`)).toMatchObject({
      status: 414,
      body: { detail: 'a part of the path is longer than 512 characters' },
    })
    expect((await send('GET', `/api/public/scores/${long}`)).body).toMatchObject({ error: 'InvalidRequestError' })
    expect((await send('DELETE', '/api/feedback/%ff')).body).toEqual({
      detail: 'the path is not a valid one: its escapes are not UTF-8',
    })
  })

  test('another project has its own ids', async () => {
    await start({ project: (headers) => String(headers['x-project'] ?? 'default') })
    await post({ trace_id: 't', score: 1, id: 'mine' })
    expect((await send('DELETE', '/api/feedback/mine', undefined, { 'x-project': 'other' })).status).toBe(404)
  })
})

describe('reading while the database is away', () => {
  const paths = [
    '/api/feedback',
    '/api/feedback/summary',
    '/api/feedback/trace/t',
    '/api/feedback/trace/t/score',
    '/api/feedback/quality/models',
    '/api/feedback/quality/model/gpt',
    '/api/feedback/quality/prompt/p',
    '/api/queries/cost_by_model',
  ]
  test.each(paths)('%s answers 503 and when to come again', async (path) => {
    await start({ clickhouse: { query: away } })
    const answer = await send('GET', path)
    expect(answer).toMatchObject({ status: 503, body: { detail: expect.stringMatching(/database does not answer/) } })
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(answer.text).not.toMatch(/ECONNREFUSED/)
  })

  test('a deletion cannot be decided', async () => {
    await start({ clickhouse: { query: away } })
    expect((await send('DELETE', '/api/feedback/x')).status).toBe(503)
  })

  test('the page says so', async () => {
    await start({ clickhouse: { query: away } })
    const page = await send('GET', '/')
    expect(page.status).toBe(200)
    expect(page.text).toMatch(/The database does not answer now/)
  })
})

describe('filters', () => {
  test.each([
    { path: '/api/feedback?score=2', detail: /score must be one of/ },
    { path: '/api/feedback?score=good', detail: /score must be/ },
    { path: '/api/feedback?limit=0', detail: /limit must be >= 1/ },
    { path: '/api/feedback?limit=1001', detail: /limit must be <= 1000/ },
    { path: '/api/feedback?limit=ten', detail: /limit must be integer/ },
    { path: '/api/feedback?source=robot', detail: /source must be one of/ },
    {
      path: '/api/queries/cost_by_model?nonsense=1',
      detail: /cost_by_model has no parameter "nonsense"; it has project, from, to/,
    },
    { path: '/api/feedback/summary?flaged=1', detail: /no parameter "flaged": did you mean flagged/ },
    { path: '/api/feedback/summary?flagged=2', detail: /flagged must be one of 0, 1/ },
    { path: '/api/feedback/quality/models?by=env', detail: /no parameter "by"/ },
    { path: '/api/feedback/quality/model/m?sources=robot', detail: /sources is "robot"; it may be user, / },
    { path: '/api/feedback/quality/prompt/p?from=soon', detail: /from is "soon"; it must be a time/ },
    { path: '/api/feedback?traces=t', detail: /no parameter "traces"/ },
    { path: '/api/feedback/trace/t?limit=1', detail: /no parameter "limit"/ },
    { path: '/api/queries/quality?tz=Mars', detail: /tz is "Mars"; it must be a time zone/ },
    { path: '/api/queries/score_distribution?bins=300', detail: /bins is "300"; it must be a whole number/ },
    { path: '/api/queries/cost_by_model?from=2026&from=2027', detail: /from is given more than once/ },
  ])('$path is refused', async ({ path, detail }) => {
    await start()
    expect(await send('GET', path)).toMatchObject({ status: 400, body: { detail: expect.stringMatching(detail) } })
  })

  test.each([
    '/api/feedback?project=other',
    '/api/feedback/quality/models?project=other',
    '/api/queries/cost_by_model?project=other',
  ])('%s is forbidden: a request sees its own project', async (path) => {
    await start()
    expect(await send('GET', path)).toMatchObject({ status: 403 })
    expect((await send('GET', path.replace('other', 'default'))).status).toBe(200)
  })

  test('a key that is not known is not let in', async () => {
    await start({
      project: () => {
        throw new Refusal('unauthenticated', 'unknown key')
      },
    })
    for (const path of ['/api/feedback', '/api/queries/cost_by_model'])
      expect(await send('GET', path)).toMatchObject({ status: 401, body: { detail: 'unknown key' } })
    expect((await post({ trace_id: 't', score: 1 })).status).toBe(401)
    expect((await send('GET', '/')).text).toContain('Figures are shown to whoever has a key')
  })

  test.each(['/nowhere', '/api/feedback/x', '/api/queries/nothing'])('%s is not found', async (path) => {
    await start()
    expect(await send('GET', path)).toMatchObject({ status: 404, body: { detail: expect.any(String) } })
  })
})

describe('browsers of other origins', () => {
  const origin = 'https://app.example.com'
  const preflight = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }

  test('nothing is allowed unless configured', async () => {
    await start()
    const answer = await send('OPTIONS', '/api/feedback', undefined, preflight)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a configured origin may post, read and delete; errors are readable too', async () => {
    await start({ corsOrigins: [origin] })
    const asked = await send('OPTIONS', '/api/feedback/x', undefined, preflight)
    expect(asked.status).toBe(204)
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'content-type',
      vary: 'Origin',
    })
    const wrong = await post({ trace_id: 't', score: 9 }, { origin })
    expect(wrong.status).toBe(400)
    expect(wrong.headers.get('access-control-allow-origin')).toBe(origin)
  })

  test('another origin gets no permission, and the page gives none to anybody', async () => {
    await start({ corsOrigins: [origin] })
    const other = await send('OPTIONS', '/api/feedback', undefined, { ...preflight, origin: 'https://evil.example' })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    expect((await send('GET', '/', undefined, { origin })).headers.get('access-control-allow-origin')).toBeNull()
  })
})

test('/openapi.json describes every route, with what is checked', async () => {
  await start()
  const { body } = await send('GET', '/openapi.json')
  expect(body.openapi).toBe('3.1.0')
  expect(body.info).toMatchObject({ title: 'Spanledger', version: '1.2.3' })
  const routes = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  expect(routes.sort()).toEqual([
    'delete /api/feedback/{id}',
    'get /api/calls',
    'get /api/feedback',
    'get /api/feedback/quality/model/{model}',
    'get /api/feedback/quality/models',
    'get /api/feedback/quality/prompt/{prompt_id}',
    'get /api/feedback/summary',
    'get /api/feedback/trace/{trace_id}',
    'get /api/feedback/trace/{trace_id}/score',
    'get /api/keys',
    'get /api/queries',
    'get /api/queries/{id}',
    'get /api/traces',
    'get /api/traces/{trace_id}',
    'get /api/traces/{trace_id}/explain',
    'post /api/feedback',
  ])
  const schema = body.paths['/api/feedback'].post.requestBody.content['application/json'].schema
  expect(schema.properties.score).toMatchObject({ type: 'integer', enum: [-1, 0, 1] })
})

test('the questions are listed with their parameters', async () => {
  await start()
  const { body } = await send('GET', '/api/queries')
  const entry = body.find((each: { id: string }) => each.id === 'quality')
  expect(entry).toMatchObject({ title: 'Quality and cost', description: expect.stringMatching(/^Votes on the calls/) })
  const by = entry.params.find((param: { name: string }) => param.name === 'by')
  expect(by).toMatchObject({ type: 'String', default: "'model'", choices: expect.arrayContaining(['release']) })
  expect(entry).not.toHaveProperty('sql')
})

test('the page escapes what callers sent, and may load nothing', async () => {
  const call = {
    start_time: '2026-11-24 10:00:00.000000000',
    model: '<script>alert(1)</script>',
    feature: '"><img src=x>',
    service: '',
    user_id: "o'brien & co",
    input_tokens: 1200,
    output_tokens: null,
    duration_ms: 1234.5,
    total_cost: '0.000000400000',
    cost_status: 'priced',
    cost_reason: '',
    status: 'error',
    failure_class: '<b>',
  }
  await start({ clickhouse: { query: async <T>() => [call] as T[] } })
  const page = await send('GET', '/')
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
  )
  expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  expect(page.text).not.toMatch(/<script|<img|<b>&lt;b/)
  expect(page.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page.text).toContain('o&#39;brien &amp; co')
  expect(page.text).toContain('1,200 → –')
  expect(page.text).toContain('&lt; 0.000001')
})

test('each answer is told to the meter', async () => {
  const answers: ApiAnswer[] = []
  await start({ meter: { answered: (answer) => void answers.push(answer) } })
  await post({ trace_id: 't', score: 1 })
  await post({ trace_id: 't', score: 7 })
  await send('GET', '/nowhere')
  await expect.poll(() => answers.length).toBe(3)
  expect(answers.map((answer) => [answer.route, answer.status, answer.refusal])).toEqual([
    ['/api/feedback', 200, undefined],
    ['/api/feedback', 400, 'bad_request'],
    ['', 404, 'not_found'],
  ])
})

test('closing lets a request under way finish, and may come twice', async () => {
  let release: () => void = () => undefined
  const durable = new Promise<void>((resolve) => {
    release = resolve
  })
  let isWriting = false
  await start({
    appendScores: () => {
      isWriting = true
      return durable
    },
  })
  const answer = post({ trace_id: 't', score: 1 })
  await expect.poll(() => isWriting).toBe(true)
  const closing = api?.close()
  release()
  expect((await answer).status).toBe(200)
  await closing
  await api?.close()
  await expect(post({ trace_id: 't', score: 1 })).rejects.toThrow()
})

test('an address that is taken is an error, not a silence', async () => {
  await start({})
  await expect(startWith({ endpoint: api!.endpoint })).rejects.toThrow(/EADDRINUSE/)
})
