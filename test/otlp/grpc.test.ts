import { randomBytes } from 'node:crypto'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants as http2,
} from 'node:http2'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Door, RequestHeaders } from '../../collector/otlp/door.ts'
import { type OtlpGrpcOptions, startOtlpGrpc } from '../../collector/otlp/grpc.ts'
import { InFlight } from '../../collector/otlp/in-flight.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { tracesRequest } from '../otlp-messages.ts'
import { RawClient, RecordingMeter, RecordingReceiver } from './doors.ts'
import { decoded } from './json-judge.ts'

const tracesPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const logsPath = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const metricsPath = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const healthPath = '/grpc.health.v1.Health/Check'
const body = Buffer.from(tracesRequest({ spans: [{ name: 'one' }] }))
const mebibyte = 1024 * 1024

let receiver: RecordingReceiver
let meter: RecordingMeter
let inFlight: InFlight
let door: Door

beforeEach(() => {
  receiver = new RecordingReceiver()
  meter = new RecordingMeter()
  inFlight = new InFlight(256 * mebibyte)
})

// Whatever a test did to its door: an honest call is taken afterwards, and no byte stays counted.
afterEach(async () => {
  receiver.refusal = undefined
  receiver.gate = undefined
  expect(await code(call(tracesPath, body, { authorization: 'Bearer good' }))).toBe(status.OK)
  await door.close(0)
  expect(inFlight.bytes).toBe(0)
})

async function start(options: Partial<OtlpGrpcOptions> = {}): Promise<void> {
  door = await startOtlpGrpc({
    endpoint: '127.0.0.1:0',
    receiver,
    meter,
    inFlight,
    project: () => 'default',
    ...options,
  })
}

/** One unary call by grpc-js on a connection of its own. */
function call(path: string, message: Buffer, headers: Record<string, string> = {}): Promise<Buffer> {
  const client = new Client(door.endpoint, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, message, metadata, (error, answer) => {
      if (error === null) resolve(answer ?? Buffer.alloc(0))
      else reject(error)
    })
  }).finally(() => client.close())
}

function failure(made: Promise<unknown>): Promise<ServiceError> {
  return made.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: ServiceError) => error,
  )
}

function code(made: Promise<unknown>): Promise<number> {
  return made.then(
    () => status.OK,
    (error: ServiceError) => error.code,
  )
}

/** google.rpc.Status of the trailers, undefined when there is none. */
function details(error: ServiceError): Record<string, unknown> | undefined {
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  return bytes instanceof Buffer ? decoded('RpcStatus', bytes) : undefined
}

interface RawReply {
  readonly code: number
  readonly message: string
  readonly body: Buffer
}

/** A call whose frames are given byte by byte; it is half closed after them unless told not to. */
async function rawCall(
  frames: Uint8Array,
  headers: Record<string, string> = {},
  options: { readonly keepOpen?: boolean } = {},
): Promise<RawReply> {
  const session = await openSession()
  try {
    return await replyOf(rawStream(session, frames, headers, options.keepOpen ?? false))
  } finally {
    session.destroy()
  }
}

async function openSession(): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://${door.endpoint}`)
  session.on('error', () => session.destroy())
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject))
  return session
}

function rawStream(
  session: ClientHttp2Session,
  frames: Uint8Array,
  headers: object,
  keepOpen: boolean,
): ClientHttp2Stream {
  const stream = session.request(
    { ':method': 'POST', ':path': tracesPath, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  )
  stream.write(frames)
  if (!keepOpen) stream.end()
  return stream
}

function replyOf(stream: ClientHttp2Stream): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let found: Record<string, unknown> = {}
    const settle = (): void => {
      if (found['grpc-status'] === undefined) return
      const message = decodeURIComponent(String(found['grpc-message'] ?? ''))
      resolve({ code: Number(found['grpc-status']), message, body: Buffer.concat(pieces).subarray(5) })
    }
    stream.on('response', (headers) => {
      found = { ...found, ...headers }
    })
    stream.on('trailers', (trailers) => {
      found = { ...found, ...trailers }
      settle()
    })
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', settle)
    stream.on('error', reject)
    stream.on('close', () => reject(new Error(`closed with ${JSON.stringify(found)}`)))
  })
}

