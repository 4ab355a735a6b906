// Calls and traces by filter, on a real ClickHouse: what comes, in which order, a page at a time, in every format; and what does not.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { isCall } from '../../collector/exporting/columns.ts'
import { keyPage } from '../../collector/exporting/export.ts'
import { selectionOf } from '../../collector/exporting/selection.ts'
import { type FeedbackBody, scoreFromFeedback } from '../../processors/scores.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores, insertSpans, llmCall, utc } from './rows.ts'

const nowMs = Date.parse('2026-11-24T12:00:00Z')
const hour = 3_600_000

let engine: TestEngine
let api: Api

const said = (id: string, input: unknown, output: unknown) => ({
  project_id: 'default',
  trace_id: id.slice(0, 2),
  span_id: id,
  input_messages: JSON.stringify(input),
  output_messages: JSON.stringify(output),
})
const ask = (content: string) => [{ role: 'user', parts: [{ type: 'text', content }] }]
const answer = (content: string) => [{ role: 'assistant', parts: [{ type: 'text', content }] }]

beforeAll(async () => {
  engine = await startTestEngine()
  const at = (hoursAgo: number): string => utc(nowMs - hoursAgo * hour)
  await insertSpans(engine, nowMs, [
    {
      trace_id: 't1',
      span_id: 't1r',
      name: 'answer a question',
      start_time: at(1),
      duration_ns: 9e9,
      feature: 'chat',
      user_id: 'ada',
    },
    llmCall('t1', 't1a', {
      parent_span_id: 't1r',
      start_time: at(1),
      duration_ns: 2e9,
      feature: 'chat',
      user_id: 'ada',
      total_cost: '0.5',
      prompt_name: 'p',
      prompt_version: '2',
      release: 'r2',
      env: 'prod',
      session_id: 's1',
      input_tokens: 10,
      output_tokens: 5,
    }),
    llmCall('t1', 't1b', {
      parent_span_id: 't1r',
      start_time: at(0.9),
      duration_ns: 1e9,
      model: 'gpt-4.1-mini',
      total_cost: '0.25',
      response_id: 'resp-1',
      feature: 'chat',
    }),
    llmCall('t2', 't2a', {
      start_time: at(30),
      status: 'error',
      failure_class: 'malformed_output',
      duration_ns: 8e9,
      total_cost: null,
      cost_status: 'unpriced',
      cost_reason: 'no_price',
      provider: 'anthropic',
      model: 'mystery',
    }),
    llmCall('t3', 't3a', { start_time: at(100), duration_ns: 3e9, total_cost: '2', env: 'staging' }),
    llmCall('t4', 't4a', { start_time: at(24 * 30) }),
    llmCall('t5', 't5a', { start_time: at(2), cost_reason: 'duplicate', cost_status: 'not_billed' }),
    llmCall('t6', 't6a', { start_time: at(1), project_id: 'other' }),
  ])
  const content = [
    { ...said('t1a', ask('hi'), answer('Hello')), start_time: at(1) },
    { ...said('t2a', ask('data?'), answer('{"broken')), start_time: at(30) },
    { ...said('t1r', { question: 'hi' }, 'Hello'), start_time: at(1), attributes: {} },
    { ...said('t6a', ask('secret'), answer('secret')), start_time: at(1), project_id: 'other' },
  ]
  await engine.clickhouse.command(
    `INSERT INTO span_content FORMAT JSONEachRow ${content.map((row) => JSON.stringify({ retention_days: 90, ingested_at: utc(nowMs), ...row })).join('\n')}`,
    {},
    { async_insert: 0 },
  )
  const score = (id: string, body: FeedbackBody, more: object = {}) => ({
    ...scoreFromFeedback({ ...body, id }, { projectId: 'default', nowMs: nowMs - hour, newId: () => id }),
    ...more,
  })
  await insertScores(engine, [
    score('k1', { trace_id: 't1', span_id: 't1a', score: 1, name: 'user_feedback', comment: 'good' }),
    score(
      'k2',
      { trace_id: 't1', score: -1, name: 'tone', source: 'eval', run_name: 'v2', dataset: 'd' },
      { value: 0.4 },
    ),
    score('k3', { trace_id: 't2', span_id: 't2a', score: -1, name: 'user_feedback' }),
  ])
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    stream: engine.clickhouse.stream,
    appendScores: (rows) => insertScores(engine, rows),
    project: (headers) => String(headers['x-project'] ?? 'default'),
    version: '1.2.3',
    now: () => nowMs,
    log: { error: (line: string, fields: unknown) => console.error(line, fields), limited: () => undefined },
  })
})
afterAll(async () => {
  await api?.close()
  await engine?.stop()
})

