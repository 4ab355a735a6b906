// Every column of `span_recosts`: what a repricing run makes of each call it changes, beside what the ledger had.

import { amountColumns } from './amounts.ts'
import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const text = { type: 'String', codec: 'ZSTD(1)' } as const
const money = { type: 'Nullable(Decimal(18, 12))', codec: 'T64, ZSTD(1)', unit: 'USD' } as const

/** Columns of `spans` that a new price may change; a run holds each twice, as it is now and as it was. */
export const repricedColumns = [
  'provider',
  'model',
  'price_book',
  'price_entry',
  'cost_status',
  'cost_reason',
  'cost_flags',
  'pricing_currency',
  ...amountColumns,
] as const

export type RepricedColumn = (typeof repricedColumns)[number]

/** Where a run keeps what the column held before. */
export function originalName(column: RepricedColumn): string {
  return column === 'total_cost' ? 'original_cost' : `original_${column}`
}

export const recostsTable = {
  name: 'span_recosts',
  doc: 'What a repricing run makes of each call that it changes, beside what the ledger had; calls it leaves as they are have no row. Read with FINAL and one `pricing_run`.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project.' },
    { name: 'pricing_run', type: low, doc: 'Run, as in `pricing_runs`.' },
    { name: 'start_time', type: "DateTime64(9, 'UTC')", codec: 'Delta(8), ZSTD(1)', doc: 'Start of the span.' },
    { name: 'trace_id', ...text, doc: 'Trace.' },
    { name: 'span_id', ...text, doc: 'Span.' },
    { name: 'kind', type: low, doc: 'Kind of the span.' },
    { name: 'env', type: low, doc: 'As on the span.' },
    { name: 'service', type: low, doc: 'As on the span.' },
    { name: 'feature', type: low, doc: 'As on the span.' },
    { name: 'provider', type: low, doc: 'Provider as priced by the run.' },
    { name: 'model', type: low, doc: 'Model as priced by the run.' },
    { name: 'prompt_name', type: low, doc: 'As on the span.' },
    { name: 'prompt_version', type: low, doc: 'As on the span.' },
    { name: 'user_id', ...text, doc: 'As on the span.' },
    { name: 'price_book', type: low, doc: 'Book of the run; empty for a call it has no entry for.' },
    { name: 'price_entry', type: low, doc: 'Entry that the run priced it by.' },
    { name: 'cost_status', type: low, doc: 'Status by the run.' },
    { name: 'cost_reason', type: low, doc: 'Reason by the run.' },
    { name: 'cost_flags', type: low, doc: 'What was assumed, by the run.' },
    { name: 'pricing_currency', type: low, doc: 'Currency of the entry where it is not USD.' },
    { name: 'input_cost', ...money, doc: 'Fresh input, by the run.' },
    { name: 'cache_read_cost', ...money, doc: 'Cache reads, by the run.' },
    { name: 'cache_write_cost', ...money, doc: 'Cache writes, by the run.' },
    { name: 'output_cost', ...money, doc: 'Output, by the run.' },
    { name: 'other_cost', ...money, doc: 'Units without tokens, by the run.' },
    { name: 'total_cost', ...money, doc: 'Total by the run.' },
    {
      name: 'pricing_currency_cost',
      type: money.type,
      codec: money.codec,
      doc: 'Total in `pricing_currency`, by the run.',
    },
    { name: 'original_cost', ...money, doc: 'Total that the ledger had.' },
    { name: 'original_provider', type: low, doc: 'Provider that the ledger had.' },
    { name: 'original_model', type: low, doc: 'Model that the ledger had.' },
    { name: 'original_price_book', type: low, doc: 'Book that the ledger had.' },
    { name: 'original_price_entry', type: low, doc: 'Entry that the ledger had.' },
    { name: 'original_cost_status', type: low, doc: 'Status that the ledger had.' },
    { name: 'original_cost_reason', type: low, doc: 'Reason that the ledger had.' },
    { name: 'original_cost_flags', type: low, doc: 'Flags that the ledger had.' },
    { name: 'original_pricing_currency', type: low, doc: 'Currency that the ledger had.' },
    { name: 'original_input_cost', ...money, doc: 'Part that the ledger had.' },
    { name: 'original_cache_read_cost', ...money, doc: 'Part that the ledger had.' },
    { name: 'original_cache_write_cost', ...money, doc: 'Part that the ledger had.' },
    { name: 'original_output_cost', ...money, doc: 'Part that the ledger had.' },
    { name: 'original_other_cost', ...money, doc: 'Part that the ledger had.' },
    {
      name: 'original_pricing_currency_cost',
      type: money.type,
      codec: money.codec,
      doc: 'Total in another currency that the ledger had.',
    },
    { name: 'retention_days', type: 'UInt16', unit: 'days', doc: 'Days until the row is dropped, as on the span.' },
    { name: 'computed_at', type: "DateTime64(3, 'UTC')", codec: 'Delta(8), ZSTD(1)', doc: 'When the row was written.' },
    {
      name: 'revision',
      type: 'UInt32',
      codec: 'ZSTD(1)',
      doc: 'Revision of the span that the row stands on: the one priced anew, after adopting or undoing the one written by it.',
    },
    {
      name: 'step',
      type: 'UInt32',
      codec: 'ZSTD(1)',
      doc: '0 written beside the ledger, odd adopted, even undone. A step behind that of its run: left alone, for the span had changed.',
    },
  ],
} as const satisfies Table
