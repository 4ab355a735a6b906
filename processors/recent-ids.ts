// hot: A bounded memory of the newest keys, each with a few words beside it; what falls out is the oldest. Ids, never content.
//
//   two generations of open addressing; the older is emptied and becomes the younger when that is full:
//   capacity   what both hold is between half and all of it      words   the key, then what is kept beside it
//   tags       a byte a slot, 7 bits of the hash: a key that was not seen before is told from nearly all others by it

const slotsAtFirst = 1 << 13
/** A generation grows in few steps: each looks up all of it again. */
const growth = 4

/** Of a slot that holds no key; from `firstTag` on it holds one with that part of its hash. */
const tagOf = { free: 0, removed: 1 } as const
const firstTag = 2

/** Place of a key that was found; -1 for none. */
export type Slot = number

class Generation {
  words: Uint32Array
  tags = new Uint8Array(slotsAtFirst)
  /** Slots that are not free. */
  count = 0

  constructor(wordsPerSlot: number) {
    this.words = new Uint32Array(slotsAtFirst * wordsPerSlot)
  }
}

/**
 * Remembers at least the `capacity / 2` newest keys of `keyWords` words. Set `key` (all of its words, those beside it too), then
 * ask or add. Owns its memory: two generations of at most 2 (4 where the capacity is no power of four) slots a key.
 */
export class RecentIds {
  readonly key: Uint32Array
  /** Raised when slots that were given out are somewhere else. */
  moves = 0
  private readonly keyWords: number
  private readonly perGeneration: number
  private hash = 0
  private young: Generation
  private old: Generation

  constructor(sizes: { readonly keyWords: number; readonly wordsBeside?: number; readonly capacity: number }) {
    this.keyWords = sizes.keyWords
    this.key = new Uint32Array(sizes.keyWords + (sizes.wordsBeside ?? 0))
    this.perGeneration = Math.max(1, sizes.capacity >> 1)
    this.young = new Generation(this.key.length)
    this.old = new Generation(this.key.length)
  }

  /** Call once `key` is set, before any other. */
  open(): void {
    this.hash = hashOf(this.key, 0, this.keyWords)
  }

  /** Whether the key is known; then `key` holds what is kept beside it. */
  find(): boolean {
    return this.findIn(this.young) || this.findIn(this.old)
  }

  /** Keeps the key, which must not be known; its slot among the younger half. */
  add(): Slot {
    if (this.young.count >= this.perGeneration) {
      const emptied = this.old
      emptied.tags.fill(tagOf.free)
      emptied.count = 0
      this.old = this.young
      this.young = emptied
      this.moves++
    }
    const generation = this.young
    if ((generation.count + 1) * 2 > generation.tags.length) this.grow(generation)
    const { key, hash } = this
    const { words, tags } = generation
    const slot = freeSlot(tags, hash)
    tags[slot] = tagIn(hash)
    for (let i = 0, at = slot * key.length; i < key.length; i++) words[at + i] = key[i]!
    generation.count++
    return slot
  }

  /** Takes back a slot that `add` gave out, if nothing has moved since. */
  remove(slot: Slot): void {
    this.young.tags[slot] = tagOf.removed
  }

  forget(): void {
    this.moves++
    this.young = new Generation(this.key.length)
    this.old = new Generation(this.key.length)
  }

  private findIn({ words, tags, count }: Generation): boolean {
    if (count === 0) return false
    const { key, hash, keyWords } = this
    const tag = tagIn(hash)
    const mask = tags.length - 1
    for (let slot = hash & mask; tags[slot] !== tagOf.free; slot = (slot + 1) & mask) {
      if (tags[slot] !== tag) continue
      const from = slot * key.length
      let i = 0
      while (i < keyWords && words[from + i] === key[i]) i++
      if (i < keyWords) continue
      for (; i < key.length; i++) key[i] = words[from + i]!
      return true
    }
    return false
  }

  private grow(generation: Generation): void {
    const width = this.key.length
    const { words, tags } = generation
    const size = tags.length * growth
    const grownWords = new Uint32Array(size * width)
    const grownTags = new Uint8Array(size)
    let count = 0
    for (let slot = 0; slot < tags.length; slot++) {
      if (tags[slot]! < firstTag) continue
      const from = slot * width
      const to = freeSlot(grownTags, hashOf(words, from, this.keyWords))
      grownTags[to] = tags[slot]!
      for (let i = 0; i < width; i++) grownWords[to * width + i] = words[from + i]!
      count++
    }
    generation.words = grownWords
    generation.tags = grownTags
    generation.count = count
    this.moves++
  }
}

/** Four bytes of an id. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function wordOfText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

function freeSlot(tags: Uint8Array, hash: number): number {
  const mask = tags.length - 1
  let slot = hash & mask
  while (tags[slot] !== tagOf.free) slot = (slot + 1) & mask
  return slot
}

/** The bits that place a key are the low ones. */
function tagIn(hash: number): number {
  return firstTag + (hash >>> 23)
}

/** 30 bits, which V8 holds without a box. Ids are random, but need not be: emitters count. */
function hashOf(words: Uint32Array, from: number, count: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ words[from + i]!, 0x01000193)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) & 0x3fffffff
}
