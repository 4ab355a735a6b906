// Keys at the doors of OTLP: who is let in, how others are answered, and how little of what they send is read.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Access } from '../../collector/keys/access.ts'
import { readKeys } from '../../collector/keys/entries.ts'
import { makeKey, type NewKey } from '../../collector/keys/key-text.ts'
import type { Door } from '../../collector/otlp/door.ts'
import { startOtlpGrpc } from '../../collector/otlp/grpc.ts'
import { startOtlpHttp } from '../../collector/otlp/http.ts'
import { exchange, RawClient, RecordingReceiver, rawAnswer, send } from '../otlp/doors.ts'
import { call, failure, openSession, rawStream, replyOf, tracesPath } from '../otlp/grpc-clients.ts'
import { decoded } from '../otlp/json-judge.ts'
import { tracesRequest } from '../otlp-messages.ts'

const body = Buffer.from(tracesRequest({ spans: [{ name: 'one' }] }))
const [service, reader, unknown] = [makeKey, makeKey, makeKey].map((make) => make({ isPublic: false })) as [
  NewKey,
  NewKey,
  NewKey,
]
const page = makeKey({ isPublic: true })
const entryOf = ({ prefix, sha256 }: NewKey, rest: object) => ({ prefix, sha256, ...rest })
const { entries } = readKeys({
  keys: [
    entryOf(service, { name: 'service', project: 'shop', may: ['ingest'] }),
    entryOf(reader, { name: 'reader', project: 'bank', may: ['read', 'manage'] }),
    entryOf(page, { name: 'page', project: 'shop', may: ['feedback'], origins: ['*'] }),
  ],
})
const byPrefix = new Map(entries.map((entry) => [entry.prefix, entry]))

let receiver: RecordingReceiver
let access: Access
let http: Door
let grpc: Door
beforeAll(async () => {
  receiver = new RecordingReceiver()
  const options = {
    endpoint: '127.0.0.1:0',
    receiver,
    asksKeys: true,
    project: (headers: Parameters<Access['admit']>[0]['headers'], address: string) =>
      access.admit({ headers, address, need: 'ingest' }).project,
  }
  http = await startOtlpHttp(options)
  grpc = await startOtlpGrpc(options)
})
beforeEach(() => {
  receiver.received.length = 0
  access = new Access({ entries: () => byPrefix })
})
afterAll(async () => {
  await http.close(0)
  await grpc.close(0)
})

const refusedHeaders: [string, Record<string, string>, number, number][] = [
  ['no key', {}, 401, status.UNAUTHENTICATED],
  ['an unknown key', { authorization: `Bearer ${unknown.text}` }, 401, status.UNAUTHENTICATED],
  ['a key that may not send', { 'x-api-key': reader.text }, 403, status.PERMISSION_DENIED],
  ['the key of a page', { 'x-api-key': page.text, origin: 'https://shop.example.com' }, 403, status.PERMISSION_DENIED],
  ['a project instead of a key', { 'x-project': 'shop', 'x-scope-orgid': 'shop' }, 401, status.UNAUTHENTICATED],
]

