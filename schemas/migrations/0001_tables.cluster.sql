-- Cluster form only: the readable names are Distributed tables over the shards' _local ones. One trace lives on one shard.

CREATE TABLE IF NOT EXISTS {db}.spans{on_cluster} AS {db}.spans_local ENGINE = Distributed('{cluster}', '{db}', 'spans_local', cityHash64(trace_id));

CREATE TABLE IF NOT EXISTS {db}.span_content{on_cluster} AS {db}.span_content_local ENGINE = Distributed('{cluster}', '{db}', 'span_content_local', cityHash64(trace_id));

CREATE TABLE IF NOT EXISTS {db}.scores{on_cluster} AS {db}.scores_local ENGINE = Distributed('{cluster}', '{db}', 'scores_local', cityHash64(score_id));

CREATE TABLE IF NOT EXISTS {db}.logs{on_cluster} AS {db}.logs_local ENGINE = Distributed('{cluster}', '{db}', 'logs_local', cityHash64(trace_id));

CREATE TABLE IF NOT EXISTS {db}.span_recosts{on_cluster} AS {db}.span_recosts_local ENGINE = Distributed('{cluster}', '{db}', 'span_recosts_local', cityHash64(trace_id));

CREATE TABLE IF NOT EXISTS {db}.ledger_corrections{on_cluster} AS {db}.ledger_corrections_local ENGINE = Distributed('{cluster}', '{db}', 'ledger_corrections_local', cityHash64(trace_id));
