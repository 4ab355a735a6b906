// Langfuse's SDKs and reports read traces, observations and costs here: their requests as recorded, in the shapes they parse.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { scoreFromFeedback } from '../../processors/scores.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores, insertSpans, llmCall, utc } from './rows.ts'

const nowMs = Date.parse('2026-11-24T12:00:00Z')
let engine: TestEngine
let api: Api

beforeAll(async () => {
  engine = await startTestEngine()
  const trace = (id: string, more: object) => ({
    trace_id: id,
    span_id: `${id}r`,
    name: 'chat-request',
    feature: 'chat-completion',
    user_id: 'user-0',
    session_id: 's1',
    start_time: utc(nowMs - 3_600_000),
    duration_ns: 2e9,
    attributes: {
      'langfuse.trace.tags': '["chat","t0"]',
      'langfuse.trace.metadata.tier': 'gold',
      'langfuse.trace.metadata.n': '3',
    },
    ...more,
  })
  const call = (id: string, more: object) =>
    llmCall(id, `${id}c`, {
      parent_span_id: `${id}r`,
      name: 'answer',
      feature: 'chat-completion',
      user_id: 'user-0',
      start_time: utc(nowMs - 3_599_500),
      duration_ns: 1e9,
      ttft_ns: 2.5e8,
      input_tokens: 150,
      cache_read_tokens: 50,
      output_tokens: 10,
      total_cost: '0.000305',
      input_cost: '0.0002',
      output_cost: '0.00008',
      temperature: 0.5,
      prompt_name: 'greet',
      prompt_version: '3',
      ...more,
    })
  await insertSpans(engine, nowMs, [
    trace('aa', {}),
    call('aa', {}),
    // The same call, seen by another instrumentation.
    call('aa', { span_id: 'aad', cost_reason: 'duplicate', cost_status: 'not_billed', total_cost: null }),
    trace('bb', { start_time: utc(nowMs - 26 * 3_600_000), attributes: {}, user_id: 'user-1' }),
    call('bb', {
      model: 'mystery',
      total_cost: null,
      input_cost: null,
      output_cost: null,
      cost_status: 'unpriced',
      cost_reason: 'no_price',
      user_id: 'user-1',
      start_time: utc(nowMs - 26 * 3_600_000),
      input_tokens: null,
      output_tokens: null,
      status: 'error',
      status_message: 'boom',
    }),
    { trace_id: 'cc', span_id: 'ccr', name: 'GET /', start_time: utc(nowMs - 7_200_000) },
    llmCall('dd', 'ddc', { project_id: 'other' }),
  ])
  const said = (trace_id: string, span_id: string, input: string, output: string) => ({
    project_id: 'default',
    trace_id,
    span_id,
    start_time: utc(nowMs - 3_600_000 + (span_id.endsWith('c') ? 500 : 0)),
    input_messages: input,
    output_messages: output,
    retention_days: 90,
    ingested_at: utc(nowMs),
  })
  const content = [
    said('aa', 'aar', '{"question":"2+2?"}', '4'),
    said('aa', 'aac', '[{"role":"user","content":"2+2?"}]', '4'),
  ]
  await engine.clickhouse.command(
    `INSERT INTO span_content FORMAT JSONEachRow ${content.map((row) => JSON.stringify(row)).join('\n')}`,
    {},
    { async_insert: 0 },
  )
  await insertScores(engine, [
    scoreFromFeedback({ trace_id: 'aa', score: 1, id: 'k1' }, { projectId: 'default', nowMs, newId: () => 'k1' }),
  ])
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: async () => undefined,
    project: (headers) => String(headers['x-project'] ?? 'default'),
    version: '1.2.3',
    now: () => nowMs,
    log: { error: () => undefined, limited: () => undefined },
  })
})
afterAll(async () => {
  await api?.close()
  await engine?.stop()
})

type Found = Readonly<Record<string, unknown>>

