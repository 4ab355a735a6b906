// The comparison is worth as much as what it catches: every way a ledger can be wrong has to be told from being right.

import { describe, expect, test } from 'vitest'
import { compare } from '../../deploy/demo/comparison.ts'
import type { InvoiceLine } from '../../deploy/demo/invoice.ts'
import type { LedgerCall } from '../../deploy/demo/ledger.ts'

const usage = { input: 100, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 10 }

const line: InvoiceLine = {
  provider: 'openai',
  endpoint: 'chat.completions',
  isStream: false,
  requestModel: 'gpt-4o-mini',
  model: 'gpt-4o-mini-2024-07-18',
  responseId: 'chatcmpl-1',
  usage,
  picoUsd: 21_000_000n,
}

const call: LedgerCall = {
  time: '12:00:00.000000',
  provider: 'openai',
  requestModel: 'gpt-4o-mini',
  responseModel: 'gpt-4o-mini-2024-07-18',
  traceId: 'trace-1',
  spanId: 'span-1',
  responseId: 'chatcmpl-1',
  status: 'ok',
  failureClass: '',
  usage,
  picoUsd: 21_000_000n,
  costStatus: 'priced',
  costReason: '',
  priceEntry: 'openai/gpt-4o-mini#1',
}

const unknown: LedgerCall = {
  ...call,
  responseId: '',
  usage: null,
  picoUsd: null,
  costStatus: 'unpriced',
  costReason: 'no_usage',
}
const failed: LedgerCall = { ...unknown, status: 'error', costStatus: 'not_billed', costReason: 'failed_no_usage' }

const unreported = new Set(['trace-1'])
const kinds = (invoice: readonly InvoiceLine[], calls: readonly LedgerCall[], traces = new Set<string>()) => {
  const { lines, isEqual } = compare(invoice, calls, traces)
  return { kinds: lines.map(({ kind }) => kind), isEqual }
}

describe('a ledger is equal', () => {
  const cases = [
    { name: 'to the same line', invoice: [line], calls: [call], want: ['equal'] },
    {
      name: 'when the telemetry has no response id',
      invoice: [line],
      calls: [{ ...call, responseId: '' }],
      want: ['equal'],
    },
    { name: 'when the provider gives none', invoice: [{ ...line, responseId: null }], calls: [call], want: ['equal'] },
    {
      name: 'with only the model asked for',
      invoice: [line],
      calls: [{ ...call, responseModel: '' }],
      want: ['equal'],
    },
    { name: 'beside failed calls without money', invoice: [line], calls: [call, failed], want: ['equal', 'failed'] },
  ]
  for (const { name, invoice, calls, want } of cases)
    test(name, () => expect(kinds(invoice, calls)).toEqual({ kinds: want, isEqual: true }))

  test('less a call whose trace is known to report no usage', () => {
    const { lines, ...totals } = compare([line], [unknown], unreported)
    expect(lines.map(({ kind }) => kind)).toEqual(['unknown'])
    expect(totals).toEqual({
      isEqual: true,
      invoicePicoUsd: 21_000_000n,
      unknownPicoUsd: 21_000_000n,
      ledgerPicoUsd: 0n,
    })
  })
})

describe('a ledger differs', () => {
  const cases = [
    { name: 'by one pico-USD', calls: [{ ...call, picoUsd: 21_000_001n }], want: ['different'] },
    {
      name: 'in a token that costs nothing more',
      calls: [{ ...call, usage: { ...usage, cacheRead: 1 } }],
      want: ['different'],
    },
    { name: 'when a priced call should have been', calls: [{ ...call, picoUsd: null }], want: ['different'] },
    { name: 'when a call is missing', calls: [], want: ['missing'] },
    { name: 'when a call is there twice', calls: [call, { ...call, spanId: 'span-2' }], want: ['equal', 'extra'] },
    { name: 'when a failed call carries money', calls: [call, { ...failed, picoUsd: 1n }], want: ['equal', 'extra'] },
    { name: 'when usage is unknown without need', calls: [unknown], want: ['different'] },
    {
      name: 'when an unknown call is taken for free',
      calls: [{ ...unknown, picoUsd: 0n }],
      want: ['different'],
      traces: unreported,
    },
    { name: 'when the model is another', calls: [{ ...call, responseModel: 'gpt-4.1' }], want: ['different'] },
    { name: 'when a failed call stands for a billed one', calls: [failed], want: ['missing', 'failed'] },
  ]
  for (const { name, calls, want, traces } of cases)
    test(name, () => expect(kinds([line], calls, traces)).toEqual({ kinds: want, isEqual: false }))

  test('two responses of one size are two calls', () => {
    const lines = [line, { ...line, responseId: 'chatcmpl-2' }]
    const unnamed = { ...call, responseId: '' }
    expect(kinds(lines, [unnamed])).toEqual({ kinds: ['equal', 'missing'], isEqual: false })
    expect(kinds(lines, [unnamed, { ...unnamed, spanId: 'span-2' }]).isEqual).toBe(true)
  })
})