function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length >>> 0, 1)
  return Buffer.concat([head, message])
}

describe('what is taken', () => {
  for (const compression of ['none', 'gzip'] as const) {
    test(`spans of the official exporter, ${compression}`, async () => {
      await start()
      const exporter = new OTLPTraceExporter({ url: `http://${door.endpoint}`, compression: compression as never })
      const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
      const span = provider.getTracer('test').startSpan('chat')
      span.setAttribute('gen_ai.request.model', 'gpt-4o')
      span.end()
      await provider.forceFlush()
      await provider.shutdown()
      expect(receiver.received).toHaveLength(1)
      expect(JSON.stringify(decoded('Traces', receiver.received[0]!.body))).toContain('"stringValue":"gpt-4o"')
    })
  }

  test('bytes arrive as they were sent and full success is an empty message', async () => {
    await start({ project: (headers) => String(headers['x-project']) })
    expect(await call(tracesPath, body, { 'x-project': 'shop' })).toHaveLength(0)
    await call(logsPath, Buffer.from([1, 2, 3]), { 'x-project': 'shop' })
    expect(receiver.received.map(({ signal, project }) => [signal, project])).toEqual([
      ['traces', 'shop'],
      ['logs', 'shop'],
    ])
    expect(Buffer.compare(receiver.received[0]!.body, body)).toBe(0)
    expect(meter.answers).toMatchObject([
      { door: 'grpc', signal: 'traces', bodyBytes: body.length },
      { signal: 'logs' },
    ])
  })

  const large = Buffer.from(randomBytes(300_000))
  for (const [coding, compress] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    test(`${coding}`, async () => {
      await start()
      for (const message of [body, large]) {
        expect(await rawCall(frame(compress(message), 1), { 'grpc-encoding': coding })).toMatchObject({ code: 0 })
        expect(Buffer.compare(receiver.received.at(-1)!.body, message)).toBe(0)
      }
      // The flag decides: a message may be sent plain although a coding was named.
      expect(await rawCall(frame(body), { 'grpc-encoding': coding })).toMatchObject({ code: 0 })
      expect(Buffer.compare(receiver.received.at(-1)!.body, body)).toBe(0)
    })
  }

  test('partial success carries count and reason', async () => {
    await start()
    receiver.outcome = { rejected: 3, message: 'span "x": bad id' }
    expect(decoded('ExportResponse', await call(tracesPath, body))).toEqual({
      partialSuccess: { rejected: '3', errorMessage: 'span "x": bad id' },
    })
  })

  test('64 calls on one connection, one of them slow, do not wait for each other', async () => {
    await start()
    const client = new Client(door.endpoint, credentials.createInsecure())
    const same = (bytes: Buffer): Buffer => bytes
    const one = (): Promise<void> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(tracesPath, same, same, body, (error) => (error === null ? resolve() : reject(error)))
      })
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const slow = one()
    await arrived
    receiver.gate = undefined
    await Promise.all(Array.from({ length: 64 }, one))
    expect(receiver.received).toHaveLength(64)
    gate.resolve()
    await slow
    client.close()
  })
})