async function get(path: string, project = 'default') {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}/api/public${path}`, {
    headers: { 'x-project': project },
  })
  const body = (await response.json()) as Found
  return { status: response.status, body, data: body['data'] as Found[], meta: body['meta'] as Found }
}
const ids = async (path: string): Promise<unknown[]> => (await get(path)).data.map(({ id }) => id)

describe('requests of the SDKs as recorded', () => {
  const { requests } = JSON.parse(
    readFileSync(new URL('../fixtures/langfuse/reading-requests.json', import.meta.url), 'utf8'),
  ) as { requests: { sdk: string; path: string }[] }
  const filled = (path: string): string =>
    path
      .replace('/api/public', '')
      .replace('TRACE', 'aa')
      .replace('SPAN', 'aac')
      .replace('FROM', '2026-11-23T12%3A00%3A00.000000Z')
      .replace('TO', '2026-11-24T12%3A00%3A00.000000Z')

  /** What a parser of theirs does not do without: langfuse-python 4.0.6, where most is required. */
  const required = {
    trace: ['id', 'timestamp', 'tags', 'public', 'environment', 'htmlPath'],
    observation: [
      'id',
      'type',
      'startTime',
      'level',
      'usage',
      'usageDetails',
      'costDetails',
      'environment',
      'metadata',
      'modelParameters',
    ],
    observationV2: ['id', 'startTime', 'projectId', 'type'],
  }

  test.each(requests)('$sdk: $path', async ({ path }) => {
    const { status, body, data } = await get(filled(path))
    expect(status).toBe(200)
    const kind = path.includes('/v2/') ? 'observationV2' : path.includes('/observations') ? 'observation' : 'trace'
    if (path.includes('/metrics/')) return
    for (const each of data ?? [body]) for (const name of required[kind]) expect(each).toHaveProperty(name)
    // Page 2 of two observations has the third.
    expect((data ?? [body]).length).toBeGreaterThan(0)
  })
})

describe('traces', () => {
  test.each([
    ['', ['aa', 'cc', 'bb']],
    ['?orderBy=timestamp.asc', ['bb', 'cc', 'aa']],
    ['?name=chat-completion', ['aa', 'bb']],
    // Without a name of its own, a trace has that of its root.
    ['?name=GET%20/', ['cc']],
    ['?userId=user-1', ['bb']],
    ['?sessionId=s1&tags=chat&tags=t0', ['aa']],
    ['?tags=chat&tags=t9', []],
    ['?fromTimestamp=2026-11-24T00:00:00Z&toTimestamp=2026-11-24T10:30:00Z', ['cc']],
    ['?environment=default', ['aa', 'cc', 'bb']],
    ['?environment=prod', []],
    ['?limit=1&page=2', ['cc']],
    ["?name=x'%20OR%20'1'='1", []],
  ])('%s', async (query, want) => {
    expect(await ids(`/traces${query}`)).toEqual(want)
  })

  test('are counted over all pages, also behind the last', async () => {
    expect((await get('/traces?limit=2&page=1')).meta).toEqual({ page: 1, limit: 2, totalItems: 3, totalPages: 2 })
    expect(await get('/traces?limit=2&page=9')).toMatchObject({ data: [], meta: { totalItems: 3 } })
  })

  test('say what is known, and null for a cost that is not', async () => {
    const { data } = await get('/traces')
    expect(data[0]).toMatchObject({
      id: 'aa',
      timestamp: '2026-11-24T11:00:00.000Z',
      name: 'chat-completion',
      input: { question: '2+2?' },
      output: '4',
      userId: 'user-0',
      sessionId: 's1',
      metadata: { tier: 'gold', n: 3 },
      tags: ['chat', 't0'],
      environment: 'default',
      latency: 2,
      totalCost: 0.000305,
      observations: ['aar', 'aac', 'aad'],
      scores: ['k1'],
    })
    expect(data[2]).toMatchObject({ id: 'bb', totalCost: null, unpricedCalls: 1 })
    expect((await get('/traces?fields=core,metrics')).data[0]).toMatchObject({ input: null, totalCost: 0.000305 })
  })

  test('one whole, with its observations and scores', async () => {
    const { body } = await get('/traces/aa')
    expect(body).toMatchObject({
      totalCost: 0.000305,
      observations: [
        { id: 'aar', type: 'SPAN', parentObservationId: null, isRootObservation: true, usage: { total: 0 } },
        {
          id: 'aac',
          type: 'GENERATION',
          model: 'gpt-4.1',
          modelParameters: { temperature: 0.5 },
          promptName: 'greet',
          promptVersion: 3,
          input: [{ role: 'user', content: '2+2?' }],
          output: '4',
          usageDetails: { input: 100, cache_read_input_tokens: 50, output: 10, total: 160 },
          costDetails: { input: 0.0002, output: 0.00008, total: 0.000305 },
          calculatedTotalCost: 0.000305,
          latency: 1,
          timeToFirstToken: 0.25,
          endTime: '2026-11-24T11:00:01.500Z',
        },
        // It repeats the call: a sum over observations is the ledger's.
        { id: 'aad', usageDetails: {}, costDetails: {}, calculatedTotalCost: null },
      ],
      scores: [{ id: 'k1', name: 'user_feedback', value: 1, traceId: 'aa' }],
    })
    expect(await get('/traces/zz')).toMatchObject({ status: 404 })
    expect(await get('/traces/dd')).toMatchObject({ status: 404 })
    expect((await get('/traces', 'other')).data).toMatchObject([{ id: 'dd' }])
  })
})

describe('observations', () => {
  test.each([
    ['?type=GENERATION', ['aad', 'aac', 'bbc']],
    ['?type=SPAN', ['aar', 'ccr', 'bbr']],
    ['?traceId=AA&type=GENERATION&limit=1', []],
    ['?traceId=aa&name=answer&limit=1&page=2', ['aac']],
    ['?level=ERROR', ['bbc']],
    ['?parentObservationId=bbr', ['bbc']],
    ['?userId=user-1&type=GENERATION', ['bbc']],
  ])('%s', async (query, want) => {
    expect(await ids(`/observations${query}`)).toEqual(want)
  })

  test('usage that was not reported is left out of usageDetails', async () => {
    const { body } = await get('/observations/bbc')
    expect(body).toMatchObject({ usageDetails: {}, costDetails: {}, level: 'ERROR', statusMessage: 'boom' })
  })

  test('of the second API go on behind a cursor, with the fields asked for', async () => {
    const first = await get('/v2/observations?type=GENERATION&limit=2&fields=usage')
    expect(Object.keys(first.data[0] ?? {}).sort()).toEqual([
      'costDetails',
      'endTime',
      'id',
      'parentObservationId',
      'projectId',
      'startTime',
      'totalCost',
      'traceId',
      'type',
      'usageDetails',
    ])
    const rest = await get(`/v2/observations?type=GENERATION&limit=2&fields=io&cursor=${first.meta['cursor']}`)
    expect(rest.data).toMatchObject([{ id: 'bbc', input: null }])
    expect(rest.meta).toEqual({})
    expect(await ids('/v2/observations?isRootObservation=true')).toEqual(['aar', 'ccr', 'bbr'])
  })
})

describe('metrics', () => {
  test('a day, as the seed shows it', async () => {
    const { data, meta } = await get('/metrics/daily?traceName=chat-completion&userId=user-0')
    expect(data).toEqual([
      {
        date: '2026-11-24',
        countTraces: 1,
        countObservations: 3,
        totalCost: 0.000305,
        unpricedCalls: 0,
        usage: [
          {
            model: 'gpt-4.1',
            inputUsage: 150,
            outputUsage: 10,
            totalUsage: 160,
            countTraces: 1,
            countObservations: 1,
            totalCost: 0.000305,
            unpricedCalls: 0,
          },
        ],
      },
    ])
    expect(meta).toEqual({ page: 1, limit: 50, totalItems: 1, totalPages: 1 })
  })

  test('newest day first; a day without a known cost has none', async () => {
    const { data } = await get('/metrics/daily')
    expect(data).toMatchObject([
      { date: '2026-11-24', countTraces: 2, totalCost: 0.000305 },
      {
        date: '2026-11-23',
        totalCost: null,
        unpricedCalls: 1,
        usage: [{ model: 'mystery', totalUsage: null, totalCost: null }],
      },
    ])
    expect((await get('/metrics/daily?tags=t0')).data).toHaveLength(1)
    expect((await get('/metrics/daily?limit=1&page=2')).data).toMatchObject([{ date: '2026-11-23' }])
  })

  test('by name of the trace, or another thing', async () => {
    expect((await get('/metrics/usage?group_by=trace_name')).data).toMatchObject([
      {
        traceName: 'chat-completion',
        countTraces: 2,
        countObservations: 5,
        totalUsage: 160,
        totalCost: 0.000305,
        unpricedCalls: 1,
      },
      { traceName: 'GET /', countTraces: 1, totalCost: null, totalUsage: null },
    ])
    expect((await get('/metrics/usage?group_by=user_id&traceName=chat-completion')).data).toMatchObject([
      { userId: 'user-0', totalCost: 0.000305 },
      { userId: 'user-1', totalCost: null },
    ])
  })
})

test.each([
  ['/traces?names=x', 'there is no parameter "names": did you mean name?'],
  ['/traces?filter=[]', 'there is no parameter "filter"'],
  ['/traces?orderBy=name.asc', 'orderBy: "name.asc" is not timestamp.asc or timestamp.desc'],
  ['/traces?fromTimestamp=soon', 'fromTimestamp: "soon" is not a time'],
  ['/traces?limit=0', 'limit: "0" is not a whole number from 1 to 1000'],
  ['/traces?page=x', 'page: "x" is not a whole number'],
  ['/traces?name=a&name=b', 'is not one text'],
  [`/traces?userId=${'x'.repeat(300)}`, 'is not one text of at most 256 characters'],
  ['/observations?type=THING', 'type: "THING" is not a type of observation'],
  ['/observations?level=WARNING', 'level: "WARNING" is not DEFAULT or ERROR'],
  ['/v2/observations?fields=all', 'fields: "all" is not one of core, basic'],
  ['/v2/observations?cursor=abc', 'cursor: "abc" is not one that was given out here'],
  ['/metrics/usage?group_by=colour', 'group_by: "colour" is not one of trace_name'],
])('%s is refused, and told why', async (path, detail) => {
  const { status, body } = await get(path)
  expect(status).toBe(400)
  expect(body['message']).toContain(detail)
})
