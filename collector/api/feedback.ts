// /api/feedback…: feedback is taken, listed, summed up and deleted, under AgentCost's names. Taking needs no database: it is
// answered when the row is durable. Figures come from schemas/queries.

import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { implicitSignal } from '../../processors/implicit-signals.ts'
import {
  type FeedbackBody,
  metadataValue,
  plainId,
  type ScoreRow,
  scoreFromFeedback,
  tombstoneOf,
} from '../../processors/scores.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { refuseUnknown } from '../exporting/filters.ts'
import { type Query, type QueryRow, runQuery } from '../queries.ts'
import { takeJson } from './json-body.ts'
import { checkPageFeedback, pageAnswer, pageRow } from './page-feedback.ts'
import type { ApiParts } from './parts.ts'
import { modelQualities, modelQuality, promptQualities } from './quality-shapes.ts'
import { arrays } from './queries.ts'
import type { RecentScores } from './recent-scores.ts'
import * as schemas from './schemas.ts'
import { scoreThatIs, writeScore } from './score-writing.ts'

export function addFeedback(app: FastifyInstance, parts: ApiParts, recent: RecentScores): void {
  addWriting(app, parts, recent)
  addReading(app, parts, recent)
  addQuality(app, parts, recent)
}

function addWriting(app: FastifyInstance, parts: ApiParts, recent: RecentScores): void {
  app.register(async (inner) => {
    takeBeacons(inner, parts)
    inner.post<{ Body: Partial<FeedbackBody> }>(
      '/api/feedback',
      {
        config: { may: 'feedback', isForPages: true },
        schema: {
          summary: 'Give feedback on an answer',
          tags: ['feedback'],
          querystring: { type: 'object', properties: { key: { type: 'string', description: 'Key of a web page.' } } },
          body: schemas.feedbackBody,
          response: { 200: schemas.storedFeedback, ...schemas.problems },
        },
      },
      async (request) => {
        const body = scored(request.body)
        checkBody(body)
        const caller = parts.caller(request.headers)
        const nowMs = parts.now()
        const row = scoreFromFeedback(body, { projectId: caller.project, nowMs, newId: randomUUIDv7 })
        const isKeyed = Boolean(body.id)
        if (!caller.isPublic) return storedOf(await writeScore(parts, recent, row, { isKeyed }))
        checkPageFeedback(body)
        await writeScore(parts, recent, pageRow(row, caller), { isKeyed })
        return pageAnswer(row)
      },
    )
  })

  app.delete<{ Params: { id: string } }>(
    '/api/feedback/:id',
    {
      schema: {
        summary: 'Delete a piece of feedback or a score',
        tags: ['feedback'],
        params: { type: 'object', properties: { id: { type: 'string', maxLength: schemas.feedbackLimits.id } } },
        response: {
          200: { type: 'object', properties: { status: { type: 'string', const: 'deleted' } } },
          ...schemas.problems,
        },
      },
    },
    async (request) => {
      const project = parts.project(request.headers)
      const row = await scoreThatIs(recent, { project, id: request.params.id }, 'Feedback not found')
      const gone = tombstoneOf(row, parts.now())
      await recent.write(gone, parts.appendScores([gone]))
      return { status: 'deleted' }
    },
  )
}

/**
 * `navigator.sendBeacon` and a plain `fetch` send text/plain, across origins and without asking first. So without keys only
 * pages that were allowed may: else any page a person visits could write to a collector on that person's machine.
 */
function takeBeacons(inner: FastifyInstance, { keys, isAllowedOrigin }: ApiParts): void {
  takeJson(inner, 'text/plain')
  if (keys !== undefined) return
  inner.addHook('onRequest', (request, _, done) => {
    const { origin, 'content-type': type = '' } = request.headers
    if (!/^text\/plain\b/i.test(type) || (origin !== undefined && isAllowedOrigin(origin))) return done()
    done(
      new Refusal('unsupported_media_type', 'send JSON, as application/json; text/plain is taken of allowed origins'),
    )
  })
}

function addReading(app: FastifyInstance, parts: ApiParts, recent: RecentScores): void {
  const answer = answering(parts, recent)

  app.get(
    '/api/feedback',
    {
      schema: {
        summary: 'Feedback and scores, newest first',
        tags: ['feedback'],
        querystring: schemas.listFilters,
        response: { 200: schemas.listedFeedback, ...schemas.problems },
      },
    },
    async (request) => (await answer(request, 'feedback_list', {}, schemas.listFilters)).map(listedOf),
  )

  app.get(
    '/api/feedback/summary',
    {
      schema: {
        summary: 'Votes of the project, counted',
        tags: ['feedback'],
        querystring: schemas.summaryFilters,
        response: { 200: schemas.feedbackSummary, ...schemas.problems },
      },
    },
    async (request) => (await answer(request, 'feedback_summary', {}, schemas.summaryFilters))[0],
  )

  app.get<{ Params: { trace_id: string } }>(
    '/api/feedback/trace/:trace_id',
    {
      schema: {
        summary: 'All feedback for a trace, newest first',
        tags: ['feedback'],
        params: traceParam,
        response: { 200: schemas.listedFeedback, ...schemas.problems },
      },
    },
    async (request) => {
      const traces = tracesOf(request.params.trace_id)
      return (await answer(request, 'feedback_list', { traces, limit: schemas.feedbackLimits.listed })).map(listedOf)
    },
  )

  app.get<{ Params: { trace_id: string } }>(
    '/api/feedback/trace/:trace_id/score',
    {
      schema: {
        summary: 'Votes on a trace, counted',
        tags: ['feedback'],
        params: traceParam,
        response: { 200: schemas.traceScore, ...schemas.problems },
      },
    },
    async (request) => {
      const { trace_id } = request.params
      const [row] = await answer(request, 'feedback_summary', { traces: tracesOf(trace_id) })
      return { trace_id, ...row }
    },
  )
}