describe('what is refused', () => {
  test('metrics, by name', async () => {
    await start()
    const error = await failure(call(metricsPath, body))
    expect([error.code, error.details]).toEqual([
      status.UNIMPLEMENTED,
      expect.stringContaining('metrics are not stored'),
    ])
    expect(meter.answers).toMatchObject([{ signal: 'metrics', refusal: { reason: 'unimplemented_signal' } }])
  })

  test('methods that do not exist, whatever they are called', async () => {
    await start()
    expect(await code(call('/opentelemetry.proto.collector.trace.v1.TraceService/Nope', body))).toBe(
      status.UNIMPLEMENTED,
    )
    for (const path of ['/', '/%00', `/${'x'.repeat(5000)}`, '/é', '/__proto__', '/a b']) {
      const reply = await rawCall(frame(body), { ':path': path }).catch(() => undefined)
      if (reply !== undefined) expect(reply.code).toBe(status.UNIMPLEMENTED)
    }
  })

  test('retryable refusals carry RetryInfo of 1 to 5 s', async () => {
    await start()
    receiver.refusal = new Refusal('queue_full', 'not now')
    const error = await failure(call(tracesPath, body))
    expect([error.code, error.details]).toEqual([status.UNAVAILABLE, 'not now'])
    const [hint] = (details(error)?.['details'] ?? []) as { typeUrl: string; value: string }[]
    expect(hint!.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo')
    const { retryDelay } = decoded('RetryInfo', Buffer.from(hint!.value, 'base64')) as {
      retryDelay: { seconds: string }
    }
    expect(Number(retryDelay.seconds)).toBeGreaterThanOrEqual(1)
    expect(Number(retryDelay.seconds)).toBeLessThanOrEqual(5)
  })

  test('bad data is INVALID_ARGUMENT with what was bad, a bug is INTERNAL', async () => {
    await start()
    receiver.refusal = new Refusal('bad_request', `cut off: ${'é\ud800"%\n'.repeat(5000)}`)
    const bad = await failure(call(tracesPath, body))
    expect(bad.code).toBe(status.INVALID_ARGUMENT)
    expect(bad.details.startsWith('cut off: é\ufffd"%\n')).toBe(true)
    expect(details(bad)).toMatchObject({ code: 3, details: [{ typeUrl: 'type.googleapis.com/google.rpc.BadRequest' }] })
    receiver.refusal = new TypeError('x is not a function')
    const bug = await failure(call(tracesPath, body))
    expect([bug.code, details(bug)]).toEqual([status.INTERNAL, undefined])
    expect(meter.answers[1]!.refusal?.cause).toBeInstanceOf(TypeError)
  })

  test('callers without a key, before their message is read', async () => {
    const project = (headers: RequestHeaders): string => {
      if (headers['authorization'] === 'Bearer good') return 'shop'
      throw new Refusal('unauthenticated', 'no valid key')
    }
    await start({ project })
    const session = await openSession()
    // Nothing but the length of a 60 MiB message: the answer does not wait for the rest.
    const stream = rawStream(session, frame(Buffer.alloc(0), 0, 60 * mebibyte), {}, true)
    expect(await replyOf(stream)).toMatchObject({ code: status.UNAUTHENTICATED, message: 'no valid key' })
    session.destroy()
    expect(await code(call(tracesPath, body, { authorization: 'Bearer good' }))).toBe(status.OK)
    expect(receiver.received.map(({ project: name }) => name)).toEqual(['shop'])
  })
})

describe('size', () => {
  test('a message at the limit is taken, one byte more is RESOURCE_EXHAUSTED without RetryInfo', async () => {
    await start({ limits: { bodyBytesMax: 100_000 } })
    expect(await code(call(tracesPath, Buffer.alloc(100_000)))).toBe(status.OK)
    const error = await failure(call(tracesPath, Buffer.alloc(100_001)))
    expect([error.code, details(error)]).toEqual([status.RESOURCE_EXHAUSTED, undefined])
    expect(meter.reasons).toEqual(['taken', 'too_large'])
  })

  test('the limit is 64 MiB unless set', async () => {
    await start()
    expect(await code(call(tracesPath, Buffer.alloc(64 * mebibyte)))).toBe(status.OK)
    expect(await rawCall(frame(Buffer.alloc(0), 0, 64 * mebibyte + 1), {}, { keepOpen: true })).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    })
  })

  test('bombs, also ten at once', async () => {
    await start()
    const gzip = frame(gzipSync(Buffer.alloc(128 * mebibyte)), 1)
    const replies = await Promise.all(Array.from({ length: 10 }, () => rawCall(gzip, { 'grpc-encoding': 'gzip' })))
    expect(replies.map((reply) => reply.code)).toEqual(Array.from({ length: 10 }, () => status.RESOURCE_EXHAUSTED))
    expect(receiver.received).toHaveLength(0)
    expect(new Set(meter.reasons)).toEqual(new Set(['too_large']))
  })

  test('more bytes in flight than allowed are UNAVAILABLE, and pass', async () => {
    inFlight = new InFlight(mebibyte)
    await start()
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const first = call(tracesPath, Buffer.alloc(800_000))
    await arrived
    const error = await failure(call(tracesPath, Buffer.alloc(300_000)))
    expect([error.code, details(error)?.['code']]).toEqual([status.UNAVAILABLE, 14])
    const inflated = rawCall(frame(gzipSync(Buffer.alloc(300_000)), 1), { 'grpc-encoding': 'gzip' })
    expect(await inflated).toMatchObject({ code: status.UNAVAILABLE })
    gate.resolve()
    await first
  })

  test('streams of one connection are limited', async () => {
    await start({ limits: { streamsMax: 4 } })
    const session = await openSession()
    await new Promise<void>((resolve) => {
      if (session.remoteSettings.maxConcurrentStreams === 4) resolve()
      else session.on('remoteSettings', () => resolve())
    })
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 4, initialWindowSize: 256 * 1024 })
    session.destroy()
  })

  test('connections beyond the limit are dropped', async () => {
    await start({ limits: { connectionsMax: 1 } })
    const first = await openSession()
    expect((await (await RawClient.open(door.endpoint)).untilClosed()).length).toBe(0)
    first.destroy()
    await door.close(0)
    await start()
  })
})

