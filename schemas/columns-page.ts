// The declared tables → docs/columns.md.

import { contentTable } from './content-table.ts'
import { ratesTable } from './currency-table.ts'
import { datasetItemsTable, datasetRunItemsTable, datasetsTable } from './datasets-table.ts'
import { invoiceFindingsTable, invoiceImportsTable, invoiceLinesTable } from './invoice-tables.ts'
import { logsTable } from './logs-table.ts'
import { pricesTable } from './prices-table.ts'
import { pricingRunsTable } from './pricing-runs-table.ts'
import { recostsTable } from './recosts-table.ts'
import { rejudgementsTable, scoreConfigsTable } from './score-configs-table.ts'
import { scoresTable } from './scores-table.ts'
import { spansTable } from './spans-table.ts'
import type { Table } from './table.ts'

/** Every table that is declared in this folder. */
export const documentedTables: readonly Table[] = [
  spansTable,
  contentTable,
  scoresTable,
  scoreConfigsTable,
  rejudgementsTable,
  datasetsTable,
  datasetItemsTable,
  datasetRunItemsTable,
  logsTable,
  pricesTable,
  recostsTable,
  pricingRunsTable,
  invoiceImportsTable,
  invoiceLinesTable,
  invoiceFindingsTable,
  ratesTable,
]

/** The whole page as Markdown; a test holds docs/columns.md to it. */
export function columnsPage(): string {
  return [
    '<!-- Generated from schemas/*-table.ts by `npm run docs`: change the declaration, not this page. -->',
    '# Columns',
    '',
    'Views show the same columns: `llm_calls` the rows of `spans` that are real calls of a model, `current_scores` the newest state of',
    'each score that keeps to its configuration, `all_scores` of every one, `votes` of those that may be votes, `otel_traces` the spans under the names of the OpenTelemetry exporter. Times are UTC; money is USD with twelve decimals.',
    '',
    ...documentedTables.flatMap(tableSection),
  ].join('\n')
}

function tableSection({ name, doc, columns }: Table): string[] {
  const rows = columns.map((column) => {
    const from = column.semconv === undefined ? '' : ` Attribute \`${column.semconv}\`.`
    const unit = column.unit === undefined ? '' : ` (${column.unit})`
    return `| \`${column.name}\` | \`${column.type}\`${unit} | ${column.doc}${from} |`.replaceAll('\n', ' ')
  })
  return [`## \`${name}\``, '', doc, '', '| column | type | meaning |', '|---|---|---|', ...rows, '']
}
