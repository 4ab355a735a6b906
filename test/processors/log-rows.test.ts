// Records that differ in anything the sender said are different rows; one that is sent again is the same row.

import { expect, test } from 'vitest'
import { type LogInput, logRow } from '../../processors/log-rows.ts'

const nowMs = 1_790_000_000_000
const context = { projectId: 'default', nowMs, retentionDays: 14, keepContent: true, isContent: () => false }
const record: LogInput = {
  source: { resource: new Map([['service.name', 'a']]), scopeName: 's', scopeVersion: '1' },
  timeUnixNano: 0n,
  observedUnixNano: BigInt(nowMs) * 1_000_000n,
  severityNumber: 9,
  severityText: 'INFO',
  body: 'retrying',
  attributes: new Map([['n', '1']]),
  traceId: '',
  spanId: '',
  eventName: '',
}
const idOf = (more: Partial<LogInput>, atMs = nowMs) =>
  logRow({ ...record, ...more }, { ...context, nowMs: atMs })['record_id']

test('a record that is sent again, later, keeps its id', () => {
  expect(idOf({}, nowMs + 60_000)).toBe(idOf({}))
})

test.each<[string, Partial<LogInput>]>([
  ['when it was observed', { observedUnixNano: record.observedUnixNano + 1n }],
  ['its time', { timeUnixNano: 1n }],
  ['its severity', { severityNumber: 17 }],
  ['the text of its severity', { severityText: 'ERROR' }],
  ['its body', { body: 'giving up' }],
  ['an attribute', { attributes: new Map([['n', '2']]) }],
  ['its span', { spanId: 'eee19b7ec3c1b174' }],
])('records that differ in %s are two', (_, more) => {
  expect(idOf(more)).not.toBe(idOf({}))
})
