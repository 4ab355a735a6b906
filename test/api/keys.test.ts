// Keys at the API: every route asks for one before it reads, in the shape of the endpoint; and what a web page may do with its key.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { Access } from '../../collector/keys/access.ts'
import { readKeys } from '../../collector/keys/entries.ts'
import { makeKey, type NewKey } from '../../collector/keys/key-text.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { exchange, RawClient } from '../otlp/doors.ts'

const [service, manager, bank] = [makeKey, makeKey, makeKey].map((make) => make({ isPublic: false })) as [
  NewKey,
  NewKey,
  NewKey,
]
const [page, otherPage] = [makeKey, makeKey].map((make) => make({ isPublic: true })) as [NewKey, NewKey]
const origin = 'https://shop.example.com'
const entryOf = ({ prefix, sha256 }: NewKey, rest: object) => ({ project: 'shop', prefix, sha256, ...rest })
const { entries, findings } = readKeys({
  keys: [
    entryOf(service, { name: 'service', may: ['ingest', 'feedback', 'read'] }),
    entryOf(manager, { name: 'manager', may: ['manage'], expires: '2100-01-01' }),
    entryOf(bank, { name: 'bank', project: 'bank', may: ['ingest', 'feedback', 'read', 'manage'] }),
    entryOf(page, { name: 'page', may: ['feedback'], origins: [origin], per_minute: '1000' }),
    entryOf(otherPage, { name: 'other page', may: ['feedback'], origins: ['https://other.example.com'] }),
  ],
})

let appended: ScoreRow[] = []
let keyed: Api
let open: Api
beforeAll(async () => {
  expect(findings).toEqual([])
  const byPrefix = new Map(entries.map((entry) => [entry.prefix, entry]))
  const options = {
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async (rows: readonly ScoreRow[]) => void appended.push(...rows),
    command: async () => undefined,
    project: () => 'default',
    version: '1.2.3',
    log: { limited: () => undefined, error: () => undefined },
    corsOrigins: ['https://admin.example.com'],
  }
  keyed = await startApi({ ...options, keys: new Access({ entries: () => byPrefix }) })
  open = await startApi(options)
})
beforeEach(() => {
  appended = []
})
afterAll(async () => {
  await keyed?.close()
  await open?.close()
})

async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
  api = keyed,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text || '{}') : { text } }
}

const as = ({ text }: NewKey): Record<string, string> => ({ authorization: `Bearer ${text}` })
const good = { trace_id: 'abc-123', score: 1 }

