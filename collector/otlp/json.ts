// hot: OTLP/JSON → OTLP protobuf, byte for byte what a protobuf sender would have sent, so that all doors lead to one decoder.
// One walk, no value is built: keys are looked up in `json-fields.ts`, texts are copied, ids and numbers converted exactly.
// Source: opentelemetry-proto 1.11.0, docs/specification.md "JSON Protobuf Encoding"; proto3 JSON mapping for the rest.

import { depthMax } from '../../schemas/any-value.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { traceLimits } from './attributes.ts'
import { type Counted, type Field, logsRequest, type Shape, tracesRequest } from './json-fields.ts'
import { char, JsonFault, JsonReader } from './json-reader.ts'
import {
  anyInt64,
  base64Bytes,
  doubleOf,
  enumNumber,
  hexId,
  ownText,
  stringBytes,
  unsigned32,
  unsigned64,
} from './json-scalars.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

/** What one JSON request may hold; the decoder has the same limits, here they bound the time spent before it. */
const countMax = {
  items: traceLimits.itemsPerRequest,
  parts: traceLimits.attributesPerRequest,
  values: 4_000_000,
} as const satisfies Record<Counted, number>

/** Stands for a list or map nested deeper than `depthMax`, as in `schemas/any-value.ts`. */
const tooDeep = Buffer.from(`<nested deeper than ${depthMax} levels>`)
const stringValueTag = 10
const letterN = 0x6e

export interface JsonRequest {
  /** OTLP protobuf; the caller's to keep. */
  readonly body: Uint8Array
  /** Says that keys were ignored which look meant: snake_case ones. Empty when there were none. */
  readonly warning: string
}

/**
 * ExportTraceServiceRequest in OTLP/JSON → the same message in protobuf.
 * Integers are exact as numbers or strings; ids are hex, and one that is not becomes empty so that the decoder refuses
 * only its span; unknown keys are ignored; null is absent; of equal keys the last counts.
 * Throws Refusal('bad_request') with the path of what is wrong.
 */
export function encodeTracesJson(body: Uint8Array): Uint8Array {
  return transcodeTraces(body).body
}

/** ExportLogsServiceRequest in OTLP/JSON → the same message in protobuf; see `encodeTracesJson`. */
export function encodeLogsJson(body: Uint8Array): Uint8Array {
  return transcodeLogs(body).body
}

export function transcodeTraces(body: Uint8Array): JsonRequest {
  return new Transcoder(body).run(tracesRequest)
}

export function transcodeLogs(body: Uint8Array): JsonRequest {
  return new Transcoder(body).run(logsRequest)
}

class Transcoder {
  private readonly reader = new JsonReader()
  private readonly writer: ProtobufWriter
  private readonly counts = { items: 0, parts: 0, values: 0 }
  // Where the walk is: for messages only, the way to the root is in these two.
  private level = 0
  private readonly fieldAt: Field[] = []
  private readonly indexAt: number[] = []
  private ignoredKey = ''
  /** Lists and maps around the value at hand. */
  private nesting = 0

  constructor(body: Uint8Array) {
    this.reader.open(utf8(body))
    this.writer = new ProtobufWriter(body.length)
  }

  run(shape: Shape): JsonRequest {
    const { reader, writer } = this
    try {
      this.message(shape)
      if (reader.peek() >= 0) throw reader.unexpected('nothing after the request')
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error
      const path = this.path()
      throw new Refusal('bad_request', path === '' ? `JSON: ${error.message}` : `${path}: ${error.message}`)
    }
    const warning =
      this.ignoredKey === ''
        ? ''
        : `${this.ignoredKey} was ignored: OTLP/JSON keys are lowerCamelCase, others are unknown`
    return { body: writer.bytes.subarray(0, writer.size), warning }
  }

  private message(shape: Shape): void {
    const { reader, writer } = this
    const start = writer.size
    reader.take(char.open, '"{"')
    if (reader.peek() === char.close) {
      reader.at++
      return
    }
    let seen = 0
    let last: Field | undefined
    let stale: Map<number, number> | undefined
    do {
      const field = this.key(shape)
      if (field === undefined) {
        reader.skip()
        continue
      }
      // Of equal keys the last counts, also when it is null; of a choice only the last stays.
      if ((seen & field.bit) !== 0 && !shape.isChoice) {
        stale ??= new Map()
        stale.set(field.number, writer.size)
      }
      if (shape.isChoice && last === field) writer.size = start
      if (reader.peek() === letterN && reader.word('null')) continue
      seen |= field.bit
      last = field
      if (shape.isChoice) writer.size = start
      const { level } = this
      this.fieldAt[level] = field
      this.indexAt[level] = -1
      this.level = level + 1
      if (field.isRepeated) this.list(field)
      else this.value(field)
      this.level = level
    } while (reader.more(char.close))
    if (stale !== undefined) writer.removeBefore(start, stale)
  }

