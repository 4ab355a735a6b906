// Metadata that an instrumentation sends as one JSON object, `metadata` of OpenInference for one: each of its members counts as an
// attribute `<its name>.<member>` would.

import { attributeText } from '../schemas/any-value.ts'
import { attributeRoom, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { attributionFields } from './attribution.ts'
import { fieldCount, fieldWay, placeOf, slotOf, wayOf } from './fields.ts'
import { jsonObject } from './json-text.ts'
import type { KeyTable } from './key-table.ts'
import type { SpanFields } from './span-fields.ts'

const bytesMax = 32 * 1024

const isAttribution = new Uint8Array(fieldCount)
for (const field of Object.values(attributionFields)) isAttribution[slotOf[field]] = 1

export class SpanMetadata {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private readonly fields: SpanFields

  constructor(batch: SpanBatch, strings: StringTable, keys: KeyTable, fields: SpanFields) {
    this.batch = batch
    this.strings = strings
    this.keys = keys
    this.fields = fields
  }

  /** Fills the attribution of a row from its metadata, where no attribute says it better. */
  run(row: number): void {
    const { batch, fields, keys, strings } = this
    const at = fields.winners[slotOf.metadataJson]!
    if (at < 0 || batch.attrType[at] !== valueType.string || batch.attrRoom[at] === attributeRoom.dropped) return
    if (batch.attrEnd[at]! - batch.attrStart[at]! > bytesMax) return
    const members = jsonObject(attributeText(batch, at))
    if (members === undefined) return
    const prefix = `${strings.text(batch.attrKey[at]!)}.`
    const ranks = new Map<number, number>()
    for (const [name, value] of Object.entries(members)) {
      if ((typeof value !== 'string' && typeof value !== 'number') || value === '') continue
      const meaning = keys.meaningOf(prefix + name)
      if (meaning === undefined || isAttribution[meaning.slot] === 0) continue
      const winner = fields.winners[meaning.slot]!
      const best = Math.min(
        ranks.get(meaning.slot) ?? Number.POSITIVE_INFINITY,
        winner < 0 ? Number.POSITIVE_INFINITY : keys.ranks[batch.attrKey[winner]!]!,
      )
      if (best <= meaning.rank) continue
      ranks.set(meaning.slot, meaning.rank)
      this.put(row, meaning.slot, String(value))
    }
  }

  private put(row: number, slot: number, value: string): void {
    const { batch, strings } = this
    if (wayOf[slot] === fieldWay.low) batch.low[placeOf[slot]!]![row] = strings.internText(value)
    else {
      const { start, end } = batch.addText(value)
      batch.setText(placeOf[slot]!, row, start, end)
    }
  }
}
