-- Score configurations: what a score of one name may be, and which of its values are good (docs/decisions/0032). A score says which
-- configuration judged it and how it breaks it; who reads figures reads `current_scores`, which leaves those that do out.

ALTER TABLE {db}.scores{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS said_verdict Int8 AFTER verdict,
  ADD COLUMN IF NOT EXISTS config LowCardinality(String) AFTER said_verdict,
  ADD COLUMN IF NOT EXISTS violation LowCardinality(String) AFTER config,
  ADD COLUMN IF NOT EXISTS each_counts UInt8 AFTER violation,
  ADD COLUMN IF NOT EXISTS text String CODEC(ZSTD(3)) AFTER comment;

-- The same for the readable name over shards; on a single node it is the table above and nothing is left to do.
ALTER TABLE {db}.scores{on_cluster}
  ADD COLUMN IF NOT EXISTS said_verdict Int8 AFTER verdict,
  ADD COLUMN IF NOT EXISTS config LowCardinality(String) AFTER said_verdict,
  ADD COLUMN IF NOT EXISTS violation LowCardinality(String) AFTER config,
  ADD COLUMN IF NOT EXISTS each_counts UInt8 AFTER violation,
  ADD COLUMN IF NOT EXISTS text String AFTER comment;

-- Appended, never changed: what was in force when, and what a version that a score names said.
CREATE TABLE IF NOT EXISTS {db}.score_configs{on_cluster} (
  project_id LowCardinality(String),
  name String,
  source LowCardinality(String),
  recorded_at DateTime64(3, 'UTC'),
  version String,
  config String,
  is_deleted UInt8
) ENGINE = {rmt}({everywhere}recorded_at)
ORDER BY (project_id, name, source, recorded_at, version);

CREATE TABLE IF NOT EXISTS {db}.score_rejudgements{on_cluster} (
  project_id LowCardinality(String),
  score_id String,
  version UInt64,
  name LowCardinality(String),
  judged_at DateTime64(3, 'UTC'),
  run String,
  config_before LowCardinality(String),
  config_after LowCardinality(String),
  verdict_before Int8,
  verdict_after Int8,
  violation_before LowCardinality(String),
  violation_after LowCardinality(String)
) ENGINE = {rmt}({everywhere}judged_at)
ORDER BY (project_id, score_id, version);

CREATE OR REPLACE VIEW {db}.all_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0;

CREATE OR REPLACE VIEW {db}.current_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0 AND violation = '';
