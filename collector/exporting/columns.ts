// What an export says of a call, of a trace and of their scores: names and the expressions they come from, for JSON and Parquet alike.

import { isCallOf } from '../../schemas/calls.ts'

/** Columns of `llm_calls` that are exported under their own names; docs/columns.md says what they mean. */
export const callColumns = [
  'trace_id',
  'span_id',
  'parent_span_id',
  'start_time',
  'duration_ms',
  'name',
  'kind',
  'status',
  'status_message',
  'error_type',
  'failure_class',
  'env',
  'service',
  'release',
  'feature',
  'user_id',
  'session_id',
  'team',
  'customer',
  'step',
  'agent_name',
  'provider',
  'request_model',
  'response_model',
  'model',
  'prompt_name',
  'prompt_version',
  'response_id',
  'finish_reason',
  'temperature',
  'max_tokens',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'usage_other',
  'total_cost',
  'cost_status',
  'cost_reason',
  'price_entry',
  'attempt',
] as const

/** True in a statement over `spans AS c`, as the view `llm_calls` has it; a test holds the two together. */
export const isCall = isCallOf('c')

/** The root's own; where it says nothing, the least that any of its spans says, so that it is the same each time. */
const ofTrace = (name: string): string =>
  `if(argMin(c.${name}, (c.parent_span_id != '', c.start_time)) != '', argMin(c.${name}, (c.parent_span_id != '', c.start_time)), minIf(c.${name}, c.${name} != '')) AS ${name}`

const setOf = (name: string, condition = `c.${name} != ''`): string =>
  `arraySort(groupUniqArrayIf(toString(c.${name}), ${condition}))`

/** Over the spans `c` of one trace. */
export const traceColumns: readonly string[] = [
  'c.trace_id AS trace_id',
  "argMin(c.name, (c.parent_span_id != '', c.start_time)) AS name",
  'min(c.start_time) AS start_time',
  'dateDiff(nanosecond, min(c.start_time), max(addNanoseconds(c.start_time, c.duration_ns))) / 1e6 AS duration_ms',
  "argMin(c.status, (c.parent_span_id != '', c.start_time)) AS status",
  "countIf(c.status = 'error') AS errors",
  `${setOf('failure_class')} AS failure_classes`,
  ...['env', 'service', 'release', 'feature', 'user_id', 'session_id'].map(ofTrace),
  `${setOf('provider', "is_call AND c.provider != ''")} AS providers`,
  `${setOf('model', "is_call AND c.model != ''")} AS models`,
  `${setOf('prompt_name')} AS prompt_names`,
  'count() AS spans',
  'countIf(is_call) AS calls',
  "countIf(is_call AND c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls",
  'sum(if(is_call, c.input_tokens, NULL)) AS input_tokens',
  'sum(if(is_call, c.output_tokens, NULL)) AS output_tokens',
  'sum(if(is_call, c.total_cost, NULL)) AS total_cost',
]

/** Names of the above, and what follows them. */
export const traceNames: readonly string[] = traceColumns.map((column) => / AS (\w+)$/.exec(column)?.[1] ?? column)

/** A score within its call or trace. */
const scoreMembers = {
  id: 's.score_id',
  name: 's.name',
  data_type: 's.data_type',
  value: 's.value',
  label: 's.label',
  verdict: 's.verdict',
  source: 's.source',
  author_id: 's.author_id',
  evaluator: 's.evaluator',
  evaluator_version: 's.evaluator_version',
  error_type: 's.error_type',
  comment: 's.comment',
  run_name: 's.run_name',
  dataset: 's.dataset',
  item_id: 's.item_id',
  target: 's.target',
  span_id: 's.span_id',
  created_at: 's.created_at',
} as const

const scoreTypes: Readonly<Partial<Record<keyof typeof scoreMembers, string>>> = {
  value: 'Nullable(Float64)',
  verdict: 'Int8',
  created_at: "DateTime64(3, 'UTC')",
}

export const scoreTuple = `CAST(tuple(${Object.values(scoreMembers).join(', ')}), 'Tuple(${Object.keys(scoreMembers)
  .map((name) => `${name} ${scoreTypes[name as keyof typeof scoreMembers] ?? 'String'}`)
  .join(', ')
  .replaceAll("'", "\\'")})')`
