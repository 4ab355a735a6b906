// Rows of traces and spans → the objects of Langfuse's public API. Source: langfuse-python 4.0.6 (TraceWithDetails,
// ObservationsView), 5.0.4 (ObservationV2) and 2.60.10 (DailyMetrics), langfuse-js 5.11.1.
//
// What is unknown is null, never 0: newer SDKs allow that everywhere; those of 2 want a number for `totalCost` and refuse a list
// in which a trace has a call without a price.

import { metadataValue } from './scores.ts'

export type Row = Readonly<Record<string, unknown>>

const types: Readonly<Record<string, string>> = {
  embedding: 'EMBEDDING',
  agent: 'AGENT',
  workflow: 'CHAIN',
  tool: 'TOOL',
  retrieval: 'RETRIEVER',
  evaluator: 'EVALUATOR',
  other: 'SPAN',
}
const generations = ['llm', 'rerank', 'image', 'audio', 'video', 'moderation'] as const

/** The kinds of spans that are observations of a type; none for a type there is not. */
export function kindsOf(type: string): readonly string[] {
  if (type === 'GENERATION') return generations
  return Object.keys(types).filter((kind) => types[kind] === type)
}

/** `row` is a trace of an export, `listed` of schemas/langfuse/traces.sql. */
export function traceShape(row: Row, listed: Row): Row {
  const scores = (row['scores'] ?? []) as readonly Row[] // an array of named tuples, as JSON
  const isKnown = Number(row['unpriced_calls']) === 0
  return {
    id: row['trace_id'],
    timestamp: iso(Date.parse(String(row['start_time']))),
    name: orNull(listed['name']),
    input: valueIn(row['input_messages']),
    output: valueIn(row['output_messages']),
    sessionId: orNull(row['session_id']),
    userId: orNull(row['user_id']),
    release: orNull(row['release']),
    version: orNull(listed['version']),
    environment: orNull(row['env']) ?? 'default',
    metadata: metadataIn(listed['metadata'], 'langfuse.trace.metadata'),
    tags: listed['tags'],
    public: false,
    bookmarked: false,
    externalId: null,
    createdAt: iso(Date.parse(String(row['start_time']))),
    updatedAt: iso(Date.parse(String(row['start_time']))),
    htmlPath: `/api/traces/${row['trace_id']}/explain?format=text`,
    latency: Math.round(Number(row['duration_ms']) * 1e6) / 1e9,
    // A sum with an unknown part is not known; the known part is beside it.
    totalCost: isKnown ? numberOrNull(row['total_cost']) : null,
    knownCost: numberOrNull(row['total_cost']),
    unpricedCalls: Number(row['unpriced_calls']),
    observations: listed['observations'],
    scores: scores.map(({ id }) => id),
  }
}

export interface Said {
  readonly input: string
  readonly output: string
}

/** As `/api/public/observations` and traces have it. `row` is one of schemas/langfuse/observations.sql. */
export function observationShape(row: Row, said: Said | undefined): Row {
  const usage = usageIn(row)
  const costs = costsIn(row)
  const cost = (name: string): number | null => costs[name] ?? null
  return {
    ...core(row),
    ...basic(row),
    ...time(row),
    input: valueIn(said?.input),
    output: valueIn(said?.output),
    metadata: metadataIn(row['metadata'], 'langfuse.observation.metadata'),
    model: orNull(row['model']),
    modelParameters: parametersIn(row),
    modelId: null,
    promptId: null,
    ...promptIn(row),
    usageDetails: usage,
    costDetails: costs,
    usage: olderUsage(row, costs),
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
    calculatedInputCost: cost('input'),
    calculatedOutputCost: cost('output'),
    calculatedTotalCost: cost('total'),
    costStatus: row['cost_status'],
    ...metrics(row),
  }
}

/**
 * The older member, which the SDKs refuse without whole numbers: the one place where 0 may mean unknown. `usageDetails`, which
 * they name in its stead, leaves out what is not known.
 */
function olderUsage(row: Row, costs: Readonly<Record<string, number>>): Row {
  const [input, output] = isCall(row) ? [Number(row['input_tokens'] ?? 0), Number(row['output_tokens'] ?? 0)] : [0, 0]
  const { input: inputCost = null, output: outputCost = null, total: totalCost = null } = costs
  return { input, output, total: input + output, unit: 'TOKENS', inputCost, outputCost, totalCost }
}

export const fieldGroups = [
  'core',
  'basic',
  'time',
  'io',
  'metadata',
  'model',
  'usage',
  'prompt',
  'metrics',
  'trace_context',
] as const
export type FieldGroup = (typeof fieldGroups)[number]

/** As `/api/public/v2/observations` has it: the groups of fields that were asked for, inputs and outputs as text. */
export function observationV2Shape(row: Row, said: Said | undefined, groups: ReadonlySet<FieldGroup>): Row {
  const costs = costsIn(row)
  const members: Readonly<Record<FieldGroup, () => Row>> = {
    core: () => core(row),
    basic: () => basic(row),
    time: () => time(row),
    io: () => ({ input: orNull(said?.input), output: orNull(said?.output) }),
    metadata: () => ({ metadata: metadataIn(row['metadata'], 'langfuse.observation.metadata') }),
    model: () => ({ model: orNull(row['model']), internalModelId: null, modelParameters: parametersIn(row) }),
    usage: () => ({ usageDetails: usageIn(row), costDetails: costs, totalCost: costs['total'] ?? null }),
    prompt: () => ({ promptId: null, ...promptIn(row) }),
    metrics: () => metrics(row),
    trace_context: () => ({ tags: row['tags'], release: orNull(row['release']), traceName: orNull(row['feature']) }),
  }
  return Object.assign({}, ...fieldGroups.filter((group) => groups.has(group)).map((group) => members[group]())) as Row
}

