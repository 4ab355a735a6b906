-- title: Cost in another currency
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: currency String = (SELECT argMax(currency, set_at) FROM reporting_currency)

-- By the currency that calls cost money in, mostly USD: their cost as it is, and in `currency` by the rate of each call's day. Calls
-- without a rate are counted and are in no converted sum; `converted_cost` is NULL, not 0, when no call has one.
SELECT
  if(c.total_cost IS NULL AND c.pricing_currency != '', toString(c.pricing_currency), 'USD') AS cost_currency,
  count() AS calls,
  sum(ifNull(c.total_cost, c.pricing_currency_cost)) AS cost,
  {currency:String} AS currency,
  sum(CAST(round(CAST(ifNull(c.total_cost, c.pricing_currency_cost) AS Nullable(Decimal(76, 12)))
    * if(cost_currency = {currency:String}, toDecimal128(1, 18), x.rate), 12) AS Nullable(Decimal(38, 12)))) AS converted_cost,
  countIf(cost_currency = {currency:String} OR x.rate IS NOT NULL) AS converted_calls,
  calls - converted_calls AS calls_without_rate,
  min(x.rate) AS rate_low,
  max(x.rate) AS rate_high,
  min(x.rate_date) AS first_rate_date,
  max(x.rate_date) AS last_rate_date
FROM llm_calls AS c
LEFT ANY JOIN
(
  SELECT toString(d.currency) AS currency, d.day AS day, d.rate AS rate, d.rate_date AS rate_date
  FROM currency_rates_daily AS d
  WHERE d.reporting_currency = {currency:String}
) AS x ON x.currency = if(c.total_cost IS NULL AND c.pricing_currency != '', toString(c.pricing_currency), 'USD') AND x.day = c.day
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
  AND isNotNull(ifNull(c.total_cost, c.pricing_currency_cost))
GROUP BY cost_currency
ORDER BY calls DESC, cost_currency
SETTINGS join_use_nulls = 1