describe('damaged messages never end the process', () => {
  const gzip = gzipSync(body)
  const flipped = Buffer.from(gzip)
  flipped[gzip.length - 6]! ^= 1
  const cases: [name: string, frames: Uint8Array, coding: string, want: number][] = [
    ['garbage said to be gzip', frame(randomBytes(500), 1), 'gzip', status.INVALID_ARGUMENT],
    ['gzip cut', frame(gzip.subarray(0, -4), 1), 'gzip', status.INVALID_ARGUMENT],
    ['gzip with a wrong checksum', frame(flipped, 1), 'gzip', status.INVALID_ARGUMENT],
    ['bytes after the gzip', frame(Buffer.concat([gzip, Buffer.from('more')]), 1), 'gzip', status.INVALID_ARGUMENT],
    ['an empty gzip frame', frame(Buffer.alloc(0), 1), 'gzip', status.INVALID_ARGUMENT],
    ['large garbage', frame(randomBytes(200_000), 1), 'gzip', status.INVALID_ARGUMENT],
    ['garbage said to be deflate', frame(randomBytes(500), 1), 'deflate', status.INVALID_ARGUMENT],
    ['an unknown coding', frame(body, 1), 'snappy', status.UNIMPLEMENTED],
    ['no message', Buffer.alloc(0), 'identity', status.UNIMPLEMENTED],
    ['two messages', Buffer.concat([frame(body), frame(body)]), 'identity', status.UNIMPLEMENTED],
    ['half a message', frame(body.subarray(0, 10), 0, body.length), 'identity', status.UNIMPLEMENTED],
  ]
  for (const [name, frames, coding, want] of cases) {
    test(`${name}`, async () => {
      await start()
      expect(await rawCall(frames, { 'grpc-encoding': coding })).toMatchObject({ code: want })
      expect(receiver.received).toHaveLength(0)
      expect(meter.answers).toHaveLength(1)
    })
  }

  test('a bad timeout header', async () => {
    await start()
    expect(await rawCall(frame(body), { 'grpc-timeout': 'soon' })).toMatchObject({ code: status.INTERNAL })
  })

  test('what is not gRPC gets a clean end', async () => {
    await start()
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
      Buffer.from('16030100a5', 'hex'),
    ]) {
      const client = await RawClient.open(door.endpoint)
      client.write(bytes).socket.end()
      await client.untilClosed()
    }
    const session = await openSession()
    const stream = session.request({ ':method': 'POST', ':path': tracesPath, 'content-type': 'application/json' })
    stream.end(body)
    const answer = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
    expect(answer).toBe(415)
    session.destroy()
  })

  test('clients that go away at any stage', async () => {
    await start()
    const whole = frame(body)
    for (let cut = 0; cut < whole.length; cut += 13) {
      const session = await openSession()
      const stream = rawStream(session, whole.subarray(0, cut), {}, true)
      stream.on('error', () => stream.destroy())
      stream.close(http2.NGHTTP2_CANCEL)
      session.destroy()
    }
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const session = await openSession()
    rawStream(session, whole, {}, false).on('error', () => session.destroy())
    await arrived
    session.destroy()
    gate.resolve()
    // What was handed over counts as stored although nobody is left to be told.
    while (receiver.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('time', () => {
  test('a half-sent message is ended by our own clock, and its stream reset', async () => {
    await start({ limits: { requestMs: 200 } })
    const session = await openSession()
    const stream = rawStream(session, frame(body.subarray(0, 10), 0, 1000), {}, true)
    expect(await replyOf(stream)).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await new Promise((resolve) => stream.once('close', resolve))
    session.destroy()
    expect(meter.reasons).toEqual(['timeout'])
  })

  test('so is one that never ends its side', async () => {
    await start({ limits: { requestMs: 200 } })
    expect(await rawCall(frame(body), {}, { keepOpen: true })).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    expect(receiver.received).toHaveLength(0)
  })

  test('the time of the receiver is its own', async () => {
    await start({ limits: { requestMs: 100 } })
    receiver.gate = new Promise((resolve) => setTimeout(resolve, 300))
    expect(await code(call(tracesPath, body))).toBe(status.OK)
  })
})

describe('health', () => {
  const check = async (service: string): Promise<number | undefined> => {
    const request = Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)])
    return (await call(healthPath, service === '' ? Buffer.alloc(0) : request))[1]
  }

  test('the door and its services are serving, or not when told so', async () => {
    let isServing = true
    await start({ isServing: () => isServing })
    expect(await check('')).toBe(1)
    expect(await check('opentelemetry.proto.collector.trace.v1.TraceService')).toBe(1)
    isServing = false
    expect(await check('opentelemetry.proto.collector.logs.v1.LogsService')).toBe(2)
  })

  test('unknown services, and requests that are none', async () => {
    await start()
    expect(await code(check('other'))).toBe(status.NOT_FOUND)
    expect(await code(call(healthPath, Buffer.from([255, 255])))).toBe(status.NOT_FOUND)
  })
})

