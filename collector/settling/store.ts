// What settling asks ClickHouse: which traces were touched and are quiet, which others belong to them, and their spans.

import { callKinds } from '../../processors/dialect.ts'
import type { Stored } from '../../processors/settling/changes.ts'
import { gatewayScopes } from '../../processors/settling/gateways.ts'
import { emitterSql } from '../../processors/settling/manner.ts'
import { hasSum, type SentSum } from '../../processors/settling/rounds.ts'
import type { ClickHouse } from '../clickhouse/client.ts'

/** Of one value of a statement: a server reads 128 KiB. */
const valueCharsMax = 90_000

/** Texts in as many lists as it takes for each to fit a statement. */
export function* valuesOfStatements(texts: readonly string[]): Generator<string[]> {
  let list: string[] = []
  let chars = 0
  for (const text of texts) {
    if (list.length > 0 && chars + text.length + 4 > valueCharsMax) {
      yield list
      list = []
      chars = 0
    }
    list.push(text)
    chars += text.length + 4
  }
  if (list.length > 0) yield list
}

export type Reader = Pick<ClickHouse, 'query'>

const kinds = [...callKinds]
const isCall = 'has({kinds:Array(String)}, kind)'
/** Bearing usage, or a call that should. */
const bears = `(${isCall} OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)`

const hasUsage = '(input_tokens IS NOT NULL OR output_tokens IS NOT NULL)'
const isCounted = `${isCall} AND ${hasUsage} AND cost_status != 'not_billed'`
const counts = '(input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens)'
const isFineSum = "cost_reason = 'aggregate' AND cache_read_tokens + cache_write_tokens + reasoning_tokens > 0"
/** Those of which a span below another is to have the other's; of agents and tools only some spans have names. */
const attribution = ['user_id', 'session_id', 'feature', 'team', 'customer', 'env', 'prompt_name'] as const

/** A call, or a span with usage that does not say of which model: the other word on a call that an event tells of. */
const isTold = `(${isCall} OR (input_tokens IS NOT NULL AND request_model = '' AND response_model = ''))`

const touchedSql = `SELECT trace_id, toUnixTimestamp64Milli(max(ingested_at)) AS newest FROM spans
  WHERE ingested_at > fromUnixTimestamp64Milli({since:Int64}) AND revision = 0`

/**
 * Traces that got spans after `sinceMs`, none of them after `untilMs` (Unix milliseconds): at most `limit`, but that those of
 * one millisecond, as of one large request, stay together.
 */
export async function touchedTraces(
  clickhouse: Reader,
  { sinceMs, untilMs, limit }: { sinceMs: number; untilMs: number; limit: number },
): Promise<{ traceIds: string[]; newestMs: number }> {
  const rows = await clickhouse.query<{ trace_id: string; newest: string }>(
    `${touchedSql} GROUP BY trace_id HAVING newest <= {until:Int64} ORDER BY newest, trace_id LIMIT {limit:UInt32}`,
    { since: sinceMs, until: untilMs, limit },
  )
  // A page that is full may have been cut within a millisecond: its last one is left to the next.
  const isFull = rows.length === limit
  const last = Number(rows.at(-1)?.newest ?? untilMs)
  const kept = isFull ? rows.filter(({ newest }) => Number(newest) < last) : rows
  if (isFull && kept.length === 0) {
    const all = await clickhouse.query<{ trace_id: string }>(
      `${touchedSql} GROUP BY trace_id HAVING newest = {last:Int64} ORDER BY trace_id`,
      { since: sinceMs, last },
    )
    return { traceIds: all.map(({ trace_id }) => trace_id), newestMs: last }
  }
  return { traceIds: kept.map(({ trace_id }) => trace_id), newestMs: isFull ? last - 1 : untilMs }
}

/**
 * Of these traces those that may have something to settle, and the traces they share calls with. A trace that came whole in
 * one request, of one instrumentation, without nested, repeated or failed calls was judged when it came: most are like that,
 * and reading them all again would cost as much as taking them in. Two requests may come in one millisecond: what is not left of a
 * trace that was judged whole (a sum that is billed, a call without counts or with those of another, attribution that only some have)
 * is looked for as well.
 */
