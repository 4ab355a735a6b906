-- Rollups by materialised view, over real calls only. Counters are signed: a correction inserts a cancelling copy (sign -1) and a
-- new state (sign +1), and both are added here. Latency digests cannot be subtracted: they read first writes only.
-- Targets have a deduplication window of their own, or a retried insert would be counted twice.

CREATE TABLE IF NOT EXISTS {db}.usage_hourly{sfx}{on_cluster} (
  project_id LowCardinality(String),
  hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  kind LowCardinality(String),
  env LowCardinality(String),
  service LowCardinality(String),
  feature LowCardinality(String),
  provider LowCardinality(String),
  model LowCardinality(String),
  price_book LowCardinality(String),
  calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  errors SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  priced_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  partial_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  unpriced_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  input_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  cache_read_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  cache_write_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  output_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  reasoning_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  input_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  cache_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  output_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  other_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  total_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  reported_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  duration_ns SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  latency_ms AggregateFunction(quantilesTDigest(0.5, 0.9, 0.95, 0.99), Float32) CODEC(ZSTD(1)),
  ttft_ms AggregateFunction(quantilesTDigestIf(0.5, 0.9, 0.95, 0.99), Float32, UInt8) CODEC(ZSTD(1))
) ENGINE = {amt}
PARTITION BY toMonday(hour)
ORDER BY (project_id, kind, hour, env, service, feature, provider, model, price_book)
TTL hour + INTERVAL 400 DAY
SETTINGS {dedup} ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {db}.usage_user_daily{sfx}{on_cluster} (
  project_id LowCardinality(String),
  day Date CODEC(Delta(2), ZSTD(1)),
  env LowCardinality(String),
  user_id String CODEC(ZSTD(1)),
  calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  errors SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  priced_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  partial_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  unpriced_calls SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  input_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  output_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
  total_cost SimpleAggregateFunction(sum, Decimal(38, 12)) CODEC(ZSTD(1)),
  INDEX ix_user user_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {amt}
PARTITION BY toMonday(day)
ORDER BY (project_id, day, env, user_id)
TTL day + INTERVAL 400 DAY
SETTINGS {dedup} ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.usage_hourly_mv{sfx}{on_cluster} TO {db}.usage_hourly{sfx} AS
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
  sum(s.sign * ifNull(s.reported_cost, 0)) AS reported_cost,
  sum(s.sign * toInt64(s.duration_ns)) AS duration_ns,
  quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(toFloat32(s.duration_ns / 1e6), s.revision = 0) AS latency_ms,
  quantilesTDigestIfState(0.5, 0.9, 0.95, 0.99)(toFloat32(s.ttft_ns / 1e6), s.ttft_ns > 0 AND s.revision = 0) AS ttft_ms
FROM {db}.spans{sfx} AS s
WHERE s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
GROUP BY project_id, hour, kind, env, service, feature, provider, model, price_book;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.usage_user_daily_mv{sfx}{on_cluster} TO {db}.usage_user_daily{sfx} AS
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
  sum(s.sign * toInt64(ifNull(s.input_tokens, 0))) AS input_tokens,
  sum(s.sign * toInt64(ifNull(s.output_tokens, 0))) AS output_tokens,
  sum(s.sign * ifNull(s.total_cost, 0)) AS total_cost
FROM {db}.spans{sfx} AS s
WHERE s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
GROUP BY project_id, day, env, user_id;
