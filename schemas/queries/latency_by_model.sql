-- title: Latency by model
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- Milliseconds over the whole range, failed calls left out because a refused call is quick; never averaged from buckets.
-- `ttft_ms` covers the `timed_calls` that reported their first token.
SELECT
  c.provider AS provider,
  c.model AS model,
  countIf(c.status != 'error') AS calls,
  quantileIf(0.5)(c.duration_ns / 1e6, c.status != 'error') AS p50_ms,
  quantileIf(0.95)(c.duration_ns / 1e6, c.status != 'error') AS p95_ms,
  quantileIf(0.99)(c.duration_ns / 1e6, c.status != 'error') AS p99_ms,
  countIf(c.ttft_ns > 0 AND c.status != 'error') AS timed_calls,
  if(timed_calls > 0, quantileIf(0.95)(c.ttft_ns / 1e6, c.ttft_ns > 0 AND c.status != 'error'), NULL) AS p95_ttft_ms
FROM llm_calls AS c
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
GROUP BY provider, model
HAVING calls > 0
ORDER BY p95_ms DESC, provider, model
