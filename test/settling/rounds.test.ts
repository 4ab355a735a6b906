// Rounds of a tool loop that each report the sum so far are left what they used themselves, whatever was settled before.

import { expect, test } from 'vitest'
import type { CallRecord } from '../../processors/settling/record.ts'
import { type SentSum, withoutRoundsBefore } from '../../processors/settling/rounds.ts'
import { unit } from '../../schemas/usage.ts'
import { usageRow } from './world.ts'

interface Span {
  readonly id: string
  readonly at: number
  /** As sent; absent: a tool. */
  readonly sent?: readonly [input: number, output: number]
  /** As stored, where it was settled before. */
  readonly stored?: readonly [input: number, output: number]
  readonly rule?: string
  readonly parent?: string
}

function own(spans: readonly Span[]): Record<string, readonly number[]> {
  const records = spans.map(({ id, at, sent, stored = sent, parent = 'client' }): CallRecord => {
    return {
      traceId: 't',
      spanId: id,
      parentId: parent,
      scope: 's',
      project: 'p',
      resource: 'r',
      role: sent === undefined ? 'none' : 'call',
      start: at * 1_000_000,
      end: at * 1_000_000 + 900_000,
      requestModel: 'm',
      responseModel: 'm',
      usage: usageRow(stored === undefined ? {} : { input: stored[0], output: stored[1] }),
      responseId: '',
      isError: false,
      isEvent: false,
    }
  })
  const kinds = spans.map(({ sent, rule = 'inclusive:no_cache+rounds' }) => {
    return { kind: sent === undefined ? 'tool' : 'llm', usage_rule: sent === undefined ? '' : rule }
  })
  const sums = spans.flatMap(({ id, sent }): SentSum[] =>
    sent === undefined
      ? []
      : [{ project_id: 'p', trace_id: 't', span_id: id, input: String(sent[0]), output: String(sent[1]) }],
  )
  const found = withoutRoundsBefore(kinds, records, sums).records
  return Object.fromEntries(
    found.flatMap(({ spanId, role, usage }) =>
      role === 'call' ? [[spanId, [usage[unit.input]!, usage[unit.output]!]]] : [],
    ),
  )
}

const loop: readonly Span[] = [
  { id: 'a', at: 1, sent: [1000, 20] },
  { id: 'tool 1', at: 2 },
  { id: 'b', at: 3, sent: [2100, 50] },
  { id: 'tool 2', at: 4 },
  { id: 'c', at: 5, sent: [3300, 51] },
]

test('each round less the one before it', () => {
  const want = { a: [1000, 20], b: [1100, 30], c: [1200, 1] }
  expect(own(loop)).toEqual(want)
  expect(own([...loop].reverse())).toEqual(want)
})

test('what was settled before, with a round still on its way, makes no difference', () => {
  const late = loop.filter(({ id }) => id !== 'b')
  expect(own(late)).toEqual({ a: [1000, 20], c: [2300, 31] })
  const settled = loop.map((span): Span => (span.id === 'c' ? { ...span, stored: [2300, 31] } : span))
  expect(own(settled)).toEqual({ a: [1000, 20], b: [1100, 30], c: [1200, 1] })
})

test('calls without a tool between them, under another parent or of smaller counts are no rounds', () => {
  const calls = loop.filter(({ sent }) => sent !== undefined)
  expect(own(calls)).toEqual({ a: [1000, 20], b: [2100, 50], c: [3300, 51] })
  const other = loop.map((span): Span => (span.id === 'c' ? { ...span, parent: 'other' } : span))
  expect(own(other)).toEqual({ a: [1000, 20], b: [1100, 30], c: [3300, 51] })
  const smaller = loop.map((span): Span => (span.id === 'b' ? { ...span, sent: [2100, 19] } : span))
  expect(own(smaller)).toMatchObject({ a: [1000, 20], b: [2100, 19] })
})

test('who does not add up is left alone, and so is what another record of the call completed', () => {
  const plain = loop.map((span): Span => ({ ...span, rule: 'inclusive:no_cache' }))
  expect(own(plain)).toEqual({ a: [1000, 20], b: [2100, 50], c: [3300, 51] })
  const completed = loop.map(
    (span): Span => (span.id === 'b' ? { ...span, stored: [1500, 30], rule: 'inclusive:no_cache+rounds+twin' } : span),
  )
  expect(own(completed)).toEqual({ a: [1000, 20], b: [1500, 30], c: [1200, 1] })
})
