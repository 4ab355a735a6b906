// How often something may happen to each of many: token buckets by name, bounded in number. Time is monotonic.

/** So many names are remembered; whoever was not heard of longest is forgotten, that is, starts full again. */
const namesMax = 20_000

export class Buckets {
  private readonly nowMs: () => number
  private readonly levels = new Map<string, { tokens: number; atMs: number }>()

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Takes one of the `perMinute` tokens of `name`, of which all may be taken at once; 0, or the seconds until there is one. */
  take(name: string, perMinute: number): number {
    const now = this.nowMs()
    const known = this.levels.get(name)
    const tokens = known === undefined ? perMinute : refilled(known, now, perMinute)
    this.levels.delete(name)
    const isTaken = tokens >= 1
    this.levels.set(name, { tokens: isTaken ? tokens - 1 : tokens, atMs: now })
    for (const oldest of this.levels.keys()) {
      if (this.levels.size <= namesMax) break
      this.levels.delete(oldest)
    }
    return isTaken ? 0 : Math.ceil(((1 - tokens) * 60) / perMinute)
  }
}

function refilled({ tokens, atMs }: { tokens: number; atMs: number }, now: number, perMinute: number): number {
  return Math.min(perMinute, tokens + ((now - atMs) * perMinute) / 60_000)
}

/** An address as far as one sender has it to itself: the whole of IPv4, the network of IPv6. */
export function senderOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
}
