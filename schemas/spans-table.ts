// Every column of `spans`, declared once. A column is added here, in a migration, and nowhere else.
// Types, codecs and their measurements: ClickHouse 26.7; attribute names: semantic-conventions-genai (2026-08).

import type { Column, Table } from './table.ts'

const low = 'LowCardinality(String)'
const text = { type: 'String', codec: 'ZSTD(1)' } as const
const count = { type: 'UInt64', codec: 'T64, ZSTD(1)', unit: 'tokens' } as const
const countOrNull = { type: 'Nullable(UInt64)', codec: 'T64, ZSTD(1)', unit: 'tokens' } as const
const money = { type: 'Nullable(Decimal(18, 12))', codec: 'T64, ZSTD(1)', unit: 'USD' } as const
const map = { type: `Map(${low}, String)`, codec: 'ZSTD(1)' } as const

const identity = [
  { name: 'project_id', type: low, doc: 'Project the request belonged to, from its key; `default` without keys.' },
  {
    name: 'kind',
    type: low,
    doc: '`llm`, `embedding`, `rerank`, `image`, `audio`, `video`, `moderation` (calls of a model); `agent`, `workflow`, `tool`, `retrieval`, `evaluator`, `other`.',
  },
  {
    name: 'start_time',
    type: "DateTime64(9, 'UTC')",
    codec: 'Delta(8), ZSTD(1)',
    doc: 'Start of the span. A time more than 400 days back or a day ahead is clamped; what was sent is then in `attributes` under `spanledger.start_time_unix_nano`.',
  },
  { name: 'trace_id', ...text, doc: 'Lower hex, 32 digits.' },
  { name: 'span_id', ...text, doc: 'Lower hex, 16 digits.' },
  { name: 'parent_span_id', ...text, doc: 'Lower hex, empty for a root.' },
  { name: 'trace_state', ...text, doc: 'W3C trace state as sent.' },
  { name: 'flags', type: 'UInt32', codec: 'ZSTD(1)', doc: 'OTLP span flags as sent.' },
  {
    name: 'duration_ns',
    type: 'UInt64',
    codec: 'T64, ZSTD(1)',
    unit: 'ns',
    doc: 'End minus start; 0 where the end is before the start.',
  },
  {
    name: 'ttft_ns',
    type: 'UInt64',
    codec: 'T64, ZSTD(1)',
    unit: 'ns',
    doc: 'Time to the first token or chunk; 0 = not reported.',
  },
  { name: 'name', type: low, codec: 'ZSTD(1)', doc: 'Span name.' },
  {
    name: 'span_kind',
    type: low,
    doc: '`internal`, `server`, `client`, `producer`, `consumer`, `unspecified`, or `event`: the row was made of a log event.',
  },
  { name: 'status', type: low, doc: '`ok` or `error`.' },
  { name: 'status_message', ...text, doc: 'Status description, else the message of the exception event.' },
  { name: 'error_type', type: low, semconv: 'error.type', doc: '`error.type`, else the type of the exception event.' },
  {
    name: 'failure_class',
    type: low,
    doc: 'Why a call failed: `rate_limit` (quota and credit too), `provider_error`, `timeout`, `cancelled`, `malformed_output`, `schema_violation`, `tool_error`, `empty_response`, `refusal`, `context_length`, `content_filter`, `auth`, `other`; empty when it did not. A call whose `status` is `ok` has one too where its finish reason says that the answer was refused, filtered or broken; an output cut at its limit is no failure.',
  },
] as const satisfies readonly Column[]

