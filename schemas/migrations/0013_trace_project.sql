-- otel_traces says of which project a span is: a trace id alone is no key to it.

CREATE OR REPLACE VIEW {db}.otel_traces{on_cluster} AS
SELECT
  start_time AS Timestamp,
  trace_id AS TraceId,
  span_id AS SpanId,
  parent_span_id AS ParentSpanId,
  trace_state AS TraceState,
  name AS SpanName,
  initcap(toString(span_kind)) AS SpanKind,
  service AS ServiceName,
  resource AS ResourceAttributes,
  CAST(scope_name, 'String') AS ScopeName,
  CAST(scope_version, 'String') AS ScopeVersion,
  -- What was kept as sent wins over the column.
  CAST(mapUpdate(mapFilter((k, v) -> v != '', map(
    'error.type', toString(error_type),
    'gen_ai.operation.name', toString(operation),
    'gen_ai.provider.name', toString(provider),
    'gen_ai.request.model', toString(request_model),
    'gen_ai.response.model', toString(response_model),
    'user.id', toString(user_id),
    'gen_ai.conversation.id', toString(session_id),
    'gen_ai.agent.name', toString(agent_name),
    'gen_ai.tool.name', toString(tool_name),
    'gen_ai.prompt.name', toString(prompt_name),
    'gen_ai.prompt.version', toString(prompt_version),
    'gen_ai.response.id', toString(response_id),
    'gen_ai.response.finish_reasons', if(finish_reason = '', '', concat('["', replaceAll(finish_reason, ',', '","'), '"]')),
    'gen_ai.request.stream', if(stream IS NULL, '', if(stream = 1, 'true', 'false')),
    'gen_ai.request.temperature', ifNull(toString(temperature), ''),
    'gen_ai.request.max_tokens', ifNull(toString(max_tokens), ''),
    'gen_ai.usage.input_tokens', ifNull(toString(input_tokens), ''),
    'gen_ai.usage.cache_read.input_tokens', if(cache_read_tokens = 0, '', toString(cache_read_tokens)),
    'gen_ai.usage.cache_write.input_tokens', if(cache_write_tokens = 0, '', toString(cache_write_tokens)),
    'gen_ai.usage.output_tokens', ifNull(toString(output_tokens), ''),
    'gen_ai.usage.reasoning.output_tokens', if(reasoning_tokens = 0, '', toString(reasoning_tokens))
  )), CAST(attributes, 'Map(String, String)')), 'Map(LowCardinality(String), String)') AS SpanAttributes,
  duration_ns AS Duration,
  toLowCardinality(if(status = 'error', 'Error', 'Unset')) AS StatusCode,
  status_message AS StatusMessage,
  events.ts AS `Events.Timestamp`,
  events.name AS `Events.Name`,
  events.attributes AS `Events.Attributes`,
  links.trace_id AS `Links.TraceId`,
  links.span_id AS `Links.SpanId`,
  arrayMap(x -> '', links.trace_id) AS `Links.TraceState`,
  links.attributes AS `Links.Attributes`,
  CAST(project_id, 'String') AS ProjectId
FROM {db}.spans FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
