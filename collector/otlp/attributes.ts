// hot: KeyValue and AnyValue bytes → attribute columns of a batch.
//
//  KeyValue { string key = 1; AnyValue value = 2 }
//  AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
//             ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7 } }
// Source: opentelemetry-proto 1.11.0, common/v1.

import type { Cursor } from '../../schemas/protobuf.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { type SpanBatch, valueType } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'

/** What one trace request may hold; beyond it the whole request is refused for good. */
export const traceLimits = {
  itemsPerRequest: 100_000,
  attributesPerRequest: 2_000_000,
  attributesPerSpan: 1024,
  eventsPerSpan: 1024,
  linksPerSpan: 1024,
} as const

/** Reads attributes with the decoder's cursor into the batch; keys are guessed from their place in the span before. */
export class AttributeReader {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly cursor: Cursor
  private readonly double = new DataView(new ArrayBuffer(8))
  /** Key that followed each key the last time: spans of one scope repeat their attributes in order. */
  private following = new Int32Array(1024)
  private lastKey = 0
  private generation = 0

  constructor(batch: SpanBatch, strings: StringTable, cursor: Cursor) {
    this.batch = batch
    this.strings = strings
    this.cursor = cursor
  }

  /** Reads one length-delimited KeyValue at the cursor. An attribute without a key is passed over. */
  keyValue(): void {
    const { batch, cursor } = this
    batch.reserveAttribute()
    const index = batch.attributes
    if (index >= traceLimits.attributesPerRequest) {
      throw new Refusal('bad_request', `more than ${traceLimits.attributesPerRequest} attributes in one request`)
    }
    batch.attrRoom[index] = 0
    if (this.short(index)) return
    const outer = cursor.end
    cursor.end = cursor.enter()
    batch.attrType[index] = valueType.empty
    batch.attrStart[index] = 0
    batch.attrEnd[index] = 0
    batch.attrNumber[index] = 0
    let key = 0
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag === 10) {
        const end = cursor.enter()
        key = this.key(cursor.at, end)
        cursor.at = end
      } else if (tag === 18) {
        const end = cursor.end
        cursor.end = cursor.enter()
        this.anyValue(index)
        cursor.end = end
      } else cursor.skip(tag)
    }
    cursor.end = outer
    if (key === 0) return
    batch.attrKey[index] = key
    batch.attributes = index + 1
  }

  /**
   * Fast path: a key and a value, in this order and shorter than 128 bytes together, so that every size is one byte.
   * Nearly all attributes are. Anything else is left to the general reader.
   */
  private short(index: number): boolean {
    const { batch, cursor } = this
    const { bytes, at } = cursor
    const size = bytes[at]!
    const end = at + 1 + size
    if (size > 127 || size < 6 || end > cursor.end || bytes[at + 1] !== 10) return false
    const keyEnd = at + 3 + bytes[at + 2]!
    if (keyEnd + 4 > end || keyEnd === at + 3 || bytes[keyEnd] !== 18 || bytes[keyEnd + 1] !== end - keyEnd - 2)
      return false
    const start = keyEnd + 4
    switch (bytes[keyEnd + 2]) {
      case 10:
        if (bytes[keyEnd + 3] !== end - start) return false
        batch.attrType[index] = valueType.string
        batch.attrStart[index] = start
        break
      case 24: {
        const number = smallInteger(bytes, keyEnd + 3, end)
        if (number < 0) return false
        batch.attrType[index] = valueType.integer
        batch.attrStart[index] = keyEnd + 3
        batch.attrNumber[index] = number
        break
      }
      case 42:
        if (bytes[keyEnd + 3] !== end - start) return false
        batch.attrType[index] = valueType.array
        batch.attrStart[index] = start
        break
      default:
        return false
    }
    batch.attrKey[index] = this.key(at + 3, keyEnd)
    batch.attrEnd[index] = end
    batch.attributes = index + 1
    cursor.at = end
    return true
  }

  private key(start: number, end: number): number {
    const { cursor, strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.following.fill(0)
      this.lastKey = 0
    }
    const guess = this.following[this.lastKey]!
    const key = strings.intern(cursor.bytes, start, end, guess)
    if (key !== guess) {
      while (this.lastKey >= this.following.length || key >= this.following.length) {
        const bigger = new Int32Array(this.following.length * 2)
        bigger.set(this.following)
        this.following = bigger
      }
      this.following[this.lastKey] = key
    }
    this.lastKey = key
    return key
  }

  private anyValue(index: number): void {
    const { batch, cursor } = this
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      switch (tag) {
        case 10:
          this.range(index, valueType.string)
          break
        case 16:
          batch.attrType[index] = valueType.boolean
          batch.attrNumber[index] = cursor.varint() === 0 ? 0 : 1
          break
        case 24: {
          const start = cursor.at
          cursor.varint64()
          batch.attrType[index] = valueType.integer
          batch.attrStart[index] = start
          batch.attrEnd[index] = cursor.at
          batch.attrNumber[index] = (cursor.high | 0) * 4294967296 + cursor.low
          break
        }
        case 33:
          cursor.fixed64()
          this.double.setUint32(0, cursor.low, true)
          this.double.setUint32(4, cursor.high, true)
          batch.attrType[index] = valueType.double
          batch.attrNumber[index] = this.double.getFloat64(0, true)
          break
        case 42:
          this.range(index, valueType.array)
          break
        case 50:
          this.range(index, valueType.map)
          break
        case 58:
          this.range(index, valueType.bytes)
          break
        default:
          cursor.skip(tag)
      }
    }
  }

  private range(index: number, type: number): void {
    const { batch, cursor } = this
    const end = cursor.enter()
    batch.attrType[index] = type
    batch.attrStart[index] = cursor.at
    batch.attrEnd[index] = end
    cursor.at = end
  }
}

/** A varint of up to four bytes that fills `[at, end)`; -1 for any other. */
function smallInteger(bytes: Uint8Array, at: number, end: number): number {
  if (end - at > 4 || bytes[end - 1]! > 127) return -1
  let number = 0
  for (let i = at, shift = 0; i < end; i++, shift += 7) {
    const byte = bytes[i]!
    if (byte < 128 !== (i === end - 1)) return -1
    number |= (byte & 127) << shift
  }
  return number
}
