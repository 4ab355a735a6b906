-- title: Cost by model and day
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: tz String = 'UTC'

-- Days of the time zone `tz`; the first and the last hold only what lies in the range.
SELECT
  toDate(c.start_time, {tz:String}) AS day,
  c.provider AS provider,
  c.model AS model,
  count() AS calls,
  countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
  countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
  sum(c.input_tokens) AS input_tokens,
  sum(c.cache_read_tokens) AS cache_read_tokens,
  sum(c.output_tokens) AS output_tokens,
  sum(c.total_cost) AS total_cost,
  sumIf(c.total_cost, c.cost_status = 'estimated') AS estimated_cost
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
GROUP BY day, provider, model
ORDER BY day, total_cost DESC NULLS LAST, provider, model
