-- What figures of quality count: the view `votes` says once what a vote is, whose it is and which of several is the newest. Scores
-- say for whom the judged call was, and how many calls they judge, so that no figure has to look for the calls of a million scores.

ALTER TABLE {db}.scores{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS team LowCardinality(String) AFTER session_id,
  ADD COLUMN IF NOT EXISTS customer String CODEC(ZSTD(1)) AFTER team,
  ADD COLUMN IF NOT EXISTS calls UInt32 CODEC(T64, ZSTD(1)) AFTER customer;

-- The same for the readable name over shards; on a single node it is the table above and nothing is left to do.
ALTER TABLE {db}.scores{on_cluster}
  ADD COLUMN IF NOT EXISTS team LowCardinality(String) AFTER session_id,
  ADD COLUMN IF NOT EXISTS customer String AFTER team,
  ADD COLUMN IF NOT EXISTS calls UInt32 AFTER customer;

-- A view's columns are those of the day it was made.
CREATE OR REPLACE VIEW {db}.all_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0;

CREATE OR REPLACE VIEW {db}.current_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0 AND violation = '';

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
WHERE s.error_type = '' AND NOT match(s.name, '^(automated|implicit)-');
