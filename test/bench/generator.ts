// Load from a process of its own: HTTP or gRPC, closed loop or at a rate. Prints one JSON line: spans acknowledged,
// seconds, latency. Latency at a rate counts from the moment a request was due.

import { writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { parseArgs } from 'node:util'
import { makeTemplates, type PayloadName, spanIdOf, stamp } from './payload.ts'

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values } = parseArgs({
  options: {
    endpoint: text('127.0.0.1:4318'),
    protocol: text('http'),
    payload: text('S'),
    spans: text('100000'),
    'per-request': text('500'),
    connections: text('4'),
    /** Spans a second; 0 = as fast as answers come. */
    rate: text('0'),
    run: text('1'),
    /** Where to write the ids of acknowledged spans, one a line. */
    acks: text(''),
    retry: { type: 'boolean', default: false },
    distinct: text('20000'),
  },
})

const perRequest = Number(values['per-request'])
const requests = Math.ceil(Number(values.spans) / perRequest)
const run = Number(values.run)
const rate = Number(values.rate)
const framing = values.protocol === 'grpc' ? 5 : 0
const [host, port] = [
  values.endpoint.slice(0, values.endpoint.lastIndexOf(':')),
  Number(values.endpoint.split(':').at(-1)),
]

const templates = makeTemplates({
  payload: values.payload as PayloadName,
  perRequest,
  count: Math.max(4, Math.ceil(Number(values.distinct) / perRequest)),
})
const sizeMax = Math.max(...templates.map(({ body }) => body.length))

const latencies: number[] = []
const acked: string[] = []
let next = 0
let acknowledged = 0
let refused = 0
const errors = new Map<string, number>()
const startedAt = performance.now()

interface Answer {
  readonly ok: boolean
  readonly why: string
}

await Promise.all(
  Array.from({ length: Number(values.connections) }, () =>
    worker(values.protocol === 'grpc' ? grpcSender() : httpSender()),
  ),
)

const seconds = (performance.now() - startedAt) / 1000
latencies.sort((a, b) => a - b)
const quantile = (q: number): number =>
  Number((latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0).toFixed(2))
if (values.acks !== '') writeFileSync(values.acks, acked.join('\n'))
console.log(
  JSON.stringify({
    acknowledged,
    refused,
    seconds,
    ackMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    errors: Object.fromEntries(errors),
  }),
)
process.exit(0)

async function worker(send: (body: Buffer) => Promise<Answer>): Promise<void> {
  const buffer = Buffer.allocUnsafe(sizeMax + framing)
  for (;;) {
    const n = next++
    if (n >= requests) return
    let due = performance.now()
    if (rate > 0) {
      due = startedAt + (n * perRequest * 1000) / rate
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    const size = stamp(templates[n % templates.length]!, buffer.subarray(framing), n * perRequest, run)
    if (framing > 0) {
      buffer[0] = 0
      buffer.writeUInt32BE(size, 1)
    }
    await deliver(send, buffer.subarray(0, size + framing), n, due)
  }
}

async function deliver(send: (body: Buffer) => Promise<Answer>, body: Buffer, n: number, due: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const { ok, why } = await send(body)
    if (ok) {
      latencies.push(performance.now() - due)
      acknowledged += perRequest
      if (values.acks !== '') for (let i = 0; i < perRequest; i++) acked.push(spanIdOf(n * perRequest + i, run))
      return
    }
    errors.set(why, (errors.get(why) ?? 0) + 1)
    if (!values.retry || attempt > 200) {
      refused++
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50))
  }
}

function httpSender(): (body: Buffer) => Promise<Answer> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return (body) =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
      const request = http.request({ host, port, path: '/v1/traces', method: 'POST', agent, headers }, (response) => {
        response.resume()
        response.on('end', () => resolve({ ok: response.statusCode === 200, why: `status ${response.statusCode}` }))
        response.on('error', (error) => resolve({ ok: false, why: error.message }))
      })
      request.on('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, why: error.code ?? error.message }))
      request.end(body)
    })
}

function grpcSender(): (body: Buffer) => Promise<Answer> {
  let session: http2.ClientHttp2Session | undefined
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
  return (body) =>
    new Promise((resolve) => {
      if (session === undefined || session.destroyed) {
        session = http2.connect(`http://${host}:${port}`)
        session.on('error', () => session?.destroy())
      }
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      let status = 'cut'
      const see = (headers: http2.IncomingHttpHeaders): void => {
        if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status'])
      }
      stream.on('response', see)
      stream.on('trailers', see)
      stream.on('error', (error) => resolve({ ok: false, why: error.message }))
      stream.on('close', () => resolve({ ok: status === '0', why: `grpc ${status}` }))
      stream.resume()
      stream.end(body)
    })
}
