// ExportLogsServiceRequest bytes → log records as plain objects: events are few beside spans.
//
//  ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1 }
//  ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2 }
//  ScopeLogs    { InstrumentationScope scope = 1; repeated LogRecord log_records = 2 }
//  LogRecord    { fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; string severity_text = 3; AnyValue body = 5;
//                 repeated KeyValue attributes = 6; bytes trace_id = 9; bytes span_id = 10; fixed64 observed_time_unix_nano = 11;
//                 string event_name = 12 }
// Source: opentelemetry-proto 1.11.0, collector/logs/v1 and logs/v1.

import { valueText } from '../../schemas/any-value.ts'
import { Cursor } from '../../schemas/protobuf.ts'
import { Refusal } from '../../schemas/refusal.ts'

export const logLimits = { recordsPerRequest: 100_000, attributesPerRecord: 1024 } as const

export interface LogSource {
  resource: Map<string, string>
  scopeName: string
  scopeVersion: string
}

export interface LogRecord {
  readonly source: LogSource
  /** Unix nanoseconds; 0 when not sent. */
  timeUnixNano: bigint
  observedUnixNano: bigint
  severityNumber: number
  severityText: string
  body: string
  readonly attributes: Map<string, string>
  /** Lower hex, empty when absent or all zero. */
  traceId: string
  spanId: string
  eventName: string
}

/** Throws Refusal('bad_request') for bytes that are not protobuf or for more records than `logLimits`. */
export function decodeLogs(body: Uint8Array): LogRecord[] {
  const cursor = new Cursor()
  cursor.open(body)
  const records: LogRecord[] = []
  eachField(cursor, (tag) => {
    if (tag !== 10) return false
    within(cursor, () => resourceLogs(cursor, records))
    return true
  })
  return records
}

function eachField(cursor: Cursor, take: (tag: number) => boolean): void {
  while (cursor.at < cursor.end) {
    const tag = cursor.varint()
    if (!take(tag)) cursor.skip(tag)
  }
}

/** Runs `read` with the cursor bounded to the length-delimited field it stands on. */
function within(cursor: Cursor, read: () => void): void {
  const outer = cursor.end
  const end = cursor.enter()
  cursor.end = end
  read()
  cursor.at = end
  cursor.end = outer
}

function resourceLogs(cursor: Cursor, records: LogRecord[]): void {
  const resource = new Map<string, string>()
  const scopes: number[] = []
  // The resource may follow its scopes on the wire: scopes are noted first and read afterwards.
  eachField(cursor, (tag) => {
    if (tag === 10) within(cursor, () => attributeRun(cursor, 10, resource))
    else if (tag === 18) note(cursor, scopes)
    else return false
    return true
  })
  for (let i = 0; i < scopes.length; i += 2) scopeLogs(cursor, scopes[i]!, scopes[i + 1]!, resource, records)
}

function scopeLogs(cursor: Cursor, at: number, end: number, resource: Map<string, string>, records: LogRecord[]): void {
  const outer = cursor.end
  const source: LogSource = { resource, scopeName: '', scopeVersion: '' }
  const found: number[] = []
  cursor.at = at
  cursor.end = end
  eachField(cursor, (tag) => {
    if (tag === 10) within(cursor, () => scope(cursor, source))
    else if (tag === 18) note(cursor, found)
    else return false
    return true
  })
  for (let i = 0; i < found.length; i += 2) {
    if (records.length >= logLimits.recordsPerRequest)
      throw new Refusal('bad_request', `more than ${logLimits.recordsPerRequest} log records in one request`)
    cursor.at = found[i]!
    cursor.end = found[i + 1]!
    records.push(logRecord(cursor, source))
  }
  cursor.at = end
  cursor.end = outer
}

function scope(cursor: Cursor, source: LogSource): void {
  eachField(cursor, (tag) => {
    if (tag === 10) source.scopeName = text(cursor)
    else if (tag === 18) source.scopeVersion = text(cursor)
    else return false
    return true
  })
}

function logRecord(cursor: Cursor, source: LogSource): LogRecord {
  const record: LogRecord = {
    source,
    timeUnixNano: 0n,
    observedUnixNano: 0n,
    severityNumber: 0,
    severityText: '',
    body: '',
    attributes: new Map(),
    traceId: '',
    spanId: '',
    eventName: '',
  }
  eachField(cursor, (tag) => {
    if (tag === 9) record.timeUnixNano = fixed64(cursor)
    else if (tag === 89) record.observedUnixNano = fixed64(cursor)
    else if (tag === 16) record.severityNumber = Math.min(cursor.varint(), 255)
    else if (tag === 26) record.severityText = text(cursor)
    else if (tag === 42) within(cursor, () => (record.body = valueText(cursor)))
    else if (tag === 50) within(cursor, () => keyValue(cursor, record.attributes))
    else if (tag === 74) record.traceId = id(cursor, 16)
    else if (tag === 82) record.spanId = id(cursor, 8)
    else if (tag === 98) record.eventName = text(cursor)
    else return false
    return true
  })
  return record
}

function attributeRun(cursor: Cursor, want: number, attributes: Map<string, string>): void {
  eachField(cursor, (tag) => {
    if (tag !== want) return false
    within(cursor, () => keyValue(cursor, attributes))
    return true
  })
}

function keyValue(cursor: Cursor, attributes: Map<string, string>): void {
  let key = ''
  let value = ''
  eachField(cursor, (tag) => {
    if (tag === 10) key = text(cursor)
    else if (tag === 18) within(cursor, () => (value = valueText(cursor)))
    else return false
    return true
  })
  if (key === '') return
  if (attributes.size >= logLimits.attributesPerRecord)
    throw new Refusal('bad_request', `more than ${logLimits.attributesPerRecord} attributes on a log record`)
  attributes.set(key, value)
}

function note(cursor: Cursor, places: number[]): void {
  const end = cursor.enter()
  places.push(cursor.at, end)
  cursor.at = end
}

function text(cursor: Cursor): string {
  const end = cursor.enter()
  const found = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.at, end - cursor.at).toString('utf8')
  cursor.at = end
  return found
}

function id(cursor: Cursor, size: number): string {
  const end = cursor.enter()
  const bytes = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.at, end - cursor.at)
  cursor.at = end
  return bytes.length === size && bytes.some((byte) => byte !== 0) ? bytes.toString('hex') : ''
}

function fixed64(cursor: Cursor): bigint {
  cursor.fixed64()
  return (BigInt(cursor.high) << 32n) | BigInt(cursor.low)
}
