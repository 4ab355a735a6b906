// Every column of `currency_rates`: dated rates of exchange for the reporting currency. No stored amount is made with them.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'

export const ratesTable = {
  name: 'currency_rates',
  doc: 'Rates of exchange, one a day and pair of currencies. Read with FINAL; `currency_rates_daily` has each rate on every day it stands for.',
  columns: [
    { name: 'reporting_currency', type: low, doc: 'What amounts are shown in.' },
    { name: 'currency', type: low, doc: 'What they are in.' },
    { name: 'day', type: 'Date', doc: 'Day of the rate, UTC.' },
    { name: 'rate', type: 'Decimal(38, 18)', doc: 'Units of `reporting_currency` for one unit of `currency`.' },
    { name: 'source', type: 'String', doc: 'Who published it.' },
    {
      name: 'derived',
      type: 'String',
      doc: 'How it was made of what was published, such as `1 / 1.0867 (USD for one EUR)`; empty for a rate as published.',
    },
    { name: 'loaded_at', type: "DateTime64(3, 'UTC')", doc: 'When the file was read.' },
  ],
} as const satisfies Table
