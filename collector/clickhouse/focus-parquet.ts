// A FOCUS export as a Parquet file, which ClickHouse makes of the CSV: the same values in typed columns.

import { type FocusVersion, focusColumnsOf } from '../../schemas/focus.ts'
import type { ClickHouse } from './client.ts'

/** Digits of a decimal that most readers of Parquet take. */
const precision = 38
const placesMin = 12
/** No tag or name of a model holds this. */
const fence = '$focus_rows_of_the_ledger$'

/** `lines` are those of the CSV, its head first. Throws RangeError for a decimal of more than 38 digits. */
export async function focusParquet(
  clickhouse: ClickHouse,
  lines: readonly string[],
  version: FocusVersion,
  places: number,
): Promise<Buffer> {
  const scale = Math.max(placesMin, places)
  const types = {
    decimal: `Decimal(${precision}, ${scale})`,
    time: "DateTime64(3, 'UTC')",
    json: 'String',
    string: 'String',
  }
  const structure = focusColumnsOf(version)
    .map(({ name, type, isNullable }) => `${name} ${isNullable ? `Nullable(${types[type]})` : types[type]}`)
    .join(', ')
  const csv = lines.join('\n')
  if (csv.includes(fence)) throw new RangeError(`a name in the ledger holds ${fence}`)
  return clickhouse.parquet(
    `SELECT * FROM format(CSVWithNames, '${structure.replaceAll("'", "\\'")}', ${fence}${csv}${fence})`,
    {
      max_query_size: String(csv.length * 4 + 65_536),
      input_format_csv_empty_as_default: 0,
      format_csv_null_representation: '',
      date_time_input_format: 'best_effort',
      output_format_parquet_compression_method: 'zstd',
      output_format_parquet_string_as_string: 1,
    },
  )
}

/** Most places behind the point among the decimals of a row. */
export function decimalPlaces(line: Readonly<Record<string, string | null>>, version: FocusVersion): number {
  return Math.max(
    ...focusColumnsOf(version).map(({ name, type }) => (type === 'decimal' ? placesOf(line[name] ?? '') : 0)),
  )
}

function placesOf(text: string): number {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  if (whole.length + fraction.length > precision)
    throw new RangeError(`${text} has more digits than Parquet takes: write CSV`)
  return fraction.length
}
