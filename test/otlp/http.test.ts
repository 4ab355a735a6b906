import { createHash, randomBytes } from 'node:crypto'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { SeverityNumber, type Span } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { SimpleSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Door, DoorOptions, RequestHeaders } from '../../collector/otlp/door.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { logsRequest, tracesRequest } from '../otlp-messages.ts'
import { type HttpReply, send } from './doors.ts'
import { meter, receiver, start, useHttpDoor, withDoor } from './http-door.ts'
import { decoded } from './json-judge.ts'

const protobuf = { 'content-type': 'application/x-protobuf' }
const json = { 'content-type': 'application/json' }
const body = tracesRequest({ spans: [{ name: 'one' }, { name: 'two' }] })

let door: Door

useHttpDoor()
// The shared door always speaks to the receiver of the test at hand.
beforeAll(async () => {
  const current: DoorOptions['receiver'] = {
    traces: (bytes, project) => receiver.traces(bytes, project),
    logs: (bytes, project) => receiver.logs(bytes, project),
  }
  door = await start({ receiver: current, meter: { answered: (answer) => meter.answered(answer) } })
})
afterAll(() => door.close(0))

function statusOf(reply: HttpReply): Record<string, unknown> {
  if (reply.headers['content-type'] === 'application/json') return JSON.parse(reply.body.toString())
  return decoded('RpcStatus', reply.body)
}

describe('official exporters', () => {
  async function exported(exporter: SpanExporter, make: (span: Span) => void): Promise<void> {
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    const span = provider.getTracer('test').startSpan('chat')
    make(span)
    span.end()
    await provider.forceFlush()
    await provider.shutdown()
  }

  for (const [name, Exporter] of [
    ['JSON', JsonTraceExporter],
    ['protobuf', ProtobufTraceExporter],
  ] as const) {
    for (const compression of ['none', 'gzip'] as const) {
      test(`traces as ${name}, ${compression}`, async () => {
        const url = `http://${door.endpoint}/v1/traces`
        await exported(new Exporter({ url, compression: compression as never }), (span) => {
          span.setAttribute('gen_ai.request.model', 'gpt-4o')
        })
        expect(receiver.received).toHaveLength(1)
        const request = JSON.stringify(decoded('Traces', receiver.received[0]!.body))
        expect(request).toContain('{"key":"gen_ai.request.model","value":{"stringValue":"gpt-4o"}}')
      })
    }
  }

  test('log records', async () => {
    const exporter = new OTLPLogExporter({ url: `http://${door.endpoint}/v1/logs` })
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
    provider.getLogger('test').emit({ eventName: 'gen_ai.evaluation.result', severityNumber: SeverityNumber.INFO })
    await provider.forceFlush()
    await provider.shutdown()
    expect(receiver.received.map(({ signal }) => signal)).toEqual(['logs'])
    expect(JSON.stringify(decoded('Logs', receiver.received[0]!.body))).toContain('gen_ai.evaluation.result')
  })

  test('a retryable refusal is retried after the hint and nothing is lost', async () => {
    // The shortest hint: one second.
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    receiver.refusal = new Refusal('journal_full', 'full')
    const sent = exported(new ProtobufTraceExporter({ url: `http://${door.endpoint}/v1/traces` }), () => undefined)
    await receiver.arrival()
    receiver.refusal = undefined
    await sent
    expect(receiver.received).toHaveLength(1)
    expect(meter.reasons).toEqual(['journal_full', 'taken'])
  })
})

