import { readdirSync, readFileSync } from 'node:fs'
import {
  type Span as ApiSpan,
  context,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { encodeLogsJson, encodeTracesJson, transcodeTraces } from '../../collector/otlp/json.ts'
import { decodeLogs } from '../../collector/otlp/logs.ts'
import { attributeText } from '../../schemas/any-value.ts'
import { Decoded, firstSpan, firstValue, ids, refusalText, spanId, spanJson, traceId, valueJson } from './json-cases.ts'
import { decoded } from './json-judge.ts'

describe('official JavaScript exporters: JSON becomes the message their protobuf twin sends', () => {
  test('spans with every kind of value', () => {
    const exporter = new InMemorySpanExporter()
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    const tracer = provider.getTracer('scope', '1.2.3')
    const parent = tracer.startSpan('parent', { kind: SpanKind.SERVER })
    const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
    const span: ApiSpan = tracer.startSpan(
      'chat "gpt-4o" \u00e9 \u{1f600}\n',
      {
        kind: SpanKind.CLIENT,
        attributes: {
          text: 'a\\b"c\u2028',
          whole: 42,
          below: -7,
          half: 0.1,
          yes: true,
          tags: ['a', 'b'],
          numbers: [1, 2.5],
        },
        links: [{ context: remote, attributes: { why: 'retry' } }],
      },
      trace.setSpan(context.active(), parent),
    )
    span.setAttribute('long', 'prompt "quoted"\n'.repeat(2000))
    span.addEvent('gen_ai.choice', { index: 0 })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'rate limited' })
    span.end()
    parent.end()
    const spans = exporter.getFinishedSpans()
    expect(spans).toHaveLength(2)
    const json = JsonTraceSerializer.serializeRequest(spans)!
    const protobuf = ProtobufTraceSerializer.serializeRequest(spans)!
    expect(decoded('Traces', encodeTracesJson(json))).toEqual(decoded('Traces', protobuf))
  })

  test('log records with nested bodies', () => {
    const exporter = new InMemoryLogRecordExporter()
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
    provider.getLogger('events', '2').emit({
      eventName: 'gen_ai.evaluation.result',
      severityNumber: SeverityNumber.WARN,
      severityText: 'WARN',
      body: { score: 0.5, parts: ['a', 1, null, { deep: true }], raw: new Uint8Array([1, 2, 255]) },
      attributes: { 'gen_ai.evaluation.name': 'faithful', empty: '' },
      timestamp: [1790000000, 123456789],
    })
    const records = exporter.getFinishedLogRecords()
    const json = JsonLogsSerializer.serializeRequest(records)!
    const protobuf = ProtobufLogsSerializer.serializeRequest(records)!
    expect(decoded('Logs', encodeLogsJson(json))).toEqual(decoded('Logs', protobuf))
  })

  test('what a real instrumentation sent reaches the decoder whole', () => {
    const folder = new URL('../fixtures/captures/js-langfuse-js/', import.meta.url)
    const decoder = new Decoded()
    let spans = 0
    for (const name of readdirSync(folder).filter((file) => file.endsWith('-traces.bin'))) {
      spans += decoder.names(encodeTracesJson(readFileSync(new URL(name, folder)))).length
      expect(decoder.batch.rejected).toBe(0)
    }
    expect(spans).toBeGreaterThan(4)
  })
})

