// What hostile, broken and slow senders get from the HTTP door, spoken byte by byte where clients would not do it.

import { randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Door, DoorLimits } from '../../collector/otlp/door.ts'
import { startOtlpHttp } from '../../collector/otlp/http.ts'
import { InFlight } from '../../collector/otlp/in-flight.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { tracesRequest } from '../otlp-messages.ts'
import { exchange, type HttpReply, RawClient, RecordingMeter, RecordingReceiver, rawAnswer, send } from './doors.ts'
import { decoded } from './json-judge.ts'

const protobuf = { 'content-type': 'application/x-protobuf' }
const body = tracesRequest({ spans: [{ name: 'one' }] })
const mebibyte = 1024 * 1024

let receiver: RecordingReceiver
let meter: RecordingMeter
let inFlight: InFlight
let doors: Door[]

beforeEach(() => {
  receiver = new RecordingReceiver()
  meter = new RecordingMeter()
  inFlight = new InFlight(256 * mebibyte)
  doors = []
})

// Whatever a test did to the door: an honest request is taken afterwards, and no byte stays counted.
afterEach(async () => {
  receiver.refusal = undefined
  for (const door of doors) {
    expect((await send(door.endpoint, '/v1/traces', { headers: protobuf, body })).status).toBe(200)
  }
  await Promise.all(doors.map((door) => door.close(0)))
  expect(inFlight.bytes).toBe(0)
})

async function start(limits: Partial<DoorLimits> = {}): Promise<string> {
  const door = await startOtlpHttp({ endpoint: '127.0.0.1:0', receiver, meter, inFlight, limits, project: () => 'p' })
  doors.push(door)
  return door.endpoint
}

/** A request head for /v1/traces with these lines. */
function head(...lines: string[]): string {
  return ['POST /v1/traces HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n')
}

const asJson = 'Content-Type: application/json'
const asProtobuf = 'Content-Type: application/x-protobuf'

function codeOf(reply: HttpReply): unknown {
  return decoded('RpcStatus', reply.body)['code']
}

describe('size', () => {
  test('a body at the limit is taken, one byte more is 413, announced or not', async () => {
    const endpoint = await start({ bodyBytesMax: 100_000 })
    const fits = Buffer.alloc(100_000)
    const over = Buffer.alloc(100_001)
    for (const sent of [fits, [fits.subarray(0, 60_000), fits.subarray(60_000)]]) {
      expect((await send(endpoint, '/v1/traces', { headers: protobuf, body: sent })).status).toBe(200)
    }
    for (const sent of [over, [over.subarray(0, 60_000), over.subarray(60_000)]]) {
      const reply = await send(endpoint, '/v1/traces', { headers: protobuf, body: sent })
      expect([reply.status, codeOf(reply)]).toEqual([413, 8])
    }
  })

  test('the limit is 64 MiB unless set', async () => {
    const endpoint = await start()
    const reply = await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(64 * mebibyte) })
    expect(reply.status).toBe(200)
    const over = await RawClient.open(endpoint)
    over.write(head(asProtobuf, `Content-Length: ${64 * mebibyte + 1}`))
    expect(await over.untilClosed()).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('2 GiB announced is refused without reading it', async () => {
    const endpoint = await start()
    const client = await RawClient.open(endpoint)
    client.write(head(asJson, 'Content-Length: 2147483648')).write(Buffer.alloc(8 * mebibyte))
    const answer = rawAnswer(await client.until('"code"'))
    expect(answer).toMatchObject({ status: 413, body: { code: 8, message: expect.stringContaining('67108864') } })
    expect(answer.head.toLowerCase()).toContain('connection: close')
    // The server reads no further than its buffers, so most of what was written is still ours.
    expect(client.socket.writableLength).toBeGreaterThan(0)
    await client.untilClosed()
  })

  test('an endless chunked body ends at the limit', async () => {
    const endpoint = await start({ bodyBytesMax: 2 * mebibyte })
    const client = await RawClient.open(endpoint)
    client.write(head(asJson, 'Transfer-Encoding: chunked'))
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    for (let i = 0; i < 100; i++) client.write(chunk)
    expect(rawAnswer(await client.until('"code"'))).toMatchObject({ status: 413, body: { code: 8 } })
    await client.untilClosed()
  })

  test('bombs are refused by ratio, by size and by window, also ten at once', async () => {
    const endpoint = await start()
    const zeros = Buffer.alloc(128 * mebibyte)
    const gzip = gzipSync(zeros)
    const zstd = zstdCompressSync(zeros)
    const window = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0])
    const refused = async (coding: string, sent: Uint8Array): Promise<void> => {
      const headers = { ...protobuf, 'content-encoding': coding }
      const reply = await send(endpoint, '/v1/traces', { headers, body: sent })
      expect([coding, reply.status, codeOf(reply)]).toEqual([coding, 413, 8])
    }
    await refused('zstd', window)
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? refused('gzip', gzip) : refused('zstd', zstd))),
    )
    // 600 kB of bomb is inflated on another thread, up to the limit and no further.
    const random = randomBytes(400_000)
    await refused('gzip', gzipSync(Buffer.concat([random, zeros])))
    expect(receiver.received).toHaveLength(0)
  })

  test('what compresses well below one mebibyte is no bomb', async () => {
    const endpoint = await start()
    const sent = gzipSync(Buffer.alloc(mebibyte))
    const headers = { ...protobuf, 'content-encoding': 'gzip' }
    expect((await send(endpoint, '/v1/traces', { headers, body: sent })).status).toBe(200)
    expect(receiver.received[0]!.body).toHaveLength(mebibyte)
  })
})

