// Langfuse's SDKs send scores and traces here unchanged: their requests as recorded, and every answer they read.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import type { Door } from '../../collector/otlp/door.ts'
import { startOtlpHttp } from '../../collector/otlp/http.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { RecordingReceiver } from '../otlp/doors.ts'
import { tracesRequest } from '../otlp-messages.ts'
import { insertScores } from './rows.ts'

let engine: TestEngine
let door: Door
let api: Api
const receiver = new RecordingReceiver()

beforeAll(async () => {
  engine = await startTestEngine()
  door = await startOtlpHttp({ endpoint: '127.0.0.1:0', receiver, project: () => 'default' })
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: (rows) => insertScores(engine, rows),
    project: (headers) => String(headers['x-project'] ?? 'default'),
    otlpEndpoint: () => door.endpoint,
    version: '1.2.3',
    log: { error: () => undefined, limited: () => undefined },
  })
})
afterAll(async () => {
  await api?.close()
  await door?.close(0)
  await engine?.stop()
})

async function send(
  method: string,
  path: string,
  body?: unknown,
  project = 'default',
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}/api/public${path}`, {
    method,
    headers: {
      'x-project': project,
      authorization: 'Basic cGstbGYtdGVzdDpzay1sZi10ZXN0',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('ingestion', () => {
  const recorded = JSON.parse(
    readFileSync(new URL('../fixtures/langfuse/python-4.18-ingestion.json', import.meta.url), 'utf8'),
  ) as { body: { batch: { id: string }[] } }

  test('of the Python SDK as recorded: both scores are taken and read back, and sent again they are the same two', async () => {
    const ids = recorded.body.batch.map(({ id }) => id)
    for (let n = 0; n < 2; n++) {
      expect(await send('POST', '/ingestion', recorded.body, 'python')).toEqual({
        status: 207,
        body: { successes: ids.map((id) => ({ id, status: 201 })), errors: [] },
      })
    }
    const { body } = await send('GET', '/v2/scores?limit=10', undefined, 'python')
    expect(body['meta']).toEqual({ page: 1, limit: 10, totalItems: 2, totalPages: 1 })
    expect(body['data']).toMatchObject([
      {
        id: '1cc84cb37ca0a2c9',
        name: 'correct',
        dataType: 'BOOLEAN',
        value: 1,
        stringValue: 'True',
        traceId: 'f1a317b444a2e79376732f434bb10abe',
        observationId: '8f680ae4253a3338',
        timestamp: '2026-11-22T06:11:59.858Z',
      },
      {
        id: '0a2c96e48e3e1888',
        name: 'helpful',
        dataType: 'NUMERIC',
        value: 0.9,
        comment: 'good',
        traceId: 'f1a317b444a2e79376732f434bb10abe',
        observationId: null,
      },
    ])
    expect(
      await engine.clickhouse.query(
        `SELECT name, data_type, value, verdict, target, source FROM current_scores WHERE project_id = 'python' ORDER BY name`,
      ),
    ).toEqual([
      { name: 'correct', data_type: 'boolean', value: 1, verdict: 1, target: 'span', source: 'eval' },
      { name: 'helpful', data_type: 'numeric', value: 0.9, verdict: 0, target: 'trace', source: 'eval' },
    ])
  })

  test('a bad event does not take the others with it, and is told why', async () => {
    const body = { name: 'quality', value: 1, traceId: 'abc-123' }
    const event = (id: string, type: string, given: unknown): object => ({
      id,
      type,
      timestamp: '2026-11-20T00:00:00Z',
      body: given,
    })
    const answer = await send('POST', '/ingestion', {
      batch: [
        event('1', 'score-create', body),
        event('2', 'score-create', { ...body, value: 'yes', dataType: 'NUMERIC' }),
        event('3', 'score-create', { ...body, traceId: undefined }),
        event('4', 'trace-create', {}),
        event('5', 'sdk-log', { log: 'x' }),
        event('6', 'score-create', { ...body, name: 7 }),
      ],
    })
    expect(answer.status).toBe(207)
    expect(answer.body['successes']).toEqual([
      { id: '1', status: 201 },
      { id: '5', status: 201 },
    ])
    expect(answer.body['errors']).toMatchObject([
      { id: '2', status: 400, message: 'value of a NUMERIC score must be a number' },
      {
        id: '3',
        status: 400,
        message: 'traceId is missing: name the trace, a sessionId or a datasetRunId that is judged',
      },
      { id: '4', status: 400, error: 'unsupported event' },
      { id: '6', status: 400, message: 'name must be a text' },
    ])
  })
})

describe('scores', () => {
  test.each([
    { runName: 'v2', datasetName: 'refunds', datasetItemId: '17' },
    { metadata: { run_name: 'v2', dataset: 'refunds', item_id: '17' } },
  ])('of a run of a dataset are told so by %o', async (said) => {
    const project = JSON.stringify(Object.keys(said))
    await send('POST', '/scores', { name: 'tone', value: 1, traceId: 'abc-123', ...said }, project)
    expect(
      await engine.clickhouse.query(
        'SELECT run_name, dataset, item_id FROM current_scores WHERE project_id = {project:String}',
        { project },
      ),
    ).toEqual([{ run_name: 'v2', dataset: 'refunds', item_id: '17' }])
  })

  test.each<[object, object]>([
    [{ value: 0.25 }, { dataType: 'NUMERIC', value: 0.25 }],
    [{ value: true }, { dataType: 'BOOLEAN', value: 1, stringValue: 'True' }],
    [
      { value: 0, dataType: 'BOOLEAN' },
      { dataType: 'BOOLEAN', value: 0, stringValue: 'False' },
    ],
    [{ value: 'polite' }, { dataType: 'CATEGORICAL', stringValue: 'polite' }],
    [
      { value: 1, metadata: { run: 3, deep: { a: [1] } }, environment: 'prod' },
      { metadata: { run: 3, deep: { a: [1] } }, environment: 'prod' },
    ],
  ])('%j reads back as %j', async (given, expected) => {
    const { status, body } = await send('POST', '/scores', { name: 'n', traceId: 'abc-123', ...given }, 'types')
    expect(status).toBe(200)
    expect((await send('GET', `/scores/${body['id']}`, undefined, 'types')).body).toMatchObject({
      traceId: 'abc-123',
      ...expected,
    })
  })

  test('one is changed by its id, deleted, and is nobody else’s', async () => {
    const score = { id: 'mine', name: 'quality', traceId: 't', value: 0.5 }
    await send('POST', '/scores', score, 'own')
    await send('POST', '/scores', { ...score, value: 0.75 }, 'own')
    expect((await send('GET', '/scores?name=quality', undefined, 'own')).body).toMatchObject({
      data: [{ id: 'mine', value: 0.75 }],
      meta: { totalItems: 1 },
    })
    expect((await send('GET', '/scores/mine', undefined, 'others')).status).toBe(404)
    expect((await send('DELETE', '/scores/mine', undefined, 'others')).status).toBe(404)
    expect((await send('DELETE', '/scores/mine', undefined, 'own')).status).toBe(202)
    expect((await send('GET', '/scores/mine', undefined, 'own')).status).toBe(404)
  })

  test.each<[unknown, string]>([
    [{ traceId: 't', value: 1 }, 'name is missing'],
    [{ name: 'n', traceId: 't', value: 2, dataType: 'BOOLEAN' }, 'value of a BOOLEAN score must be 0 or 1'],
    [{ name: 'n', traceId: 't', value: '', dataType: 'CATEGORICAL' }, 'value of a CATEGORICAL score must be a text'],
    [
      { name: 'n', traceId: 't', value: 1, dataType: 'STARS' },
      'dataType must be one of NUMERIC, BOOLEAN, CATEGORICAL, TEXT, CORRECTION',
    ],
    [{ name: 'n', traceId: 't', value: 1, comment: 'c'.repeat(10_001) }, 'comment is over 10000 characters'],
    [{ name: 'n', traceId: 't'.repeat(300), value: 1 }, 'traceId is over 256 characters'],
  ])('a wrong one is refused with the reason: %#', async (body, detail) => {
    expect(await send('POST', '/scores', body)).toEqual({
      status: 400,
      body: { message: detail, error: 'InvalidRequestError' },
    })
  })
})

describe('a list of scores, as SDKs of version 5 send', () => {
  /** The first is the newest. */
  const at = (second: number): string => `2026-11-24T14:04:${second}.536243Z`
  const list = [
    {
      id: 'v5-1',
      traceId: 'd6ca606232bc131848b45462d19ea97c',
      observationId: 'e98f146aae0ff262',
      name: 'relevance',
      value: 0.9,
      dataType: 'NUMERIC',
      timestamp: at(44),
    },
    {
      id: 'v5-2',
      traceId: 'd6ca606232bc131848b45462d19ea97c',
      name: 'user-feedback',
      value: 1,
      comment: 'helpful',
      dataType: 'NUMERIC',
      timestamp: at(43),
    },
    {
      id: 'v5-3',
      traceId: 'd6ca606232bc131848b45462d19ea97c',
      name: 'tone',
      value: 'polite',
      dataType: 'CATEGORICAL',
      timestamp: at(42),
    },
    { id: 'v5-4', sessionId: 's-1', name: 'solved', value: 1, dataType: 'BOOLEAN', timestamp: at(41) },
  ]

  test('is accepted whole, and read back by pages', async () => {
    expect(await send('POST', '/scores', list, 'v5')).toEqual({ status: 202, body: { message: 'Accepted' } })
    const first = await send('GET', '/v3/scores?limit=3', undefined, 'v5')
    expect(first.body['meta']).toEqual({ limit: 3, cursor: '3' })
    const second = await send('GET', '/v3/scores?limit=3&cursor=3', undefined, 'v5')
    expect(second.body['meta']).toEqual({ limit: 3 })
    const data = [...(first.body['data'] as object[]), ...(second.body['data'] as object[])]
    expect(data).toMatchObject([
      { id: 'v5-1', value: 0.9, subject: { kind: 'observation', id: 'e98f146aae0ff262' } },
      { id: 'v5-2', value: 1, comment: 'helpful', subject: { kind: 'trace', id: 'd6ca606232bc131848b45462d19ea97c' } },
      { id: 'v5-3', dataType: 'CATEGORICAL', value: 'polite' },
      { id: 'v5-4', dataType: 'BOOLEAN', value: true, subject: { kind: 'session', id: 's-1' } },
    ])
    expect(
      await engine.clickhouse.query(
        "SELECT source FROM current_scores WHERE project_id = 'v5' AND name = 'user-feedback'",
      ),
    ).toEqual([{ source: 'user' }])
  })

  test.each<[string, string[]]>([
    ['/v3/scores?name=tone,solved', ['v5-3', 'v5-4']],
    ['/v3/scores?id=v5-1,v5-4&dataType=numeric', ['v5-1']],
    ['/v3/scores?dataType=NUMERIC&valueMin=0.95', ['v5-2']],
    ['/v3/scores?dataType=NUMERIC&valueMax=0.95&valueMin=0.9', ['v5-1']],
    ['/v3/scores?dataType=NUMERIC&value=0.9,7', ['v5-1']],
    ['/v3/scores?dataType=CATEGORICAL&value=polite,rude', ['v5-3']],
    ['/v3/scores?dataType=BOOLEAN&value=true', ['v5-4']],
    ['/v3/scores?dataType=BOOLEAN&value=false', []],
    ['/v3/scores?traceId=d6ca6062-32bc-1318-48b4-5462d19ea97c&observationId=e98f146aae0ff262', ['v5-1']],
    ['/v3/scores?sessionId=s-1', ['v5-4']],
    ['/v3/scores?source=api&environment=default', ['v5-1', 'v5-2', 'v5-3', 'v5-4']],
    ['/v3/scores?source=ANNOTATION,EVAL', []],
    ['/v3/scores?authorUserId=jane', []],
    ['/v3/scores?configId=none', []],
    [`/v3/scores?fromTimestamp=${at(43)}`, ['v5-1', 'v5-2']],
    ['/v2/scores?operator=%3C&value=1', ['v5-1']],
    ['/v2/scores?value=1', ['v5-2', 'v5-4']],
    ['/scores?scoreIds=v5-2,v5-3&name=tone', ['v5-3']],
    ['/scores?userId=jane', []],
    ['/scores?environment=default&environment=prod&limit=1&page=4', ['v5-4']],
    ['/scores?page=9', []],
  ])('%s finds %j', async (path, ids) => {
    const { status, body } = await send('GET', path, undefined, 'v5')
    expect(status).toBe(200)
    expect((body['data'] as { id: string }[]).map(({ id }) => id)).toEqual(ids)
    if (path.includes('page=')) expect(body['meta']).toMatchObject({ totalItems: 4 })
  })

  test.each<[string, RegExp]>([
    ['/scores?limit=abc', /limit: "abc" is not a whole number/],
    ['/scores?page=-1', /page: "-1" is not a whole number/],
    ['/scores?fromTimestamp=soon', /fromTimestamp: "soon" is not a time/],
    ['/scores?source=ROBOT', /source: "ROBOT" is not one of API, ANNOTATION, EVAL/],
    ['/scores?value=1&operator=~', /operator: "~" is not one of/],
    ['/scores?queueId=q', /nothing can be narrowed by queueId here/],
    ['/scores?trace=t', /there is no parameter "trace": did you mean traceId/],
    ['/v3/scores?cursor=zzz', /cursor: "zzz"/],
    ['/v3/scores?value=1', /one dataType/],
    ['/v3/scores?value=maybe&dataType=BOOLEAN', /value: "maybe" is not true or false/],
    ['/v3/scores?valueMin=1', /with dataType NUMERIC/],
  ])('%s is refused', async (path, message) => {
    expect(await send('GET', path, undefined, 'v5')).toMatchObject({
      status: 400,
      body: { error: 'InvalidRequestError', message: expect.stringMatching(message) },
    })
  })

  test('a score of long ago is kept from the day it came', async () => {
    const times = ['1900-01-01T00:00:00Z', '1999-12-31T23:00:00Z']
    const list = times.map((timestamp) => ({ id: timestamp, name: 'old', traceId: 't', value: 1, timestamp }))
    await send('POST', '/scores', list, 'old')
    await engine.clickhouse.command('OPTIMIZE TABLE scores FINAL')
    expect((await send('GET', '/v3/scores', undefined, 'old')).body['data']).toMatchObject([
      { timestamp: '1999-12-31T23:00:00.000Z' },
      { timestamp: '1970-01-01T00:00:00.000Z' },
    ])
  })

  test('a number under the name of feedback is a thumb, another one says nothing', async () => {
    const given = [1, 0, -1, 0.5, 4].map((value) => ({ name: 'user-feedback', traceId: `t${value}`, value }))
    await send('POST', '/scores', [...given, { name: 'quality', traceId: 't', value: 1 }], 'thumbs')
    expect(
      await engine.clickhouse.query(
        "SELECT value, vote, label FROM votes WHERE project_id = 'thumbs' ORDER BY name, value",
      ),
    ).toEqual([
      { value: 1, vote: null, label: '' },
      { value: -1, vote: -1, label: 'thumbs_down' },
      { value: 0, vote: 0, label: 'neutral' },
      { value: 0.5, vote: null, label: '' },
      { value: 1, vote: 1, label: 'thumbs_up' },
      { value: 4, vote: null, label: '' },
    ])
  })

  test('in which one is wrong is taken without it', async () => {
    expect(await send('POST', '/scores', [list[0], { ...list[1], value: 'x' }, 7], 'v5-wrong')).toEqual({
      status: 207,
      body: {
        accepted: 1,
        rejected: 2,
        errors: [{ message: 'value of a NUMERIC score must be a number' }, { message: 'a score is an object' }],
      },
    })
  })
})

test('traces go to the OTLP door as they came, and its answer comes back', async () => {
  const body = tracesRequest({ spans: [{ name: 'a' }] })
  const url = `http://127.0.0.1:${api.endpoint.port}/api/public/otel/v1/traces`
  const taken = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'x-langfuse-sdk-name': 'python' },
    body: body as Uint8Array<ArrayBuffer>,
  })
  expect([taken.status, taken.headers.get('content-type')]).toEqual([200, 'application/x-protobuf'])
  expect(receiver.received.at(-1)).toEqual({ signal: 'traces', body, project: 'default' })
  const refused = await fetch(url, { method: 'POST', headers: { 'content-type': 'text/html' }, body: 'x' })
  expect(refused.status).toBe(415)
})

test('the SDKs’ checks are answered', async () => {
  expect((await send('GET', '/projects')).body).toMatchObject({ data: [{ id: 'default', name: 'default' }] })
  expect((await send('GET', '/health')).body).toEqual({ status: 'OK', version: '1.2.3' })
})
