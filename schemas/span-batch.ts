// The spans of one export request as columns: one array per property of a span, ranges into the request body for text,
// interned ids for everything that repeats. No object per span, event or attribute.
//
//      bytes   ....chat gpt-4o....{"role":"user"}....      extra  text written while processing
//                  ^start   ^end  ^start         ^end             a range at bytes.length + n is extra[n]
//
//      attributes of row i     attrKey[attrFrom[i] .. attrTo[i])        events and links of row i likewise
//
// One batch is reused for all requests of a process: `open` rewinds it. Between `open` and the append to a sink nothing
// awaits, so one is enough.

import { type SpansColumn, spansTable } from './spans-table.ts'
import { usageUnitCount } from './usage.ts'

/** A range or position that is not there. */
export const nowhere = 0xffffffff

/** Kinds of an AnyValue. */
export const valueType = { empty: 0, string: 1, boolean: 2, integer: 3, double: 4, array: 5, map: 6, bytes: 7 } as const

/** Where an attribute of a span ends up. */
export const attributeRoom = { attributes: 0, column: 1, content: 2, dropped: 3 } as const

type LowColumn = Extract<(typeof spansTable.columns)[number], { type: 'LowCardinality(String)' }>['name']
export type TextColumn = 'trace_state' | 'status_message' | 'user_id' | 'session_id' | 'customer' | 'response_id'

const lowNames = spansTable.columns.filter((column) => column.type === 'LowCardinality(String)').map(({ name }) => name)
export const textNames: readonly TextColumn[] = [
  'trace_state',
  'status_message',
  'user_id',
  'session_id',
  'customer',
  'response_id',
]

/** Index of each LowCardinality column in `SpanBatch.low`. */
export const low = Object.fromEntries(lowNames.map((name, index) => [name, index])) as Readonly<
  Record<LowColumn, number>
>
/** Index of each free-text column in `SpanBatch.textStart`. */
export const text = Object.fromEntries(textNames.map((name, index) => [name, index])) as Readonly<
  Record<TextColumn, number>
>
/** Slots of `SpanBatch.costs`, in the order of the table's columns. */
export const cost = {
  input: 0,
  cacheRead: 1,
  cacheWrite: 2,
  output: 3,
  other: 4,
  total: 5,
  reported: 6,
  wasted: 7,
  pricingCurrency: 8,
  computed: 9,
} as const
export const costCount = 10
export const costColumns: readonly SpansColumn[] = [
  'input_cost',
  'cache_read_cost',
  'cache_write_cost',
  'output_cost',
  'other_cost',
  'total_cost',
  'reported_cost',
  'wasted_cost',
  'pricing_currency_cost',
  'computed_cost',
]
/** Slots of `SpanBatch.contentAttr`. */
export const content = { system: 0, input: 1, output: 2, tools: 3 } as const
export const contentCount = 4

/** Roles of a row: no money in it, a call of a model, a span whose usage may sum its children's, a re-read answer. */
export const role = { none: 0, call: 1, carrier: 2, replay: 3 } as const

const rowsAtFirst = 512
const attributesAtFirst = 1 << 14

export class SpanBatch {
  bytes: Uint8Array = new Uint8Array(0)
  extra = new Uint8Array(1 << 12)
  extraSize = 0
  rows = 0
  /** Spans left out because they can never be stored, and the first reason why. */
  rejected = 0
  rejectMessage = ''
  /** Spans left out because they came before, whole and lately. */
  repeated = 0
  /** Ids of spans of earlier requests that `countedAs` refers to. */
  outerIds = new Uint8Array(64)
  private outerCount = 0
  projectId = 0
  ingestedMs = 0

