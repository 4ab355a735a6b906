-- Repricing runs, and what a run needs to be adopted and undone: the state of each changed row before, and which of its revisions
-- the run stands on.

ALTER TABLE {db}.span_recosts{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS kind LowCardinality(String) AFTER span_id,
  ADD COLUMN IF NOT EXISTS cost_flags LowCardinality(String) AFTER cost_reason,
  ADD COLUMN IF NOT EXISTS pricing_currency LowCardinality(String) AFTER cost_flags,
  ADD COLUMN IF NOT EXISTS pricing_currency_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER total_cost,
  ADD COLUMN IF NOT EXISTS original_provider LowCardinality(String) AFTER original_cost,
  ADD COLUMN IF NOT EXISTS original_model LowCardinality(String) AFTER original_provider,
  ADD COLUMN IF NOT EXISTS original_price_book LowCardinality(String) AFTER original_model,
  ADD COLUMN IF NOT EXISTS original_price_entry LowCardinality(String) AFTER original_price_book,
  ADD COLUMN IF NOT EXISTS original_cost_status LowCardinality(String) AFTER original_price_entry,
  ADD COLUMN IF NOT EXISTS original_cost_reason LowCardinality(String) AFTER original_cost_status,
  ADD COLUMN IF NOT EXISTS original_cost_flags LowCardinality(String) AFTER original_cost_reason,
  ADD COLUMN IF NOT EXISTS original_pricing_currency LowCardinality(String) AFTER original_cost_flags,
  ADD COLUMN IF NOT EXISTS original_input_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_pricing_currency,
  ADD COLUMN IF NOT EXISTS original_cache_read_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_input_cost,
  ADD COLUMN IF NOT EXISTS original_cache_write_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_cache_read_cost,
  ADD COLUMN IF NOT EXISTS original_output_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_cache_write_cost,
  ADD COLUMN IF NOT EXISTS original_other_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_output_cost,
  ADD COLUMN IF NOT EXISTS original_pricing_currency_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER original_other_cost,
  ADD COLUMN IF NOT EXISTS revision UInt32 CODEC(ZSTD(1)) AFTER computed_at,
  ADD COLUMN IF NOT EXISTS step UInt32 CODEC(ZSTD(1)) AFTER revision,
  MODIFY ORDER BY (project_id, pricing_run, toStartOfHour(start_time), trace_id, span_id, kind);

CREATE TABLE IF NOT EXISTS {db}.pricing_runs{on_cluster} (
  pricing_run String,
  state LowCardinality(String),
  created_at DateTime64(3, 'UTC'),
  updated_at DateTime64(3, 'UTC'),
  window_from DateTime64(3, 'UTC'),
  window_to DateTime64(3, 'UTC'),
  filters Map(LowCardinality(String), String),
  as_of Nullable(DateTime64(3, 'UTC')),
  price_book LowCardinality(String),
  step UInt32,
  slices String CODEC(ZSTD(3)),
  written UInt32,
  prepared UInt32,
  published UInt32,
  calls UInt64,
  changed UInt64,
  newly_priced UInt64,
  newly_unpriced UInt64,
  left_alone UInt64,
  original_cost Decimal(38, 12),
  total_cost Decimal(38, 12),
  version UInt64
) ENGINE = {rmt}({everywhere}version)
ORDER BY pricing_run;

-- Who publishes a run; see collector/clickhouse/migration-claim.ts.
CREATE TABLE IF NOT EXISTS {db}.pricing_claims{on_cluster} (
  owner String, claimed_at DateTime64(6, 'UTC'), seen_at DateTime64(6, 'UTC'), is_released UInt8
) ENGINE = {rmt}({everywhere}seen_at) ORDER BY (claimed_at, owner) TTL toDateTime(seen_at) + INTERVAL 1 DAY;
