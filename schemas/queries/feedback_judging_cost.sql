-- title: What judging costs
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- Calls of models directly under a span of kind `evaluator`, by its name. They are the calls that `quality` leaves out. Beside
-- them, with `how` `reported`, what scores said that their evaluation cost: an evaluator may do both, so the two are not to be added.
SELECT *
FROM
(
SELECT
  'calls' AS how,
  toString(e.name) AS evaluator,
  toString(c.provider) AS provider,
  toString(c.model) AS model,
  count() AS calls,
  countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
  countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
  countIf(c.status = 'error') AS errors,
  sum(c.input_tokens) AS input_tokens,
  sum(c.output_tokens) AS output_tokens,
  CAST(sum(c.total_cost) AS Nullable(Decimal(38, 12))) AS total_cost
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
UNION ALL
SELECT
  'reported' AS how,
  if(s.evaluator = '', toString(s.name), toString(s.evaluator)) AS evaluator,
  '' AS provider,
  '' AS model,
  count() AS calls,
  count() AS priced_calls,
  toUInt64(0) AS unpriced_calls,
  countIf(s.error_type != '') AS errors,
  NULL AS input_tokens,
  NULL AS output_tokens,
  CAST(sum(s.eval_cost) AS Nullable(Decimal(38, 12))) AS total_cost
FROM current_scores AS s
WHERE s.project_id = {project:String}
  AND s.created_at >= {from:DateTime64(3, 'UTC')}
  AND s.created_at < {to:DateTime64(3, 'UTC')}
  AND isNotNull(s.eval_cost)
GROUP BY evaluator
)
ORDER BY total_cost DESC NULLS LAST, calls DESC, evaluator, model
