// The messages of OTLP as OTLP/JSON names them: lowerCamelCase key → field number and kind. Nothing else is read.
// Source: opentelemetry-proto 1.11.0, common/v1, resource/v1, trace/v1, logs/v1; JSON rules: docs/specification.md.

export type FieldKind =
  | 'string'
  /** Hex in JSON, bytes on the wire. */
  | 'id'
  | 'bytes'
  | 'boolean'
  | 'double'
  /** Any int64, written as a varint. */
  | 'int64'
  | 'enum'
  | 'uint32'
  | 'fixed32'
  | 'fixed64'
  | 'message'

export interface Field {
  readonly name: string
  readonly number: number
  readonly kind: FieldKind
  /** Set for `message`. */
  readonly shape: Shape | undefined
  readonly isRepeated: boolean
  /** What goes before a value of this field on the wire. */
  readonly tag: number
  /** Bit of this field among the fields of its message. */
  readonly bit: number
}

/** What is limited in one request: resources, scopes, spans and records; attributes, events and links; members of lists. */
export type Counted = 'items' | 'parts' | 'values'

export interface Shape {
  /** Index of the message among all messages. */
  readonly kind: number
  /** At most one field is set: AnyValue. */
  readonly isChoice: boolean
  /** What is limited when it is repeated. */
  readonly counts: Counted | undefined
  /** Fields by the length of their name: at most three share one. */
  readonly byLength: readonly (readonly Field[])[]
}

const wireTypes = {
  string: 2,
  id: 2,
  bytes: 2,
  message: 2,
  boolean: 0,
  int64: 0,
  enum: 0,
  uint32: 0,
  double: 1,
  fixed64: 1,
  fixed32: 5,
} as const satisfies Record<FieldKind, number>

interface OpenShape extends Shape {
  readonly byLength: Field[][]
}

const shapes: OpenShape[] = []

function shape(options: { readonly isChoice?: boolean; readonly counts?: Counted } = {}): OpenShape {
  const made: OpenShape = {
    kind: shapes.length,
    isChoice: options.isChoice ?? false,
    counts: options.counts,
    byLength: [],
  }
  shapes.push(made)
  return made
}

type Line = readonly [name: string, number: number, kind: FieldKind | OpenShape | readonly [FieldKind | OpenShape]]

/** A kind in brackets is repeated. */
function fields(owner: OpenShape, lines: readonly Line[]): void {
  for (const [index, [name, number, type]] of lines.entries()) {
    const isRepeated = Array.isArray(type)
    const one = (isRepeated ? type[0] : type) as FieldKind | OpenShape
    const kind = typeof one === 'string' ? one : 'message'
    while (owner.byLength.length <= name.length) owner.byLength.push([])
    owner.byLength[name.length]!.push({
      name,
      number,
      kind,
      shape: typeof one === 'string' ? undefined : one,
      isRepeated,
      tag: (number << 3) | wireTypes[kind],
      bit: 1 << index,
    })
  }
}

const anyValue = shape({ isChoice: true, counts: 'values' })
const arrayValue = shape()
const keyValueList = shape()
const keyValue = shape({ counts: 'parts' })
const scope = shape()
const entityRef = shape()
const resource = shape()
const event = shape({ counts: 'parts' })
const link = shape({ counts: 'parts' })
const status = shape()
const span = shape({ counts: 'items' })
const scopeSpans = shape({ counts: 'items' })
const resourceSpans = shape({ counts: 'items' })
const logRecord = shape({ counts: 'items' })
const scopeLogs = shape({ counts: 'items' })
const resourceLogs = shape({ counts: 'items' })

/** ExportTraceServiceRequest. */
export const tracesRequest: Shape = shape()
/** ExportLogsServiceRequest. */
export const logsRequest: Shape = shape()

fields(anyValue, [
  ['stringValue', 1, 'string'],
  ['boolValue', 2, 'boolean'],
  ['intValue', 3, 'int64'],
  ['doubleValue', 4, 'double'],
  ['arrayValue', 5, arrayValue],
  ['kvlistValue', 6, keyValueList],
  ['bytesValue', 7, 'bytes'],
])
fields(arrayValue, [['values', 1, [anyValue]]])
fields(keyValueList, [['values', 1, [keyValue]]])
fields(keyValue, [
  ['key', 1, 'string'],
  ['value', 2, anyValue],
])
fields(scope, [
  ['name', 1, 'string'],
  ['version', 2, 'string'],
  ['attributes', 3, [keyValue]],
  ['droppedAttributesCount', 4, 'uint32'],
])
fields(entityRef, [
  ['schemaUrl', 1, 'string'],
  ['type', 2, 'string'],
  ['idKeys', 3, ['string']],
  ['descriptionKeys', 4, ['string']],
])
fields(resource, [
  ['attributes', 1, [keyValue]],
  ['droppedAttributesCount', 2, 'uint32'],
  ['entityRefs', 3, [entityRef]],
])
fields(event, [
  ['timeUnixNano', 1, 'fixed64'],
  ['name', 2, 'string'],
  ['attributes', 3, [keyValue]],
  ['droppedAttributesCount', 4, 'uint32'],
])
fields(link, [
  ['traceId', 1, 'id'],
  ['spanId', 2, 'id'],
  ['traceState', 3, 'string'],
  ['attributes', 4, [keyValue]],
  ['droppedAttributesCount', 5, 'uint32'],
  ['flags', 6, 'fixed32'],
])
fields(status, [
  ['message', 2, 'string'],
  ['code', 3, 'enum'],
])
fields(span, [
  ['traceId', 1, 'id'],
  ['spanId', 2, 'id'],
  ['traceState', 3, 'string'],
  ['parentSpanId', 4, 'id'],
  ['name', 5, 'string'],
  ['kind', 6, 'enum'],
  ['startTimeUnixNano', 7, 'fixed64'],
  ['endTimeUnixNano', 8, 'fixed64'],
  ['attributes', 9, [keyValue]],
  ['droppedAttributesCount', 10, 'uint32'],
  ['events', 11, [event]],
  ['droppedEventsCount', 12, 'uint32'],
  ['links', 13, [link]],
  ['droppedLinksCount', 14, 'uint32'],
  ['status', 15, status],
  ['flags', 16, 'fixed32'],
])
fields(scopeSpans, [
  ['scope', 1, scope],
  ['spans', 2, [span]],
  ['schemaUrl', 3, 'string'],
])
fields(resourceSpans, [
  ['resource', 1, resource],
  ['scopeSpans', 2, [scopeSpans]],
  ['schemaUrl', 3, 'string'],
])
fields(logRecord, [
  ['timeUnixNano', 1, 'fixed64'],
  ['severityNumber', 2, 'enum'],
  ['severityText', 3, 'string'],
  ['body', 5, anyValue],
  ['attributes', 6, [keyValue]],
  ['droppedAttributesCount', 7, 'uint32'],
  ['flags', 8, 'fixed32'],
  ['traceId', 9, 'id'],
  ['spanId', 10, 'id'],
  ['observedTimeUnixNano', 11, 'fixed64'],
  ['eventName', 12, 'string'],
])
fields(scopeLogs, [
  ['scope', 1, scope],
  ['logRecords', 2, [logRecord]],
  ['schemaUrl', 3, 'string'],
])
fields(resourceLogs, [
  ['resource', 1, resource],
  ['scopeLogs', 2, [scopeLogs]],
  ['schemaUrl', 3, 'string'],
])
fields(tracesRequest as OpenShape, [['resourceSpans', 1, [resourceSpans]]])
fields(logsRequest as OpenShape, [['resourceLogs', 1, [resourceLogs]]])