type Found = Readonly<Record<string, never>>
interface Answer {
  readonly status: number
  readonly data: readonly Found[]
  readonly next_cursor: string | null
  readonly detail: string
}

async function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, { headers })
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) }
}
/** Which are chosen, without reading them. */
async function chosen(what: 'calls' | 'traces', query: string): Promise<string[]> {
  const given: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(query))
    given[name] = given[name] === undefined ? value : [given[name], value].flat()
  const bounds = { nowMs, limitDefault: 100, limitMax: 1000 }
  const selection = selectionOf(given, { what, project: 'default', bounds })
  const { keys } = await keyPage({ query: engine.clickhouse.query, stream: engine.clickhouse.stream }, selection)
  return keys.map((key) => key.span_id || key.trace_id)
}

const ids = async (query: string, headers = {}): Promise<unknown[]> =>
  (await get(`/api/calls?${query}`, headers)).data.map(({ span_id }) => span_id)
const traces = async (query: string): Promise<unknown[]> =>
  (await get(`/api/traces?${query}`)).data.map(({ trace_id }) => trace_id)

describe('calls', () => {
  test.each([
    ['', ['t1b', 't1a', 't2a', 't3a']],
    ['model=gpt-4.1', ['t1a', 't3a']],
    ['model=gpt-4.1-mini&model=mystery', ['t1b', 't2a']],
    ['provider=anthropic', ['t2a']],
    ['feature=chat&env=prod', ['t1a']],
    ['release=r2', ['t1a']],
    ['prompt=p&prompt_version=2', ['t1a']],
    ['user=ada', ['t1a']],
    ['session=s1', ['t1a']],
    ['trace_id=T1', []],
    ['trace_id=t1', ['t1b', 't1a']],
    ['response_id=resp-1', ['t1b']],
    ['failed=true', ['t2a']],
    ['failed=false', ['t1b', 't1a', 't3a']],
    ['status=error&failure_class=malformed_output', ['t2a']],
    ['cost_status=unpriced', ['t2a']],
    ['min_cost=0.3', ['t1a', 't3a']],
    ['min_cost=0.3&max_cost=0.5', ['t1a']],
    ['min_duration_ms=2500', ['t2a', 't3a']],
    ['from=2026-11-24', ['t1b', 't1a']],
    ['from=2026-10-01T00:00:00Z&to=2026-11-01', ['t4a']],
    ['score=user_feedback', ['t1a', 't2a']],
    ['verdict=good', ['t1a']],
    // A score of the whole trace judges each of its calls.
    ['run=v2', ['t1b', 't1a']],
    ['dataset=d&max_score=0.5', ['t1b', 't1a']],
    ['min_score=0.5', ['t1a']],
    ['score=user_feedback&verdict=bad', ['t2a']],
    ['scored=false', ['t3a']],
    ['scored=false&score=user_feedback', ['t1b', 't3a']],
    ['order=cost', ['t3a', 't1a', 't1b']],
    ['order=latency&limit=2', ['t2a', 't3a']],
    ["user=x'%20OR%201=1--", []],
    ['user=%7Bproject:String%7D', []],
  ])('%s', async (query, want) => {
    expect(await chosen('calls', query)).toEqual(want)
  })

  test('a page ends and goes on without a gap or a repeat, in every order', async () => {
    for (const order of ['newest', 'cost', 'latency', 'random']) {
      const all = await ids(`order=${order}&seed=a`)
      const seen: unknown[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const more: string = cursor === '' ? '' : `&cursor=${cursor}`
        const page: Answer = await get(`/api/calls?order=${order}&seed=a&limit=1${more}`)
        seen.push(...page.data.map(({ span_id }) => span_id))
        cursor = page.next_cursor
      }
      expect(seen).toEqual(all)
    }
  })

  test('a sample is the same each time, another with another seed, and a part of all', async () => {
    const orders = await Promise.all(
      ['a', 'a', 'b', 'c', 'd'].map((seed) => chosen('calls', `order=random&seed=${seed}`)),
    )
    expect(orders[0]).toEqual(orders[1])
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1)
    const taken = await Promise.all(
      Array.from({ length: 10 }, (_, seed) => chosen('calls', `sample_rate=0.5&seed=${seed}`)),
    )
    const mean = taken.reduce((sum, each) => sum + each.length, 0) / taken.length
    // 40 throws of a coin: four deviations.
    expect(mean).toBeGreaterThan(2 - 1.3)
    expect(mean).toBeLessThan(2 + 1.3)
  })

  test('say all that is known, what was said, and how it was judged', async () => {
    const { data } = await get('/api/calls?trace_id=t1&model=gpt-4.1')
    expect(data).toEqual([
      expect.objectContaining({
        trace_id: 't1',
        span_id: 't1a',
        start_time: '2026-11-24T11:00:00.000000Z',
        duration_ms: 2000,
        total_cost: '0.5',
        input_tokens: 10,
        input: ask('hi'),
        output: answer('Hello'),
        system_instructions: null,
        scores: [
          expect.objectContaining({ id: 'k1', name: 'user_feedback', value: 1, verdict: 1, span_id: 't1a' }),
          expect.objectContaining({ id: 'k2', value: 0.4, run_name: 'v2', dataset: 'd', span_id: '' }),
        ],
      }),
    ])
  })

  test('as plain messages, with the form they were found in; without content when not asked for', async () => {
    const [chat] = (await get('/api/calls?content=chat&trace_id=t1&model=gpt-4.1')).data
    expect(chat).toMatchObject({
      input: { form: 'messages', messages: [{ role: 'user', content: 'hi' }] },
      output: { form: 'messages', messages: [{ role: 'assistant', content: 'Hello' }], text: 'Hello' },
    })
    const [bare] = (await get('/api/calls?content=none&trace_id=t1&model=gpt-4.1')).data
    expect(bare).not.toHaveProperty('input')
    expect(bare).toHaveProperty('scores')
    const [uncaptured] = (await get('/api/calls?content=chat&trace_id=t3')).data
    expect(uncaptured).toMatchObject({ total_cost: '2', input: { form: 'none' }, output: { text: null } })
  })

  test("another project's are not seen, not by their ids, and not by asking for it", async () => {
    expect(await ids('trace_id=t6')).toEqual([])
    expect(await ids('', { 'x-project': 'other' })).toEqual(['t6a'])
    expect(await get('/api/calls?project=other')).toMatchObject({ status: 403 })
    expect(await traces('trace_id=t6')).toEqual([])
  })
})

