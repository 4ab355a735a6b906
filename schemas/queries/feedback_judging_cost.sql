-- title: What judging costs
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- Calls of models directly under a span of kind `evaluator`, by its name. They are the calls that cost_per_positive and
-- quality_by_model leave out.
SELECT
  e.name AS evaluator,
  c.provider AS provider,
  c.model AS model,
  count() AS calls,
  countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
  countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
  countIf(c.status = 'error') AS errors,
  sum(c.input_tokens) AS input_tokens,
  sum(c.output_tokens) AS output_tokens,
  sum(c.total_cost) AS total_cost
FROM llm_calls AS c
INNER JOIN
(
  SELECT s.trace_id AS trace_id, s.span_id AS span_id, any(s.name) AS name
  FROM spans AS s
  WHERE s.project_id = {project:String} AND s.kind = 'evaluator'
  GROUP BY trace_id, span_id
) AS e ON e.trace_id = c.trace_id AND e.span_id = c.parent_span_id
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
GROUP BY evaluator, provider, model
ORDER BY total_cost DESC NULLS LAST, calls DESC, evaluator, model
