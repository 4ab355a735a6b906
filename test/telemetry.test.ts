// The collector's own traces arrive elsewhere, and never at the collector itself.

import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../collector/config-sources.ts'
import { ownListener } from '../collector/own-listeners.ts'
import { startTelemetry, type Telemetry, type TelemetryOptions } from '../collector/telemetry.ts'
import { Refusal } from '../schemas/refusal.ts'

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface SentSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly parentSpanId?: string
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code?: number; readonly message?: string }
}
interface Sent {
  readonly path: string
  readonly body: Buffer
  readonly spans: readonly SentSpan[]
  readonly resource: Readonly<Record<string, unknown>>
}

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** An OTLP receiver that only remembers. */
async function recorder(): Promise<{ url: string; sent: Sent[] }> {
  const sent: Sent[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const { resourceSpans = [] } = JSON.parse(body.toString()) as {
      resourceSpans?: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[]
    }
    const resource = resourceSpans.flatMap(({ resource }) =>
      resource.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
    )
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
    sent.push({
      path: request.url ?? '',
      body,
      spans,
      resource: Object.fromEntries(resource) as Record<string, unknown>,
    })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, sent }
}

const warnings: unknown[] = []

async function start(options: Partial<TelemetryOptions>): Promise<Telemetry> {
  const telemetry = await startTelemetry({
    endpoint: '',
    sampleRatio: 1,
    listeners: [],
    version: '1.2.3',
    log: { limited: (...line) => warnings.push(line) },
    ...options,
  })
  closers.push(() => telemetry.close())
  return telemetry
}

function attributesOf(span: SentSpan | undefined): Record<string, unknown> {
  return Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]))
}

describe('somewhere else', () => {
  test('gets one span for each request and insert, and nothing but traces', async () => {
    const { url, sent } = await recorder()
    const telemetry = await start({ endpoint: url })
    const answer = await telemetry.trace('receive', { 'spanledger.signal': 'traces', bytes: 7 }, async (span) => {
      span.set('spans', 3)
      return 'stored'
    })
    await telemetry.trace('insert', { rows: 3 }, async () => undefined)
    await telemetry.close()
    await telemetry.close()
    expect(answer).toBe('stored')
    expect(sent.map(({ path }) => path)).toEqual(['/v1/traces'])
    const [receive, insert] = sent[0]?.spans ?? []
    expect([receive?.name, receive?.kind, insert?.name, insert?.kind]).toEqual(['receive', 2, 'insert', 3])
    expect(attributesOf(receive)).toEqual({ 'spanledger.signal': 'traces', bytes: 7, spans: 3 })
    expect(receive?.parentSpanId).toBeUndefined()
    expect(receive?.traceId).not.toBe(insert?.traceId)
    expect(sent[0]?.resource).toMatchObject({ 'service.name': 'spanledger', 'service.version': '1.2.3' })
  })

  test('learns the kind of an error, not its words', async () => {
    const { url, sent } = await recorder()
    const telemetry = await start({ endpoint: `${url}/v1/traces` })
    const refused = telemetry.trace('receive', {}, () => Promise.reject(new Refusal('too_large', 'secret words')))
    await expect(refused).rejects.toThrow('secret words')
    const thrown = telemetry.trace('insert', {}, async () => {
      throw new TypeError('secret words')
    })
    await expect(thrown).rejects.toThrow(TypeError)
    await telemetry.close()
    expect(sent[0]?.spans.map((span) => [attributesOf(span)['error.type'], span.status])).toEqual([
      ['too_large', { code: 2 }],
      ['TypeError', { code: 2 }],
    ])
    expect(sent[0]?.body.toString()).not.toContain('secret')
  })

  test('gets the share that was asked for', async () => {
    const { url, sent } = await recorder()
    const telemetry = await start({ endpoint: url, sampleRatio: 0.25 })
    for (let i = 0; i < 1000; i++) await telemetry.trace('receive', {}, async () => undefined)
    await telemetry.close()
    const count = sent.reduce((sum, { spans }) => sum + spans.length, 0)
    // Binomial(1000, 0.25): 9 standard deviations either side.
    expect(count).toBeGreaterThan(125)
    expect(count).toBeLessThan(375)
  })

  test('its own spans are known when they come back, inside any request', async () => {
    const { url, sent } = await recorder()
    const telemetry = await start({ endpoint: url })
    const other = await start({ endpoint: url })
    await telemetry.trace('receive', {}, async () => undefined)
    await telemetry.close()
    const body = sent[0]?.body ?? Buffer.alloc(0)
    const instanceId = String(sent[0]?.resource['service.instance.id'])
    expect(telemetry.isOwnTelemetry(instanceId)).toBe(true)
    expect(other.isOwnTelemetry(instanceId)).toBe(false)
    expect(telemetry.holdsOwnTelemetry(body)).toBe(true)
    expect(telemetry.holdsOwnTelemetry(Buffer.concat([Buffer.alloc(1000, 0xff), body]).subarray(10))).toBe(true)
    expect(other.holdsOwnTelemetry(body)).toBe(false)
    expect(telemetry.holdsOwnTelemetry(Buffer.from('{"resourceSpans":[]}'))).toBe(false)
  })

  test('when it does not answer, work goes on, closing does not wait for it, and the log tells', async () => {
    warnings.length = 0
    const { url } = await recorder()
    await closers.pop()?.()
    const telemetry = await start({ endpoint: url })
    expect(await telemetry.trace('receive', {}, async () => 'stored')).toBe('stored')
    const before = performance.now()
    await telemetry.close()
    expect(performance.now() - before).toBeLessThan(4000)
    const problem = expect.objectContaining({ endpoint: url, problem: expect.stringMatching(/lost|ECONNREFUSED/) })
    expect(warnings).toContainEqual(['telemetry', 'warn', 'own traces are not sent', problem])
  })
})

