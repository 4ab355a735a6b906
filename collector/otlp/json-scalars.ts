// hot: The scalars of OTLP/JSON → their wire form: escaped text, hex ids, base64, exact integers, doubles.
// Each function reads one value with the reader and appends it to the writer, or throws JsonFault.

import type { Field } from './json-fields.ts'
import { char, escapes, hexDigit, JsonFault, JsonReader } from './json-reader.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

/** Kind of length guess for texts; messages have the lower ones. */
const textKind = 31

/** A run of plain bytes longer than this is found and copied by native code; below, the call costs more than the loop. */
const runMin = 32

/**
 * Reads a string and appends its length and its UTF-8 bytes, escapes resolved; a lone surrogate becomes U+FFFD.
 * One pass, because prompts and answers are most of what is sent: 1.5 times as fast as finding the end first.
 */
export function stringBytes(reader: JsonReader, writer: ProtobufWriter): void {
  if (reader.peek() !== char.quote) throw reader.unexpected('a string')
  const { bytes } = reader
  const { quote, backslash } = char
  const end = bytes.length
  const lengthAt = writer.size
  writer.open(textKind)
  const start = writer.size
  let at = (reader.at + 1) | 0
  // No escape is shorter than what it stands for: \ud800 alone, the worst, is 6 bytes for 3.
  writer.reserve(end - at)
  const out = writer.bytes
  let size = start | 0
  for (;;) {
    // Integers are kept integers (`| 0`): as doubles they made this loop 1.5 times slower.
    const limit = Math.min(at + runMin, end) | 0
    let byte = 0
    while (at < limit) {
      byte = bytes[at]!
      if (byte === quote || byte === backslash) break
      out[size++] = byte
      at++
    }
    if (at === limit) {
      if (at >= end) throw new JsonFault('the text ends inside a string')
      const stop = reader.runEnd(at) | 0
      bytes.copy(out, size, at, stop)
      size = (size + stop - at) | 0
      at = stop
      byte = at < end ? bytes[at]! : 0
    }
    if (byte === quote) break
    if (byte !== backslash) continue
    const letter = reader.escape(at)
    if (letter !== char.u) {
      out[size++] = escapes[letter]!
      at += 2
    } else {
      const point = codePoint(reader, at)
      size = appendCodePoint(out, size, point) | 0
      at += point > 0xffff ? 12 : 6
    }
  }
  reader.at = at + 1
  writer.size = size
  writer.close(textKind, lengthAt, start)
}

/** The code point of the \u escape at `at`, with its second half when it is a pair. */
function codePoint(reader: JsonReader, at: number): number {
  const { bytes } = reader
  const unit = hex4(bytes, at + 2)
  if (unit < 0xd800 || unit > 0xdfff) return unit
  if (unit > 0xdbff || bytes[at + 6] !== char.backslash || bytes[at + 7] !== char.u) return 0xfffd
  reader.escape(at + 6)
  const low = hex4(bytes, at + 8)
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd
}

function hex4(bytes: Buffer, at: number): number {
  return (
    (hexDigit[bytes[at]!]! << 12) |
    (hexDigit[bytes[at + 1]!]! << 8) |
    (hexDigit[bytes[at + 2]!]! << 4) |
    hexDigit[bytes[at + 3]!]!
  )
}

function appendCodePoint(out: Buffer, at: number, point: number): number {
  let size = at
  if (point < 0x80) out[size++] = point
  else if (point < 0x800) {
    out[size++] = 0xc0 | (point >>> 6)
    out[size++] = 0x80 | (point & 0x3f)
  } else {
    if (point < 0x10000) out[size++] = 0xe0 | (point >>> 12)
    else {
      out[size++] = 0xf0 | (point >>> 18)
      out[size++] = 0x80 | ((point >>> 12) & 0x3f)
    }
    out[size++] = 0x80 | ((point >>> 6) & 0x3f)
    out[size++] = 0x80 | (point & 0x3f)
  }
  return size
}

