// Whatever is on the bill and in the ledger: findings sum to bill − ledger to the last pico, quantity and price part of
// every line and finding add up exactly, and nothing depends on how rows are cut or ordered.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { parseFine, picoOfFine } from '../../processors/invoices/exact.ts'
import { amountOf } from '../../processors/invoices/finding.ts'
import { priceHints } from '../../processors/invoices/hints.ts'
import type { LedgerCell } from '../../processors/invoices/ledger.ts'
import { usual } from '../../processors/invoices/line.ts'
import type { InvoiceResult } from '../../processors/invoices/result.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { compared as comparedWith } from './inputs.ts'

/** The book of one provider: thousands of names would be looked through in each of a thousand runs. */
const hints = priceHints(new PriceBook(loadPriceBook().filter(({ provider }) => provider === 'openai')).entries())
const compared = (...[provider, files, ledger]: Parameters<typeof comparedWith>) =>
  comparedWith(provider, files, ledger, { hints })

const models = ['gpt-5.6-terra', 'text-embedding-3-small', 'no-such-model']
const kinds = [
  ['input', 'input_tokens'],
  ['cache_read', 'cached_input_tokens'],
  ['cache_write', 'cache_write_tokens'],
  ['output', 'output_tokens'],
] as const

const quantity = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5_000_000))
/** Dollars with up to 18 decimals: finer than what is stored. */
const dollars = fc
  .tuple(fc.nat(50), fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.integer({ min: 0, max: 18 }))
  .map(([whole, part, digits]) => `${whole}.${part.toString().padStart(18, '0').slice(0, digits)}0`)

const billRow = fc.record({
  project: fc.constantFrom('p', 'q', 'only-on-bill'),
  model: fc.constantFrom(...models),
  kind: fc.constantFrom(...kinds.map(([, item]) => item), 'strange_tokens'),
  quantity,
  amount: dollars,
})

const ledgerRow: fc.Arbitrary<LedgerCell> = fc
  .record({
    account: fc.constantFrom('p', 'q', 'only-in-ledger'),
    model: fc.constantFrom(...models),
    kind: fc.constantFrom(...kinds.map(([kind]) => kind)),
    tier: fc.constantFrom('', 'batch', 'priority'),
    quantity,
    amount: fc.option(fc.bigInt({ min: 0n, max: 10n ** 14n })),
    repeats: fc.nat(3),
    hasIds: fc.boolean(),
  })
  .map(({ kind, tier, quantity: tokens, amount, repeats, ...row }) => ({
    ...row,
    day: '2026-11-02',
    provider: 'openai',
    family: kind,
    dimensions: { ...usual, tier },
    quantity: BigInt(tokens) * 10n ** 12n,
    amount,
    calls: null,
    repeatedQuantity: (BigInt(tokens) * 10n ** 12n * BigInt(repeats)) / 4n,
    repeatedAmount: ((amount ?? 0n) * BigInt(repeats)) / 4n,
  }))

type BillRow = typeof billRow extends fc.Arbitrary<infer T> ? T : never

function costs(rows: readonly BillRow[]): Record<string, string> {
  const lines = rows.map(
    ({ project, model, kind, quantity: tokens, amount }) =>
      `1793577600,1793664000,2026-11-02T00:00:00,2026-11-03T00:00:00,${amount},usd,${tokens},tokens,"${model}, ${kind}",${project}`,
  )
  const head =
    'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id'
  return { 'costs.csv': [head, ...lines].join('\n') }
}

function usage(rows: readonly BillRow[]): Record<string, string> {
  const results = rows
    .filter(({ kind }) => kind === 'input_tokens')
    .map(({ project, model, quantity: tokens }, i) => ({
      object: 'organization.usage.completions.result',
      input_tokens: tokens,
      output_tokens: 0,
      num_model_requests: i,
      project_id: project,
      model,
      batch: i % 2 === 0,
    }))
  return { 'usage.json': JSON.stringify({ data: [{ start_time: 1793577600, results }], has_more: false }) }
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, each) => all + each, 0n)