describe('damaged compression is 400', () => {
  const gzip = gzipSync(body)
  const flipped = Buffer.from(gzip)
  flipped[gzip.length - 6]! ^= 1
  const large = gzipSync(randomBytes(200_000))
  const cases: [string, string, Uint8Array][] = [
    ['cut', 'gzip', gzip.subarray(0, -4)],
    ['a wrong checksum', 'gzip', flipped],
    ['bytes after the end', 'gzip', Buffer.concat([gzip, Buffer.from('more')])],
    ['a head without a body', 'gzip', gzip.subarray(0, 10)],
    ['nothing', 'gzip', Buffer.alloc(0)],
    ['not compressed', 'gzip', body],
    ['cut, large', 'gzip', large.subarray(0, -4)],
    ['gzip said to be deflate', 'deflate', gzip],
    ['gzip said to be zstd', 'zstd', gzip],
    ['cut', 'zstd', zstdCompressSync(body).subarray(0, -3)],
    ['bytes after the end', 'zstd', Buffer.concat([zstdCompressSync(body), Buffer.from('more')])],
  ]
  for (const [name, coding, sent] of cases) {
    test(`${coding}: ${name}`, async () => {
      const endpoint = await start()
      const headers = { ...protobuf, 'content-encoding': coding }
      const reply = await send(endpoint, '/v1/traces', { headers, body: sent })
      expect([reply.status, codeOf(reply)]).toEqual([400, 3])
      expect(receiver.received).toHaveLength(0)
    })
  }

  test('two gzip members are one body', async () => {
    const endpoint = await start()
    const sent = Buffer.concat([gzip, gzip])
    const headers = { ...protobuf, 'content-encoding': 'gzip' }
    expect((await send(endpoint, '/v1/traces', { headers, body: sent })).status).toBe(200)
    expect(Buffer.compare(receiver.received[0]!.body, gunzipSync(sent))).toBe(0)
  })
})

describe('in flight', () => {
  test('more than the sum allowed is queue_full before the body is read, and passes', async () => {
    inFlight = new InFlight(mebibyte)
    const endpoint = await start()
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const first = send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(800_000) })
    await arrived
    const second = await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(300_000) })
    expect([second.status, codeOf(second)]).toEqual([503, 14])
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0)
    // Not announced: noticed while it arrives.
    const third = await send(endpoint, '/v1/traces', {
      headers: protobuf,
      body: [Buffer.alloc(300_000), Buffer.alloc(1)],
    })
    expect(third.status).toBe(503)
    const small = send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(100_000) })
    gate.resolve()
    expect((await first).status).toBe(200)
    expect((await small).status).toBe(200)
  })

  test('what is inflated counts', async () => {
    inFlight = new InFlight(mebibyte)
    const endpoint = await start()
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const headers = { ...protobuf, 'content-encoding': 'gzip' }
    const first = send(endpoint, '/v1/traces', { headers, body: gzipSync(Buffer.alloc(900_000)) })
    await arrived
    expect((await send(endpoint, '/v1/traces', { headers, body: gzipSync(Buffer.alloc(900_000)) })).status).toBe(503)
    gate.resolve()
    expect((await first).status).toBe(200)
  })

  test('one request alone may be as large as a request may be', async () => {
    inFlight = new InFlight(1000)
    const endpoint = await start()
    expect((await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(500_000) })).status).toBe(200)
  })

  test('a sender that only announces much does not shut out others', async () => {
    inFlight = new InFlight(mebibyte)
    const endpoint = await start()
    const idle = await RawClient.open(endpoint)
    idle.write(head(asProtobuf, 'Content-Length: 1000000')).write('x')
    expect((await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(900_000) })).status).toBe(200)
    idle.close()
  })
})

