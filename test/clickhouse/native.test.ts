// A real ClickHouse reads our blocks back: every type, every width of dictionary, spans with everything set.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ContentBlock } from '../../collector/clickhouse/content-block.ts'
import { encodeRows, RowBlock } from '../../collector/clickhouse/native.ts'
import { SpanBlock } from '../../collector/clickhouse/span-block.ts'
import { contentTable } from '../../schemas/content-table.ts'
import { scoresTable } from '../../schemas/scores-table.ts'
import { spansTable } from '../../schemas/spans-table.ts'
import { columnNames, type Table } from '../../schemas/table.ts'
import { Bench } from '../batches.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { traceId, tracesRequest } from '../otlp-messages.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

let inserts = 0
async function insert(table: Table, parts: readonly Uint8Array[], rows: number): Promise<void> {
  await engine.clickhouse.insert({
    table: table.name,
    columns: columnNames(table),
    body: parts,
    token: `native-test-${inserts++}`,
    rows,
  })
}

describe('rows as objects', () => {
  const table = (columns: Table['columns']): Table => ({ name: `native_${inserts++}`, doc: '', columns })

  async function roundTrip(
    declared: Table,
    rows: readonly Record<string, unknown>[],
  ): Promise<Record<string, unknown>[]> {
    const columns = declared.columns.map(({ name, type }) => `${name} ${type}`).join(', ')
    await engine.clickhouse.command(
      `CREATE TABLE ${declared.name} (n UInt32 MATERIALIZED rowNumberInAllBlocks(), ${columns}) ENGINE = MergeTree ORDER BY tuple()`,
    )
    if (rows.length > 0) await insert(declared, encodeRows(declared, rows), rows.length)
    return engine.clickhouse.query(`SELECT * FROM ${declared.name} SETTINGS max_threads = 1`)
  }

  test('every type we write comes back as it was', async () => {
    const declared = table([
      { name: 'low', type: 'LowCardinality(String)', doc: '' },
      { name: 'text', type: 'String', doc: '' },
      { name: 'small', type: 'UInt8', doc: '' },
      { name: 'signed', type: 'Int8', doc: '' },
      { name: 'big', type: 'UInt64', doc: '' },
      { name: 'maybe', type: 'Nullable(Float64)', doc: '' },
      { name: 'money', type: 'Nullable(Decimal(18, 12))', doc: '' },
      { name: 'at', type: "DateTime64(3, 'UTC')", doc: '' },
      { name: 'list', type: 'Array(String)', doc: '' },
      { name: 'map', type: 'Map(LowCardinality(String), String)', doc: '' },
    ])
    const rows = [
      {
        low: 'a',
        text: 'ünï\u0000',
        small: 255,
        signed: -1,
        big: 18446744073709551615n,
        maybe: 0.5,
        money: '0.000000000001',
        at: 1_790_000_000_123,
        list: ['x', ''],
        map: { k: 'v', '': 'empty key' },
      },
      {
        low: '',
        text: 'x'.repeat(70_000),
        small: 0,
        signed: 1,
        big: 0n,
        maybe: null,
        money: null,
        at: 0,
        list: [],
        map: {},
      },
      {
        low: 'a',
        text: '',
        small: 7,
        signed: 127,
        big: 9007199254740993n,
        maybe: -1e300,
        money: 123_456_789_012_345n,
        at: 1,
        list: ['y'],
        map: new Map([['k', 'w']]),
      },
    ]
    const back = await roundTrip(declared, rows)
    expect(back.map(({ low, small, signed, maybe, list, map }) => ({ low, small, signed, maybe, list, map }))).toEqual([
      { low: 'a', small: 255, signed: -1, maybe: 0.5, list: ['x', ''], map: { k: 'v', '': 'empty key' } },
      { low: '', small: 0, signed: 1, maybe: null, list: [], map: {} },
      { low: 'a', small: 7, signed: 127, maybe: -1e300, list: ['y'], map: { k: 'w' } },
    ])
    const exact = await engine.clickhouse.query(
      `SELECT toString(big) AS big, toString(money) AS money, length(text) AS size, toString(at) AS at, hex(substring(text, 1, 8)) AS head FROM ${declared.name} SETTINGS max_threads = 1`,
    )
    expect(exact).toEqual(
      [
        {
          big: '18446744073709551615',
          money: '0.000000000001',
          size: 6,
          at: '2026-09-21 14:13:20.123',
          head: 'C3BC6EC3AF00',
        },
        { big: '0', money: null, size: 70_000, at: '1970-01-01 00:00:00.000', head: '7878787878787878' },
        { big: '9007199254740993', money: '123.456789012345', size: 0, at: '1970-01-01 00:00:00.001', head: '' },
      ].map((row) => ({ ...row, size: expect.toSatisfy((size: unknown) => Number(size) === row.size) })),
    )
  })

  test.each([200, 300, 70_000])('a dictionary of %i words has wide enough indexes', async (words) => {
    const declared = table([{ name: 'low', type: 'LowCardinality(String)', doc: '' }])
    const rows = Array.from({ length: words }, (_, n) => ({ low: `word-${n}` }))
    await roundTrip(declared, rows)
    const [found] = await engine.clickhouse.query<{ same: unknown }>(
      `SELECT countIf(low = concat('word-', toString(n))) AS same FROM ${declared.name}`,
    )
    expect(Number(found?.same)).toBe(words)
  })

  test('text of any bytes arrives as valid UTF-8', async () => {
    const declared = table([{ name: 'text', type: 'String', doc: '' }])
    const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 60 }), { numRuns: 300, seed: 5 })
    await roundTrip(
      declared,
      texts.map((text) => ({ text })),
    )
    const [found] = await engine.clickhouse.query<{ valid: unknown }>(
      `SELECT countIf(isValidUTF8(text)) AS valid FROM ${declared.name}`,
    )
    expect(Number(found?.valid)).toBe(texts.length)
  })

  test('a value its column cannot hold names column, type and value', () => {
    expect(() => encodeRows(scoresTable, [{ resolved: 300 }])).toThrow(
      /scores\.resolved \(UInt8\) cannot hold number 300/,
    )
  })

  test('a block is used again and again, and keeps nothing of rows it could not hold', async () => {
    const declared = table([
      { name: 'low', type: 'LowCardinality(String)', doc: '' },
      { name: 'maybe', type: 'Nullable(Float64)', doc: '' },
      { name: 'list', type: 'Array(String)', doc: '' },
      { name: 'map', type: 'Map(LowCardinality(String), String)', doc: '' },
      { name: 'small', type: 'UInt8', doc: '' },
    ])
    const row = (n: number) => ({ low: `l${n}`, maybe: n, list: [`a${n}`, 'b'], map: { [`k${n}`]: `v${n}` }, small: n })
    await roundTrip(declared, [])
    const block = new RowBlock(declared)
    block.append([row(0), row(1)])
    await insert(declared, block.parts(), block.rows)
    block.reset()
    block.append([row(2)])
    expect(() => block.append([row(3), { ...row(4), small: 300 }])).toThrow(/small \(UInt8\) cannot hold number 300/)
    expect(block.rows).toBe(1)
    block.append([row(5)])
    await insert(declared, block.parts(), block.rows)
    const found = await engine.clickhouse.query(
      `SELECT low, maybe, list, map, small FROM ${declared.name} ORDER BY small`,
    )
    expect(found).toEqual([0, 1, 2, 5].map(row))
  })
})

