// Rows that are to carry money again, priced as they would have been when they arrived: the same question, put to the book in
// force, by the same arithmetic.

import { costColumns, type Stored } from '../../processors/settling/changes.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { costCount, costColumns as costNames, low } from '../../schemas/span-batch.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { readNative } from '../clickhouse/native-reader.ts'
import { CallPricer, type CallPricerOptions, questionColumns, startColumn } from '../repricing/calls.ts'

const words = [
  'provider',
  'model',
  'cost_status',
  'cost_reason',
  'cost_flags',
  'price_entry',
  'price_book',
  'pricing_currency',
] as const

/** Cost columns of each row, as text, in the order given; a row that is no more there has none. Rejects with ClickHouseError. */
export async function priceStored(
  clickhouse: Pick<ClickHouse, 'native'>,
  options: CallPricerOptions,
  rows: readonly Stored[],
): Promise<Record<string, string>[]> {
  const pricer = new CallPricer(options)
  const answer = await clickhouse.native(
    `SELECT ${[...questionColumns, startColumn(true)].join(', ')},
      toUInt32(indexOf({keys:Array(String)}, concat(project_id, ' ', trace_id, ' ', span_id))) AS place
    FROM spans FINAL WHERE trace_id IN {traces:Array(String)} AND place > 0`,
    { keys: rows.map(keyText), traces: [...new Set(rows.map(({ trace_id }) => trace_id))] },
    { output_format_native_encode_types_in_binary_format: 0 },
  )
  const found: Record<string, string>[] = rows.map(() => ({}))
  for (const block of readNative(answer)) {
    const places = block.column('place', 'number').values
    for (const { batch, rows: of } of pricer.price(block)) {
      for (let i = 0; i < of.length; i++) {
        const columns: Record<string, string> = {}
        for (const name of words) columns[name] = pricer.strings.text(batch.low[low[name]]![i]!)
        for (const name of costColumns) {
          const pico = batch.costs[i * costCount + costNames.indexOf(name)]!
          columns[name] = Number.isNaN(pico) ? '' : formatPicoUsd(pico)
        }
        found[places[of[i]!]! - 1] = columns
      }
    }
  }
  return found
}

function keyText({ project_id, trace_id, span_id }: Stored): string {
  return `${project_id} ${trace_id} ${span_id}`
}
