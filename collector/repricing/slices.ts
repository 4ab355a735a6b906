// A window of calls, cut into slices that are read, written and published one at a time: in order of time, of about as many
// spans each, along the sorting key, so that reading one touches little else. A plan is made once and kept with its run.

import type { ClickHouse } from '../clickhouse/client.ts'

export interface CallFilter {
  /** Unix milliseconds of the start of a span. */
  readonly fromMs: number
  /** Not included. */
  readonly toMs: number
  readonly project?: string
  readonly provider?: string
  /** As priced, asked for or answered. */
  readonly model?: string
}

export interface Slice {
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  /** Least trace id; absent: from the first. */
  readonly traceFrom?: string
  /** Not included; absent: to the last. */
  readonly traceTo?: string
  /** Spans in it when it was planned, about. */
  readonly rows: number
  /** Holds spans whose start was far from their arrival, so that it may have been clamped. */
  readonly isFar?: true
}

/**
 * Spans a slice of a run. Published, they make a part below 10 MB, which the engine writes in 62 MB of memory; a larger one
 * takes 450 MB, a buffer for each column, and the live path needs its share.
 */
export const sliceRows = 8000
/** Spans a slice where nothing is written. */
export const compareRows = 50_000

const hourMs = 3_600_000

export interface Condition {
  readonly sql: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Rows of `spans` or `span_recosts` in a slice. */
export function inSlice({ from, to, traceFrom, traceTo }: Omit<Slice, 'rows' | 'isFar'>): Condition {
  const terms = [
    'start_time >= fromUnixTimestamp64Milli({from:Int64})',
    'start_time < fromUnixTimestamp64Milli({to:Int64})',
  ]
  if (traceFrom !== undefined) terms.push('trace_id >= {traceFrom:String}')
  if (traceTo !== undefined) terms.push('trace_id < {traceTo:String}')
  return { sql: terms.join(' AND '), parameters: given({ from, to, traceFrom, traceTo }) }
}

/** Spans that a filter means, its window left out. */
export function meant({ project, provider, model }: CallFilter): Condition {
  const terms: string[] = []
  if (project !== undefined) terms.push('project_id = {project:String}')
  if (provider !== undefined) terms.push('provider = {provider:String}')
  if (model !== undefined) terms.push('{model:String} IN (model, request_model, response_model)')
  return { sql: terms.length === 0 ? '1' : terms.join(' AND '), parameters: given({ project, provider, model }) }
}

function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** Slices that together are the window, in order of time; none overlap. */
export async function planSlices(
  clickhouse: Pick<ClickHouse, 'query'>,
  filter: CallFilter,
  rowsMax: number = sliceRows,
): Promise<Slice[]> {
  const window = inSlice({ from: filter.fromMs, to: filter.toMs })
  const which = meant(filter)
  const hours = await clickhouse.query<{ hour: string; rows: string; far: number }>(
    `SELECT toUnixTimestamp(toStartOfHour(start_time)) AS hour, uniqCombined(trace_id, span_id) AS rows,
      max(start_time < ingested_at - INTERVAL 30 DAY OR start_time > ingested_at + INTERVAL 1 HOUR) AS far
    FROM spans
    WHERE ${window.sql} AND ${which.sql} GROUP BY hour ORDER BY hour`,
    { ...window.parameters, ...which.parameters },
    { max_threads: 1, output_format_json_quote_64bit_integers: 1 },
  )
  const slices: Slice[] = []
  let open: Slice | null = null
  const close = (): void => {
    if (open !== null) slices.push(open)
    open = null
  }
  for (const each of hours) {
    const from = Math.max(Number(each.hour) * 1000, filter.fromMs)
    const to = Math.min(Number(each.hour) * 1000 + hourMs, filter.toMs)
    const rows = Number(each.rows)
    const far = each.far === 1 ? ({ isFar: true } as const) : {}
    if (rows > rowsMax) {
      close()
      slices.push(...(await cutHour(clickhouse, { from, to, rows, ...far }, which, rowsMax)))
    } else if (open !== null && open.rows + rows <= rowsMax) {
      open = { ...(open as Slice), to, rows: (open as Slice).rows + rows, ...far }
    } else {
      close()
      open = { from, to, rows, ...far }
    }
  }
  close()
  return slices
}

/** An hour with more than a slice's spans, cut by trace id, which is next in the sorting key. */
async function cutHour(
  clickhouse: Pick<ClickHouse, 'query'>,
  hour: Slice,
  which: Condition,
  rowsMax: number,
): Promise<Slice[]> {
  const within = inSlice(hour)
  const cuts = await clickhouse.query<{ trace_id: string }>(
    `SELECT trace_id FROM (
      SELECT trace_id, sum(rows) OVER (ORDER BY trace_id) AS upto, rows FROM (
        SELECT trace_id, count() AS rows FROM spans WHERE ${within.sql} AND ${which.sql} GROUP BY trace_id))
    WHERE intDiv(upto - rows, {rowsMax:UInt64}) != intDiv(upto, {rowsMax:UInt64}) ORDER BY trace_id`,
    { ...within.parameters, ...which.parameters, rowsMax },
    { max_threads: 1, max_bytes_before_external_group_by: '268435456', max_bytes_before_external_sort: '268435456' },
  )
  const edges = cuts.map(({ trace_id }) => trace_id)
  return [undefined, ...edges].flatMap((traceFrom, i): Slice[] => {
    const traceTo = edges[i]
    return [
      {
        ...hour,
        rows: hour.rows / (edges.length + 1),
        ...(traceFrom === undefined ? {} : { traceFrom }),
        ...(traceTo === undefined ? {} : { traceTo }),
      },
    ]
  })
}
