import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLogs } from '../../collector/otlp/logs.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { Bench, nowMs } from '../batches.ts'
import { type Attributes, Double, logsRequest, traceId, tracesRequest } from '../otlp-messages.ts'

const bench = new Bench()

describe('what one span says arrives whole', () => {
  test('ids, times, status, flags, events and links', () => {
    const request = tracesRequest({
      scope: 'my.scope',
      version: '1.2',
      resource: { 'service.name': 'shop' },
      spans: [
        {
          spanId: 'aaaaaaaaaaaaaaaa',
          parentSpanId: 'bbbbbbbbbbbbbbbb',
          name: 'work',
          startMs: nowMs - 5000,
          durationMs: 1234,
          flags: 0xffffffff,
          status: { code: 2, message: 'it broke' },
          events: [{ name: 'note', timeMs: nowMs - 4000, attributes: { a: 1 } }],
          links: [{ traceId, spanId: 'cccccccccccccccc', attributes: { why: 'retry' } }],
        },
      ],
    })
    const [row] = bench.rows(request)
    const { batch } = bench
    expect(row).toMatchObject({
      name: 'work',
      service: 'shop',
      scope_name: 'my.scope',
      scope_version: '1.2',
      status: 'error',
      status_message: 'it broke',
    })
    expect([bench.traceId(0), bench.spanId(0), bench.hex(batch.parentPos[0]!, 8)]).toEqual([
      traceId,
      'aaaaaaaaaaaaaaaa',
      'bbbbbbbbbbbbbbbb',
    ])
    expect(batch.durationNano[0]).toBe(1_234_000_000)
    expect(batch.flags[0]).toBe(0xffffffff)
    expect(batch.eventTo[0]! - batch.eventFrom[0]!).toBe(1)
    expect(bench.hex(batch.linkSpanPos[0]!, 8)).toBe('cccccccccccccccc')
  })

  test('every kind of value, exact', () => {
    const attributes: Attributes = {
      text: 'héllo',
      empty: null,
      yes: true,
      big: 9223372036854775807n,
      least: -9223372036854775808n,
      half: 0.5,
      whole: new Double(3),
      list: ['a', 1, true, null],
      map: { k: { deep: [2.5] } },
      raw: new Uint8Array([1, 2, 250]),
    }
    const [row] = bench.rows(tracesRequest({ spans: [{ attributes }] }))
    expect(row?.['attributes']).toEqual({
      text: 'héllo',
      empty: '',
      yes: 'true',
      big: '9223372036854775807',
      least: '-9223372036854775808',
      half: '0.5',
      whole: '3',
      list: '["a",1,true,null]',
      map: '{"k":{"deep":[2.5]}}',
      raw: 'AQL6',
    })
  })

  test('integers of every size on the wire, with short and long keys', () => {
    const integers = [
      0,
      1,
      127,
      128,
      16_383,
      16_384,
      2 ** 21 - 1,
      2 ** 21,
      2 ** 28 - 1,
      2 ** 28,
      2 ** 31,
      2 ** 53 - 1,
      -1,
      -(2 ** 31),
    ]
    const attributes = Object.fromEntries(
      integers.flatMap((n, i) => [
        [`n${i}`, n],
        [`n${i}${'k'.repeat(120)}`, n],
      ]),
    )
    const [row] = bench.rows(tracesRequest({ spans: [{ attributes }] }))
    const sent = Object.entries(attributes).map(([key, n]) => [key, `${n}`])
    expect(row?.['attributes']).toEqual(Object.fromEntries(sent))
  })

  test('a value nested too deep becomes a marker and the span is kept', () => {
    let value: Attributes[string] = 'bottom'
    for (let depth = 0; depth < 40; depth++) value = [value]
    const [row] = bench.rows(tracesRequest({ spans: [{ attributes: { value, other: 'kept' } }] }))
    expect(row).toMatchObject({
      attributes: { other: 'kept', value: expect.stringContaining('nested deeper than 32') },
    })
  })

  test('a resource that follows its spans on the wire still belongs to them', () => {
    const resource = [10, 13, 10, 11, 10, 1, 115, 18, 6, 10, 4, 115, 104, 111, 112] // field 1: s = "shop"
    const spans = tracesRequest({ scope: 'x', spans: [{}] })
    // Re-frame: ResourceSpans{ scope_spans, resource } by cutting the empty resource off the encoded message.
    const inner = spans.subarray(2)
    const scopeSpans = inner.subarray(inner.indexOf(18))
    const body = [...scopeSpans, ...resource]
    bench.rows(
      new Uint8Array([
        10,
        (body.length & 127) | (body.length > 127 ? 128 : 0),
        ...(body.length > 127 ? [body.length >> 7] : []),
        ...body,
      ]),
    )
    expect(bench.batch.rows).toBe(1)
    expect(bench.batch.resourceAttrTo[0]! - bench.batch.resourceAttrFrom[0]!).toBe(1)
  })
})

