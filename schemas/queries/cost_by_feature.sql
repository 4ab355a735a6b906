-- title: Cost by feature
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: limit UInt32 = 50

-- The `limit` dearest features and one line `[other]` for the rest, so that the lines add up to the total. `[none]` are the
-- calls that named no feature.
SELECT
  if(place <= {limit:UInt32}, any(feature), '[other]') AS feature,
  count() AS features,
  sum(g.calls) AS calls,
  sum(g.priced_calls) AS priced_calls,
  sum(g.unpriced_calls) AS unpriced_calls,
  sum(g.errors) AS errors,
  sum(g.input_tokens) AS input_tokens,
  sum(g.output_tokens) AS output_tokens,
  sum(g.total_cost) AS total_cost,
  sum(g.estimated_cost) AS estimated_cost,
  toFloat64(total_cost) / nullIf(toFloat64(sum(total_cost) OVER ()), 0) AS cost_share
FROM
(
  SELECT
    if(c.feature = '', '[none]', c.feature) AS feature,
    least(row_number() OVER (ORDER BY total_cost DESC NULLS LAST, calls DESC, feature), {limit:UInt32} + 1) AS place,
    count() AS calls,
    countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
    countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
    countIf(c.status = 'error') AS errors,
    sum(c.input_tokens) AS input_tokens,
    sum(c.output_tokens) AS output_tokens,
    sum(c.total_cost) AS total_cost,
    sumIf(c.total_cost, c.cost_status = 'estimated') AS estimated_cost
  FROM llm_calls AS c
  WHERE c.project_id = {project:String}
    AND c.start_time >= {from:DateTime64(3, 'UTC')}
    AND c.start_time < {to:DateTime64(3, 'UTC')}
  GROUP BY feature
) AS g
GROUP BY place
ORDER BY place
