-- title: Unpriced calls
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: limit UInt32 = 100

-- What is missing from every total, by model and reason; `trace_id` is the newest example. `priced_part` is what the
-- partly priced calls cost as far as it is known.
SELECT
  c.provider AS provider,
  c.model AS model,
  c.cost_status AS cost_status,
  c.cost_reason AS cost_reason,
  count() AS calls,
  sum(c.input_tokens) AS input_tokens,
  sum(c.output_tokens) AS output_tokens,
  sum(c.total_cost) AS priced_part,
  sum(c.reported_cost) AS reported_cost,
  min(c.start_time) AS first_seen,
  max(c.start_time) AS last_seen,
  argMax(c.trace_id, c.start_time) AS trace_id
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
  AND c.cost_status IN ('unpriced', 'partial', 'invalid')
GROUP BY provider, model, cost_status, cost_reason
ORDER BY calls DESC, provider, model, cost_status, cost_reason
LIMIT {limit:UInt32}
