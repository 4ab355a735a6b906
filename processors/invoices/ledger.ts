// The ledger's side of a comparison: what llm_calls has for a day, project, model, kind and conditions.

import { CsvRows } from './csv.ts'
import { parseFine, picoOfFine } from './exact.ts'
import { squash } from './format.ts'
import { type Dimensions, InvoiceError, usual } from './line.ts'
import { kindNames, kindOf, usualText } from './map.ts'

export interface LedgerCell {
  readonly day: string
  readonly provider: string
  /** Project of the ledger. */
  readonly account: string
  /** '' for units that are not compared by model. */
  readonly model: string
  /** A `Family`. */
  readonly family: string
  readonly dimensions: Dimensions
  /** 1e-12 of the unit. */
  readonly quantity: bigint
  /** Pico-USD; null = no price. */
  readonly amount: bigint | null
  /** Calls the quantity comes from; null = not known. */
  readonly calls: bigint | null
  /** Of these, what calls repeat: rows with a response id and usage seen before, or the same usage as their parent. */
  readonly repeatedQuantity: bigint
  readonly repeatedAmount: bigint
  /** Every call has a response id, so that a repeated one would show. */
  readonly hasIds: boolean
}

/** Providers that bill one place unless another is asked for; elsewhere an empty place is not known. */
const placed = ['openai', 'anthropic']

/** A place as bills have it; null = not known. */
export function geoOf(provider: string, text: string): string | null {
  if (text === '?' || (text === '' && !placed.includes(provider))) return null
  return usualText('geo', text)
}

const columns = ['day_utc', 'provider', 'project', 'model', 'kind', 'tier', 'geo', 'quantity', 'cost_usd'] as const

/**
 * A ledger day as CSV, for a comparison without a database: the columns day_utc, provider, project, model, kind, tier,
 * geo, quantity, cost_usd (empty: no price), and calls where known. Throws InvoiceError naming line and column.
 */
export function readLedgerCsv(text: string): LedgerCell[] {
  const cells: LedgerCell[] = []
  let header: readonly string[] | null = null
  const rows = new CsvRows(({ line, cells: row }) => {
    if (header === null) {
      header = row.map(squash)
      const missing = columns.filter((name) => !header?.includes(squash(name)))
      if (missing.length > 0) throw new InvoiceError(`line 1: the ledger lacks the columns ${missing.join(', ')}`)
      return
    }
    const names = header
    const text = (name: string): string => row[names.indexOf(squash(name))] ?? ''
    const number = (name: string): bigint => {
      try {
        return picoOfFine(parseFine(text(name)))
      } catch (error) {
        throw new InvoiceError(`line ${line}: ${name}: ${(error as Error).message}`)
      }
    }
    const kind = kindOf(text('kind'))
    if (kind === null) throw new InvoiceError(`line ${line}: kind "${text('kind')}" is none of ${kindNames.join(', ')}`)
    cells.push({
      day: text('day_utc'),
      provider: text('provider'),
      account: text('project'),
      model: text('model'),
      family: kind.family,
      dimensions: {
        ...usual,
        ...kind.dimensions,
        tier: usualText('tier', text('tier')),
        geo: geoOf(text('provider'), text('geo')),
      },
      quantity: number('quantity'),
      amount: text('cost_usd') === '' ? null : number('cost_usd'),
      calls: text('calls') === '' ? null : number('calls'),
      repeatedQuantity: 0n,
      repeatedAmount: 0n,
      hasIds: false,
    })
  })
  rows.push(text)
  rows.end()
  return cells
}
