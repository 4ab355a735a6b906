-- Whom a call is for, beside user and feature: the team that answers for it, the customer, the step, the class of its input and the
-- collection that was searched.

ALTER TABLE {db}.spans{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS team LowCardinality(String) AFTER session_id,
  ADD COLUMN IF NOT EXISTS customer String CODEC(ZSTD(1)) AFTER team,
  ADD COLUMN IF NOT EXISTS step LowCardinality(String) AFTER customer,
  ADD COLUMN IF NOT EXISTS input_class LowCardinality(String) AFTER step,
  ADD COLUMN IF NOT EXISTS collection LowCardinality(String) AFTER input_class;

-- A view's columns are those of the day it was made.
CREATE OR REPLACE VIEW {db}.llm_calls{on_cluster} AS
SELECT *, duration_ns / 1e6 AS duration_ms, toDate(start_time) AS day
FROM {db}.spans FINAL
WHERE cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {db}.llm_calls_reporting{on_cluster} AS
SELECT
  c.*,
  toString((SELECT argMax(currency, set_at) FROM {db}.reporting_currency)) AS reporting_currency,
  if(reporting_currency = '', NULL, if(if(c.total_cost IS NULL AND c.pricing_currency != '', toString(c.pricing_currency), 'USD') = reporting_currency, toDecimal128(1, 18), x.rate)) AS reporting_rate,
  x.rate_date AS reporting_rate_date,
  CAST(round(CAST(ifNull(c.total_cost, c.pricing_currency_cost) AS Nullable(Decimal(76, 12))) * reporting_rate, 12) AS Nullable(Decimal(38, 12))) AS reporting_cost
FROM {db}.llm_calls AS c
LEFT ANY JOIN
(
  SELECT toString(d.currency) AS currency, d.day AS day, d.rate AS rate, d.rate_date AS rate_date
  FROM {db}.currency_rates_daily AS d
  WHERE d.reporting_currency = (SELECT argMax(currency, set_at) FROM {db}.reporting_currency)
) AS x ON x.currency = if(c.total_cost IS NULL AND c.pricing_currency != '', toString(c.pricing_currency), 'USD') AND x.day = c.day
SETTINGS join_use_nulls = 1;
