-- Our own price beside a reported figure that stands as the total; the least quantities of a price entry, without which it cannot be
-- applied again; and rates of exchange, which the stored amounts know nothing of.

ALTER TABLE {db}.spans{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS computed_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)) AFTER reported_cost_source;

ALTER TABLE {db}.model_prices{on_cluster}
  ADD COLUMN IF NOT EXISTS minimum Map(LowCardinality(String), String) AFTER per;

CREATE TABLE IF NOT EXISTS {db}.currency_rates{on_cluster} (
  reporting_currency LowCardinality(String),
  currency LowCardinality(String),
  day Date,
  rate Decimal(38, 18),
  source String,
  derived String,
  loaded_at DateTime64(3, 'UTC')
) ENGINE = {rmt}({everywhere}loaded_at)
ORDER BY (reporting_currency, currency, day);

CREATE TABLE IF NOT EXISTS {db}.reporting_currency{on_cluster} (
  currency LowCardinality(String),
  set_at DateTime64(3, 'UTC')
) ENGINE = {rmt}({everywhere}set_at)
ORDER BY tuple();

-- A view's columns are those of the day it was made.
CREATE OR REPLACE VIEW {db}.llm_calls{on_cluster} AS
SELECT *, duration_ns / 1e6 AS duration_ms, toDate(start_time) AS day
FROM {db}.spans FINAL
WHERE cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- Each rate on every day it stands for: until the next one, seven days at most, which is a long weekend and not a gap.
CREATE OR REPLACE VIEW {db}.currency_rates_daily{on_cluster} AS
SELECT
  r.reporting_currency AS reporting_currency,
  r.currency AS currency,
  r.day + arrayJoin(range(toUInt16(if(r.next_day > r.day, least(7, r.next_day - r.day), 7)))) AS day,
  r.rate AS rate,
  r.day AS rate_date
FROM
(
  SELECT
    reporting_currency, currency, day, rate,
    leadInFrame(day) OVER (PARTITION BY reporting_currency, currency ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_day
  FROM {db}.currency_rates FINAL
) AS r;

-- The calls, and beside their cost what it is in the reporting currency: NULL where there is no rate, never the amount as it was.
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
