// The provider's bill beside the ledger: every billed line that can be known is one row with the same disjoint buckets and the
// exact cost, by the invoice's own usage; no other row carries money; what cannot be known has no cost, and not a cost of 0.

import type { PriceBook } from '../../processors/pricing/book.ts'
import { noConditions } from '../../processors/pricing/conditions.ts'
import { quotePrice } from '../../processors/pricing/quote.ts'
import { type UsageUnitName, unit, usageUnits } from '../../schemas/usage.ts'
import type { BilledLine } from './bill.ts'

/** A row of `llm_calls`; counts as numbers, money as decimal text. */
export interface LedgerRow {
  readonly span_id: string
  readonly name: string
  readonly status: string
  readonly model: string
  readonly response_id: string
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
  readonly usage_other: Readonly<Record<string, number>>
  readonly cost_status: string
  readonly cost: string | null
  readonly end_ms: number
}

export interface Verdict {
  /** Lines that can be known, and how many of them are a row with the same counts and cost. */
  readonly known: number
  readonly exact: number
  /** Rows with money that no line accounts for. */
  readonly otherMoney: number
  /** What is wrong, in words. */
  readonly faults: readonly string[]
}

/** Judges the calls of one ledger by one bill; `own` are names of calls that no provider bills. */
export function judge(
  lines: readonly BilledLine[],
  calls: readonly LedgerRow[],
  book: PriceBook,
  own: readonly string[] = [],
): Verdict {
  const left = new Set(calls.filter(({ name }) => !own.includes(name)))
  const faults: string[] = []
  let exact = 0
  const known = lines.filter(({ shown }) => shown === 'whole')
  for (const line of known) {
    const row = pick(line, left, wholeBuckets)
    if (row === undefined) {
      const near =
        pick(line, left, partBuckets) ?? [...left].find((each) => line.id !== '' && each.response_id === line.id)
      faults.push(
        `line ${line.at} ${line.model} ${shownLine(line)} has no row${near ? `; near: ${shownRow(near)}` : ''}`,
      )
      continue
    }
    left.delete(row)
    const want = costOf(line, row, book)
    if (row.cost === want) exact++
    else faults.push(`line ${line.at} ${line.model} costs ${want}, its row ${shownRow(row)}`)
  }
  for (const line of lines.filter(({ shown }) => shown === 'in part')) {
    const row = pick(line, left, partBuckets)
    if (row === undefined) faults.push(`line ${line.at} ${line.model} ${shownLine(line)} has no row with its totals`)
    else left.delete(row)
  }
  const other = [...left].filter(({ cost }) => cost !== null)
  for (const row of other) faults.push(`no line for ${shownRow(row)}`)
  // A call that cannot be known may have a row, which then says so; beyond those there are none, but for failures.
  const silent = [...left].filter(({ cost, status }) => cost === null && status !== 'error')
  const unknown = lines.filter(({ shown }) => shown === 'not').length
  if (silent.length > unknown)
    faults.push(
      `${silent.length} calls without a cost for ${unknown} unknown lines: ${silent.map(shownRow).join('; ')}`,
    )
  return { known: known.length, exact, otherMoney: other.length, faults }
}

const partBuckets: readonly UsageUnitName[] = ['input', 'output']
const wholeBuckets: readonly UsageUnitName[] = [
  ...partBuckets,
  'cacheRead',
  'cacheWrite',
  ...usageUnits.flatMap(({ name, key }) => (key === null ? [] : [name])),
]

/** The row with a line's counts: by its id where several have them. */
function pick(line: BilledLine, rows: Iterable<LedgerRow>, units: readonly UsageUnitName[]): LedgerRow | undefined {
  const equal = [...rows].filter((row) => {
    const isEqual = units.every((name) => (line.usage[unit[name]]! || 0) === countOf(row, name))
    // Reasoning is a part of the output: a row may not know it, but not say otherwise.
    const reasoning = line.usage[unit.reasoning]! || 0
    return isEqual && (row.reasoning_tokens === 0 || row.reasoning_tokens === reasoning)
  })
  return equal.find(({ response_id }) => line.id !== '' && response_id === line.id) ?? equal[0]
}

function countOf(row: LedgerRow, name: UsageUnitName): number {
  switch (name) {
    case 'input':
      return row.input_tokens ?? 0
    case 'output':
      return row.output_tokens ?? 0
    case 'cacheRead':
      return row.cache_read_tokens
    case 'cacheWrite':
      return row.cache_write_tokens
    default:
      return row.usage_other[usageUnits[unit[name]]!.key ?? ''] ?? 0
  }
}

/** By the book at the instant the row bills; null where the book has no price. */
function costOf(line: BilledLine, { end_ms }: LedgerRow, book: PriceBook): string | null {
  const { totalUsd } = quotePrice(book, {
    provider: line.provider,
    model: line.model,
    atMs: end_ms,
    usage: line.usage,
    conditions: { ...noConditions, serviceTier: line.serviceTier },
  })
  return totalUsd
}

function shownLine({ usage }: BilledLine): string {
  return usageUnits.flatMap(({ name }, slot) => (usage[slot]! > 0 ? [`${name} ${usage[slot]}`] : [])).join(', ')
}

function shownRow(row: LedgerRow): string {
  const counts = usageUnits.flatMap(({ name }) => {
    const count = name === 'reasoning' ? row.reasoning_tokens : countOf(row, name)
    return count > 0 ? [`${name} ${count}`] : []
  })
  return `${row.name} (${row.span_id}) ${row.model} ${counts.join(', ') || 'no counts'}: ${row.cost ?? row.cost_status}`
}
