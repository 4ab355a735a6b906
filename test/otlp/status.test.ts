import { describe, expect, test } from 'vitest'
import { encodeOutcome, encodeStatus, retryAfterSeconds } from '../../collector/otlp/status.ts'
import { Refusal, type RefusalReason, refusals } from '../../schemas/refusal.ts'
import { decoded } from './json-judge.ts'

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString())

interface Detail {
  readonly typeUrl: string
  readonly value: string
}

/** A protobuf status with its details read, too. */
function statusOf(bytes: Uint8Array): Record<string, unknown> {
  const status = decoded('RpcStatus', bytes)
  const details = ((status['details'] ?? []) as Detail[]).map(({ typeUrl, value }) => {
    const name = typeUrl.endsWith('RetryInfo') ? 'RetryInfo' : 'BadRequest'
    return { type: typeUrl, ...decoded(name, Buffer.from(value, 'base64')) }
  })
  return { ...status, details }
}

describe('answers to what was taken', () => {
  test('full success leaves partial_success unset', () => {
    expect(encodeOutcome('traces', { rejected: 0, message: '' }, 'protobuf')).toHaveLength(0)
    expect(encodeOutcome('logs', { rejected: 0, message: '' }, 'json').toString()).toBe('{}')
  })

  test('partial success says how many and why', () => {
    const outcome = { rejected: 3, message: 'span "x": trace_id must be 16 bytes' }
    expect(decoded('ExportResponse', encodeOutcome('traces', outcome, 'protobuf'))).toEqual({
      partialSuccess: { rejected: '3', errorMessage: outcome.message },
    })
    expect(json(encodeOutcome('traces', outcome, 'json'))).toEqual({
      partialSuccess: { rejectedSpans: '3', errorMessage: outcome.message },
    })
    expect(json(encodeOutcome('logs', outcome, 'json'))).toMatchObject({ partialSuccess: { rejectedLogRecords: '3' } })
  })

  test('a warning is a message with nothing rejected', () => {
    const outcome = { rejected: 0, message: 'key ignored' }
    expect(decoded('ExportResponse', encodeOutcome('traces', outcome, 'protobuf'))).toEqual({
      partialSuccess: { errorMessage: 'key ignored' },
    })
    expect(json(encodeOutcome('traces', outcome, 'json'))).toEqual({ partialSuccess: { errorMessage: 'key ignored' } })
  })

  test('a long message is cut between characters, below 64 KiB', () => {
    const outcome = { rejected: 1, message: `a${'€😀'.repeat(50_000)}\ud800` }
    const bytes = encodeOutcome('traces', outcome, 'protobuf')
    expect(bytes.length).toBeLessThan(64 * 1024)
    const { partialSuccess } = decoded('ExportResponse', bytes) as { partialSuccess: { errorMessage: string } }
    expect(partialSuccess.errorMessage).toMatch(/^a[€😀]+…$/u)
    expect(encodeOutcome('traces', outcome, 'json').length).toBeLessThan(64 * 1024)
  })
})

describe('answers to what was refused', () => {
  for (const reason of Object.keys(refusals) as RefusalReason[]) {
    test(`${reason}: code, message and retry hint agree in both encodings`, () => {
      const refusal = new Refusal(reason, 'what happened, and what to do')
      const { grpc: code, retryable } = refusals[reason]
      const inProtobuf = statusOf(encodeStatus(refusal, 'protobuf', 4))
      const inJson = json(encodeStatus(refusal, 'json', 4)) as { details?: object[] }
      expect(inProtobuf).toMatchObject({ code, message: refusal.message })
      expect(inJson).toMatchObject({ code, message: refusal.message })
      const hint = (inProtobuf['details'] as object[]).filter((detail) => 'retryDelay' in detail)
      expect(hint).toEqual(
        retryable ? [{ type: 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: { seconds: '4' } }] : [],
      )
      expect((inJson.details ?? []).filter((detail) => 'retryDelay' in detail)).toEqual(
        retryable ? [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '4s' }] : [],
      )
    })
  }

  test('a bad request names the field', () => {
    const refusal = new Refusal('bad_request', 'resourceSpans[0].scopeSpans[1].spans[2].kind: expected an integer')
    const violation = { field: 'resourceSpans[0].scopeSpans[1].spans[2].kind', description: 'expected an integer' }
    const type = 'type.googleapis.com/google.rpc.BadRequest'
    expect(statusOf(encodeStatus(refusal, 'protobuf', 1))['details']).toEqual([{ type, fieldViolations: [violation] }])
    expect(json(encodeStatus(refusal, 'json', 1))).toMatchObject({
      details: [{ '@type': type, fieldViolations: [violation] }],
    })
  })

  test('a message with half a character or of great length is still a status', () => {
    const status = statusOf(encodeStatus(new Refusal('internal', `\udc00${'ü'.repeat(10_000)}`), 'protobuf', 1))
    expect((status['message'] as string).startsWith('\ufffdü')).toBe(true)
    expect(Buffer.byteLength(status['message'] as string)).toBeLessThanOrEqual(4096)
  })
})

test('retry hints are whole seconds from 1 to 5', () => {
  expect([0, 0.2, 0.4, 0.6, 0.8, 0.999].map((roll) => retryAfterSeconds(() => roll))).toEqual([1, 2, 3, 4, 5, 5])
})