function addQuality(app: FastifyInstance, parts: ApiParts, recent: RecentScores): void {
  const answer = answering(parts, recent)

  app.get(
    '/api/feedback/quality/models',
    {
      schema: {
        summary: 'Quality and cost of each model that was judged',
        tags: ['quality'],
        querystring: schemas.qualityFilters,
        response: { 200: { type: 'array', items: schemas.modelQuality }, ...schemas.problems },
      },
    },
    async (request) => modelQualities(await answer(request, 'quality', {}, schemas.qualityFilters)),
  )

  app.get<{ Params: { model: string } }>(
    '/api/feedback/quality/model/:model',
    {
      schema: {
        summary: 'Quality and cost of one model',
        tags: ['quality'],
        params: { type: 'object', properties: { model: { type: 'string', minLength: 1 } } },
        querystring: schemas.qualityFilters,
        response: { 200: schemas.modelQuality, ...schemas.problems },
      },
    },
    async (request) => {
      const { model } = request.params
      return modelQuality(await answer(request, 'quality', { model }, schemas.qualityFilters), model)
    },
  )

  app.get<{ Params: { prompt_id: string } }>(
    '/api/feedback/quality/prompt/:prompt_id',
    {
      schema: {
        summary: 'Quality and cost of each version of a prompt',
        tags: ['quality'],
        params: { type: 'object', properties: { prompt_id: { type: 'string', minLength: 1 } } },
        querystring: schemas.qualityFilters,
        response: { 200: { type: 'array', items: schemas.promptQuality }, ...schemas.problems },
      },
    },
    async (request) => {
      const prompt = request.params.prompt_id
      const params = { by: 'prompt', prompt }
      return promptQualities(await answer(request, 'quality', params, schemas.qualityFilters), prompt)
    },
  )
}

const traceParam = {
  type: 'object',
  properties: { trace_id: { type: 'string', minLength: 1, maxLength: schemas.feedbackLimits.id } },
} as const

type Answer = (
  request: FastifyRequest,
  id: string,
  params: Readonly<Record<string, unknown>>,
  /** What the URL may ask of the question besides; anything else there is refused. */
  filters?: { readonly properties: Readonly<Record<string, unknown>> },
) => Promise<QueryRow[]>

/** Asks a question for the caller's project, once ClickHouse shows what was written here before. */
function answering({ clickhouse, queries, project }: ApiParts, recent: RecentScores): Answer {
  const byId = new Map<string, Query>(queries.map((query) => [query.id, query]))
  return async (request, id, params, filters = { properties: schemas.projectFilter }) => {
    const own = project(request.headers)
    const inUrl = request.query as QueryRow
    refuseUnknown(inUrl, Object.keys(filters.properties))
    const { project: asked, ...given } = inUrl
    if (asked !== undefined && asked !== own)
      throw new Refusal('forbidden', `this request belongs to project "${own}" and cannot read another`)
    const query = byId.get(id)
    if (query === undefined) throw new Error(`schemas/queries/${id}.sql is missing`)
    await recent.shown(own)
    return runQuery(clickhouse, query, { ...arrays(query.params, given), ...params, project: own })
  }
}

/** A signal says by its name what it is worth. */
function scored(body: Partial<FeedbackBody>): FeedbackBody {
  const score = body.score ?? implicitSignal(body.name ?? '')?.value
  if (score === undefined) throw new Refusal('bad_request', "body must have required property 'score'")
  return { ...body, score }
}

function checkBody(body: FeedbackBody): void {
  if (![body.trace_id, body.response_id, body.session_id].some((id) => id?.trim()))
    throw new Refusal(
      'bad_request',
      'trace_id is missing: name the trace, a response_id or a session_id that is judged',
    )
  const size = Buffer.byteLength(JSON.stringify(body.metadata ?? {}))
  if (size > schemas.feedbackLimits.metadataBytes)
    throw new Refusal('bad_request', `metadata is ${size} bytes, limit is ${schemas.feedbackLimits.metadataBytes}`)
}

function storedOf(row: ScoreRow) {
  return {
    id: row.score_id,
    trace_id: row.given_trace_id,
    score: row.value,
    comment: row.comment,
    source: row.source,
    user_id: row.author_id,
    tags: row.tags,
    metadata: metadataOf(row.metadata),
    org_id: row.project_id,
    created_at: row.created_at / 1000,
    name: row.name,
    span_id: row.given_span_id,
    response_id: row.response_id,
    session_id: row.session_id,
    run_name: row.run_name,
    dataset: row.dataset,
    item_id: row.item_id,
    evaluator: row.evaluator,
    evaluator_version: row.evaluator_version,
    cost: row.eval_cost === null ? null : Number(formatPicoUsd(row.eval_cost)),
  }
}

function listedOf(row: QueryRow): QueryRow {
  const metadata = metadataOf(row['metadata'] as Readonly<Record<string, string>>)
  return {
    ...row,
    metadata,
    resolved: row['resolved'] === 1,
    span_cost: numberOrNull(row['span_cost']),
    cost: numberOrNull(row['cost']),
  }
}

function metadataOf(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, metadataValue(value)]))
}

/** A trace id as typed, and as spans carry it. */
function tracesOf(id: string): string[] {
  return [...new Set([id, plainId(id)])]
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
