-- The tables that the collector writes. Columns are declared in schemas/*-table.ts; a test holds the migrated tables to them.
-- Placeholders ({db}, {sfx}, {on_cluster}, {rmt}, {sharded}, {everywhere}, {dedup}) are filled in by collector/clickhouse/migrate.ts;
-- statements end with a semicolon at a line's end.

CREATE TABLE IF NOT EXISTS {db}.spans{sfx}{on_cluster} (
  project_id LowCardinality(String),
  kind LowCardinality(String),
  start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  parent_span_id String CODEC(ZSTD(1)),
  trace_state String CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  duration_ns UInt64 CODEC(T64, ZSTD(1)),
  ttft_ns UInt64 CODEC(T64, ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  span_kind LowCardinality(String),
  status LowCardinality(String),
  status_message String CODEC(ZSTD(1)),
  error_type LowCardinality(String),
  failure_class LowCardinality(String),
  service LowCardinality(String),
  service_version LowCardinality(String),
  env LowCardinality(String),
  release LowCardinality(String),
  scope_name LowCardinality(String),
  scope_version LowCardinality(String),
  dialect LowCardinality(String),
  operation LowCardinality(String),
  provider LowCardinality(String),
  request_model LowCardinality(String),
  response_model LowCardinality(String),
  model LowCardinality(String),
  service_tier LowCardinality(String),
  feature LowCardinality(String),
  user_id String CODEC(ZSTD(1)),
  session_id String CODEC(ZSTD(1)),
  agent_name LowCardinality(String),
  tool_name LowCardinality(String),
  prompt_name LowCardinality(String),
  prompt_version LowCardinality(String),
  response_id String CODEC(ZSTD(1)),
  finish_reason LowCardinality(String),
  stream Nullable(UInt8),
  temperature Nullable(Float64),
  max_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
  input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
  cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
  cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
  output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
  reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
  usage_other Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)),
  usage_rule LowCardinality(String),
  input_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  cache_read_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  cache_write_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  output_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  other_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  total_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  reported_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  reported_cost_source LowCardinality(String),
  cost_status LowCardinality(String),
  cost_reason LowCardinality(String),
  cost_flags LowCardinality(String),
  price_entry LowCardinality(String),
  price_book LowCardinality(String),
  counted_as String CODEC(ZSTD(1)),
  attempt UInt16,
  attempts UInt16,
  wasted_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  events Array(Tuple(ts DateTime64(9, 'UTC'), name LowCardinality(String), attributes Map(LowCardinality(String), String))) CODEC(ZSTD(1)),
  links Array(Tuple(trace_id String, span_id String, attributes Map(LowCardinality(String), String))) CODEC(ZSTD(1)),
  retention_days UInt16,
  ingested_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  revision UInt32 CODEC(ZSTD(1)),
  sign Int8 CODEC(ZSTD(1)),
  -- Highest wins: a correction beats what it corrects, its new state beats its cancelling copy.
  version UInt64 MATERIALIZED toUInt64(revision) * 2 + (sign > 0),
  INDEX ix_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX ix_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX ix_user user_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX ix_response response_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX ix_start start_time TYPE minmax GRANULARITY 1,
  INDEX ix_cost total_cost TYPE minmax GRANULARITY 1
) ENGINE = {rmt}({sharded}version)
PARTITION BY (retention_days, toMonday(start_time))
PRIMARY KEY (project_id, kind, toStartOfHour(start_time), trace_id)
ORDER BY (project_id, kind, toStartOfHour(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, {dedup} min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

CREATE TABLE IF NOT EXISTS {db}.span_content{sfx}{on_cluster} (
  project_id LowCardinality(String),
  start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  user_id String CODEC(ZSTD(1)),
  system_instructions String CODEC(ZSTD(3)),
  input_messages String CODEC(ZSTD(3)),
  output_messages String CODEC(ZSTD(3)),
  tool_definitions String CODEC(ZSTD(3)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
  retention_days UInt16,
  ingested_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  INDEX ix_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX ix_user user_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {rmt}({sharded}ingested_at)
PARTITION BY (retention_days, toMonday(start_time))
ORDER BY (project_id, toStartOfHour(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, {dedup} index_granularity_bytes = 10485760;

CREATE TABLE IF NOT EXISTS {db}.scores{sfx}{on_cluster} (
  project_id LowCardinality(String),
  name LowCardinality(String),
  created_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  score_id String CODEC(ZSTD(1)),
  target LowCardinality(String),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  response_id String CODEC(ZSTD(1)),
  given_trace_id String CODEC(ZSTD(1)),
  given_span_id String CODEC(ZSTD(1)),
  data_type LowCardinality(String),
  value Nullable(Float64) CODEC(ZSTD(1)),
  label LowCardinality(String),
  verdict Int8,
  source LowCardinality(String),
  author_id String CODEC(ZSTD(1)),
  evaluator LowCardinality(String),
  evaluator_version LowCardinality(String),
  error_type LowCardinality(String),
  eval_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  comment String CODEC(ZSTD(3)),
  tags Array(String) CODEC(ZSTD(1)),
  metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  resolved UInt8,
  target_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  kind LowCardinality(String),
  env LowCardinality(String),
  service LowCardinality(String),
  release LowCardinality(String),
  feature LowCardinality(String),
  provider LowCardinality(String),
  model LowCardinality(String),
  prompt_name LowCardinality(String),
  prompt_version LowCardinality(String),
  user_id String CODEC(ZSTD(1)),
  session_id String CODEC(ZSTD(1)),
  span_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  retention_days UInt16,
  version UInt64 CODEC(Delta(8), ZSTD(1)),
  is_deleted UInt8,
  INDEX ix_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX ix_response response_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX ix_target target_time TYPE minmax GRANULARITY 1,
  INDEX ix_created created_at TYPE minmax GRANULARITY 1
) ENGINE = {rmt}({sharded}version, is_deleted)
ORDER BY (project_id, score_id)
TTL toDateTime(created_at) + toIntervalDay(retention_days)
SETTINGS {dedup} index_granularity = 8192;

CREATE TABLE IF NOT EXISTS {db}.logs{sfx}{on_cluster} (
  project_id LowCardinality(String),
  time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  event_name LowCardinality(String),
  severity_number UInt8,
  severity_text LowCardinality(String),
  body String CODEC(ZSTD(3)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
  service LowCardinality(String),
  scope_name LowCardinality(String),
  scope_version LowCardinality(String),
  resource Map(LowCardinality(String), String) CODEC(ZSTD(3)),
  record_id UInt64,
  retention_days UInt16,
  ingested_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  INDEX ix_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = {rmt}({sharded}ingested_at)
PARTITION BY (retention_days, toMonday(time))
ORDER BY (project_id, event_name, toStartOfHour(time), trace_id, span_id, record_id)
TTL toDateTime(time) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, {dedup} index_granularity_bytes = 10485760;

CREATE TABLE IF NOT EXISTS {db}.model_prices{on_cluster} (
  price_book LowCardinality(String),
  entry_id String,
  provider LowCardinality(String),
  model LowCardinality(String),
  aliases Array(String),
  conditions String,
  min_input_tokens UInt64,
  valid_from DateTime64(3, 'UTC'),
  valid_to DateTime64(3, 'UTC'),
  recorded_at DateTime64(3, 'UTC'),
  currency LowCardinality(String),
  rates Map(LowCardinality(String), String),
  per Map(LowCardinality(String), String),
  source String,
  confidence LowCardinality(String),
  loaded_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = {rmt}({everywhere}loaded_at)
ORDER BY (price_book, provider, model, entry_id, min_input_tokens);

CREATE TABLE IF NOT EXISTS {db}.span_recosts{sfx}{on_cluster} (
  project_id LowCardinality(String),
  pricing_run LowCardinality(String),
  start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  env LowCardinality(String),
  service LowCardinality(String),
  feature LowCardinality(String),
  provider LowCardinality(String),
  model LowCardinality(String),
  prompt_name LowCardinality(String),
  prompt_version LowCardinality(String),
  user_id String CODEC(ZSTD(1)),
  price_book LowCardinality(String),
  price_entry LowCardinality(String),
  cost_status LowCardinality(String),
  cost_reason LowCardinality(String),
  input_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  cache_read_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  cache_write_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  output_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  other_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  total_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  original_cost Nullable(Decimal(18, 12)) CODEC(T64, ZSTD(1)),
  retention_days UInt16,
  computed_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
) ENGINE = {rmt}({sharded}computed_at)
PARTITION BY (retention_days, toMonday(start_time))
ORDER BY (project_id, pricing_run, toStartOfHour(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, {dedup} index_granularity = 8192;

CREATE TABLE IF NOT EXISTS {db}.ledger_corrections{sfx}{on_cluster} (
  project_id LowCardinality(String),
  corrected_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  revision UInt32,
  reason LowCardinality(String),
  changes Map(LowCardinality(String), String),
  old_cost Nullable(Decimal(18, 12)),
  new_cost Nullable(Decimal(18, 12)),
  evidence String CODEC(ZSTD(3)),
  made_by LowCardinality(String)
) ENGINE = {rmt}({sharded}corrected_at)
PARTITION BY toMonday(corrected_at)
ORDER BY (project_id, trace_id, span_id, revision)
SETTINGS {dedup} index_granularity = 8192;
