-- title: Feedback at a glance
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: traces Array(String) = []
-- param: flagged UInt8 = 0

-- One row. A vote is a score that says good, bad or neutral; of several that one author gave one target under one name the
-- newest counts. `positive_low_pct` and `positive_high_pct` bound the positive share with 95 % confidence (Wilson). Beside the
-- votes: scores superseded by a newer vote, scores that say neither, failed evaluations, votes that have not found their call, and
-- `flagged`: scores that break their configuration, which are in no other figure unless the parameter `flagged` is 1.
-- Signals (docs/decisions/0030) are in none of these figures.
WITH
  -- Bounds of a share, 95 % (Wilson): side -1 is the lower one.
  (part, whole, side) -> (part + 1.92073 + side * 1.95996 * sqrt(part * (whole - part) / whole + 0.960365)) / (whole + 3.84146) AS wilson
SELECT
  countIf(is_vote) AS total,
  countIf(is_vote AND newest = 1) AS positive,
  countIf(is_vote AND newest = -1) AS negative,
  countIf(is_vote AND newest = 0) AS neutral,
  round(100 * positive / nullIf(total, 0), 1) AS positive_pct,
  round(100 * negative / nullIf(total, 0), 1) AS negative_pct,
  (positive - negative) / nullIf(total, 0) AS score,
  round(100 * wilson(positive, nullIf(total, 0), -1), 1) AS positive_low_pct,
  round(100 * wilson(positive, nullIf(total, 0), 1), 1) AS positive_high_pct,
  sum(times - 1) AS superseded,
  countIf(NOT is_vote) AS without_verdict,
  (
    SELECT count()
    FROM all_scores AS e
    WHERE e.project_id = {project:String}
      AND e.error_type != ''
      AND (e.violation = '' OR {flagged:UInt8} = 1)
      AND NOT match(e.name, '^(automated-(refusal|empty-answer|malformed-json|schema-violation|format-violation|too-long|tool-error|content-filter)$|implicit-|signal-)')
      AND e.created_at >= {from:DateTime64(3, 'UTC')}
      AND e.created_at < {to:DateTime64(3, 'UTC')}
      AND (empty({traces:Array(String)}) OR e.trace_id IN {traces:Array(String)} OR e.given_trace_id IN {traces:Array(String)})
  ) AS failed,
  countIf(is_vote AND NOT is_resolved) AS unresolved,
  (
    SELECT count()
    FROM all_scores AS f
    WHERE f.project_id = {project:String}
      AND f.violation != ''
      AND f.created_at >= {from:DateTime64(3, 'UTC')}
      AND f.created_at < {to:DateTime64(3, 'UTC')}
      AND (empty({traces:Array(String)}) OR f.trace_id IN {traces:Array(String)} OR f.given_trace_id IN {traces:Array(String)})
  ) AS flagged
FROM
(
  -- One row a ballot, its newest vote; 2 says neither good, bad nor neutral.
  SELECT
    count() AS times,
    argMax(toInt8(ifNull(s.vote, 2)), s.given) AS newest,
    argMax(s.resolved, s.given) AS is_resolved,
    newest != 2 AS is_vote
  FROM votes AS s
  WHERE s.project_id = {project:String}
    AND (s.violation = '' OR {flagged:UInt8} = 1)
    AND s.created_at >= {from:DateTime64(3, 'UTC')}
    AND s.created_at < {to:DateTime64(3, 'UTC')}
    AND (empty({traces:Array(String)}) OR s.trace_id IN {traces:Array(String)} OR s.given_trace_id IN {traces:Array(String)})
  GROUP BY s.ballot
)
