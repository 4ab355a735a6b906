-- title: Spend and how much of it is known
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- One row. `total_cost` covers the priced calls and the priced part of the partly priced ones; it is NULL, not 0, when no
-- call has a cost. calls = priced_calls + unpriced_calls + not_billed_calls, the last failed before anything was used.
-- `estimated_cost` is the part of the total whose tokens a tokenizer counted. `other_currency_calls`, a part of the priced ones, have
-- their cost in another currency and are in no total here.
SELECT
  sum(c.total_cost) AS total_cost,
  sumIf(c.total_cost, c.cost_status = 'estimated') AS estimated_cost,
  count() AS calls,
  countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
  countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
  countIf(c.cost_status = 'not_billed') AS not_billed_calls,
  priced_calls / nullIf(priced_calls + unpriced_calls, 0) AS priced_share,
  countIf(c.cost_status = 'reported') AS reported_calls,
  countIf(c.cost_status = 'estimated') AS estimated_calls,
  countIf(c.cost_status = 'partial') AS partial_calls,
  countIf(c.total_cost IS NULL AND c.pricing_currency_cost IS NOT NULL) AS other_currency_calls,
  countIf(c.input_tokens IS NULL AND c.output_tokens IS NULL) AS calls_without_tokens,
  countIf(c.status = 'error') AS errors,
  errors / nullIf(calls, 0) AS error_share,
  sum(c.wasted_cost) AS wasted_cost,
  sum(c.input_tokens) AS input_tokens,
  sum(c.cache_read_tokens) AS cache_read_tokens,
  sum(c.cache_write_tokens) AS cache_write_tokens,
  sum(c.output_tokens) AS output_tokens,
  sum(c.reasoning_tokens) AS reasoning_tokens
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