describe('itself', () => {
  test.each([
    '127.0.0.1',
    'localhost',
    'collector.localhost',
    '[::1]',
    '0.0.0.0',
    '2130706433',
    '127.1',
    '[::ffff:127.0.0.1]',
  ])('is refused as %s', async (host) => {
    const listeners = [
      { host: '127.0.0.1', port: 4317 },
      { host: '127.0.0.1', port: 4318 },
    ]
    const error = await start({ endpoint: `http://${host}:4318`, listeners }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toBe(
      `telemetry_otlp_endpoint http://${host}:4318 is this collector's own listener 127.0.0.1:4318: every trace would cause the next; name another collector or leave it empty`,
    )
  })

  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address

  // url, own listeners, what names resolve to, whether it is us
  const cases: { name: string; url: string; listener: string; names?: Record<string, string[]>; isOwn: boolean }[] = [
    { name: 'another port', url: 'http://127.0.0.1:4319', listener: '127.0.0.1', isOwn: false },
    { name: 'another host', url: 'http://192.0.2.1:4318', listener: '0.0.0.0', isOwn: false },
    {
      name: 'a name that stands for loopback',
      url: 'http://me:4318',
      listener: '127.0.0.1',
      names: { me: ['127.0.1.1'] },
      isOwn: true,
    },
    {
      name: 'a name with one address of ours',
      url: 'http://me:4318',
      listener: '::',
      names: { me: ['192.0.2.1', '::1'] },
      isOwn: true,
    },
    { name: 'a name without address', url: 'http://me:4318', listener: '0.0.0.0', names: { me: [] }, isOwn: false },
    {
      name: 'another host by name',
      url: 'http://you:4318',
      listener: '0.0.0.0',
      names: { you: ['192.0.2.1'] },
      isOwn: false,
    },
    {
      name: 'a listener given by name',
      url: 'http://127.0.0.1:4318',
      listener: 'me',
      names: { me: ['127.0.0.1'] },
      isOwn: true,
    },
    { name: 'loopback while listening elsewhere', url: 'http://127.0.0.1:4318', listener: '192.0.2.9', isOwn: false },
    ...(address === undefined
      ? []
      : [
          {
            name: 'an interface under a listener on all',
            url: `http://${address}:4318`,
            listener: '0.0.0.0',
            isOwn: true,
          },
          {
            name: 'an interface while on loopback',
            url: `http://${address}:4318`,
            listener: '127.0.0.1',
            isOwn: false,
          },
        ]),
  ]
  test.each(cases)('$name: $isOwn', async ({ url, listener, names = {}, isOwn }) => {
    const found = await ownListener(url, [{ host: listener, port: 4318 }], async (host) => names[host] ?? [])
    expect(found !== undefined).toBe(isOwn)
  })

  test('the port of an address without one is that of its protocol', async () => {
    expect(await ownListener('http://localhost', [{ host: '127.0.0.1', port: 80 }])).toBeDefined()
    expect(await ownListener('https://localhost', [{ host: '127.0.0.1', port: 80 }])).toBeUndefined()
  })
})

describe('off', () => {
  test('runs the work and nothing else', async () => {
    const telemetry = await start({ endpoint: '' })
    const answer = await telemetry.trace('receive', {}, async (span) => {
      span.set('spans', 1)
      return 5
    })
    expect(answer).toBe(5)
    expect(telemetry.isOwnTelemetry('')).toBe(false)
    expect(telemetry.holdsOwnTelemetry(Buffer.from('x'))).toBe(false)
    await telemetry.close()
  })

  test('does not load the SDK', () => {
    const script = `
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context) } })
      const { startTelemetry } = await import(process.argv[1])
      await startTelemetry({ endpoint: '', sampleRatio: 1, listeners: [], version: '1', log: { limited() {} } })
      console.log(JSON.stringify(seen))`
    const module = new URL('../collector/telemetry.ts', import.meta.url).href
    const seen = execFileSync(process.execPath, ['--input-type=module', '-e', script, module], { encoding: 'utf8' })
    expect(seen).toContain('@opentelemetry/api')
    expect(seen).not.toContain('@opentelemetry/sdk')
    expect(seen).not.toContain('exporter')
  })
})
