-- title: Cost per positive answer
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: by String = 'model'
-- param: flagged UInt8 = 0

-- Groups by `model`, `feature`, `service`, `env`, `release`, `prompt` (name and version) or `user`. All spend of a group, failed
-- and unrated calls included, for each positive vote on its calls; NULL without one. Groups without any vote are listed too:
-- their spend is bought without knowing what for. `[none]` are the calls that name no value; `mixed` are votes on traces that
-- used several models. `total_cost` is exact and covers `priced_share` of the calls. Calls that evaluators made are left out.
-- Scores that break their configuration are left out, unless `flagged` is 1.
WITH
  -- Bounds of a share, 95 % (Wilson): side -1 is the lower one.
  (part, whole, side) -> (part + 1.92073 + side * 1.95996 * sqrt(part * (whole - part) / whole + 0.960365)) / (whole + 3.84146) AS wilson,
  -- One row a vote: of several by one author the newest, ties by id. Score 2 says neither good, bad nor neutral.
  votes AS
  (
    SELECT
      multiIf({by:String} = 'model', s.model, {by:String} = 'feature', s.feature, {by:String} = 'service', s.service,
        {by:String} = 'env', s.env, {by:String} = 'release', s.release, {by:String} = 'user', s.user_id,
        {by:String} = 'prompt' AND s.prompt_name != '', concat(s.prompt_name, '@', s.prompt_version), '') AS key,
      argMax(multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, 2), toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS score
    FROM all_scores AS s
    WHERE s.project_id = {project:String}
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND s.resolved = 1
      AND s.error_type = ''
      AND NOT match(s.name, '^(automated|implicit)-')
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
    GROUP BY key, cityHash64(if(s.author_id = '' OR s.each_counts = 1, s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id, if(s.target = 'session', s.session_id, ''))
  ),
  quality AS
  (
    SELECT v.key AS key, count() AS votes, countIf(v.score = 1) AS positive, countIf(v.score = -1) AS negative
    FROM votes AS v
    WHERE v.score != 2
    GROUP BY key
  ),
  spend AS
  (
    SELECT
      multiIf({by:String} = 'model', c.model, {by:String} = 'feature', c.feature, {by:String} = 'service', c.service,
        {by:String} = 'env', c.env, {by:String} = 'release', c.release, {by:String} = 'user', c.user_id,
        {by:String} = 'prompt' AND c.prompt_name != '', concat(c.prompt_name, '@', c.prompt_version), '') AS key,
      count() AS calls,
      countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
      countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
      sum(c.total_cost) AS total_cost
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
      AND (c.trace_id, c.parent_span_id) NOT IN (
        SELECT e.trace_id, e.span_id
        FROM spans AS e
        WHERE e.project_id = {project:String} AND e.kind = 'evaluator'
      )
    GROUP BY key
  )
SELECT
  if(g.key = '', '[none]', g.key) AS group,
  g.calls AS calls,
  g.priced_calls AS priced_calls,
  g.unpriced_calls AS unpriced_calls,
  g.priced_calls / nullIf(g.priced_calls + g.unpriced_calls, 0) AS priced_share,
  g.total_cost AS total_cost,
  ifNull(g.votes, 0) AS votes,
  ifNull(g.positive, 0) AS positive,
  ifNull(g.negative, 0) AS negative,
  g.positive / g.votes AS positive_share,
  wilson(g.positive, g.votes, -1) AS positive_share_low,
  wilson(g.positive, g.votes, 1) AS positive_share_high,
  toFloat64(g.total_cost) / nullIf(g.positive, 0) AS cost_per_positive
FROM
(
  SELECT
    ifNull(c.key, q.key) AS key,
    c.calls AS calls,
    c.priced_calls AS priced_calls,
    c.unpriced_calls AS unpriced_calls,
    c.total_cost AS total_cost,
    q.votes AS votes,
    q.positive AS positive,
    q.negative AS negative
  FROM spend AS c
  FULL JOIN quality AS q ON c.key = q.key
) AS g
ORDER BY g.total_cost DESC NULLS LAST, votes DESC, group
SETTINGS join_use_nulls = 1
