// Rows of `scores` and the spans they judge, read back from ClickHouse as the plain objects that processors work on.

import { runAttributes } from '../processors/evaluation-attributes.ts'
import type { Attribution, RunFacts, SessionFacts, SpanFacts } from '../processors/score-target.ts'
import type { ScoreRow } from '../processors/scores.ts'
import { isCallOf } from '../schemas/calls.ts'
import { parsePicoUsd } from '../schemas/money.ts'
import { scoresTable } from '../schemas/scores-table.ts'
import type { ClickHouse } from './clickhouse/client.ts'

export type Reader = Pick<ClickHouse, 'query'>

export interface ScoreKey {
  readonly project_id: string
  readonly score_id: string
}

/** Spans read of one trace, its calls first; a trace with more calls has no cost as a whole. */
export const spansPerTraceMax = 1000
const spansPerResponseMax = 10

const readSettings = { do_not_merge_across_partitions_select_final: 1, max_execution_time: 30 } as const

const scoreList = scoresTable.columns
  .filter(({ name }) => name !== 'is_deleted')
  .map(({ name, type }) => `${cellText(`s.${name}`, type)} AS ${name}`)
  .join(', ')

/** The newest state of each of these scores that exists and is not deleted. */
export async function readScores(clickhouse: Reader, project: string, ids: readonly string[]): Promise<ScoreRow[]> {
  if (ids.length === 0) return []
  const sql = `SELECT ${scoreList} FROM all_scores AS s WHERE s.project_id = {project:String} AND s.score_id IN {ids:Array(String)}`
  const found = await clickhouse.query<Record<string, unknown>>(sql, { project, ids }, readSettings)
  return found.map(scoreOf)
}

/** What was written last under each of these ids, deletions included. */
export async function readNewestScores(
  clickhouse: Reader,
  project: string,
  ids: readonly string[],
): Promise<Map<string, ScoreRow>> {
  const sql = `SELECT ${scoreList}, s.is_deleted AS is_deleted FROM scores AS s
WHERE s.project_id = {project:String} AND s.score_id IN {ids:Array(String)}
ORDER BY s.version DESC LIMIT 1 BY s.score_id`
  const found = await clickhouse.query<Record<string, unknown>>(sql, { project, ids }, readSettings)
  const rows = found.map((record) => ({ ...scoreOf(record), is_deleted: Number(record['is_deleted']) }))
  return new Map(rows.map((row) => [row.score_id, row]))
}

export interface ScoresOfConfig {
  readonly project: string
  readonly name: string
  /** Version of the configuration that judged them; empty: none did. */
  readonly config: string
  /** Ids up to here were seen already. */
  readonly after: string
  readonly limit: number
}

/** Scores of one name that one version of a configuration has judged, in the order of their ids; failed evaluations are left out. */
export async function readScoresOfConfig(clickhouse: Reader, wanted: ScoresOfConfig): Promise<ScoreRow[]> {
  const sql = `SELECT ${scoreList} FROM all_scores AS s
WHERE s.project_id = {project:String} AND s.score_id > {after:String}
  AND s.name = {name:String} AND s.config = {config:String} AND s.error_type = ''
ORDER BY s.score_id LIMIT {limit:UInt32}`
  const found = await clickhouse.query<Record<string, unknown>>(sql, { ...wanted }, readSettings)
  return found.map(scoreOf)
}

export interface WaitingScores {
  /** Came, and was not resolved, since then. */
  readonly sinceMs: number
  /** Keys up to here were seen already. */
  readonly after: ScoreKey
  readonly limit: number
}

/**
 * Keys of scores that name a target and have not found it, in order; those deleted or resolved since are left out.
 * Until it is resolved a score's `target_time` is when it came: its `created_at` may be long ago.
 */
export function readWaiting(clickhouse: Reader, { sinceMs, after, limit }: WaitingScores): Promise<ScoreKey[]> {
  // The inner question reads two narrow columns; what it finds may have a newer state, which the outer one knows.
  const sql = `SELECT s.project_id AS project_id, s.score_id AS score_id
FROM scores AS s
WHERE (s.project_id, s.score_id) IN (
  SELECT w.project_id, w.score_id
  FROM scores AS w
  WHERE w.resolved = 0
    AND w.is_deleted = 0
    AND w.target != ''
    AND w.target_time >= fromUnixTimestamp64Milli({since:Int64})
    AND (w.project_id, w.score_id) > ({project:String}, {id:String})
)
GROUP BY project_id, score_id
HAVING argMax((s.resolved, s.is_deleted, s.target = ''), s.version) = (0, 0, 0)
ORDER BY project_id, score_id
LIMIT {limit:UInt32}`
  const parameters = { since: sinceMs, project: after.project_id, id: after.score_id, limit }
  return clickhouse.query<ScoreKey>(sql, parameters, readSettings)
}

const attributionColumns = [
  'env',
  'service',
  'release',
  'feature',
  'prompt_name',
  'prompt_version',
  'user_id',
  'session_id',
  'team',
  'customer',
] as const satisfies readonly (keyof Attribution)[]

