// Feedback from a process of its own, one piece a request over kept connections: closed loop, or at a rate. Prints one JSON line.

import http from 'node:http'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    endpoint: { type: 'string', default: '127.0.0.1:8100' },
    posts: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '32' },
    /** Posts a second; 0 = as fast as answers come. */
    rate: { type: 'string', default: '0' },
    run: { type: 'string', default: '1' },
  },
})
const posts = Number(values.posts)
const rate = Number(values.rate)
const [host, port] = values.endpoint.split(':') as [string, string]
const latencies: number[] = []
let next = 0
let refused = 0
const startedAt = performance.now()
await Promise.all(Array.from({ length: Number(values.connections) }, worker))
const seconds = (performance.now() - startedAt) / 1000
latencies.sort((a, b) => a - b)
const quantile = (q: number): number => Number((latencies[Math.floor(q * (latencies.length - 1))] ?? 0).toFixed(2))
console.log(
  JSON.stringify({
    acknowledged: latencies.length,
    refused,
    seconds,
    ackMs: { p50: quantile(0.5), p99: quantile(0.99) },
  }),
)
process.exit(0)

async function worker(): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  for (let n = next++; n < posts; n = next++) {
    let due = performance.now()
    if (rate > 0) {
      due = startedAt + (n * 1000) / rate
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    if ((await post(agent, bodyOf(n))) === 200) latencies.push(performance.now() - due)
    else refused++
  }
}

/** As a page sends it: a thumb, often with a few words, by someone. */
function bodyOf(n: number): string {
  const trace = (Number(values.run) * 1_000_003 + n).toString(16).padStart(32, '0')
  const said = { trace_id: trace, score: n % 5 === 0 ? -1 : 1, user_id: `user-${n % 997}` }
  return JSON.stringify(n % 3 === 0 ? { ...said, comment: 'The second paragraph is wrong', tags: ['wrong'] } : said)
}

function post(agent: http.Agent, body: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = http.request({ host, port, path: '/api/feedback', method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', () => resolve(0))
    })
    request.on('error', () => resolve(0))
    request.end(body)
  })
}
