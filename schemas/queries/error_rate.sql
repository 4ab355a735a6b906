-- title: Errors by model and class
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- One line for each class of failure a model showed; `calls` and `error_rate` are the model's own over the range. A model
-- without an error is listed once, with an empty class. `failed_cost` is what the failed calls cost, where it is known.
SELECT
  provider,
  model,
  failure_class,
  calls,
  errors,
  errors / calls AS error_rate,
  unpriced_errors,
  failed_cost
FROM
(
  SELECT
    c.provider AS provider,
    c.model AS model,
    if(c.status = 'error', if(c.failure_class = '', 'other', c.failure_class), '') AS failure_class,
    countIf(c.status = 'error') AS errors,
    countIf(c.status = 'error' AND c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_errors,
    sumIf(c.total_cost, c.status = 'error') AS failed_cost,
    sum(count()) OVER (PARTITION BY c.provider, c.model) AS calls,
    sum(countIf(c.status = 'error')) OVER (PARTITION BY c.provider, c.model) AS model_errors
  FROM llm_calls AS c
  WHERE c.project_id = {project:String}
    AND c.start_time >= {from:DateTime64(3, 'UTC')}
    AND c.start_time < {to:DateTime64(3, 'UTC')}
  GROUP BY provider, model, failure_class
)
WHERE errors > 0 OR model_errors = 0
ORDER BY error_rate DESC, calls DESC, provider, model, failure_class