const attribution = [
  { name: 'service', type: low, doc: 'Resource `service.name`.' },
  { name: 'service_version', type: low, doc: 'Resource `service.version`.' },
  { name: 'env', type: low, doc: '`deployment.environment.name`, older `deployment.environment`.' },
  { name: 'release', type: low, doc: 'Release the application named, else `service.version`.' },
  { name: 'scope_name', type: low, doc: 'Instrumentation scope.' },
  { name: 'scope_version', type: low, doc: 'Version of the instrumentation scope.' },
  {
    name: 'dialect',
    type: low,
    doc: 'The dialect that read the span; empty when no generative-AI attribute was found.',
  },
  { name: 'operation', type: low, semconv: 'gen_ai.operation.name', doc: 'Operation as reported.' },
  {
    name: 'provider',
    semconv: 'gen_ai.provider.name',
    type: low,
    doc: 'Provider under its OpenTelemetry name; what was sent stays in `attributes` where it differs.',
  },
  { name: 'request_model', type: low, semconv: 'gen_ai.request.model', doc: 'Model asked for.' },
  { name: 'response_model', type: low, semconv: 'gen_ai.response.model', doc: 'Model that answered.' },
  { name: 'model', type: low, doc: 'Model as priced; without a price the response model, else the request model.' },
  {
    name: 'service_tier',
    type: low,
    doc: 'Tier that served the call (`priority`, `flex`, `batch`…), empty when not reported.',
  },
  { name: 'feature', type: low, doc: 'Feature or workflow of the application.' },
  { name: 'user_id', ...text, semconv: 'user.id', doc: 'End user.' },
  { name: 'session_id', ...text, semconv: 'gen_ai.conversation.id', doc: 'Session or conversation.' },
  { name: 'team', type: low, doc: 'Team, department or cost centre that answers for the call.' },
  { name: 'customer', ...text, doc: "The application's own customer: account, tenant or organisation." },
  { name: 'step', type: low, doc: 'Role of the step within the workflow: a node of a graph, a task, a stage.' },
  { name: 'input_class', type: low, doc: 'What the application classified the input as.' },
  { name: 'collection', type: low, doc: 'Collection, index or knowledge base that was searched.' },
  { name: 'agent_name', type: low, semconv: 'gen_ai.agent.name', doc: 'Agent.' },
  { name: 'tool_name', type: low, semconv: 'gen_ai.tool.name', doc: 'Tool.' },
  { name: 'prompt_name', type: low, semconv: 'gen_ai.prompt.name', doc: 'Managed prompt.' },
  { name: 'prompt_version', type: low, semconv: 'gen_ai.prompt.version', doc: 'Version of the managed prompt.' },
  { name: 'response_id', ...text, semconv: 'gen_ai.response.id', doc: "The provider's id of the answer." },
  {
    name: 'finish_reason',
    semconv: 'gen_ai.response.finish_reasons',
    type: low,
    doc: 'Finish reasons, joined by commas.',
  },
  {
    name: 'stream',
    semconv: 'gen_ai.request.stream',
    type: 'Nullable(UInt8)',
    doc: '1 streamed, 0 not, NULL not reported.',
  },
  {
    name: 'temperature',
    semconv: 'gen_ai.request.temperature',
    type: 'Nullable(Float64)',
    doc: 'Sampling temperature; NULL not reported.',
  },
  {
    name: 'max_tokens',
    semconv: 'gen_ai.request.max_tokens',
    type: 'Nullable(UInt64)',
    codec: 'T64, ZSTD(1)',
    unit: 'tokens',
    doc: 'Output limit asked for; NULL not reported.',
  },
] as const satisfies readonly Column[]

const usage = [
  {
    name: 'input_tokens',
    semconv: 'gen_ai.usage.input_tokens',
    ...countOrNull,
    doc: 'All input, including cache reads and writes. NULL = not reported.',
  },
  {
    name: 'cache_read_tokens',
    semconv: 'gen_ai.usage.cache_read.input_tokens',
    ...count,
    doc: 'Part of input that was read from the cache.',
  },
  {
    name: 'cache_write_tokens',
    semconv: 'gen_ai.usage.cache_write.input_tokens',
    ...count,
    doc: 'Part of input that was written to the cache, all lifetimes.',
  },
  {
    name: 'output_tokens',
    semconv: 'gen_ai.usage.output_tokens',
    ...countOrNull,
    doc: 'All output, including reasoning. NULL = not reported.',
  },
  {
    name: 'reasoning_tokens',
    semconv: 'gen_ai.usage.reasoning.output_tokens',
    ...count,
    doc: 'Part of output spent on reasoning.',
  },
  {
    name: 'usage_other',
    type: `Map(${low}, Float64)`,
    codec: 'ZSTD(1)',
    doc: 'Every further billed unit: audio and image tokens, one-hour cache writes, images, seconds, characters, pages, searches and other tool calls.',
  },
  {
    name: 'usage_rule',
    type: low,
    doc: 'How the reported counts were read: `inclusive` or `exclusive`, then who said so (`:emitter`, `:arithmetic`, `:assumed`). Empty without usage.',
  },
] as const satisfies readonly Column[]