/** A trace or span id. What is not hex becomes empty, which no decoder takes for an id. */
export function hexId(reader: JsonReader, writer: ProtobufWriter): void {
  const { bytes, from, to } = reader
  const before = writer.size
  writer.varint((to - from) >>> 1)
  writer.reserve((to - from) >>> 1)
  const out = writer.bytes
  let size = writer.size
  let isHex = (to - from) % 2 === 0 && !reader.escaped
  for (let at = from; isHex && at < to; at += 2) {
    const high = hexDigit[bytes[at]!]!
    const low = hexDigit[bytes[at + 1]!]!
    if (high < 0 || low < 0) isHex = false
    out[size++] = (high << 4) | low
  }
  if (isHex) writer.size = size
  else {
    writer.size = before
    writer.byte(0)
  }
}

const sextet = new Int8Array(256).fill(-1)
for (const [value, letter] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  sextet[letter.charCodeAt(0)] = value
}
sextet['-'.charCodeAt(0)] = 62
sextet['_'.charCodeAt(0)] = 63

/** Base64 in either alphabet, padded or not. */
export function base64Bytes(reader: JsonReader, writer: ProtobufWriter): void {
  const { bytes, from, to } = ownText(reader)
  let end = to
  while (end > from && to - end < 2 && bytes[end - 1] === 0x3d) end--
  const left = (end - from) % 4
  if (left === 1 || (end < to && (to - from) % 4 !== 0)) throw new JsonFault('bad base64 length')
  const length = ((end - from - left) / 4) * 3 + (left === 0 ? 0 : left - 1)
  writer.varint(length)
  writer.reserve(length + 3)
  const out = writer.bytes
  let size = writer.size
  for (let at = from; at < end; at += 4) {
    const a = sextet[bytes[at]!]!
    const b = at + 1 < end ? sextet[bytes[at + 1]!]! : 0
    const c = at + 2 < end ? sextet[bytes[at + 2]!]! : 0
    const d = at + 3 < end ? sextet[bytes[at + 3]!]! : 0
    if ((a | b | c | d) < 0) throw new JsonFault(`not base64 near character ${at - from}`)
    out[size++] = (a << 2) | (b >>> 4)
    out[size++] = (b << 4) | (c >>> 2)
    out[size++] = (c << 6) | d
  }
  writer.size += length
}

