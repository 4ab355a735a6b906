// What a sender reads: Export*ServiceResponse and google.rpc.Status, in protobuf or JSON.
//
//  ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1 }    (logs alike)
//  ExportTracePartialSuccess  { int64 rejected_spans = 1; string error_message = 2 }
//  google.rpc.Status          { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3 }
//  google.protobuf.Any        { string type_url = 1; bytes value = 2 }
//  google.rpc.RetryInfo       { google.protobuf.Duration retry_delay = 1 }         Duration { int64 seconds = 1 }
//  google.rpc.BadRequest      { repeated FieldViolation field_violations = 1 }
//  FieldViolation             { string field = 1; string description = 2 }
// Source: opentelemetry-proto 1.11.0, collector/trace/v1, collector/logs/v1, docs/specification.md; googleapis google/rpc.

import type { Refusal } from '../../schemas/refusal.ts'
import type { ExportOutcome } from './door.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

export type Encoding = 'protobuf' | 'json'

/** Senders must be able to read an answer within 4 MiB (OTLP 1.11.0); ours stays far below. */
const outcomeBytesMax = 60 * 1024
const statusBytesMax = 4 * 1024

const retryMin = 1
const retryMax = 5

/**
 * Whole seconds until a refused sender should try again, spread so that many do not return at once.
 * Below one second a header cannot say; above five, SDKs whose whole budget is 10 s give up and lose the data.
 */
export function retryAfterSeconds(random: () => number = Math.random): number {
  return retryMin + Math.floor(random() * (retryMax - retryMin + 1))
}

/** Body of a 200: empty on full success, as the specification wants `partial_success` unset then. */
export function encodeOutcome(signal: 'traces' | 'logs', outcome: ExportOutcome, encoding: Encoding): Buffer {
  if (outcome.rejected === 0 && outcome.message === '') return encoding === 'json' ? emptyJson : empty
  const message = shorten(outcome.message, outcomeBytesMax)
  if (encoding === 'json') {
    const rejected = outcome.rejected === 0 ? {} : { [rejectedKey[signal]]: String(outcome.rejected) }
    return Buffer.from(JSON.stringify({ partialSuccess: { ...rejected, errorMessage: message } }))
  }
  const partial = new ProtobufWriter(message.length + 16)
  if (outcome.rejected > 0) {
    partial.varint(8)
    partial.varint(outcome.rejected)
  }
  if (message !== '') text(partial, 18, message)
  return nest(10, partial)
}

const empty = Buffer.alloc(0)
const emptyJson = Buffer.from('{}')
const rejectedKey = { traces: 'rejectedSpans', logs: 'rejectedLogRecords' } as const

/** google.rpc.Status of a refusal; a retryable one carries RetryInfo, a bad request names what was bad. */
export function encodeStatus(refusal: Refusal, encoding: Encoding, retrySeconds: number): Buffer {
  const message = statusMessage(refusal)
  return encoding === 'json' ? statusJson(refusal, message, retrySeconds) : statusBytes(refusal, message, retrySeconds)
}

/** The message of a status: well-formed text of bounded length. */
export function statusMessage(refusal: Refusal): string {
  return shorten(refusal.message, statusBytesMax)
}

function statusJson(refusal: Refusal, message: string, retrySeconds: number): Buffer {
  const details: object[] = []
  if (refusal.rule.retryable) details.push({ '@type': retryInfoType, retryDelay: `${retrySeconds}s` })
  const violation = fieldViolation(refusal, message)
  if (violation !== undefined) details.push({ '@type': badRequestType, fieldViolations: [violation] })
  const { grpc: code } = refusal.rule
  return Buffer.from(JSON.stringify(details.length === 0 ? { code, message } : { code, message, details }))
}

function statusBytes(refusal: Refusal, message: string, retrySeconds: number): Buffer {
  const status = new ProtobufWriter(message.length * 2 + 128)
  status.varint(8)
  status.varint(refusal.rule.grpc)
  text(status, 18, message)
  if (refusal.rule.retryable) {
    const duration = new ProtobufWriter(16)
    duration.varint(8)
    duration.varint(retrySeconds)
    detail(status, retryInfoType, nest(10, duration))
  }
  const violation = fieldViolation(refusal, message)
  if (violation !== undefined) {
    const field = new ProtobufWriter(message.length + 16)
    if (violation.field !== '') text(field, 10, violation.field)
    text(field, 18, violation.description)
    detail(status, badRequestType, nest(10, field))
  }
  return status.bytes.subarray(0, status.size)
}

const retryInfoType = 'type.googleapis.com/google.rpc.RetryInfo'
const badRequestType = 'type.googleapis.com/google.rpc.BadRequest'

/** Refusals of a payload begin with the path of what is bad, when it is known: `resourceSpans[0].…: what`. */
function fieldViolation(refusal: Refusal, message: string): { field: string; description: string } | undefined {
  if (refusal.reason !== 'bad_request') return undefined
  const [, path, what] = /^(resource(?:Spans|Logs)[\w.[\]]*): (.*)$/s.exec(message) ?? []
  return path === undefined ? { field: '', description: message } : { field: path, description: what! }
}

function detail(status: ProtobufWriter, type: string, value: Buffer): void {
  const any = new ProtobufWriter(type.length + value.length + 16)
  text(any, 10, type)
  any.varint(18)
  any.varint(value.length)
  any.copy(value, 0, value.length)
  const nested = nest(26, any)
  status.copy(nested, 0, nested.length)
}

function text(writer: ProtobufWriter, tag: number, value: string): void {
  const bytes = Buffer.from(value)
  writer.varint(tag)
  writer.varint(bytes.length)
  writer.copy(bytes, 0, bytes.length)
}

/** Tag, length and content of a nested message. */
function nest(tag: number, content: ProtobufWriter): Buffer {
  const outer = new ProtobufWriter(content.size + 16)
  outer.varint(tag)
  outer.varint(content.size)
  outer.copy(content.bytes, 0, content.size)
  return outer.bytes.subarray(0, outer.size)
}

/** The text, well-formed, cut between characters when its UTF-8 is longer than this. */
export function shorten(value: string, bytesMax: number): string {
  const whole = value.toWellFormed()
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (whole.length * 3 <= bytesMax) return whole
  const bytes = Buffer.from(whole)
  if (bytes.length <= bytesMax) return whole
  let end = bytesMax - 3
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return `${bytes.toString('utf8', 0, end)}…`
}