const isCall = isCallOf('s')

const spanTexts = [
  ...[
    'trace_id',
    'span_id',
    'parent_span_id',
    'kind',
    'name',
    'provider',
    'model',
    'cost_status',
    'counted_as',
    'response_id',
  ],
  ...attributionColumns,
]
/** The first of these attributes that a span has. */
function attributeOf(names: readonly string[]): string {
  return `coalesce(${names.map((name) => `nullIf(s.attributes['${name}'], '')`).join(', ')}, '')`
}

const runList = Object.entries(runAttributes)
  .map(([name, keys]) => `${attributeOf(keys)} AS ${name}`)
  .join(', ')

const spanList = `${spanTexts.map((name) => `s.${name} AS ${name}`).join(', ')}, ${runList}, ${isCall} AS is_call,
  toUnixTimestamp64Milli(s.start_time) AS start_ms, toUnixTimestamp64Milli(s.ingested_at) AS ingested_ms, toString(s.total_cost) AS total_cost`

/** Newest state of the spans that a condition picks: as FINAL, which would read every column of every granule it touches. */
function newestSpans(condition: string): string {
  return `SELECT ${spanList} FROM spans AS s
WHERE s.project_id = {project:String} AND ${condition}
ORDER BY s.version DESC LIMIT 1 BY s.trace_id, s.span_id`
}

/** Spans that carry these response ids, newest first, by response id. */
export async function readResponses(
  clickhouse: Reader,
  project: string,
  ids: readonly string[],
): Promise<Map<string, SpanFacts[]>> {
  if (ids.length === 0) return new Map()
  const sql = `SELECT * FROM (${newestSpans('s.response_id IN {ids:Array(String)}')})
ORDER BY response_id, is_call DESC, start_ms DESC LIMIT ${spansPerResponseMax} BY response_id`
  const found = await clickhouse.query<Record<string, unknown>>(sql, { project, ids }, readSettings)
  return Map.groupBy(found.map(spanOf), (span) => span.response_id)
}

/** Spans of these traces, those named in `spanIds` and calls first, at most `spansPerTraceMax` of each. */
export async function readTraces(
  clickhouse: Reader,
  project: string,
  wanted: { readonly traceIds: readonly string[]; readonly spanIds: readonly string[] },
): Promise<Map<string, SpanFacts[]>> {
  if (wanted.traceIds.length === 0) return new Map()
  const sql = `SELECT * FROM (${newestSpans('s.trace_id IN {traces:Array(String)}')})
ORDER BY trace_id, span_id IN {spans:Array(String)} DESC, is_call DESC, start_ms LIMIT ${spansPerTraceMax} BY trace_id`
  const parameters = { project, traces: wanted.traceIds, spans: wanted.spanIds }
  const found = await clickhouse.query<Record<string, unknown>>(sql, parameters, readSettings)
  const traces = Map.groupBy(found.map(spanOf), (span) => span.trace_id)
  const links = Map.groupBy(await readRunLinks(clickhouse, project, wanted.traceIds), (link) => link.trace_id)
  for (const [id, spans] of traces)
    traces.set(id, withRuns(withoutPartialSum(spans, new Set(wanted.spanIds)), links.get(id) ?? []))
  return traces
}

interface RunLink extends RunFacts {
  readonly trace_id: string
  readonly span_id: string
}

/** Which item of which run these traces answer, as SDKs have said apart from the spans. */
function readRunLinks(clickhouse: Reader, project: string, traceIds: readonly string[]): Promise<RunLink[]> {
  const sql = `SELECT DISTINCT l.trace_id AS trace_id, l.span_id AS span_id, l.run_name AS run_name, l.dataset AS dataset, l.item_id AS item_id
FROM dataset_run_items AS l WHERE l.project_id = {project:String} AND l.trace_id IN {traces:Array(String)}`
  return clickhouse.query<RunLink>(sql, { project, traces: traceIds }, readSettings)
}

/** Spans that name no run are of that which was said of them; of a trace with one answer every span is. */
function withRuns(spans: SpanFacts[], links: readonly RunLink[]): SpanFacts[] {
  if (links.length === 0) return spans
  return spans.map((span) => {
    const link = links.length === 1 ? links[0] : links.find((each) => each.span_id === span.span_id)
    if (link === undefined || span.run_name !== '' || span.item_id !== '') return span
    const { run_name, dataset, item_id } = link
    return { ...span, run_name, dataset, item_id }
  })
}

/** Runs may be named by spans that are older than this when a score of the whole run comes. */
const runSpansMs = 86_400_000