describe('what is taken', () => {
  test('protobuf arrives byte for byte, and is answered with nothing', async () => {
    const reply = await send(door.endpoint, '/v1/traces', { headers: protobuf, body })
    expect([reply.status, reply.headers['content-type'], reply.body.length]).toEqual([200, 'application/x-protobuf', 0])
    expect(Buffer.compare(receiver.received[0]!.body, body)).toBe(0)
    expect(meter.answers).toMatchObject([{ door: 'http', signal: 'traces', bodyBytes: body.length }])
  })

  const jsonBody = Buffer.from('{"resourceSpans":[]}')
  const types: [string, string, Uint8Array][] = [
    ['application/x-protobuf', 'application/x-protobuf', body],
    ['application/x-protobuf; proto=x', 'application/x-protobuf', body],
    ['application/protobuf', 'application/protobuf', body],
    ['Application/JSON; charset=UTF-8', 'application/json', jsonBody],
    ['application/json ;charset="utf-8"', 'application/json', jsonBody],
  ]
  for (const [sent, answered, bytes] of types) {
    test(`content type "${sent}"`, async () => {
      const reply = await send(door.endpoint, '/v1/traces', { headers: { 'content-type': sent }, body: bytes })
      expect([reply.status, reply.headers['content-type']]).toEqual([200, answered])
      expect(reply.body.toString()).toBe(answered === 'application/json' ? '{}' : '')
    })
  }

  for (const [name, path] of [
    ['a trailing slash', '/v1/traces/'],
    ['a query', '/v1/traces?x=1'],
  ] as const) {
    test(name, async () => expect((await send(door.endpoint, path, { headers: protobuf, body })).status).toBe(200))
  }

  test('prefixes, when configured', () =>
    withDoor({ prefixes: ['/api/public/otel'] }, async (endpoint) => {
      for (const path of ['/api/public/otel/v1/traces', '/v1/traces']) {
        expect((await send(endpoint, path, { headers: protobuf, body })).status).toBe(200)
      }
    }))

  const codings: [string, (bytes: Uint8Array) => Buffer][] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['identity', Buffer.from],
  ]
  for (const [coding, compress] of codings) {
    test(`content encoding ${coding}`, async () => {
      const headers = { ...protobuf, 'content-encoding': coding }
      // Larger than what is inflated on the spot, and than one piece of a socket.
      const large = tracesRequest({ spans: [{ attributes: { text: randomBytes(150_000).toString('base64') } }] })
      for (const request of [body, large, logsRequest({ records: [] })]) {
        const reply = await send(door.endpoint, '/v1/traces', { headers, body: compress(request) })
        expect(reply.status).toBe(200)
        expect(Buffer.compare(receiver.received.at(-1)!.body, request)).toBe(0)
      }
    })
  }

  test('chunked bodies', async () => {
    const pieces = [body.subarray(0, 10), body.subarray(10, 50), body.subarray(50)]
    expect((await send(door.endpoint, '/v1/traces', { headers: protobuf, body: pieces })).status).toBe(200)
    expect(Buffer.compare(receiver.received[0]!.body, body)).toBe(0)
  })

  test('many megabytes, with and without length, arrive unchanged', async () => {
    const large = randomBytes(9_000_001)
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    await send(door.endpoint, '/v1/traces', { headers: protobuf, body: large })
    await send(door.endpoint, '/v1/traces', {
      headers: protobuf,
      body: [large.subarray(0, 5_000_000), large.subarray(5_000_000)],
    })
    expect(receiver.received.map((request) => hash(request.body))).toEqual([hash(large), hash(large)])
  })

  test('nothing at all is an empty request in protobuf, and no request in JSON', async () => {
    expect((await send(door.endpoint, '/v1/traces', { headers: protobuf })).status).toBe(200)
    expect(receiver.received[0]!.body).toHaveLength(0)
    expect((await send(door.endpoint, '/v1/traces', { headers: json })).status).toBe(400)
  })

  test('bodies stay as they were while others come and go', async () => {
    const bodies = Array.from({ length: 40 }, (_, i) => tracesRequest({ spans: [{ name: `span ${i}` }] }))
    await Promise.all(bodies.map((one) => send(door.endpoint, '/v1/traces', { headers: protobuf, body: one })))
    const names = receiver.received.map((request) => /span \d+/.exec(Buffer.from(request.body).toString('latin1'))![0])
    expect(new Set(names).size).toBe(40)
  })

  test('partial success carries count and reason in the encoding of the request', async () => {
    receiver.outcome = { rejected: 2, message: 'span "x": trace_id must be 16 bytes' }
    const inProtobuf = await send(door.endpoint, '/v1/traces', { headers: protobuf, body })
    expect(decoded('ExportResponse', inProtobuf.body)).toEqual({
      partialSuccess: { rejected: '2', errorMessage: receiver.outcome.message },
    })
    const inJson = await send(door.endpoint, '/v1/logs', { headers: json, body: Buffer.from('{}') })
    expect([inJson.status, JSON.parse(inJson.body.toString())]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: '2', errorMessage: receiver.outcome.message } },
    ])
  })

  test('ignored snake_case keys are told to the sender, who would lose everything unknowing', async () => {
    const reply = await send(door.endpoint, '/v1/traces', {
      headers: json,
      body: Buffer.from('{"resource_spans":[{}]}'),
    })
    expect(JSON.parse(reply.body.toString())).toEqual({
      partialSuccess: { errorMessage: expect.stringContaining('"resource_spans" was ignored') },
    })
  })
})

