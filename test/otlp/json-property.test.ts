import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeLogsJson, encodeTracesJson } from '../../collector/otlp/json.ts'
import { TraceDecoder } from '../../collector/otlp/traces.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { SpanBatch } from '../../schemas/span-batch.ts'
import { StringTable } from '../../schemas/string-table.ts'
import { encoded } from '../otlp-schema.ts'
import { decoded } from './json-judge.ts'

/** What protobufjs takes for a message: 64-bit integers as text, bytes as arrays. */
type Message = { readonly [key: string]: unknown }

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', 'é', '😀', '\u2028', '\0') }),
  fc.string({ minLength: 100, maxLength: 400 }),
)
const count = fc.integer({ min: 0, max: 0xffffffff })
const nano = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
const id = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const bytes = fc.uint8Array({ maxLength: 40 })

/** A message with any subset of these fields. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Message> =>
  fc.record(fields, { requiredKeys: [] })

const { anyValue } = fc.letrec<{ anyValue: Message; keyValue: Message }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 4 },
    fc.constant({}),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ bytesValue: bytes }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('anyValue'), { maxLength: 4 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(tie('keyValue'), { maxLength: 4 }) }) }),
  ),
  keyValue: fc.record({ key: text, value: tie('anyValue') }),
}))
const attributes = fc.array(fc.record({ key: text, value: anyValue }), { maxLength: 5 })
const scope = some({ name: text, version: text, attributes, droppedAttributesCount: count })
const entityRef = some({ schemaUrl: text, type: text, idKeys: fc.array(text), descriptionKeys: fc.array(text) })
const resource = some({ attributes, droppedAttributesCount: count, entityRefs: fc.array(entityRef, { maxLength: 2 }) })
const event = some({ timeUnixNano: nano, name: text, attributes, droppedAttributesCount: count })
const linkFields = {
  traceId: id(16),
  spanId: id(8),
  traceState: text,
  attributes,
  droppedAttributesCount: count,
  flags: count,
}
const span = some({
  ...linkFields,
  parentSpanId: id(8),
  name: text,
  kind: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  startTimeUnixNano: nano,
  endTimeUnixNano: nano,
  events: fc.array(event, { maxLength: 3 }),
  droppedEventsCount: count,
  links: fc.array(some(linkFields), { maxLength: 3 }),
  droppedLinksCount: count,
  status: some({ message: text, code: fc.integer({ min: -1, max: 3 }) }),
})
const record = some({
  timeUnixNano: nano,
  observedTimeUnixNano: nano,
  severityNumber: fc.integer({ min: 0, max: 24 }),
  severityText: text,
  body: anyValue,
  attributes,
  droppedAttributesCount: count,
  flags: count,
  traceId: id(16),
  spanId: id(8),
  eventName: text,
})
const few = (item: fc.Arbitrary<Message>) => fc.array(item, { maxLength: 3 })
const traces = some({
  resourceSpans: few(
    some({ resource, scopeSpans: few(some({ scope, spans: few(span), schemaUrl: text })), schemaUrl: text }),
  ),
})
const logs = some({
  resourceLogs: few(
    some({ resource, scopeLogs: few(some({ scope, logRecords: few(record), schemaUrl: text })), schemaUrl: text }),
  ),
})

/** Writes a message as OTLP/JSON in one of the many ways that are allowed; `dice` decides. */
class JsonStyle {
  private readonly dice: readonly number[]
  private at = 0

  constructor(dice: readonly number[]) {
    this.dice = dice
  }

  message(message: Message): string {
    const members = Object.entries(message).map(
      ([key, value]) => `${this.key(key)}${this.gap()}:${this.gap()}${this.value(key, value)}`,
    )
    if (this.roll(4) === 0) members.splice(this.roll(members.length + 1), 0, '"later_field":{"a":[null,{"b":"\\"]}"}]}')
    if (this.roll(2) === 0) members.reverse()
    return `{${this.gap()}${members.join(`${this.gap()},`)}${this.gap()}}`
  }

  private value(key: string, value: unknown): string {
    if (Array.isArray(value))
      return `[${this.gap()}${value.map((item) => this.value(key, item)).join(`,${this.gap()}`)}]`
    if (value instanceof Uint8Array) return this.binary(key, Buffer.from(value))
    if (typeof value === 'object') return this.message(value as Message)
    if (typeof value === 'boolean') return String(value)
    if (typeof value === 'number') return this.number(key, value)
    if (key === 'intValue' || key.endsWith('Nano')) return this.roll(2) === 0 ? (value as string) : `"${value}"`
    return this.text(value as string)
  }

