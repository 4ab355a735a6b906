// Every column of `model_prices`: the price entries of each book that was in use, for audit and for questions in SQL.
// Pricing itself happens in the collector; a row of `spans` names its entry and book.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'

export const pricesTable = {
  name: 'model_prices',
  doc: 'Price entries of each book that was in use, one row for each band of input sizes.',
  columns: [
    { name: 'price_book', type: low, doc: 'Version of the book.' },
    { name: 'entry_id', type: 'String', doc: 'Id of the entry, as on the rows it priced.' },
    { name: 'provider', type: low, doc: 'Provider.' },
    { name: 'model', type: low, doc: 'First exact id of the entry.' },
    { name: 'aliases', type: 'Array(String)', doc: 'Every exact id and prefix (with a star) of the entry.' },
    { name: 'conditions', type: 'String', doc: 'What must hold, as JSON; empty for the standard rate of everybody.' },
    { name: 'min_input_tokens', type: 'UInt64', unit: 'tokens', doc: 'The band begins above this many input tokens.' },
    { name: 'valid_from', type: "DateTime64(3, 'UTC')", doc: 'First instant it is charged; 1970 for always.' },
    { name: 'valid_to', type: "DateTime64(3, 'UTC')", doc: 'First instant it is no longer charged; 2200 for open.' },
    { name: 'recorded_at', type: "DateTime64(3, 'UTC')", doc: 'When it was learned.' },
    { name: 'currency', type: low, doc: 'Currency of the rates.' },
    {
      name: 'rates',
      type: `Map(${low}, String)`,
      doc: 'Rate by unit, decimal text as published; of a plan its fee, as `fixed`.',
    },
    {
      name: 'per',
      type: `Map(${low}, String)`,
      doc: 'How many units a rate is for; `tokens` for all token units; of a plan the period of its fee.',
    },
    {
      name: 'minimum',
      type: `Map(${low}, String)`,
      doc: 'Least quantity of a unit that one call is billed for, where it used any.',
    },
    { name: 'source', type: 'String', doc: 'Where it was read.' },
    { name: 'confidence', type: low, doc: '`high`, `medium` or `low`.' },
  ],
} as const satisfies Table
