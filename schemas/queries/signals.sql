-- title: What rules and users' doings say
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: by String = 'model'
-- choice: by = model feature service env release prompt user
-- param: name String = ''

-- Scores that are signals and no opinion, which no figure of votes has: those of rules on the answer, `implicit-…` by what
-- people did with it, and what a team calls `signal-…`. Groups by `model`, `feature`, `service`, `env`, `release`, `prompt` (name and version) or `user`. `targets` are
-- the calls, tools, traces or sessions that were judged, each once under one name; `share` is of the calls of the group and NULL
-- where there are none: a tool has no model. `total_cost` is the sum of the costs that are known.
WITH
  targets AS
  (
    SELECT
      multiIf({by:String} = 'model', s.model, {by:String} = 'feature', s.feature, {by:String} = 'service', s.service,
        {by:String} = 'env', s.env, {by:String} = 'release', s.release, {by:String} = 'user', s.user_id,
        {by:String} = 'prompt' AND s.prompt_name != '', concat(s.prompt_name, '@', s.prompt_version), '') AS key,
      s.name AS name,
      s.trace_id AS trace_id,
      argMax(s.source, (s.created_at, s.score_id)) AS source,
      argMax(s.verdict, (s.created_at, s.score_id)) AS verdict,
      any(s.span_cost) AS span_cost,
      max(s.created_at) AS newest
    FROM current_scores AS s
    WHERE s.project_id = {project:String}
      AND s.resolved = 1
      AND s.error_type = ''
      AND match(s.name, '^(automated-(refusal|empty-answer|malformed-json|schema-violation|format-violation|too-long|tool-error|content-filter)$|implicit-|signal-)')
      AND ({name:String} = '' OR s.name = {name:String})
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
    GROUP BY key, name, trace_id, s.span_id, if(s.target = 'session', s.session_id, '')
  ),
  spend AS
  (
    SELECT
      multiIf({by:String} = 'model', c.model, {by:String} = 'feature', c.feature, {by:String} = 'service', c.service,
        {by:String} = 'env', c.env, {by:String} = 'release', c.release, {by:String} = 'user', c.user_id,
        {by:String} = 'prompt' AND c.prompt_name != '', concat(c.prompt_name, '@', c.prompt_version), '') AS key,
      count() AS calls
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
    GROUP BY key
  )
SELECT
  if(t.key = '', '[none]', t.key) AS group,
  t.name AS name,
  any(t.source) AS source,
  count() AS targets,
  countIf(t.verdict = 1) AS good,
  countIf(t.verdict = -1) AS bad,
  any(c.calls) AS calls,
  targets / any(c.calls) AS share,
  sum(t.span_cost) AS total_cost,
  argMax(t.trace_id, t.newest) AS newest_trace_id
FROM targets AS t
LEFT JOIN spend AS c ON c.key = t.key
GROUP BY group, name
ORDER BY targets DESC, name, group
SETTINGS join_use_nulls = 1
