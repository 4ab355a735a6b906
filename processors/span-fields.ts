// hot: Finds, for one span at a time, the attribute that wins each canonical field, and moves text and counts to their
// columns. What a column holds word for word is not kept in `attributes` as well.

import { attributeText, onlyString, stringList } from '../schemas/any-value.ts'
import { attributeRoom, contentCount, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { isQuantity, usageUnitCount } from '../schemas/usage.ts'
import { fieldCount, fieldWay, placeOf, slotOf, wayOf } from './fields.ts'
import { type KeyTable, noSlot } from './key-table.ts'

const withoutAttribute = Int32Array.of(
  slotOf.temperature,
  slotOf.maxTokens,
  slotOf.totalTokens,
  slotOf.cacheWrite5mTokens,
  slotOf.extraInputTokens,
  slotOf.extraOutputTokens,
)

/** Winners of the span at hand; `forget` before the next one. */
export class SpanFields {
  /** Attribute that won each field, -1 for none. */
  readonly winners = new Int32Array(fieldCount).fill(-1)
  /** Value of each field that is a plain number, NaN for none. */
  readonly numbers = new Float64Array(fieldCount).fill(Number.NaN)
  /** Interned text of fields that a dialect's function found inside other attributes. */
  readonly told = new Map<number, number>()
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private readonly present = new Uint8Array(fieldCount)
  private presentCount = 0
  /** Row in which each key was last seen, to find keys sent twice. */
  private seenIn = new Int32Array(1024)

  constructor(batch: SpanBatch, strings: StringTable, keys: KeyTable) {
    this.batch = batch
    this.strings = strings
    this.keys = keys
  }

  /** Call once a batch, before its first span. */
  open(): void {
    this.keys.refresh()
    if (this.seenIn.length < this.keys.slots.length) this.seenIn = new Int32Array(this.keys.slots.length)
    this.seenIn.fill(-1)
  }

  /** Finds the winners of a row; returns the dialect that its attributes give away, -1 for none or when the scope is known. */
  collect(row: number, isScopeKnown: boolean): number {
    const { batch, keys, winners, seenIn } = this
    const { attrKey } = batch
    const { slots, ranks } = keys
    let marked = -1
    const to = batch.attrTo[row]!
    for (let i = batch.attrFrom[row]!; i < to; i++) {
      const key = attrKey[i]!
      let slot = slots[key]!
      if (slot === noSlot.unseen) slot = keys.resolve(key)
      if (!isScopeKnown) marked = keys.heavier(marked, key)
      if (seenIn[key] === row) this.dropEarlier(row, i)
      seenIn[key] = row
      if (slot === noSlot.leftover) continue
      if (slot === noSlot.content || wayOf[slot] === fieldWay.content) {
        batch.attrRoom[i] = attributeRoom.content
        batch.hasContent[row] = 1
        if (slot === noSlot.content) continue
      }
      const winner = winners[slot]!
      if (winner < 0) {
        this.present[this.presentCount++] = slot
        winners[slot] = i
      } else if (ranks[key]! <= ranks[attrKey[winner]!]!) winners[slot] = i
    }
    return keys.dialectOfMark(marked)
  }

  /** Writes the fields that are present to their columns. */
  store(row: number): void {
    const { batch, winners } = this
    for (let p = 0; p < this.presentCount; p++) {
      const slot = this.present[p]!
      const i = winners[slot]!
      switch (wayOf[slot]) {
        case fieldWay.low:
          this.storeLow(row, slot, i)
          break
        case fieldWay.text:
          this.storeText(row, slot, i)
          break
        case fieldWay.usage: {
          const value = this.numberOf(i)
          if (isQuantity(placeOf[slot]!, value)) batch.usage[row * usageUnitCount + placeOf[slot]!] = value
          else batch.badUsage[row] = 1
          break
        }
        case fieldWay.number:
          this.numbers[slot] = this.numberOf(i)
          break
        case fieldWay.content:
          batch.contentAttr[row * contentCount + placeOf[slot]!] = i
          break
        default:
          break
      }
    }
  }

  /** True when the span carries a field that only a dialect's own function can read. */
  hasRaw(): boolean {
    for (let p = 0; p < this.presentCount; p++) if (wayOf[this.present[p]!] === fieldWay.raw) return true
    return false
  }

  forget(): void {
    for (let p = 0; p < this.presentCount; p++) {
      const slot = this.present[p]!
      this.winners[slot] = -1
      this.numbers[slot] = Number.NaN
    }
    // A dialect's function may have set these without an attribute of that field.
    for (let i = 0; i < withoutAttribute.length; i++) this.numbers[withoutAttribute[i]!] = Number.NaN
    if (this.told.size > 0) this.told.clear()
    this.presentCount = 0
  }

  numberOf(i: number): number {
    const { batch } = this
    switch (batch.attrType[i]) {
      case valueType.integer:
      case valueType.double:
        return batch.attrNumber[i]!
      case valueType.string: {
        const sent = attributeText(batch, i).trim()
        return numberOfText(sent)
      }
      case valueType.array: {
        // A header of an answer, as HTTP instrumentations record it: a list of one.
        const members = stringList(batch, i)
        return members?.length === 1 ? numberOfText(members[0]!.trim()) : Number.NaN
      }
      default:
        return Number.NaN
    }
  }

  /** Text of the attribute that won a field, empty when none did. */
  sent(slot: number): string {
    const winner = this.winners[slot]!
    return winner < 0 ? '' : attributeText(this.batch, winner)
  }

  /** Interned text of any attribute; `guess` is an id that is likely. */
  interned(i: number, guess = 0): number {
    const { batch, strings } = this
    if (batch.attrType[i] !== valueType.string) return strings.internText(attributeText(batch, i))
    return strings.intern(batch.bytes, batch.attrStart[i]!, batch.attrEnd[i]!, guess)
  }

  /** Marks an attribute as held by a column, when the column is shown again under the attribute's name. */
  moved(i: number): void {
    if (this.keys.isShown(this.batch.attrKey[i]!)) this.batch.attrRoom[i] = attributeRoom.column
  }

  /** The same for a field's winner, when it was sent as `type`. */
  movedAs(slot: number, type: number): void {
    const i = this.winners[slot]!
    if (i >= 0 && this.batch.attrType[i] === type) this.moved(i)
  }

  private storeLow(row: number, slot: number, i: number): void {
    const { batch } = this
    const column = batch.low[placeOf[slot]!]!
    // The row before is the likely value: spans of a request resemble each other.
    const guess = row > 0 ? column[row - 1]! : 0
    switch (batch.attrType[i]) {
      case valueType.string:
        column[row] = this.interned(i, guess)
        this.moved(i)
        break
      case valueType.array:
        this.storeList(row, slot, i, guess)
        break
      case valueType.empty:
        break
      default:
        column[row] = this.interned(i)
    }
  }

  /** Finish reasons come as a list; nearly always of one. */
  private storeList(row: number, slot: number, i: number, guess: number): void {
    const { batch, strings } = this
    const column = batch.low[placeOf[slot]!]!
    const only = onlyString(batch, i)
    if (only >= 0) {
      column[row] = strings.intern(batch.bytes, only, batch.attrEnd[i]!, guess)
      this.moved(i)
      return
    }
    const members = stringList(batch, i)
    column[row] = strings.internText(members === undefined ? attributeText(batch, i) : members.join(','))
  }

  private storeText(row: number, slot: number, i: number): void {
    const { batch } = this
    if (batch.attrType[i] === valueType.string) {
      batch.setText(placeOf[slot]!, row, batch.attrStart[i]!, batch.attrEnd[i]!)
      this.moved(i)
    } else if (batch.attrType[i] !== valueType.empty) {
      const { start, end } = batch.addText(attributeText(batch, i))
      batch.setText(placeOf[slot]!, row, start, end)
    }
  }

  /** A key sent twice: the last one counts, in every encoding. */
  private dropEarlier(row: number, last: number): void {
    const { batch } = this
    for (let i = batch.attrFrom[row]!; i < last; i++) {
      if (batch.attrKey[i] === batch.attrKey[last]) batch.attrRoom[i] = attributeRoom.dropped
    }
  }
}

export function numberOfText(sent: string): number {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(sent) ? Number(sent) : Number.NaN
}
