// Scores as Langfuse's public API reads them: by id, and lists of its second and third version.
//
//   GET /api/public/scores/{id}, /v2/scores/{id}     langfuse-python 2 to 4, langfuse-js 5
//   GET /api/public/scores, /v2/scores               pages by number
//   GET /api/public/v3/scores                        pages by cursor, lists with commas; langfuse-python 5, langfuse-js 5

import type { FastifyInstance } from 'fastify'
import { datasetRunKey } from '../../processors/langfuse-scores.ts'
import { idOf } from '../../processors/score-configs/config.ts'
import { metadataValue, plainId, type ScoreRow } from '../../processors/scores.ts'
import { type Listed, listed, type Page } from '../clickhouse/paging.ts'
import { wrong } from '../exporting/filters.ts'
import { type QueryRow, runQuery } from '../queries.ts'
import {
  checked,
  commasAt,
  decimalAt,
  type Given,
  listAt,
  metaOf,
  numberAt,
  pageOf,
  textAt,
  timeAt,
} from './langfuse-query.ts'
import type { ApiParts } from './parts.ts'
import type { RecentScores } from './recent-scores.ts'
import { scoreThatIs } from './score-writing.ts'

const pageMax = 100
const scoresOfTrace = 1000
const hidden = { schema: { hide: true } } as const

const common = [
  'limit',
  'fields',
  'name',
  'source',
  'dataType',
  'environment',
  'configId',
  'traceId',
  'sessionId',
  'observationId',
  'fromTimestamp',
  'toTimestamp',
] as const
/** Nothing here has them. */
const missing = ['queueId', 'traceTags', 'filter'] as const

export function addScoreReading(app: FastifyInstance, parts: ApiParts, recent: RecentScores): void {
  app.get<{ Querystring: Given }>('/api/public/v3/scores', hidden, async (request) => {
    const known = [...common, 'id', 'authorUserId', 'value', 'valueMin', 'valueMax', 'cursor', 'experimentId']
    const given = checked(request.query, known, missing)
    const project = parts.project(request.headers)
    const limit = numberAt(given, 'limit', { least: 1, most: pageMax, absent: 50 })
    const offset = numberAt(given, 'cursor', { least: 0, most: 999_999_999, absent: 0 })
    const params = { ...paramsV3(parts, project, given), project }
    const { rows, total } = await found(parts, recent, params, { limit, offset })
    const next = offset + rows.length
    const data = rows.map((row) => shownV3(scoreOf(row, project)))
    return { data, meta: { limit, ...(next < total ? { cursor: String(next) } : {}) } }
  })

  for (const path of ['/api/public/scores', '/api/public/v2/scores'])
    app.get<{ Querystring: Given }>(path, hidden, async (request) => {
      const given = checked(
        request.query,
        [...common, 'page', 'userId', 'scoreIds', 'operator', 'value', 'datasetRunId'],
        missing,
      )
      const project = parts.project(request.headers)
      const { page, limit } = pageOf(given, pageMax)
      const params = { ...paramsV2(parts, project, given), project }
      const { rows, total } = await found(parts, recent, params, { limit, offset: (page - 1) * limit })
      return { data: rows.map((row) => shown(scoreOf(row, project))), meta: metaOf(page, limit, total) }
    })

  for (const path of ['/api/public/scores/:id', '/api/public/v2/scores/:id'])
    app.get<{ Params: { id: string } }>(path, hidden, async (request) => {
      const project = parts.project(request.headers)
      return shown(scoreOfRow(await foundScore(recent, project, request.params.id)))
    })
}

/** The score of this id. Throws Refusal('not_found'); rejects with ClickHouseError. */
export function foundScore(recent: RecentScores, project: string, id: string): Promise<ScoreRow> {
  return scoreThatIs(recent, { project, id }, 'there is no such score')
}

/** All scores of a trace, as `/api/public/scores` has them. */
export async function shownScores(parts: ApiParts, project: string, trace: string): Promise<object[]> {
  const rows = await runQuery(parts.clickhouse, question(parts), { project, traces: [trace], limit: scoresOfTrace })
  return rows.map((row) => shown(scoreOf(row, project)))
}

