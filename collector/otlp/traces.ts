// hot: ExportTraceServiceRequest bytes → SpanBatch columns, in one walk, without an object per span.
//
//  ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1 }
//  ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3 }
//  Resource      { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2 }
//  ScopeSpans    { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3 }
//  Scope         { string name = 1; string version = 2; repeated KeyValue attributes = 3 }
//  Span          { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
//                  SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
//                  repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13;
//                  Status status = 15; fixed32 flags = 16 }
//  Event         { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3 }
//  Link          { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4 }
//  Status        { string message = 2; StatusCode code = 3 }
// Source: opentelemetry-proto 1.11.0, collector/trace/v1 and trace/v1.

import type { RecentSpans } from '../../processors/recent-spans.ts'
import { Cursor } from '../../schemas/protobuf.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { low, nowhere, type SpanBatch, text } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { AttributeReader, traceLimits } from './attributes.ts'

/**
 * Decodes one request at a time into the batch it was made with.
 * A span whose ids are not 16 and 8 non-zero bytes is left out and counted in `batch.rejected`; bytes that are not
 * protobuf, or more items than `traceLimits`, throw Refusal('bad_request') and nothing of the request is kept.
 */
export class TraceDecoder {
  private readonly cursor = new Cursor()
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly recent: RecentSpans | undefined
  private readonly attributes: AttributeReader
  // Sub-messages of the span at hand, read after its own attributes so that those stay in one run.
  private readonly eventAt: number[] = []
  private readonly linkAt: number[] = []
  private readonly ownerAt: number[] = []
  private lastName = 0
  private items = 0

  /** With `recent`, a span that came before, whole and lately, is left out and counted in `batch.repeated`. */
  constructor(batch: SpanBatch, strings: StringTable, recent?: RecentSpans) {
    this.batch = batch
    this.strings = strings
    this.recent = recent
    this.attributes = new AttributeReader(batch, strings, this.cursor)
  }