describe('traces', () => {
  test.each([
    ['', ['t1', 't5', 't2', 't3']],
    ['model=mystery', ['t2']],
    // The sum of a trace, of which no call alone costs as much.
    ['min_cost=0.6&max_cost=1', ['t1']],
    ['failed=true', ['t2']],
    ['failed=false', ['t1', 't5', 't3']],
    ['score=tone', ['t1']],
    ['scored=false', ['t5', 't3']],
    ['order=cost', ['t3', 't1']],
    ['order=latency&limit=1', ['t1']],
    ['order=newest&limit=2', ['t1', 't5']],
    ['min_duration_ms=8500', ['t1']],
  ])('%s', async (query, want) => {
    expect(await chosen('traces', query)).toEqual(want)
  })

  test('say what their calls cost together, and what has no price', async () => {
    const { data } = await get('/api/traces?trace_id=t1&trace_id=t2')
    expect(data).toMatchObject([
      {
        trace_id: 't1',
        name: 'answer a question',
        duration_ms: 361_000,
        user_id: 'ada',
        feature: 'chat',
        models: ['gpt-4.1', 'gpt-4.1-mini'],
        spans: 3,
        calls: 2,
        unpriced_calls: 0,
        total_cost: '0.75',
        input: { question: 'hi' },
        output: 'Hello',
        scores: [{ id: 'k1' }, { id: 'k2' }],
      },
      { trace_id: 't2', total_cost: null, unpriced_calls: 1, status: 'error', failure_classes: ['malformed_output'] },
    ])
  })

  test('one whole, with its calls, however old', async () => {
    const { total_cost, calls, scores } = (await get('/api/traces/t1?content=chat')) as unknown as Record<string, never>
    expect(total_cost).toBe('0.75')
    expect(scores).toHaveLength(2)
    expect(calls).toMatchObject([
      { span_id: 't1a', output: { text: 'Hello' } },
      { span_id: 't1b', output: { text: null } },
    ])
    expect(await get('/api/traces/t4')).toMatchObject({ trace_id: 't4', calls: [{ span_id: 't4a' }] })
    expect(await get('/api/traces/t6')).toMatchObject({ status: 404, detail: 'there is no such trace' })
    expect(await get('/api/traces/t1?content=all')).toMatchObject({ status: 400 })
  })

  test('go on behind a cursor', async () => {
    const first = await get('/api/traces?limit=3')
    expect(await traces(`cursor=${first.next_cursor}`)).toEqual(['t3'])
  })
})

