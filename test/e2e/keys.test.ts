// Two projects in one collector as users run it, with the same ids in both: neither sees, changes or deletes what is the
// other's, over any route; keys come and go while it runs; and no secret is in anything it says.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeKey, type NewKey } from '../../collector/keys/key-text.ts'
import { type CollectorUnderTest, startCollector, temporaryDirectory } from './collector.ts'

const directory = temporaryDirectory()
const keysFile = join(directory.path, 'keys.yaml')
const projects = ['acorn', 'birch'] as const
type Project = (typeof projects)[number]
const scopes = ['ingest', 'feedback', 'read', 'manage']
const keys = { acorn: makeKey({ isPublic: false }), birch: makeKey({ isPublic: false }) }
const spare = makeKey({ isPublic: false })
const entryOf = (name: string, project: string, { prefix, sha256 }: NewKey) => ({
  name,
  project,
  prefix,
  sha256,
  may: scopes,
})
const both = projects.map((project) => entryOf(`all of ${project}`, project, keys[project]))

let collector: CollectorUnderTest
beforeAll(async () => {
  writeFileSync(keysFile, JSON.stringify({ keys: both }))
  collector = await startCollector(join(directory.path, 'data'), { SPANLEDGER_KEYS_FILE: keysFile })
  for (const project of projects) await fill(project)
})
afterAll(async () => {
  await collector?.kill()
  directory.remove()
})

const traceId = '5b8efff798038103d269b633813fc60c'
const spanId = 'eee19b7ec3c1b174'

async function ask(
  door: 'api' | 'otlp_http',
  method: string,
  path: string,
  { key, body }: { readonly key?: NewKey | undefined; readonly body?: unknown },
): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://${collector.ready[door]}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key.text}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

/** Everything of a project has its mark in it. */
const markOf = (project: Project): string => `${project}-mark`

async function fill(project: Project): Promise<void> {
  const key = keys[project]
  const mark = markOf(project)
  const text = (name: string, stringValue: string) => ({ key: name, value: { stringValue } })
  const time = (offsetMs: number) => `${BigInt(Date.now() - 60_000 + offsetMs) * 1_000_000n}`
  const span = {
    traceId,
    spanId,
    name: `chat ${mark}`,
    kind: 3,
    startTimeUnixNano: time(0),
    endTimeUnixNano: time(900),
    attributes: [
      text('gen_ai.operation.name', 'chat'),
      text('gen_ai.provider.name', 'openai'),
      text('gen_ai.response.model', `model-${mark}`),
      text('gen_ai.prompt.name', `prompt-${mark}`),
      text('gen_ai.conversation.id', `session-${mark}`),
      text('gen_ai.usage.cost', mark),
      text('user.id', `user-${mark}`),
      { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
      { key: 'gen_ai.usage.output_tokens', value: { intValue: '300' } },
    ],
  }
  const resource = { attributes: [text('service.name', `service-${mark}`)] }
  const took = await Promise.all([
    ask('api', 'PUT', `/api/prices/overrides/${mark}`, {
      key,
      body: { kind: 'price', provider: 'openai', model: `model-${mark}`, project, rates: { input: 1, output: 2 } },
    }),
    ask('api', 'PUT', `/api/score-configs/config-${mark}`, { key, body: { type: 'numeric', description: mark } }),
    ask('otlp_http', 'POST', '/v1/logs', {
      key,
      body: {
        resourceLogs: [
          {
            resource,
            scopeLogs: [
              {
                logRecords: [
                  { timeUnixNano: time(0), traceId, spanId, eventName: `log-${mark}`, body: { stringValue: mark } },
                ],
              },
            ],
          },
        ],
      },
    }),
    ask('api', 'POST', '/api/feedback', {
      key,
      body: { trace_id: traceId, score: 1, id: 'same', comment: mark, user_id: mark },
    }),
    ask('api', 'POST', '/api/public/scores', {
      key,
      body: { id: 'alike', traceId, name: `name-${mark}`, value: 0.5, comment: mark },
    }),
  ])
  const traces = await ask('otlp_http', 'POST', '/v1/traces', {
    key,
    body: { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] },
  })
  for (const { status, text: said } of [...took, traces]) expect([status, said]).toEqual([200, said])
}

/** What stands for the parameters in paths of /openapi.json. A new one is told here, and then walked. */
const parameters = (other: Project): Record<string, string[]> => ({
  trace_id: [traceId],
  model: [`model-${markOf(other)}`],
  prompt_id: [`prompt-${markOf(other)}`],
  name: [`config-${markOf(other)}`],
  id: ['same', 'alike', markOf(other), traceId, spanId],
})

