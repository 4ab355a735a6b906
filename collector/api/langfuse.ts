// Langfuse's public API, as far as its SDKs send scores and traces by it: with this collector's API as their host they need no
// change. Source: langfuse 62751446 (2026-08), fern/apis/server; requests of langfuse-python 4.18 and 5.0.4, langfuse-js 5.11 as recorded.
//
//   POST /api/public/ingestion           score-create (SDKs to 4)    GET, DELETE /api/public/scores/{id}
//   POST /api/public/scores              one, or a list (SDKs of 5)  GET /api/public/scores, …/v2/scores, …/v3/scores
//   POST /api/public/otel/v1/traces      handed to the OTLP door     GET /api/public/projects, /api/public/health

import { randomUUIDv7 } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type LangfuseScore, scoreFromLangfuse, WrongScore } from '../../processors/langfuse-scores.ts'
import { idOf } from '../../processors/score-configs/config.ts'
import { metadataValue, plainId, type ScoreRow, tombstoneOf } from '../../processors/scores.ts'
import { Refusal, refusals } from '../../schemas/refusal.ts'
import { type QueryRow, runQuery } from '../queries.ts'
import type { ApiParts, Problem } from './parts.ts'
import type { RecentScores } from './recent-scores.ts'
import { scoreThatIs, writeScore } from './score-writing.ts'

export interface LangfuseParts extends ApiParts {
  /** `host:port` of the OTLP door; empty as long as it does not listen. */
  readonly otlpEndpoint: () => string
}

const eventsMax = 1000
const ingestionBytesMax = 4 << 20
const pageMax = 100
const scoresOfTrace = 1000
/** Events of the SDKs' own diagnostics: there is nothing to store. */
const ownEvents: ReadonlySet<string> = new Set(['sdk-log'])

interface IngestionEvent {
  readonly id?: unknown
  readonly type?: unknown
  readonly timestamp?: unknown
  readonly body?: unknown
}

const hidden = { schema: { hide: true } } as const
const sending = { ...hidden, config: { may: 'feedback' } } as const

export function addLangfuse(app: FastifyInstance, parts: LangfuseParts, recent: RecentScores): void {
  app.post<{ Body: { batch?: unknown } }>(
    '/api/public/ingestion',
    { ...sending, bodyLimit: ingestionBytesMax },
    async (request, reply) => {
      const { batch } = request.body ?? {}
      if (!Array.isArray(batch)) throw new Refusal('bad_request', 'batch is missing: send {"batch": [event, …]}')
      if (batch.length > eventsMax)
        throw new Refusal('bad_request', `${batch.length} events in one batch, limit is ${eventsMax}`)
      const project = parts.project(request.headers)
      const outcomes = await Promise.all(batch.map((event) => ingest(parts, recent, project, event as IngestionEvent)))
      return reply.code(207).send({
        successes: outcomes.filter(({ status }) => status === 201),
        errors: outcomes.filter(({ status }) => status !== 201),
      })
    },
  )

  app.post<{ Body: LangfuseScore | readonly LangfuseScore[] }>(
    '/api/public/scores',
    { ...sending, bodyLimit: ingestionBytesMax },
    async (request, reply) => {
      const project = parts.project(request.headers)
      const { body } = request
      if (!Array.isArray(body)) return { id: await write(parts, recent, project, body as LangfuseScore) }
      if (body.length > eventsMax)
        throw new Refusal('bad_request', `${body.length} scores in one list, limit is ${eventsMax}`)
      const errors = (await Promise.all(body.map((each) => refusalOf(write(parts, recent, project, each))))).filter(
        (refusal) => refusal !== null,
      )
      if (errors.length === 0) return reply.code(202).send({ message: 'Accepted' })
      const accepted = body.length - errors.length
      return reply
        .code(207)
        .send({ accepted, rejected: errors.length, errors: errors.map(({ message }) => ({ message })) })
    },
  )

  app.get<{ Querystring: Record<string, unknown> }>('/api/public/v3/scores', hidden, async (request) => {
    const offset = Math.max(0, Number(request.query['cursor'] ?? 0) || 0)
    const { rows, limit, total } = await ask(parts, recent, request, offset)
    const next = offset + rows.length
    const data = rows.map((row) => shownV3(scoreOf(row, parts.project(request.headers))))
    return { data, meta: { limit, ...(next < total ? { cursor: String(next) } : {}) } }
  })

  for (const path of ['/api/public/scores', '/api/public/v2/scores'])
    app.get<{ Querystring: Record<string, unknown> }>(path, hidden, async (request) => {
      const page = Math.max(1, Number(request.query['page'] ?? 1) || 1)
      const { rows, limit, total } = await ask(parts, recent, request, (page - 1) * limitOf(request.query))
      const project = parts.project(request.headers)
      return {
        data: rows.map((row) => shown(scoreOf(row, project))),
        meta: { page, limit, totalItems: total, totalPages: Math.ceil(total / limit) },
      }
    })

  for (const path of ['/api/public/scores/:id', '/api/public/v2/scores/:id'])
    app.get<{ Params: { id: string } }>(path, hidden, async (request) => {
      const project = parts.project(request.headers)
      const row = await found(recent, project, request.params.id)
      return shown(scoreOfRow(row))
    })

  app.delete<{ Params: { id: string } }>('/api/public/scores/:id', hidden, async (request, reply) => {
    const project = parts.project(request.headers)
    const gone = tombstoneOf(await found(recent, project, request.params.id), parts.now())
    await recent.write(gone, parts.appendScores([gone]))
    return reply.code(202).send({ message: 'deleted' })
  })

  app.get('/api/public/projects', { ...hidden, config: { may: 'any' } }, async (request) => {
    const project = parts.project(request.headers)
    return { data: [{ id: project, name: project, metadata: {}, organization: { id: project, name: project } }] }
  })

  app.get('/api/public/health', { ...hidden, config: { may: 'any' } }, async () => ({
    status: 'OK',
    version: parts.version,
  }))

  app.register(async (inner) => {
    // The door reads the body itself, whatever its type and encoding.
    inner.removeAllContentTypeParsers()
    inner.addContentTypeParser('*', (_, body, done) => done(null, body))
    for (const signal of ['traces', 'logs'])
      inner.post(`/api/public/otel/v1/${signal}`, { ...hidden, config: { may: 'ingest' } }, (request, reply) =>
        handOver(parts, request, reply, signal),
      )
  })
}

