// One HTTP request of the OTLP door and its answer: admit by the head, read, inflate, transcode, hand over, answer.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, refusalOf } from '../../schemas/refusal.ts'
import type { Cors, HeaderLine } from './cors.ts'
import type { DoorContext, ExportOutcome, Signal } from './door.ts'
import { codingsTaken, contentCoding, inflate } from './encoding.ts'
import { type HttpAnswer, sendAnswer, sendLast } from './http-answer.ts'
import { announcedBytes, readBody, tooLarge } from './http-body.ts'
import type { Lease } from './in-flight.ts'
import { transcodeLogs, transcodeTraces } from './json.ts'
import { type Encoding, encodeOutcome, encodeStatus, retryAfterSeconds } from './status.ts'

/** More header lines than any client sends; the parser bounds their bytes, not their number. */
const headerLinesMax = 200

export interface HttpContext extends DoorContext {
  readonly cors: Cors
  /** Path without trailing slash → signal. */
  readonly routes: ReadonlyMap<string, Signal>
}

const encodings = new Map<string, Encoding>([
  ['application/x-protobuf', 'protobuf'],
  ['application/protobuf', 'protobuf'],
  ['application/json', 'json'],
])

export class HttpExchange {
  private readonly context: HttpContext
  private readonly request: IncomingMessage
  private readonly response: ServerResponse
  private readonly awaitsContinue: boolean
  private readonly startedMs = performance.now()
  private readonly mediaType: string
  /** Undefined: not one we speak; the answer is then JSON. */
  private readonly encoding: Encoding | undefined
  private signal: Signal | undefined
  private lease: Lease | undefined
  private bodyBytes = 0
  private isAnswered = false
  private isLast = false

  constructor(context: HttpContext, request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.context = context
    this.request = request
    this.response = response
    this.awaitsContinue = awaitsContinue
    this.mediaType = mediaType(request.headers['content-type'])
    this.encoding = encodings.get(this.mediaType)
  }

  /** Settles when the request is answered or its client has gone. Never rejects. */
  async run(): Promise<void> {
    try {
      const preflight =
        this.request.method === 'OPTIONS' ? this.context.cors.preflight(this.request.headers) : undefined
      if (preflight !== undefined) this.send({ status: 204, headers: preflight, body: Buffer.alloc(0) })
      else await this.take()
    } catch (error) {
      this.refuse(refusalOf(error))
    } finally {
      this.lease?.release()
    }
  }

  /** The parser gave up on this connection, or a time ran out. A request that is whole is still answered. */
  fail(refusal: Refusal): void {
    this.isLast = true
    if (!this.request.complete) this.refuse(refusal)
  }

  private async take(): Promise<void> {
    const { context, request } = this
    const signal = this.admit()
    const project = context.project(request.headers, request.socket.remoteAddress ?? '')
    if (signal === 'metrics') {
      throw new Refusal(
        'unimplemented_signal',
        'metrics are not stored here; send traces and logs, turn the metrics exporter off',
      )
    }
    const { encoding } = this
    if (encoding === undefined) {
      throw new Refusal(
        'unsupported_media_type',
        `content type "${this.mediaType.slice(0, 64)}" is not taken, send application/x-protobuf or application/json`,
      )
    }
    const coding = contentCoding(request.headers['content-encoding'])
    const { bodyBytesMax } = context.limits
    const announced = announcedBytes(request) ?? 0
    if (announced > bodyBytesMax) throw tooLarge(bodyBytesMax)
    this.lease = context.inFlight.admit(announced)
    if (this.awaitsContinue) this.response.writeContinue()
    const body = await readBody(request, bodyBytesMax, this.lease)
    if (body === undefined) return
    let handed: Promise<ExportOutcome>
    try {
      const sent = body.bytes
      const inflating = inflate(sent, coding, bodyBytesMax)
      const inflated = inflating instanceof Promise ? await inflating : inflating
      if (inflated !== sent) this.lease.add(inflated.length)
      handed = this.hand(signal, encoding, inflated, project)
    } finally {
      // A receiver is done with the bytes when its call returns, long before the rows are durable.
      body.release()
    }
    this.succeed(signal, await handed)
  }

