-- title: Quality and cost by model
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 90 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: model String = ''
-- param: flagged UInt8 = 0

-- Votes on calls made in the range, newest of each author, and all calls of the model in the range, grouped apart and then put
-- side by side, so that neither multiplies the other. `cost_per_positive` is the spend of all calls, retries, failed and unrated
-- ones included, for each positive vote: NULL without one. A vote on a trace that used several models is under `mixed`, which
-- has no spend of its own. Calls that evaluators made are not the product's and are left out.
-- Scores that break their configuration are left out, unless `flagged` is 1.
WITH
  -- Bounds of a share, 95 % (Wilson): side -1 is the lower one.
  (part, whole, side) -> (part + 1.92073 + side * 1.95996 * sqrt(part * (whole - part) / whole + 0.960365)) / (whole + 3.84146) AS wilson,
  -- One row a vote: of several by one author the newest, ties by id. Score 2 says neither good, bad nor neutral.
  votes AS
  (
    SELECT
      s.model AS model,
      argMax(multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, 2), toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS score
    FROM all_scores AS s
    WHERE s.project_id = {project:String}
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND s.resolved = 1
      AND s.error_type = ''
      AND NOT match(s.name, '^(automated|implicit)-')
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
      AND s.model != ''
      AND ({model:String} = '' OR s.model = {model:String})
    GROUP BY model, cityHash64(if(s.author_id = '' OR s.each_counts = 1, s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id, if(s.target = 'session', s.session_id, ''))
  ),
  quality AS
  (
    SELECT
      v.model AS model,
      count() AS total_feedback,
      countIf(v.score = 1) AS positive,
      countIf(v.score = -1) AS negative
    FROM votes AS v
    WHERE v.score != 2
    GROUP BY model
  ),
  -- Marks of single calls, and of all calls of one model in a trace where the trace or a span above them was judged.
  rated AS
  (
    SELECT
      if(
        s.target = 'trace' OR s.kind NOT IN ('llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'moderation'),
        cityHash64(s.trace_id, 'model', s.model),
        cityHash64(s.trace_id, s.span_id)
      ) AS mark
    FROM all_scores AS s
    WHERE s.project_id = {project:String}
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND s.resolved = 1
      AND s.error_type = ''
      AND NOT match(s.name, '^(automated|implicit)-')
      AND s.target IN ('span', 'trace')
      AND (s.verdict != 0 OR s.label = 'neutral')
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
      AND s.model != ''
      AND ({model:String} = '' OR s.model = {model:String})
  ),
  spend AS
  (
    SELECT
      c.model AS model,
      count() AS calls,
      countIf(c.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
      countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
      sum(c.total_cost) AS total_cost,
      avgIf(c.total_cost, c.cost_status IN ('priced', 'reported', 'estimated')) AS avg_cost,
      countIf(
        cityHash64(c.trace_id, c.span_id) IN (SELECT r.mark FROM rated AS r)
        OR cityHash64(c.trace_id, 'model', c.model) IN (SELECT r.mark FROM rated AS r)
      ) AS rated_calls
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
      AND ({model:String} = '' OR c.model = {model:String})
      AND (c.trace_id, c.parent_span_id) NOT IN (
        SELECT e.trace_id, e.span_id
        FROM spans AS e
        WHERE e.project_id = {project:String} AND e.kind = 'evaluator'
      )
    GROUP BY model
  )
SELECT
  q.model AS model,
  q.total_feedback AS total_feedback,
  q.positive AS positive,
  q.negative AS negative,
  q.total_feedback - q.positive - q.negative AS neutral,
  round(100 * q.positive / q.total_feedback, 1) AS positive_pct,
  round(100 * q.negative / q.total_feedback, 1) AS negative_pct,
  round((q.positive - q.negative) / q.total_feedback, 3) AS avg_score,
  toFloat64(c.avg_cost) AS avg_cost,
  toFloat64(c.total_cost) / nullIf(q.positive, 0) AS cost_per_positive,
  round(100 * wilson(q.positive, q.total_feedback, -1), 1) AS positive_low_pct,
  round(100 * wilson(q.positive, q.total_feedback, 1), 1) AS positive_high_pct,
  c.calls AS calls,
  c.priced_calls AS priced_calls,
  c.unpriced_calls AS unpriced_calls,
  c.priced_calls / nullIf(c.priced_calls + c.unpriced_calls, 0) AS priced_share,
  c.rated_calls AS rated_calls,
  c.rated_calls / nullIf(c.calls, 0) AS rated_share,
  c.total_cost AS total_cost
FROM quality AS q
LEFT JOIN spend AS c ON c.model = q.model
ORDER BY q.positive DESC, q.total_feedback DESC, model
SETTINGS join_use_nulls = 1
