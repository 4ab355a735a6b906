// The rollups as sums over rows, and where they are something else. The difference must be 0 in every group, whatever was
// corrected, adopted, undone or cut short; where it is not, an appended row makes it so, and says so.

import type { ClickHouse } from '../clickhouse/client.ts'

export interface Rollup {
  readonly table: 'usage_hourly' | 'usage_user_daily'
  /** Rollup's column of time, and the same of a row. */
  readonly time: { readonly column: string; readonly ofRow: string; readonly unitMs: number }
  readonly dimensions: readonly string[]
  /** Counter of the rollup and the same over rows. */
  readonly counters: readonly (readonly [column: string, ofRows: string])[]
}

const sumOf = (column: string): readonly [string, string] => [column, `sum(ifNull(s.${column}, 0))`]
const shared: Rollup['counters'] = [
  ['calls', 'count()'],
  ['errors', "countIf(s.status = 'error')"],
  ['priced_calls', 'countIf(s.total_cost IS NOT NULL)'],
  ['partial_calls', "countIf(s.cost_status = 'partial')"],
  ['unpriced_calls', "countIf(s.cost_status IN ('unpriced', 'invalid'))"],
  ['estimated_calls', "countIf(s.cost_status = 'estimated')"],
  ['other_currency_calls', 'countIf(s.total_cost IS NULL AND s.pricing_currency_cost IS NOT NULL)'],
  sumOf('input_tokens'),
  sumOf('output_tokens'),
  sumOf('total_cost'),
  ['estimated_cost', "sumIf(ifNull(s.total_cost, 0), s.cost_status = 'estimated')"],
]

const isWhole = "s.cost_status IN ('priced', 'reported', 'estimated')"

/** Every counter of both; digests of latencies are of first writes and cannot be put right. */
export const rollups: readonly Rollup[] = [
  {
    table: 'usage_hourly',
    time: { column: 'hour', ofRow: 'toStartOfHour(s.start_time)', unitMs: 3_600_000 },
    dimensions: ['project_id', 'kind', 'env', 'service', 'feature', 'provider', 'model', 'price_book'],
    counters: [
      ...shared,
      sumOf('cache_read_tokens'),
      sumOf('cache_write_tokens'),
      sumOf('reasoning_tokens'),
      sumOf('input_cost'),
      ['cache_cost', 'sum(ifNull(s.cache_read_cost, 0) + ifNull(s.cache_write_cost, 0))'],
      sumOf('output_cost'),
      sumOf('other_cost'),
      ['whole_calls', `countIf(s.total_cost IS NOT NULL AND ${isWhole})`],
      ['whole_cost', `sumIf(ifNull(s.total_cost, 0), ${isWhole})`],
      sumOf('reported_cost'),
      sumOf('duration_ns'),
    ],
  },
  {
    table: 'usage_user_daily',
    time: { column: 'day', ofRow: 'toDate(s.start_time)', unitMs: 86_400_000 },
    dimensions: ['project_id', 'env', 'user_id'],
    counters: shared,
  },
]

/** Unix milliseconds; widened to whole hours or days of the rollup. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** A group whose rollup is not the sum of its rows. */
export interface Difference {
  readonly table: Rollup['table']
  /** Time and dimensions of the group, by column. */
  readonly group: Readonly<Record<string, string>>
  /** Rollup less rows, by counter; those that agree are left out. Decimal text. */
  readonly counters: Readonly<Record<string, string>>
  /** Of group and counters: the same difference later has the same mark. */
  readonly mark: string
}

/** Their marks are one value of a statement, of which a server reads 128 KiB. */
const differencesMax = 4000