  /** Reads a key and its colon; undefined for one that is not OTLP's. */
  private key(shape: Shape): Field | undefined {
    const { reader } = this
    reader.text()
    const { bytes, from, to } = ownText(reader)
    reader.take(char.colon, '":"')
    return fieldNamed(shape, bytes, from, to) ?? this.unknown(shape, bytes.subarray(from, to))
  }

  /** Remembers the first key that would be known in lowerCamelCase. */
  private unknown(shape: Shape, key: Buffer): undefined {
    if (this.ignoredKey !== '' || !key.includes(0x5f)) return
    const camel = Buffer.from(key.toString('latin1').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    if (fieldNamed(shape, camel, 0, camel.length) === undefined) return
    const path = this.path()
    this.ignoredKey = `"${path === '' ? '' : `${path}.`}${key.toString('latin1')}"`
  }

  private list(field: Field): void {
    const { reader, writer } = this
    const place = this.level - 1
    reader.take(char.openList, '"["')
    if (reader.peek() === char.closeList) {
      reader.at++
      return
    }
    let index = 0
    do {
      this.indexAt[place] = index++
      if (reader.peek() === letterN && reader.word('null')) {
        this.count(field)
        writer.varint(field.tag)
        writer.byte(0)
      } else this.value(field)
    } while (reader.more(char.closeList))
  }

  private value(field: Field): void {
    const { reader, writer } = this
    switch (field.kind) {
      case 'message':
        this.nested(field)
        return
      case 'string':
        writer.varint(field.tag)
        stringBytes(reader, writer)
        return
      case 'boolean': {
        reader.peek()
        const isTrue = reader.word('true')
        if (!isTrue && !reader.word('false')) throw reader.unexpected('true or false')
        writer.varint(field.tag)
        writer.byte(isTrue ? 1 : 0)
        return
      }
      case 'id':
        reader.text()
        writer.varint(field.tag)
        hexId(reader, writer)
        return
      case 'bytes':
        reader.text()
        writer.varint(field.tag)
        base64Bytes(reader, writer)
        return
      case 'int64':
        anyInt64(reader, writer, field.tag)
        return
      case 'fixed64':
        unsigned64(reader, writer, field.tag)
        return
      case 'double':
        doubleOf(reader, writer, field.tag)
        return
      case 'enum':
        enumNumber(reader, writer, field.tag)
        return
      case 'uint32':
      case 'fixed32':
        unsigned32(reader, writer, field)
        return
      default:
        field.kind satisfies never
    }
  }

  private nested(field: Field): void {
    const { reader, writer } = this
    const shape = field.shape!
    this.count(field)
    const holdsValues = field.name === 'arrayValue' || field.name === 'kvlistValue'
    if (holdsValues && this.nesting >= depthMax) {
      if (reader.peek() !== char.open) throw reader.unexpected('"{"')
      reader.skip()
      writer.varint(stringValueTag)
      writer.varint(tooDeep.length)
      writer.copy(tooDeep, 0, tooDeep.length)
      return
    }
    writer.varint(field.tag)
    const lengthAt = writer.size
    writer.open(shape.kind)
    const start = writer.size
    if (holdsValues) this.nesting++
    this.message(shape)
    if (holdsValues) this.nesting--
    writer.close(shape.kind, lengthAt, start)
  }

  private count(field: Field): void {
    const counted = field.shape?.counts
    if (counted === undefined) return
    if (++this.counts[counted] > countMax[counted]) {
      throw new JsonFault(`more than ${countMax[counted]} ${counted === 'items' ? field.name : counted} in one request`)
    }
  }

  private path(): string {
    let path = ''
    for (let i = 0; i < this.level; i++) {
      path += `${i === 0 ? '' : '.'}${this.fieldAt[i]!.name}`
      if (this.indexAt[i]! >= 0) path += `[${this.indexAt[i]}]`
    }
    return path
  }
}

function fieldNamed(shape: Shape, bytes: Buffer, from: number, to: number): Field | undefined {
  const candidates = shape.byLength[to - from]
  if (candidates === undefined) return undefined
  for (let i = 0; i < candidates.length; i++) {
    const field = candidates[i]!
    const { name } = field
    let at = 0
    while (at < name.length && bytes[from + at] === name.charCodeAt(at)) at++
    if (at === name.length) return field
  }
  return undefined
}

/** The body as a Buffer without byte order mark. */
function utf8(body: Uint8Array): Buffer {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0) {
    throw new Refusal('bad_request', 'JSON must be UTF-8, this looks like UTF-16')
  }
  return first === 0xef && second === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}
