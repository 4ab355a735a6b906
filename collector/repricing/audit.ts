// Is a rollup still the sum of its rows? The difference must be 0 in every group, whatever was adopted, undone or cut short.

import type { ClickHouse } from '../clickhouse/client.ts'

export interface Drift {
  /** Groups of a rollup that differ from the sum of their rows. */
  readonly groups: number
  /** Decimal text: sum of the absolute differences of cost, USD. */
  readonly cost: string
}

interface Rollup {
  readonly table: string
  /** Rollup's column of time, and the same of a row. */
  readonly time: { readonly column: string; readonly ofRow: string; readonly unit: 'hour' | 'day' }
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
  sumOf('input_tokens'),
  sumOf('output_tokens'),
  sumOf('total_cost'),
]

const rollups: readonly Rollup[] = [
  {
    table: 'usage_hourly',
    time: { column: 'hour', ofRow: 'toStartOfHour(s.start_time)', unit: 'hour' },
    dimensions: ['project_id', 'kind', 'env', 'service', 'feature', 'provider', 'model', 'price_book'],
    counters: [
      ...shared,
      sumOf('input_cost'),
      ['cache_cost', 'sum(ifNull(s.cache_read_cost, 0) + ifNull(s.cache_write_cost, 0))'],
      sumOf('output_cost'),
      sumOf('other_cost'),
      sumOf('reported_cost'),
    ],
  },
  {
    table: 'usage_user_daily',
    time: { column: 'day', ofRow: 'toDate(s.start_time)', unit: 'day' },
    dimensions: ['project_id', 'env', 'user_id'],
    counters: shared,
  },
]

const unitMs = { hour: 3_600_000, day: 86_400_000 } as const

/** Drift of both rollups over the whole hours and days of a window (Unix milliseconds). Rejects with ClickHouseError. */
export async function drift(
  clickhouse: Pick<ClickHouse, 'query'>,
  window: { readonly fromMs: number; readonly toMs: number },
): Promise<Drift> {
  let groups = 0
  let cost = ''
  for (const { table, time, dimensions, counters } of rollups) {
    const unit = unitMs[time.unit]
    const from = Math.floor(window.fromMs / unit) * unit
    const to = Math.ceil(window.toMs / unit) * unit
    const names = [time.column, ...dimensions].join(', ')
    const within = (column: string): string =>
      `${column} >= fromUnixTimestamp64Milli({from:Int64}) AND ${column} < fromUnixTimestamp64Milli({to:Int64})`
    const [row] = await clickhouse.query<{ groups: string; cost: string }>(
      `SELECT count() AS groups, sum(abs(d.total_cost)) AS cost FROM (
        SELECT ${names}, ${counters.map(([column]) => `sum(b.${column}) AS ${column}`).join(', ')} FROM (
          SELECT ${names}, ${counters.map(([column]) => asWide(column, `sum(s.${column})`)).join(', ')}
          FROM ${table} AS s WHERE ${within(`toDateTime64(s.${time.column}, 3, 'UTC')`)} GROUP BY ${names}
          UNION ALL
          SELECT ${time.ofRow} AS ${time.column}, ${dimensions.join(', ')},
            ${counters.map(([column, ofRows]) => asWide(column, `-${ofRows}`)).join(', ')}
          FROM llm_calls AS s WHERE ${within('s.start_time')} GROUP BY ${names}
        ) AS b GROUP BY ${names} HAVING ${counters.map(([column]) => `${column} != 0`).join(' OR ')}) AS d`,
      { from, to },
      { max_threads: 1 },
    )
    groups += Number(row?.groups ?? 0)
    if (time.unit === 'hour') cost = row?.cost ?? '0'
  }
  return { groups, cost }
}

function asWide(column: string, expression: string): string {
  return column.endsWith('cost')
    ? `CAST(${expression} AS Decimal(38, 12)) AS ${column}`
    : `toInt128(${expression}) AS ${column}`
}
