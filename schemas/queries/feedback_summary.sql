-- title: Feedback at a glance
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: traces Array(String) = []

-- One row. A vote is a score that says good, bad or neutral; of several that one author gave one target under one name the
-- newest counts. `positive_low_pct` and `positive_high_pct` bound the positive share with 95 % confidence (Wilson). Beside the
-- votes: scores superseded by a newer vote, scores that say neither, failed evaluations, and votes that have not found their call.
WITH
  -- Bounds of a share, 95 % (Wilson): side -1 is the lower one.
  (part, whole, side) -> (part + 1.92073 + side * 1.95996 * sqrt(part * (whole - part) / whole + 0.960365)) / (whole + 3.84146) AS wilson
SELECT
  countIf(is_vote) AS total,
  countIf(is_vote AND verdict = 1) AS positive,
  countIf(is_vote AND verdict = -1) AS negative,
  countIf(is_vote AND verdict = 0) AS neutral,
  round(100 * positive / nullIf(total, 0), 1) AS positive_pct,
  round(100 * negative / nullIf(total, 0), 1) AS negative_pct,
  (positive - negative) / nullIf(total, 0) AS score,
  round(100 * wilson(positive, nullIf(total, 0), -1), 1) AS positive_low_pct,
  round(100 * wilson(positive, nullIf(total, 0), 1), 1) AS positive_high_pct,
  countIf(error_type = '' AND place > 1) AS superseded,
  countIf(error_type = '' AND place = 1 AND NOT is_vote) AS without_verdict,
  countIf(error_type != '') AS failed,
  countIf(is_vote AND resolved = 0) AS unresolved
FROM
(
  SELECT
    s.verdict AS verdict,
    s.error_type AS error_type,
    s.resolved AS resolved,
    row_number() OVER (
      PARTITION BY s.error_type, if(s.author_id = '', s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id,
        if(s.trace_id = '', s.response_id, ''), if(s.target = 'session', s.session_id, '')
      ORDER BY s.created_at DESC, s.version DESC, s.score_id DESC
    ) AS place,
    s.error_type = '' AND place = 1 AND (s.verdict != 0 OR s.label = 'neutral') AS is_vote
  FROM current_scores AS s
  WHERE s.project_id = {project:String}
    AND s.created_at >= {from:DateTime64(3, 'UTC')}
    AND s.created_at < {to:DateTime64(3, 'UTC')}
    AND (empty({traces:Array(String)}) OR s.trace_id IN {traces:Array(String)} OR s.given_trace_id IN {traces:Array(String)})
)
