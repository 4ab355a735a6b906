-- title: Scores by what they judge, a page at a time
-- param: project String = 'default'
-- param: names Array(String) = []
-- param: traces Array(String) = []
-- param: spans Array(String) = []
-- param: sessions Array(String) = []
-- param: runs Array(String) = []
-- param: ids Array(String) = []
-- param: types Array(String) = []
-- param: sources Array(String) = []
-- param: envs Array(String) = []
-- param: authors Array(String) = []
-- param: user String = ''
-- param: judged_as Array(String) = []
-- param: labels Array(String) = []
-- param: numbers Array(Float64) = []
-- param: operator String = ''
-- choice: operator = < > <= >= = !=
-- param: bound Float64 = 0
-- param: least Nullable(Float64) = NULL
-- param: most Nullable(Float64) = NULL
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: limit UInt32 = 50
-- param: offset UInt32 = 0

-- Every score once, in its newest state, newest first. `total` is how many there are in all pages together. An empty filter lets
-- everything pass. `judged_as` are names of configurations that have judged them, `envs` has `default` for none, and `operator` compares the
-- value with `bound`.
SELECT
  s.score_id AS id,
  s.name AS name,
  s.data_type AS data_type,
  s.value AS value,
  s.label AS label,
  s.text AS text,
  s.config AS config,
  s.violation AS violation,
  s.source AS source,
  s.author_id AS author_id,
  s.comment AS comment,
  s.metadata AS metadata,
  s.env AS env,
  if(s.given_trace_id = '', s.trace_id, s.given_trace_id) AS trace_id,
  if(s.given_span_id = '', s.span_id, s.given_span_id) AS span_id,
  s.session_id AS session_id,
  toUnixTimestamp64Milli(s.created_at) AS created_ms,
  s.version AS updated_ms,
  count() OVER () AS total
FROM all_scores AS s
WHERE s.project_id = {project:String}
  AND (empty({names:Array(String)}) OR s.name IN {names:Array(String)})
  AND (empty({traces:Array(String)}) OR s.trace_id IN {traces:Array(String)} OR s.given_trace_id IN {traces:Array(String)})
  AND (empty({spans:Array(String)}) OR s.span_id IN {spans:Array(String)} OR s.given_span_id IN {spans:Array(String)})
  AND (empty({sessions:Array(String)}) OR s.session_id IN {sessions:Array(String)})
  AND (empty({runs:Array(String)}) OR s.metadata['dataset_run_id'] IN {runs:Array(String)})
  AND (empty({ids:Array(String)}) OR s.score_id IN {ids:Array(String)})
  AND (empty({types:Array(String)}) OR s.data_type IN {types:Array(String)})
  AND (empty({sources:Array(String)}) OR s.source IN {sources:Array(String)})
  AND (empty({envs:Array(String)}) OR if(s.env = '', 'default', s.env) IN {envs:Array(String)})
  AND (empty({authors:Array(String)}) OR s.author_id IN {authors:Array(String)})
  AND ({user:String} = '' OR s.user_id = {user:String})
  AND (empty({judged_as:Array(String)}) OR (s.config != '' AND s.name IN {judged_as:Array(String)}))
  AND (empty({labels:Array(String)}) OR s.label IN {labels:Array(String)})
  AND (empty({numbers:Array(Float64)}) OR s.value IN {numbers:Array(Float64)})
  AND ifNull(multiIf({operator:String} = '', true,
    {operator:String} = '<', s.value < {bound:Float64}, {operator:String} = '>', s.value > {bound:Float64},
    {operator:String} = '<=', s.value <= {bound:Float64}, {operator:String} = '>=', s.value >= {bound:Float64},
    {operator:String} = '!=', s.value != {bound:Float64}, s.value = {bound:Float64}), false)
  AND ({least:Nullable(Float64)} IS NULL OR ifNull(s.value >= {least:Nullable(Float64)}, false))
  AND ({most:Nullable(Float64)} IS NULL OR ifNull(s.value <= {most:Nullable(Float64)}, false))
  AND s.created_at >= {from:DateTime64(3, 'UTC')}
  AND s.created_at < {to:DateTime64(3, 'UTC')}
ORDER BY s.created_at DESC, s.version DESC, id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
