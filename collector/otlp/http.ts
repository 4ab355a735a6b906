// The OTLP/HTTP door: a node:http server with limits on everything that a sender can make large or slow.
// Source: opentelemetry-proto 1.11.0, docs/specification.md "OTLP/HTTP".

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Refusal } from '../../schemas/refusal.ts'
import { Cors } from './cors.ts'
import { type Door, type DoorOptions, doorContext, type Signal, splitEndpoint, withPort } from './door.ts'
import { sendLast } from './http-answer.ts'
import { type HttpContext, HttpExchange, refusalAnswer } from './http-exchange.ts'

export interface OtlpHttpOptions extends DoorOptions {
  /** Web origins that may send from a browser; none by default. */
  readonly corsOrigins?: readonly string[]
  /** Paths in front of `/v1/traces`, as in `/api/public/otel`; the plain paths always work. */
  readonly prefixes?: readonly string[]
}

const headBytesMax = 16 * 1024

const unaskedBytesMax = 16 * 1024

/** Times are looked at this often. */
const checkMs = 1000

/** Listens for OTLP over HTTP. Rejects with the error of listening (port in use, address not ours). */
export async function startOtlpHttp(options: OtlpHttpOptions): Promise<Door> {
  const context: HttpContext = {
    ...doorContext(options),
    cors: new Cors(options.corsOrigins ?? []),
    routes: routes(['', ...(options.prefixes ?? [])]),
  }
  const door = new HttpDoor(context)
  await door.listen(options.endpoint)
  return door
}

function routes(prefixes: readonly string[]): Map<string, Signal> {
  const signals: readonly Signal[] = ['traces', 'logs', 'metrics']
  return new Map(prefixes.flatMap((prefix) => signals.map((signal) => [`${prefix}/v1/${signal}`, signal] as const)))
}

class HttpDoor implements Door {
  endpoint = ''
  private readonly context: HttpContext
  private readonly server: Server
  /** The exchange that the parser of a connection is reading or waiting for. */
  private readonly exchanges = new WeakMap<Duplex, HttpExchange>()
  private closing: Promise<void> | undefined

  constructor(context: HttpContext) {
    const { limits } = context
    this.context = context
    this.server = createServer({
      maxHeaderSize: headBytesMax,
      // The exchange looks itself: node would answer without a status body.
      requireHostHeader: false,
      // Of two credentials node would show us the first and hide the other.
      joinDuplicateHeaders: true,
      // So much of a body that nobody asked for is read, and a piece more; bodies that are taken flow past it.
      highWaterMark: unaskedBytesMax,
      headersTimeout: limits.headMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(checkMs, limits.headMs / 2, limits.requestMs / 2),
    })
    this.server.maxConnections = limits.connectionsMax
    // The exchange counts header lines itself: node would leave out the ones too many without a word.
    this.server.maxHeadersCount = 0
    this.server.on('request', (request, response) => this.serve(request, response, false))
    this.server.on('checkContinue', (request, response) => this.serve(request, response, true))
    this.server.on('checkExpectation', (request, response) => this.serve(request, response, false))
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.clientError(error, socket))
  }

  async listen(endpoint: string): Promise<void> {
    const { host, port } = splitEndpoint(endpoint)
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
    this.endpoint = withPort(endpoint, (this.server.address() as AddressInfo).port)
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.context.isClosing = true
      const timer = setTimeout(() => this.server.closeAllConnections(), graceMs)
      this.server.close(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    return this.closing
  }

  private serve(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const exchange = new HttpExchange(this.context, request, response, awaitsContinue)
    const { socket } = request
    this.exchanges.set(socket, exchange)
    void exchange.run().finally(() => {
      if (this.exchanges.get(socket) === exchange) this.exchanges.delete(socket)
    })
  }

  /** What the parser refused, or what took too long: answered like any other refusal, then the connection ends. */
  private clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || socket.destroyed) {
      socket.destroy()
      return
    }
    const refusal = parserRefusal(error)
    const exchange = this.exchanges.get(socket)
    if (exchange !== undefined) {
      exchange.fail(refusal)
      return
    }
    sendLast(socket, refusalAnswer(refusal, 'json', [['Content-Type', 'application/json']]))
    this.context.meter?.answered({ door: 'http', signal: undefined, refusal, bodyBytes: 0, durationMs: 0 })
  }
}

function parserRefusal(error: NodeJS.ErrnoException): Refusal {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal('headers_too_large', `request head larger than ${headBytesMax} bytes`, { cause: error })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('timeout', 'the request took too long to arrive', { cause: error })
    default:
      return new Refusal('bad_request', `not an HTTP/1.1 request: ${error.message}`, { cause: error })
  }
}
