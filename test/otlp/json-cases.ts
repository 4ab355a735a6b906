// Small OTLP/JSON requests for tests, and what became of them.

import { encodeTracesJson } from '../../collector/otlp/json.ts'
import { TraceDecoder } from '../../collector/otlp/traces.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { low, nowhere, SpanBatch } from '../../schemas/span-batch.ts'
import { StringTable } from '../../schemas/string-table.ts'
import { decoded } from './json-judge.ts'

export const traceId = '0af7651916cd43dd8448eb211c80319c'
export const spanId = '00f067aa0ba902b7'
export const ids = `"traceId":"${traceId}","spanId":"${spanId}"`

/** A request of one span with these members. */
export function spanJson(members: string): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{${ids},${members}}]}]}]}`
}

/** A request of one span with one attribute of this AnyValue. */
export function valueJson(value: string): string {
  return spanJson(`"attributes":[{"key":"k","value":${value}}]`)
}

export type Tree = Record<string, unknown>

export function firstSpan(json: string | Uint8Array): Tree {
  const request = decoded('Traces', encodeTracesJson(typeof json === 'string' ? Buffer.from(json) : json))
  return (request as { resourceSpans: { scopeSpans: { spans: Tree[] }[] }[] }).resourceSpans[0]!.scopeSpans[0]!
    .spans[0]!
}

export function firstValue(json: string): unknown {
  return (firstSpan(json) as { attributes: { value?: Tree }[] }).attributes[0]!.value
}

export function refusalText(json: string | Uint8Array): string {
  try {
    encodeTracesJson(typeof json === 'string' ? Buffer.from(json) : json)
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'bad_request') return error.message
    throw error
  }
  return 'taken'
}

/** What our own decoder makes of requests, one at a time. */
export class Decoded {
  readonly strings = new StringTable()
  readonly batch = new SpanBatch()
  private readonly decoder = new TraceDecoder(this.batch, this.strings)

  /** The names of the spans that were kept. */
  names(request: Uint8Array): string[] {
    this.decoder.decode(request)
    return Array.from({ length: this.batch.rows }, (_, row) => this.strings.text(this.batch.low[low.name]![row]!))
  }

  /** The id at this position in hex, empty when there is none. */
  hex(at: number, size: number): string {
    return at === nowhere ? '' : Buffer.from(this.batch.bytes.subarray(at, at + size)).toString('hex')
  }
}
