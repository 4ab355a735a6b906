// Questions about runs that are written.

import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { DifferenceGroup } from './differences.ts'
import { repricedStatuses } from './recompute.ts'
import type { PricingRun } from './runs.ts'
import { type CallFilter, inSlice, meant } from './slices.ts'

/** A run as it is shown: times as text, and how far it is. */
export function runSummary(run: PricingRun): Record<string, unknown> {
  const {
    slices,
    version,
    created_at,
    updated_at,
    window_from,
    window_to,
    as_of,
    written,
    prepared,
    published,
    ...rest
  } = run
  const iso = (ms: number): string => new Date(ms).toISOString()
  return {
    ...rest,
    created_at: iso(created_at),
    updated_at: iso(updated_at),
    window_from: iso(window_from),
    window_to: iso(window_to),
    as_of: as_of === null ? null : iso(as_of),
    difference: differenceOf(run.original_cost, run.total_cost),
    slices: slices.length,
    written,
    prepared,
    published,
  }
}

/** What a written run changes, as the dry run shows it. */
export async function differencesOf(
  clickhouse: Pick<ClickHouse, 'query'>,
  run: PricingRun,
  tz: string,
): Promise<DifferenceGroup[]> {
  const names = [
    'provider',
    'model',
    'original_price_entry',
    'price_entry',
    'original_cost_status',
    'cost_status',
  ] as const
  type Found = Record<(typeof names)[number] | 'day' | 'calls', string> & {
    readonly original: string | null
    readonly total: string | null
  }
  const rows = await clickhouse.query<Found>(
    `SELECT toString(toDate(r.start_time, {tz:String})) AS day, ${names.map((name) => `toString(r.${name}) AS ${name}`).join(', ')},
      count() AS calls, sum(r.original_cost) AS original, sum(r.total_cost) AS total
    FROM span_recosts AS r FINAL WHERE r.pricing_run = {run:String}
    GROUP BY day, ${names.join(', ')} ORDER BY day, ${names.join(', ')}`,
    { run: run.pricing_run, tz },
    { max_threads: 1 },
  )
  return rows.map(({ calls, original, total, ...rest }) => ({
    ...rest,
    calls: Number(calls),
    original_cost: original,
    total_cost: total,
    difference: differenceOf(original ?? '0', total ?? '0'),
  }))
}

/** Calls of a filter that no price decides, with the verdict they keep; spans that are no calls are left out. */
export async function keptCalls(
  clickhouse: Pick<ClickHouse, 'query'>,
  filter: CallFilter,
): Promise<{ cost_status: string; cost_reason: string; calls: number }[]> {
  const window = inSlice({ from: filter.fromMs, to: filter.toMs })
  const which = meant(filter)
  const rows = await clickhouse.query<{ cost_status: string; cost_reason: string; calls: string }>(
    `SELECT toString(cost_status) AS cost_status, toString(cost_reason) AS cost_reason, count() AS calls FROM llm_calls
    WHERE ${window.sql} AND ${which.sql} AND cost_status NOT IN ({statuses:Array(String)})
    GROUP BY cost_status, cost_reason ORDER BY cost_status, cost_reason`,
    { ...window.parameters, ...which.parameters, statuses: [...repricedStatuses] },
    { max_threads: 1 },
  )
  return rows.map((row) => ({ ...row, calls: Number(row.calls) }))
}

function differenceOf(before: string, after: string): string {
  return formatPicoUsd(parsePicoUsd(after) - parsePicoUsd(before))
}
