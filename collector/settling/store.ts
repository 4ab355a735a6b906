// What settling asks ClickHouse: which traces were touched and are quiet, which others belong to them, and their spans.

import { callKinds } from '../../processors/dialect.ts'
import type { Stored } from '../../processors/settling/changes.ts'
import type { ClickHouse } from '../clickhouse/client.ts'

export type Reader = Pick<ClickHouse, 'query'>

const kinds = [...callKinds]
/** Bearing usage, or a call that should. */
const bears = `(has({kinds:Array(String)}, kind) OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)`

/** Traces that got spans after `sinceMs`, none of them after `untilMs` (Unix milliseconds). */
export async function touchedTraces(
  clickhouse: Reader,
  { sinceMs, untilMs, limit }: { sinceMs: number; untilMs: number; limit: number },
): Promise<{ traceIds: string[]; newestMs: number }> {
  const rows = await clickhouse.query<{ trace_id: string; newest: string }>(
    `SELECT trace_id, toUnixTimestamp64Milli(max(ingested_at)) AS newest FROM spans
    WHERE ingested_at > fromUnixTimestamp64Milli({since:Int64}) AND revision = 0
    GROUP BY trace_id HAVING newest <= {until:Int64} ORDER BY newest, trace_id LIMIT {limit:UInt32}`,
    { since: sinceMs, until: untilMs, limit },
  )
  // A page that is full may have been cut within a millisecond: its last one is left to the next.
  const isFull = rows.length === limit
  const last = Number(rows.at(-1)?.newest ?? untilMs)
  const kept = isFull ? rows.filter(({ newest }) => Number(newest) < last) : rows
  if (isFull && kept.length === 0) return { traceIds: rows.map(({ trace_id }) => trace_id), newestMs: last }
  return { traceIds: kept.map(({ trace_id }) => trace_id), newestMs: isFull ? last - 1 : untilMs }
}

/** Of these traces those that have something to settle, and the traces they share calls with. */
export async function tracesToSettle(clickhouse: Reader, traceIds: readonly string[]): Promise<string[]> {
  if (traceIds.length === 0) return []
  const rows = await clickhouse.query<{
    trace_id: string
    bearing: string
    spans: string
    ids: string[]
    services: string[]
    from_us: string
    to_us: string
  }>(
    `SELECT trace_id, uniqExactIf(span_id, ${bears}) AS bearing, uniqExact(span_id) AS spans,
      groupUniqArrayIf(response_id, response_id != '' AND has({kinds:Array(String)}, kind)) AS ids,
      groupUniqArrayIf(toString(service), has({kinds:Array(String)}, kind)) AS services,
      toUnixTimestamp64Micro(min(start_time)) AS from_us, toUnixTimestamp64Micro(max(start_time)) AS to_us
    FROM spans WHERE trace_id IN {traces:Array(String)} GROUP BY trace_id`,
    { traces: traceIds, kinds },
  )
  const found = new Set<string>()
  for (const row of rows)
    if (Number(row.bearing) > 1 || (Number(row.bearing) > 0 && Number(row.spans) > 1)) found.add(row.trace_id)
  const withCalls = rows.filter(({ services }) => services.length > 0)
  if (withCalls.length === 0) return [...found]
  const range = {
    from: withCalls.reduce((least, { from_us }) => Math.min(least, Number(from_us)), Number.POSITIVE_INFINITY),
    to: withCalls.reduce((most, { to_us }) => Math.max(most, Number(to_us)), 0),
  }
  for (const id of await sharingResponses(clickhouse, withCalls, range)) found.add(id)
  for (const id of await ofManyScopes(clickhouse, withCalls, range)) found.add(id)
  return [...found]
}

interface Range {
  /** Unix microseconds. */
  readonly from: number
  readonly to: number
}

const inRange = `start_time >= fromUnixTimestamp64Micro({from:Int64}) AND start_time <= fromUnixTimestamp64Micro({to:Int64})`
const daysMicros = 86_400_000_000

/** Traces of which a call has the response id of another span's. */
async function sharingResponses(
  clickhouse: Reader,
  rows: readonly { readonly ids: readonly string[] }[],
  range: Range,
): Promise<string[]> {
  const ids = [...new Set(rows.flatMap((row) => row.ids))]
  if (ids.length === 0) return []
  const found = await clickhouse.query<{ traces: string[] }>(
    `SELECT groupUniqArray(trace_id) AS traces FROM spans
    WHERE response_id IN {ids:Array(String)} AND has({kinds:Array(String)}, kind) AND ${inRange}
    GROUP BY project_id, response_id HAVING uniqExact(trace_id, span_id) > 1`,
    { ids, kinds, from: range.from - daysMicros, to: range.to + daysMicros },
  )
  return [...new Set(found.flatMap(({ traces }) => traces))]
}

/** Traces with calls of services that are instrumented twice, around the same time. */
async function ofManyScopes(
  clickhouse: Reader,
  rows: readonly { readonly services: readonly string[] }[],
  range: Range,
): Promise<string[]> {
  const found = await clickhouse.query<{ traces: string[] }>(
    `SELECT groupUniqArray(trace_id) AS traces FROM spans
    WHERE service IN {services:Array(String)} AND has({kinds:Array(String)}, kind) AND ${inRange}
    GROUP BY project_id, service HAVING uniqExact(scope_name) > 1`,
    {
      services: [...new Set(rows.flatMap((row) => row.services))],
      kinds,
      from: range.from - minuteMicros,
      to: range.to + minuteMicros,
    },
  )
  return [...new Set(found.flatMap(({ traces }) => traces))]
}

const minuteMicros = 60_000_000

/** A statement's values go in its address, of which a server reads a megabyte. */
const tracesOfStatement = 5000

/** All spans of these traces in their newest state. */
export async function spansOf(clickhouse: Reader, traceIds: readonly string[]): Promise<Stored[]> {
  const spans: Stored[] = []
  for (let from = 0; from < traceIds.length; from += tracesOfStatement) {
    const some = await clickhouse.query<Stored>(
      `SELECT project_id, trace_id, span_id, parent_span_id, kind, scope_name, service, status,
        toUnixTimestamp64Micro(start_time) AS start_us, start_us + intDiv(duration_ns, 1000) AS end_us,
        request_model, response_model, response_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        reasoning_tokens, usage_other, user_id, session_id, feature, prompt_name, prompt_version,
        cost_status, cost_reason, cost_flags, counted_as, attempt, attempts, provider, model,
        input_cost, cache_read_cost, cache_write_cost, output_cost, other_cost, total_cost, pricing_currency, pricing_currency_cost,
        price_entry, price_book, wasted_cost, revision
      FROM spans FINAL WHERE trace_id IN {traces:Array(String)}`,
      { traces: traceIds.slice(from, from + tracesOfStatement) },
    )
    for (const span of some) spans.push(span)
  }
  return spans
}