describe('HTTP', () => {
  const post = (headers: Record<string, string>, path = '/v1/traces') =>
    send(http.endpoint, path, { headers: { 'content-type': 'application/x-protobuf', ...headers }, body })

  test('a key lets in, to its project alone', async () => {
    const basic = Buffer.from(`pk-lf-1:${service.text}`).toString('base64')
    for (const headers of [
      { authorization: `Bearer ${service.text}` },
      { authorization: `Basic ${basic}`, 'x-project': 'bank' },
      { 'x-api-key': service.text },
    ])
      expect((await post(headers)).status).toBe(200)
    expect(receiver.received.map(({ project }) => project)).toEqual(['shop', 'shop', 'shop'])
  })

  test.each(refusedHeaders)(
    '%s: a Status in the encoding of the request, nothing handed over',
    async (_, headers, want, code) => {
      const answer = await post(headers)
      expect([answer.status, answer.headers['content-type']]).toEqual([want, 'application/x-protobuf'])
      expect(answer.headers['www-authenticate']).toBe(want === 401 ? 'Bearer' : undefined)
      expect(decoded('RpcStatus', answer.body)).toMatchObject({ code })
      const json = await post({ ...headers, 'content-type': 'application/json' }, '/v1/logs')
      expect([json.status, JSON.parse(json.body.toString())]).toMatchObject([
        want,
        { code, message: expect.any(String) },
      ])
      expect(receiver.received).toEqual([])
    },
  )

  test.each([
    ['two of Authorization', `Authorization: Bearer ${service.text}\r\nAuthorization: Bearer ${service.text}`],
    ['two, the first good', `Authorization: Bearer ${service.text}\r\nauthorization: Bearer ${unknown.text}`],
    ['two of x-api-key', `x-api-key: ${unknown.text}\r\nX-API-KEY: ${service.text}`],
    ['one folded into the next line', `x-one: 1\r\n x-api-key: ${service.text}`],
    ['one in the path', 'x-one: 1'],
    ['one with a blank in its name', `x-api-key : ${service.text}`],
  ])('%s: not let in', async (_, lines) => {
    const path = lines === 'x-one: 1' ? `/v1/traces?key=${page.text}&x-api-key=${service.text}` : '/v1/traces'
    const head = `POST ${path} HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n`
    const { status: code } = rawAnswer(await exchange(http.endpoint, `${head}${lines}\r\n\r\n{}`))
    expect([400, 401]).toContain(code)
    expect(receiver.received).toEqual([])
  })

  test('many wrong keys: told to wait, and when', async () => {
    for (let n = 0; n < 60; n++) expect((await post({ 'x-api-key': unknown.text })).status).toBe(401)
    const answer = await post({ 'x-api-key': unknown.text })
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '30'])
    expect((await post({ 'x-api-key': service.text })).status).toBe(200)
  })

  test.each(['Content-Length: 67108864', 'Transfer-Encoding: chunked'])(
    'of 64 MiB without a key (%s) less than 64 KiB are read',
    async (length) => {
      const sockets: Socket[] = []
      const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
      subscribe('http.server.request.start', note)
      const client = await RawClient.open(http.endpoint)
      client.write(`POST /v1/traces HTTP/1.1\r\nHost: c\r\nContent-Type: application/x-protobuf\r\n${length}\r\n\r\n`)
      client.write(length.startsWith('T') ? `4000000\r\n` : '')
      const piece = Buffer.alloc(64 * 1024)
      for (let n = 0; n < 1024 && !client.socket.destroyed; n++) client.write(piece)
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 401 /)
      unsubscribe('http.server.request.start', note)
      expect(sockets).toHaveLength(1)
      // The head is in it.
      expect(sockets[0]!.bytesRead).toBeLessThanOrEqual(64 * 1024)
    },
  )
})

describe('gRPC', () => {
  test('a key lets in, to its project alone', async () => {
    for (const headers of [
      { authorization: `Bearer ${service.text}` },
      { 'x-api-key': service.text, 'x-project': 'bank' },
    ])
      await call(grpc.endpoint, tracesPath, body, headers)
    expect(receiver.received.map(({ project }) => project)).toEqual(['shop', 'shop'])
  })

  test.each(refusedHeaders)('%s: refused', async (_, headers, __, code) => {
    const error = await failure(call(grpc.endpoint, tracesPath, body, headers))
    expect(error.code).toBe(code)
    for (const { text } of [service, reader, unknown, page]) expect(error.details).not.toContain(text.slice(-43))
    expect(receiver.received).toEqual([])
  })

  test('of 64 MiB without a key less than 64 KiB are read; with one a connection may send as far ahead as it is fast with', async () => {
    const session = await openSession(grpc.endpoint)
    // So much as a client of node keeps back; it announces the rest.
    const frame = Buffer.alloc(4 * 1024 * 1024)
    frame.writeUInt32BE(64 * 1024 * 1024, 1)
    const stream = rawStream(session, frame, {}, true)
    const reply = await replyOf(stream)
    const bytes = session.socket.bytesWritten
    expect(reply).toMatchObject({ code: status.UNAUTHENTICATED })
    // With the preface of the connection and the head of the call.
    expect(bytes).toBeLessThan(64 * 1024 + 256)
    const good = new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()))
    const small = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body])
    expect(await replyOf(rawStream(session, small, { 'x-api-key': service.text }, false))).toMatchObject({ code: 0 })
    await good
    expect(session.remoteSettings.initialWindowSize).toBe(256 * 1024)
    session.destroy()
  })
})
