// The HTTP API on port 8100: feedback, questions, one page, and its own description at /openapi.json. Errors are
// {"detail": …}. Reading needs the database and answers 503 while it is away; taking feedback does not.

import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { PriceRefusal } from '../../processors/pricing/custom/refusal.ts'
import { Refusal, type RefusalReason, refusals } from '../../schemas/refusal.ts'
import { ClickHouseError } from '../clickhouse/client.ts'
import type { Endpoint } from '../config-values.ts'
import type { Log } from '../log.ts'
import { loadQueries, type Query } from '../queries.ts'
import { addAccess } from './access.ts'
import { addCors, originCheck } from './cors.ts'
import { addExports } from './exports.ts'
import { addFeedback } from './feedback.ts'
import { takeJson } from './json-body.ts'
import { addKeys } from './keys.ts'
import { addLangfuse, langfuseError } from './langfuse.ts'
import { addLangfuseDatasets } from './langfuse-datasets.ts'
import { addLangfuseReading } from './langfuse-reading.ts'
import { addLangfuseScoreConfigs } from './langfuse-score-configs.ts'
import { addPage } from './page.ts'
import type { ApiParts, Headers, Problem } from './parts.ts'
import { addPrices, type OwnPricesKeeper } from './prices.ts'
import { addQueries } from './queries.ts'
import { RecentScores } from './recent-scores.ts'
import { addScoreConfigs } from './score-configs.ts'
import { addTraces } from './traces.ts'

export interface ApiAnswer {
  /** Pattern of the route, such as `/api/feedback/:id`; empty when there is none. */
  readonly route: string
  readonly status: number
  readonly refusal: RefusalReason | undefined
  readonly durationMs: number
}

export interface ApiOptions extends Omit<ApiParts, 'queries' | 'log' | 'now' | 'caller' | 'isAllowedOrigin'> {
  /** Port 0 takes a free one. */
  readonly endpoint: Endpoint
  /** Whose a request is while nobody has to show a key. */
  readonly project: (headers: Headers) => string
  readonly log: Pick<Log, 'limited' | 'error'>
  /** Absent: without the routes of prices. */
  readonly prices?: OwnPricesKeeper
  /** Web origins that may use the API from a browser; `*` is any. */
  readonly corsOrigins?: readonly string[]
  /** Proxies whose X-Forwarded-For is believed: addresses and networks. */
  readonly trustedProxies?: readonly string[]
  readonly bodyBytesMax?: number
  /** The questions; those of schemas/queries when not given. */
  readonly queries?: readonly Query[]
  readonly meter?: { answered(answer: ApiAnswer): void }
  /** `host:port` of the OTLP door over HTTP; empty as long as it does not listen. */
  readonly otlpEndpoint?: () => string
  readonly now?: () => number
}

export interface Api {
  /** Where it listens, the port resolved. */
  readonly endpoint: Endpoint
  /** Lets requests under way finish. May come twice. */
  close(): Promise<void>
}

const bodyBytesMax = 256 * 1024
const pathPartMax = 512
const requestMs = 30_000
const connectionsMax = 1000
const retryAfterSeconds = 2

/** ClickHouse's codes for a parameter that is not of its type: 457 is BAD_QUERY_PARAMETER. */
const parameterCodes = new Set([6, 26, 27, 38, 41, 53, 69, 70, 72, 321, 457])

/** Resolves when it listens; rejects when it cannot. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { log, meter, corsOrigins = [], trustedProxies = [], keys, now = Date.now } = options
  const app = fastify({
    // Of two credentials node would show us the first and hide the other.
    http: { joinDuplicateHeaders: true },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: options.bodyBytesMax ?? bodyBytesMax,
    // A score of "1" or true is a mistake to point out, not a number; numbers in a URL are read by `readNumbers`.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true } },
    routerOptions: { maxParamLength: pathPartMax },
    requestTimeout: requestMs,
    connectionTimeout: requestMs * 2,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // Of the router, before there is a route: an id in the path that is too long, an escape in it that is none.
    frameworkErrors: (error, request, reply) => {
      const problem = routerProblem(error)
      refused.set(request, problem.reason)
      const answer: FastifyReply = reply // as routes have it: the type here knows no status of an error
      answer.code(problem.status).send(langfuseError(request.url, problem) ?? { detail: problem.detail })
    },
  })
  app.server.maxConnections = connectionsMax
  // A browser may send text/plain across origins without asking first.
  app.removeContentTypeParser(['text/plain', 'application/json'])
  takeJson(app, 'application/json')
  app.addHook('onSend', async (_, reply) => {
    reply.header('X-Content-Type-Options', 'nosniff')
    reply.header('Referrer-Policy', 'no-referrer')
  })
  app.addHook('onResponse', async (request, reply) => {
    meter?.answered({
      route: request.routeOptions.url ?? '',
      status: reply.statusCode,
      refusal: refused.get(request),
      durationMs: reply.elapsedTime,
    })
  })
  app.addHook('preValidation', async (request) => readNumbers(request))
  addCors(app, corsOrigins, keys)
  const caller = addAccess(app, { keys, project: options.project })
  const parts: ApiParts = {
    ...options,
    queries: options.queries ?? loadQueries(),
    now,
    caller,
    project: (headers) => caller(headers).project,
    isAllowedOrigin: originCheck(corsOrigins),
  }
  answerErrors(app, log)
  await describeRoutes(app, options.version)
  const recent = new RecentScores(parts.clickhouse, now)
  addFeedback(app, parts, recent)
  addLangfuse(app, { ...parts, otlpEndpoint: options.otlpEndpoint ?? (() => '') }, recent)
  addLangfuseReading(app, parts)
  if (parts.command !== undefined) addLangfuseDatasets(app, parts, { command: parts.command })
  if (parts.scoreConfigs !== undefined) {
    addScoreConfigs(app, parts, parts.scoreConfigs)
    addLangfuseScoreConfigs(app, parts, parts.scoreConfigs)
  }
  addQueries(app, parts)
  if (options.prices !== undefined) addPrices(app, { ...parts, prices: options.prices })
  addExports(app, parts)
  addTraces(app, parts)
  addKeys(app, parts)
  addPage(app, parts)
  app.get('/openapi.json', { config: { may: 'open' }, schema: { hide: true } }, async () => app.swagger())
  const { host, port } = options.endpoint
  await app.listen({ host, port })
  let closing: Promise<void> | undefined
  return {
    endpoint: { host, port: (app.server.address() as AddressInfo).port }, // an address of TCP: it listens on a port
    close: () => (closing ??= app.close()),
  }
}

/** Why a request was refused, for the meter. */
const refused = new WeakMap<FastifyRequest, RefusalReason>()

