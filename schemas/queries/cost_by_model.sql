-- title: Cost by model
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- `avg_cost` is over the wholly priced calls only; a failed call that used tokens costs like any other.
SELECT
  c.provider AS provider,
  c.model AS model,
  count() AS calls,
  countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
  countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
  priced_calls / nullIf(priced_calls + unpriced_calls, 0) AS priced_share,
  countIf(c.status = 'error') AS errors,
  sum(c.input_tokens) AS input_tokens,
  sum(c.cache_read_tokens) AS cache_read_tokens,
  sum(c.output_tokens) AS output_tokens,
  sum(c.total_cost) AS total_cost,
  sumIf(c.total_cost, c.cost_status = 'estimated') AS estimated_cost,
  avgIf(c.total_cost, c.cost_status IN ('priced', 'reported', 'estimated')) AS avg_cost
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
GROUP BY provider, model
ORDER BY total_cost DESC NULLS LAST, calls DESC, provider, model