  /** Checks the head but for credentials; returns which signal the request is for. */
  private admit(): Signal {
    const { context, request } = this
    if (request.rawHeaders.length > headerLinesMax * 2) {
      throw new Refusal('headers_too_large', `more than ${headerLinesMax} header lines`)
    }
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      throw new Refusal('bad_request', 'an HTTP/1.1 request names its host')
    }
    const path = pathOf(request.url ?? '/')
    this.signal = context.routes.get(path)
    if (this.signal === undefined) {
      const known = [...context.routes.keys()].filter((route) => !route.endsWith('/metrics'))
      throw new Refusal('not_found', `nothing is served at "${path.slice(0, 128)}"; OTLP goes to ${known.join(' or ')}`)
    }
    if (request.method !== 'POST') {
      throw new Refusal('method_not_allowed', `${request.method} is not taken at ${path}, OTLP is POST`)
    }
    if (context.isClosing) throw new Refusal('shutting_down', 'this collector is shutting down; send again')
    return this.signal
  }

  private async hand(
    signal: 'traces' | 'logs',
    encoding: Encoding,
    body: Buffer,
    project: string,
  ): Promise<ExportOutcome> {
    const { receiver } = this.context
    this.bodyBytes = body.length
    if (encoding === 'protobuf') return receiver[signal](body, project)
    const request = signal === 'traces' ? transcodeTraces(body) : transcodeLogs(body)
    const outcome = await receiver[signal](request.body, project)
    return outcome.message === '' ? { rejected: outcome.rejected, message: request.warning } : outcome
  }

  private succeed(signal: 'traces' | 'logs', outcome: ExportOutcome): void {
    const body = encodeOutcome(signal, outcome, this.encoding ?? 'json')
    this.send({ status: 200, headers: this.headers(), body })
    this.report(undefined)
  }

  private refuse(refusal: Refusal): void {
    if (this.isAnswered) return
    const answer = refusalAnswer(refusal, this.encoding ?? 'json', this.headers())
    this.send(answer)
    this.report(refusal)
  }

  private headers(): HeaderLine[] {
    const type = this.encoding === undefined ? 'application/json' : this.mediaType
    return [['Content-Type', type], ...this.context.cors.headers(this.request.headers)]
  }

  private send(answer: HttpAnswer): void {
    if (this.isAnswered) return
    this.isAnswered = true
    if (this.response.destroyed) return
    if (this.isLast && !this.request.complete) {
      // The parser gave up. When an earlier answer is still owed on this connection, ours would be taken for it.
      if (this.response.socket === null) this.request.socket.destroy()
      else sendLast(this.request.socket, answer)
    } else sendAnswer(this.request, this.response, answer, this.isLast || this.context.isClosing)
  }

  private report(refusal: Refusal | undefined): void {
    const { signal, bodyBytes } = this
    const durationMs = performance.now() - this.startedMs
    this.context.meter?.answered({ door: 'http', signal, refusal, bodyBytes, durationMs })
  }
}

/** A refusal as HTTP; `headers` say its content type. */
export function refusalAnswer(refusal: Refusal, encoding: Encoding, headers: readonly HeaderLine[]): HttpAnswer {
  const retrySeconds = refusal.retryAfterSeconds ?? retryAfterSeconds()
  const lines = [...headers]
  if (refusal.rule.retryable || refusal.retryAfterSeconds !== undefined)
    lines.push(['Retry-After', String(retrySeconds)])
  if (refusal.reason === 'method_not_allowed') lines.push(['Allow', 'POST'])
  if (refusal.reason === 'unauthenticated') lines.push(['WWW-Authenticate', 'Bearer'])
  if (refusal.reason === 'unsupported_encoding') lines.push(['Accept-Encoding', codingsTaken])
  return { status: refusal.rule.http, headers: lines, body: encodeStatus(refusal, encoding, retrySeconds) }
}

/** `Application/JSON; charset=UTF-8` → `application/json`; a charset that is not UTF-8 stays, so it matches nothing. */
function mediaType(header: string | undefined): string {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';')
  for (const parameter of parameters) {
    const [, charset] = /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter) ?? []
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
      return `${type.trim()}; charset=${charset}`
    }
  }
  return type.trim()
}

/** The path of a request target, without query and trailing slash. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '')
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