describe('every route', () => {
  test('that /openapi.json describes asks for a key, and says so as it says everything', async () => {
    const { body } = await send('GET', '/openapi.json')
    const paths = Object.entries(body['paths'] as Record<string, Record<string, unknown>>)
    expect(paths.length).toBeGreaterThan(8)
    for (const [path, methods] of paths)
      for (const method of Object.keys(methods)) {
        const url = path.replaceAll(/\{\w+\}/g, 'x')
        const without = await send(method.toUpperCase(), url)
        expect([method, path, without.status, without.body]).toEqual([
          method,
          path,
          401,
          { detail: expect.any(String) },
        ])
        expect(without.headers.get('www-authenticate')).toBe('Bearer')
        const ofPage = await send(method.toUpperCase(), url, { ...as(page), origin })
        expect([method, path, ofPage.status]).toEqual([
          method,
          path,
          path === '/api/feedback' && method === 'post' ? 400 : 403,
        ])
        const head = await send('HEAD', url)
        expect([401, 404]).toContain(head.status)
      }
  })

  test.each([
    ['POST', '/api/public/ingestion', 'feedback'],
    ['POST', '/api/public/scores', 'feedback'],
    ['GET', '/api/public/scores', 'read'],
    ['GET', '/api/public/v2/scores', 'read'],
    ['GET', '/api/public/v3/scores', 'read'],
    ['GET', '/api/public/scores/x', 'read'],
    ['DELETE', '/api/public/scores/x', 'manage'],
    ['POST', '/api/public/v2/datasets', 'feedback'],
    ['GET', '/api/public/v2/datasets', 'read'],
    ['POST', '/api/public/dataset-items', 'feedback'],
    ['GET', '/api/public/dataset-items', 'read'],
    ['DELETE', '/api/public/dataset-items/x', 'manage'],
    ['POST', '/api/public/dataset-run-items', 'feedback'],
    ['GET', '/api/public/datasets/x/runs', 'read'],
    ['GET', '/api/public/projects', 'any'],
    ['GET', '/api/public/health', 'any'],
  ])("%s %s of Langfuse's too, in its shape", async (method, path, need) => {
    const body = method === 'POST' ? {} : undefined
    const without = await send(method, path, {}, body)
    expect([without.status, without.body]).toEqual([401, { message: expect.any(String), error: 'UnauthorizedError' }])
    const forbidden = { status: 403, body: { message: expect.any(String), error: 'ForbiddenError' } }
    expect(await send(method, path, { ...as(page), origin }, body)).toMatchObject(forbidden)
    const [enough, tooLittle] = need === 'manage' ? [manager, service] : [service, manager]
    if (need !== 'any') expect(await send(method, path, as(tooLittle), body)).toMatchObject(forbidden)
    expect([401, 403]).not.toContain((await send(method, path, as(enough), body)).status)
  })

  test.each(['traces', 'logs'])('and %s handed on to the door of OTLP, as a Status', async (signal) => {
    const answer = await send('POST', `/api/public/otel/v1/${signal}`, {}, {})
    expect([answer.status, answer.body]).toEqual([401, { code: 16, message: expect.any(String) }])
    expect((await send('POST', `/api/public/otel/v1/${signal}`, as(manager), {})).body).toMatchObject({ code: 7 })
  })

  test('but for the page, which shows no figures, and the description', async () => {
    expect((await send('GET', '/')).body['text']).toContain('Figures are shown to whoever has a key')
    expect((await send('GET', '/', as(service))).body['text']).toContain('spent in 7 days')
    expect((await send('GET', '/', as(manager))).status).toBe(403)
    expect((await send('GET', '/openapi.json')).status).toBe(200)
    expect((await send('GET', '/api/nowhere')).status).toBe(404)
  })

  test('takes the project of the key, whatever else is said', async () => {
    expect((await send('POST', '/api/feedback', { ...as(bank), 'x-project': 'shop' }, good)).body).toMatchObject({
      org_id: 'bank',
    })
    const basic = `Basic ${Buffer.from(`pk-lf-1:${service.text}`).toString('base64')}`
    expect((await send('GET', '/api/public/projects', { authorization: basic })).body).toMatchObject({
      data: [{ id: 'shop' }],
    })
    expect((await send('GET', '/api/queries/cost_by_model?project=bank', as(service))).status).toBe(403)
  })

  test('two keys of Authorization are none, however they are ordered', async () => {
    for (const keys of [
      [service, makeKey({ isPublic: false })],
      [bank, service],
    ]) {
      const lines = keys.map(({ text }) => `Authorization: Bearer ${text}`).join('\r\n')
      const answer = await exchange(
        `127.0.0.1:${keyed.endpoint.port}`,
        `GET /api/feedback HTTP/1.1\r\nHost: c\r\nConnection: close\r\n${lines}\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    }
  })

  test('of a large body without a key two pieces are read at most', async () => {
    const sockets: Socket[] = []
    const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
    subscribe('http.server.request.start', note)
    const client = await RawClient.open(`127.0.0.1:${keyed.endpoint.port}`)
    client.write(
      'POST /api/public/ingestion HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 67108864\r\n\r\n',
    )
    for (let n = 0; n < 1024 && !client.socket.destroyed; n++) client.write(Buffer.alloc(64 * 1024))
    await client.untilClosed()
    unsubscribe('http.server.request.start', note)
    expect(sockets[0]!.bytesRead).toBeLessThan(128 * 1024)
  })
})

test('/api/keys lists those of the project, without what is secret', async () => {
  await send('GET', '/api/feedback', as(service))
  const { body } = await send('GET', '/api/keys', as(manager))
  expect(body['keys']).toMatchObject([
    {
      name: 'service',
      prefix: service.prefix,
      may: ['ingest', 'feedback', 'read'],
      expires: null,
      last_used: expect.any(String),
    },
    { name: 'manager', expires: '2100-01-01T00:00:00.000Z', expired: false },
    { name: 'page', origins: [origin] },
    { name: 'other page', last_used: null },
  ])
  for (const { text, sha256 } of [service, manager, bank, page]) {
    expect(JSON.stringify(body)).not.toContain(text)
    expect(JSON.stringify(body)).not.toContain(sha256)
  }
})

describe('a web page', () => {
  const url = `/api/feedback?key=${page.text}`
  const beacon = { origin, 'content-type': 'text/plain;charset=UTF-8' }

  test('sends feedback without asking first, and learns nothing but what it sent', async () => {
    const said = { ...good, id: 'thumb', comment: 'Nice', user_id: 'v-1' }
    const answer = await send('POST', url, beacon, said)
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    expect(answer.body).toEqual({
      id: 'thumb',
      trace_id: 'abc-123',
      score: 1,
      comment: 'Nice',
      source: 'user',
      user_id: 'v-1',
      tags: [],
      created_at: expect.any(Number),
      name: 'user_feedback',
      span_id: '',
      response_id: '',
      session_id: '',
    })
    expect(appended).toMatchObject([{ project_id: 'shop', source: 'user', value: 1, comment: 'Nice' }])
    expect((await send('POST', '/api/feedback', { ...as(page), origin }, good)).status).toBe(200)
  })

  test('the same sent again is one, something else under its id stands beside it and takes no place', async () => {
    await send('POST', '/api/feedback', as(service), { ...good, id: 'mine' })
    for (const score of [1, 1, -1]) await send('POST', url, beacon, { trace_id: 't', score, id: 'mine' })
    const [ofService, up, down, ...more] = appended.map(({ score_id, value }) => ({ score_id, value }))
    expect(more).toEqual([])
    expect(ofService).toEqual({ score_id: 'mine', value: 1 })
    expect([up?.value, down?.value]).toEqual([1, -1])
    expect(new Set(appended.map(({ score_id }) => score_id)).size).toBe(3)
    expect(up?.score_id).toMatch(new RegExp(`^${page.prefix}\\.[0-9a-f]{32}$`))
  })

  test('two pages that call their scores alike have each its own', async () => {
    const said = { ...good, id: 'thumb', comment: 'alike' }
    await send('POST', url, beacon, said)
    await send('POST', `/api/feedback?key=${otherPage.text}`, { ...beacon, origin: 'https://other.example.com' }, said)
    expect(new Set(appended.map(({ score_id }) => score_id)).size).toBe(2)
  })

  test.each([
    [{ ...good, source: 'human-review' }, /^a page sends its visitors' feedback/],
    [{ ...good, name: 'automated-refusal' }, /^scores named "automated-refusal" are written by rules/],
    [{ ...good, source: 'eval' }, /^a page sends its visitors' feedback/],
    [{ ...good, dataset: 'd' }, /^dataset is of evaluations/],
    [{ ...good, evaluator: 'e' }, /^evaluator is of evaluations/],
    [{ ...good, cost: 0 }, /^cost is of evaluations/],
  ])('speaks for nobody but its visitor: %j', async (said, want) => {
    const answer = await send('POST', url, beacon, said)
    expect([answer.status, answer.body['detail']]).toEqual([403, expect.stringMatching(want)])
    expect(appended).toEqual([])
  })

  test.each<[string, string, Record<string, string>, unknown, number]>([
    ['of another origin', url, { ...beacon, origin: 'https://evil.example.com' }, good, 403],
    ['without an origin', url, { 'content-type': 'text/plain' }, good, 403],
    ['with an unknown key', `/api/feedback?key=${makeKey({ isPublic: true }).text}`, beacon, good, 401],
    ['with a secret key in the address', `/api/feedback?key=${service.text}`, beacon, good, 401],
    ['with two keys in the address', `${url}&key=${otherPage.text}`, beacon, good, 401],
    ['with its key in the body', '/api/feedback', beacon, { ...good, key: page.text }, 401],
    ['with a key of a page in another address', `/api/feedback/summary?key=${page.text}`, beacon, good, 404],
    ['with what is no JSON', url, beacon, '{"trace_id": ', 400],
    ['with a score of 2', url, beacon, { ...good, score: 2 }, 400],
    ['with a key of its prototype', url, beacon, '{"trace_id":"t","score":1,"__proto__":{"a":1}}', 400],
    ['with a megabyte of comment', url, beacon, { ...good, comment: 'x'.repeat(1 << 20) }, 413],
  ])('%s: refused, nothing stored, no key repeated', async (_, path, headers, body, want) => {
    const answer = await send('POST', path, headers, body)
    expect(answer.status).toBe(want)
    for (const { text } of [page, service, otherPage])
      expect(JSON.stringify(answer.body)).not.toContain(text.slice(-43))
    expect(appended).toEqual([])
  })

  test('reads and deletes nothing', async () => {
    for (const [method, path] of [
      ['GET', `/api/feedback?key=${page.text}`],
      ['GET', `/api/feedback/trace/abc-123?key=${page.text}`],
      ['DELETE', `/api/feedback/mine?key=${page.text}`],
    ] as const) {
      expect((await send(method, path, { origin })).status).toBe(401)
      expect((await send(method, path, { origin, ...as(page) })).status).toBe(403)
    }
  })

  test('of an origin that no key names is told nothing by the browser; others may ask before they send', async () => {
    const ask = (from: string, path: string, method = 'POST') =>
      send('OPTIONS', path, {
        origin: from,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      })
    const allowed = async (from: string, path: string, method?: string) =>
      (await ask(from, path, method)).headers.get('access-control-allow-origin')
    expect(await allowed(origin, url)).toBe(origin)
    expect(await allowed('https://evil.example.com', url)).toBeNull()
    expect(await allowed(origin, '/api/feedback', 'GET')).toBeNull()
    expect(await allowed(origin, '/api/feedback/x', 'DELETE')).toBeNull()
    expect(await allowed(origin, '/api/queries')).toBeNull()
    expect(await allowed('https://admin.example.com', '/api/queries', 'GET')).toBe('https://admin.example.com')
    expect((await ask(origin, url)).headers.get('access-control-allow-methods')).toBe('POST')
    expect(
      (await send('GET', '/api/feedback', { ...as(service), origin })).headers.get('access-control-allow-origin'),
    ).toBeNull()
  })

  test('without keys the origins of the configuration may, and others not', async () => {
    const text = { 'content-type': 'text/plain' }
    const from = (each: string) => send('POST', '/api/feedback', { ...text, origin: each }, good, open)
    expect((await from('https://admin.example.com')).status).toBe(200)
    expect((await from('https://evil.example.com')).status).toBe(415)
    expect((await send('POST', '/api/feedback', text, good, open)).status).toBe(415)
    expect(appended).toHaveLength(1)
  })
})

test('too much feedback of one visitor: told when to send it', async () => {
  const byPrefix = new Map(entries.map((entry) => [entry.prefix, { ...entry, perMinute: 30 }]))
  const access = new Access({ entries: () => byPrefix, monotonicMs: () => 0 })
  const api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async (rows) => void appended.push(...rows),
    project: () => 'default',
    version: '1',
    log: { limited: () => undefined, error: () => undefined },
    keys: access,
    trustedProxies: ['127.0.0.0/8'],
  })
  const from = (visitor: string) =>
    send('POST', `/api/feedback?key=${page.text}`, { origin, 'x-forwarded-for': visitor }, good, api)
  for (let n = 0; n < 3; n++) expect((await from('203.0.113.1')).status).toBe(200)
  const refused = await from('203.0.113.1')
  expect([
    refused.status,
    refused.headers.get('retry-after'),
    refused.headers.get('access-control-allow-origin'),
  ]).toEqual([429, '20', origin])
  expect((await from('203.0.113.2')).status).toBe(200)
  expect(appended).toHaveLength(4)
  await api.close()
})
