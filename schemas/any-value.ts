// The bytes of an OTLP AnyValue as text: strings as they are, numbers in decimal, lists and maps as JSON, bytes as base64
// (what the OpenTelemetry exporter for ClickHouse writes). Values nested deeper than `depthMax` become a marker.

import { Cursor } from './protobuf.ts'
import { type SpanBatch, valueType } from './span-batch.ts'
import type { StringTable } from './string-table.ts'

export const depthMax = 32
const tooDeep = '"<nested deeper than 32 levels>"'

const double = new DataView(new ArrayBuffer(8))

/** Text of attribute `index` of the batch. For lists, maps, bytes and rare paths; strings have a faster way. */
export function attributeText(batch: SpanBatch, index: number): string {
  const start = batch.attrStart[index]!
  const end = batch.attrEnd[index]!
  switch (batch.attrType[index]) {
    case valueType.string:
      return batch.textOf(start, end)
    case valueType.boolean:
      return batch.attrNumber[index] === 1 ? 'true' : 'false'
    case valueType.integer:
      return integerText(batch.bytes, start, end, batch.attrNumber[index]!)
    case valueType.double:
      return String(batch.attrNumber[index])
    case valueType.array:
      return listJson(openAt(batch.bytes, start, end), 1)
    case valueType.map:
      return mapJson(openAt(batch.bytes, start, end), 1)
    case valueType.bytes:
      return Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + start, end - start).toString('base64')
    default:
      return ''
  }
}

/** Attributes `[from, to)` of the batch by name, each as text; of a name sent twice the later. For rare paths. */
export function attributeTexts(batch: SpanBatch, strings: StringTable, from: number, to: number): Map<string, string> {
  const texts = new Map<string, string>()
  for (let i = from; i < to; i++) texts.set(strings.text(batch.attrKey[i]!), attributeText(batch, i))
  return texts
}

/** Start of the text of a list that holds one string and nothing else, which ends where the list ends; else -1. */
export function onlyString(batch: SpanBatch, index: number): number {
  const { bytes } = batch
  const at = batch.attrStart[index]!
  const size = batch.attrEnd[index]! - at
  // values[0] { string_value }: tag 10, size, tag 10, size, text; sizes of one byte are all that finish reasons need.
  if (
    size < 5 ||
    size > 127 ||
    bytes[at] !== 10 ||
    bytes[at + 1] !== size - 2 ||
    bytes[at + 2] !== 10 ||
    bytes[at + 3] !== size - 4
  )
    return -1
  for (let i = at + 4; i < at + size; i++) if (bytes[i] === 0x2c) return -1
  return at + 4
}

/** The string members of an ArrayValue, or undefined when it holds anything else. */
export function stringList(batch: SpanBatch, index: number): string[] | undefined {
  if (batch.attrType[index] !== valueType.array) return undefined
  const cursor = openAt(batch.bytes, batch.attrStart[index]!, batch.attrEnd[index]!)
  const members: string[] = []
  while (cursor.at < cursor.end) {
    const tag = cursor.varint()
    if (tag !== 10) {
      cursor.skip(tag)
      continue
    }
    const end = cursor.enter()
    if (end === cursor.at || cursor.varint() !== 10) return undefined
    const textEnd = cursor.enter()
    members.push(batch.textOf(cursor.at, textEnd))
    cursor.at = end
  }
  return members
}

/** Text of the AnyValue between the cursor and its end: strings as they are, anything else as JSON. */
export function valueText(cursor: Cursor): string {
  const json = anyJson(cursor, 0)
  if (json === 'null') return ''
  return json.startsWith('"') ? (JSON.parse(json) as string) : json
}

function openAt(bytes: Uint8Array, start: number, end: number): Cursor {
  const cursor = new Cursor()
  cursor.open(bytes, start, end)
  return cursor
}

/** Decimal text of an int64, exact over its whole range; `rounded` is its value as a double. */
export function integerText(bytes: Uint8Array, start: number, end: number, rounded: number): string {
  if (Number.isSafeInteger(rounded)) return String(rounded)
  const cursor = openAt(bytes, start, end)
  cursor.varint64()
  return exactText(cursor)
}

function exactText(cursor: Cursor): string {
  return BigInt.asIntN(64, (BigInt(cursor.high) << 32n) | BigInt(cursor.low)).toString()
}

/** JSON of the AnyValue between the cursor and its end. */
function anyJson(cursor: Cursor, depth: number): string {
  let json = 'null'
  while (cursor.at < cursor.end) {
    const tag = cursor.varint()
    const outer = cursor.end
    switch (tag) {
      case 10: {
        const end = cursor.enter()
        json = JSON.stringify(
          Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.at, end - cursor.at).toString('utf8'),
        )
        cursor.at = end
        break
      }
      case 16:
        json = cursor.varint() === 0 ? 'false' : 'true'
        break
      case 24:
        cursor.varint64()
        json = exactText(cursor)
        break
      case 33: {
        cursor.fixed64()
        double.setUint32(0, cursor.low, true)
        double.setUint32(4, cursor.high, true)
        const value = double.getFloat64(0, true)
        json = Number.isFinite(value) ? String(value) : `"${value}"`
        break
      }
      case 42:
      case 50: {
        const end = cursor.enter()
        if (depth >= depthMax) json = tooDeep
        else {
          cursor.end = end
          json = tag === 42 ? listJson(cursor, depth + 1) : mapJson(cursor, depth + 1)
          cursor.end = outer
        }
        cursor.at = end
        break
      }
      case 58: {
        const end = cursor.enter()
        json = `"${Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.at, end - cursor.at).toString('base64')}"`
        cursor.at = end
        break
      }
      default:
        cursor.skip(tag)
    }
  }
  return json
}

function listJson(cursor: Cursor, depth: number): string {
  return `[${membersJson(cursor, depth, anyJson)}]`
}

function mapJson(cursor: Cursor, depth: number): string {
  return `{${membersJson(cursor, depth, memberJson)}}`
}

/** The members of an ArrayValue or a KeyValueList, each read by `read` between its own bounds. */
function membersJson(cursor: Cursor, depth: number, read: (cursor: Cursor, depth: number) => string): string {
  const members: string[] = []
  const outer = cursor.end
  while (cursor.at < outer) {
    const tag = cursor.varint()
    if (tag !== 10) {
      cursor.skip(tag)
      continue
    }
    cursor.end = cursor.enter()
    members.push(read(cursor, depth))
    cursor.end = outer
  }
  return members.join(',')
}

function memberJson(cursor: Cursor, depth: number): string {
  let key = ''
  let value = 'null'
  const outer = cursor.end
  while (cursor.at < outer) {
    const tag = cursor.varint()
    if (tag === 10) {
      const end = cursor.enter()
      key = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.at, end - cursor.at).toString('utf8')
      cursor.at = end
    } else if (tag === 18) {
      cursor.end = cursor.enter()
      value = anyJson(cursor, depth)
      cursor.end = outer
    } else cursor.skip(tag)
  }
  return `${JSON.stringify(key)}:${value}`
}
