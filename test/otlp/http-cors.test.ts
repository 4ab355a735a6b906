import { describe, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { send } from './doors.ts'
import { useHttpDoor, withDoor } from './http-door.ts'

const protobuf = { 'content-type': 'application/x-protobuf' }
const json = { 'content-type': 'application/json' }
const body = tracesRequest({ spans: [{ name: 'one' }] })

useHttpDoor()

describe('cross-origin requests', () => {
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-own',
    },
  })

  test('a configured origin may send, with credentials, and sees refusals', () =>
    withDoor({ corsOrigins: ['https://app.example'] }, async (endpoint) => {
      const allowed = await send(endpoint, '/v1/traces', preflight('https://app.example'))
      expect(allowed.status).toBe(204)
      expect(allowed.headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization,content-type,x-own',
        vary: 'Origin',
      })
      const headers = { ...json, origin: 'https://app.example' }
      for (const [bytes, status] of [
        ['{}', 200],
        ['{', 400],
      ] as const) {
        const reply = await send(endpoint, '/v1/traces', { headers, body: Buffer.from(bytes) })
        expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([status, 'https://app.example'])
        expect(reply.headers['access-control-expose-headers']).toBe('Retry-After')
      }
    }))

  test('another origin may not', () =>
    withDoor({ corsOrigins: ['https://app.example'] }, async (endpoint) => {
      const reply = await send(endpoint, '/v1/traces', preflight('https://evil.example'))
      expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([405, undefined])
    }))

  test('any origin, when configured so, but without credentials', () =>
    withDoor({ corsOrigins: ['*'] }, async (endpoint) => {
      const { headers } = await send(endpoint, '/v1/traces', preflight('https://any.example'))
      expect([headers['access-control-allow-origin'], headers['access-control-allow-credentials']]).toEqual([
        '*',
        undefined,
      ])
    }))

  test('off by default', () =>
    withDoor({}, async (endpoint) => {
      expect((await send(endpoint, '/v1/traces', preflight('https://app.example'))).status).toBe(405)
      const headers = { ...protobuf, origin: 'https://app.example' }
      const reply = await send(endpoint, '/v1/traces', { headers, body })
      expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([200, undefined])
    }))
})
