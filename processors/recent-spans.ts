// hot: Which spans came lately, so that one an exporter sends again is not counted again in the rollups: the table would fold
// the two rows, the materialised views add both. A span is known by its ids, times and size: one that was sent again with
// something changed is another row and is left to settling and reconciling.

import type { SpanBatch } from '../schemas/span-batch.ts'
import { RecentIds, wordAt, wordOfText } from './recent-ids.ts'

/** The span id, and 64 bits of trace id, project, times and size: a key is a quarter of a cache line. */
const keyWords = 4
const saidWords = 10

/** Bounded; remembers at least the `capacity / 2` newest spans. Owns its memory: 34 bytes a span at the default, 68 at most. */
export class RecentSpans {
  /** Raised when everything was forgotten: what was found before that may not be relied on. */
  epoch = 0
  private readonly ids: RecentIds
  private project = 0
  private readonly said = new Uint32Array(saidWords)
  /** Slots that the request at hand took, and what `moves` was then. */
  private readonly added: number[] = []
  private movesBefore = 0

  constructor(capacity = 1 << 19) {
    this.ids = new RecentIds({ keyWords, capacity })
  }

  /** The spans that follow are of one request of this project. */
  open(project: string): void {
    this.added.length = 0
    this.movesBefore = this.ids.moves
    this.project = wordOfText(project)
  }

  /** Whether the span in `row`, of so many bytes on the wire, came lately; if not, it is remembered. */
  seen(batch: SpanBatch, row: number, size: number): boolean {
    this.readKey(batch, row, size)
    if (this.ids.find()) return true
    this.added.push(this.ids.add())
    return false
  }

  /** The request is refused: its spans did not come. */
  takeBack(): void {
    if (this.ids.moves !== this.movesBefore) this.forget()
    else for (const slot of this.added) this.ids.remove(slot)
    this.added.length = 0
  }

  /** What was remembered may not have been stored. */
  forget(): void {
    this.epoch++
    this.ids.forget()
  }

  private readKey(batch: SpanBatch, row: number, size: number): void {
    const { said } = this
    const { key } = this.ids
    const { bytes } = batch
    const trace = batch.tracePos[row]!
    const span = batch.spanPos[row]!
    key[0] = wordAt(bytes, span)
    key[1] = wordAt(bytes, span + 4)
    said[0] = this.project
    said[1] = size
    said[2] = batch.startLow[row]!
    said[3] = batch.startHigh[row]!
    said[4] = batch.endLow[row]!
    said[5] = batch.endHigh[row]!
    for (let i = 0; i < 4; i++) said[6 + i] = wordAt(bytes, trace + i * 4)
    let first = 0x811c9dc5
    let second = 0x2c1b3c6d
    for (let i = 0; i < saidWords; i++) {
      first = Math.imul(first ^ said[i]!, 0x01000193)
      second = Math.imul((second ^ said[i]!) + (second >>> 15), 0x85ebca6b)
    }
    key[2] = first
    key[3] = second
    this.ids.open()
  }
}
