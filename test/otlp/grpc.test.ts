import { randomBytes } from 'node:crypto'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Client, credentials, status } from '@grpc/grpc-js'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import type { Door, RequestHeaders } from '../../collector/otlp/door.ts'
import { startOtlpGrpc } from '../../collector/otlp/grpc.ts'
import { Refusal } from '../../schemas/refusal.ts'
import {
  call,
  code,
  details,
  failure,
  frame,
  openSession,
  rawCall,
  rawStream,
  replyOf,
  tracesPath,
} from './grpc-clients.ts'
import { body, door, mebibyte, meter, receiver, start, useGrpcDoor } from './grpc-door.ts'
import { decoded } from './json-judge.ts'

const logsPath = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const metricsPath = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const healthPath = '/grpc.health.v1.Health/Check'
useGrpcDoor()

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
    expect(await call(door.endpoint, tracesPath, body, { 'x-project': 'shop' })).toHaveLength(0)
    await call(door.endpoint, logsPath, Buffer.from([1, 2, 3]), { 'x-project': 'shop' })
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
        expect(await rawCall(door.endpoint, frame(compress(message), 1), { 'grpc-encoding': coding })).toMatchObject({
          code: 0,
        })
        expect(Buffer.compare(receiver.received.at(-1)!.body, message)).toBe(0)
      }
      // The flag decides: a message may be sent plain although a coding was named.
      expect(await rawCall(door.endpoint, frame(body), { 'grpc-encoding': coding })).toMatchObject({ code: 0 })
      expect(Buffer.compare(receiver.received.at(-1)!.body, body)).toBe(0)
    })
  }

  test('partial success carries count and reason', async () => {
    await start()
    receiver.outcome = { rejected: 3, message: 'span "x": bad id' }
    expect(decoded('ExportResponse', await call(door.endpoint, tracesPath, body))).toEqual({
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
    const error = await failure(call(door.endpoint, metricsPath, body))
    expect([error.code, error.details]).toEqual([
      status.UNIMPLEMENTED,
      expect.stringContaining('metrics are not stored'),
    ])
    expect(meter.answers).toMatchObject([{ signal: 'metrics', refusal: { reason: 'unimplemented_signal' } }])
  })

  test('methods that do not exist, whatever they are called', async () => {
    await start()
    expect(await code(call(door.endpoint, '/opentelemetry.proto.collector.trace.v1.TraceService/Nope', body))).toBe(
      status.UNIMPLEMENTED,
    )
    for (const path of ['/', '/%00', `/${'x'.repeat(5000)}`, '/é', '/__proto__', '/a b']) {
      const reply = await rawCall(door.endpoint, frame(body), { ':path': path }).catch(() => undefined)
      if (reply !== undefined) expect(reply.code).toBe(status.UNIMPLEMENTED)
    }
  })

  test('retryable refusals carry RetryInfo of 1 to 5 s', async () => {
    await start()
    receiver.refusal = new Refusal('queue_full', 'not now')
    const error = await failure(call(door.endpoint, tracesPath, body))
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
    const bad = await failure(call(door.endpoint, tracesPath, body))
    expect(bad.code).toBe(status.INVALID_ARGUMENT)
    expect(bad.details.startsWith('cut off: é\ufffd"%\n')).toBe(true)
    expect(details(bad)).toMatchObject({ code: 3, details: [{ typeUrl: 'type.googleapis.com/google.rpc.BadRequest' }] })
    receiver.refusal = new TypeError('x is not a function')
    const bug = await failure(call(door.endpoint, tracesPath, body))
    expect([bug.code, details(bug)]).toEqual([status.INTERNAL, undefined])
    expect(meter.answers[1]!.refusal?.cause).toBeInstanceOf(TypeError)
  })

  test('callers without a key, before their message is read', async () => {
    const project = (headers: RequestHeaders): string => {
      if (headers['authorization'] === 'Bearer good') return 'shop'
      throw new Refusal('unauthenticated', 'no valid key')
    }
    await start({ project })
    const session = await openSession(door.endpoint)
    // Nothing but the length of a 60 MiB message: the answer does not wait for the rest.
    const stream = rawStream(session, frame(Buffer.alloc(0), 0, 60 * mebibyte), {}, true)
    expect(await replyOf(stream)).toMatchObject({ code: status.UNAUTHENTICATED, message: 'no valid key' })
    session.destroy()
    expect(await code(call(door.endpoint, tracesPath, body, { authorization: 'Bearer good' }))).toBe(status.OK)
    expect(receiver.received.map(({ project: name }) => name)).toEqual(['shop'])
  })
})

describe('health', () => {
  const check = async (service: string): Promise<number | undefined> => {
    const request = Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)])
    return (await call(door.endpoint, healthPath, service === '' ? Buffer.alloc(0) : request))[1]
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
    expect(await code(call(door.endpoint, healthPath, Buffer.from([255, 255])))).toBe(status.NOT_FOUND)
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
      const made = call(door.endpoint, tracesPath, body)
      await arrived
      const closed = Promise.all([first.close(10_000), first.close(10_000)])
      gate.resolve()
      expect(await code(made)).toBe(status.OK)
      await closed
      expect(await code(call(door.endpoint, tracesPath, body))).toBe(status.UNAVAILABLE)
    })
  })

  test('a half-sent call does not keep a closing door open', async () => {
    await start()
    await closing(async (first) => {
      const session = await openSession(door.endpoint)
      const stream = rawStream(session, frame(body.subarray(0, 3), 0, 1000), {}, true)
      const ended = new Promise((resolve) => stream.on('error', resolve).on('close', resolve))
      await new Promise((resolve) => session.ping(resolve))
      await first.close(100)
      await ended
    })
  })
})
