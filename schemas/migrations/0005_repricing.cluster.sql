-- Cluster form only: the readable name follows its shards.

ALTER TABLE {db}.span_recosts{on_cluster}
  ADD COLUMN IF NOT EXISTS kind LowCardinality(String) AFTER span_id,
  ADD COLUMN IF NOT EXISTS cost_flags LowCardinality(String) AFTER cost_reason,
  ADD COLUMN IF NOT EXISTS pricing_currency LowCardinality(String) AFTER cost_flags,
  ADD COLUMN IF NOT EXISTS pricing_currency_cost Nullable(Decimal(18, 12)) AFTER total_cost,
  ADD COLUMN IF NOT EXISTS original_provider LowCardinality(String) AFTER original_cost,
  ADD COLUMN IF NOT EXISTS original_model LowCardinality(String) AFTER original_provider,
  ADD COLUMN IF NOT EXISTS original_price_book LowCardinality(String) AFTER original_model,
  ADD COLUMN IF NOT EXISTS original_price_entry LowCardinality(String) AFTER original_price_book,
  ADD COLUMN IF NOT EXISTS original_cost_status LowCardinality(String) AFTER original_price_entry,
  ADD COLUMN IF NOT EXISTS original_cost_reason LowCardinality(String) AFTER original_cost_status,
  ADD COLUMN IF NOT EXISTS original_cost_flags LowCardinality(String) AFTER original_cost_reason,
  ADD COLUMN IF NOT EXISTS original_pricing_currency LowCardinality(String) AFTER original_cost_flags,
  ADD COLUMN IF NOT EXISTS original_input_cost Nullable(Decimal(18, 12)) AFTER original_pricing_currency,
  ADD COLUMN IF NOT EXISTS original_cache_read_cost Nullable(Decimal(18, 12)) AFTER original_input_cost,
  ADD COLUMN IF NOT EXISTS original_cache_write_cost Nullable(Decimal(18, 12)) AFTER original_cache_read_cost,
  ADD COLUMN IF NOT EXISTS original_output_cost Nullable(Decimal(18, 12)) AFTER original_cache_write_cost,
  ADD COLUMN IF NOT EXISTS original_other_cost Nullable(Decimal(18, 12)) AFTER original_output_cost,
  ADD COLUMN IF NOT EXISTS original_pricing_currency_cost Nullable(Decimal(18, 12)) AFTER original_other_cost,
  ADD COLUMN IF NOT EXISTS revision UInt32 AFTER computed_at,
  ADD COLUMN IF NOT EXISTS step UInt32 AFTER revision;
