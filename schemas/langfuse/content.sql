-- title: What was said in these spans
-- param: project String = 'default'
-- param: traces Array(String) = []
-- param: spans Array(String) = []
-- param: from DateTime64(9, 'UTC') = toDateTime64(0, 9, 'UTC')
-- param: to DateTime64(9, 'UTC') = now64(9, 'UTC') + INTERVAL 1 DAY

-- As captured; dialects that spread it over several attributes have it in `attributes`.
SELECT
  o.span_id AS span_id,
  o.input_messages AS input,
  o.output_messages AS output,
  o.attributes AS attributes
FROM span_content AS o FINAL
WHERE o.project_id = {project:String}
  AND o.start_time >= {from:DateTime64(9, 'UTC')}
  AND o.start_time <= {to:DateTime64(9, 'UTC')}
  AND o.trace_id IN {traces:Array(String)}
  AND o.span_id IN {spans:Array(String)}