describe('spans', () => {
  const request = tracesRequest(
    {
      scope: 'opentelemetry.instrumentation.openai_v2',
      version: '2.4b0',
      resource: { 'service.name': 'shop', 'deployment.environment.name': 'prod', replicas: 3 },
      spans: [
        {
          name: 'chat gpt-4.1',
          parentSpanId: 'bbbbbbbbbbbbbbbb',
          startMs: 1_790_000_000_000.5,
          durationMs: 250,
          attributes: {
            'gen_ai.operation.name': 'chat',
            'gen_ai.provider.name': 'OpenAI',
            'gen_ai.request.model': 'gpt-4.1',
            'gen_ai.response.finish_reasons': ['stop'],
            'gen_ai.usage.input_tokens': 100,
            'gen_ai.usage.output_tokens': 7,
            'gen_ai.usage.cache_read.input_tokens': 40,
            'gen_ai.request.temperature': 0.7,
            'gen_ai.input.messages': '[{"role":"user"}]',
            'user.id': 'jane',
            'app.team': 'growth',
            'app.list': [1, 'two'],
          },
          events: [
            { name: 'note', attributes: { a: 'b' } },
            { name: 'gen_ai.user.message', attributes: { content: 'hello' } },
          ],
          links: [{ traceId, spanId: 'dddddddddddddddd', attributes: { why: 'retry' } }],
        },
        { spanId: 'cccccccccccccccc', name: 'plain', attributes: { 'bad.utf8': 'fine' } },
      ],
    },
    { scope: 'other', resource: {}, spans: [{ spanId: 'eeeeeeeeeeeeeeee', name: 'lonely' }] },
  )

  test('a block of several requests holds every cell', async () => {
    const bench = new Bench()
    const spans = new SpanBlock(bench.strings, { retentionDays: 90 })
    const content = new ContentBlock(bench.strings, { retentionDays: 400 })
    bench.batch.ingestedMs = 1_790_000_060_000
    for (let times = 0; times < 2; times++) {
      bench.rows(request)
      bench.batch.projectId = bench.strings.internText(`p${times}`)
      spans.append(bench.batch)
      content.append(bench.batch)
    }
    expect([spans.rows, content.rows]).toEqual([6, 2])
    await insert(spansTable, spans.parts(), spans.rows)
    await insert(contentTable, content.parts(), content.rows)

    const [row] = await engine.clickhouse.query(
      `SELECT trace_id, span_id, parent_span_id, name, kind, toString(start_time) AS start, toUInt32(duration_ns / 1e6) AS ms, service, env, provider, request_model, finish_reason,
         toUInt32(input_tokens) AS input, toUInt32(cache_read_tokens) AS cached, user_id, temperature, attributes, resource, total_cost,
         arrayMap(e -> (e.name, e.attributes), events) AS events, links.span_id AS linked, sign, revision
       FROM spans WHERE project_id = 'p1' AND name = 'chat gpt-4.1'`,
    )
    expect(row).toEqual({
      trace_id: traceId,
      span_id: '00f067aa0ba902b7',
      parent_span_id: 'bbbbbbbbbbbbbbbb',
      name: 'chat gpt-4.1',
      kind: 'llm',
      start: '2026-09-21 14:13:20.000500000',
      ms: 250,
      service: 'shop',
      env: 'prod',
      provider: 'openai',
      request_model: 'gpt-4.1',
      finish_reason: 'stop',
      input: 100,
      cached: 40,
      user_id: 'jane',
      temperature: 0.7,
      attributes: { 'gen_ai.provider.name': 'OpenAI', 'app.team': 'growth', 'app.list': '[1,"two"]' },
      resource: { 'service.name': 'shop', 'deployment.environment.name': 'prod', replicas: '3' },
      total_cost: null,
      events: [
        ['note', { a: 'b' }],
        ['gen_ai.user.message', {}],
      ],
      linked: ['dddddddddddddddd'],
      sign: 1,
      revision: 0,
    })
    const kept = await engine.clickhouse.query(
      `SELECT input_messages, attributes, user_id FROM span_content WHERE project_id = 'p0'`,
    )
    expect(kept).toEqual([
      {
        input_messages: '[{"role":"user"}]',
        attributes: { 'gen_ai.user.message.1.content': 'hello' },
        user_id: 'jane',
      },
    ])
  })
})
