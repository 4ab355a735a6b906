// Langfuse's public API, as far as evaluations and reports read traces and costs by it:
//
//   GET /api/public/traces, /traces/{id}                 langfuse-python 2 to 4, langfuse-js 5
//   GET /api/public/observations, /observations/{id}     the same
//   GET /api/public/v2/observations                      langfuse-python 5, langfuse-js 5
//   GET /api/public/metrics/daily, /metrics/usage        langfuse-python 2, and over plain HTTP
//
// The shapes are those of processors/langfuse-shapes.ts; a parameter that is not known is refused rather than passed over.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  dailyShape,
  type FieldGroup,
  fieldGroups,
  kindsOf,
  observationShape,
  observationV2Shape,
  type Row,
  type Said,
  traceShape,
  usageShape,
} from '../../processors/langfuse-shapes.ts'
import { plainId } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { type Listed, listed } from '../clickhouse/paging.ts'
import { rowsOf } from '../exporting/export.ts'
import { wrong } from '../exporting/filters.ts'
import { selectionOf } from '../exporting/selection.ts'
import { loadQueries, type Query, runQuery } from '../queries.ts'
import { checked, type Given, listAt, metaOf, numberAt, pageMax, pageOf, textAt, timeAt } from './langfuse-query.ts'
import { shownScores } from './langfuse-scores.ts'
import type { ApiParts } from './parts.ts'

const hidden = { schema: { hide: true } } as const
const answerBytesMax = 64 << 20
const observationsOfTrace = 1000

type Ask = (id: string, params: Given) => Promise<Row[]>

export function addLangfuseReading(app: FastifyInstance, parts: ApiParts): void {
  const queries = new Map(
    loadQueries(new URL('../../schemas/langfuse/', import.meta.url)).map((query) => [query.id, query]),
  )
  const asking = (request: FastifyRequest): { project: string; ask: Ask } => {
    const project = parts.project(request.headers)
    const ask: Ask = (id, params) => runQuery(parts.clickhouse, queries.get(id) as Query, { ...params, project })
    return { project, ask }
  }
  addTraceRoutes(app, parts, asking)
  addObservationRoutes(app, asking)
  addMetricRoutes(app, asking)
}

type Asking = (request: FastifyRequest) => { readonly project: string; readonly ask: Ask }

const listParameters = [
  'page',
  'limit',
  'userId',
  'name',
  'sessionId',
  'version',
  'release',
  'environment',
  'tags',
  'fields',
  'orderBy',
  'fromTimestamp',
  'toTimestamp',
] as const

function addTraceRoutes(app: FastifyInstance, parts: ApiParts, asking: Asking): void {
  app.get<{ Querystring: Given }>('/api/public/traces', hidden, async (request) => {
    const given = checked(request.query, listParameters)
    const { project, ask } = asking(request)
    const { page, limit } = pageOf(given)
    const listed = await paged(ask, 'traces', traceParams(given), { page, limit })
    const withContent = typeof given['fields'] !== 'string' || given['fields'].split(',').includes('io')
    const rows = await traceRows(parts, project, listed.rows, withContent)
    return { data: rows, meta: metaOf(page, limit, listed.total) }
  })

  app.get<{ Params: { id: string } }>('/api/public/traces/:id', hidden, async (request) => {
    const { project, ask } = asking(request)
    const id = plainId(request.params.id)
    const listed = await ask('traces', { ids: [id], limit: 1 })
    const [trace] = await traceRows(parts, project, listed, true)
    if (trace === undefined) throw new Refusal('not_found', 'there is no such trace')
    const spans = (await ask('observations', { trace: id, limit: observationsOfTrace })).reverse()
    const said = await saidIn(ask, spans)
    const observations = spans.map((row) =>
      observationShape({ ...row, project_id: project }, said.get(String(row['span_id']))),
    )
    return { ...trace, observations, scores: await shownScores(parts, project, id) }
  })
}

