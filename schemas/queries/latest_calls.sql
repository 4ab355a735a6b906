-- title: Latest calls
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: limit UInt32 = 50

-- The call log: every attempt, failed ones included, newest first. `total_cost` is the exact decimal.
SELECT
  c.start_time AS start_time,
  c.trace_id AS trace_id,
  c.span_id AS span_id,
  c.provider AS provider,
  c.model AS model,
  c.env AS env,
  c.service AS service,
  c.feature AS feature,
  c.user_id AS user_id,
  c.prompt_name AS prompt_name,
  c.prompt_version AS prompt_version,
  c.input_tokens AS input_tokens,
  c.cache_read_tokens AS cache_read_tokens,
  c.output_tokens AS output_tokens,
  c.total_cost AS total_cost,
  c.cost_status AS cost_status,
  c.cost_reason AS cost_reason,
  c.price_entry AS price_entry,
  c.duration_ns / 1e6 AS duration_ms,
  c.status AS status,
  c.failure_class AS failure_class
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
ORDER BY start_time DESC, trace_id, span_id
LIMIT {limit:UInt32}