describe('texts', () => {
  const text = (json: string | Uint8Array) => firstSpan(json)['name']

  test('escapes, pairs, and lone surrogates', () => {
    expect(text(spanJson('"name":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00"'))).toBe(
      '"\\/\b\f\n\r\tAé€😀',
    )
    expect(text(spanJson('"name":"a\\ud800b\\udc00c\\ud800\\ud83d\\ude00"'))).toBe('a\ufffdb\ufffdc\ufffd😀')
    expect(text(spanJson('"name":"\\ud800\\u0041"'))).toBe('\ufffdA')
    expect(text(spanJson('"name":"\\u0000"'))).toBe('\0')
  })

  test('bad escapes and open strings are refused', () => {
    for (const bad of ['"\\x"', '"\\u12g4"', '"\\ud83d\\u12"', '"\\', '"\\u00', '"abc', `"${'long '.repeat(50)}`]) {
      expect(refusalText(spanJson(`"name":${bad}`))).toMatch(/escape|inside a string/)
    }
  })

  test('invalid UTF-8 goes through to the decoder, which sees what protobuf senders send', () => {
    const body = Buffer.concat([
      Buffer.from(spanJson('"name":"a').slice(0, -7)),
      Buffer.from([0xff]),
      Buffer.from('b"}]}]}]}'),
    ])
    const request = encodeTracesJson(body)
    expect(Buffer.from(request).includes(Buffer.from([0x61, 0xff, 0x62]))).toBe(true)
  })

  test('a byte order mark is passed over, UTF-16 is refused', () => {
    expect(text(`\ufeff${spanJson('"name":"x"')}`)).toBe('x')
    expect(refusalText(Buffer.from(`\ufeff${spanJson('"name":"x"')}`, 'utf16le'))).toContain('UTF-16')
    expect(refusalText(Buffer.from(spanJson('"name":"x"'), 'utf16le'))).toContain('UTF-16')
  })

  test('lengths around every size of length prefix', () => {
    for (const length of [0, 1, 31, 32, 33, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 2_097_151, 2_097_152]) {
      const name = 'x'.repeat(length)
      expect(firstSpan(spanJson(`"name":"${name}","kind":2`))).toMatchObject({ ...(length > 0 && { name }), kind: 2 })
    }
  })
})

