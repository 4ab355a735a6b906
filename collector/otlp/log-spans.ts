// Spans made of log records → ExportTraceServiceRequest bytes, which the decoder of traces reads like any others. The messages
// are those of traces.ts.

import type { LogCall } from '../../processors/log-calls.ts'
import { spanKindOfEvents } from '../../processors/words.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

const wire = { varint: 0, fixed64: 1, bytes: 2 } as const
const statusError = 2
/** Lists that instrumentations write as one and columns hold as text. */
const listed: ReadonlySet<string> = new Set(['gen_ai.response.finish_reasons'])

/** One request of all the calls; those of one scope after the other share theirs. */
export function encodeLogCalls(calls: readonly LogCall[]): Buffer {
  const writer = new LogSpanWriter()
  for (let from = 0; from < calls.length; ) {
    let to = from + 1
    while (to < calls.length && isSameScope(calls[to]!, calls[from]!)) to++
    writer.resourceSpans(calls.slice(from, to))
    from = to
  }
  return writer.bytes()
}

function isSameScope(a: LogCall, b: LogCall): boolean {
  return a.record.source === b.record.source && a.scopeName === b.scopeName
}

class LogSpanWriter {
  private readonly out = new ProtobufWriter(4096)
  private depth = 0

  bytes(): Buffer {
    return this.out.bytes.subarray(0, this.out.size)
  }

  resourceSpans(calls: readonly LogCall[]): void {
    const { record, scopeName } = calls[0]!
    this.message(1, () => {
      this.message(1, () => {
        for (const [key, value] of record.source.resource) this.attribute(1, key, value)
      })
      this.message(2, () => {
        this.message(1, () => {
          this.text(1, scopeName)
          this.text(2, record.source.scopeVersion)
        })
        for (const call of calls) this.message(2, () => this.span(call))
      })
    })
  }

  private span(call: LogCall): void {
    const { out } = this
    this.id(1, call.traceId)
    this.id(2, call.spanId)
    if (call.parentId !== '') this.id(4, call.parentId)
    this.text(5, call.name)
    this.tag(6, wire.varint)
    out.varint(spanKindOfEvents)
    this.time(7, call.start)
    this.time(8, call.end)
    for (const [key, value] of call.attributes) this.attribute(9, key, value)
    if (call.isError) {
      this.message(15, () => {
        if (call.message !== '') this.text(2, call.message)
        this.tag(3, wire.varint)
        out.varint(statusError)
      })
    }
  }

  private attribute(field: number, key: string, value: string): void {
    this.message(field, () => {
      this.text(1, key)
      this.message(2, () => this.value(listed.has(key) ? plainList(value) : value))
    })
  }

  /** Counts are numbers again, as they are on spans. */
  private value(value: string): void {
    if (/^(0|[1-9]\d{0,8})$/.test(value)) {
      this.tag(3, wire.varint)
      this.out.varint(Number(value))
    } else this.text(1, value)
  }

  private message(field: number, write: () => void): void {
    const { out } = this
    this.tag(field, wire.bytes)
    // A guess of the length is kept for each depth.
    const kind = this.depth++
    const lengthAt = out.size
    out.open(kind)
    const start = out.size
    write()
    out.close(kind, lengthAt, start)
    this.depth--
  }

  private text(field: number, value: string): void {
    const bytes = Buffer.from(value)
    this.tag(field, wire.bytes)
    this.out.varint(bytes.length)
    this.out.copy(bytes, 0, bytes.length)
  }

  private id(field: number, hex: string): void {
    const bytes = Buffer.from(hex, 'hex')
    this.tag(field, wire.bytes)
    this.out.varint(bytes.length)
    this.out.copy(bytes, 0, bytes.length)
  }

  private time(field: number, nano: bigint): void {
    this.tag(field, wire.fixed64)
    this.out.fixed64(Number(nano & 0xffffffffn), Number((nano >> 32n) & 0xffffffffn))
  }

  private tag(field: number, type: number): void {
    this.out.varint((field << 3) | type)
  }
}

/** `["stop"]` → `stop`. */
function plainList(value: string): string {
  if (!value.startsWith('[')) return value
  try {
    const members: unknown = JSON.parse(value)
    return Array.isArray(members) ? members.join(',') : value
  } catch {
    // Text that only looks like a list is kept as it is.
    return value
  }
}
