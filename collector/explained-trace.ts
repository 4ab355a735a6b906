// What explaining a trace asks ClickHouse.

import {
  type CorrectionLine,
  type EntryLine,
  type ExplainedTrace,
  explainTrace,
  type SpanLine,
} from '../processors/explaining/trace.ts'
import { FocusPrices, ListPrices, type PriceLine } from '../processors/focus/prices.ts'
import type { ClickHouse } from './clickhouse/client.ts'

/** Attributes by which usage, tiers and cost are told, in whatever dialect. */
const reportedKeys = '(?i)(usage|token|cost|tier|seconds|characters|images|pages|credits|provider_metadata)'
const spansMax = 10_000

const columns = `s.project_id AS project_id, s.trace_id AS trace_id, s.span_id AS span_id, s.parent_span_id AS parent_span_id,
  s.name AS name, s.kind AS kind, s.dialect AS dialect, s.scope_name AS scope_name, s.service AS service,
  toString(s.start_time) AS start_time, s.duration_ns / 1e6 AS duration_ms, s.status AS status, s.failure_class AS failure_class,
  s.user_id AS user_id, s.session_id AS session_id, s.feature AS feature, s.provider AS provider,
  s.request_model AS request_model, s.response_model AS response_model, s.model AS model, s.response_id AS response_id,
  s.input_tokens AS input_tokens, s.output_tokens AS output_tokens, s.cache_read_tokens AS cache_read_tokens,
  s.cache_write_tokens AS cache_write_tokens, s.reasoning_tokens AS reasoning_tokens, s.usage_other AS usage_other,
  s.usage_rule AS usage_rule, s.cost_status AS cost_status, s.cost_reason AS cost_reason, s.cost_flags AS cost_flags,
  s.total_cost AS total_cost, s.pricing_currency AS pricing_currency, s.pricing_currency_cost AS pricing_currency_cost,
  s.reported_cost AS reported_cost, s.reported_cost_source AS reported_cost_source, s.price_entry AS price_entry,
  s.price_book AS price_book, s.price_conditions AS price_conditions, s.counted_as AS counted_as, s.attempt AS attempt,
  s.attempts AS attempts, s.wasted_cost AS wasted_cost, s.revision AS revision,
  mapFilter((k, v) -> match(k, {keys:String}), o.SpanAttributes) AS reported`

/** Null when the project has no such trace. At most 10,000 spans. Rejects with ClickHouseError. */
export async function explainedTrace(
  clickhouse: Pick<ClickHouse, 'query'>,
  { project, traceId }: { readonly project: string; readonly traceId: string },
): Promise<ExplainedTrace | null> {
  const parameters = { project, trace: traceId, keys: reportedKeys }
  const spans = await clickhouse.query<SpanLine>(
    `SELECT ${columns} FROM (SELECT * FROM spans FINAL WHERE project_id = {project:String} AND trace_id = {trace:String}) AS s
    LEFT JOIN (SELECT SpanId, SpanAttributes FROM otel_traces WHERE ProjectId = {project:String} AND TraceId = {trace:String}) AS o ON s.span_id = o.SpanId
    ORDER BY s.start_time, s.span_id LIMIT ${spansMax}`,
    parameters,
  )
  if (spans.length === 0) return null
  const named = spans.filter(({ price_entry }) => price_entry !== '')
  const corrections = await clickhouse.query<CorrectionLine>(
    `SELECT span_id, revision, toString(corrected_at) AS corrected_at, reason, evidence, changes, made_by
    FROM ledger_corrections FINAL WHERE project_id = {project:String} AND trace_id = {trace:String} ORDER BY span_id, revision`,
    parameters,
  )
  const lines = await clickhouse.query<PriceLine & EntryLine>(
    `SELECT price_book, entry_id, entry_id AS price_entry, conditions, toString(min_input_tokens) AS min_input_tokens, currency, rates, per, minimum,
      toString(valid_from) AS valid_from, toString(valid_to) AS valid_to, toString(recorded_at) AS recorded_at, source, confidence
    FROM model_prices FINAL WHERE has({books:Array(String)}, price_book) AND has({entries:Array(String)}, entry_id)
    ORDER BY price_book, entry_id, min_input_tokens`,
    {
      books: [...new Set(named.map(({ price_book }) => price_book))],
      entries: [...new Set(named.map(({ price_entry }) => price_entry))],
    },
  )
  return explainTrace({
    traceId,
    spans,
    corrections,
    entries: lines,
    prices: new FocusPrices(lines, new ListPrices([])),
  })
}