describe('shape', () => {
  test('unknown keys are ignored at every level', () => {
    const extra = '"x":{"a":[1,{"b":null},[]],"c":{}},"__proto__":{"polluted":1},"constructor":"x"'
    const json = `{${extra},"resourceSpans":[{${extra},"scopeSpans":[{${extra},"spans":[{${extra},${ids},"name":"n","attributes":[{"key":"k",${extra},"value":{${extra},"stringValue":"v"}}]}]}]}]}`
    expect(firstSpan(json)).toMatchObject({ name: 'n', attributes: [{ key: 'k', value: { stringValue: 'v' } }] })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test('__proto__ as an attribute key is data', () => {
    const span = firstSpan(spanJson('"attributes":[{"key":"__proto__","value":{"stringValue":"v"}}]'))
    expect(span).toMatchObject({ attributes: [{ key: '__proto__', value: { stringValue: 'v' } }] })
  })

  test('snake_case keys are unknown, and the sender is told', () => {
    const { body, warning } = transcodeTraces(Buffer.from(spanJson('"dropped_attributes_count":7,"other_key":1')))
    expect(decoded('Traces', body)).toEqual(decoded('Traces', encodeTracesJson(Buffer.from(spanJson('"name":""')))))
    expect(warning).toContain('"resourceSpans[0].scopeSpans[0].spans[0].dropped_attributes_count" was ignored')
    expect(transcodeTraces(Buffer.from('{"resource_spans":[]}')).warning).toContain('"resource_spans" was ignored')
    expect(transcodeTraces(Buffer.from('{"some_thing":[]}')).warning).toBe('')
  })

  test('null is absent', () => {
    const json =
      '{"resourceSpans":[{"resource":null,"scopeSpans":[{"scope":null,"spans":[{"name":null,"attributes":null,"status":null}],"schemaUrl":null}]}]}'
    expect(firstSpan(json)).toEqual({})
    expect(firstValue(valueJson('{"stringValue":"a","intValue":null}'))).toEqual({ stringValue: 'a' })
    expect(firstValue(valueJson('{"arrayValue":{"values":[null,{"boolValue":false}]}}'))).toMatchObject({
      arrayValue: { values: [{}, { boolValue: false }] },
    })
    expect(decoded('Traces', encodeTracesJson(Buffer.from('{"resourceSpans":null}')))).toEqual({})
  })

  test('of equal keys the last counts', () => {
    expect(firstSpan(spanJson('"name":"a","kind":1,"name":"b"'))).toMatchObject({ name: 'b', kind: 1 })
    expect(firstSpan(spanJson('"status":{"code":2},"kind":3,"status":{"message":"m"}'))['status']).toEqual({
      message: 'm',
    })
    expect(
      firstSpan(
        spanJson('"attributes":[{"key":"a"},{"key":"b"}],"flags":1,"startTimeUnixNano":9,"attributes":[{"key":"c"}]'),
      ),
    ).toMatchObject({ attributes: [{ key: 'c' }], flags: 1, startTimeUnixNano: '9' })
    expect(firstSpan(spanJson('"name":"a","name":null'))['name']).toBeUndefined()
    expect(firstValue(valueJson('{"stringValue":"a","boolValue":true}'))).toEqual({ boolValue: true })
    expect(firstValue(valueJson('{"intValue":1e300,"intValue":null}'))).toEqual({})
    expect(firstValue(valueJson('{"arrayValue":{"values":[{}]},"arrayValue":{}}'))).toEqual({ arrayValue: {} })
  })

  test('a hundred thousand equal keys behind a long list are read once', () => {
    const attributes = `"attributes":[${'{},'.repeat(99_999)}{}]`
    const span = firstSpan(spanJson(`${attributes},${'"name":"a",'.repeat(99_999)}"name":"b","attributes":[]`))
    expect(span).toMatchObject({ name: 'b' })
    expect(span).not.toHaveProperty('attributes')
  })

  test('an escaped key is the key it stands for', () => {
    expect(firstSpan(spanJson('"n\\u0061me":"x"'))).toMatchObject({ name: 'x' })
  })

  test('index references of profiles leave the value absent', () => {
    expect(firstValue(valueJson('{"stringValueStrindex":3}'))).toEqual({})
  })

  test('empty requests', () => {
    expect(encodeTracesJson(Buffer.from('{}'))).toHaveLength(0)
    expect(encodeTracesJson(Buffer.from(' \n{ "resourceSpans" : [ ] }\t'))).toHaveLength(0)
    expect(encodeLogsJson(Buffer.from('{"resourceLogs":[{}]}'))).toHaveLength(2)
  })

  const notJson = [
    '',
    ' ',
    '[]',
    '1',
    '"x"',
    'null',
    '{',
    '{]',
    '{}}',
    '{} {}',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    "{'a':1}",
  ]
  const notJsonEither = [
    '{"a":01}',
    '{"a":[1,]}',
    '{"a":[1 2]}',
    '{"a":tru}',
    '{"a":nulll}',
    '{"a":+1}',
    '{"a":1.}',
    '{"a":/*x*/1}',
    '{"a":}',
  ]
  for (const json of [...notJson, ...notJsonEither]) {
    test(`not a request: ${json}`, () => expect(refusalText(json)).not.toBe('taken'))
  }
  test('newline-delimited requests are refused', () =>
    expect(refusalText('{}\n{}')).toContain('nothing after the request'))
})

describe('nesting and amounts are bounded', () => {
  const nested = (levels: number) =>
    `${'{"arrayValue":{"values":['.repeat(levels)}{"intValue":1}${']}}'.repeat(levels)}`

  for (const levels of [1, 32]) {
    test(`${levels} levels are kept whole`, () => {
      let value = firstValue(valueJson(nested(levels))) as { arrayValue?: { values: [typeof value] } }
      for (let i = 0; i < levels; i++) value = value.arrayValue!.values[0]
      expect(value).toEqual({ intValue: '1' })
    })
  }

  for (const levels of [33, 48, 1000, 100_000, 1_000_000]) {
    test(`of ${levels} levels the 33rd is a marker`, () => {
      let value = firstValue(valueJson(nested(levels))) as { arrayValue?: { values: [typeof value] } }
      for (let i = 0; i < 32; i++) value = value.arrayValue!.values[0]
      expect(value).toEqual({ stringValue: '<nested deeper than 32 levels>' })
    })
  }

  test('the same depth reads the same on both doors', () => {
    const decoder = new Decoded()
    const request = encodeTracesJson(Buffer.from(valueJson(nested(40))))
    decoder.names(request)
    expect(attributeText(decoder.batch, 0)).toContain('nested deeper than 32 levels')
    const logs = encodeLogsJson(
      Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${nested(40)}}]}]}]}`),
    )
    expect(decodeLogs(logs)[0]!.body).toContain('nested deeper than 32 levels')
  })

  test('unknown text may nest deep without harm, and is refused past its bound', () => {
    expect(refusalText(`{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toBe('taken')
    expect(refusalText(`{"x":${'['.repeat(5_000_000)}`)).toContain('nested deeper than 4194304 levels')
    expect(refusalText('['.repeat(100_000))).toContain('expected "{"')
  })

  test('too many spans, attributes or values are refused before they cost', () => {
    const started = performance.now()
    const spans = `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(5_000_000)}{}]}]}]}`
    expect(refusalText(spans)).toContain('more than 100000 spans in one request')
    expect(refusalText(spanJson(`"attributes":[${'{},'.repeat(3_000_000)}{}]`))).toContain('more than 2000000 parts')
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