/** The traces of a list in its order, with content and scores. */
async function traceRows(
  parts: ApiParts,
  project: string,
  listed: readonly Row[],
  withContent: boolean,
): Promise<Row[]> {
  const byId = new Map(listed.map((row) => [row['trace_id'], row]))
  const keys = listed.map(({ trace_id, start_time }) => ({
    value: '',
    trace_id: String(trace_id),
    span_id: '',
    start_time: String(start_time),
  }))
  const bounds = { nowMs: parts.now(), limitDefault: pageMax, limitMax: pageMax }
  const selection = selectionOf({ content: withContent ? 'captured' : 'none' }, { what: 'traces', project, bounds })
  const found: Row[] = []
  let bytes = 0
  for await (const row of rowsOf(parts.clickhouse, selection, keys)) {
    bytes += String(row['input_messages'] ?? '').length + String(row['output_messages'] ?? '').length
    if (bytes > answerBytesMax)
      throw new Refusal(
        'too_large',
        `the inputs and outputs of these traces are over ${answerBytesMax} bytes: ask for fewer by limit, or leave io out of fields`,
      )
    found.push(traceShape(row, byId.get(row['trace_id']) ?? {}))
  }
  return found
}

function traceParams(given: Given): Given {
  const order = given['orderBy'] ?? 'timestamp.desc'
  if (order !== 'timestamp.asc' && order !== 'timestamp.desc')
    throw wrong('orderBy', order, 'timestamp.asc or timestamp.desc')
  return {
    name: textAt(given, 'name'),
    user: textAt(given, 'userId'),
    session: textAt(given, 'sessionId'),
    release: textAt(given, 'release'),
    version: textAt(given, 'version'),
    envs: listAt(given, 'environment'),
    tags: listAt(given, 'tags'),
    from: timeAt(given, 'fromTimestamp'),
    to: timeAt(given, 'toTimestamp'),
    ascending: order === 'timestamp.asc' ? 1 : 0,
  }
}

const observationParameters = [
  'limit',
  'name',
  'userId',
  'sessionId',
  'type',
  'traceId',
  'level',
  'parentObservationId',
  'environment',
  'fromStartTime',
  'toStartTime',
  'version',
] as const

function addObservationRoutes(app: FastifyInstance, asking: Asking): void {
  app.get<{ Querystring: Given }>('/api/public/observations', hidden, async (request) => {
    const given = checked(request.query, [...observationParameters, 'page'])
    const { project, ask } = asking(request)
    const { page, limit } = pageOf(given)
    const { rows, total } = await paged(ask, 'observations', observationParams(given), { page, limit })
    const said = await saidIn(ask, rows)
    const data = rows.map((row) => observationShape({ ...row, project_id: project }, said.get(String(row['span_id']))))
    return { data, meta: metaOf(page, limit, total) }
  })

  app.get<{ Params: { id: string } }>('/api/public/observations/:id', hidden, async (request) => {
    const { project, ask } = asking(request)
    const rows = await ask('observations', { id: plainId(request.params.id), limit: 1 })
    const [row] = rows
    if (row === undefined) throw new Refusal('not_found', 'there is no such observation')
    const said = await saidIn(ask, rows)
    return observationShape({ ...row, project_id: project }, said.get(String(row['span_id'])))
  })

  app.get<{ Querystring: Given }>('/api/public/v2/observations', hidden, async (request) => {
    const known = [...observationParameters, 'fields', 'cursor', 'isRootObservation', 'expandMetadata', 'parseIoAsJson']
    const given = checked(request.query, known)
    const { project, ask } = asking(request)
    const limit = numberAt(given, 'limit', { least: 1, most: pageMax, absent: 50 })
    const groups = groupsOf(textAt(given, 'fields'))
    const params = { ...observationParams(given), ...cursorAt(given), ...rootAt(given), limit: limit + 1 }
    const found = await ask('observations', params)
    const rows = found.slice(0, limit)
    const said: ReadonlyMap<string, Said> = groups.has('io') ? await saidIn(ask, rows) : new Map()
    const data = rows.map((row) =>
      observationV2Shape({ ...row, project_id: project }, said.get(String(row['span_id'])), groups),
    )
    const last = rows.at(-1)
    const isMore = found.length > limit && last !== undefined
    const key = [last?.['start_time'], last?.['trace_id'], last?.['span_id']]
    return { data, meta: isMore ? { cursor: Buffer.from(JSON.stringify(key)).toString('base64url') } : {} }
  })
}