describe('what is refused, always with a status in the encoding of the request', () => {
  const cases: [name: string, path: string, options: Parameters<typeof send>[2], want: [number, number]][] = [
    ['GET', '/v1/traces', { method: 'GET' }, [405, 12]],
    ['PUT', '/v1/logs', { method: 'PUT', headers: protobuf, body }, [405, 12]],
    [
      'OPTIONS without allowed origins',
      '/v1/traces',
      { method: 'OPTIONS', headers: { origin: 'https://a.example' } },
      [405, 12],
    ],
    ['an unknown path', '/v1/trace', { headers: protobuf, body }, [404, 12]],
    ['metrics', '/v1/metrics', { headers: protobuf, body }, [404, 12]],
    ['metrics in JSON', '/v1/metrics/', { headers: json, body: Buffer.from('{}') }, [404, 12]],
    ['no content type', '/v1/traces', { body }, [415, 3]],
    ['text/plain', '/v1/traces', { headers: { 'content-type': 'text/plain' }, body }, [415, 3]],
    ['gRPC on the HTTP door', '/v1/traces', { headers: { 'content-type': 'application/grpc' }, body }, [415, 3]],
    [
      'a foreign charset',
      '/v1/traces',
      { headers: { 'content-type': 'application/json; charset=latin1' }, body },
      [415, 3],
    ],
    ['brotli', '/v1/traces', { headers: { ...protobuf, 'content-encoding': 'br' }, body }, [415, 12]],
    ['two codings', '/v1/traces', { headers: { ...protobuf, 'content-encoding': 'gzip, gzip' }, body }, [415, 12]],
    ['broken JSON', '/v1/traces', { headers: json, body: Buffer.from('{"resourceSpans":[{]}') }, [400, 3]],
    ['too many header lines', '/v1/traces', { headers: { ...protobuf, ...manyHeaders(300) } }, [431, 3]],
  ]
  for (const [name, path, options, [status, code]] of cases) {
    test(name, async () => {
      const reply = await send(door.endpoint, path, options)
      expect(reply.status).toBe(status)
      const sentProtobuf = options?.headers?.['content-type'] === 'application/x-protobuf'
      expect(reply.headers['content-type']).toBe(sentProtobuf ? 'application/x-protobuf' : 'application/json')
      expect(statusOf(reply)).toMatchObject({ code, message: expect.stringMatching(/\w/) })
      expect(receiver.received).toHaveLength(0)
      expect(meter.answers).toHaveLength(1)
      expect(meter.answers[0]!.refusal?.rule.http).toBe(status)
    })
  }

  test('405 says what is allowed, 415 which codings are taken', async () => {
    expect((await send(door.endpoint, '/v1/traces', { method: 'GET' })).headers.allow).toBe('POST')
    const headers = { ...protobuf, 'content-encoding': 'br' }
    expect((await send(door.endpoint, '/v1/traces', { headers, body })).headers['accept-encoding']).toContain('gzip')
  })

  test('metrics say that they are not stored', async () => {
    const reply = await send(door.endpoint, '/v1/metrics', { headers: json, body: Buffer.from('{}') })
    expect(statusOf(reply)['message']).toContain('metrics are not stored')
  })

  test('retryable refusals of the receiver come with a hint of 1 to 5 s', async () => {
    for (const reason of ['queue_full', 'journal_full', 'shutting_down'] as const) {
      receiver.refusal = new Refusal(reason, 'not now')
      const reply = await send(door.endpoint, '/v1/traces', { headers: protobuf, body })
      expect(reply.status).toBe(503)
      expect(['1', '2', '3', '4', '5']).toContain(reply.headers['retry-after'])
      expect(statusOf(reply)).toMatchObject({
        code: 14,
        message: 'not now',
        details: [{ typeUrl: expect.stringContaining('RetryInfo') }],
      })
    }
  })

  test('permanent refusals come without one', async () => {
    receiver.refusal = new Refusal('bad_request', 'cut off at byte 3')
    const reply = await send(door.endpoint, '/v1/traces', { headers: protobuf, body })
    expect([reply.status, reply.headers['retry-after']]).toEqual([400, undefined])
  })

  test('a bug is 500, says so, and the next request is fine', async () => {
    receiver.refusal = new TypeError('x is not a function')
    const reply = await send(door.endpoint, '/v1/traces', { headers: protobuf, body })
    expect([reply.status, statusOf(reply)['code']]).toEqual([500, 13])
    expect(meter.answers[0]!.refusal?.cause).toBeInstanceOf(TypeError)
    receiver.refusal = undefined
    expect((await send(door.endpoint, '/v1/traces', { headers: protobuf, body })).status).toBe(200)
  })
})

function manyHeaders(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'y']))
}

describe('credentials', () => {
  const project = (headers: RequestHeaders): string => {
    if (headers['authorization'] === 'Bearer good') return 'shop'
    throw new Refusal('unauthenticated', 'no valid key')
  }

  test('decide the project', () =>
    withDoor({ project }, async (endpoint) => {
      await send(endpoint, '/v1/traces', { headers: { ...protobuf, authorization: 'Bearer good' }, body })
      expect(receiver.received[0]!.project).toBe('shop')
    }))

  test('are asked for before the body is read', () =>
    withDoor({ project }, async (endpoint) => {
      const reply = await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(32 * 1024 * 1024) })
      expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, 'Bearer'])
      expect(statusOf(reply)).toMatchObject({ code: 16 })
    }))
})

describe('start and stop', () => {
  test('a port in use is an error of starting', async () => {
    await expect(start({ endpoint: door.endpoint })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('close lets a request in flight finish, and may be called twice', async () => {
    const own = await start()
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const reply = send(own.endpoint, '/v1/traces', { headers: { ...protobuf, connection: 'keep-alive' }, body })
    await arrived
    const closed = Promise.all([own.close(10_000), own.close(10_000)])
    gate.resolve()
    const { status, headers } = await reply
    expect([status, headers.connection]).toEqual([200, 'close'])
    await closed
    await expect(send(own.endpoint, '/v1/traces', { headers: protobuf, body })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  test('close cuts what is not done when the grace is over', async () => {
    const own = await start()
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const reply = send(own.endpoint, '/v1/traces', { headers: protobuf, body })
    const cut = expect(reply).rejects.toMatchObject({ code: 'ECONNRESET' })
    await arrived
    await own.close(50)
    await cut
    gate.resolve()
  })
})
