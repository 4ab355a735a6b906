// A pretended OpenAI and Anthropic on one loopback port: their wire shapes, their ways of counting, and an invoice.
// A request is steered by two headers, so that its body stays a real one:
//   x-fake-status: 429          answer with this error instead
//   x-fake-failing-attempts: 1  ... but only to the first attempts of a client that retries

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { FakeAnthropic } from './fake-anthropic.ts'
import { FakeOpenAi } from './fake-openai.ts'
import type { InvoiceLine } from './invoice.ts'
import type { Answer, FakeRequest } from './wire.ts'
import { asObject } from './wire.ts'

export interface FakeProvider {
  /** Base URL for the `openai` client. */
  readonly openaiUrl: string
  /** Base URL for the `@anthropic-ai/sdk` client. */
  readonly anthropicUrl: string
  /** One line a billed response, in the order they were answered; grows while the provider runs. */
  readonly invoice: readonly InvoiceLine[]
  /** Requests answered with an error, by status; none of them is billed. */
  readonly failures: ReadonlyMap<number, number>
  close(): Promise<void>
}

/** Starts on a free loopback port. `run` becomes part of every response id, so that two runs can share a ledger. */
export async function startFakeProvider(run: string): Promise<FakeProvider> {
  const invoice: InvoiceLine[] = []
  const failures = new Map<number, number>()
  const bill = (line: InvoiceLine): void => void invoice.push(line)
  const apis = [
    { prefix: '/openai/v1/', api: new FakeOpenAi(run, bill) },
    { prefix: '/anthropic/v1/', api: new FakeAnthropic(run, bill) },
  ] as const

  async function answer(request: IncomingMessage): Promise<Answer> {
    const url = request.url ?? '/'
    const found = apis.find(({ prefix }) => url.startsWith(prefix))
    if (found === undefined) return { kind: 'json', status: 404, body: { error: { message: `no such path: ${url}` } } }
    return found.api.answer({
      path: url.slice(found.prefix.length),
      body: asObject(JSON.parse(await text(request))),
      failure: failureOf(request),
    })
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (given) => {
        if (given.kind === 'json' && given.status >= 400)
          failures.set(given.status, (failures.get(given.status) ?? 0) + 1)
        send(response, given)
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    openaiUrl: `http://127.0.0.1:${port}/openai/v1`,
    anthropicUrl: `http://127.0.0.1:${port}/anthropic`,
    invoice,
    failures,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function failureOf(request: IncomingMessage): FakeRequest['failure'] {
  const { headers } = request
  if (headers['x-fake-status'] === undefined) return undefined
  const failingAttempts = Number(headers['x-fake-failing-attempts'] ?? Number.POSITIVE_INFINITY)
  // Both official clients count their retries in this header.
  const attempt = Number(headers['x-stainless-retry-count'] ?? 0)
  return attempt < failingAttempts ? Number(headers['x-fake-status']) : undefined
}

function send(response: ServerResponse, given: Answer): void {
  if (given.kind === 'json') {
    response.writeHead(given.status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
    response.end(JSON.stringify(given.body))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of given.events) response.write(event)
  response.end()
}