function expectExact(result: InvoiceResult, bill: bigint | null, ledger: readonly LedgerCell[]): void {
  const [totals] = result.totals
  const ours = sum(ledger.map(({ amount }) => amount ?? 0n))
  expect(totals?.ledger).toBe(ours)
  if (bill !== null) {
    expect(totals?.bill).toBe(bill)
    expect(sum(result.findings.map(amountOf))).toBe(bill - ours)
  }
  expect(sum(result.findings.map(amountOf))).toBe(totals?.difference)
  for (const line of result.lines) {
    expect(line.quantityPart + line.pricePart).toBe((line.billAmount ?? 0n) - (line.ledgerAmount ?? 0n))
  }
  const rounding = result.findings.filter(({ cause }) => cause === 'finer than 1e-12 USD').map(amountOf)
  expect(sum(result.lines.map(({ quantityPart, pricePart }) => quantityPart + pricePart)) + sum(rounding)).toBe(
    totals?.difference,
  )
}

test('findings and lines sum to bill − ledger, with money', () => {
  fc.assert(
    fc.property(
      fc.array(billRow, { minLength: 1, maxLength: 12 }),
      fc.array(ledgerRow, { maxLength: 12 }),
      fc.boolean(),
      (rows, ledger, hasUsage) => {
        const files = hasUsage ? { ...costs(rows), ...usage(rows) } : costs(rows)
        const bill = picoOfFine(sum(rows.map(({ amount }) => parseFine(amount))))
        expectExact(compared('openai', files, ledger), bill, ledger)
      },
    ),
    { numRuns: 400 },
  )
})

test('and without money, at our prices', () => {
  fc.assert(
    fc.property(
      fc.array(billRow, { minLength: 1, maxLength: 12 }),
      fc.array(ledgerRow, { maxLength: 12 }),
      (rows, ledger) => {
        expectExact(compared('openai', usage(rows), ledger), null, ledger)
      },
    ),
    { numRuns: 200 },
  )
})

test('the order of rows changes no sum of a cause', () => {
  fc.assert(
    fc.property(
      fc.array(billRow, { minLength: 1, maxLength: 8 }),
      fc.array(ledgerRow, { maxLength: 8 }),
      (rows, ledger) => {
        const there = compared('openai', costs(rows), ledger)
        const back = compared('openai', costs([...rows].reverse()), [...ledger].reverse())
        expect(back.totals).toEqual(there.totals)
        expect(back.isMatched).toBe(there.isMatched)
      },
    ),
    { numRuns: 150 },
  )
})

test('a bill made of the ledger itself is matched', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom('p', 'q'),
          fc.constantFrom(...kinds),
          fc.integer({ min: 1, max: 10 ** 7 }),
          fc.bigInt({ min: 1n, max: 10n ** 13n }),
        ),
        { minLength: 1, maxLength: 10 },
      ),
      (rows) => {
        const ledger = rows.map(
          ([account, [family], tokens, amount]): LedgerCell => ({
            day: '2026-11-02',
            provider: 'openai',
            account,
            model: 'gpt-5.6-terra',
            family,
            dimensions: usual,
            quantity: BigInt(tokens) * 10n ** 12n,
            amount,
            calls: null,
            repeatedQuantity: 0n,
            repeatedAmount: 0n,
            hasIds: false,
          }),
        )
        const bill = rows.map(([project, [, kind], tokens, amount]) => ({
          project,
          model: 'gpt-5.6-terra',
          kind,
          quantity: tokens,
          amount: `0.${amount.toString().padStart(12, '0')}`.replace(/^0\.(\d+)(\d{12})$/, '$1.$2'),
        }))
        expect(compared('openai', costs(bill), ledger).findings).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})