function question({ queries }: ApiParts) {
  const query = queries.find(({ id }) => id === 'scores')
  if (query === undefined) throw new Error('schemas/queries/scores.sql is missing')
  return query
}

async function found(
  parts: ApiParts,
  recent: RecentScores,
  { project, ...params }: Given & { readonly project: string },
  page: Page,
): Promise<Listed<QueryRow>> {
  await recent.shown(project)
  return listed((at) => runQuery(parts.clickhouse, question(parts), { ...params, ...at, project }), page)
}

function paramsV2(parts: ApiParts, project: string, given: Given): Given {
  const value = decimalAt(given, 'value')
  const operator = textAt(given, 'operator') || '='
  if (value !== undefined && !['<', '>', '<=', '>=', '=', '!='].includes(operator))
    throw wrong('operator', operator, 'one of <, >, <=, >=, =, !=')
  return {
    ...paramsOf(parts, project, given),
    names: textAt(given, 'name') === '' ? [] : [textAt(given, 'name')],
    user: textAt(given, 'userId'),
    ids: commasAt(given, 'scoreIds'),
    envs: listAt(given, 'environment'),
    ...(value === undefined ? {} : { operator, bound: value }),
  }
}

function paramsV3(parts: ApiParts, project: string, given: Given): Given {
  const types = commasAt(given, 'dataType').map((type) => type.toUpperCase())
  const values = commasAt(given, 'value')
  const [least, most] = [decimalAt(given, 'valueMin'), decimalAt(given, 'valueMax')]
  const single = types.length === 1 ? types[0]! : ''
  if (values.length > 0 && !['NUMERIC', 'BOOLEAN', 'CATEGORICAL'].includes(single))
    throw wrong('value', values, 'asked for with one dataType: NUMERIC, BOOLEAN or CATEGORICAL')
  if ((least !== undefined || most !== undefined) && single !== 'NUMERIC')
    throw wrong('valueMin and valueMax', [least, most], 'asked for with dataType NUMERIC')
  return {
    ...paramsOf(parts, project, given),
    names: commasAt(given, 'name'),
    ids: commasAt(given, 'id'),
    authors: commasAt(given, 'authorUserId'),
    envs: commasAt(given, 'environment'),
    ...(single === 'CATEGORICAL' ? { labels: values } : { numbers: values.map((value) => numberOf(value, single)) }),
    ...(least === undefined ? {} : { least }),
    ...(most === undefined ? {} : { most }),
  }
}

function numberOf(value: string, type: string): number {
  const said = type === 'BOOLEAN' ? { true: '1', false: '0' }[value] : value
  const number = said === undefined ? undefined : decimalAt({ value: said }, 'value')
  if (number === undefined) throw wrong('value', value, type === 'BOOLEAN' ? 'true or false' : 'a number')
  return number
}

const sources: Readonly<Record<string, readonly string[]>> = {
  API: ['user', 'eval'],
  ANNOTATION: ['human-review'],
  EVAL: ['automated'],
}

