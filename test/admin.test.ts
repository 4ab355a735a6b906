// The admin endpoint: three paths, two methods, nothing that keeps a connection hostage.

import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Admin, type AdminOptions, startAdmin } from '../collector/admin.ts'
import { createMetrics } from '../collector/metrics.ts'

const running: Admin[] = []
afterEach(async () => {
  for (const admin of running.splice(0)) await admin.close()
})

async function start(options: Partial<AdminOptions> = {}): Promise<Admin> {
  const admin = await startAdmin({
    endpoint: { host: '127.0.0.1', port: 0 },
    metrics: { expose: () => 'x 1\n# EOF\n' },
    ready: () => ({ reasons: [] }),
    ...options,
  })
  running.push(admin)
  return admin
}

function get(admin: Admin, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${admin.endpoint.port}${path}`, init)
}

describe('paths', () => {
  test('/metrics is OpenMetrics', async () => {
    const metrics = createMetrics({
      version: '1',
      priceBook: () => '2',
      onError: (_, error) => expect(error).toBeUndefined(),
    })
    const answer = await get(await start({ metrics }), '/metrics')
    metrics.close()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(await answer.text()).toMatch(/^# TYPE spanledger_build info\n.*\n# EOF\n$/s)
  })

  test('/live is 200 as long as the process answers, also when it is not ready', async () => {
    const admin = await start({ ready: () => ({ reasons: ['journal is full'] }) })
    const answer = await get(admin, '/live')
    expect([answer.status, await answer.json()]).toEqual([200, { live: true }])
  })

  test('/ready is 200, or 503 with the reasons, as things are at the moment', async () => {
    const reasons: string[] = []
    const admin = await start({ ready: () => ({ reasons }) })
    const ready = await get(admin, '/ready?verbose')
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [] }])
    reasons.push('journal is 93 % full')
    const unready = await get(admin, '/ready')
    expect([unready.status, await unready.json()]).toEqual([503, { ready: false, reasons: ['journal is 93 % full'] }])
  })

  test('a readiness that cannot be found out is none', async () => {
    const admin = await start({
      ready: () => {
        throw new Error('statfs failed')
      },
    })
    const answer = await get(admin, '/ready')
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ready: false, reasons: ['readiness is not known: statfs failed'] },
    ])
  })

  test.each(['/', '/metrics/', '/debug/pprof', '/live/../metrics2', '/api/feedback', '//metrics'])(
    '%s is 404',
    async (path) => {
      expect((await get(await start(), path)).status).toBe(404)
    },
  )
})

describe('methods', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is 405 and says what is allowed', async (method) => {
    const answer = await get(await start(), '/metrics', { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('HEAD has the headers of GET and no body', async () => {
    const answer = await get(await start(), '/metrics', { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '10', ''])
  })
})

describe('connections', () => {
  test('any Host is answered: scrapers come by many names', async () => {
    const admin = await start()
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'collector-7.monitoring.svc' }
      request({ port: admin.endpoint.port, path: '/metrics', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(200)
  })

  test('closing ends half-sent requests too, and may come twice', async () => {
    const admin = await start()
    const socket = connect(admin.endpoint.port, '127.0.0.1')
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n')
    await new Promise((resolve) => socket.once('connect', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => socket.destroy())
    await admin.close()
    await admin.close()
    await closed
    await expect(get(admin, '/live')).rejects.toThrow()
  })

  test('a port that is taken is an error, not a silence', async () => {
    const admin = await start()
    await expect(start({ endpoint: admin.endpoint })).rejects.toThrow('EADDRINUSE')
  })
})
