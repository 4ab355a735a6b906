// Writes an import for SQL and Grafana: findings and lines first, then the row that puts it in force for each day.

import { amountOf } from '../../processors/invoices/finding.ts'
import type { ImportedBill } from '../../processors/invoices/import.ts'
import { billingProvider, type InvoiceResult } from '../../processors/invoices/result.ts'
import { invoiceFindingsTable, invoiceImportsTable, invoiceLinesTable } from '../../schemas/invoice-tables.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { columnNames, type Table } from '../../schemas/table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { timeText } from '../clickhouse/time-text.ts'
import type { BillFile } from './read.ts'

export interface Stored {
  readonly importId: string
  readonly importedAt: Date
  /** '' when the ledger of several projects was taken together. */
  readonly project: string
  readonly asked: string
  readonly bill: ImportedBill
  readonly files: readonly BillFile[]
  readonly result: InvoiceResult
}

/** Rejects with ClickHouseError; what was written of it before is then in no view. */
export async function storeInvoice(clickhouse: ClickHouse, stored: Stored): Promise<void> {
  const { result, importId, project } = stored
  const scope = { import_id: importId, project_id: project }
  const place = ({
    day,
    provider,
    account,
    model,
    kind,
  }: InvoiceResult['lines'][number] | InvoiceResult['findings'][number]) => ({
    ...scope,
    day,
    provider,
    account,
    model,
    kind,
  })
  const findings = result.findings.map((finding, row) => ({
    ...place(finding),
    row,
    category: finding.category,
    cause: finding.cause,
    evidence: finding.evidence,
    label: finding.label,
    quantity: formatPicoUsd(finding.quantity),
    amount: formatPicoUsd(amountOf(finding)),
    quantity_part: formatPicoUsd(finding.quantityPart),
    price_part: formatPicoUsd(finding.pricePart),
  }))
  const lines = result.lines.map((line, row) => ({
    ...place(line),
    row,
    tier: line.tier,
    geo: line.geo,
    label: line.label,
    bill_quantity: textOf(line.billQuantity),
    ledger_quantity: textOf(line.ledgerQuantity),
    bill_cost: textOf(line.billAmount),
    ledger_cost: textOf(line.ledgerAmount),
    quantity_part: formatPicoUsd(line.quantityPart),
    price_part: formatPicoUsd(line.pricePart),
    state: line.state,
  }))
  await insert(clickhouse, invoiceFindingsTable, findings)
  await insert(clickhouse, invoiceLinesTable, lines)
  await insert(clickhouse, invoiceImportsTable, importRows(stored, scope))
}

/** One row a provider and day, also where nothing was used: the day is known to be empty. */
function importRows({ result, bill, files, asked, importedAt }: Stored, scope: object): object[] {
  return result.totals.flatMap(({ provider, bill: total }) =>
    result.days.map((day) => {
      const own = result.lines.filter((line) => line.day === day && line.provider === billingProvider(provider))
      const found = result.findings.filter((finding) => finding.day === day && finding.provider === provider)
      const sum = (amounts: readonly (bigint | null)[]): bigint =>
        amounts.reduce<bigint>((all, each) => all + (each ?? 0n), 0n)
      const ledger = sum(own.map(({ ledgerAmount }) => ledgerAmount))
      const difference = sum(found.map(amountOf))
      return {
        ...scope,
        provider,
        day,
        imported_at: timeText(importedAt),
        asked,
        files: files.map(({ name }) => name),
        hashes: files.map(({ sha256 }) => sha256),
        formats: bill.files.map(({ format }) => format),
        notes: result.notes.filter((note) => note.day === '' || note.day === day).map(({ text }) => text),
        bill_cost: total === null ? null : formatPicoUsd(ledger + difference),
        ledger_cost: formatPicoUsd(ledger),
        difference: formatPicoUsd(difference),
      }
    }),
  )
}

function textOf(pico: bigint | null): string | null {
  return pico === null ? null : formatPicoUsd(pico)
}

const rowsAtOnce = 5000

async function insert(clickhouse: ClickHouse, table: Table, rows: readonly object[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const body = rows.slice(from, from + rowsAtOnce).map((row) => JSON.stringify(row))
    await clickhouse.command(
      `INSERT INTO ${table.name} (${columnNames(table).join(', ')}) SETTINGS async_insert = 0 FORMAT JSONEachRow\n${body.join('\n')}`,
    )
  }
}
