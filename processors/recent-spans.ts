// hot: Which spans came lately, so that one an exporter sends again is not counted again in the rollups: the table would fold
// the two rows, the materialised views add both. A span is known by its ids, times and size: one that was sent again with
// something changed is another row and is left to settling and reconciling.
//
//   two generations of open addressing; the older is dropped when the younger is full:
//   capacity   what both hold is between half and all of it      words   trace id 4, span id 2, fingerprint 1

import type { SpanBatch } from '../schemas/span-batch.ts'

const wordsPerSpan = 7
const slotsAtFirst = 1 << 12

const slotState = { free: 0, taken: 1, removed: 2 } as const

class Generation {
  words = new Uint32Array(slotsAtFirst * wordsPerSpan)
  states = new Uint8Array(slotsAtFirst)
  /** Slots that are not free. */
  count = 0
}

/** Bounded; remembers at least the `capacity / 2` newest spans. Owns its memory: 60 bytes a span at most. */
export class RecentSpans {
  /** Raised when everything was forgotten: what was found before that may not be relied on. */
  epoch = 0
  private young = new Generation()
  private old = new Generation()
  private readonly perGeneration: number
  private readonly key = new Uint32Array(wordsPerSpan)
  private project = 0
  /** Slots of the young generation that the request at hand took; `isMoved` when they are somewhere else by now. */
  private readonly added: number[] = []
  private isMoved = false

  constructor(capacity = 1 << 19) {
    this.perGeneration = Math.max(1, capacity >> 1)
  }

  /** The spans that follow are of one request of this project. */
  open(project: string): void {
    this.added.length = 0
    this.isMoved = false
    let hash = 0x811c9dc5
    for (let i = 0; i < project.length; i++) hash = Math.imul(hash ^ project.charCodeAt(i), 0x01000193)
    this.project = hash
  }

  /** Whether the span in `row`, of so many bytes on the wire, came lately; if not, it is remembered. */
  seen(batch: SpanBatch, row: number, size: number): boolean {
    this.readKey(batch, row, size)
    if (this.find(this.young) || this.find(this.old)) return true
    if (this.young.count >= this.perGeneration) {
      this.old = this.young
      this.young = new Generation()
      this.isMoved = true
    }
    this.add(this.young)
    return false
  }

  /** The request is refused: its spans did not come. */
  takeBack(): void {
    if (this.isMoved) this.forget()
    else for (const slot of this.added) this.young.states[slot] = slotState.removed
    this.added.length = 0
  }

  /** What was remembered may not have been stored. */
  forget(): void {
    this.epoch++
    this.young = new Generation()
    this.old = new Generation()
  }

  private readKey(batch: SpanBatch, row: number, size: number): void {
    const { key } = this
    const { bytes } = batch
    const trace = batch.tracePos[row]!
    const span = batch.spanPos[row]!
    for (let i = 0; i < 4; i++) key[i] = wordAt(bytes, trace + i * 4)
    key[4] = wordAt(bytes, span)
    key[5] = wordAt(bytes, span + 4)
    let mark = this.project
    mark = Math.imul(mark ^ batch.startLow[row]!, 0x01000193)
    mark = Math.imul(mark ^ batch.startHigh[row]!, 0x01000193)
    mark = Math.imul(mark ^ batch.endLow[row]!, 0x01000193)
    mark = Math.imul(mark ^ batch.endHigh[row]!, 0x01000193)
    key[6] = Math.imul(mark ^ size, 0x01000193)
  }

  private find(generation: Generation): boolean {
    const { key } = this
    const { words, states } = generation
    const mask = states.length - 1
    for (let slot = this.place() & mask; states[slot] !== slotState.free; slot = (slot + 1) & mask) {
      if (states[slot] === slotState.removed) continue
      const from = slot * wordsPerSpan
      let i = 0
      while (i < wordsPerSpan && words[from + i] === key[i]) i++
      if (i === wordsPerSpan) return true
    }
    return false
  }

  private add(generation: Generation): void {
    if ((generation.count + 1) * 2 > generation.states.length) {
      grow(generation)
      this.isMoved = true
    }
    const { words, states } = generation
    const mask = states.length - 1
    let slot = this.place() & mask
    while (states[slot] !== slotState.free) slot = (slot + 1) & mask
    states[slot] = slotState.taken
    words.set(this.key, slot * wordsPerSpan)
    generation.count++
    this.added.push(slot)
  }

  private place(): number {
    return placeOf(this.key, 0)
  }
}

function grow(generation: Generation): void {
  const { words, states } = generation
  const size = states.length * 2
  const grown = { words: new Uint32Array(size * wordsPerSpan), states: new Uint8Array(size) }
  let count = 0
  for (let slot = 0; slot < states.length; slot++) {
    if (states[slot] !== slotState.taken) continue
    const from = slot * wordsPerSpan
    let to = placeOf(words, from) & (size - 1)
    while (grown.states[to] !== slotState.free) to = (to + 1) & (size - 1)
    grown.states[to] = slotState.taken
    grown.words.set(words.subarray(from, from + wordsPerSpan), to * wordsPerSpan)
    count++
  }
  generation.words = grown.words
  generation.states = grown.states
  generation.count = count
}

/** Ids are random, but need not be: emitters count. */
function placeOf(words: Uint32Array, from: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < wordsPerSpan; i++) hash = Math.imul(hash ^ words[from + i]!, 0x01000193)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