describe('formats', () => {
  const fetched = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, { headers })

  test('a record a line, by parameter or by the header Accept', async () => {
    for (const response of [
      await fetched('/api/calls?format=jsonl&limit=2'),
      await fetched('/api/calls?limit=2', { accept: 'application/x-ndjson' }),
    ]) {
      expect(response.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
      const lines = (await response.text()).trimEnd().split('\n')
      expect(lines.map((line) => (JSON.parse(line) as { span_id: string }).span_id)).toEqual(['t1b', 't1a'])
      expect(await ids(`cursor=${response.headers.get('x-next-cursor')}`)).toEqual(['t2a', 't3a'])
    }
  })

  test.each(['calls', 'traces'])('Parquet of %s is read by another program with the same values', async (what) => {
    const response = await fetched(`/api/${what}?format=parquet&limit=2`)
    expect(response.status).toBe(200)
    const next = response.headers.get('x-next-cursor')
    expect((await get(`/api/${what}?cursor=${next}`)).data).toHaveLength(2)
    const base64 = Buffer.from(await response.arrayBuffer()).toString('base64')
    const rows = await engine.clickhouse.query(
      `SELECT trace_id, toString(total_cost) AS total_cost, input_messages, arrayMap(s -> s.id, scores) AS scores
      FROM format(Parquet, base64Decode({file:String})) ORDER BY total_cost DESC NULLS LAST`,
      { file: base64 },
    )
    expect(rows).toEqual(
      what === 'calls'
        ? [
            { trace_id: 't1', total_cost: '0.5', input_messages: JSON.stringify(ask('hi')), scores: ['k1', 'k2'] },
            { trace_id: 't1', total_cost: '0.25', input_messages: '', scores: ['k2'] },
          ]
        : [
            { trace_id: 't1', total_cost: '0.75', input_messages: '{"question":"hi"}', scores: ['k1', 'k2'] },
            { trace_id: 't5', total_cost: null, input_messages: '', scores: [] },
          ],
    )
  })

  test('nothing found is an empty answer of the right form', async () => {
    expect(await get('/api/calls?model=none')).toEqual({ status: 200, data: [], next_cursor: null })
    expect(await (await fetched('/api/calls?model=none&format=jsonl')).text()).toBe('')
    const parquet = Buffer.from(await (await fetched('/api/calls?model=none&format=parquet')).arrayBuffer())
    expect(parquet.subarray(0, 4).toString() + parquet.subarray(-4).toString()).toBe('PAR1PAR1')
  })
})