  // Rows. Positions of the 16- and 8-byte ids in `bytes`; `nowhere` when absent.
  tracePos = new Uint32Array(rowsAtFirst)
  spanPos = new Uint32Array(rowsAtFirst)
  parentPos = new Uint32Array(rowsAtFirst)
  /** Unix nanoseconds as two halves, as on the wire. */
  startLow = new Uint32Array(rowsAtFirst)
  startHigh = new Uint32Array(rowsAtFirst)
  endLow = new Uint32Array(rowsAtFirst)
  endHigh = new Uint32Array(rowsAtFirst)
  flags = new Uint32Array(rowsAtFirst)
  spanKind = new Uint8Array(rowsAtFirst)
  statusCode = new Uint8Array(rowsAtFirst)
  resource = new Int32Array(rowsAtFirst)
  scope = new Int32Array(rowsAtFirst)
  attrFrom = new Uint32Array(rowsAtFirst)
  attrTo = new Uint32Array(rowsAtFirst)
  eventFrom = new Uint32Array(rowsAtFirst)
  eventTo = new Uint32Array(rowsAtFirst)
  linkFrom = new Uint32Array(rowsAtFirst)
  linkTo = new Uint32Array(rowsAtFirst)
  /** 1 where the sent start time was clamped. */
  startClamped = new Uint8Array(rowsAtFirst)
  /** Unix nanoseconds as sent, of clamped rows. */
  readonly sentStart = new Map<number, string>()
  durationNano = new Float64Array(rowsAtFirst)
  /** 0 = not reported. */
  ttftNano = new Float64Array(rowsAtFirst)
  /** -1 = not reported. */
  stream = new Int8Array(rowsAtFirst)
  /** NaN = not reported. */
  temperature = new Float64Array(rowsAtFirst)
  maxTokens = new Float64Array(rowsAtFirst)
  attempt = new Uint16Array(rowsAtFirst)
  attempts = new Uint16Array(rowsAtFirst)
  /** Row that carries the money of an aggregate or duplicate; -1 for none, below it a span of an earlier request, see `outerAt`. */
  countedAs = new Int32Array(rowsAtFirst)
  hasContent = new Uint8Array(rowsAtFirst)
  /** What the ledger does with a row, see `role`. */
  role = new Uint8Array(rowsAtFirst)
  /** 1 where a count was reported that can be none: negative, fractional, not a number. */
  badUsage = new Uint8Array(rowsAtFirst)
  /** 1 where the sender's own figure in `costs` stands as the charge. */
  charged = new Uint8Array(rowsAtFirst)
  /** Index into `conditions`. */
  condition = new Int32Array(rowsAtFirst)
  /** `usage[row * usageUnitCount + unit.x]`, NaN = not reported. */
  usage = new Float64Array(rowsAtFirst * usageUnitCount)
  /** `costs[row * costCount + cost.x]`, integer pico-USD, NaN = NULL. */
  costs = new Float64Array(rowsAtFirst * costCount)
  /** Attribute that holds each content column, -1 for none. */
  contentAttr = new Int32Array(rowsAtFirst * contentCount)
  /** Interned ids, one array per LowCardinality column. */
  readonly low: Int32Array[] = lowNames.map(() => new Int32Array(rowsAtFirst))
  readonly textStart: Uint32Array[] = textNames.map(() => new Uint32Array(rowsAtFirst))
  readonly textEnd: Uint32Array[] = textNames.map(() => new Uint32Array(rowsAtFirst))

  // Attributes of spans, events, links, scopes and resources, each owner's in one run.
  attributes = 0
  attrKey = new Int32Array(attributesAtFirst)
  attrType = new Uint8Array(attributesAtFirst)
  /** Range of the value's bytes; for numbers the range of their wire form. */
  attrStart = new Uint32Array(attributesAtFirst)
  attrEnd = new Uint32Array(attributesAtFirst)
  /** Value of booleans, integers (rounded beyond 2^53) and doubles. */
  attrNumber = new Float64Array(attributesAtFirst)
  attrRoom = new Uint8Array(attributesAtFirst)

  events = 0
  eventName = new Int32Array(rowsAtFirst)
  eventTimeLow = new Uint32Array(rowsAtFirst)
  eventTimeHigh = new Uint32Array(rowsAtFirst)
  eventAttrFrom = new Uint32Array(rowsAtFirst)
  eventAttrTo = new Uint32Array(rowsAtFirst)

  links = 0
  linkTracePos = new Uint32Array(rowsAtFirst)
  linkSpanPos = new Uint32Array(rowsAtFirst)
  linkAttrFrom = new Uint32Array(rowsAtFirst)
  linkAttrTo = new Uint32Array(rowsAtFirst)

  resources = 0
  resourceAttrFrom = new Uint32Array(64)
  resourceAttrTo = new Uint32Array(64)

  scopes = 0
  scopeName = new Int32Array(64)
  scopeVersion = new Int32Array(64)
  scopeAttrFrom = new Uint32Array(64)
  scopeAttrTo = new Uint32Array(64)

  /** Rewinds for the next request; `bytes` stays the caller's and must live until the batch was appended. */
  open(bytes: Uint8Array): void {
    this.bytes = bytes
    this.extraSize = 0
    this.rows = 0
    this.rejected = 0
    this.rejectMessage = ''
    this.repeated = 0
    this.outerCount = 0
    this.attributes = 0
    this.events = 0
    this.links = 0
    this.sentStart.clear()
    this.resources = 0
    this.scopes = 0
  }

