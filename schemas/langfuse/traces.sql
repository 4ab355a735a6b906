-- title: Traces, as Langfuse lists them
-- param: project String = 'default'
-- param: ids Array(String) = []
-- param: name String = ''
-- param: user String = ''
-- param: session String = ''
-- param: release String = ''
-- param: version String = ''
-- param: envs Array(String) = []
-- param: tags Array(String) = []
-- param: from DateTime64(3, 'UTC') = toDateTime64(0, 3, 'UTC')
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: ascending UInt8 = 0
-- param: limit UInt32 = 50
-- param: offset UInt32 = 0

-- A trace is named by its feature, which is where Langfuse's own name of it is kept, else by its root. `total` counts all pages.
SELECT
  s.trace_id AS trace_id,
  toString(min(s.start_time)) AS start_time,
  argMin(s.feature, (s.parent_span_id != '', s.start_time)) AS root_feature,
  minIf(s.feature, s.feature != '') AS some_feature,
  multiIf(root_feature != '', root_feature, some_feature != '', some_feature, argMin(s.name, (s.parent_span_id != '', s.start_time))) AS name,
  arraySort(arrayDistinct(arrayFlatten(groupArray(JSONExtract(if(s.attributes['langfuse.trace.tags'] = '', s.attributes['tag.tags'], s.attributes['langfuse.trace.tags']), 'Array(String)'))))) AS tags,
  argMin(mapFilter((k, v) -> startsWith(k, 'langfuse.trace.metadata'), s.attributes), (s.parent_span_id != '', s.start_time)) AS metadata,
  minIf(s.attributes['langfuse.version'], s.attributes['langfuse.version'] != '') AS version,
  arrayMap(x -> x.2, arraySort(groupArray(1000)((s.start_time, s.span_id)))) AS observations,
  count() OVER () AS total
FROM spans AS s FINAL
WHERE s.project_id = {project:String}
  AND (empty({ids:Array(String)}) OR s.trace_id IN {ids:Array(String)})
  AND s.start_time >= {from:DateTime64(3, 'UTC')}
  AND s.start_time < {to:DateTime64(3, 'UTC')}
GROUP BY s.trace_id
HAVING ({name:String} = '' OR name = {name:String})
  AND ({user:String} = '' OR countIf(s.user_id = {user:String}) > 0)
  AND ({session:String} = '' OR countIf(s.session_id = {session:String}) > 0)
  AND ({release:String} = '' OR countIf(s.release = {release:String}) > 0)
  AND ({version:String} = '' OR version = {version:String})
  AND (empty({envs:Array(String)}) OR countIf(has({envs:Array(String)}, if(s.env = '', 'default', toString(s.env)))) > 0)
  AND hasAll(tags, {tags:Array(String)})
ORDER BY if({ascending:UInt8} = 1, 1, -1) * toUnixTimestamp64Milli(min(s.start_time)), s.trace_id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
