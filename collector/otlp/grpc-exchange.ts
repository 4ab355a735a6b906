// One call of the OTLP/gRPC door and its status: admitted by its metadata, bounded while it arrives, handed over, answered.

import type { ServerInterceptingCallInterface, ServerListener, StatusObject } from '@grpc/grpc-js'
import { status as grpcStatus, Metadata } from '@grpc/grpc-js'
import { Refusal, refusalOf } from '../../schemas/refusal.ts'
import type { DoorContext, RequestHeaders, Signal } from './door.ts'
import { contentCoding, inflate } from './encoding.ts'
import { type CallSeams, callSeams, widenWindow } from './grpc-seams.ts'
import type { Lease } from './in-flight.ts'
import { encodeOutcome, encodeStatus, retryAfterSeconds, shorten } from './status.ts'

/** Trailers must fit where some clients give them 8 KiB in all, and the message is in them three times. */
const messageBytesMax = 1024

/** How long a stream that was refused for slowness may stay before it is reset. */
const lingerMs = 1000

/** grpc-js keeps each DATA frame until its message is whole, at some 200 bytes apiece: many tiny ones are an attack. */
const pieceBytesMin = 256
const piecesFree = 1024

type AnswerStatus = Pick<StatusObject, 'code' | 'details'> & { readonly metadata: Metadata | null }

export class GrpcExchange {
  readonly listener: ServerListener
  private readonly context: DoorContext
  private readonly signal: Signal | undefined
  private readonly call: ServerInterceptingCallInterface
  private readonly seams: CallSeams | undefined
  private readonly lease: Lease
  private readonly timer: NodeJS.Timeout
  private readonly startedMs = performance.now()
  private project = ''
  private bodyBytes = 0
  /** Why this call is refused, once it is. */
  private refusal: Refusal | undefined
  private isHanded = false
  private isEnded = false

  /** `signal` is undefined for calls that are not OTLP; they are bounded in size and time alike. */
  constructor(context: DoorContext, signal: Signal | undefined, call: ServerInterceptingCallInterface) {
    this.context = context
    this.signal = signal
    this.call = call
    this.lease = context.inFlight.lease()
    this.seams = callSeams(call)
    this.timer = setTimeout(() => this.tooSlow(), context.limits.requestMs)
    this.listener = {
      onReceiveMetadata: (metadata, next) => {
        if (this.admit(metadata)) next(metadata)
      },
      onReceiveHalfClose: (next) => {
        clearTimeout(this.timer)
        next()
      },
      onCancel: () => this.end(),
    }
    this.watchStatus()
    if (this.seams !== undefined) this.watchMessage(this.seams)
  }

  /** Hands the body to the receiver; resolves with the answer's bytes, rejects with the status to send. */
  async hand(signal: 'traces' | 'logs', body: Buffer): Promise<Buffer> {
    this.isHanded = true
    this.bodyBytes = body.length
    try {
      return encodeOutcome(signal, await this.context.receiver[signal](body, this.project), 'protobuf')
    } catch (error) {
      throw this.statusOf(refusalOf(error))
    } finally {
      this.lease.release()
    }
  }

  /** Sends a refusal unless the call has ended. */
  refuse(refusal: Refusal): void {
    if (!this.isEnded) this.call.sendStatus(this.statusOf(refusal))
  }

  private admit(metadata: Metadata): boolean {
    const { context } = this
    try {
      if (this.seams === undefined) throw new Refusal('internal', 'grpc-js has changed inside, the door stays shut')
      if (this.signal === undefined) return true
      if (context.isClosing) throw new Refusal('shutting_down', 'this collector is shutting down; send again')
      this.project = context.project(headersOf(metadata), addressOf(this.call.getPeer()))
      if (context.asksKeys) widenWindow(this.seams)
      if (this.signal === 'metrics') {
        throw new Refusal(
          'unimplemented_signal',
          'metrics are not stored here; send traces and logs, turn the metrics exporter off',
        )
      }
      return true
    } catch (error) {
      this.refuse(refusalOf(error))
      return false
    }
  }

  /** Every status passes here, those that grpc-js makes itself too. */
  private watchStatus(): void {
    const { call } = this
    const send = call.sendStatus.bind(call)
    call.sendStatus = (status) => {
      if (!this.isEnded) {
        if (status.code !== grpcStatus.OK) this.refusal ??= foreignRefusal(status.code ?? 0, status.details ?? '')
        this.report()
        this.end()
      }
      send(status)
    }
  }

  private watchMessage(seams: CallSeams): void {
    // grpc-js has a listener of its own and keeps the stream paused until it wants data, so this one only counts.
    const { bodyBytesMax } = this.context.limits
    let pieces = 0
    seams.stream.on('data', (piece: Buffer) => {
      if (this.isEnded) return
      try {
        if (++pieces > piecesFree + bodyBytesMax / pieceBytesMin) {
          throw new Refusal(
            'too_large',
            `a message of ${pieces} pieces, most of them smaller than ${pieceBytesMin} bytes`,
          )
        }
        this.lease.add(piece.length)
      } catch (error) {
        this.refuse(refusalOf(error))
      }
    })
    seams.decompressMessage = async (frame, coding) => {
      try {
        const message = frame.subarray(5)
        const body = await inflate(message, contentCoding(coding), this.context.limits.bodyBytesMax)
        if (body !== message) this.lease.add(body.length)
        return body
      } catch (error) {
        throw this.statusOf(refusalOf(error))
      }
    }
  }

  private tooSlow(): void {
    this.refuse(new Refusal('timeout', `the request took longer than ${this.context.limits.requestMs} ms to arrive`))
    const stream = this.seams?.stream
    if (stream === undefined) return
    const timer = setTimeout(() => stream.close(), lingerMs)
    stream.once('close', () => clearTimeout(timer))
  }

  private statusOf(refusal: Refusal): AnswerStatus {
    this.refusal ??= refusal
    const short = new Refusal(refusal.reason, shorten(refusal.message, messageBytesMax))
    const metadata = new Metadata()
    if (refusal.rule.retryable || refusal.reason === 'bad_request') {
      metadata.set('grpc-status-details-bin', encodeStatus(short, 'protobuf', retryAfterSeconds()))
    }
    return { code: refusal.rule.grpc, details: short.message, metadata }
  }

  private report(): void {
    const { signal, refusal, bodyBytes } = this
    if (signal === undefined) return
    const durationMs = performance.now() - this.startedMs
    this.context.meter?.answered({ door: 'grpc', signal, refusal, bodyBytes, durationMs })
  }

  /** Answered, or given up by its client. What the receiver still works on stays counted until it is done. */
  private end(): void {
    this.isEnded = true
    clearTimeout(this.timer)
    if (!this.isHanded) this.lease.release()
  }
}

/** A status that grpc-js made by itself, as the reason it has in our books. */
function foreignRefusal(code: number, details: string): Refusal {
  if (code === grpcStatus.RESOURCE_EXHAUSTED) return new Refusal('too_large', details)
  if (code === grpcStatus.DEADLINE_EXCEEDED) return new Refusal('timeout', details)
  return new Refusal('bad_request', details)
}

/** `127.0.0.1:50123`, `[::1]:50123` or `::1:50123` → the address. */
function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

function headersOf(metadata: Metadata): RequestHeaders {
  const headers: Record<string, string | readonly string[]> = Object.create(null)
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    const texts = values.filter((value) => typeof value === 'string')
    headers[name] = texts.length === 1 ? texts[0]! : texts
  }
  return headers
}
