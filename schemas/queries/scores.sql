-- title: Scores by what they judge, a page at a time
-- param: project String = 'default'
-- param: name String = ''
-- param: trace String = ''
-- param: session String = ''
-- param: ids Array(String) = []
-- param: types Array(String) = []
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: limit UInt32 = 50
-- param: offset UInt32 = 0

-- Every score once, in its newest state, newest first. `total` is how many there are in all pages together. An empty filter lets
-- everything pass.
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
  AND ({name:String} = '' OR s.name = {name:String})
  AND ({trace:String} = '' OR s.trace_id = {trace:String} OR s.given_trace_id = {trace:String})
  AND ({session:String} = '' OR s.session_id = {session:String})
  AND (empty({ids:Array(String)}) OR s.score_id IN {ids:Array(String)})
  AND (empty({types:Array(String)}) OR s.data_type IN {types:Array(String)})
  AND s.created_at >= {from:DateTime64(3, 'UTC')}
  AND s.created_at < {to:DateTime64(3, 'UTC')}
ORDER BY s.created_at DESC, s.version DESC, id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