function paramsOf({ scoreConfigs }: ApiParts, project: string, given: Given): Given {
  const from = timeAt(given, 'fromTimestamp')
  const to = timeAt(given, 'toTimestamp')
  const configs = commasAt(given, 'configId')
  return {
    traces: commasAt(given, 'traceId').map(plainId),
    spans: commasAt(given, 'observationId').map(plainId),
    sessions: commasAt(given, 'sessionId'),
    runs: [...commasAt(given, 'experimentId'), ...commasAt(given, 'datasetRunId')],
    types: commasAt(given, 'dataType').map((type) => type.toLowerCase()),
    sources: commasAt(given, 'source').flatMap((source) => {
      const found = sources[source.toUpperCase()]
      if (found === undefined) throw wrong('source', source, 'one of API, ANNOTATION, EVAL')
      return found
    }),
    // A configuration is found by its name; one that is none has no scores.
    judged_as: configs.map((id) => scoreConfigs?.byId(project, id)?.config.name ?? ''),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}

function scoreOf(row: QueryRow, project: string): Shown {
  const text = (name: string): string => String(row[name] ?? '')
  return {
    id: text('id'),
    project,
    name: text('name'),
    dataType: text('data_type'),
    value: row['value'] === null ? null : Number(row['value']),
    label: text('label'),
    source: text('source'),
    author: text('author_id'),
    comment: text('comment'),
    metadata: row['metadata'] as Readonly<Record<string, string>>,
    env: text('env'),
    traceId: text('trace_id'),
    spanId: text('span_id'),
    sessionId: text('session_id'),
    text: text('text'),
    configId: text('config') === '' ? '' : idOf(project, text('name')),
    createdMs: Number(row['created_ms']),
    updatedMs: Number(row['updated_ms']),
  }
}

function scoreOfRow(row: ScoreRow): Shown {
  return {
    id: row.score_id,
    project: row.project_id,
    name: row.name,
    dataType: row.data_type,
    value: row.value,
    label: row.label,
    source: row.source,
    author: row.author_id,
    comment: row.comment,
    metadata: row.metadata,
    env: row.env,
    traceId: row.given_trace_id || row.trace_id,
    spanId: row.given_span_id || row.span_id,
    sessionId: row.session_id,
    text: row.text,
    configId: row.config === '' ? '' : idOf(row.project_id, row.name),
    createdMs: row.created_at,
    updatedMs: row.version,
  }
}

interface Shown {
  readonly id: string
  readonly project: string
  readonly name: string
  readonly dataType: string
  readonly value: number | null
  readonly label: string
  readonly source: string
  readonly author: string
  readonly comment: string
  readonly metadata: Readonly<Record<string, string>>
  readonly env: string
  readonly traceId: string
  readonly spanId: string
  readonly sessionId: string
  readonly text: string
  readonly configId: string
  readonly createdMs: number
  readonly updatedMs: number
}

/** What all versions of the API say alike. */
function core(score: Shown): object {
  const iso = (ms: number): string => new Date(ms).toISOString()
  const { source } = score
  return {
    id: score.id,
    projectId: score.project,
    name: score.name,
    dataType: score.dataType.toUpperCase(),
    source: source === 'human-review' ? 'ANNOTATION' : source === 'automated' ? 'EVAL' : 'API',
    authorUserId: score.author === '' ? null : score.author,
    comment: score.comment === '' ? null : score.comment,
    metadata: Object.fromEntries(Object.entries(score.metadata).map(([key, value]) => [key, metadataValue(value)])),
    configId: score.configId === '' ? null : score.configId,
    environment: score.env === '' ? 'default' : score.env,
    timestamp: iso(score.createdMs),
    createdAt: iso(score.createdMs),
    updatedAt: iso(score.updatedMs),
  }
}

function shown(score: Shown): object {
  const type = score.dataType.toUpperCase()
  const string = stringOf(score)
  return {
    ...core(score),
    ...(type === 'TEXT' ? {} : { value: score.value ?? (string === '' ? null : 0) }),
    ...(type === 'NUMERIC' ? {} : { stringValue: string }),
    traceId: score.traceId === '' ? null : score.traceId,
    observationId: score.spanId === '' ? null : score.spanId,
    sessionId: score.sessionId === '' ? null : score.sessionId,
    datasetRunId: runIdOf(score) ?? null,
  }
}

function stringOf({ dataType, value, label, text }: Shown): string {
  if (dataType === 'boolean') return label || (value === 1 ? 'True' : 'False')
  return dataType === 'categorical' ? label : text
}

/** Of a score that was sent for a whole run. */
function runIdOf({ metadata }: Shown): string | undefined {
  return metadata[datasetRunKey]
}

function shownV3(score: Shown): object {
  const { traceId, spanId, sessionId, dataType } = score
  const subject =
    spanId !== ''
      ? { kind: 'observation', id: spanId, traceId }
      : traceId !== ''
        ? { kind: 'trace', id: traceId }
        : sessionId !== '' || runIdOf(score) === undefined
          ? { kind: 'session', id: sessionId }
          : { kind: 'experiment', id: runIdOf(score) }
  const value = dataType === 'boolean' ? score.value === 1 : dataType === 'numeric' ? score.value : stringOf(score)
  return { ...core(score), value, subject }
}
