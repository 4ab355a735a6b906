// What hostile, broken and slow senders get from the gRPC door.

import { randomBytes } from 'node:crypto'
import { constants as http2 } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { InFlight } from '../../collector/otlp/in-flight.ts'
import { RawClient } from './doors.ts'
import {
  call,
  code,
  details,
  exportHeaders,
  failure,
  frame,
  frameType,
  http2Frame,
  http2Preface,
  openSession,
  rawCall,
  rawStream,
  replyOf,
  tracesPath,
} from './grpc-clients.ts'
import { body, door, mebibyte, meter, receiver, start, useGrpcDoor } from './grpc-door.ts'

useGrpcDoor()

describe('size', () => {
  test('a message at the limit is taken, one byte more is RESOURCE_EXHAUSTED without RetryInfo', async () => {
    await start({ limits: { bodyBytesMax: 100_000 } })
    expect(await code(call(door.endpoint, tracesPath, Buffer.alloc(100_000)))).toBe(status.OK)
    const error = await failure(call(door.endpoint, tracesPath, Buffer.alloc(100_001)))
    expect([error.code, details(error)]).toEqual([status.RESOURCE_EXHAUSTED, undefined])
    expect(meter.reasons).toEqual(['taken', 'too_large'])
  })

  test('the limit is 64 MiB unless set', async () => {
    await start()
    expect(await code(call(door.endpoint, tracesPath, Buffer.alloc(64 * mebibyte)))).toBe(status.OK)
    expect(
      await rawCall(door.endpoint, frame(Buffer.alloc(0), 0, 64 * mebibyte + 1), {}, { keepOpen: true }),
    ).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    })
  })

  test('bombs, also ten at once', async () => {
    await start()
    const gzip = frame(gzipSync(Buffer.alloc(128 * mebibyte)), 1)
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => rawCall(door.endpoint, gzip, { 'grpc-encoding': 'gzip' })),
    )
    expect(replies.map((reply) => reply.code)).toEqual(Array.from({ length: 10 }, () => status.RESOURCE_EXHAUSTED))
    expect(receiver.received).toHaveLength(0)
    expect(new Set(meter.reasons)).toEqual(new Set(['too_large']))
  })

  test('more bytes in flight than allowed are UNAVAILABLE, and pass', async () => {
    await start({ inFlight: new InFlight(mebibyte) })
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const first = call(door.endpoint, tracesPath, Buffer.alloc(800_000))
    await arrived
    const error = await failure(call(door.endpoint, tracesPath, Buffer.alloc(300_000)))
    expect([error.code, details(error)?.['code']]).toEqual([status.UNAVAILABLE, 14])
    const inflated = rawCall(door.endpoint, frame(gzipSync(Buffer.alloc(300_000)), 1), { 'grpc-encoding': 'gzip' })
    expect(await inflated).toMatchObject({ code: status.UNAVAILABLE })
    gate.resolve()
    await first
  })

  test('streams of one connection are limited', async () => {
    await start({ limits: { streamsMax: 4 } })
    const session = await openSession(door.endpoint)
    await new Promise<void>((resolve) => {
      if (session.remoteSettings.maxConcurrentStreams === 4) resolve()
      else session.on('remoteSettings', () => resolve())
    })
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 4, initialWindowSize: 256 * 1024 })
    session.destroy()
  })

  test('connections beyond the limit are dropped', async () => {
    await start({ limits: { connectionsMax: 1 } })
    const first = await openSession(door.endpoint)
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
      expect(await rawCall(door.endpoint, frames, { 'grpc-encoding': coding })).toMatchObject({ code: want })
      expect(receiver.received).toHaveLength(0)
      expect(meter.answers).toHaveLength(1)
    })
  }

  test('a bad timeout header', async () => {
    await start()
    expect(await rawCall(door.endpoint, frame(body), { 'grpc-timeout': 'soon' })).toMatchObject({
      code: status.INTERNAL,
    })
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
    const session = await openSession(door.endpoint)
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
      const session = await openSession(door.endpoint)
      const stream = rawStream(session, whole.subarray(0, cut), {}, true)
      stream.on('error', () => stream.destroy())
      stream.close(http2.NGHTTP2_CANCEL)
      session.destroy()
    }
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const session = await openSession(door.endpoint)
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
    const session = await openSession(door.endpoint)
    const stream = rawStream(session, frame(body.subarray(0, 10), 0, 1000), {}, true)
    expect(await replyOf(stream)).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await new Promise((resolve) => stream.once('close', resolve))
    session.destroy()
    expect(meter.reasons).toEqual(['timeout'])
  })

  test('so is one that never ends its side', async () => {
    await start({ limits: { requestMs: 200 } })
    expect(await rawCall(door.endpoint, frame(body), {}, { keepOpen: true })).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    })
    expect(receiver.received).toHaveLength(0)
  })

  test('the time of the receiver is its own', async () => {
    await start({ limits: { requestMs: 100 } })
    receiver.gate = new Promise((resolve) => setTimeout(resolve, 300))
    expect(await code(call(door.endpoint, tracesPath, body))).toBe(status.OK)
  })
})

