// Rates of exchange into ClickHouse. A rate that is loaded again replaces the one of its day and pair; what is no longer in the
// file stays, for a day that is over has had its rate.

import type { RateRow } from '../processors/currency-rates.ts'
import { ratesTable } from '../schemas/currency-table.ts'
import { columnNames, type Table } from '../schemas/table.ts'
import type { ClickHouse } from './clickhouse/client.ts'
import { encodeRows } from './clickhouse/native.ts'

/** As it is sent: decimals as text and days as numbers, which ClickHouse turns into the columns' types without loss. */
const sentTable: Table = {
  ...ratesTable,
  columns: ratesTable.columns.map((column) =>
    column.name === 'rate' || column.name === 'day' ? { ...column, type: 'String' } : column,
  ),
}

/** Stores rates and which currency is reported in ('' for none). Rejects with ClickHouseError. */
export async function storeCurrencies(
  clickhouse: ClickHouse,
  {
    rates,
    reportingCurrency,
    nowMs,
  }: { readonly rates: readonly RateRow[]; readonly reportingCurrency: string; readonly nowMs: number },
): Promise<void> {
  if (rates.length > 0) {
    const rows = rates.map((rate) => ({ ...rate, loaded_at: nowMs }))
    const body = encodeRows(sentTable, rows)
    const request = { table: ratesTable.name, columns: columnNames(ratesTable), body, rows: rows.length }
    await clickhouse.insert({ ...request, token: `rates-${nowMs}` })
  }
  await clickhouse.command(
    'INSERT INTO reporting_currency (currency, set_at) VALUES ({currency:String}, fromUnixTimestamp64Milli({at:Int64}))',
    { currency: reportingCurrency, at: nowMs },
  )
}
