// Makes OTLP request bytes for tests with protobufjs, so that our decoder is judged by somebody else's encoder.

import { encoded } from './otlp-schema.ts'

export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Value[]
  | { readonly [key: string]: Value }
  | Double
  | Uint8Array
export type Attributes = Readonly<Record<string, Value>>

/** A number sent as a double although it is whole. */
export class Double {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

export interface SpanInput {
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly name?: string
  readonly kind?: number
  /** Unix milliseconds. */
  readonly startMs?: number
  readonly durationMs?: number
  readonly attributes?: Attributes
  readonly events?: readonly { readonly name: string; readonly timeMs?: number; readonly attributes?: Attributes }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string; readonly attributes?: Attributes }[]
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly flags?: number
}

export interface ScopeInput {
  readonly scope?: string
  readonly version?: string
  readonly resource?: Attributes
  readonly spans: readonly SpanInput[]
}

export const traceId = '0af7651916cd43dd8448eb211c80319c'

/** An ExportTraceServiceRequest, one resource for each scope given. */
export function tracesRequest(...scopes: readonly ScopeInput[]): Uint8Array {
  return encoded('Traces', {
    resourceSpans: scopes.map(({ scope = 'test', version = '', resource = {}, spans }) => ({
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: { name: scope, version }, spans: spans.map(spanMessage) }],
    })),
  })
}

export interface LogInput {
  readonly eventName?: string
  readonly timeMs?: number
  readonly observedMs?: number
  readonly traceId?: string
  readonly spanId?: string
  readonly body?: Value
  readonly severityNumber?: number
  readonly attributes?: Attributes
}

export function logsRequest(input: {
  readonly scope?: string
  readonly resource?: Attributes
  readonly records: readonly LogInput[]
}): Uint8Array {
  return encoded('Logs', {
    resourceLogs: [
      {
        resource: { attributes: keyValues(input.resource ?? {}) },
        scopeLogs: [
          {
            scope: { name: input.scope ?? 'test' },
            logRecords: input.records.map((record) => ({
              timeUnixNano: nano(record.timeMs ?? 0),
              observedTimeUnixNano: nano(record.observedMs ?? 0),
              severityNumber: record.severityNumber ?? 0,
              ...(record.body === undefined ? {} : { body: anyValue(record.body) }),
              attributes: keyValues(record.attributes ?? {}),
              traceId: bytes(record.traceId ?? ''),
              spanId: bytes(record.spanId ?? ''),
              eventName: record.eventName ?? '',
            })),
          },
        ],
      },
    ],
  })
}

function spanMessage(span: SpanInput): object {
  const startMs = span.startMs ?? 1_790_000_000_000
  return {
    traceId: bytes(span.traceId ?? traceId),
    spanId: bytes(span.spanId ?? '00f067aa0ba902b7'),
    parentSpanId: bytes(span.parentSpanId ?? ''),
    name: span.name ?? 'chat',
    kind: span.kind ?? 3,
    startTimeUnixNano: nano(startMs),
    endTimeUnixNano: nano(startMs + (span.durationMs ?? 1000)),
    attributes: keyValues(span.attributes ?? {}),
    events: (span.events ?? []).map((event) => ({
      name: event.name,
      timeUnixNano: nano(event.timeMs ?? startMs),
      attributes: keyValues(event.attributes ?? {}),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: bytes(link.traceId),
      spanId: bytes(link.spanId),
      attributes: keyValues(link.attributes ?? {}),
    })),
    ...(span.status === undefined ? {} : { status: span.status }),
    ...(span.flags === undefined ? {} : { flags: span.flags }),
  }
}

function nano(ms: number): string {
  return (BigInt(Math.round(ms * 1000)) * 1000n).toString()
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: Value): object {
  if (value === null) return {}
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: value.toString() }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
  if (value instanceof Double) return { doubleValue: value.value }
  if (value instanceof Uint8Array) return { bytesValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  return { kvlistValue: { values: keyValues(value as Attributes) } }
}