export async function tracesToSettle(clickhouse: Reader, traceIds: readonly string[]): Promise<string[]> {
  if (traceIds.length === 0) return []
  const rows = await clickhouse.query<TraceSummary>(
    `SELECT trace_id, uniqExactIf(span_id, ${bears}) AS bearing, uniqExact(span_id) AS spans, uniqExact(ingested_at) AS arrivals, countIf(dialect != '') AS told,
      uniqExactIf(${emitterSql}, ${isCall}) AS scopes, countIf(${isCall} AND status = 'error') AS failed,
      hasAny(groupUniqArrayIf(span_id, ${isCall}), groupUniqArrayIf(parent_span_id, ${isCall})) AS is_nested,
      uniqExactIf(span_id, ${isCall} AND response_id != '') > uniqExactIf(response_id, ${isCall} AND response_id != '') AS is_repeated,
      countIf(NOT ${isCall} AND ${hasUsage} AND cost_status != 'not_billed') > 0 AND countIf(${isCall} AND ${hasUsage}) > 0 AS is_summed,
      countIf(${isCall} AND cost_reason = 'no_usage') > 0 AS is_silent,
      countIf(position(usage_rule, '+rounds') > 0) > 1 AS is_running,
      uniqExactIf(span_id, ${isCounted}) > uniqExactIf((input_tokens, output_tokens), ${isCounted}) AS is_equal,
      arrayExists(told -> arrayExists(call -> call.1 = told.1 AND call.2 = told.2 AND (told.3 > call.3 OR told.4 > call.4 OR told.5 > call.5),
        groupUniqArrayIf(${counts}, ${isCounted})), groupUniqArrayIf(${counts}, ${isFineSum})) AS is_coarse,
      ${attribution.map((name) => `(countIf((${bears} OR dialect != '') AND ${name} = '') > 0 AND countIf(${name} != '') > 0)`).join(' OR ')} AS is_uneven,
      groupUniqArrayIf(response_id, (${isCall} OR ${hasUsage}) AND response_id != '' AND length(response_id) <= 512) AS ids,
      groupUniqArrayIf(toString(service), ${isTold} AND length(service) <= 512) AS services,
      toUnixTimestamp64Micro(min(start_time)) AS from_us, toUnixTimestamp64Micro(max(start_time)) AS to_us
    FROM spans WHERE trace_id IN {traces:Array(String)} GROUP BY trace_id`,
    { traces: traceIds, kinds },
  )
  const found = new Set(rows.filter(mayChange).map(({ trace_id }) => trace_id))
  const withCalls = rows.filter(({ services, ids }) => services.length > 0 || ids.length > 0)
  if (withCalls.length === 0) return [...found]
  const range = {
    from: withCalls.reduce((least, { from_us }) => Math.min(least, Number(from_us)), Number.POSITIVE_INFINITY),
    to: withCalls.reduce((most, { to_us }) => Math.max(most, Number(to_us)), 0),
  }
  for (const id of await sharingResponses(clickhouse, withCalls, range)) found.add(id)
  for (const id of await ofManyScopes(clickhouse, withCalls, range)) found.add(id)
  for (const id of await ofEvents(clickhouse, withCalls, range)) found.add(id)
  for (const id of await ofGateways(clickhouse, range)) found.add(id)
  return [...found]
}

interface TraceSummary {
  readonly trace_id: string
  readonly bearing: string
  readonly spans: string
  readonly arrivals: string
  /** Spans of a dialect: they have attribution to hand down, though none is a call. */
  readonly told: string
  readonly scopes: string
  readonly failed: string
  readonly is_nested: number
  readonly is_repeated: number
  readonly is_summed: number
  readonly is_silent: number
  readonly is_running: number
  readonly is_equal: number
  /** A sum tells of a call what the call's own span does not. */
  readonly is_coarse: number
  readonly is_uneven: number
  readonly ids: readonly string[]
  readonly services: readonly string[]
  readonly from_us: string
  readonly to_us: string
}

