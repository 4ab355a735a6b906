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
  sumIf(given - 1, NOT is_failed) AS superseded,
  countIf(NOT is_failed AND NOT is_vote) AS without_verdict,
  sumIf(given, is_failed) AS failed,
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
  -- One row a vote: of several by one author the newest, ties by id. Score 2 says neither good, bad nor neutral.
  SELECT
    s.error_type != '' AS is_failed,
    count() AS given,
    argMax(multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, 2), toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS newest,
    argMax(s.resolved, toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS is_resolved,
    NOT is_failed AND newest != 2 AS is_vote
  FROM all_scores AS s
  WHERE s.project_id = {project:String}
    AND (s.violation = '' OR {flagged:UInt8} = 1)
    AND NOT match(s.name, '^(automated|implicit)-')
    AND s.created_at >= {from:DateTime64(3, 'UTC')}
    AND s.created_at < {to:DateTime64(3, 'UTC')}
    AND (empty({traces:Array(String)}) OR s.trace_id IN {traces:Array(String)} OR s.given_trace_id IN {traces:Array(String)})
  GROUP BY
    is_failed,
    cityHash64(if(s.author_id = '' OR s.each_counts = 1, s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id, if(s.trace_id = '', s.response_id, ''), if(s.target = 'session', s.session_id, ''))
)
