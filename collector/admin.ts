// What an operator's machinery asks: /metrics, /live, /ready. No data, no other path. Live means that the process answers;
// ready that it would take a request now.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Endpoint } from './config-values.ts'
import { contentType } from './open-metrics.ts'

export interface Readiness {
  /** Why not; empty when ready. Words without content: anybody may read them. */
  readonly reasons: readonly string[]
  /** What is not as it should be and keeps no request away. */
  readonly notices?: readonly string[]
}

export interface AdminOptions {
  readonly endpoint: Endpoint
  readonly metrics: { expose(): string }
  readonly ready: () => Readiness
}

export interface Admin {
  /** Where it listens, the port resolved. */
  readonly endpoint: Endpoint
  /** May come twice. */
  close(): Promise<void>
}

const connectionsMax = 64
const timeoutMs = 10_000

/** Resolves when it listens; rejects when it cannot. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = createServer(
    { headersTimeout: timeoutMs, requestTimeout: timeoutMs, connectionsCheckingInterval: 1000, maxHeaderSize: 16_384 },
    (request, response) => send(request, response, answer(options, request)),
  )
  server.maxConnections = connectionsMax
  const { host, port } = options.endpoint
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  let closing: Promise<void> | undefined
  return {
    endpoint: { host, port: (server.address() as AddressInfo).port }, // an address of TCP: it listens on a port
    close: () => (closing ??= closeServer(server)),
  }
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly allow?: string
}

function answer(options: AdminOptions, request: IncomingMessage): Reply {
  const path = request.url?.split('?')[0]
  if (path !== '/metrics' && path !== '/live' && path !== '/ready') {
    return json(404, { error: 'not found; there are /metrics, /live and /ready' })
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...json(405, { error: `${path} takes GET and HEAD` }), allow: 'GET, HEAD' }
  }
  if (path === '/live') return json(200, { live: true })
  if (path === '/metrics') return { status: 200, type: contentType, text: options.metrics.expose() }
  const { reasons, notices = [] } = readinessOf(options.ready)
  const isReady = reasons.length === 0
  return json(isReady ? 200 : 503, { ready: isReady, reasons, ...(notices.length === 0 ? {} : { notices }) })
}

function json(status: number, body: object): Reply {
  return { status, type: 'application/json; charset=utf-8', text: `${JSON.stringify(body)}\n` }
}

/** A readiness that cannot be found out is none. */
function readinessOf(ready: () => Readiness): Readiness {
  try {
    return ready()
  } catch (error) {
    return { reasons: [`readiness is not known: ${error instanceof Error ? error.message : String(error)}`] }
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, text, allow }: Reply): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(allow === undefined ? {} : { allow }),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
