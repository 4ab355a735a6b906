-- Datasets that Langfuse's SDKs keep here, their items in every version, and which trace answered which item in which run
-- (docs/decisions/0037). Small beside calls and scores: every server of a cluster has them whole.

CREATE TABLE IF NOT EXISTS {db}.datasets{on_cluster} (
  project_id LowCardinality(String),
  name String,
  created_at DateTime64(3, 'UTC'),
  recorded_at DateTime64(3, 'UTC'),
  description String,
  metadata String
) ENGINE = {rmt}({everywhere}recorded_at)
ORDER BY (project_id, name);

-- A row a version: what an item was at any time can be asked.
CREATE TABLE IF NOT EXISTS {db}.dataset_items{on_cluster} (
  project_id LowCardinality(String),
  item_id String,
  dataset String,
  created_at DateTime64(3, 'UTC'),
  recorded_at DateTime64(3, 'UTC'),
  input String CODEC(ZSTD(3)),
  expected_output String CODEC(ZSTD(3)),
  metadata String CODEC(ZSTD(3)),
  source_trace_id String,
  source_span_id String,
  status LowCardinality(String),
  is_deleted UInt8
) ENGINE = {rmt}({everywhere}recorded_at)
ORDER BY (project_id, item_id, recorded_at);

CREATE TABLE IF NOT EXISTS {db}.dataset_run_items{on_cluster} (
  project_id LowCardinality(String),
  trace_id String,
  span_id String,
  run_id String,
  item_id String,
  run_name String,
  dataset String,
  recorded_at DateTime64(3, 'UTC'),
  description String,
  metadata String
) ENGINE = {rmt}({everywhere}recorded_at)
ORDER BY (project_id, trace_id, span_id, run_id, item_id);