describe('time', () => {
  const times = { headMs: 200, requestMs: 400 }

  test('a slow head is 408', async () => {
    const endpoint = await start(times)
    const client = await RawClient.open(endpoint)
    client.write('POST /v1/traces HTTP/1.1\r\nHost: x\r\n')
    expect(rawAnswer(await client.untilClosed())).toMatchObject({ status: 408, body: { code: 4 } })
    expect(meter.reasons).toEqual(['timeout'])
  })

  test('a connection that says nothing is closed', async () => {
    const endpoint = await start(times)
    const client = await RawClient.open(endpoint)
    await client.untilClosed()
  })

  test('a slow body is 408 in the encoding of the request', async () => {
    const endpoint = await start(times)
    const client = await RawClient.open(endpoint)
    client.write(head(asProtobuf, 'Content-Length: 100')).write('x')
    const text = await client.untilClosed()
    expect(text).toMatch(/^HTTP\/1\.1 408 .*application\/x-protobuf/s)
    const bytes = client.bytes.subarray(client.bytes.indexOf('\r\n\r\n') + 4)
    expect(decoded('RpcStatus', bytes)).toMatchObject({ code: 4 })
    expect(meter.reasons).toEqual(['timeout'])
  })

  test('hundreds of dribbling senders do not keep an honest one waiting', async () => {
    const endpoint = await start({ headMs: 2000, requestMs: 2000 })
    const slow = await Promise.all(Array.from({ length: 300 }, () => RawClient.open(endpoint)))
    for (const client of slow) client.write(head(asJson, 'Content-Length: 1000')).write('{')
    const started = performance.now()
    expect((await send(endpoint, '/v1/traces', { headers: protobuf, body })).status).toBe(200)
    expect(performance.now() - started).toBeLessThan(1000)
    const answers = await Promise.all(slow.map((client) => client.untilClosed()))
    expect(answers.every((text) => text.startsWith('HTTP/1.1 408 '))).toBe(true)
  })

  test('connections beyond the limit are dropped', async () => {
    const endpoint = await start({ connectionsMax: 2 })
    const clients = [await RawClient.open(endpoint), await RawClient.open(endpoint)]
    expect(await (await RawClient.open(endpoint)).untilClosed()).toBe('')
    await Promise.all(
      clients.map(async (client) => {
        client.close()
        await client.untilClosed()
      }),
    )
    // The server sees the ends when it reads them.
    while ((await (await RawClient.open(endpoint)).write(head('Connection: close')).untilClosed()) === '');
  })
})

