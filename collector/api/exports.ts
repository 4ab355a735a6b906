// /api/calls and /api/traces: calls and traces by filter, with what was said and how it was judged, for evaluations outside. Streamed:
// an answer costs the memory of one batch of rows, whatever its size.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../../schemas/refusal.ts'
import { filters, scoredDoc } from '../exporting/filters.ts'
import { answerOf, contentTypes, traceOf } from '../exporting/lines.ts'
import {
  contents,
  expectations,
  type Format,
  formats,
  isDataset,
  orders,
  selectionOf,
  type What,
} from '../exporting/selection.ts'
import type { ApiParts } from './parts.ts'
import { problems, projectFilter } from './schemas.ts'

const limitDefault = 100
const limitMax = 10_000

export function addExports(app: FastifyInstance, parts: ApiParts): void {
  const { clickhouse, stream = withoutParquet } = parts
  addTrace(app, parts)
  for (const what of ['calls', 'traces'] as const)
    app.get<{ Querystring: Record<string, unknown> }>(
      `/api/${what}`,
      {
        schema: {
          summary: what === 'calls' ? 'Calls of models, by filter' : 'Traces, by filter',
          description:
            'Newest first, or the dearest, the slowest, or a sample; with inputs and outputs where they were captured, and all scores. `next_cursor` (and the header X-Next-Cursor) goes on where the page ended.',
          tags: ['exports'],
          querystring: { type: 'object', properties: describe(what), additionalProperties: true },
          response: { 200: { type: 'object', additionalProperties: true }, ...problems },
        },
        // The values are checked by the same code as those of the command, which names what is wrong with them.
        validatorCompiler: () => () => true,
        serializerCompiler: () => (data) => JSON.stringify(data),
      },
      async (request, reply) => {
        const project = parts.project(request.headers)
        const { project: asked, ...given } = request.query
        if (asked !== undefined && asked !== project)
          throw new Refusal('forbidden', `this request belongs to project "${project}" and cannot read another`)
        const bounds = { nowMs: parts.now() + 1, limitDefault, limitMax }
        const format = given['format'] ?? accepted(request.headers.accept)
        const selection = selectionOf({ ...given, format }, { what, project, bounds })
        const { next, body } = await answerOf({ query: clickhouse.query, stream }, selection)
        if (next !== null) reply.header('X-Next-Cursor', next)
        reply.header('Content-Type', contentTypes[selection.format])
        return reply.send(Readable.from(body, { objectMode: false }))
      },
    )
}

function addTrace(app: FastifyInstance, parts: ApiParts): void {
  app.get<{ Params: { trace_id: string }; Querystring: { content?: string } }>(
    '/api/traces/:trace_id',
    {
      schema: {
        summary: 'A trace and its calls',
        description:
          'As GET /api/traces has it, with its calls as GET /api/calls has them, oldest first, at most 1,000.',
        tags: ['exports'],
        params: { type: 'object', properties: { trace_id: { type: 'string', minLength: 1, maxLength: 128 } } },
        querystring: { type: 'object', properties: { content: { type: 'string', enum: contents } } },
        response: { 200: { type: 'object', additionalProperties: true }, ...problems },
      },
    },
    async (request) => {
      const project = parts.project(request.headers)
      const { trace_id: traceId } = request.params
      const { content = 'captured' } = request.query
      const found = await traceOf(parts.clickhouse, { project, traceId, nowMs: parts.now(), content })
      if (found === null) throw new Refusal('not_found', 'there is no such trace')
      return found
    },
  )
}

function withoutParquet(): never {
  throw new Refusal('bad_request', 'format=parquet is not offered here: ask for json or jsonl')
}

/** JSON unless the header asks for one of the others. */
function accepted(header: string | undefined): Format {
  const types = (header ?? '').split(',').map((each) => each.split(';')[0]?.trim() ?? '')
  if (types.includes('application/vnd.apache.parquet')) return 'parquet'
  const isLines = types.some((type) => /^application\/(x-ndjson|jsonl|x-jsonlines|jsonlines)$/.test(type))
  return isLines ? 'jsonl' : 'json'
}

function describe(what: What): Record<string, object> {
  const text = (description: string): object => ({ type: 'string', description })
  const word = (words: readonly string[], description: string): object => ({ type: 'string', enum: words, description })
  return {
    ...projectFilter,
    from: text('First instant, ISO 8601; 7 days before the end when not given.'),
    to: text('End, itself not included; now when not given.'),
    ...Object.fromEntries(
      filters.map(({ name, kind, words, doc }) => [
        name,
        kind === 'texts'
          ? { type: 'array', items: { type: 'string' }, description: `${doc}. Several: one or the other.` }
          : kind === 'choice'
            ? word(Object.keys(words ?? {}), doc)
            : { type: kind === 'flag' ? 'boolean' : 'number', description: doc },
      ]),
    ),
    scored: { type: 'boolean', description: scoredDoc },
    order: word(orders, 'newest first; the dearest or the slowest first; or in an order of chance that `seed` repeats'),
    sample_rate: {
      type: 'number',
      description: 'Share that is taken, by a hash of the ids and `seed`: the same each time.',
    },
    seed: text('Any text: another one gives another sample.'),
    limit: { type: 'integer', minimum: 1, maximum: limitMax, default: limitDefault },
    cursor: text('next_cursor of the page before.'),
    content: word(contents, 'As captured; as plain chat messages, with the form they were found in; or none.'),
    format: word(what === 'calls' ? formats : formats.filter((each) => !isDataset(each)), 'Or by the header Accept.'),
    ...(what === 'calls'
      ? {
          expected: word(expectations, 'Of datasets: which answers stand as the expected one.'),
          dataset_name: text('Of datasets in the shape of Langfuse: their name.'),
        }
      : {}),
  }
}