/** A problem as Langfuse says it, as OTLP does below its door for traces, or undefined elsewhere. */
export function langfuseError(url: string, { reason, status, detail }: Problem): object | undefined {
  if (!url.startsWith('/api/public/')) return undefined
  if (url.startsWith('/api/public/otel/')) return { code: refusals[reason].grpc, message: detail }
  return {
    message: detail,
    error: errorNames[status] ?? (status < 500 ? 'InvalidRequestError' : 'InternalServerError'),
  }
}

const errorNames: Readonly<Record<number, string>> = {
  401: 'UnauthorizedError',
  403: 'ForbiddenError',
  404: 'LangfuseNotFoundError',
  405: 'MethodNotAllowedError',
  409: 'LangfuseConflictError',
  503: 'ServiceUnavailableError',
}

type Outcome = { readonly id: string; readonly status: number; readonly message?: string; readonly error?: string }

async function ingest(parts: ApiParts, recent: RecentScores, project: string, event: IngestionEvent): Promise<Outcome> {
  const id = typeof event?.id === 'string' ? event.id.slice(0, 256) : ''
  const type = typeof event?.type === 'string' ? event.type : ''
  if (ownEvents.has(type)) return { id, status: 201 }
  if (type !== 'score-create')
    return {
      id,
      status: 400,
      message: `events of type "${type.slice(0, 64)}" are not taken here: traces come by OTLP, POST /api/public/otel/v1/traces`,
      error: 'unsupported event',
    }
  const { body } = event
  if (typeof body !== 'object' || body === null)
    return { id, status: 400, message: 'body is missing', error: 'bad request' }
  const refusal = await refusalOf(write(parts, recent, project, { timestamp: event.timestamp, ...body }))
  return refusal === null
    ? { id, status: 201 }
    : { id, status: refusal.rule.http, message: refusal.message, error: refusal.reason }
}

/** Null when it is done; what else goes wrong than a refusal is thrown. */
async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** The id of the score, durable. */
async function write(parts: ApiParts, recent: RecentScores, projectId: string, body: LangfuseScore): Promise<string> {
  if (typeof body !== 'object' || body === null) throw new Refusal('bad_request', 'a score is an object')
  const nowMs = parts.now()
  const saidMs = typeof body.timestamp === 'string' ? Date.parse(body.timestamp) : Number.NaN
  const timeMs = Number.isNaN(saidMs) ? nowMs : Math.min(saidMs, nowMs)
  checkConfig(parts, projectId, body)
  let row: ScoreRow
  try {
    row = scoreFromLangfuse(body, { projectId, nowMs, timeMs, newId: randomUUIDv7 })
  } catch (error) {
    if (error instanceof WrongScore) throw new Refusal('bad_request', error.message)
    throw error
  }
  const stored = await writeScore(parts, recent, row, { isKeyed: typeof body.id === 'string' })
  return stored.score_id
}