const cost = [
  { name: 'input_cost', ...money, doc: 'Fresh input. NULL when not priced.' },
  { name: 'cache_read_cost', ...money, doc: 'Cache reads.' },
  { name: 'cache_write_cost', ...money, doc: 'Cache writes.' },
  { name: 'output_cost', ...money, doc: 'Output, reasoning included.' },
  { name: 'other_cost', ...money, doc: 'Units without tokens.' },
  {
    name: 'total_cost',
    ...money,
    doc: 'Sum of the parts; NULL unless `priced`, `reported`, `estimated` or `partial`.',
  },
  { name: 'reported_cost', ...money, doc: 'What the sender claimed, kept beside ours.' },
  { name: 'reported_cost_source', type: low, doc: 'The attribute the claim came from.' },
  {
    name: 'computed_cost',
    ...money,
    doc: 'What `price_entry` gives where a reported figure stands as `total_cost` (`cost_status` is `reported`); NULL for all other calls.',
  },
  {
    name: 'cost_status',
    type: low,
    doc: '`priced`, `reported`, `estimated`, `partial`, `unpriced`, `invalid` or `not_billed`.',
  },
  { name: 'cost_reason', type: low, doc: 'One word why the status is not `priced`.' },
  { name: 'cost_flags', type: low, doc: 'What was assumed while pricing, joined by commas.' },
  { name: 'price_entry', type: low, doc: 'Id of the price entry.' },
  { name: 'price_book', type: low, doc: 'Version of the price book.' },
  {
    name: 'price_conditions',
    type: low,
    doc: 'What the price was chosen by besides model and time, as JSON: service tier, region, speed…; empty when the call reported nothing of the kind.',
  },
  {
    name: 'pricing_currency',
    type: low,
    doc: 'Currency of the price entry where it is not USD, else empty. (FOCUS PricingCurrency)',
  },
  {
    name: 'pricing_currency_cost',
    type: money.type,
    codec: money.codec,
    doc: 'Total in `pricing_currency`; `total_cost` is then NULL, for nothing is converted here.',
  },
  { name: 'counted_as', ...text, doc: 'For aggregates and duplicates: the span id that carries the money.' },
  { name: 'attempt', type: 'UInt16', doc: 'Number of this attempt within one logical call, from 1; 0 = not a call.' },
  { name: 'attempts', type: 'UInt16', doc: 'Attempts of the logical call known so far.' },
  { name: 'wasted_cost', ...money, doc: 'Cost of failed attempts of the logical call, on its last attempt.' },
] as const satisfies readonly Column[]

const rest = [
  {
    name: 'attributes',
    ...map,
    doc: 'Span attributes that no column holds, by their own names; numbers and lists as JSON text.',
  },
  { name: 'resource', ...map, doc: 'Resource attributes, all of them.' },
  {
    name: 'events',
    type: `Array(Tuple(ts DateTime64(9, 'UTC'), name ${low}, attributes Map(${low}, String)))`,
    codec: 'ZSTD(1)',
    doc: 'Span events without message content.',
  },
  {
    name: 'links',
    type: `Array(Tuple(trace_id String, span_id String, attributes Map(${low}, String)))`,
    codec: 'ZSTD(1)',
    doc: 'Span links.',
  },
  {
    name: 'retention_days',
    type: 'UInt16',
    unit: 'days',
    doc: 'Days from the time of the row, or from its arrival where that is later, until it is dropped.',
  },
  {
    name: 'ingested_at',
    type: "DateTime64(3, 'UTC')",
    codec: 'Delta(8), ZSTD(1)',
    doc: 'When the collector took the span.',
  },
  { name: 'revision', type: 'UInt32', codec: 'ZSTD(1)', doc: '0 at first write, n for the n-th correction.' },
  { name: 'sign', type: 'Int8', codec: 'ZSTD(1)', doc: '+1 a state, -1 the copy that cancels one in the rollups.' },
] as const satisfies readonly Column[]

export const spansTable = {
  name: 'spans',
  doc: 'Every span received, once per (trace_id, span_id) when read with FINAL or through `llm_calls`.',
  columns: [...identity, ...attribution, ...usage, ...cost, ...rest],
} as const satisfies Table

export type SpansColumn = (typeof spansTable.columns)[number]['name']
