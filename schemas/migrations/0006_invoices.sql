-- Bills laid beside the ledger. Few rows and no stream: every server of a cluster has them all. An import is in force once its row
-- in invoice_imports is there, which is written last; a newer import of the same day takes its place.

CREATE TABLE IF NOT EXISTS {db}.invoice_imports{on_cluster} (
  import_id String,
  project_id LowCardinality(String),
  provider LowCardinality(String),
  day Date,
  imported_at DateTime64(3, 'UTC'),
  asked LowCardinality(String),
  files Array(String),
  hashes Array(String),
  formats Array(String),
  notes Array(String),
  bill_cost Nullable(Decimal(38, 12)),
  ledger_cost Decimal(38, 12),
  difference Decimal(38, 12),
  written_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = {rmt}({everywhere}written_at)
ORDER BY (project_id, provider, day, import_id);

CREATE TABLE IF NOT EXISTS {db}.invoice_lines{on_cluster} (
  import_id String,
  project_id LowCardinality(String),
  provider LowCardinality(String),
  day Date,
  row UInt32,
  account LowCardinality(String),
  model LowCardinality(String),
  kind LowCardinality(String),
  tier LowCardinality(String),
  geo LowCardinality(String),
  label String,
  bill_quantity Nullable(Decimal(38, 12)),
  ledger_quantity Nullable(Decimal(38, 12)),
  bill_cost Nullable(Decimal(38, 12)),
  ledger_cost Nullable(Decimal(38, 12)),
  quantity_part Decimal(38, 12),
  price_part Decimal(38, 12),
  state LowCardinality(String),
  written_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = {rmt}({everywhere}written_at)
ORDER BY (project_id, provider, day, import_id, row);

CREATE TABLE IF NOT EXISTS {db}.invoice_findings{on_cluster} (
  import_id String,
  project_id LowCardinality(String),
  provider LowCardinality(String),
  day Date,
  row UInt32,
  account LowCardinality(String),
  model LowCardinality(String),
  kind LowCardinality(String),
  category LowCardinality(String),
  cause LowCardinality(String),
  evidence LowCardinality(String),
  label String,
  quantity Decimal(38, 12),
  amount Decimal(38, 12),
  quantity_part Decimal(38, 12),
  price_part Decimal(38, 12),
  written_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = {rmt}({everywhere}written_at)
ORDER BY (project_id, provider, day, import_id, row);

CREATE OR REPLACE VIEW {db}.current_invoice_lines{on_cluster} AS
SELECT * EXCEPT (written_at)
FROM {db}.invoice_lines FINAL
WHERE (project_id, provider, day, import_id) IN (
  SELECT project_id, provider, day, argMax(import_id, (imported_at, import_id))
  FROM {db}.invoice_imports FINAL
  GROUP BY project_id, provider, day
);

CREATE OR REPLACE VIEW {db}.current_invoice_findings{on_cluster} AS
SELECT * EXCEPT (written_at)
FROM {db}.invoice_findings FINAL
WHERE (project_id, provider, day, import_id) IN (
  SELECT project_id, provider, day, argMax(import_id, (imported_at, import_id))
  FROM {db}.invoice_imports FINAL
  GROUP BY project_id, provider, day
);
