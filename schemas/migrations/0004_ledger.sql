-- What a price was found under, so that a call can be priced again as it was asked: the conditions, and the amount in the currency
-- of its price entry where that is not USD. Fractions of seconds are billed too, so further usage is Float64. Rollups tell calls
-- with estimated usage, and calls priced in another currency, from the rest.

ALTER TABLE {db}.spans{sfx}{on_cluster}
  MODIFY COLUMN usage_other Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS price_conditions LowCardinality(String) AFTER price_book,
  ADD COLUMN IF NOT EXISTS pricing_currency LowCardinality(String) AFTER price_conditions,
  ADD COLUMN IF NOT EXISTS pricing_currency_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER pricing_currency;

ALTER TABLE {db}.usage_hourly{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS estimated_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)) AFTER unpriced_calls,
  ADD COLUMN IF NOT EXISTS other_currency_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)) AFTER estimated_calls,
  ADD COLUMN IF NOT EXISTS estimated_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)) AFTER total_cost;

ALTER TABLE {db}.usage_user_daily{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS estimated_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)) AFTER unpriced_calls,
  ADD COLUMN IF NOT EXISTS other_currency_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)) AFTER estimated_calls,
  ADD COLUMN IF NOT EXISTS estimated_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)) AFTER total_cost;

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
  sum(s.sign * ifNull(s.reported_cost, 0)) AS reported_cost,
  sum(s.sign * toInt64(s.duration_ns)) AS duration_ns,
  quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(toFloat32(s.duration_ns / 1e6), s.revision = 0) AS latency_ms,
  quantilesTDigestIfState(0.5, 0.9, 0.95, 0.99)(toFloat32(s.ttft_ns / 1e6), s.ttft_ns > 0 AND s.revision = 0) AS ttft_ms
FROM {db}.spans{sfx} AS s
WHERE s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
GROUP BY project_id, hour, kind, env, service, feature, provider, model, price_book;

ALTER TABLE {db}.usage_user_daily_mv{sfx}{on_cluster} MODIFY QUERY
SELECT
  s.project_id AS project_id,
  toDate(s.start_time) AS day,
  s.env AS env,
  s.user_id AS user_id,
  sum(toInt64(s.sign)) AS calls,
  sumIf(toInt64(s.sign), s.status = 'error') AS errors,
  sumIf(toInt64(s.sign), s.total_cost IS NOT NULL) AS priced_calls,
  sumIf(toInt64(s.sign), s.cost_status = 'partial') AS partial_calls,
  sumIf(toInt64(s.sign), s.cost_status IN ('unpriced', 'invalid')) AS unpriced_calls,
  sumIf(toInt64(s.sign), s.cost_status = 'estimated') AS estimated_calls,
  sumIf(toInt64(s.sign), s.total_cost IS NULL AND s.pricing_currency_cost IS NOT NULL) AS other_currency_calls,
  sum(s.sign * toInt64(ifNull(s.input_tokens, 0))) AS input_tokens,
  sum(s.sign * toInt64(ifNull(s.output_tokens, 0))) AS output_tokens,
  sum(s.sign * ifNull(s.total_cost, 0)) AS total_cost,
  sumIf(s.sign * ifNull(s.total_cost, 0), s.cost_status = 'estimated') AS estimated_cost
FROM {db}.spans{sfx} AS s
WHERE s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
GROUP BY project_id, day, env, user_id;

-- Retention counts from the arrival of what arrives late: a span that was already older than its retention was dropped on the
-- spot. Not by a longer retention of its row: that is part of the partition, and a span sent again would be two.
ALTER TABLE {db}.spans{sfx}{on_cluster} MODIFY TTL toDateTime(greatest(start_time, ingested_at)) + toIntervalDay(retention_days);

ALTER TABLE {db}.span_content{sfx}{on_cluster} MODIFY TTL toDateTime(greatest(start_time, ingested_at)) + toIntervalDay(retention_days);

ALTER TABLE {db}.logs{sfx}{on_cluster} MODIFY TTL toDateTime(greatest(time, ingested_at)) + toIntervalDay(retention_days);

-- A view's columns are those of the day it was made.
CREATE OR REPLACE VIEW {db}.llm_calls{on_cluster} AS
SELECT *, duration_ns / 1e6 AS duration_ms, toDate(start_time) AS day
FROM {db}.spans FINAL
WHERE cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
SETTINGS do_not_merge_across_partitions_select_final = 1;
