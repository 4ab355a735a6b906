// Reads the body of an HTTP request into one buffer, bounded while it arrives, with at most one copy.

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

class Gathered {
  size = 0
  private readonly announced: number | undefined
  private filled: Buffer | undefined
  private readonly pieces: Buffer[] = []

  constructor(announced: number | undefined) {
    this.announced = announced
  }

  add(piece: Buffer): void {
    const { announced } = this
    // Fast path: a body that came in one piece is that piece, which the parser does not use again.
    if (announced === undefined || piece.length === announced) this.pieces.push(piece)
    else {
      this.filled ??= Buffer.allocUnsafeSlow(announced)
      piece.copy(this.filled, this.size)
    }
    this.size += piece.length
  }

  whole(): Buffer {
    if (this.filled !== undefined) return this.filled
    return this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces, this.size)
  }
}
