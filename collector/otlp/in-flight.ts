// Counts the bytes of all request bodies in memory, so that many large ones at once are refused instead of held.

import { Refusal } from '../../schemas/refusal.ts'

export class InFlight {
  readonly bytesMax: number
  private used = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get bytes(): number {
    return this.used
  }

  /**
   * Admits a request that expects to be this large. The expectation is checked, not charged: what a
   * slow sender merely announces must not shut out others.
   * Throws Refusal('queue_full').
   */
  admit(bytesExpected: number): Lease {
    this.check(bytesExpected)
    return new Lease(this)
  }

  /** A request of which nothing is known yet. */
  lease(): Lease {
    return new Lease(this)
  }

  /** Throws Refusal('queue_full') when `bytes` more are too many. One request alone always fits. */
  check(bytes: number): void {
    if (this.used + bytes > this.bytesMax && this.used > 0) {
      throw new Refusal(
        'queue_full',
        `${this.used} bytes of requests are in flight, ${bytes} more would pass the limit of ${this.bytesMax}; send again later`,
      )
    }
  }

  /** For leases only. */
  move(bytes: number): void {
    this.used += bytes
  }
}

/** The bytes that one request holds. */
export class Lease {
  private readonly inFlight: InFlight
  private held = 0

  constructor(inFlight: InFlight) {
    this.inFlight = inFlight
  }

  /** Holds `bytes` more. Throws Refusal('queue_full') and holds what it held before. */
  add(bytes: number): void {
    const others = this.inFlight.bytes - this.held
    if (others > 0) this.inFlight.check(bytes)
    this.inFlight.move(bytes)
    this.held += bytes
  }

  /** Gives everything back. May be called twice. */
  release(): void {
    this.inFlight.move(-this.held)
    this.held = 0
  }
}