describe('a bad span among good ones', () => {
  test.each([
    { name: 'trace id of zeros', bad: { traceId: '0'.repeat(32) }, says: 'trace_id' },
    { name: 'short trace id', bad: { traceId: 'abcd' }, says: 'trace_id' },
    { name: 'span id of zeros', bad: { spanId: '0'.repeat(16) }, says: 'span_id' },
    { name: 'no span id', bad: { spanId: '' }, says: 'span_id' },
  ])('$name: the others are stored, one is rejected with the reason', ({ bad, says }) => {
    const good = (n: number) => ({ spanId: `00000000000000${n}1`, attributes: { n } })
    const rows = bench.rows(tracesRequest({ spans: [good(1), { name: 'broken', ...bad }, good(2)] }))
    expect(rows.map((row) => row['attributes'])).toEqual([{ n: '1' }, { n: '2' }])
    expect(bench.batch.rejected).toBe(1)
    expect(bench.batch.rejectMessage).toContain('broken')
    expect(bench.batch.rejectMessage).toContain(says)
  })

  test('a parent id of zeros is dropped, the span is kept', () => {
    expect(bench.rows(tracesRequest({ spans: [{ parentSpanId: '0'.repeat(16) }] }))).toHaveLength(1)
    expect(bench.hex(bench.batch.parentPos[0]!, 8)).toBe('')
  })
})

describe('hostile bytes end in rows or a refusal', () => {
  const valid = tracesRequest({
    scope: 'openinference.instrumentation.openai',
    resource: { 'service.name': 's' },
    spans: [
      {
        attributes: { 'llm.token_count.prompt': 5, 'openinference.span.kind': 'LLM', deep: [{ a: ['b'] }] },
        events: [{ name: 'exception', attributes: { 'exception.type': 'E' } }],
      },
      { spanId: '1111111111111111', parentSpanId: '00f067aa0ba902b7', attributes: { 'gen_ai.usage.input_tokens': 3 } },
    ],
  })

  function decodes(bytes: Uint8Array): void {
    try {
      bench.rows(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal)
    }
  }

  test('every truncation of a request', () => {
    expect(bench.rows(valid.slice(0, 0))).toEqual([])
    for (let size = 1; size < valid.length; size++) expect(() => bench.rows(valid.slice(0, size))).toThrow(Refusal)
  })

  test('random bytes in random places', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (changes) => {
          const bytes = valid.slice()
          for (const [at, byte] of changes) bytes[at] = byte
          decodes(bytes)
        },
      ),
      { numRuns: 3000, seed: 7 },
    )
  })

  test('bytes of no message at all', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodes), { numRuns: 3000, seed: 11 })
  })

  test('a flood of empty spans is refused before it becomes objects', () => {
    const empties = new Uint8Array(400_000)
    for (let i = 0; i < empties.length; i += 2) empties[i] = 18 // scope_spans.spans, length 0
    const frame = (tag: number, body: Uint8Array) => {
      const size: number[] = []
      for (let n = body.length; ; n >>>= 7) {
        size.push(n > 127 ? (n & 127) | 128 : n)
        if (n <= 127) break
      }
      return new Uint8Array([tag, ...size, ...body])
    }
    const flood = frame(10, frame(18, empties))
    expect(() => bench.rows(flood)).toThrow(/more than 100000 spans/)
  })

  test('the next good request is read right after a refused one', () => {
    expect(() => bench.rows(new Uint8Array([255, 255, 255]))).toThrow(Refusal)
    expect(bench.rows(valid)).toHaveLength(2)
  })
})

describe('log records', () => {
  test('say who they belong to, what they are called and what they hold', () => {
    const [record] = decodeLogs(
      logsRequest({
        scope: 'evals',
        resource: { 'service.name': 'judge' },
        records: [
          {
            eventName: 'gen_ai.evaluation.result',
            timeMs: 1_790_000_000_000,
            traceId,
            spanId: 'aaaaaaaaaaaaaaaa',
            body: { a: 1 },
            attributes: { 'gen_ai.evaluation.score.value': 0.5, n: 7 },
          },
        ],
      }),
    )
    expect(record).toMatchObject({
      eventName: 'gen_ai.evaluation.result',
      traceId,
      spanId: 'aaaaaaaaaaaaaaaa',
      body: '{"a":1}',
      timeUnixNano: 1_790_000_000_000_000_000n,
    })
    expect(Object.fromEntries(record!.attributes)).toEqual({ 'gen_ai.evaluation.score.value': '0.5', n: '7' })
    expect(record!.source.resource.get('service.name')).toBe('judge')
  })

  test('every truncation ends in records or a refusal', () => {
    const valid = logsRequest({ records: [{ eventName: 'e', body: ['x'], attributes: { a: { b: 1 } }, traceId }] })
    for (let size = 0; size < valid.length; size++) {
      try {
        decodeLogs(valid.slice(0, size))
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal)
      }
    }
  })
})
