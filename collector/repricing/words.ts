// Runs and differences, for people.

import { section } from '../words-table.ts'
import type { DifferenceGroup } from './differences.ts'
import type { PricingRun } from './runs.ts'

const rowsShown = 200

export function differenceWords(differences: readonly DifferenceGroup[]): string {
  const rows = differences.slice(0, rowsShown).map((each) => ({
    ...each,
    entries: arrow(each.original_price_entry, each.price_entry),
    statuses: arrow(each.original_cost_status, each.cost_status),
  }))
  const table = section('Changes by day, model and price entry', rows, {
    day: 'day',
    provider: 'provider',
    model: 'model',
    entries: 'price entry',
    statuses: 'status',
    calls: 'calls',
    original_cost: 'ledger USD',
    total_cost: 'book USD',
    difference: 'difference',
  })
  const more = differences.length - rows.length
  return more === 0 ? table : `${table}  and ${more} more: --json shows all\n`
}

function arrow(from: string, to: string): string {
  const named = (text: string): string => (text === '' ? '-' : text)
  return from === to ? named(from) : `${named(from)} → ${named(to)}`
}

export function runWords(run: PricingRun): string {
  const { slices, published, written, left_alone } = run
  const at: Readonly<Record<string, string>> = {
    writing: `, ${written} of ${slices.length} slices written`,
    adopting: `, ${published} of ${slices.length} slices published`,
    undoing: `, ${published} of ${slices.length} slices published`,
  }
  const alone =
    left_alone === 0 ? '' : `\n${left_alone} spans were left alone: they had changed since the run was written.`
  return [
    `Run ${run.pricing_run} is ${run.state}${at[run.state] ?? ''}: price book ${run.price_book}.`,
    `${run.changed} of ${run.calls} calls: ${run.original_cost} USD before, ${run.total_cost} USD by the run.${alone}`,
  ].join('\n')
}