describe('start and stop', () => {
  /** Closes the door of a test and opens another for the check after it. */
  async function closing(run: (first: Door) => Promise<void>): Promise<void> {
    const first = door
    await run(first)
    await start()
  }

  test('a port in use is an error of starting', async () => {
    await start()
    const taken = { endpoint: door.endpoint, receiver, project: () => 'default' }
    await expect(startOtlpGrpc(taken)).rejects.toThrow(/EADDRINUSE|address/i)
  })

  test('close lets a call in flight finish, and may be called twice', async () => {
    await start()
    await closing(async (first) => {
      const gate = Promise.withResolvers<void>()
      receiver.gate = gate.promise
      const arrived = receiver.arrival()
      const made = call(tracesPath, body)
      await arrived
      const closed = Promise.all([first.close(10_000), first.close(10_000)])
      gate.resolve()
      expect(await code(made)).toBe(status.OK)
      await closed
      expect(await code(call(tracesPath, body))).toBe(status.UNAVAILABLE)
    })
  })

  test('a half-sent call does not keep a closing door open', async () => {
    await start()
    await closing(async (first) => {
      const session = await openSession()
      const stream = rawStream(session, frame(body.subarray(0, 3), 0, 1000), {}, true)
      const ended = new Promise((resolve) => stream.on('error', resolve).on('close', resolve))
      await new Promise((resolve) => session.ping(resolve))
      await first.close(100)
      await ended
    })
  })
})
