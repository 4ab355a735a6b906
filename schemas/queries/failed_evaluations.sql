-- title: Evaluations that failed
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: name String = ''
-- param: limit UInt32 = 100

-- Newest first, by when they were made: which evaluator, what went wrong, and the trace it was to judge. A failed evaluation has no
-- value and is in no figure; `failed` is how many failed of that name, evaluator and version, `made` how many were
-- tried, these among them.
SELECT
  s.created_at AS created_at,
  s.name AS name,
  s.evaluator AS evaluator,
  s.evaluator_version AS evaluator_version,
  s.error_type AS error_type,
  s.comment AS comment,
  if(s.trace_id = '', s.given_trace_id, s.trace_id) AS trace_id,
  if(s.span_id = '', s.given_span_id, s.span_id) AS span_id,
  s.model AS model,
  s.feature AS feature,
  s.prompt_name AS prompt_name,
  s.prompt_version AS prompt_version,
  s.release AS release,
  s.score_id AS score_id,
  sum(s.error_type != '') OVER w AS failed,
  count() OVER w AS made
FROM current_scores AS s
WHERE s.project_id = {project:String}
  AND s.created_at >= {from:DateTime64(3, 'UTC')}
  AND s.created_at < {to:DateTime64(3, 'UTC')}
  AND ({name:String} = '' OR s.name = {name:String})
WINDOW w AS (PARTITION BY s.name, s.evaluator, s.evaluator_version)
QUALIFY error_type != ''
ORDER BY created_at DESC, score_id
LIMIT {limit:UInt32}