/** Every address that a path of /openapi.json may be. */
function addressesOf(path: string, other: Project, queries: readonly string[]): string[] {
  const [, name] = /\{(\w+)\}/.exec(path) ?? []
  if (name === undefined) return [path]
  const values = path.startsWith('/api/queries/') ? queries : parameters(other)[name]
  if (values === undefined) throw new Error(`${path}: say in this test what {${name}} may be`)
  return values.flatMap((value) => addressesOf(path.replace(`{${name}}`, encodeURIComponent(value)), other, queries))
}

/** Those of Langfuse, which the description leaves out, as the code names them. */
const langfusePaths = (): string[] => {
  const folder = new URL('../../collector/api/', import.meta.url)
  const code = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  const named = code.flatMap((text) =>
    [...text.matchAll(/['`](\/api\/public\/[\w/:]+)['`]/g)].map((match) => match[1]!),
  )
  return [...new Set(named)].map((path) => path.replace(/:(\w+)/, '{$1}'))
}

test('rows carry the project of the key, in every table', async () => {
  const count = async (table: string): Promise<Record<string, string>> => {
    const sql = `SELECT project_id, toString(count()) FROM spanledger.${table} GROUP BY project_id ORDER BY project_id FORMAT JSONCompactEachRow`
    const answer = await fetch(`http://${collector.ready.clickhouse_http}/`, { method: 'POST', body: sql })
    const text = await answer.text()
    return Object.fromEntries(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    )
  }
  for (const [table, rows] of Object.entries({ llm_calls: '1', current_scores: '2', logs: '1', usage_hourly: '1' }))
    await vi.waitFor(
      async () => expect([table, await count(table)]).toEqual([table, { acorn: rows, birch: rows }]),
      20_000,
    )
  // A score has found the call of its own project.
  for (const project of projects)
    await vi.waitFor(async () => {
      const { text } = await ask('api', 'GET', '/api/feedback/quality/models', { key: keys[project] })
      expect(text).toContain(markOf(project))
    }, 20_000)
})

test.each(projects)('whoever has the key of %s sees nothing of the other over any route that reads', async (own) => {
  const other = projects.find((each) => each !== own)!
  const key = keys[own]
  const { paths } = JSON.parse((await ask('api', 'GET', '/openapi.json', {})).text) as { paths: Record<string, object> }
  const queries = (JSON.parse((await ask('api', 'GET', '/api/queries', { key })).text) as { id: string }[]).map(
    ({ id }) => id,
  )
  const described = Object.entries(paths)
    .filter(([, methods]) => 'get' in methods)
    .flatMap(([path]) => addressesOf(path, other, queries))
  const hidden = [
    '/',
    ...langfusePaths().flatMap((path) => addressesOf(path, other, queries)),
    '/api/public/scores?limit=100',
    `/api/public/traces?userId=user-${markOf(other)}`,
    `/api/feedback?model=model-${markOf(other)}`,
    `/api/prices?model=model-${markOf(other)}&limit=1000`,
    `/api/prices?provider=openai&model=model-${markOf(other)}`,
    `/api/prices/suggest?provider=openai&model=model-${markOf(other)}`,
    '/api/prices/overrides?as_of=2100-01-01',
    `/api/traces/${traceId}/explain?format=text`,
  ]
  const showing: string[] = []
  for (const address of [...described, ...hidden]) {
    const { status, text } = await ask('api', 'GET', address, { key })
    // What was asked for may be said again.
    const said = text.replaceAll(
      decodeURIComponent(address.split(/[/=]/).find((part) => part.includes('mark')) ?? '\0').split('&')[0]!,
      '',
    )
    expect([address, status < 500, said]).toEqual([address, true, said])
    for (const secret of [markOf(other), `"${other}"`, keys[other].prefix])
      expect([address, said.includes(secret) ? said : '']).toEqual([address, ''])
    if (text.includes(markOf(own)) && status === 200) showing.push(address)
  }
  // It is the key that keeps the other out, and not that there is nothing to see.
  for (const address of [
    '/api/feedback',
    `/api/feedback/trace/${traceId}`,
    '/api/feedback/quality/models',
    '/api/queries/latest_calls',
    '/api/queries/scores',
    '/api/queries/cost_by_user',
    '/api/public/v3/scores',
    '/api/public/scores/alike',
    '/api/public/traces',
    `/api/public/traces/${traceId}`,
    '/api/public/observations',
    '/api/calls',
    '/api/traces',
    `/api/traces/${traceId}/explain`,
    '/api/prices/overrides',
    '/api/score-configs',
    '/',
  ])
    expect(showing).toContain(address)
  const naming = await ask('api', 'GET', `/api/queries/latest_calls?project=${other}`, { key })
  expect(naming.status).toBe(403)
})

test('whoever has the key of one changes and deletes nothing of the other', async () => {
  const [own, other] = [keys.acorn, keys.birch]
  const price = { kind: 'price', provider: 'openai', model: 'm', rates: { input: 9 } }
  const put = (id: string, rest: object) =>
    ask('api', 'PUT', `/api/prices/overrides/${id}`, { key: own, body: { ...price, ...rest } })
  expect((await put('birch-mark', { project: 'acorn' })).status).toBe(409)
  expect((await put('new', { project: 'birch' })).status).toBe(403)
  expect((await put('new', { project: ['acorn', 'birch'] })).status).toBe(403)
  expect((await put('new', {})).status).toBe(403)
  expect((await put('new', { organisation: 'acme' })).status).toBe(403)
  expect((await ask('api', 'DELETE', '/api/prices/overrides/birch-mark', { key: own })).status).toBe(404)
  expect((await ask('api', 'DELETE', '/api/score-configs/config-birch-mark', { key: own })).status).toBe(404)
  expect((await ask('api', 'DELETE', '/api/feedback/same', { key: own })).status).toBe(200)
  expect((await ask('api', 'DELETE', '/api/public/scores/alike', { key: own })).status).toBe(202)
  const left = async (key: NewKey): Promise<string[]> =>
    (JSON.parse((await ask('api', 'GET', '/api/feedback', { key })).text) as { id: string }[])
      .map(({ id }) => id)
      .sort()
  expect([await left(own), await left(other)]).toEqual([[], ['alike', 'same']])
  expect((await ask('api', 'GET', '/api/prices/overrides', { key: other })).text).toContain('birch-mark')
})

test('keys come and go while it runs, and a file that is wrong changes nothing but what is said', async () => {
  const post = async (key: NewKey): Promise<number> =>
    (await ask('otlp_http', 'POST', '/v1/traces', { key, body: {} })).status
  const metrics = async (): Promise<string> => (await fetch(`http://${collector.ready.admin}/metrics`)).text()
  expect(await post(spare)).toBe(401)
  // A sender whose key stays meets nothing of it.
  const answers = new Map<number, number>()
  let isChanging = true
  const sender = (async () => {
    while (isChanging) {
      const status = await post(keys.birch)
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  })()
  writeFileSync(keysFile, JSON.stringify({ keys: [...both, entryOf('spare', 'acorn', spare)] }))
  await vi.waitFor(async () => expect(await post(spare)).toBe(200), 5000)
  writeFileSync(keysFile, '{"keys": [{"name": "wrong"}]}')
  await vi.waitFor(async () => expect(await metrics()).toContain('spanledger_keys_stale 1'), 5000)
  expect([await post(spare), await post(keys.acorn)]).toEqual([200, 200])
  const ready = await fetch(`http://${collector.ready.admin}/ready`)
  expect([ready.status, await ready.text()]).toEqual([
    200,
    expect.stringContaining('the 3 keys of the last good one stay'),
  ])
  expect(collector.log()).toContain('the file of keys is wrong')
  writeFileSync(keysFile, JSON.stringify({ keys: both }))
  await vi.waitFor(async () => expect(await post(spare)).toBe(401), 5000)
  expect(await post(keys.acorn)).toBe(200)
  isChanging = false
  await sender
  expect([...answers.keys()]).toEqual([200])
  const said = await metrics()
  expect(said).toContain('spanledger_keys_stale 0')
  expect(said).toMatch(
    new RegExp(`spanledger_key_last_used_timestamp_seconds\\{key="${keys.acorn.prefix}",project="acorn"\\} 1\\d{9}`),
  )
})

test('no key and no hash is in what it logged, counted or answered', async () => {
  for (const { text, sha256 } of [keys.acorn, keys.birch, spare]) {
    const wrong = `${text.slice(0, -1)}!`
    const attempts = [
      { headers: { authorization: `Bearer ${wrong}` } },
      { headers: { authorization: wrong } },
      { headers: { 'x-api-key': wrong, 'content-type': 'application/json' }, method: 'POST', body: '{"trace_id": ' },
    ]
    const answers = await Promise.all(
      attempts.flatMap((attempt) => [
        fetch(`http://${collector.ready.api}/api/feedback`, attempt),
        fetch(`http://${collector.ready.api}/api/feedback?key=${text}`, { method: 'POST', body: '{}' }),
        fetch(`http://${collector.ready.otlp_http}/v1/traces`, { method: 'POST', ...attempt }),
      ]),
    )
    const said = (await Promise.all(answers.map((answer) => answer.text()))).join('\n')
    const everything = `${said}\n${collector.log()}\n${await (await fetch(`http://${collector.ready.admin}/metrics`)).text()}`
    expect(answers.every(({ status }) => status === 401)).toBe(true)
    for (const secret of [text.slice(-43), text.slice(-43, -1), sha256]) expect(everything).not.toContain(secret)
  }
})
