// Reads the body of an HTTP request into one buffer, bounded while it arrives.

import type { IncomingMessage } from 'node:http'
import { Refusal } from '../../schemas/refusal.ts'
import type { Lease } from './in-flight.ts'

/** The announced size, undefined for a chunked body. A request without either has none, that is 0 bytes. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length)
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined
}

/** A body in memory that is used again after `release`. */
export interface Body {
  readonly bytes: Buffer
  /** The bytes are no longer read by anybody. May be called twice. */
  release(): void
}

/**
 * The whole body, the caller's until it releases it; undefined when the client went away first.
 * Rejects with Refusal `too_large` or `queue_full`; the request is then paused with the rest unread.
 */
export function readBody(request: IncomingMessage, bytesMax: number, lease: Lease): Promise<Body | undefined> {
  const announced = announcedBytes(request)
  const gathered = new Gathered(announced)
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
    }
    const onData = (piece: Buffer): void => {
      try {
        if (gathered.size + piece.length > bytesMax) throw tooLarge(bytesMax)
        lease.add(piece.length)
        gathered.add(piece)
      } catch (error) {
        stop()
        gathered.release()
        request.pause()
        reject(error)
      }
    }
    const onEnd = (): void => {
      stop()
      resolve(gathered)
    }
    const onClose = (): void => {
      stop()
      gathered.release()
      resolve(undefined)
    }
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  })
}

export function tooLarge(bytesMax: number): Refusal {
  return new Refusal('too_large', `the request is larger than ${bytesMax} bytes, the limit; send smaller batches`)
}

/**
 * The pieces of a body, copied into one buffer that grows with what has in fact arrived: keeping them would let a body in
 * pieces of one byte cost two hundred times its size, and trusting what is announced would let it be reserved for nothing.
 */
class Gathered implements Body {
  size = 0
  private readonly announced: number | undefined
  private memory: Buffer = none
  private isPooled = false

  constructor(announced: number | undefined) {
    this.announced = announced
  }

  get bytes(): Buffer {
    return this.memory.length === this.size ? this.memory : this.memory.subarray(0, this.size)
  }

  add(piece: Buffer): void {
    // Fast path: a body that came in one piece is that piece, which the parser does not use again.
    if (this.size === 0) this.memory = piece
    else {
      if (this.size + piece.length > this.memory.length) this.grow(piece.length)
      piece.copy(this.memory, this.size)
    }
    this.size += piece.length
  }

  release(): void {
    if (this.isPooled) spares.give(this.memory)
    this.isPooled = false
    this.memory = none
    this.size = 0
  }

  private grow(by: number): void {
    const { announced, memory, size } = this
    const wanted = Math.max(size + by, memory.length * 2, Math.min(announced ?? 0, trustedBytesMax))
    const isPooled = wanted <= trustedBytesMax
    const bigger = isPooled
      ? spares.take()
      : Buffer.allocUnsafeSlow(announced === undefined ? wanted : Math.min(wanted, announced))
    memory.copy(bigger, 0, 0, size)
    if (this.isPooled) spares.give(memory)
    this.memory = bigger
    this.isPooled = isPooled
  }
}

/** So much is reserved at once when it is announced; a body within it is copied once. */
const trustedBytesMax = 1024 * 1024

/** Buffers of `trustedBytesMax`: a fresh one for each request cost a tenth of the collector's time in garbage collection. */
class Spares {
  private readonly buffers: Buffer[] = []

  take(): Buffer {
    return this.buffers.pop() ?? Buffer.allocUnsafeSlow(trustedBytesMax)
  }

  give(buffer: Buffer): void {
    if (this.buffers.length < sparesMax) this.buffers.push(buffer)
  }
}

const sparesMax = 16
const spares = new Spares()
const none = Buffer.alloc(0)
