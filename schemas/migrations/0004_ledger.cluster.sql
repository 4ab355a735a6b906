-- Cluster form only: the readable names follow their shards, then the view over them is made again.

ALTER TABLE {db}.spans{on_cluster}
  MODIFY COLUMN usage_other Map(LowCardinality(String), Float64),
  ADD COLUMN IF NOT EXISTS price_conditions LowCardinality(String) AFTER price_book,
  ADD COLUMN IF NOT EXISTS pricing_currency LowCardinality(String) AFTER price_conditions,
  ADD COLUMN IF NOT EXISTS pricing_currency_cost Nullable(Decimal(18, 12)) AFTER pricing_currency;

ALTER TABLE {db}.usage_hourly{on_cluster}
  ADD COLUMN IF NOT EXISTS estimated_calls SimpleAggregateFunction(sum, Int64) AFTER unpriced_calls,
  ADD COLUMN IF NOT EXISTS other_currency_calls SimpleAggregateFunction(sum, Int64) AFTER estimated_calls,
  ADD COLUMN IF NOT EXISTS estimated_cost SimpleAggregateFunction(sum, Decimal(38, 12)) AFTER total_cost;

ALTER TABLE {db}.usage_user_daily{on_cluster}
  ADD COLUMN IF NOT EXISTS estimated_calls SimpleAggregateFunction(sum, Int64) AFTER unpriced_calls,
  ADD COLUMN IF NOT EXISTS other_currency_calls SimpleAggregateFunction(sum, Int64) AFTER estimated_calls,
  ADD COLUMN IF NOT EXISTS estimated_cost SimpleAggregateFunction(sum, Decimal(38, 12)) AFTER total_cost;

CREATE OR REPLACE VIEW {db}.llm_calls{on_cluster} AS
SELECT *, duration_ns / 1e6 AS duration_ms, toDate(start_time) AS day
FROM {db}.spans FINAL
WHERE cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
SETTINGS do_not_merge_across_partitions_select_final = 1;
