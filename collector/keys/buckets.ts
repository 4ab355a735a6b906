// How often something may happen to each of many: token buckets by name, bounded in number. Time is monotonic.

/** Between so many names and twice as many are remembered; who is forgotten, of those not heard of longest, starts full again. */
const namesMax = 10_000

interface Level {
  tokens: number
  atMs: number
}

export class Buckets {
  private readonly nowMs: () => number
  /** Two generations: when the younger is full the older goes as a whole. */
  private young = new Map<string, Level>()
  private old = new Map<string, Level>()

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Takes one of the `perMinute` tokens of `name`, of which all may be taken at once; 0, or the seconds until there is one. */
  take(name: string, perMinute: number): number {
    const now = this.nowMs()
    const level = this.levelOf(name) ?? this.remember(name, { tokens: perMinute, atMs: now })
    level.tokens = Math.min(perMinute, level.tokens + ((now - level.atMs) * perMinute) / 60_000)
    level.atMs = now
    if (level.tokens < 1) return Math.ceil(((1 - level.tokens) * 60) / perMinute)
    level.tokens--
    return 0
  }

  private levelOf(name: string): Level | undefined {
    const known = this.young.get(name)
    if (known !== undefined) return known
    const level = this.old.get(name)
    return level === undefined ? undefined : this.remember(name, level)
  }

  private remember(name: string, level: Level): Level {
    if (this.young.size >= namesMax) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(name, level)
    return level
  }
}

/** An address as far as one sender has it to itself: the whole of IPv4, the network of IPv6. */
export function senderOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