describe('floods of frames', () => {
  const endHeaders = 4
  const open = (stream: number) => http2Frame(frameType.headers, endHeaders, stream, exportHeaders())
  /** Client streams have odd numbers. */
  const streams = (count: number) => Array.from({ length: count }, (_, i) => i * 2 + 1)
  const none = Buffer.alloc(0)

  const floods: [name: string, frames: readonly Buffer[]][] = [
    [
      'streams opened and reset at once',
      streams(5000).flatMap((stream) => [open(stream), http2Frame(frameType.reset, 0, stream, Buffer.alloc(4))]),
    ],
    ['more streams than allowed', streams(2000).map(open)],
    ['settings', Array.from({ length: 20_000 }, () => http2Frame(frameType.settings, 0, 0, none))],
    ['pings', Array.from({ length: 20_000 }, () => http2Frame(frameType.ping, 0, 0, Buffer.alloc(8)))],
    ['empty data', [open(1), ...Array.from({ length: 20_000 }, () => http2Frame(frameType.data, 0, 1, none))]],
    [
      'a header block without end',
      [
        http2Frame(frameType.headers, 0, 1, exportHeaders()),
        ...Array.from({ length: 5000 }, () => http2Frame(frameType.continuation, 0, 1, Buffer.from([0, 1, 97, 1, 98]))),
      ],
    ],
    [
      'data beyond the window',
      [open(1), ...Array.from({ length: 200 }, () => http2Frame(frameType.data, 0, 1, Buffer.alloc(16_384)))],
    ],
    ['noise', [randomBytes(100_000)]],
  ]
  for (const [name, frames] of floods) {
    test(`${name}: an honest call beside it is answered within a second`, async () => {
      await start()
      const flood = await RawClient.open(door.endpoint)
      flood.write(Buffer.concat([http2Preface, ...frames]))
      const started = performance.now()
      expect(await code(call(door.endpoint, tracesPath, body))).toBe(status.OK)
      expect(performance.now() - started).toBeLessThan(1000)
      flood.close()
    })
  }

  test('a message in pieces of one byte is refused before it costs two hundred times its size', async () => {
    await start({ limits: { bodyBytesMax: 100_000 } })
    const client = await RawClient.open(door.endpoint)
    const message = frame(Buffer.alloc(0), 0, 50_000)
    const pieces = Array.from({ length: 2000 }, () => http2Frame(frameType.data, 0, 1, Buffer.alloc(1)))
    client.write(Buffer.concat([http2Preface, open(1), http2Frame(frameType.data, 0, 1, message), ...pieces]))
    while (meter.answers.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(meter.answers).toMatchObject([
      { refusal: { reason: 'too_large', message: expect.stringContaining('pieces') } },
    ])
    client.close()
  })
})