/** What differs in a rollup, at most 4,000 groups. Rejects with ClickHouseError. */
export async function differencesIn(
  clickhouse: Pick<ClickHouse, 'query'>,
  rollup: Rollup,
  span: Span,
): Promise<Difference[]> {
  const { table, time, dimensions, counters } = rollup
  const names = [time.column, ...dimensions]
  const rows = await clickhouse.query<Record<string, string>>(
    `SELECT ${names.map((name) => `toString(d.${name}) AS ${name}_`).join(', ')},
      ${counters.map(([column]) => `toString(d.${column}) AS ${column}_`).join(', ')}, toString(${markOf(rollup)}) AS mark
    FROM (${differencesSql(rollup)}) AS d ORDER BY ${names.map((name) => `d.${name}`).join(', ')} LIMIT ${differencesMax}`,
    widened(rollup, span),
    { max_threads: 1 },
  )
  return rows.map((row) => ({
    table,
    group: Object.fromEntries(names.map((name) => [name, row[`${name}_`] ?? ''])),
    counters: Object.fromEntries(
      counters.flatMap(([column]) => {
        const value = row[`${column}_`] ?? '0'
        return Number(value) === 0 ? [] : [[column, value]]
      }),
    ),
    mark: row['mark'] ?? '',
  }))
}

/** Rollup less rows of every group that differs; parameters `from` and `to`. */
export function differencesSql({ table, time, dimensions, counters }: Rollup): string {
  const names = [time.column, ...dimensions].join(', ')
  const within = (column: string): string =>
    `${column} >= fromUnixTimestamp64Milli({from:Int64}) AND ${column} < fromUnixTimestamp64Milli({to:Int64})`
  return `SELECT ${names}, ${counters.map(([column]) => `sum(b.${column}) AS ${column}`).join(', ')} FROM (
    SELECT ${names}, ${counters.map(([column]) => asWide(column, `sum(s.${column})`)).join(', ')}
    FROM ${table} AS s WHERE ${within(`toDateTime64(s.${time.column}, 3, 'UTC')`)} GROUP BY ${names}
    UNION ALL
    SELECT ${time.ofRow} AS ${time.column}, ${dimensions.join(', ')},
      ${counters.map(([column, ofRows]) => asWide(column, `-${ofRows}`)).join(', ')}
    FROM llm_calls AS s WHERE ${within('s.start_time')} GROUP BY ${names}
  ) AS b GROUP BY ${names} HAVING ${counters.map(([column]) => `${column} != 0`).join(' OR ')}`
}

/** Hash of a row `d` of `differencesSql`. */
export function markOf({ time, dimensions, counters }: Rollup): string {
  const parts = [time.column, ...dimensions, ...counters.map(([column]) => column)]
  return `cityHash64(${parts.map((name) => `toString(d.${name})`).join(', ')})`
}

export function widened({ time }: Rollup, { fromMs, toMs }: Span): { from: number; to: number } {
  const { unitMs } = time
  return { from: Math.floor(fromMs / unitMs) * unitMs, to: Math.ceil(toMs / unitMs) * unitMs }
}

function asWide(column: string, expression: string): string {
  return column.endsWith('cost')
    ? `CAST(${expression} AS Decimal(38, 12)) AS ${column}`
    : `toInt128(${expression}) AS ${column}`
}

export interface Drift {
  /** Groups of a rollup that differ from the sum of their rows. */
  readonly groups: number
  /** Decimal text: sum of the absolute differences of cost in the hourly rollup, USD. */
  readonly cost: string
}

/** Drift of both rollups over the whole hours and days of a window. Rejects with ClickHouseError. */
export async function drift(clickhouse: Pick<ClickHouse, 'query'>, span: Span): Promise<Drift> {
  let groups = 0
  let cost = '0'
  for (const rollup of rollups) {
    const [row] = await clickhouse.query<{ groups: string; cost: string }>(
      `SELECT count() AS groups, sum(abs(d.total_cost)) AS cost FROM (${differencesSql(rollup)}) AS d`,
      widened(rollup, span),
      { max_threads: 1 },
    )
    groups += Number(row?.groups ?? 0)
    if (rollup.table === 'usage_hourly') cost = row?.cost ?? '0'
  }
  return { groups, cost }
}
