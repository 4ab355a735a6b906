// Lines of a bill, summed: a file of a million rows becomes a few hundred cells, which is all that stays in memory.

import type { Fine } from './exact.ts'
import type { InvoiceFormat } from './format.ts'
import {
  type BillLine,
  type Charge,
  type Dimensions,
  dimensionNames,
  type Family,
  InvoiceError,
  type Meaning,
} from './line.ts'

/** All lines of one day and account with the same label and conditions. */
export interface BillCell extends Pick<Meaning, 'isModelId'> {
  readonly format: string
  readonly day: string
  readonly provider: string
  readonly account: string | null
  readonly label: string
  /** As the label has it, not yet looked up. */
  readonly model: string | null
  readonly family: Family | null
  readonly dimensions: Dimensions
  readonly charge: Charge
  readonly currency: string
  /** The unit is a block of unknown size. */
  readonly isBlocks: boolean
  /** null = no line had one. */
  quantity: Fine | null
  amount: Fine | null
  listAmount: Fine | null
  lines: number
  readonly firstLine: number
}

/** Distinct cells of one import; more are no bill but a log. */
const cellsMax = 300_000

export class BillCells {
  readonly cells = new Map<string, BillCell>()

  /** Throws InvoiceError beyond 300,000 distinct cells. */
  add(line: BillLine, format: InvoiceFormat): void {
    const { dimensions } = line
    const key = [
      line.day,
      line.provider,
      line.account ?? '\u0001',
      line.label,
      line.model ?? '\u0001',
      line.family ?? '\u0001',
      line.charge,
      line.currency,
      line.isBlocks === true,
      dimensions.tier ?? '\u0001',
      dimensions.geo ?? '\u0001',
      dimensions.band ?? '\u0001',
      dimensions.speed ?? '\u0001',
      dimensions.ttl ?? '\u0001',
      dimensions.modality ?? '\u0001',
    ].join('\u0000')
    const known = this.cells.get(key)
    if (known !== undefined) {
      known.lines++
      known.listAmount = sum(
        listOf(known),
        listOf(line),
        known.listAmount !== null || (line.listAmount ?? null) !== null,
      )
      known.quantity = added(known.quantity, line.quantity)
      known.amount = added(known.amount, line.amount)
      return
    }
    if (this.cells.size >= cellsMax)
      throw new InvoiceError(`more than ${cellsMax} distinct combinations of day, account, label and condition`)
    this.cells.set(key, {
      format: format.id,
      day: line.day,
      provider: line.provider,
      account: line.account,
      label: line.label,
      model: line.model,
      isModelId: line.isModelId,
      family: line.family,
      dimensions: sameDimensions(line.dimensions),
      charge: line.charge,
      currency: line.currency,
      isBlocks: line.isBlocks === true,
      quantity: line.quantity,
      amount: line.amount,
      listAmount: line.listAmount ?? null,
      lines: 1,
      firstLine: line.line,
    })
  }
}

function sameDimensions(given: Dimensions): Dimensions {
  return Object.fromEntries(dimensionNames.map((name) => [name, given[name]])) as Record<
    keyof Dimensions,
    string | null
  >
}

/** A line without a list price is its own list price. */
function listOf({ listAmount, amount }: { readonly listAmount?: Fine | null; readonly amount: Fine | null }): Fine {
  return listAmount ?? amount ?? 0n
}

function sum(a: Fine, b: Fine, isKnown: boolean): Fine | null {
  return isKnown ? a + b : null
}

function added(a: Fine | null, b: Fine | null): Fine | null {
  return a === null ? b : b === null ? a : a + b
}
