// Every column of the three tables that `spanledger invoice` writes: what was imported, the lines of bill and ledger side by
// side, and what their differences come from.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const money = { type: 'Decimal(38, 12)', unit: 'USD' } as const
const moneyOrNull = { type: 'Nullable(Decimal(38, 12))', unit: 'USD' } as const
const quantityOrNull = { type: 'Nullable(Decimal(38, 12))' } as const

const scope = [
  { name: 'import_id', type: 'String', doc: 'Id of the import; sorts by time.' },
  {
    name: 'project_id',
    type: low,
    doc: 'Project the bill was laid beside; empty when it was several together.',
  },
  { name: 'provider', type: low, doc: 'Provider as the ledger names it.' },
  { name: 'day', type: 'Date', doc: "Day of the provider's zone." },
] as const

const place = [
  ...scope,
  { name: 'row', type: 'UInt32', doc: 'Number of the row within the import.' },
  {
    name: 'account',
    type: low,
    doc: "Project of the ledger, or the provider's project or account; empty when the two sides were not compared by it.",
  },
  { name: 'model', type: low, doc: 'Model; empty for what is not billed by model, and for names that are not known.' },
  { name: 'kind', type: low, doc: '`input`, `cache_read`, `cache_write_5m`, `output`, `web_search`, …: disjoint.' },
] as const

export const invoiceImportsTable = {
  name: 'invoice_imports',
  doc: 'Imports of bills, one row a provider and day; the newest of a day is in force and is what `current_invoice_lines` and `current_invoice_findings` show.',
  columns: [
    ...scope,
    { name: 'imported_at', type: "DateTime64(3, 'UTC')", doc: 'When.' },
    { name: 'asked', type: low, doc: 'Provider as named on the command line.' },
    { name: 'files', type: 'Array(String)', doc: 'Names of the files.' },
    { name: 'hashes', type: 'Array(String)', doc: 'SHA-256 of each file as it was, in hex.' },
    { name: 'formats', type: 'Array(String)', doc: 'What each file was read as.' },
    { name: 'notes', type: 'Array(String)', doc: 'What makes the import less than whole, and warnings.' },
    {
      name: 'bill_cost',
      ...moneyOrNull,
      doc: 'Sum of the bill, credits included; NULL when the files have no money.',
    },
    { name: 'ledger_cost', ...money, doc: 'Sum of the ledger.' },
    {
      name: 'difference',
      ...money,
      doc: 'Bill − ledger: the sum of the findings; at our prices where the bill has no money.',
    },
  ],
} as const satisfies Table

export const invoiceLinesTable = {
  name: 'invoice_lines',
  doc: 'Bill and ledger side by side, a row for each day, account, model, kind, tier and place of all imports; read `current_invoice_lines`.',
  columns: [
    ...place,
    { name: 'tier', type: low, doc: 'Service tier; empty for standard.' },
    { name: 'geo', type: low, doc: 'Region or residency that has a price of its own; empty for the usual one.' },
    { name: 'label', type: 'String', doc: 'What the bill prints.' },
    { name: 'bill_quantity', ...quantityOrNull, doc: 'On the bill; NULL when not on it.' },
    { name: 'ledger_quantity', ...quantityOrNull, doc: 'In the ledger; NULL when not in it.' },
    { name: 'bill_cost', ...moneyOrNull, doc: 'On the bill; NULL when it has no money for it.' },
    { name: 'ledger_cost', ...moneyOrNull, doc: 'In the ledger; NULL when not priced or not in it.' },
    { name: 'quantity_part', ...money, doc: 'Difference in quantity × our price.' },
    {
      name: 'price_part',
      ...money,
      doc: 'Quantity on the bill × difference in price; the two parts add up to bill − ledger.',
    },
    {
      name: 'state',
      type: low,
      doc: '`matched`, `explained`, `provisional`, `unmapped`, `only on bill`, `only in ledger`, `unexplained` or `could not ask`.',
    },
  ],
} as const satisfies Table

export const invoiceFindingsTable = {
  name: 'invoice_findings',
  doc: 'What the difference between bill and ledger comes from; the findings of a day add up to it. Read `current_invoice_findings`.',
  columns: [
    ...place,
    {
      name: 'category',
      type: low,
      doc: '`missing telemetry`, `counted twice`, `different price`, `discount`, `unmapped name`, `non-token line`, `provisional`, `rounding` or `unexplained`.',
    },
    { name: 'cause', type: low, doc: 'The cause in words.' },
    { name: 'evidence', type: low, doc: 'How it is known.' },
    { name: 'label', type: 'String', doc: 'What the bill prints.' },
    { name: 'quantity', type: 'Decimal(38, 12)', doc: 'Bill − ledger, in the unit of the kind.' },
    { name: 'amount', ...money, doc: 'Bill − ledger: plus when the bill is higher.' },
    { name: 'quantity_part', ...money, doc: 'Of the amount, what comes from quantity.' },
    { name: 'price_part', ...money, doc: 'Of the amount, what comes from price.' },
  ],
} as const satisfies Table
