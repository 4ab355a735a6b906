-- title: Quality and cost by version of a prompt
-- param: project String = 'default'
-- param: prompt String = ''
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 90 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: flagged UInt8 = 0

-- As in quality_by_model, for the versions of one prompt. A vote also counts when its sender named the prompt and its target
-- has not been found, then in the range of its own time. Unlike there, calls that evaluators made count: the prompt was asked
-- for by name and may be a judge's.
-- Scores that break their configuration are left out, unless `flagged` is 1.
WITH
  -- One row a vote: of several by one author the newest, ties by id. Score 2 says neither good, bad nor neutral.
  votes AS
  (
    SELECT
      s.prompt_version AS version,
      argMax(multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, 2), toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS score
    FROM all_scores AS s
    WHERE s.project_id = {project:String}
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND s.prompt_name = {prompt:String}
      AND s.error_type = ''
      AND NOT match(s.name, '^(automated|implicit)-')
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
    GROUP BY version, cityHash64(if(s.author_id = '' OR s.each_counts = 1, s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id, if(s.trace_id = '', s.response_id, ''), if(s.target = 'session', s.session_id, ''))
  ),
  quality AS
  (
    SELECT v.version AS version, count() AS total_feedback, countIf(v.score = 1) AS positive, countIf(v.score = -1) AS negative
    FROM votes AS v
    WHERE v.score != 2
    GROUP BY version
  ),
  spend AS
  (
    SELECT
      c.prompt_version AS version,
      count() AS calls,
      countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
      countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
      sum(c.total_cost) AS total_cost,
      avgIf(c.total_cost, c.cost_status IN ('priced', 'reported', 'estimated')) AS avg_cost
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.prompt_name = {prompt:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
    GROUP BY version
  )
SELECT
  {prompt:String} AS prompt_id,
  q.version AS version,
  q.total_feedback AS total_feedback,
  q.positive AS positive,
  q.negative AS negative,
  q.total_feedback - q.positive - q.negative AS neutral,
  round(100 * q.positive / q.total_feedback, 1) AS positive_pct,
  round(100 * q.negative / q.total_feedback, 1) AS negative_pct,
  round((q.positive - q.negative) / q.total_feedback, 3) AS avg_score,
  toFloat64(c.avg_cost) AS avg_cost,
  toFloat64(c.total_cost) / nullIf(q.positive, 0) AS cost_per_positive,
  c.calls AS calls,
  c.priced_calls AS priced_calls,
  c.priced_calls / nullIf(c.priced_calls + c.unpriced_calls, 0) AS priced_share,
  c.total_cost AS total_cost
FROM quality AS q
LEFT JOIN spend AS c ON c.version = q.version
ORDER BY naturalSortKey(q.version)
SETTINGS join_use_nulls = 1
