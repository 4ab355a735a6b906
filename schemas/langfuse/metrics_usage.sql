-- title: Traces, calls and cost by name of the trace, user, session, environment, release or model
-- param: project String = 'default'
-- param: by String = 'trace_name'
-- param: name String = ''
-- param: user String = ''
-- param: tags Array(String) = []
-- param: envs Array(String) = []
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY

-- Rows with `is_whole` count everything under their key; the others the calls of one model. Usage and cost are of real calls, each
-- once: `total_cost` is NULL where no cost is known, and what has none is in `unpriced_calls`.
WITH
s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call') AS is_call,
names AS
(
  SELECT
    s.trace_id AS trace_id,
    argMin(s.feature, (s.parent_span_id != '', s.start_time)) AS root_feature,
    minIf(s.feature, s.feature != '') AS some_feature,
    multiIf(root_feature != '', root_feature, some_feature != '', some_feature, argMin(s.name, (s.parent_span_id != '', s.start_time))) AS name,
    arrayDistinct(arrayFlatten(groupArray(JSONExtract(s.attributes['langfuse.trace.tags'], 'Array(String)')))) AS tags
  FROM spans AS s FINAL
  WHERE s.project_id = {project:String}
    AND s.start_time >= {from:DateTime64(3, 'UTC')}
    AND s.start_time < {to:DateTime64(3, 'UTC')}
  GROUP BY trace_id
)
SELECT
  multiIf({by:String} = 'trace_name', n.name, {by:String} = 'user_id', toString(s.user_id), {by:String} = 'session_id', toString(s.session_id), {by:String} = 'environment', if(s.env = '', 'default', toString(s.env)), {by:String} = 'release', toString(s.release), toString(s.model)) AS key,
  grouping(call_model) = 1 AS is_whole,
  if(is_call, toString(s.model), '') AS call_model,
  uniqExact(s.trace_id) AS traces,
  count() AS observations,
  sum(if(is_call, s.input_tokens, NULL)) AS input_tokens,
  sum(if(is_call, s.output_tokens, NULL)) AS output_tokens,
  sum(if(is_call, s.total_cost, NULL)) AS total_cost,
  countIf(is_call) AS calls,
  countIf(is_call AND s.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls
FROM spans AS s FINAL
INNER JOIN names AS n ON n.trace_id = s.trace_id
WHERE s.project_id = {project:String}
  AND s.start_time >= {from:DateTime64(3, 'UTC')}
  AND s.start_time < {to:DateTime64(3, 'UTC')}
  AND ({name:String} = '' OR n.name = {name:String})
  AND ({user:String} = '' OR s.user_id = {user:String})
  AND hasAll(n.tags, {tags:Array(String)})
  AND (empty({envs:Array(String)}) OR if(s.env = '', 'default', toString(s.env)) IN {envs:Array(String)})
GROUP BY GROUPING SETS ((key), (key, call_model))
ORDER BY total_cost DESC NULLS LAST, key, call_model