/** Name and dataset of runs by their id: as SDKs have said apart, or on spans of the day before `nowMs`. */
export async function readRunNames(
  clickhouse: Reader,
  project: string,
  { ids, nowMs }: { readonly ids: readonly string[]; readonly nowMs: number },
): Promise<Map<string, Pick<RunFacts, 'run_name' | 'dataset'>>> {
  if (ids.length === 0) return new Map()
  const sql = `SELECT l.run_id AS id, any(l.run_name) AS run_name, any(l.dataset) AS dataset
FROM dataset_run_items AS l WHERE l.project_id = {project:String} AND l.run_id IN {ids:Array(String)} GROUP BY id
UNION ALL
SELECT s.attributes['langfuse.experiment.id'] AS id, any(${attributeOf(runAttributes.run_name)}) AS run_name, any(${attributeOf(runAttributes.dataset)}) AS dataset
FROM spans AS s
WHERE s.project_id = {project:String} AND s.start_time >= fromUnixTimestamp64Milli({from:Int64})
  AND s.attributes['langfuse.experiment.id'] IN {ids:Array(String)}
GROUP BY id`
  const found = await clickhouse.query<{ readonly id: string; readonly run_name: string; readonly dataset: string }>(
    sql,
    { project, ids, from: nowMs - runSpansMs },
    readSettings,
  )
  return new Map(found.filter(({ run_name }) => run_name !== '').map(({ id, ...run }) => [id, run]))
}

/** A trace that was cut among its calls must not be added up: their costs become unknown, but for the calls judged by name. */
function withoutPartialSum(spans: SpanFacts[], named: ReadonlySet<string>): SpanFacts[] {
  if (spans.length < spansPerTraceMax || spans.at(-1)?.is_call === 0) return spans
  return spans.map((span) => (named.has(span.span_id) ? span : { ...span, total_cost: null }))
}

/** What is common to all spans of each of these sessions. */
export async function readSessions(
  clickhouse: Reader,
  project: string,
  ids: readonly string[],
): Promise<Map<string, SessionFacts>> {
  if (ids.length === 0) return new Map()
  const billed = `${isCall} AND s.cost_status != 'not_billed'`
  const two = (name: string, condition: string) => `groupUniqArrayIf(2)(s.${name}, ${condition}) AS ${name}s`
  const sql = `SELECT s.session_id AS id, toUnixTimestamp64Milli(min(s.start_time)) AS start_ms, toUnixTimestamp64Milli(max(s.ingested_at)) AS ingested_ms,
  ${['env', 'service', 'release', 'feature', 'user_id', 'team', 'customer'].map((name) => two(name, `s.${name} != ''`)).join(', ')},
  ${two('provider', billed)}, ${two('model', billed)},
  groupUniqArrayIf(2)((s.prompt_name, s.prompt_version), s.prompt_name != '') AS prompts
FROM spans AS s FINAL
WHERE s.project_id = {project:String} AND s.session_id IN {ids:Array(String)}
GROUP BY id`
  const found = await clickhouse.query<Record<string, unknown>>(sql, { project, ids }, readSettings)
  return new Map(found.map((record) => [String(record['id']), sessionOf(record)]))
}

function sessionOf(record: Readonly<Record<string, unknown>>): SessionFacts {
  const list = (name: string): string[] => (record[name] as unknown[]).map(String)
  const only = (name: string): string => (list(name).length === 1 ? list(name)[0]! : '')
  const prompts = record['prompts'] as [string, string][]
  const [prompt_name, prompt_version] = prompts.length === 1 ? prompts[0]! : ['', '']
  return {
    start_ms: Number(record['start_ms']),
    ingested_ms: Number(record['ingested_ms']),
    env: only('envs'),
    service: only('services'),
    release: only('releases'),
    feature: only('features'),
    user_id: only('user_ids'),
    session_id: String(record['id']),
    team: only('teams'),
    customer: only('customers'),
    prompt_name,
    prompt_version,
    provider: only('providers'),
    model: list('models').length > 1 ? 'mixed' : only('models'),
  }
}

function spanOf(record: Readonly<Record<string, unknown>>): SpanFacts {
  const { total_cost } = record
  return {
    ...record,
    is_call: Number(record['is_call']),
    start_ms: Number(record['start_ms']),
    ingested_ms: Number(record['ingested_ms']),
    total_cost: typeof total_cost === 'string' ? parsePicoUsd(total_cost) : null,
  } as SpanFacts // the select list above names every text of it
}

function cellText(column: string, type: string): string {
  if (type.startsWith('DateTime64')) return `toUnixTimestamp64Milli(${column})`
  return type.includes('Decimal') ? `toString(${column})` : column
}

function scoreOf(record: Readonly<Record<string, unknown>>): ScoreRow {
  const row: Record<string, unknown> = { is_deleted: 0 }
  for (const { name, type } of scoresTable.columns) if (name !== 'is_deleted') row[name] = cellOf(record[name], type)
  return row as unknown as ScoreRow // the loop fills every column, each by its type
}

function cellOf(value: unknown, type: string): unknown {
  if (value === null) return null
  if (type.includes('Decimal')) return parsePicoUsd(String(value))
  return /^(?:DateTime64|UInt|Int)/.test(type) ? Number(value) : value
}
