// A selection → its calls or traces, page by page: JSON records as they are read, or Parquet as ClickHouse writes it. What is held
// here is the keys of one page and the rows of one batch, however much is asked for.

import { type ClickHouse, ClickHouseError } from '../clickhouse/client.ts'
import { formatCursor, type Selection } from './selection.ts'
import { type Key, keysStatement, rowsStatement, type Statement } from './statements.ts'

export type Reader = Pick<ClickHouse, 'query' | 'stream'>

export interface Page {
  readonly keys: readonly Key[]
  /** Where the next page goes on; null when this is the last. */
  readonly next: string | null
}

/** A row as the statement gives it. */
export type Row = Readonly<Record<string, unknown>>

// What is joined may be on another shard.
const joined = { distributed_product_mode: 'global' } as const
const keySettings = { ...joined, max_execution_time: 60, max_result_rows: '0' } as const
const rowSettings = {
  ...joined,
  max_execution_time: 120,
  max_result_rows: '0',
  output_format_json_quote_64bit_integers: 0,
  date_time_output_format: 'iso',
} as const
const parquetSettings = {
  ...joined,
  max_execution_time: 600,
  max_result_rows: '0',
  output_format_parquet_compression_method: 'zstd',
  output_format_parquet_string_as_string: 1,
  // Written and forgotten group by group.
  output_format_parquet_row_group_size: '5000',
  output_format_parquet_row_group_size_bytes: String(32 << 20),
} as const

const hourMs = 3_600_000
const widening = 8
const batchRowsMax = 2000
const batchRowsFirst = 100
const batchBytes = 8 << 20
/** ClickHouse's code for an answer over its limit, and the client's own. */
const tooLarge = 396

/**
 * Which calls or traces, in order, at most `limit`. Newest first is looked for in spans of time that widen, so that a page costs
 * what is near its place and not the whole range. Rejects with ClickHouseError.
 */
export async function keyPage(clickhouse: Reader, selection: Selection): Promise<Page> {
  const { what, order, fromMs, toMs, limit, after, conditions } = selection
  const wanted = limit + 1
  const found: Key[] = []
  const isWindowed = what === 'calls' && order === 'newest' && conditions.scored === undefined
  const isBehind = isWindowed && after !== undefined
  let end = isBehind ? Math.min(toMs, Date.parse(`${after.key[0].slice(0, 23).replace(' ', 'T')}Z`) + 1) : toMs
  let width = isWindowed ? hourMs : toMs - fromMs
  while (end > fromMs && found.length < wanted) {
    const begin = Math.max(fromMs, end - width)
    const part = { fromMs: begin, toMs: end, after: after?.key, limit: wanted - found.length }
    const { sql, parameters } = keysStatement(selection, part)
    found.push(...(await clickhouse.query<Key>(sql, parameters, keySettings)))
    end = begin
    width *= widening
  }
  const keys = found.slice(0, limit)
  const final = keys.at(-1)
  if (found.length <= limit || final === undefined) return { keys, next: null }
  return { keys, next: formatCursor({ order, fromMs, toMs, key: [final.value, final.trace_id, final.span_id] }) }
}

/** The rows of these keys, in their order. What has gone meanwhile is left out. Rejects with ClickHouseError. */
export async function* rowsOf(
  clickhouse: Pick<Reader, 'query'>,
  selection: Selection,
  keys: readonly Key[],
): AsyncGenerator<Row> {
  let size = batchRowsFirst
  for (let at = 0; at < keys.length; ) {
    const batch = keys.slice(at, at + size)
    let rows: Row[]
    try {
      const { sql, parameters } = rowsStatement(selection, { keys: batch, ...timesOf(batch) })
      rows = await clickhouse.query<Row>(sql, parameters, rowSettings)
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.code !== tooLarge || batch.length === 1) throw error
      size = Math.max(1, Math.floor(batch.length / 4))
      continue
    }
    at += batch.length
    const byKey = new Map(rows.map((row) => [keyOf(row), row]))
    let bytes = 0
    for (const key of batch) {
      const row = byKey.get(keyOf({ ...key }))
      if (row === undefined) continue
      bytes += contentBytes(row)
      yield row
    }
    const fitting = bytes === 0 ? batchRowsMax : Math.floor((batchBytes * batch.length) / bytes)
    size = Math.min(Math.max(1, fitting), size * 4, batchRowsMax)
  }
}

/** The rows of a page as a Parquet file, in no order. Rejects with ClickHouseError. */
export function parquetOf(
  clickhouse: Reader,
  selection: Selection,
  { keys }: Page,
): Promise<AsyncIterable<Uint8Array>> {
  const { sql, parameters } = rowsStatement(selection, { keys: pageKeys(selection, keys), ...timesOf(keys) })
  return clickhouse.stream(`${sql}\nFORMAT Parquet`, parameters, parquetSettings)
}

/** The keys of a page once more, as a condition of the statement that reads its rows. */
function pageKeys(selection: Selection, keys: readonly Key[]): Statement | readonly Key[] {
  const last = keys.at(-1)
  if (last === undefined) return []
  const { fromMs, toMs, after } = selection
  return keysStatement(selection, { fromMs, toMs, after: after?.key, until: last })
}

function timesOf(keys: readonly Key[]): { readonly first: string; readonly last: string } {
  let first = keys[0]?.start_time ?? '2000-01-01 00:00:00'
  let last = first
  // Of one width, so that text is in the order of time.
  for (const { start_time } of keys) {
    if (start_time < first) first = start_time
    if (start_time > last) last = start_time
  }
  return { first, last }
}

function keyOf(row: Row): string {
  return `${row['trace_id']} ${row['span_id'] ?? ''}`.trimEnd()
}

function contentBytes(row: Row): number {
  return ['system_instructions', 'input_messages', 'output_messages', 'tool_definitions']
    .map((name) => String(row[name] ?? '').length)
    .reduce((sum, length) => sum + length, 1000)
}