describe('the protocol', () => {
  test('keep-alive: several requests on one connection, a refused small body among them', async () => {
    const endpoint = await start()
    const client = await RawClient.open(endpoint)
    client.write(head(asJson, 'Content-Length: 2')).write('{}')
    await client.until('{}')
    client.write(head('Content-Type: text/plain', 'Content-Length: 2')).write('{}')
    await client.until('"code":3')
    client.write(head(asJson, 'Content-Length: 2')).write('{}')
    await client.until('200 OK\r\nContent-Type: application/json\r\nContent-Length: 2')
    client.write(head(asJson, 'Content-Length: 3', 'Connection: close')).write('{ }')
    expect(((await client.untilClosed()).match(/HTTP\/1\.1 200/g) ?? []).length).toBe(3)
    expect(receiver.received).toHaveLength(3)
  })

  test('Expect: 100-continue is answered before the body comes', async () => {
    const endpoint = await start()
    const client = await RawClient.open(endpoint)
    client.write(head(asJson, 'Content-Length: 2', 'Expect: 100-continue', 'Connection: close'))
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('{}')
    expect(await client.untilClosed()).toMatch(/100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  })

  test('and refused without it', async () => {
    const endpoint = await start()
    const text = await exchange(endpoint, head('Content-Type: text/plain', 'Content-Length: 2', 'Expect: 100-continue'))
    expect(text).toMatch(/^HTTP\/1\.1 415 /)
  })

  test('another expectation is no reason to refuse', async () => {
    const endpoint = await start()
    const text = await exchange(
      endpoint,
      `${head(asJson, 'Content-Length: 2', 'Expect: nothing', 'Connection: close')}{}`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
  })

  const broken: [name: string, bytes: string | Uint8Array, status: number][] = [
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex'), 400],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['two lengths', `${head(asJson, 'Content-Length: 2', 'Content-Length: 3')}{}`, 400],
    ['length and chunks', `${head(asJson, 'Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n`, 400],
    ['a chunked coding twice', `${head(asJson, 'Transfer-Encoding: chunked, chunked')}0\r\n\r\n`, 400],
    ['a negative length', head(asJson, 'Content-Length: -1'), 400],
    ['a length that is no number', head(asJson, 'Content-Length: 1e3'), 400],
    ['a bad chunk size', `${head(asJson, 'Transfer-Encoding: chunked')}xyz\r\n`, 400],
    ['a line feed in a header', 'POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-A: b\nc\r\n\r\n', 400],
    ['no host', 'POST /v1/traces HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['17 KiB of headers', head(asJson, `X-A: ${'y'.repeat(17 * 1024)}`), 431],
    ['2,000 headers', head(...Array.from({ length: 2000 }, (_, i) => `a${i}:`)), 431],
  ]
  for (const [name, bytes, status] of broken) {
    test(`${name}: ${status} with a status body, and the connection ends`, async () => {
      const endpoint = await start()
      const client = await RawClient.open(endpoint)
      // Ending our side too makes a server that waits for more say so at once.
      client.write(bytes).socket.end()
      const answer = rawAnswer(await client.untilClosed())
      expect(answer).toMatchObject({ status, body: { code: 3, message: expect.any(String) } })
      expect(receiver.received).toHaveLength(0)
      expect(meter.answers).toHaveLength(1)
    })
  }

  test('chunks of one byte make the same body', async () => {
    const endpoint = await start()
    const text = '{"resourceSpans":[]}'.padEnd(20_000, ' ')
    const chunks = [...text].map((letter) => `1\r\n${letter}\r\n`).join('')
    const sent = `${head(asJson, 'Transfer-Encoding: chunked', 'Connection: close')}${chunks}0\r\n\r\n`
    expect(await exchange(endpoint, sent)).toMatch(/^HTTP\/1\.1 200 .*\{\}$/s)
  })

  test('pipelined requests are answered in order, and a broken one after them ends the connection', async () => {
    const endpoint = await start()
    const taken = `${head(asJson, 'Content-Length: 2')}{}`
    const unknown = 'POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'
    const text = await exchange(endpoint, `${taken}${unknown}${taken}broken\r\n\r\n`)
    expect(text.match(/HTTP\/1\.1 \d+/g)?.slice(0, 3)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
    expect(receiver.received).toHaveLength(2)
  })

  test('a body longer than its length: the request is answered, the rest is refused', async () => {
    const endpoint = await start()
    const text = await exchange(endpoint, `${head(asJson, 'Content-Length: 2')}{}{"rest":1}`)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(receiver.received).toHaveLength(1)
  })

  test('a body shorter than its length is never handed over', async () => {
    const endpoint = await start()
    const client = await RawClient.open(endpoint)
    client.write(`${head(asJson, 'Content-Length: 20')}{}`).socket.end()
    expect(rawAnswer(await client.untilClosed())).toMatchObject({ status: 400, body: { code: 3 } })
    expect(receiver.received).toHaveLength(0)
  })

  test('a client that goes away at any stage does no harm', async () => {
    const endpoint = await start()
    const whole = `${head(asJson, 'Content-Length: 2')}{}`
    for (let cut = 1; cut < whole.length; cut += 7) {
      const client = await RawClient.open(endpoint)
      client.write(whole.slice(0, cut)).socket.resetAndDestroy()
    }
    const gate = Promise.withResolvers<void>()
    receiver.gate = gate.promise
    const arrived = receiver.arrival()
    const client = await RawClient.open(endpoint)
    client.write(whole)
    await arrived
    client.close()
    gate.resolve()
    receiver.gate = undefined
    // What was handed over counts as stored although nobody is left to be told.
    while (receiver.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  })

  test('refused large bodies do not reset the connection before the answer is read', async () => {
    receiver.refusal = new Refusal('queue_full', 'full')
    const endpoint = await start({ bodyBytesMax: mebibyte })
    for (let i = 0; i < 5; i++) {
      const reply = await send(endpoint, '/v1/traces', { headers: protobuf, body: Buffer.alloc(5 * mebibyte) })
      expect(reply.status).toBe(413)
    }
  })
})
