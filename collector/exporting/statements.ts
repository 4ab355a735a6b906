// The statements of an export. Their text is made of fixed pieces; whatever was asked for is a parameter.
//
//   keys   narrow: which calls or traces, in order, a page at a time
//   rows   wide: everything of those, with what was said and how it was judged

import { callColumns, isCall, scoreTuple, traceColumns, traceNames } from './columns.ts'
import type { Order, Selection } from './selection.ts'

export interface Key {
  /** Of the order: a time, a cost, a duration, a hash. */
  readonly value: string
  readonly trace_id: string
  /** Empty for a trace. */
  readonly span_id: string
  readonly start_time: string
}

export interface Statement {
  readonly sql: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** A part of a selection by time, and by place in its order. */
export interface Part {
  readonly fromMs: number
  readonly toMs: number
  /** Behind this one. */
  readonly after?: readonly string[] | undefined
  /** Up to this one. */
  readonly until?: Key | undefined
  readonly limit?: number
}

/** What puts them in order, and its type. */
const values: Readonly<
  Record<Selection['what'], Readonly<Record<Order, { readonly sql: string; readonly type: string }>>>
> = {
  calls: {
    newest: { sql: 'c.start_time', type: "DateTime64(9, 'UTC')" },
    cost: { sql: 'assumeNotNull(c.total_cost)', type: 'Decimal(38, 12)' },
    latency: { sql: 'c.duration_ns', type: 'UInt64' },
    random: { sql: 'sipHash64({seed:String}, c.trace_id, c.span_id)', type: 'UInt64' },
  },
  traces: {
    newest: { sql: 'min(c.start_time)', type: "DateTime64(9, 'UTC')" },
    cost: { sql: 'assumeNotNull(sum(if(is_call, c.total_cost, NULL)))', type: 'Decimal(38, 12)' },
    latency: {
      sql: 'toUInt64(dateDiff(nanosecond, min(c.start_time), max(addNanoseconds(c.start_time, c.duration_ns))))',
      type: 'UInt64',
    },
    random: { sql: 'sipHash64({seed:String}, c.trace_id)', type: 'UInt64' },
  },
}

const known: Readonly<Record<Selection['what'], Partial<Record<Order, string>>>> = {
  calls: { cost: 'c.total_cost IS NOT NULL' },
  traces: { cost: 'sum(if(is_call, c.total_cost, NULL)) IS NOT NULL' },
}

/** Which ones, in order. */
export function keysStatement(selection: Selection, part: Part): Statement {
  const { what, order, conditions, sampleRate } = selection
  const { sql: value, type } = values[what][order]
  const span = what === 'calls' ? 'c.span_id' : "''"
  const place = `(${value}, c.trace_id, ${span})`
  const spanConditions = [
    'c.project_id = {project:String}',
    'c.start_time >= fromUnixTimestamp64Milli({from:Int64})',
    'c.start_time < fromUnixTimestamp64Milli({to:Int64})',
    ...scoreConditions(selection),
    ...(sampleRate < 1 ? [sampled[what]] : []),
  ]
  const wholeConditions = [
    ...(known[what][order] === undefined ? [] : [known[what][order]]),
    ...(part.after === undefined
      ? []
      : [`${place} < ({after_value:${type}}, {after_trace:String}, {after_span:String})`]),
    ...(part.until === undefined
      ? []
      : [`${place} >= ({until_value:${type}}, {until_trace:String}, {until_span:String})`]),
  ]
  const sql =
    what === 'calls'
      ? `SELECT toString(${value}) AS value, c.trace_id AS trace_id, c.span_id AS span_id, toString(c.start_time) AS start_time
FROM llm_calls AS c
WHERE ${[...spanConditions, ...conditions.calls, ...wholeConditions].join('\n  AND ')}
ORDER BY ${value} DESC, trace_id DESC, span_id DESC`
      : `SELECT toString(${value}) AS value, c.trace_id AS trace_id, '' AS span_id, toString(min(c.start_time)) AS start_time
FROM (SELECT *, ${isCall} AS is_call FROM spans AS c FINAL) AS c
WHERE ${spanConditions.join('\n  AND ')}
GROUP BY c.trace_id
HAVING ${[`countIf(${['1', ...conditions.calls].join(' AND ')}) > 0`, ...conditions.traces, ...wholeConditions].join('\n  AND ')}
ORDER BY ${value} DESC, trace_id DESC`
  return {
    sql: part.limit === undefined ? sql : `${sql}\nLIMIT {limit:UInt32}`,
    parameters: {
      ...conditions.parameters,
      project: selection.project,
      seed: selection.seed,
      sample_rate: sampleRate,
      from: part.fromMs,
      to: part.toMs,
      ...(part.limit === undefined ? {} : { limit: part.limit }),
      ...(part.after === undefined ? {} : named('after', part.after)),
      ...(part.until === undefined ? {} : named('until', [part.until.value, part.until.trace_id, part.until.span_id])),
    },
  }
}

function named(name: string, [value, trace, span]: readonly string[]): Record<string, string | undefined> {
  return { [`${name}_value`]: value, [`${name}_trace`]: trace, [`${name}_span`]: span }
}

/** Another hash than that of the order of chance, or a sample of it would be its end. */
const sampled = {
  calls: "sipHash64({seed:String}, 'sample', c.trace_id, c.span_id) / 18446744073709551616. < {sample_rate:Float64}",
  traces: "sipHash64({seed:String}, 'sample', c.trace_id) / 18446744073709551616. < {sample_rate:Float64}",
} as const

/** A score judges a call itself or the whole trace; a trace is judged by every score within it. */
function scoreConditions({ what, conditions }: Selection): string[] {
  const { scored, scores } = conditions
  if (scored === undefined) return []
  const marked = (condition: string, columns: string): string => `SELECT ${columns}
    FROM current_scores AS s
    WHERE ${['s.project_id = {project:String}', condition, ...scores].join(' AND ')}`
  const has =
    what === 'traces'
      ? `c.trace_id IN (${marked("s.trace_id != ''", 's.trace_id')})`
      : `((c.trace_id, c.span_id) IN (${marked("s.span_id != ''", 's.trace_id, s.span_id')})
    OR c.trace_id IN (${marked("s.trace_id != '' AND s.span_id = ''", 's.trace_id')}))`
  return [scored ? has : `NOT ${has}`]
}

/** Which rows: those of a list of keys, or all that a statement of keys finds; and between which times they start. */
export interface Picked {
  readonly keys: readonly Key[] | Statement
  readonly first: string
  readonly last: string
}

/** Everything of these calls or traces, in no order. */
export function rowsStatement({ what, project, content }: Selection, { keys, first, last }: Picked): Statement {
  const isList = 'length' in keys
  const traces = isList ? '{traces:Array(String)}' : `(SELECT k.trace_id FROM (${keys.sql}) AS k)`
  const spans = isList ? listed : `(c.trace_id, c.span_id) IN (SELECT k.trace_id, k.span_id FROM (${keys.sql}) AS k)`
  return {
    sql: what === 'calls' ? callRows({ traces, spans }, content !== 'none') : traceRows(traces, content !== 'none'),
    parameters: {
      ...(isList
        ? { traces: keys.map((key) => key.trace_id), spans: keys.map((key) => key.span_id) }
        : keys.parameters),
      project,
      first,
      last,
    },
  }
}

const listed = 'has(arrayZip({traces:Array(String)}, {spans:Array(String)}), (c.trace_id, c.span_id))'
const first = "{first:DateTime64(9, 'UTC')}"
const last = "{last:DateTime64(9, 'UTC')}"

/** Times to the microsecond: many readers of Parquet know no finer ones. */
function shownColumn(name: string): string {
  return name === 'start_time' ? "toDateTime64(p.start_time, 6, 'UTC') AS start_time" : `p.${name} AS ${name}`
}

/** Content is read as it streams by; what is kept meanwhile is narrow. A score judges a call itself, or its trace as a whole. */
function callRows(
  { traces, spans }: { readonly traces: string; readonly spans: string },
  withContent: boolean,
): string {
  const content = ['system_instructions', 'input_messages', 'output_messages', 'tool_definitions', 'attributes']
  const page = `(
  SELECT ${callColumns.map((name) => `c.${name} AS ${name}`).join(', ')}
  FROM llm_calls AS c
  WHERE c.project_id = {project:String} AND c.start_time >= ${first} AND c.start_time <= ${last}
    AND c.trace_id IN ${traces} AND ${spans}
) AS p`
  const said = `(
  SELECT o.trace_id AS trace_id, o.span_id AS span_id, ${content.map((name) => `o.${name} AS ${name}`).join(', ')}
  FROM span_content AS o FINAL
  WHERE o.project_id = {project:String} AND o.start_time >= ${first} AND o.start_time <= ${last} AND o.trace_id IN ${traces}
) AS o RIGHT ANY JOIN ${page} ON o.trace_id = p.trace_id AND o.span_id = p.span_id`
  const shown = content.map((name) => `o.${name} AS ${name === 'attributes' ? 'content_attributes' : name}`)
  return `SELECT ${callColumns.map(shownColumn).join(', ')},
  ${withContent ? `${shown.join(', ')},` : ''}
  arraySort(x -> (x.created_at, x.id), arrayFilter(x -> x.span_id IN ('', p.span_id), m.scores)) AS scores
FROM ${withContent ? said : page}
LEFT ANY JOIN ${marks(traces)} ON m.trace_id = p.trace_id`
}

/** A trace's first and last words are its root's; where that has none, its first and its last call's. */
function traceRows(traces: string, withContent: boolean): string {
  const wider = (column: string): string =>
    `${column} >= ${first} - INTERVAL 1 DAY AND ${column} <= ${last} + INTERVAL 1 DAY`
  const words = `
LEFT ANY JOIN (
  SELECT o.trace_id AS trace_id,
    anyIf(if(o.attributes['langfuse.trace.input'] = '', o.input_messages, o.attributes['langfuse.trace.input']), o.span_id = i.root_id) AS root_input,
    anyIf(if(o.attributes['langfuse.trace.output'] = '', o.output_messages, o.attributes['langfuse.trace.output']), o.span_id = i.root_id) AS root_output,
    anyIf(o.system_instructions, o.span_id = i.first_id) AS first_system,
    anyIf(o.input_messages, o.span_id = i.first_id) AS first_input,
    anyIf(o.output_messages, o.span_id = i.last_id) AS last_output,
    anyIf(o.attributes, o.span_id = i.first_id) AS first_attributes,
    anyIf(o.attributes, o.span_id = i.last_id) AS last_attributes
  FROM span_content AS o FINAL
  INNER JOIN (
    SELECT c.trace_id AS trace_id, ${placeIds}
    FROM (SELECT *, ${isCall} AS is_call FROM spans AS c FINAL) AS c
    WHERE c.project_id = {project:String} AND ${wider('c.start_time')} AND c.trace_id IN ${traces}
    GROUP BY c.trace_id
  ) AS i ON o.trace_id = i.trace_id
  WHERE o.project_id = {project:String} AND ${wider('o.start_time')} AND o.trace_id IN ${traces}
    AND o.span_id IN (i.root_id, i.first_id, i.last_id)
  GROUP BY trace_id
) AS w ON w.trace_id = p.trace_id`
  const shown = `
  if(w.root_input = '', w.first_system, '') AS system_instructions,
  if(w.root_input = '', w.first_input, w.root_input) AS input_messages,
  if(w.root_output = '', w.last_output, w.root_output) AS output_messages,
  if(input_messages = '', w.first_attributes, CAST(map(), 'Map(LowCardinality(String), String)')) AS input_attributes,
  if(output_messages = '', w.last_attributes, CAST(map(), 'Map(LowCardinality(String), String)')) AS output_attributes,`
  return `SELECT ${traceNames.map(shownColumn).join(', ')},${withContent ? shown : ''}
  arraySort(x -> (x.created_at, x.id), m.scores) AS scores
FROM (
  SELECT ${traceColumns.join(', ')}
  FROM (SELECT *, ${isCall} AS is_call FROM spans AS c FINAL) AS c
  WHERE c.project_id = {project:String} AND ${wider('c.start_time')} AND c.trace_id IN ${traces}
  GROUP BY c.trace_id
) AS p${withContent ? words : ''}
LEFT ANY JOIN ${marks(traces)} ON m.trace_id = p.trace_id`
}

const placeIds = `argMin(c.span_id, (c.parent_span_id != '', c.start_time)) AS root_id,
      argMinIf(c.span_id, c.start_time, is_call) AS first_id, argMaxIf(c.span_id, c.start_time, is_call) AS last_id`

const marks = (traces: string): string => `(
  SELECT s.trace_id AS trace_id, groupArray(${scoreTuple}) AS scores
  FROM current_scores AS s
  WHERE s.project_id = {project:String} AND s.trace_id IN ${traces}
  GROUP BY trace_id
) AS m`
