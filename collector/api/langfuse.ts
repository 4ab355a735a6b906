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
import { type ScoreRow, tombstoneOf } from '../../processors/scores.ts'
import { Refusal, refusals } from '../../schemas/refusal.ts'
import { addScoreReading, foundScore } from './langfuse-scores.ts'
import type { ApiParts, Problem } from './parts.ts'
import type { RecentScores } from './recent-scores.ts'
import { writeScore } from './score-writing.ts'

export interface LangfuseParts extends ApiParts {
  /** `host:port` of the OTLP door; empty as long as it does not listen. */
  readonly otlpEndpoint: () => string
}

const eventsMax = 1000
const ingestionBytesMax = 4 << 20
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

  addScoreReading(app, parts, recent)

  app.delete<{ Params: { id: string } }>('/api/public/scores/:id', hidden, async (request, reply) => {
    const project = parts.project(request.headers)
    const gone = tombstoneOf(await foundScore(recent, project, request.params.id), parts.now())
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
  const timeMs = Number.isNaN(saidMs) ? nowMs : Math.min(Math.max(saidMs, 0), nowMs)
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