function mayChange(trace: TraceSummary): boolean {
  if (Number(trace.spans) < 2) return false
  if (Number(trace.arrivals) > 1 || trace.is_uneven === 1) return Number(trace.bearing) > 0 || Number(trace.told) > 0
  if (Number(trace.bearing) < 2) return false
  if (trace.is_summed === 1 || trace.is_silent === 1 || trace.is_equal === 1 || trace.is_running === 1) return true
  if (trace.is_coarse === 1) return true
  return Number(trace.scopes) > 1 || Number(trace.failed) > 0 || trace.is_nested === 1 || trace.is_repeated === 1
}

interface Range {
  /** Unix microseconds. */
  readonly from: number
  readonly to: number
}

const inRange = `start_time >= fromUnixTimestamp64Micro({from:Int64}) AND start_time <= fromUnixTimestamp64Micro({to:Int64})`
const daysMicros = 86_400_000_000

/** Traces of which a call has the response id of another span's, or a sum that of a call in another trace. */
async function sharingResponses(
  clickhouse: Reader,
  rows: readonly { readonly ids: readonly string[] }[],
  range: Range,
): Promise<string[]> {
  const traceIds = new Set<string>()
  for (const ids of valuesOfStatements([...new Set(rows.flatMap((row) => row.ids))])) {
    const found = await clickhouse.query<{ traces: string[] }>(
      `SELECT groupUniqArray(trace_id) AS traces FROM spans
      WHERE response_id IN {ids:Array(String)} AND (${isCall} OR ${hasUsage}) AND ${inRange}
      GROUP BY project_id, response_id HAVING uniqExactIf((trace_id, span_id), ${isCall}) > 1 OR uniqExact(trace_id) > 1`,
      { ids, kinds, from: range.from - daysMicros, to: range.to + daysMicros },
    )
    for (const { traces } of found) for (const id of traces) traceIds.add(id)
  }
  return [...traceIds]
}

/** A call of two contexts is under way in both: the one may be as long before the other as calls take. */
const callMicros = 600_000_000
/** Candidates of a pass; more than there are in any but a made-up ledger. */
const candidatesMax = 5000

/**
 * Traces with calls of services that are instrumented twice which have equal usage in several scopes, around the same time. One of two
 * may have left the cached part out of its input.
 */
async function ofManyScopes(
  clickhouse: Reader,
  rows: readonly { readonly services: readonly string[] }[],
  range: Range,
): Promise<string[]> {
  const found = await clickhouse.query<{ traces: string[] }>(
    `SELECT groupUniqArray(trace_id) AS traces FROM spans
    WHERE service IN {services:Array(String)} AND ${isCall} AND ${inRange} AND output_tokens IS NOT NULL
    GROUP BY project_id, service, output_tokens, arrayJoin(arrayDistinct([
      toInt64(input_tokens), toInt64(input_tokens) - toInt64(cache_read_tokens) - toInt64(cache_write_tokens)]))
    HAVING uniqExact(${emitterSql}) > 1 AND uniqExact(trace_id) > 1 LIMIT ${candidatesMax}`,
    {
      services: [...new Set(rows.flatMap((row) => row.services))],
      kinds,
      from: range.from - callMicros,
      to: range.to + callMicros,
    },
  )
  return [...new Set(found.flatMap(({ traces }) => traces))].slice(0, candidatesMax)
}

/** Traces of a gateway's calls, and those of other services with calls of equal usage around the same time. */
async function ofGateways(clickhouse: Reader, range: Range): Promise<string[]> {
  const values = { kinds, gateways: gatewayScopes, from: range.from - callMicros, to: range.to + callMicros }
  const told = await clickhouse.query(
    `SELECT 1 FROM spans WHERE scope_name IN {gateways:Array(String)} AND ${isCall} AND ${inRange} LIMIT 1`,
    values,
  )
  if (told.length === 0) return []
  const found = await clickhouse.query<{ traces: string[] }>(
    `SELECT groupUniqArray(trace_id) AS traces FROM spans WHERE ${isCall} AND ${inRange} AND ${hasUsage}
    GROUP BY project_id, input_tokens, output_tokens
    HAVING countIf(scope_name IN {gateways:Array(String)}) BETWEEN 1 AND count() - 1 AND uniqExact(trace_id) > 1 AND uniqExact(service) > 1
    LIMIT ${candidatesMax}`,
    values,
  )
  return [...new Set(found.flatMap(({ traces }) => traces))].slice(0, candidatesMax)
}

