// What the invoice tests share: the sample exports, and a comparison without a database.

import { readFileSync } from 'node:fs'
import { loadPriceBook } from '../../collector/price-files.ts'
import { amountOf, type PriceHints } from '../../processors/invoices/finding.ts'
import { formatsOf, ledgerProviders } from '../../processors/invoices/formats.ts'
import { priceHints } from '../../processors/invoices/hints.ts'
import { type ImportedBill, InvoiceImport } from '../../processors/invoices/import.ts'
import { type LedgerCell, readLedgerCsv } from '../../processors/invoices/ledger.ts'
import { emptyMap, type MapFile } from '../../processors/invoices/map.ts'
import { compareInvoice, type InvoiceResult } from '../../processors/invoices/result.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { formatPicoUsd } from '../../schemas/money.ts'

const folder = new URL('../fixtures/invoices/', import.meta.url)

export function sample(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

export function samplePath(name: string): string {
  return new URL(name, folder).pathname
}

let book: PriceHints | undefined

export function bookHints(): PriceHints {
  book ??= priceHints(new PriceBook(loadPriceBook()).entries())
  return book
}

/** Files as name and text, read in chunks of `chunkChars`. */
export function imported(
  provider: string,
  files: Readonly<Record<string, string>>,
  { map = emptyMap, chunkChars = 1000 }: { readonly map?: MapFile; readonly chunkChars?: number } = {},
): ImportedBill {
  const bill = new InvoiceImport(formatsOf(provider), { map })
  for (const [name, text] of Object.entries(files)) {
    const file = bill.file(name)
    for (let at = 0; at < text.length; at += chunkChars) file.push(text.slice(at, at + chunkChars))
    file.end()
  }
  return bill.result()
}

export function samples(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, sample(name)]))
}

/** 23 November 2026: every day of the samples is final. */
export const afterwards = Date.parse('2026-11-23T00:00:00Z')

export function compared(
  provider: string,
  files: Readonly<Record<string, string>>,
  ledger: readonly LedgerCell[] | string,
  {
    hints = bookHints(),
    map = emptyMap,
    asOf = afterwards,
  }: Partial<{ hints: PriceHints; map: MapFile; asOf: number }> = {},
): InvoiceResult {
  const cells = typeof ledger === 'string' ? readLedgerCsv(ledger) : ledger
  const bill = imported(provider, files, { map })
  return compareInvoice({ bill, ledger: cells, hints, map, providers: ledgerProviders(provider), asOf })
}

/** Sum by "category: cause", in USD. */
export function causes({ findings }: Pick<InvoiceResult, 'findings'>): Record<string, string> {
  const sums = new Map<string, bigint>()
  for (const finding of findings) {
    const key = `${finding.category}: ${finding.cause}`
    sums.set(key, (sums.get(key) ?? 0n) + amountOf(finding))
  }
  return Object.fromEntries([...sums].map(([key, amount]) => [key, formatPicoUsd(amount)]))
}

export function totals(result: InvoiceResult, provider: string) {
  const own = result.totals.find((each) => each.provider === provider)
  if (own === undefined) throw new Error(`no totals of ${provider}`)
  return {
    bill: own.bill === null ? null : formatPicoUsd(own.bill),
    ledger: formatPicoUsd(own.ledger),
    difference: formatPicoUsd(own.difference),
  }
}

const head = 'day_utc,provider,project,model,kind,tier,geo,quantity,cost_usd,calls'

/** A ledger CSV from rows without their day: `project,model,kind,tier,geo,quantity,cost,calls`. */
export function ledgerOf(provider: string, rows: readonly string[], day = '2026-11-02'): string {
  return [head, ...rows.map((row) => `${day},${provider},${row}`)].join('\n')
}
