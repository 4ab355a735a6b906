-- Cluster form only: every shard aggregates its own spans, a read adds the shards up.

CREATE TABLE IF NOT EXISTS {db}.usage_hourly{on_cluster} AS {db}.usage_hourly_local ENGINE = Distributed('{cluster}', '{db}', 'usage_hourly_local');

CREATE TABLE IF NOT EXISTS {db}.usage_user_daily{on_cluster} AS {db}.usage_user_daily_local ENGINE = Distributed('{cluster}', '{db}', 'usage_user_daily_local');
