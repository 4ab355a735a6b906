-- Signals are what rules and users' doings say, by the names of the rules: an evaluation that a team calls `automated-relevancy` is one
-- like any other.

-- Scores that may be votes, one row a score. `vote`: 1 good, -1 bad, 0 neutral, NULL for one that says neither. `ballot`: of several
-- by one author with one name on one target only the newest counts, the one with the highest `given` (ties by id). Not here: failed
-- evaluations and signals (docs/decisions/0030); here but to be left out unless asked for: `violation` (0029).
CREATE OR REPLACE VIEW {db}.votes{on_cluster} AS
SELECT
  s.* EXCEPT (calls),
  if(s.target = 'span' AND s.kind IN ('llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'moderation'), 1, s.calls) AS calls,
  multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, NULL) AS vote,
  cityHash64(if(s.author_id = '' OR s.each_counts = 1, s.score_id, ''), s.author_id, s.name, s.target, s.trace_id, s.span_id,
    if(s.trace_id = '', s.response_id, ''), if(s.target = 'session', s.session_id, '')) AS ballot,
  toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576 AS given
FROM {db}.all_scores AS s
WHERE s.error_type = '' AND NOT match(s.name, '^(automated-(refusal|empty-answer|malformed-json|schema-violation|format-violation|too-long|tool-error|content-filter)$|implicit-|signal-)');
