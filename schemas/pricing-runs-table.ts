// Every column of `pricing_runs`: one row a repricing run, written again as it goes on.

import type { Table } from './table.ts'

const time = { type: "DateTime64(3, 'UTC')" } as const
const money = { type: 'Decimal(38, 12)', unit: 'USD' } as const

export const pricingRunsTable = {
  name: 'pricing_runs',
  doc: 'Repricing runs. Read with FINAL.',
  columns: [
    { name: 'pricing_run', type: 'String', doc: 'Id; sorts by time.' },
    {
      name: 'state',
      type: 'LowCardinality(String)',
      doc: '`writing`, `written`, `adopting`, `adopted`, `undoing` or `undone`.',
    },
    { name: 'created_at', ...time, doc: 'When it was begun.' },
    { name: 'updated_at', ...time, doc: 'When it last got on.' },
    { name: 'window_from', ...time, doc: 'First start time of its calls.' },
    { name: 'window_to', ...time, doc: 'End of their start times, itself not included.' },
    {
      name: 'filters',
      type: 'Map(LowCardinality(String), String)',
      doc: 'Which calls besides: `project`, `provider`, `model`.',
    },
    {
      name: 'as_of',
      type: "Nullable(DateTime64(3, 'UTC'))",
      doc: 'The book as it was known then; NULL for all that is recorded.',
    },
    { name: 'price_book', type: 'LowCardinality(String)', doc: 'Version of the book.' },
    { name: 'step', type: 'UInt32', doc: 'Publications so far: 0 none, odd adopted, even undone.' },
    { name: 'slices', type: 'String', codec: 'ZSTD(3)', doc: 'The parts it goes in, as JSON.' },
    { name: 'written', type: 'UInt32', doc: 'Slices written beside the ledger.' },
    { name: 'prepared', type: 'UInt32', doc: 'Slices made ready for the step.' },
    { name: 'published', type: 'UInt32', doc: 'Slices that the step has put into the ledger.' },
    { name: 'calls', type: 'UInt64', doc: 'Calls looked at.' },
    { name: 'changed', type: 'UInt64', doc: 'Of them, those it changes.' },
    { name: 'newly_priced', type: 'UInt64', doc: 'Had no cost and get one.' },
    { name: 'newly_unpriced', type: 'UInt64', doc: 'Had a cost and lose it.' },
    { name: 'left_alone', type: 'UInt64', doc: 'Not published by the last step, for the span had changed since.' },
    { name: 'original_cost', ...money, doc: 'Of the changed calls, as the ledger had it.' },
    { name: 'total_cost', ...money, doc: 'Of the changed calls, by the run.' },
    { name: 'version', type: 'UInt64', doc: 'Highest wins.' },
  ],
} as const satisfies Table
