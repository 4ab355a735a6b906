// Datasets of Langfuse's SDKs: their requests as recorded are answered as they were, and the scores of their runs can be compared;
// then what the routes take and refuse.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { encodeTracesJson } from '../../collector/otlp/json.ts'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { loadDialects } from '../../collector/registry.ts'
import { ScoreResolver } from '../../collector/score-resolver.ts'
import { runIdOf } from '../../processors/langfuse-datasets.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { engineStore } from '../engine-store.ts'
import { insertScores } from './rows.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }

interface Recorded {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body?: unknown
  readonly otlp?: string
}

/** Protobuf as it came, or made of the JSON that came. */
function spansOf(json: unknown, protobuf = ''): Uint8Array {
  return json === undefined ? Buffer.from(protobuf, 'base64') : encodeTracesJson(Buffer.from(JSON.stringify(json)))
}

function startOn(engine: TestEngine, now: () => number): Promise<Api> {
  return startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    command: engine.clickhouse.command,
    appendScores: (rows) => insertScores(engine, rows),
    project: (headers) => String(headers['x-project'] ?? 'default'),
    version: '0',
    log,
    now,
  })
}

async function ask(api: Api, method: string, path: string, body?: unknown, project = 'default') {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, {
    method,
    headers: { 'x-project': project, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('an evaluation as recorded', () => {
  test.each([
    { sdk: 'python-5.0.4', byHand: false },
    { sdk: 'python-3.15.0', byHand: true },
    { sdk: 'js-5.11.1', byHand: true },
  ])('of langfuse-$sdk is kept, and its runs compared', async ({ sdk, byHand }) => {
    const file = new URL(`../fixtures/langfuse/datasets-${sdk}.json`, import.meta.url)
    const { requests } = JSON.parse(readFileSync(file, 'utf8')) as { requests: readonly Recorded[] }
    let clock = Date.parse('2026-11-24T20:00:00Z')
    const now = () => clock
    const engine = await startTestEngine()
    const api = await startOn(engine, now)
    const pipeline = new Pipeline({
      store: engineStore(engine),
      dialects: await loadDialects(),
      book: new PriceBook(loadPriceBook()),
      settings: { keepContent: true, retentionDays: 90, contentRetentionDays: 14 },
      meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
      now,
    })
    const appendScores = pipeline.appendScores.bind(pipeline)
    const resolver = new ScoreResolver({ clickhouse: engine.clickhouse, appendScores, log, now })
    try {
      for (const { method, path, status, body, otlp } of requests) {
        if (path.includes('/otel/')) await pipeline.traces(spansOf(body, otlp), 'default')
        else expect(await ask(api, method, path, body), path).toMatchObject({ status })
      }
      for (let round = 0; round < 3; round++) {
        await resolver.runOnce()
        clock += 60_000
      }
      const question = loadQueries().find(({ id }) => id === 'compare_runs')!
      const params = { a: 'first', b: 'second', dataset: 'capitals/EU' }
      expect(await runQuery(engine.clickhouse, question, params)).toMatchObject([
        { name: 'exact', a_items: 2, b_items: 2, a_mean: 0.5, b_mean: 0.5, pairs: 2, ties: 2, a_cost: '0.00012' },
        { name: 'share', a_items: 1, b_items: 1, a_mean: 0.5, b_mean: 0.5 },
      ])
      const items = await engine.clickhouse.query(
        `SELECT name, run_name, item_id FROM current_scores WHERE name IN ('exact', 'manual') ORDER BY name, run_name, item_id`,
      )
      const of = (name: string, run: string) => ['fr', 'it'].map((item) => ({ name, run_name: run, item_id: item }))
      expect(items).toEqual([
        ...of('exact', 'first'),
        ...of('exact', 'second'),
        ...(byHand ? of('manual', 'by hand') : []),
      ])

      const runs = await ask(api, 'GET', '/api/public/datasets/capitals%2FEU/runs')
      const names = (runs.body['data'] as { name: string }[]).map(({ name }) => name)
      expect(names.sort()).toEqual([...(byHand ? ['by hand'] : []), 'first', 'second'])
      const run = (await ask(api, 'GET', '/api/public/datasets/capitals%2FEU/runs/first')).body
      expect(run).toMatchObject({ id: runIdOf('default', 'capitals/EU', 'first'), datasetId: 'capitals/EU' })
      const answers = run['datasetRunItems'] as { datasetItemId: string }[]
      expect(answers.map(({ datasetItemId }) => datasetItemId).sort()).toEqual(['fr', 'it'])
      expect((await ask(api, 'GET', `/api/public/v3/scores?experimentId=${run['id']}`)).body['data']).toMatchObject([
        { name: 'share', subject: { kind: 'experiment', id: run['id'] } },
      ])
    } finally {
      await api.close()
      await engine.stop()
    }
  })
})

describe('the routes', () => {
  let engine: TestEngine
  let api: Api
  let clock = Date.parse('2026-11-24T10:00:00Z')
  beforeAll(async () => {
    engine = await startTestEngine()
    api = await startOn(engine, () => ++clock)
  })
  afterAll(async () => {
    await api?.close()
    await engine?.stop()
  })
  const send = (method: string, path: string, body?: unknown, project?: string) =>
    ask(api, method, `/api/public${path}`, body, project)

  test('a dataset is made, changed, and nobody else’s', async () => {
    const made = (await send('POST', '/v2/datasets', { name: 'qa', metadata: { a: [1] } })).body
    expect(made).toEqual({
      id: 'qa',
      name: 'qa',
      description: null,
      metadata: { a: [1] },
      inputSchema: null,
      expectedOutputSchema: null,
      projectId: 'default',
      createdAt: expect.any(String),
      updatedAt: made['createdAt'],
    })
    const changed = (await send('POST', '/datasets', { name: 'qa', description: 'Questions' })).body
    expect(changed).toMatchObject({ description: 'Questions', createdAt: made['createdAt'] })
    expect((await send('GET', '/v2/datasets/qa')).body).toEqual(changed)
    expect((await send('GET', '/v2/datasets?limit=1')).body).toMatchObject({
      data: [changed],
      meta: { page: 1, limit: 1, totalItems: 1, totalPages: 1 },
    })
    expect((await send('GET', '/v2/datasets', undefined, 'other')).body).toMatchObject({ data: [] })
    expect(await send('GET', '/v2/datasets/qa', undefined, 'other')).toMatchObject({
      status: 404,
      body: { error: 'LangfuseNotFoundError' },
    })
  })

  test('an item is one by its id, keeps what is not said again, and every version of it', async () => {
    await send('POST', '/v2/datasets', { name: 'versions' })
    const sent = { datasetName: 'versions', id: 'v', input: { q: [1, null] }, expectedOutput: 0, metadata: false }
    const first = (await send('POST', '/dataset-items', sent)).body
    expect(first).toEqual({
      id: 'v',
      status: 'ACTIVE',
      input: { q: [1, null] },
      expectedOutput: 0,
      metadata: false,
      sourceTraceId: null,
      sourceObservationId: null,
      datasetId: 'versions',
      datasetName: 'versions',
      createdAt: expect.any(String),
      updatedAt: first['createdAt'],
      version: first['createdAt'],
      mediaReferences: [],
    })
    const second = (await send('POST', '/dataset-items', { datasetName: 'versions', id: 'v', status: 'ARCHIVED' })).body
    expect(second).toMatchObject({ input: { q: [1, null] }, expectedOutput: 0, status: 'ARCHIVED' })
    const listed = async (query = '') =>
      (await send('GET', `/dataset-items?datasetName=versions${query}`)).body['data'] as object[]
    expect(await listed()).toEqual([second])
    expect(await listed(`&version=${first['version']}`)).toEqual([first])
    expect((await send('DELETE', '/dataset-items/v')).status).toBe(200)
    expect(await listed()).toEqual([])
    expect(await listed(`&version=${second['version']}`)).toEqual([second])
    expect((await send('GET', '/dataset-items/v')).status).toBe(404)
    expect((await send('DELETE', '/dataset-items/v')).status).toBe(404)
    // Made anew it is another one.
    expect((await send('POST', '/dataset-items', { datasetName: 'versions', id: 'v' })).body).toMatchObject({
      input: null,
      status: 'ACTIVE',
    })
  })

  test('items come by pages, and by the trace they were taken from', async () => {
    await send('POST', '/v2/datasets', { name: 'pages' })
    const trace = '0AF7651916CD43DD8448EB211C80319C'
    for (const id of ['p1', 'p2', 'p3'])
      await send('POST', '/dataset-items', {
        datasetName: 'pages',
        id,
        input: id,
        ...(id === 'p2' ? { sourceTraceId: trace } : {}),
      })
    const ids = async (query: string) =>
      ((await send('GET', `/dataset-items?datasetName=pages${query}`)).body['data'] as { id: string }[]).map(
        ({ id }) => id,
      )
    expect(await ids('&limit=2')).toEqual(['p3', 'p2'])
    expect(await ids('&limit=2&page=2')).toEqual(['p1'])
    expect(await ids(`&sourceTraceId=${trace}`)).toEqual(['p2'])
    expect((await send('GET', '/dataset-items?datasetName=pages&limit=2&page=9')).body['meta']).toMatchObject({
      totalItems: 3,
      totalPages: 2,
    })
    expect((await send('GET', '/datasets/pages')).body).toMatchObject({ items: [{}, {}, {}], runs: [] })
  })

  const long = 'x'.repeat(257)
  test.each<[string, string, unknown, number, RegExp]>([
    ['POST', '/v2/datasets', {}, 400, /name must be a text in one line/],
    ['POST', '/v2/datasets', [], 400, /body must be an object/],
    ['POST', '/v2/datasets', { name: 5 }, 400, /name must be a text/],
    ['POST', '/v2/datasets', { name: 'a\nb' }, 400, /one line/],
    ['POST', '/v2/datasets', { name: long }, 400, /name is over 256 characters/],
    ['POST', '/v2/datasets', { name: 'n', metadata: 'x'.repeat(70_000) }, 400, /metadata is over 65536/],
    ['POST', '/v2/datasets', { name: 'n', inputSchema: {} }, 400, /inputSchema is not checked here/],
    ['POST', '/dataset-items', { datasetName: 'none', input: 1 }, 404, /there is no dataset "none": make it first/],
    ['POST', '/dataset-items', { datasetName: 'qa', id: 5 }, 400, /id must be a text/],
    ['POST', '/dataset-items', { datasetName: 'qa', id: long }, 400, /id is over 255/],
    ['POST', '/dataset-items', { datasetName: 'qa', status: 'GONE' }, 400, /status must be ACTIVE or ARCHIVED/],
    ['POST', '/dataset-items', { datasetName: 'qa', input: 'x'.repeat(1_100_000) }, 400, /input is over 1048576/],
    ['POST', '/dataset-items', { datasetName: 'qa', id: 'p1' }, 400, /that of an item of the dataset "pages"/],
    ['POST', '/dataset-run-items', { runName: 'r' }, 400, /datasetItemId is missing/],
    ['POST', '/dataset-run-items', { runName: 'r', datasetItemId: 'none', traceId: 't' }, 404, /no such dataset item/],
    ['POST', '/dataset-run-items', { runName: 'r', datasetItemId: 'p1' }, 400, /traceId is missing/],
    ['POST', '/dataset-run-items', { datasetItemId: 'p1', traceId: 't' }, 400, /runName must be a text in one line/],
    ['GET', '/dataset-items?datasetName=none', undefined, 404, /there is no dataset/],
    ['GET', '/dataset-items?version=soon', undefined, 400, /version: "soon" is not a time/],
    ['GET', '/dataset-items?page=0', undefined, 400, /page: "0"/],
    ['GET', '/v2/datasets?name=qa', undefined, 400, /there is no parameter "name"/],
    ['GET', '/datasets/none/runs', undefined, 404, /there is no dataset/],
    ['GET', '/datasets/qa/runs/none', undefined, 404, /no such run/],
  ])('%s %s with %j is refused', async (method, path, body, status, message) => {
    const counted = async () =>
      await engine.clickhouse.query(
        'SELECT (SELECT count() FROM datasets) AS a, (SELECT count() FROM dataset_items) AS b, (SELECT count() FROM dataset_run_items) AS c',
      )
    const before = await counted()
    expect(await send(method, path, body)).toMatchObject({ status, body: { message: expect.stringMatching(message) } })
    expect(await counted()).toEqual(before)
  })

  test('a run is told once however often it is sent, with the newest description', async () => {
    const sent = { runName: 'r 1/2', datasetItemId: 'p1', traceId: 'T-1', metadata: { n: 1 } }
    const one = (await send('POST', '/dataset-run-items', sent)).body
    expect((await send('POST', '/dataset-run-items', { ...sent, runDescription: 'Second' })).body['id']).toBe(one['id'])
    expect((await send('GET', '/datasets/pages/runs')).body).toMatchObject({
      data: [{ name: 'r 1/2', description: 'Second', metadata: { n: 1 }, datasetName: 'pages' }],
      meta: { totalItems: 1 },
    })
    expect((await send('GET', '/dataset-run-items?datasetId=pages&runName=r+1%2F2')).body).toMatchObject({
      data: [
        { id: one['id'], datasetRunId: runIdOf('default', 'pages', 'r 1/2'), traceId: 'T-1', observationId: null },
      ],
      meta: { totalItems: 1 },
    })
    expect((await send('GET', '/datasets/pages/runs/r%201%2F2')).body).toMatchObject({
      datasetRunItems: [{ datasetItemId: 'p1' }],
    })
  })
})
