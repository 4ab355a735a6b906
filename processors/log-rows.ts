// Log records → rows of `logs`.

import { createHash } from 'node:crypto'

/** A decoded record, as the receiver hands it over. */
export interface LogInput {
  readonly source: {
    readonly resource: ReadonlyMap<string, string>
    readonly scopeName: string
    readonly scopeVersion: string
  }
  readonly timeUnixNano: bigint
  readonly observedUnixNano: bigint
  readonly severityNumber: number
  readonly severityText: string
  readonly body: string
  readonly attributes: ReadonlyMap<string, string>
  readonly traceId: string
  readonly spanId: string
  readonly eventName: string
}

const dayNano = 86_400_000_000_000n

/** When the event happened: its own time, else when it was observed, else now; kept within what partitions can hold. */
export function logTime(record: LogInput, nowMs: number): bigint {
  const now = BigInt(nowMs) * 1_000_000n
  const sent = record.timeUnixNano || record.observedUnixNano || now
  if (sent < now - 400n * dayNano) return now - 400n * dayNano
  return sent > now + dayNano ? now + dayNano : sent
}

/** Name of the event: the field, else the attribute older SDKs send it in. */
export function eventName(record: LogInput): string {
  return record.eventName || (record.attributes.get('event.name') ?? '')
}

export function logRow(
  record: LogInput,
  context: {
    projectId: string
    nowMs: number
    retentionDays: number
    keepContent: boolean
    /** Whether an attribute is message content: without `keepContent` it is left out, as the body is. */
    isContent: (record: LogInput, key: string) => boolean
  },
): Record<string, unknown> {
  const { source } = record
  return {
    project_id: context.projectId,
    time: logTime(record, context.nowMs),
    trace_id: record.traceId,
    span_id: record.spanId,
    event_name: eventName(record),
    severity_number: record.severityNumber,
    severity_text: record.severityText,
    body: context.keepContent ? record.body : '',
    attributes: context.keepContent ? record.attributes : withoutContent(record, context.isContent),
    service: source.resource.get('service.name') ?? '',
    scope_name: source.scopeName,
    scope_version: source.scopeVersion,
    resource: source.resource,
    record_id: recordId(record),
    retention_days: context.retentionDays,
    ingested_at: context.nowMs,
  }
}

function withoutContent(record: LogInput, isContent: (record: LogInput, key: string) => boolean): Map<string, string> {
  return new Map([...record.attributes].filter(([key]) => !isContent(record, key)))
}

/** 64 bits over everything the sender said, so that a record sent again is known again. */
function recordId(record: LogInput): bigint {
  const hash = createHash('sha256')
  const { source } = record
  hash.update(
    JSON.stringify([
      (record.timeUnixNano || record.observedUnixNano).toString(),
      record.traceId,
      record.spanId,
      record.severityNumber,
      record.severityText,
      record.eventName,
      record.body,
      [...record.attributes],
      source.scopeName,
      [...source.resource],
    ]),
  )
  return hash.digest().readBigUInt64LE(0)
}