/**
 * Traces that hold nothing but log events, and those of spans that may be of the same calls: a client that lost the context of its
 * call, or has none. The output is not compared: one of the two may leave reasoning out.
 */
async function ofEvents(
  clickhouse: Reader,
  rows: readonly { readonly services: readonly string[] }[],
  range: Range,
): Promise<string[]> {
  const values = { kinds, from: range.from - callMicros, to: range.to + callMicros }
  const told = await clickhouse.query<{ service: string }>(
    `SELECT DISTINCT toString(service) AS service FROM spans
    WHERE service IN {services:Array(String)} AND span_kind = 'event' AND ${inRange}`,
    { ...values, services: [...new Set(rows.flatMap((row) => row.services))] },
  )
  if (told.length === 0) return []
  const found = await clickhouse.query<{ traces: string[] }>(
    `WITH alone AS (
      SELECT trace_id FROM spans WHERE service IN {services:Array(String)} AND ${inRange}
      GROUP BY trace_id HAVING countIf(span_kind != 'event') = 0
    )
    SELECT groupUniqArray(trace_id) AS traces FROM spans
    WHERE service IN {services:Array(String)} AND ${isTold} AND ${inRange} AND (span_kind != 'event' OR trace_id IN alone)
    GROUP BY project_id, service, input_tokens
    HAVING countIf(span_kind = 'event') BETWEEN 1 AND count() - 1 LIMIT ${candidatesMax}`,
    { ...values, services: told.map(({ service }) => service) },
  )
  return [...new Set(found.flatMap(({ traces }) => traces))].slice(0, candidatesMax)
}

/** All spans of these traces in their newest state. */
export async function spansOf(clickhouse: Reader, traceIds: readonly string[]): Promise<Stored[]> {
  const spans: Stored[] = []
  for (const traces of valuesOfStatements(traceIds)) {
    const some = await clickhouse.query<Stored>(
      `SELECT project_id, trace_id, span_id, parent_span_id, kind, span_kind, scope_name, name, service, status,
        toUnixTimestamp64Micro(start_time) AS start_us, start_us + intDiv(duration_ns, 1000) AS end_us,
        request_model, response_model, response_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        reasoning_tokens, usage_other, usage_rule, service_tier, price_conditions, user_id, session_id, feature, team, customer, step,
        input_class, collection, env, agent_name, tool_name, prompt_name, prompt_version,
        cost_status, cost_reason, cost_flags, counted_as, attempt, attempts, provider, model,
        input_cost, cache_read_cost, cache_write_cost, output_cost, other_cost, total_cost, pricing_currency, pricing_currency_cost,
        price_entry, price_book, wasted_cost, revision
      FROM spans FINAL WHERE trace_id IN {traces:Array(String)}`,
      { traces },
    )
    for (const span of some) spans.push(span)
  }
  return spans
}

/**
 * The counts as their sender reported them, of spans whose rule says that they are sums of a tool loop. Attributes are the widest
 * column: they are read for such traces alone.
 */
export async function sumsOf(clickhouse: Reader, spans: readonly Stored[]): Promise<SentSum[]> {
  const sums: SentSum[] = []
  const traceIds = new Set(spans.flatMap((span) => (hasSum(span) ? [span.trace_id] : [])))
  for (const traces of valuesOfStatements([...traceIds])) {
    const some = await clickhouse.query<SentSum>(
      `SELECT project_id, trace_id, span_id, attributes['gen_ai.usage.input_tokens'] AS input, attributes['gen_ai.usage.output_tokens'] AS output
      FROM spans FINAL WHERE trace_id IN {traces:Array(String)} AND position(usage_rule, '+rounds') > 0`,
      { traces },
    )
    for (const sum of some) sums.push(sum)
  }
  return sums
}
