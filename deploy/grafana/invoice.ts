// The board "Spanledger: invoices": what providers billed beside what the ledger says, and what the differences come from.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board, classic, dataSource } from './board.ts'
import { chart, choice, type Override, stat, table } from './panels.ts'
import { named, question, scoped } from './sql.ts'

const money = { unit: 'currencyUSD', decimals: 2 }
const dollars = (name: string, displayName: string): Override => [
  name,
  { unit: 'currencyUSD', decimals: 4, displayName },
]

/** The import in force of each provider's day. */
const inForce = `(
  SELECT i.day AS day, i.provider AS provider,
    argMax((i.bill_cost, i.ledger_cost, i.difference, i.imported_at, i.files, i.notes), (i.imported_at, i.import_id)) AS newest
  FROM invoice_imports AS i
  WHERE $__timeFilter(i.day)
  AND ${scoped('i', ['project'])}
  GROUP BY i.project_id, day, provider
) AS d`

const panels = [
  stat({
    id: 1,
    title: 'Billed',
    description:
      'Sum of the bills imported for the days in the range, credits included, in USD. Days without an import are missing, and imports without money count as nothing. Table invoice_imports, the newest import of each day.',
    at: { x: 0, y: 0, w: 6, h: 4 },
    ...money,
    noValue: 'nothing imported',
    sql: `SELECT sum(d.newest.1) AS billed FROM ${inForce}`,
  }),
  stat({
    id: 2,
    title: 'In the ledger',
    description:
      'Cost that the ledger had for the same providers and days when the bills were laid beside it, in USD. Table invoice_imports, the newest import of each day.',
    at: { x: 6, y: 0, w: 6, h: 4 },
    ...money,
    noValue: 'nothing imported',
    sql: `SELECT sum(d.newest.2) AS ledger FROM ${inForce}`,
  }),
  stat({
    id: 3,
    title: 'Difference, bill - ledger',
    description:
      'Plus when the bill is higher. A small figure may hide two large ones that cancel: look at the findings. Table invoice_imports, the newest import of each day.',
    at: { x: 12, y: 0, w: 6, h: 4 },
    ...money,
    noValue: 'nothing imported',
    sql: `SELECT sum(d.newest.3) AS difference FROM ${inForce}`,
  }),
  stat({
    id: 4,
    title: 'Not explained',
    description:
      'Sizes of the findings without an explanation and of lines whose name is not mapped, added up whatever their sign. When red: see the findings, then the lines. View current_invoice_findings.',
    at: { x: 18, y: 0, w: 6, h: 4 },
    ...money,
    noValue: 'nothing',
    steps: [
      [null, 'green'],
      [0.01, 'red'],
    ],
    sql: `SELECT sumIf(abs(f.amount), f.category IN ('unexplained', 'unmapped name')) AS unexplained
FROM current_invoice_findings AS f
WHERE $__timeFilter(f.day)
AND ${scoped('f', ['project'])}`,
  }),
  chart({
    id: 10,
    title: 'Differences by what they come from',
    description:
      'Bill minus ledger by category and day of the provider; bars below zero are what the ledger has and the bill has not. View current_invoice_findings.',
    at: { x: 0, y: 4, w: 24, h: 8 },
    ...money,
    style: 'bars',
    label: '${__field.labels.category}',
    sql: `SELECT toDateTime(f.day) AS time, f.category AS category, sum(f.amount) AS value
FROM current_invoice_findings AS f
WHERE $__timeFilter(f.day)
AND ${scoped('f', ['project'])}
GROUP BY time, category
ORDER BY time, category`,
  }),
  table({
    id: 11,
    title: 'Findings',
    description:
      'Each cause of a difference by day, model and kind, largest first. The amounts of a day add up to its difference; quantity and price part add up to each amount. View current_invoice_findings.',
    at: { x: 0, y: 12, w: 24, h: 10 },
    overrides: [
      dollars('difference', 'bill - ledger'),
      dollars('quantity_part', 'by quantity'),
      dollars('price_part', 'by price'),
      ['quantity', { unit: 'short' }],
    ],
    sql: question('invoice_findings', {}, ['project']),
  }),
  table({
    id: 12,
    title: 'Bill beside ledger',
    description:
      'Every line of the newest imports: quantity and cost on the bill and in the ledger, and whether they match. A line in state unmapped is shown as the bill prints it. View current_invoice_lines.',
    at: { x: 0, y: 22, w: 24, h: 10 },
    overrides: [
      dollars('bill_cost', 'bill'),
      dollars('ledger_cost', 'ledger'),
      dollars('difference', 'bill - ledger'),
      ['bill_quantity', { unit: 'short' }],
      ['ledger_quantity', { unit: 'short' }],
    ],
    sql: question('invoice_lines', {}, ['project']),
  }),
  table({
    id: 13,
    title: 'Imports in force',
    description:
      'Per provider and day: when the bill was imported, from which files, and what was found incomplete. Table invoice_imports, the newest import of each day.',
    at: { x: 0, y: 32, w: 24, h: 8 },
    overrides: [dollars('bill', 'bill'), dollars('ledger', 'ledger'), dollars('difference', 'bill - ledger')],
    sql: `SELECT d.day AS day, d.provider AS provider, d.newest.1 AS bill, d.newest.2 AS ledger, d.newest.3 AS difference,
  d.newest.4 AS imported_at, arrayStringConcat(d.newest.5, ', ') AS files, arrayStringConcat(d.newest.6, ' | ') AS notes
FROM ${inForce}
ORDER BY day DESC, provider
LIMIT 500`,
  }),
]

const projects = `SELECT DISTINCT ${named('i.project_id')} AS value
FROM invoice_imports AS i
ORDER BY value
LIMIT 500`

export function invoiceBoard(): Dashboard {
  const builder = board(
    'invoices',
    'What providers billed beside what the ledger says, and where the differences come from.',
  )
    .uid('sl-invoice')
    .time({ from: 'now-30d', to: 'now' })
    .withVariable(dataSource().current({ text: '', value: '' }))
    .withVariable(choice('project', 'Project', projects))
  for (const panel of panels) builder.withPanel(panel)
  return classic(builder.build())
}
