// Rows that are to carry money again, or another amount, priced as they would have been had they arrived so: the same question, put
// to the book in force, by the same arithmetic.

import type { Stored } from '../../processors/settling/changes.ts'
import { amountColumns } from '../../schemas/amounts.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { costCount, costColumns as costNames, low } from '../../schemas/span-batch.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { readNative } from '../clickhouse/native-reader.ts'
import { CallPricer, type CallPricerOptions, questionColumns, startColumn } from '../repricing/calls.ts'
import { fromText, type TextKind } from './from-text.ts'

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

/** Columns that a change may have changed: asked for as they will be, by the row's place. */
const given: Readonly<Record<string, TextKind>> = {
  provider: 'low',
  usage_rule: 'low',
  input_tokens: 'countOrNull',
  output_tokens: 'countOrNull',
  cache_read_tokens: 'count',
  cache_write_tokens: 'count',
  reasoning_tokens: 'count',
  usage_other: 'quantities',
  cost_flags: 'low',
  conditions: 'low',
}
/** Of one statement: the texts of a column are one value, of which a server reads 128 KiB. */
const rowsMax = 50
const asStored = questionColumns.filter((column) => !(column in given) && !column.endsWith(' AS conditions'))
const givenColumns = Object.entries(given).map(
  ([name, kind]) => `${fromText[kind](`{as_${name}:Array(String)}[place]`)} AS ${name}`,
)

function textOf(row: Stored, name: string): string {
  if (name === 'conditions') {
    // As `questionColumns` has it for rows of before that column.
    const isOld = row.price_conditions === '' && row.service_tier !== ''
    return isOld ? JSON.stringify({ serviceTier: row.service_tier }) : row.price_conditions
  }
  const value = row[name as keyof Stored]
  if (name === 'usage_other') return JSON.stringify(value)
  return value === null ? '' : String(value)
}

/** Cost columns of each row, as text, in the order given; a row that is no more there has none. Rejects with ClickHouseError. */
export async function priceStored(
  clickhouse: Pick<ClickHouse, 'native'>,
  options: CallPricerOptions,
  rows: readonly Stored[],
): Promise<Record<string, string>[]> {
  const pricer = new CallPricer(options)
  const priced: Record<string, string>[] = []
  for (let from = 0; from < rows.length; from += rowsMax)
    priced.push(...(await priceSome(clickhouse, pricer, rows.slice(from, from + rowsMax))))
  return priced
}

async function priceSome(
  clickhouse: Pick<ClickHouse, 'native'>,
  pricer: CallPricer,
  rows: readonly Stored[],
): Promise<Record<string, string>[]> {
  const answer = await clickhouse.native(
    `SELECT ${[...asStored, ...givenColumns, startColumn(true)].join(', ')},
      toUInt32(indexOf({keys:Array(String)}, concat(project_id, ' ', trace_id, ' ', span_id))) AS place
    FROM spans FINAL WHERE trace_id IN {traces:Array(String)} AND place > 0`,
    {
      keys: rows.map(keyText),
      traces: [...new Set(rows.map(({ trace_id }) => trace_id))],
      ...Object.fromEntries(Object.keys(given).map((name) => [`as_${name}`, rows.map((row) => textOf(row, name))])),
    },
    { output_format_native_encode_types_in_binary_format: 0 },
  )
  const found: Record<string, string>[] = rows.map(() => ({}))
  for (const block of readNative(answer)) {
    const places = block.column('place', 'number').values
    for (const { batch, rows: of } of pricer.price(block)) {
      for (let i = 0; i < of.length; i++) {
        const columns: Record<string, string> = {}
        for (const name of words) columns[name] = pricer.strings.text(batch.low[low[name]]![i]!)
        for (const name of amountColumns) {
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