function observationParams(given: Given): Given {
  const type = textAt(given, 'type')
  const kinds = type === '' ? [] : kindsOf(type)
  const level = textAt(given, 'level')
  if (type !== '' && kinds.length === 0) throw wrong('type', type, 'a type of observation such as GENERATION or SPAN')
  if (!['', 'DEFAULT', 'ERROR'].includes(level)) throw wrong('level', level, 'DEFAULT or ERROR')
  return {
    name: textAt(given, 'name'),
    user: textAt(given, 'userId'),
    session: textAt(given, 'sessionId'),
    trace: plainId(textAt(given, 'traceId')),
    ...(given['parentObservationId'] === undefined ? {} : { parent: plainId(textAt(given, 'parentObservationId')) }),
    kinds,
    status: level === '' ? '' : level === 'ERROR' ? 'error' : 'ok',
    version: textAt(given, 'version'),
    envs: listAt(given, 'environment'),
    from: timeAt(given, 'fromStartTime'),
    to: timeAt(given, 'toStartTime'),
  }
}

async function saidIn(ask: Ask, rows: readonly Row[]): Promise<ReadonlyMap<string, Said>> {
  const times = rows.map((row) => String(row['start_time'])).sort()
  if (rows.length === 0) return new Map()
  const found = await ask('content', {
    traces: [...new Set(rows.map((row) => row['trace_id']))],
    spans: rows.map((row) => row['span_id']),
    from: times[0],
    to: times.at(-1),
  })
  return new Map(
    found.map((row) => [String(row['span_id']), { input: String(row['input']), output: String(row['output']) }]),
  )
}

function addMetricRoutes(app: FastifyInstance, asking: Asking): void {
  const known = ['page', 'limit', 'traceName', 'userId', 'tags', 'environment', 'fromTimestamp', 'toTimestamp']
  const params = (given: Given): Given => ({
    name: textAt(given, 'traceName'),
    user: textAt(given, 'userId'),
    tags: listAt(given, 'tags'),
    envs: listAt(given, 'environment'),
    from: timeAt(given, 'fromTimestamp'),
    to: timeAt(given, 'toTimestamp'),
  })
  const answer = (given: Given, all: readonly Row[]): object => {
    const { page, limit } = pageOf(given)
    return { data: all.slice((page - 1) * limit, page * limit), meta: metaOf(page, limit, all.length) }
  }

  app.get<{ Querystring: Given }>('/api/public/metrics/daily', hidden, async (request) => {
    const given = checked(request.query, known)
    return answer(given, dailyShape(await asking(request).ask('metrics_daily', params(given))))
  })

  app.get<{ Querystring: Given }>('/api/public/metrics/usage', hidden, async (request) => {
    const given = checked(request.query, [...known, 'group_by'])
    const by = textAt(given, 'group_by') || 'trace_name'
    const member = groupings[by]
    if (member === undefined) throw wrong('group_by', by, `one of ${Object.keys(groupings).join(', ')}`)
    return answer(given, usageShape(await asking(request).ask('metrics_usage', { ...params(given), by }), member))
  })
}

/** What usage is grouped by, and the member that says which. */
const groupings: Readonly<Record<string, string>> = {
  trace_name: 'traceName',
  user_id: 'userId',
  session_id: 'sessionId',
  environment: 'environment',
  release: 'release',
  model: 'model',
}

function paged(
  ask: Ask,
  id: string,
  params: Given,
  { page, limit }: { readonly page: number; readonly limit: number },
): Promise<Listed<Row>> {
  return listed((at) => ask(id, { ...params, ...at }), { limit, offset: (page - 1) * limit })
}

function groupsOf(fields: string): ReadonlySet<FieldGroup> {
  const asked = fields === '' ? ['basic'] : fields.split(',')
  const unknown = asked.find((group) => !fieldGroups.some((each) => each === group))
  if (unknown !== undefined) throw wrong('fields', unknown, `one of ${fieldGroups.join(', ')}`)
  return new Set(['core', ...asked] as FieldGroup[]) // each was seen to be one
}

function cursorAt(given: Given): Given {
  const text = textAt(given, 'cursor')
  if (text === '') return {}
  try {
    const [time, trace, span, ...more] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[]
    const isWhole = [time, trace, span].every((part) => typeof part === 'string') && more.length === 0
    if (isWhole && /^[\d .:-]{10,40}$/.test(String(time)))
      return { after_time: time, after_trace: trace, after_span: span }
  } catch {
    // Not one of ours: told below.
  }
  throw wrong('cursor', text, 'one that was given out here')
}

function rootAt(given: Given): Given {
  const text = textAt(given, 'isRootObservation')
  if (text === '') return {}
  if (text !== 'true') throw wrong('isRootObservation', text, 'true, or left out')
  return { parent: '' }
}