/** Rows of schemas/langfuse/metrics_daily.sql → a day each, newest first. */
export function dailyShape(rows: readonly Row[]): readonly Row[] {
  const byDay = Map.groupBy(rows, (row) => String(row['key']))
  return [...byDay].map(([date, own]) => {
    const whole = own.find(isWhole) ?? {}
    const models = own.filter((row) => !isWhole(row) && Number(row['calls']) > 0)
    return {
      date,
      ...countsIn(whole),
      usage: models.map((row) => ({ model: orNull(row['call_model']), ...sumsIn(row) })),
    }
  })
}

/** Rows of schemas/langfuse/metrics_usage.sql → one a group, the dearest first. */
export function usageShape(rows: readonly Row[], member: string): readonly Row[] {
  return rows.filter(isWhole).map((row) => ({ [member]: orNull(row['key']), ...sumsIn(row) }))
}

function isWhole(row: Row): boolean {
  return Number(row['is_whole']) === 1
}

function countsIn(row: Row): Row {
  return {
    countTraces: Number(row['traces'] ?? 0),
    countObservations: Number(row['observations'] ?? 0),
    totalCost: numberOrNull(row['total_cost']),
    unpricedCalls: Number(row['unpriced_calls'] ?? 0),
  }
}

function sumsIn(row: Row): Row {
  const [input, output] = [numberOrNull(row['input_tokens']), numberOrNull(row['output_tokens'])]
  const total = input === null && output === null ? null : (input ?? 0) + (output ?? 0)
  return { inputUsage: input, outputUsage: output, totalUsage: total, ...countsIn(row) }
}

function core(row: Row): Row {
  const type = row['span_kind'] === 'event' && row['kind'] === 'other' ? 'EVENT' : types[String(row['kind'])]
  return {
    id: row['span_id'],
    traceId: row['trace_id'],
    startTime: iso(Number(row['start_ms'])),
    endTime: iso(Number(row['end_ms'])),
    projectId: row['project_id'],
    parentObservationId: orNull(row['parent_span_id']),
    type: type ?? 'GENERATION',
  }
}

function basic(row: Row): Row {
  return {
    name: orNull(row['name']),
    level: row['status'] === 'error' ? 'ERROR' : 'DEFAULT',
    statusMessage: orNull(row['status_message']),
    version: orNull(row['version']),
    environment: orNull(row['env']) ?? 'default',
    bookmarked: false,
    public: false,
    userId: orNull(row['user_id']),
    sessionId: orNull(row['session_id']),
    isRootObservation: row['parent_span_id'] === '',
  }
}

function time(row: Row): Row {
  const first = Number(row['ttft_ns'])
  return {
    completionStartTime: first === 0 ? null : iso(Number(row['start_ms']) + Math.round(first / 1e6)),
    createdAt: iso(Number(row['ingested_ms'])),
    updatedAt: iso(Number(row['ingested_ms'])),
  }
}

function metrics(row: Row): Row {
  const first = Number(row['ttft_ns'])
  return { latency: Number(row['duration_ns']) / 1e9, timeToFirstToken: first === 0 ? null : first / 1e9 }
}

function promptIn(row: Row): Row {
  const version = String(row['prompt_version'])
  return { promptName: orNull(row['prompt_name']), promptVersion: /^\d{1,9}$/.test(version) ? Number(version) : null }
}

function parametersIn(row: Row): Row {
  const given = { temperature: row['temperature'], max_tokens: row['max_tokens'] }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined))
}

/** Langfuse's buckets exclude each other; ours of input include those of the cache. */
function usageIn(row: Row): Readonly<Record<string, number>> {
  const [input, output] = [numberOrNull(row['input_tokens']), numberOrNull(row['output_tokens'])]
  if (!isCall(row)) return {}
  const [read, written] = [Number(row['cache_read_tokens']), Number(row['cache_write_tokens'])]
  return {
    ...(input === null ? {} : { input: Math.max(0, input - read - written) }),
    ...(read === 0 ? {} : { cache_read_input_tokens: read }),
    ...(written === 0 ? {} : { cache_creation_input_tokens: written }),
    ...(output === null ? {} : { output }),
    ...(input === null && output === null ? {} : { total: (input ?? 0) + (output ?? 0) }),
  }
}

function costsIn(row: Row): Readonly<Record<string, number>> {
  if (!isCall(row)) return {}
  const names = {
    input: 'input_cost',
    cache_read_input_tokens: 'cache_read_cost',
    cache_creation_input_tokens: 'cache_write_cost',
    output: 'output_cost',
    total: 'total_cost',
  }
  const known = Object.entries(names).flatMap(([name, column]) => {
    const cost = numberOrNull(row[column])
    return cost === null || (cost === 0 && name.startsWith('cache')) ? [] : [[name, cost] as const]
  })
  return Object.fromEntries(known)
}

function isCall(row: Row): boolean {
  return Number(row['is_call']) === 1
}

/** `langfuse.trace.metadata.a.b` → {"a.b": …}; the attribute without a key, an object of JSON, gives its members. */
function metadataIn(attributes: unknown, prefix: string): Row {
  const found: [string, unknown][] = []
  for (const [key, text] of Object.entries((attributes ?? {}) as Readonly<Record<string, string>>)) {
    const value = metadataValue(text)
    if (key === prefix && typeof value === 'object' && value !== null) found.push(...Object.entries(value))
    else if (key.startsWith(`${prefix}.`)) found.push([key.slice(prefix.length + 1), value])
  }
  return Object.fromEntries(found)
}

function valueIn(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return null
  return /^\s*[[{"]/.test(text) ? metadataValue(text.trim()) : text
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function orNull(value: unknown): unknown {
  return value === '' || value === undefined ? null : value
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