test.each([
  ['modle=x', 'there is no parameter "modle": did you mean model?'],
  ['from=yesterday', 'from: "yesterday" is not a time such as 2026-11-01 or 2026-11-01T09:00:00Z'],
  ['from=2026-11-24&to=2026-11-23', 'is not before to'],
  ['limit=0', 'limit: "0" is not a whole number from 1 to 10000'],
  ['limit=20000', 'is not a whole number from 1 to 10000'],
  ['limit=ten', 'limit: "ten" is not a whole number'],
  ['min_cost=-1', 'min_cost: "-1" is not an amount of USD such as 0.25'],
  ['min_cost=1e9', 'min_cost: "1e9" is not an amount'],
  ['min_score=NaN', 'min_score: "NaN" is not a number such as 0.8'],
  ['verdict=great', 'verdict: "great" is not one of good, bad, neither'],
  ['failed=maybe', 'failed: "maybe" is not true or false'],
  ['status=toString', 'status: "toString" is not one of ok, error'],
  ['order=best', 'order: "best" is not one of newest, cost, latency, random'],
  ['sample_rate=0', 'sample_rate: "0" is not a share above 0'],
  ['sample_rate=1.5', 'sample_rate: "1.5" is not a share above 0'],
  ['format=xml', 'format: "xml" is not one of json, jsonl, parquet'],
  ['format=parquet&content=chat', 'content=chat comes as json or jsonl'],
  ['cursor=abc', 'cursor: not one that was given out here'],
  [
    `cursor=${Buffer.from('["newest",0,1,"now() OR 1","t","s"]').toString('base64url')}`,
    'cursor: not one that was given',
  ],
  [`cursor=${Buffer.from('["cost",0,1,"1","t","s"]').toString('base64url')}&order=newest`, 'it is of the order "cost"'],
  [`user=${'x'.repeat(257)}`, 'user is 257 characters long, limit is 256'],
  [Array.from({ length: 101 }, (_, i) => `user=u${i}`).join('&'), 'user has 101 values, limit is 100'],
])('%s is refused, and told why', async (query, detail) => {
  const answered = await get(`/api/calls?${query}`)
  expect(answered.status).toBe(400)
  expect(answered.detail).toContain(detail)
})

describe('datasets', () => {
  const items = async (query: string): Promise<readonly object[]> => {
    const response = await fetch(`http://127.0.0.1:${api.endpoint.port}/api/calls?${query}`)
    const text = await response.text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as object)
  }
  const user = (content: string) => [{ role: 'user', content }]

  test('OpenAI evals: failures, with what was asked and what came', async () => {
    expect(await items('format=openai-evals&failed=true')).toEqual([
      {
        item: expect.objectContaining({
          id: 't2-t2a',
          input: user('data?'),
          input_form: 'messages',
          expected_output: null,
          failure_class: 'malformed_output',
          total_cost: null,
          cost_status: 'unpriced',
          scores: [expect.objectContaining({ name: 'user_feedback', verdict: -1 })],
        }),
        sample: {
          model: 'mystery',
          output_text: '{"broken',
          choices: [{ index: 0, finish_reason: '', message: { role: 'assistant', content: '{"broken' } }],
        },
      },
    ])
  })

  test('openai/evals: an ideal only where there is one', async () => {
    const [good] = await items('format=openai-evals-classic&trace_id=t1&model=gpt-4.1&expected=output')
    expect(good).toMatchObject({ input: user('hi'), ideal: 'Hello', metadata: { id: 't1-t1a' } })
    const [bad] = await items('format=openai-evals-classic&failed=true')
    expect(bad).not.toHaveProperty('ideal')
    expect(bad).toMatchObject({ metadata: { output: '{"broken', scores: [{ verdict: -1 }] } })
  })

  test('Langfuse: an item of a dataset, with the call it comes from', async () => {
    expect(await items('format=langfuse&trace_id=t1&model=gpt-4.1&dataset_name=greetings')).toEqual([
      {
        datasetName: 'greetings',
        id: 't1-t1a',
        input: user('hi'),
        // One judged it good, an evaluation of the whole trace bad: not what was expected.
        expectedOutput: null,
        metadata: expect.objectContaining({ output: 'Hello', prompt_name: 'p', total_cost: '0.5' }),
        sourceTraceId: 't1',
        sourceObservationId: 't1a',
      },
    ])
  })

  test('are made of calls', async () => {
    expect(await get('/api/traces?format=langfuse')).toMatchObject({ status: 400 })
  })
})

test('what is a call here is one in the view', async () => {
  const [{ query }] = (await engine.clickhouse.query(
    "SELECT create_table_query AS query FROM system.tables WHERE database = currentDatabase() AND name = 'llm_calls'",
  )) as [{ query: string }]
  expect(query).toContain(isCall.replace('c.', ''))
})
