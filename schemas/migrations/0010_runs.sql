-- Which run of which dataset a score is a result of, and of which item: so that two runs can be laid side by side.

ALTER TABLE {db}.scores{sfx}{on_cluster}
  ADD COLUMN IF NOT EXISTS run_name LowCardinality(String) AFTER error_type,
  ADD COLUMN IF NOT EXISTS dataset LowCardinality(String) AFTER run_name,
  ADD COLUMN IF NOT EXISTS item_id String CODEC(ZSTD(1)) AFTER dataset;

-- A view's columns are those of the day it was made.
CREATE OR REPLACE VIEW {db}.current_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0;
