-- Settling and reconciling ask for what arrived lately. Rows are sorted by project, kind and hour, so that arrival is near sorted
-- within each; its bounds a granule are enough to read little else.

ALTER TABLE {db}.spans{sfx}{on_cluster} ADD INDEX IF NOT EXISTS ix_ingested ingested_at TYPE minmax GRANULARITY 1;

ALTER TABLE {db}.spans{sfx}{on_cluster} MATERIALIZE INDEX ix_ingested;