/** A score that names its configuration must mean the one of its name. Throws Refusal. */
function checkConfig({ scoreConfigs }: ApiParts, project: string, { configId, name }: LangfuseScore): void {
  if (configId === undefined || configId === null) return
  const config = typeof configId === 'string' ? scoreConfigs?.byId(project, configId)?.config : undefined
  if (config === undefined) throw new Refusal('not_found', 'configId names no score configuration of the project')
  if (config.name !== name)
    throw new Refusal('bad_request', `configId is of the score configuration "${config.name}", and name is another`)
}

function found(recent: RecentScores, project: string, id: string): Promise<ScoreRow> {
  return scoreThatIs(recent, { project, id }, 'there is no such score')
}

function limitOf(asked: Readonly<Record<string, unknown>>): number {
  return Math.min(pageMax, Math.max(1, Number(asked['limit'] ?? 50) || 50))
}

async function ask(
  parts: ApiParts,
  recent: RecentScores,
  request: FastifyRequest<{ Querystring: Record<string, unknown> }>,
  offset: number,
): Promise<{ readonly rows: QueryRow[]; readonly limit: number; readonly total: number }> {
  const project = parts.project(request.headers)
  const asked = request.query
  const text = (...names: string[]): string =>
    names.map((name) => asked[name]).find((value) => typeof value === 'string') ?? ''
  const list = (value: string): string[] => (value === '' ? [] : value.split(','))
  const limit = limitOf(asked)
  const query = parts.queries.find(({ id }) => id === 'scores')
  if (query === undefined) throw new Error('schemas/queries/scores.sql is missing')
  await recent.shown(project)
  const rows = await runQuery(parts.clickhouse, query, {
    project,
    name: text('name'),
    trace: plainId(text('traceId')),
    session: text('sessionId'),
    ids: list(text('scoreIds', 'id')),
    types: list(text('dataType').toLowerCase()),
    ...(text('fromTimestamp') === '' ? {} : { from: text('fromTimestamp') }),
    ...(text('toTimestamp') === '' ? {} : { to: text('toTimestamp') }),
    limit,
    offset,
  })
  return { rows, limit, total: Number(rows[0]?.['total'] ?? 0) }
}

/** All scores of a trace, as `/api/public/scores` has them. */
export async function shownScores(parts: ApiParts, project: string, trace: string): Promise<object[]> {
  const query = parts.queries.find(({ id }) => id === 'scores')
  if (query === undefined) throw new Error('schemas/queries/scores.sql is missing')
  const rows = await runQuery(parts.clickhouse, query, { project, trace, limit: scoresOfTrace })
  return rows.map((row) => shown(scoreOf(row, project)))
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
  }
}

function stringOf({ dataType, value, label, text }: Shown): string {
  if (dataType === 'boolean') return label || (value === 1 ? 'True' : 'False')
  return dataType === 'categorical' ? label : text
}

function shownV3(score: Shown): object {
  const { traceId, spanId, sessionId, dataType } = score
  const subject =
    spanId !== ''
      ? { kind: 'observation', id: spanId, traceId }
      : traceId !== ''
        ? { kind: 'trace', id: traceId }
        : { kind: 'session', id: sessionId }
  const value = dataType === 'boolean' ? score.value === 1 : dataType === 'numeric' ? score.value : stringOf(score)
  return { ...core(score), value, subject }
}

/** To the OTLP door of this process and back, as it is: its limits and its answers are the door's. */
function handOver(parts: LangfuseParts, request: FastifyRequest, reply: FastifyReply, signal: string): FastifyReply {
  const [host = '', port = ''] = splitEnd(parts.otlpEndpoint())
  if (port === '') throw new Refusal('shutting_down', 'OTLP is not received yet')
  reply.hijack()
  const { raw } = request
  const onward = httpRequest(
    { host, port: Number(port), path: `/v1/${signal}`, method: 'POST', headers: raw.headers },
    (answer) => {
      reply.raw.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(reply.raw)
    },
  )
  onward.on('error', () => {
    if (!reply.raw.headersSent) reply.raw.writeHead(503, { 'Retry-After': '5' })
    reply.raw.end()
  })
  raw.pipe(onward)
  return reply
}

function splitEnd(endpoint: string): [string, string] {
  const at = endpoint.lastIndexOf(':')
  return at < 0 ? ['', ''] : [endpoint.slice(0, at).replace(/^\[|\]$/g, ''), endpoint.slice(at + 1)]
}