  decode(body: Uint8Array): void {
    const { batch, cursor } = this
    batch.open(body)
    cursor.open(body)
    this.items = 0
    this.lastName = 0
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag !== 10) {
        cursor.skip(tag)
        continue
      }
      const end = cursor.enter()
      const outer = cursor.end
      cursor.end = end
      this.resourceSpans()
      cursor.end = outer
    }
  }

  private resourceSpans(): void {
    const { batch, cursor } = this
    this.count()
    batch.reserveResource()
    const resource = batch.resources++
    // The resource may follow its spans on the wire, and may come in several parts: find all parts first.
    this.ownerAt.length = 0
    const scopesFrom = this.findParts(this.ownerAt)
    batch.resourceAttrFrom[resource] = batch.attributes
    const end = cursor.end
    for (let i = 0; i < this.ownerAt.length; i += 2) {
      cursor.at = this.ownerAt[i]!
      cursor.end = this.ownerAt[i + 1]!
      this.attributeRun(1)
    }
    batch.resourceAttrTo[resource] = batch.attributes
    cursor.at = scopesFrom < 0 ? end : scopesFrom
    cursor.end = end
    while (cursor.at < end) {
      const tag = cursor.varint()
      if (tag !== 18) {
        cursor.skip(tag)
        continue
      }
      cursor.end = cursor.enter()
      this.scopeSpans(resource)
      cursor.end = end
    }
  }

  private scopeSpans(resource: number): void {
    const { batch, cursor } = this
    this.count()
    batch.reserveScope()
    const scope = batch.scopes++
    const end = cursor.end
    this.ownerAt.length = 0
    const spansFrom = this.findParts(this.ownerAt)
    batch.scopeName[scope] = 0
    batch.scopeVersion[scope] = 0
    batch.scopeAttrFrom[scope] = batch.attributes
    for (let i = 0; i < this.ownerAt.length; i += 2) {
      cursor.at = this.ownerAt[i]!
      cursor.end = this.ownerAt[i + 1]!
      this.instrumentationScope(scope)
    }
    batch.scopeAttrTo[scope] = batch.attributes
    cursor.at = spansFrom < 0 ? end : spansFrom
    cursor.end = end
    while (cursor.at < end) {
      const tag = cursor.varint()
      if (tag !== 18) {
        cursor.skip(tag)
        continue
      }
      cursor.end = cursor.enter()
      this.span(resource, scope)
      cursor.end = end
    }
  }

  /** Notes where the parts of field 1 are; returns where the first field 2 begins, -1 when there is none. */
  private findParts(parts: number[]): number {
    const { cursor } = this
    let first = -1
    while (cursor.at < cursor.end) {
      const before = cursor.at
      const tag = cursor.varint()
      if (tag === 10) {
        const end = cursor.enter()
        parts.push(cursor.at, end)
        cursor.at = end
      } else {
        if (tag === 18 && first < 0) first = before
        cursor.skip(tag)
      }
    }
    return first
  }

  private instrumentationScope(scope: number): void {
    const { batch, cursor, strings } = this
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag === 10 || tag === 18) {
        const end = cursor.enter()
        const id = strings.intern(cursor.bytes, cursor.at, end)
        if (tag === 10) batch.scopeName[scope] = id
        else batch.scopeVersion[scope] = id
        cursor.at = end
      } else if (tag === 26) this.attributes.keyValue()
      else cursor.skip(tag)
    }
  }

  private span(resource: number, scope: number): void {
    const { batch, cursor } = this
    this.count()
    batch.reserveRow()
    const row = batch.rows
    const from = cursor.at
    const attributesBefore = batch.attributes
    batch.tracePos[row] = nowhere
    batch.spanPos[row] = nowhere
    batch.parentPos[row] = nowhere
    batch.startLow[row] = 0
    batch.startHigh[row] = 0
    batch.endLow[row] = 0
    batch.endHigh[row] = 0
    batch.flags[row] = 0
    batch.spanKind[row] = 0
    batch.statusCode[row] = 0
    batch.low[low.name]![row] = 0
    batch.setText(text.trace_state, row, 0, 0)
    batch.setText(text.status_message, row, 0, 0)
    batch.resource[row] = resource
    batch.scope[row] = scope
    batch.attrFrom[row] = batch.attributes
    this.eventAt.length = 0
    this.linkAt.length = 0
    const end = cursor.end
    this.spanFields(row)
    batch.attrTo[row] = batch.attributes
    if (batch.attrTo[row]! - batch.attrFrom[row]! > traceLimits.attributesPerSpan) this.tooMany('attributes', row)
    this.spanEvents(row)
    this.spanLinks(row)
    cursor.at = end
    cursor.end = end
    if (!this.hasValidIds(row)) batch.attributes = attributesBefore
    else if (this.recent?.seen(batch, row, end - from) === true) {
      batch.attributes = attributesBefore
      batch.repeated++
    } else batch.rows++
  }

  private spanFields(row: number): void {
    const { batch, cursor } = this
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      switch (tag) {
        case 74:
          this.attributes.keyValue()
          break
        case 10:
          batch.tracePos[row] = this.idPosition(16)
          break
        case 18:
          batch.spanPos[row] = this.idPosition(8)
          break
        case 34:
          batch.parentPos[row] = this.idPosition(8)
          break
        case 26:
          this.textField(text.trace_state, row)
          break
        case 42: {
          const end = cursor.enter()
          this.lastName = this.strings.intern(cursor.bytes, cursor.at, end, this.lastName)
          batch.low[low.name]![row] = this.lastName
          cursor.at = end
          break
        }
        case 48:
          batch.spanKind[row] = cursor.varint()
          break
        case 57:
          cursor.fixed64()
          batch.startLow[row] = cursor.low
          batch.startHigh[row] = cursor.high
          break
        case 65:
          cursor.fixed64()
          batch.endLow[row] = cursor.low
          batch.endHigh[row] = cursor.high
          break
        case 90:
          this.note(this.eventAt)
          break
        case 106:
          this.note(this.linkAt)
          break
        case 122:
          this.status(row)
          break
        case 133:
          batch.flags[row] = cursor.fixed32()
          break
        default:
          cursor.skip(tag)
      }
    }
  }

  private status(row: number): void {
    const { batch, cursor } = this
    const outer = cursor.end
    cursor.end = cursor.enter()
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag === 18) this.textField(text.status_message, row)
      else if (tag === 24) batch.statusCode[row] = cursor.varint()
      else cursor.skip(tag)
    }
    cursor.end = outer
  }

  private spanEvents(row: number): void {
    const { batch, cursor } = this
    batch.eventFrom[row] = batch.events
    if (this.eventAt.length > traceLimits.eventsPerSpan * 2) this.tooMany('events', row)
    for (let i = 0; i < this.eventAt.length; i += 2) {
      cursor.at = this.eventAt[i]!
      cursor.end = this.eventAt[i + 1]!
      batch.reserveEvent()
      const event = batch.events++
      batch.eventName[event] = 0
      batch.eventTimeLow[event] = 0
      batch.eventTimeHigh[event] = 0
      batch.eventAttrFrom[event] = batch.attributes
      while (cursor.at < cursor.end) {
        const tag = cursor.varint()
        if (tag === 26) this.attributes.keyValue()
        else if (tag === 9) {
          cursor.fixed64()
          batch.eventTimeLow[event] = cursor.low
          batch.eventTimeHigh[event] = cursor.high
        } else if (tag === 18) {
          const end = cursor.enter()
          batch.eventName[event] = this.strings.intern(cursor.bytes, cursor.at, end)
          cursor.at = end
        } else cursor.skip(tag)
      }
      batch.eventAttrTo[event] = batch.attributes
    }
    batch.eventTo[row] = batch.events
  }

  private spanLinks(row: number): void {
    const { batch, cursor } = this
    batch.linkFrom[row] = batch.links
    if (this.linkAt.length > traceLimits.linksPerSpan * 2) this.tooMany('links', row)
    for (let i = 0; i < this.linkAt.length; i += 2) {
      cursor.at = this.linkAt[i]!
      cursor.end = this.linkAt[i + 1]!
      batch.reserveLink()
      const link = batch.links
      batch.linkTracePos[link] = nowhere
      batch.linkSpanPos[link] = nowhere
      batch.linkAttrFrom[link] = batch.attributes
      while (cursor.at < cursor.end) {
        const tag = cursor.varint()
        if (tag === 10) batch.linkTracePos[link] = this.idPosition(16)
        else if (tag === 18) batch.linkSpanPos[link] = this.idPosition(8)
        else if (tag === 34) this.attributes.keyValue()
        else cursor.skip(tag)
      }
      batch.linkAttrTo[link] = batch.attributes
      // A link to nothing says nothing: the span is kept without it.
      if (batch.linkTracePos[link] !== nowhere && batch.linkSpanPos[link] !== nowhere) batch.links++
    }
    batch.linkTo[row] = batch.links
  }

  private attributeRun(field: number): void {
    const { cursor } = this
    const want = (field << 3) | 2
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag === want) this.attributes.keyValue()
      else cursor.skip(tag)
    }
  }

  private textField(column: number, row: number): void {
    const end = this.cursor.enter()
    this.batch.setText(column, row, this.cursor.at, end)
    this.cursor.at = end
  }

  /** Position of an id of `size` bytes that are not all zero, else `nowhere`. */
  private idPosition(size: number): number {
    const { cursor } = this
    const end = cursor.enter()
    const start = cursor.at
    cursor.at = end
    if (end - start !== size) return nowhere
    for (let i = start; i < end; i++) if (cursor.bytes[i] !== 0) return start
    return nowhere
  }

  private note(places: number[]): void {
    const { cursor } = this
    const end = cursor.enter()
    places.push(cursor.at, end)
    cursor.at = end
  }

  private hasValidIds(row: number): boolean {
    const { batch } = this
    const badTrace = batch.tracePos[row] === nowhere
    if (!badTrace && batch.spanPos[row] !== nowhere) return true
    batch.rejected++
    if (batch.rejectMessage === '') {
      const name = this.strings.text(batch.low[low.name]![row]!)
      batch.rejectMessage = badTrace
        ? `span "${name}": trace_id must be 16 bytes that are not all zero`
        : `span "${name}": span_id must be 8 bytes that are not all zero`
    }
    return false
  }

  private count(): void {
    if (++this.items > traceLimits.itemsPerRequest) {
      throw new Refusal(
        'bad_request',
        `more than ${traceLimits.itemsPerRequest} spans, scopes and resources in one request`,
      )
    }
  }

  private tooMany(what: string, row: number): never {
    const name = this.strings.text(this.batch.low[low.name]![row]!)
    throw new Refusal('bad_request', `span "${name}" has too many ${what}; limits: ${JSON.stringify(traceLimits)}`)
  }
}
