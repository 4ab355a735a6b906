// hot: Which spans came lately, so that one an exporter sends again is not counted again in the rollups: the table would fold
// the two rows, the materialised views add both. A span is known by its ids, times and size: one that was sent again with
// something changed is another row and is left to settling and reconciling.

import type { SpanBatch } from '../schemas/span-batch.ts'
import { RecentIds, wordAt, wordOfText } from './recent-ids.ts'

/** Trace id 4, span id 2, project with times and size 1. */
const keyWords = 7

/** Bounded; remembers at least the `capacity / 2` newest spans. Owns its memory: 58 bytes a span at the default, 120 at most. */
export class RecentSpans {
  /** Raised when everything was forgotten: what was found before that may not be relied on. */
  epoch = 0
  private readonly ids: RecentIds
  private project = 0
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
    const { key } = this.ids
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
    this.ids.open()
  }
}