export interface Range {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

/** The string last read with its escapes resolved. For the few keys and numbers that are written with some. */
export function ownText(reader: JsonReader): Range {
  if (!reader.escaped) return reader
  const again = new JsonReader()
  again.open(reader.bytes)
  again.at = reader.from - 1
  const writer = new ProtobufWriter(reader.to - reader.from + 8)
  stringBytes(again, writer)
  let from = 0
  while (writer.bytes[from]! >= 0x80) from++
  return { bytes: writer.bytes, from: from + 1, to: writer.size }
}

/** Reads a number, or a string that holds nothing but one; undefined for another string. */
function numeral(reader: JsonReader): Range | undefined {
  if (reader.peek() !== char.quote) {
    reader.number()
    return reader
  }
  reader.text()
  const range = ownText(reader)
  return reader.numberEnd(range.bytes, range.from, range.to) === range.to ? range : undefined
}

// The integer last read: magnitude in two unsigned halves, and its sign.
let low = 0
let high = 0
let isNegative = false

/**
 * Reads an integer of up to 64 bits into `low`, `high`, `isNegative`. `1.0` and `1e3` are integers.
 * Returns false, with nothing read of use, for one that is beyond 64 bits.
 */
function integer(range: Range, integral: boolean): boolean {
  const { bytes, from, to } = range
  isNegative = bytes[from] === char.minus
  low = 0
  high = 0
  if (!integral) return expandedInteger(range)
  for (let at = isNegative ? from + 1 : from; at < to; at++) {
    const part = low * 10 + (bytes[at]! - char.zero)
    low = part >>> 0
    high = high * 10 + (part - low) / 4294967296
    if (high > 0xffffffff) return false
  }
  return true
}

/** An integer written with a fraction or exponent. */
function expandedInteger(range: Range): boolean {
  const text = textOf(range)
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  if (digits === '') return true
  const significant = digits.replace(/0+$/, '')
  const zeros = digits.length - significant.length + Number(exponent) - fraction.length
  if (zeros < 0) throw new JsonFault(`expected an integer, found ${shown(text)}`)
  if (significant.length + zeros > 20) return false
  const value = BigInt(significant + '0'.repeat(zeros))
  if (value > 0xffffffffffffffffn) return false
  low = Number(value & 0xffffffffn)
  high = Number(value >> 32n)
  return true
}

/** Reads an integer; false when it is beyond 64 bits. */
function readInteger(reader: JsonReader): boolean {
  const range = numeral(reader)
  if (range === undefined) throw new JsonFault(`expected an integer, found ${quoted(reader)}`)
  return integer(range, reader.integral)
}

/**
 * AnyValue.int_value. A bare number beyond int64 becomes double_value: JavaScript senders print every whole double so,
 * and the double is what they hold. The same in quotes is refused.
 */
export function anyInt64(reader: JsonReader, writer: ProtobufWriter, tag: number): void {
  const isBare = reader.peek() !== char.quote
  const fits = readInteger(reader) && (high <= 0x7fffffff || (isNegative && high === 0x80000000 && low === 0))
  if (!fits) {
    const value = isBare ? Number(textOf(reader)) : Number.POSITIVE_INFINITY
    if (!Number.isFinite(value)) throw new JsonFault(`${shown(textOf(reader))} is not a 64-bit integer`)
    writer.varint(doubleValueTag)
    writer.double(value)
    return
  }
  writer.varint(tag)
  if (!isNegative) writer.varint64(low, high)
  else negative(writer)
}

const doubleValueTag = 33

/** Appends the two's complement of the integer last read. */
function negative(writer: ProtobufWriter): void {
  const negated = low === 0 ? 0 : 4294967296 - low
  writer.varint64(negated, (~high >>> 0) + (low === 0 ? 1 : 0))
}

export function unsigned64(reader: JsonReader, writer: ProtobufWriter, tag: number): void {
  const fits = readInteger(reader)
  if (!fits || isSignificantlyNegative()) {
    throw new JsonFault(`${shown(textOf(reader))} is not an unsigned 64-bit integer`)
  }
  writer.varint(tag)
  writer.fixed64(low, high)
}

export function unsigned32(reader: JsonReader, writer: ProtobufWriter, field: Field): void {
  const fits = readInteger(reader)
  if (!fits || high !== 0 || isSignificantlyNegative()) {
    throw new JsonFault(`${shown(textOf(reader))} is not an unsigned 32-bit integer`)
  }
  writer.varint(field.tag)
  if (field.kind === 'fixed32') writer.fixed32(low)
  else writer.varint(low)
}

/** Enums are integers in OTLP/JSON; a name, or digits in quotes, is refused. Unknown numbers are kept. */
export function enumNumber(reader: JsonReader, writer: ProtobufWriter, tag: number): void {
  if (reader.peek() === char.quote) {
    reader.text()
    throw new JsonFault(`expected an integer, found ${quoted(reader)}; enum names are not OTLP/JSON`)
  }
  const fits = readInteger(reader)
  if (!fits || high !== 0 || low > (isNegative ? 0x80000000 : 0x7fffffff)) {
    throw new JsonFault(`${shown(textOf(reader))} is not a 32-bit integer`)
  }
  writer.varint(tag)
  if (isNegative) negative(writer)
  else writer.varint(low)
}

/** A number, a number in quotes, "NaN", "Infinity" or "-Infinity". One too large for a double is refused. */
export function doubleOf(reader: JsonReader, writer: ProtobufWriter, tag: number): void {
  const range = numeral(reader)
  let value: number
  if (range === undefined) {
    const word = textOf(ownText(reader))
    if (word !== 'NaN' && word !== 'Infinity' && word !== '-Infinity') {
      throw new JsonFault(`expected a number, found ${quoted(reader)}`)
    }
    value = Number(word)
  } else {
    value = Number(textOf(range))
    if (!Number.isFinite(value)) throw new JsonFault(`${shown(textOf(range))} is too large for a double`)
  }
  writer.varint(tag)
  writer.double(value)
}

function isSignificantlyNegative(): boolean {
  return isNegative && (low !== 0 || high !== 0)
}

function textOf(range: Range): string {
  return range.bytes.toString('latin1', range.from, range.to)
}

function quoted(reader: JsonReader): string {
  return `"${shown(reader.bytes.toString('utf8', reader.from, reader.to))}"`
}

function shown(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 61)}…`
}
