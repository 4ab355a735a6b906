// /api/traces/{id}/explain: a trace with how each of its figures comes about, as data or in words.

import type { FastifyInstance } from 'fastify'
import { traceWords } from '../../processors/explaining/words.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { explainedTrace } from '../explained-trace.ts'
import type { ApiParts } from './parts.ts'
import { problems } from './schemas.ts'

export function addTraces(app: FastifyInstance, { clickhouse, project }: ApiParts): void {
  app.get<{ Params: { trace_id: string }; Querystring: { format?: string } }>(
    '/api/traces/:trace_id/explain',
    {
      schema: {
        summary: 'Explain a trace',
        description:
          'The spans as a tree; of each its usage as reported and as read, the rule, the price entry, the products, whether it is billed or why not, and its corrections.',
        tags: ['queries'],
        params: { type: 'object', properties: { trace_id: { type: 'string', minLength: 1, maxLength: 128 } } },
        querystring: {
          type: 'object',
          properties: { format: { type: 'string', enum: ['json', 'text'], default: 'json' } },
        },
        response: { 200: { type: 'object', additionalProperties: true }, ...problems },
      },
      // An answer in words is text, which a schema of JSON cannot say.
      serializerCompiler: () => (data) => (typeof data === 'string' ? data : JSON.stringify(data)),
    },
    async (request, reply) => {
      const traceId = request.params.trace_id.toLowerCase()
      const found = await explainedTrace(clickhouse, { project: project(request.headers), traceId })
      if (found === null) throw new Refusal('not_found', 'there is no such trace')
      if (request.query.format !== 'text') return found
      return reply.type('text/plain; charset=utf-8').send(`${traceWords(found)}\n`)
    },
  )
}
