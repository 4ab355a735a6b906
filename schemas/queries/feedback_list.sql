-- title: Feedback and scores, newest first
-- param: project String = 'default'
-- param: model String = ''
-- param: score Nullable(Int8) = NULL
-- param: source String = ''
-- param: name String = ''
-- param: traces Array(String) = []
-- param: limit UInt32 = 100

-- Every score once, in its newest state. `score` is 1 good, -1 bad, 0 neutral, NULL for a number or label that says neither.
-- `violation` says how a score breaks its configuration; such scores are listed here and are in no figure.
-- An empty filter lets everything pass; `traces` finds what was sent for a trace or resolved to it.
SELECT
  s.score_id AS id,
  if(s.given_trace_id = '', s.trace_id, s.given_trace_id) AS trace_id,
  multiIf(s.verdict != 0, s.verdict, s.label = 'neutral', 0, NULL) AS score,
  s.comment AS comment,
  s.source AS source,
  s.author_id AS user_id,
  s.tags AS tags,
  s.metadata AS metadata,
  toUnixTimestamp64Milli(s.created_at) / 1000 AS created_at,
  s.project_id AS org_id,
  s.name AS name,
  s.value AS value,
  s.label AS label,
  s.data_type AS data_type,
  s.text AS text,
  s.config AS config,
  s.violation AS violation,
  s.error_type AS error_type,
  s.evaluator AS evaluator,
  s.evaluator_version AS evaluator_version,
  s.eval_cost AS cost,
  s.run_name AS run_name,
  s.dataset AS dataset,
  s.item_id AS item_id,
  if(s.given_span_id = '', s.span_id, s.given_span_id) AS span_id,
  s.response_id AS response_id,
  s.session_id AS session_id,
  s.resolved AS resolved,
  s.target AS target,
  s.trace_id AS target_trace_id,
  s.span_id AS target_span_id,
  s.provider AS provider,
  s.model AS model,
  s.feature AS feature,
  s.prompt_name AS prompt_name,
  s.prompt_version AS prompt_version,
  s.span_cost AS span_cost
FROM all_scores AS s
WHERE s.project_id = {project:String}
  AND ({model:String} = '' OR s.model = {model:String})
  AND ({source:String} = '' OR s.source = {source:String})
  AND ({name:String} = '' OR s.name = {name:String})
  AND ({score:Nullable(Int8)} IS NULL
    OR (s.verdict = {score:Nullable(Int8)} AND ({score:Nullable(Int8)} != 0 OR s.label = 'neutral')))
  AND (empty({traces:Array(String)}) OR s.trace_id IN {traces:Array(String)} OR s.given_trace_id IN {traces:Array(String)})
ORDER BY s.created_at DESC, s.version DESC, id
LIMIT {limit:UInt32}