  reserveRow(): void {
    if (this.rows < this.tracePos.length) return
    this.tracePos = grown(this.tracePos)
    this.spanPos = grown(this.spanPos)
    this.parentPos = grown(this.parentPos)
    this.startLow = grown(this.startLow)
    this.startHigh = grown(this.startHigh)
    this.endLow = grown(this.endLow)
    this.endHigh = grown(this.endHigh)
    this.flags = grown(this.flags)
    this.spanKind = grown(this.spanKind)
    this.statusCode = grown(this.statusCode)
    this.resource = grown(this.resource)
    this.scope = grown(this.scope)
    this.attrFrom = grown(this.attrFrom)
    this.attrTo = grown(this.attrTo)
    this.eventFrom = grown(this.eventFrom)
    this.eventTo = grown(this.eventTo)
    this.linkFrom = grown(this.linkFrom)
    this.linkTo = grown(this.linkTo)
    this.startClamped = grown(this.startClamped)
    this.durationNano = grown(this.durationNano)
    this.ttftNano = grown(this.ttftNano)
    this.stream = grown(this.stream)
    this.temperature = grown(this.temperature)
    this.maxTokens = grown(this.maxTokens)
    this.attempt = grown(this.attempt)
    this.attempts = grown(this.attempts)
    this.countedAs = grown(this.countedAs)
    this.hasContent = grown(this.hasContent)
    this.condition = grown(this.condition)
    this.charged = grown(this.charged)
    this.badUsage = grown(this.badUsage)
    this.role = grown(this.role)
    this.usage = grown(this.usage)
    this.costs = grown(this.costs)
    this.contentAttr = grown(this.contentAttr)
    for (let i = 0; i < this.low.length; i++) this.low[i] = grown(this.low[i]!)
    for (let i = 0; i < this.textStart.length; i++) {
      this.textStart[i] = grown(this.textStart[i]!)
      this.textEnd[i] = grown(this.textEnd[i]!)
    }
  }

  reserveAttribute(): void {
    if (this.attributes < this.attrKey.length) return
    this.attrKey = grown(this.attrKey)
    this.attrType = grown(this.attrType)
    this.attrStart = grown(this.attrStart)
    this.attrEnd = grown(this.attrEnd)
    this.attrNumber = grown(this.attrNumber)
    this.attrRoom = grown(this.attrRoom)
  }

  reserveEvent(): void {
    if (this.events < this.eventName.length) return
    this.eventName = grown(this.eventName)
    this.eventTimeLow = grown(this.eventTimeLow)
    this.eventTimeHigh = grown(this.eventTimeHigh)
    this.eventAttrFrom = grown(this.eventAttrFrom)
    this.eventAttrTo = grown(this.eventAttrTo)
  }

  reserveLink(): void {
    if (this.links < this.linkTracePos.length) return
    this.linkTracePos = grown(this.linkTracePos)
    this.linkSpanPos = grown(this.linkSpanPos)
    this.linkAttrFrom = grown(this.linkAttrFrom)
    this.linkAttrTo = grown(this.linkAttrTo)
  }

  reserveResource(): void {
    if (this.resources < this.resourceAttrFrom.length) return
    this.resourceAttrFrom = grown(this.resourceAttrFrom)
    this.resourceAttrTo = grown(this.resourceAttrTo)
  }

  reserveScope(): void {
    if (this.scopes < this.scopeName.length) return
    this.scopeName = grown(this.scopeName)
    this.scopeVersion = grown(this.scopeVersion)
    this.scopeAttrFrom = grown(this.scopeAttrFrom)
    this.scopeAttrTo = grown(this.scopeAttrTo)
  }

  /** Puts text that is not in the body beside it; the range it returns is `[start, start + size)` of the batch. */
  addText(value: string): { start: number; end: number } {
    const encoded = new TextEncoder().encode(value)
    while (this.extraSize + encoded.length > this.extra.length) this.extra = grown(this.extra)
    this.extra.set(encoded, this.extraSize)
    const start = this.bytes.length + this.extraSize
    this.extraSize += encoded.length
    return { start, end: start + encoded.length }
  }

  /** A span id that no row has, by its halves as they lie in memory; what `countedAs` says of it. */
  addOuterId(first: number, second: number): number {
    const at = this.outerCount * 8
    if (at + 8 > this.outerIds.length) this.outerIds = grown(this.outerIds)
    for (let i = 0; i < 4; i++) {
      this.outerIds[at + i] = first >>> (i * 8)
      this.outerIds[at + 4 + i] = second >>> (i * 8)
    }
    return -2 - this.outerCount++
  }

  /** An id of so many bytes in lower hex; empty for `nowhere`. */
  hexOf(at: number, size: 8 | 16): string {
    return at === nowhere ? '' : Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, size).toString('hex')
  }

  setText(column: number, row: number, start: number, end: number): void {
    this.textStart[column]![row] = start
    this.textEnd[column]![row] = end
  }

  /** The text of a range of the batch; for rare paths and tests. */
  textOf(start: number, end: number): string {
    const inBody = start < this.bytes.length
    const source = inBody ? this.bytes : this.extra
    const shift = inBody ? 0 : this.bytes.length
    return Buffer.from(source.buffer, source.byteOffset + start - shift, end - start).toString('utf8')
  }
}

/** Where in `SpanBatch.outerIds` the 8 bytes are that a value of `countedAs` below -1 refers to. */
export function outerAt(countedAs: number): number {
  return (-2 - countedAs) * 8
}

type Grows = Uint8Array | Int8Array | Uint16Array | Uint32Array | Int32Array | Float64Array

function grown<T extends Grows>(old: T): T {
  const bigger = new (old.constructor as new (size: number) => T)(old.length * 2)
  bigger.set(old)
  return bigger
}
