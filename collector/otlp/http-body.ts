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

/**
 * The whole body, the caller's to keep; undefined when the client went away first.
 * Rejects with Refusal `too_large` or `queue_full`; the request is then paused with the rest unread.
 */
export function readBody(request: IncomingMessage, bytesMax: number, lease: Lease): Promise<Buffer | undefined> {
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
        request.pause()
        reject(error)
      }
    }
    const onEnd = (): void => {
      stop()
      resolve(gathered.whole())
    }
    const onClose = (): void => {
      stop()
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
class Gathered {
  size = 0
  private readonly announced: number | undefined
  private bytes: Buffer = none

  constructor(announced: number | undefined) {
    this.announced = announced
  }

  add(piece: Buffer): void {
    // Fast path: a body that came in one piece is that piece, which the parser does not use again.
    if (this.size === 0) this.bytes = piece
    else {
      if (this.size + piece.length > this.bytes.length) this.grow(piece.length)
      piece.copy(this.bytes, this.size)
    }
    this.size += piece.length
  }

  whole(): Buffer {
    return this.bytes.length === this.size ? this.bytes : this.bytes.subarray(0, this.size)
  }

  private grow(by: number): void {
    const { announced, bytes, size } = this
    const wanted = Math.max(size + by, bytes.length * 2, Math.min(announced ?? 0, trustedBytesMax))
    const bigger = Buffer.allocUnsafeSlow(announced === undefined ? wanted : Math.min(wanted, announced))
    bytes.copy(bigger, 0, 0, size)
    this.bytes = bigger
  }
}

const none = Buffer.alloc(0)

/** So much is reserved at once when it is announced; a body within it is copied once. */
const trustedBytesMax = 1024 * 1024
