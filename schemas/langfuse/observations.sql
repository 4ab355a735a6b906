-- title: Spans, as Langfuse lists its observations
-- param: project String = 'default'
-- param: id String = ''
-- param: trace String = ''
-- param: parent Nullable(String) = NULL
-- param: name String = ''
-- param: user String = ''
-- param: session String = ''
-- param: kinds Array(String) = []
-- param: status String = ''
-- param: version String = ''
-- param: envs Array(String) = []
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: after_time DateTime64(9, 'UTC') = toDateTime64('2261-12-31 00:00:00', 9, 'UTC')
-- param: after_trace String = ''
-- param: after_span String = ''
-- param: limit UInt32 = 50
-- param: offset UInt32 = 0

-- Usage and cost are those of real calls: a span that sums or repeats others has none here, so that a sum of these is the ledger's.
SELECT
  s.trace_id AS trace_id,
  s.span_id AS span_id,
  s.parent_span_id AS parent_span_id,
  toString(s.start_time) AS start_time,
  toUnixTimestamp64Milli(s.start_time) AS start_ms,
  toUnixTimestamp64Milli(addNanoseconds(s.start_time, s.duration_ns)) AS end_ms,
  toUnixTimestamp64Milli(s.ingested_at) AS ingested_ms,
  s.duration_ns AS duration_ns,
  s.ttft_ns AS ttft_ns,
  s.kind AS kind,
  s.span_kind AS span_kind,
  s.name AS name,
  s.status AS status,
  s.status_message AS status_message,
  s.env AS env,
  s.release AS release,
  s.feature AS feature,
  s.user_id AS user_id,
  s.session_id AS session_id,
  s.attributes['langfuse.version'] AS version,
  if(s.model = '', s.request_model, s.model) AS model,
  s.temperature AS temperature,
  s.max_tokens AS max_tokens,
  s.prompt_name AS prompt_name,
  s.prompt_version AS prompt_version,
  s.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call') AS is_call,
  s.input_tokens AS input_tokens,
  s.cache_read_tokens AS cache_read_tokens,
  s.cache_write_tokens AS cache_write_tokens,
  s.output_tokens AS output_tokens,
  s.input_cost AS input_cost,
  s.cache_read_cost AS cache_read_cost,
  s.cache_write_cost AS cache_write_cost,
  s.output_cost AS output_cost,
  s.total_cost AS total_cost,
  s.cost_status AS cost_status,
  JSONExtract(s.attributes['langfuse.trace.tags'], 'Array(String)') AS tags,
  mapFilter((k, v) -> startsWith(k, 'langfuse.observation.metadata'), s.attributes) AS metadata,
  count() OVER () AS total
FROM spans AS s FINAL
WHERE s.project_id = {project:String}
  AND ({id:String} = '' OR s.span_id = {id:String})
  AND ({trace:String} = '' OR s.trace_id = {trace:String})
  AND ({parent:Nullable(String)} IS NULL OR s.parent_span_id = {parent:Nullable(String)})
  AND ({name:String} = '' OR s.name = {name:String})
  AND ({user:String} = '' OR s.user_id = {user:String})
  AND ({session:String} = '' OR s.session_id = {session:String})
  AND (empty({kinds:Array(String)}) OR s.kind IN {kinds:Array(String)})
  AND ({status:String} = '' OR s.status = {status:String})
  AND ({version:String} = '' OR s.attributes['langfuse.version'] = {version:String})
  AND (empty({envs:Array(String)}) OR if(s.env = '', 'default', toString(s.env)) IN {envs:Array(String)})
  AND s.start_time >= {from:DateTime64(3, 'UTC')}
  AND s.start_time < {to:DateTime64(3, 'UTC')}
  AND (s.start_time, s.trace_id, s.span_id) < ({after_time:DateTime64(9, 'UTC')}, {after_trace:String}, {after_span:String})
ORDER BY s.start_time DESC, trace_id DESC, span_id DESC
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
