-- Cluster form only: the readable name follows its shards, then the view over it is made again.

ALTER TABLE {db}.scores{on_cluster}
  ADD COLUMN IF NOT EXISTS run_name LowCardinality(String) AFTER error_type,
  ADD COLUMN IF NOT EXISTS dataset LowCardinality(String) AFTER run_name,
  ADD COLUMN IF NOT EXISTS item_id String AFTER dataset;

CREATE OR REPLACE VIEW {db}.current_scores{on_cluster} AS
SELECT * EXCEPT (is_deleted)
FROM {db}.scores FINAL
WHERE is_deleted = 0;