  private key(key: string): string {
    return this.roll(8) === 0 ? `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}"` : `"${key}"`
  }

  private binary(key: string, value: Buffer): string {
    if (key !== 'bytesValue') {
      const hex = value.toString('hex')
      return `"${this.roll(2) === 0 ? hex : hex.toUpperCase()}"`
    }
    const padded = value.toString('base64')
    return `"${[padded, padded.replace(/=+$/, ''), value.toString('base64url')][this.roll(3)]}"`
  }

  private number(key: string, value: number): string {
    if (!Number.isFinite(value)) return `"${value}"`
    const plain = Object.is(value, -0) ? '-0' : String(value)
    const mayBeText = key !== 'kind' && key !== 'code' && key !== 'severityNumber'
    return mayBeText && this.roll(2) === 0 ? `"${plain}"` : plain
  }

  private text(value: string): string {
    const plain = JSON.stringify(value)
    return this.roll(3) === 0
      ? plain.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : plain
  }

  private gap(): string {
    return ['', '', ' ', '\n\t', '\r\n'][this.roll(5)]!
  }

  private roll(sides: number): number {
    return this.dice.length === 0 ? 0 : this.dice[this.at++ % this.dice.length]! % sides
  }
}

const dice = fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 })

describe('any message, however it is written in JSON, becomes itself in protobuf', () => {
  test('traces', () => {
    fc.assert(
      fc.property(traces, dice, (message, rolls) => {
        const json = Buffer.from(new JsonStyle(rolls).message(message))
        expect(decoded('Traces', encodeTracesJson(json))).toEqual(decoded('Traces', encoded('Traces', message)))
      }),
      { numRuns: 300 },
    )
  })

  test('logs', () => {
    fc.assert(
      fc.property(logs, dice, (message, rolls) => {
        const json = Buffer.from(new JsonStyle(rolls).message(message))
        expect(decoded('Logs', encodeLogsJson(json))).toEqual(decoded('Logs', encoded('Logs', message)))
      }),
      { numRuns: 300 },
    )
  })
})

const decoder = new TraceDecoder(new SpanBatch(), new StringTable())

/** True when taken; what is taken must be protobuf that both decoders read. */
function taken(json: Buffer): boolean {
  let request: Uint8Array
  try {
    request = encodeTracesJson(json)
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal)
    return false
  }
  decoded('Traces', request)
  decoder.decode(request)
  return true
}

describe('broken text ends in a refusal or in sound protobuf', () => {
  test('every truncation of a request is refused', () => {
    const message = fc.sample(
      traces.filter((sample) => JSON.stringify(sample).length > 2000),
      { numRuns: 1, seed: 7 },
    )[0]!
    const json = Buffer.from(new JsonStyle([3, 1, 4, 1, 5, 9, 2, 6]).message(message)).subarray(0, 20_000)
    expect(taken(Buffer.from(new JsonStyle([3, 1, 4, 1, 5, 9, 2, 6]).message(message)))).toBe(true)
    for (let end = 0; end < json.length; end++) expect(taken(json.subarray(0, end))).toBe(false)
  })

  test('random changes of bytes', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...Buffer.from('{}[]",:\\0-eun \0')))
    fc.assert(
      fc.property(traces, dice, fc.array(change, { minLength: 1, maxLength: 4 }), (message, rolls, changes) => {
        const json = Buffer.from(new JsonStyle(rolls).message(message))
        // Only ASCII is changed: protobufjs, the judge, refuses text that is not UTF-8.
        for (const [at, byte] of changes) if (json[at % json.length]! < 0x80) json[at % json.length] = byte
        taken(json)
      }),
      { numRuns: 1000 },
    )
  })

  test('text that is passed over is JSON to us exactly when it is JSON to JSON.parse', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\0-+.eEutrl1x '))
    fc.assert(
      fc.property(fc.json(), fc.array(change, { maxLength: 3 }), (json, changes) => {
        const letters = [...`{"x":${json}}`]
        for (const [at, letter] of changes) letters[at % letters.length] = letter
        const changed = letters.join('')
        let isJson = true
        try {
          isJson = typeof JSON.parse(changed) === 'object'
        } catch {
          isJson = false
        }
        // A list at the top is JSON, but no request.
        if (isJson) isJson = changed.trimStart().startsWith('{')
        expect(taken(Buffer.from(changed)), changed).toBe(isJson)
      }),
      { numRuns: 2000 },
    )
  })
})
