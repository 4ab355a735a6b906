-- Average cost is over calls whose cost is known whole, which a total with parts of costs in it cannot give. Hours from before have
-- none of these; `spanledger reconcile` over their range gives them theirs.

ALTER TABLE {db}.usage_hourly{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS whole_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)) AFTER estimated_cost,
  ADD COLUMN IF NOT EXISTS whole_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)) AFTER whole_calls;

-- The same for the readable name over shards; on a single node it is the table above and nothing is left to do.
ALTER TABLE {db}.usage_hourly{on_cluster}
  ADD COLUMN IF NOT EXISTS whole_calls SimpleAggregateFunction(sum, Int64) AFTER estimated_cost,
  ADD COLUMN IF NOT EXISTS whole_cost SimpleAggregateFunction(sum, Decimal(38, 12)) AFTER whole_calls;

ALTER TABLE {db}.usage_hourly_mv{sfx}{on_cluster} MODIFY QUERY
SELECT
  s.project_id AS project_id,
  toStartOfHour(s.start_time) AS hour,
  s.kind AS kind,
  s.env AS env,
  s.service AS service,
  s.feature AS feature,
  s.provider AS provider,
  s.model AS model,
  s.price_book AS price_book,
  sum(toInt64(s.sign)) AS calls,
  sumIf(toInt64(s.sign), s.status = 'error') AS errors,
  sumIf(toInt64(s.sign), s.total_cost IS NOT NULL) AS priced_calls,
  sumIf(toInt64(s.sign), s.cost_status = 'partial') AS partial_calls,
  sumIf(toInt64(s.sign), s.cost_status IN ('unpriced', 'invalid')) AS unpriced_calls,
  sumIf(toInt64(s.sign), s.cost_status = 'estimated') AS estimated_calls,
  sumIf(toInt64(s.sign), s.total_cost IS NULL AND s.pricing_currency_cost IS NOT NULL) AS other_currency_calls,
  sum(s.sign * toInt64(ifNull(s.input_tokens, 0))) AS input_tokens,
  sum(s.sign * toInt64(s.cache_read_tokens)) AS cache_read_tokens,
  sum(s.sign * toInt64(s.cache_write_tokens)) AS cache_write_tokens,
  sum(s.sign * toInt64(ifNull(s.output_tokens, 0))) AS output_tokens,
  sum(s.sign * toInt64(s.reasoning_tokens)) AS reasoning_tokens,
  sum(s.sign * ifNull(s.input_cost, 0)) AS input_cost,
  sum(s.sign * (ifNull(s.cache_read_cost, 0) + ifNull(s.cache_write_cost, 0))) AS cache_cost,
  sum(s.sign * ifNull(s.output_cost, 0)) AS output_cost,
  sum(s.sign * ifNull(s.other_cost, 0)) AS other_cost,
  sum(s.sign * ifNull(s.total_cost, 0)) AS total_cost,
  sumIf(s.sign * ifNull(s.total_cost, 0), s.cost_status = 'estimated') AS estimated_cost,
  sumIf(toInt64(s.sign), s.total_cost IS NOT NULL AND s.cost_status IN ('priced', 'reported', 'estimated')) AS whole_calls,
  sumIf(s.sign * ifNull(s.total_cost, 0), s.cost_status IN ('priced', 'reported', 'estimated')) AS whole_cost,
  sum(s.sign * ifNull(s.reported_cost, 0)) AS reported_cost,
  sum(s.sign * toInt64(s.duration_ns)) AS duration_ns,
  quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(toFloat32(s.duration_ns / 1e6), s.revision = 0) AS latency_ms,
  quantilesTDigestIfState(0.5, 0.9, 0.95, 0.99)(toFloat32(s.ttft_ns / 1e6), s.ttft_ns > 0 AND s.revision = 0) AS ttft_ms
FROM {db}.spans{sfx} AS s
WHERE s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
GROUP BY project_id, hour, kind, env, service, feature, provider, model, price_book;

-- What was given for a trace is found by the id it was sent with or the one it was resolved to: one index of both.
ALTER TABLE {db}.scores{sfx}{on_cluster}
  ADD INDEX IF NOT EXISTS ix_traces (trace_id, given_trace_id) TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE {db}.scores{sfx}{on_cluster} MATERIALIZE INDEX ix_traces;