async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spanledger',
        version,
        description:
          'Feedback on LLM calls, questions about their cost and quality, and the prices they are counted by.',
      },
      tags: [
        { name: 'feedback', description: 'Feedback and scores' },
        { name: 'quality', description: 'What feedback says of models and prompts, beside what they cost' },
        { name: 'exports', description: 'Calls and traces for evaluation, and datasets made of them' },
        { name: 'queries', description: 'Every question of the ledger' },
        { name: 'prices', description: 'The price book, and own prices in it' },
        { name: 'keys', description: 'Keys of the project' },
      ],
    },
  })
}

function answerErrors(app: FastifyInstance, log: ApiOptions['log']): void {
  app.setErrorHandler<FastifyError | Error>((error, request, reply) => {
    const { reason, status, detail } = problemOf(error)
    if (reason === 'internal')
      log.error('a request of the API failed: this is a bug', { error, route: request.routeOptions.url })
    if (reason === 'database_unavailable')
      log.limited('api-database', 'warn', 'the API cannot reach the database', { error })
    const seconds = error instanceof Refusal ? error.retryAfterSeconds : undefined
    if (refusals[reason].retryable || seconds !== undefined)
      reply.header('Retry-After', String(seconds ?? retryAfterSeconds))
    if (reason === 'unauthenticated') reply.header('WWW-Authenticate', 'Bearer')
    refused.set(request, reason)
    const own = langfuseError(request.url, { reason, status, detail })
    if (own !== undefined) return reply.code(status).send(own)
    const findings = error instanceof PriceRefusal && error.findings.length > 0 ? { findings: error.findings } : {}
    return reply.code(status).send({ detail, ...findings })
  })
  app.setNotFoundHandler((request, reply) => {
    refused.set(request, 'not_found')
    const missing = problem('not_found', 'Not Found')
    return reply.code(missing.status).send(langfuseError(request.url, missing) ?? { detail: missing.detail })
  })
}

function routerProblem({ code, statusCode = 400 }: FastifyError): Problem {
  const detail =
    code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? `a part of the path is longer than ${pathPartMax} characters`
      : 'the path is not a valid one: its escapes are not UTF-8'
  return { reason: 'bad_request', status: statusCode, detail }
}

/** What the sender is told: never more than they sent, or than they can do something about. */
function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof Refusal) return problem(error.reason, error.message)
  if (error instanceof ClickHouseError) {
    if (error.code !== null && parameterCodes.has(error.code))
      return problem('bad_request', `a parameter is not of its type: ${firstLine(error.message)}`)
    return problem(
      'database_unavailable',
      'the database does not answer now, try again; feedback is taken all the same',
    )
  }
  if ('validation' in error && error.validation !== undefined) return problem('bad_request', validationText(error))
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status === 413) return problem('too_large', error.message)
  if (status === 415) return problem('unsupported_media_type', 'send JSON, as application/json')
  if (status === 503) return problem('shutting_down', 'the collector is stopping')
  if (status >= 400 && status < 500) return { reason: 'bad_request', status, detail: error.message }
  return problem('internal', 'internal error')
}

function problem(reason: RefusalReason, detail: string): Problem {
  return { reason, status: refusals[reason].http, detail }
}

/** `score must be one of -1, 0, 1`. */
function validationText(error: FastifyError): string {
  const [first] = error.validation ?? []
  if (first === undefined) return error.message
  const path = first.instancePath.slice(1).replaceAll('/', '.') || (error.validationContext ?? 'body')
  const allowed = first.params['allowedValues']
  if (Array.isArray(allowed)) return `${path} must be one of ${allowed.filter((each) => each !== null).join(', ')}`
  return `${path} ${first.message ?? 'is not valid'}`
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.slice(0, 300)
}

/** Whole numbers of the query string become numbers where the route's schema asks for them. */
function readNumbers(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.querystring as
    | { properties?: Record<string, { type?: unknown }> }
    | undefined
  const query = request.query as Record<string, unknown>
  for (const [name, { type }] of Object.entries(schema?.properties ?? {})) {
    const text = query[name]
    if (type === 'integer' && typeof text === 'string' && /^-?\d{1,9}$/.test(text)) query[name] = Number(text)
  }
}
