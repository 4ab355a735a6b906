// /api/queries: the questions of schemas/queries, listed and asked. A question sees the caller's project and no other.

import type { FastifyInstance } from 'fastify'
import { Refusal } from '../../schemas/refusal.ts'
import { runQuery } from '../queries.ts'
import type { ApiParts } from './parts.ts'
import { problems, question } from './schemas.ts'

export function addQueries(app: FastifyInstance, { clickhouse, queries, project }: ApiParts): void {
  app.get(
    '/api/queries',
    {
      schema: {
        summary: 'The questions that can be asked',
        tags: ['queries'],
        response: { 200: { type: 'array', items: question }, ...problems },
      },
    },
    async () => queries,
  )

  app.get<{ Params: { id: string }; Querystring: Record<string, unknown> }>(
    '/api/queries/:id',
    {
      schema: {
        summary: 'Ask a question',
        description: 'Every parameter of the question is a parameter of the URL. Money comes as exact decimal text.',
        tags: ['queries'],
        params: { type: 'object', properties: { id: { type: 'string', enum: queries.map((query) => query.id) } } },
        querystring: { type: 'object', additionalProperties: true },
        response: {
          200: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              title: { type: 'string' },
              rows: { type: 'array', items: { type: 'object', additionalProperties: true } },
            },
          },
          ...problems,
        },
      },
      // The list of ids is documentation: an unknown one is not found rather than malformed.
      validatorCompiler: () => () => true,
    },
    async (request) => {
      const own = project(request.headers)
      const query = queries.find((each) => each.id === request.params.id)
      if (query === undefined)
        throw new Refusal('not_found', `no question "${request.params.id.slice(0, 64)}": GET /api/queries lists them`)
      const asked = request.query['project']
      if (asked !== undefined && asked !== own)
        throw new Refusal('forbidden', `this request belongs to project "${own}" and cannot read another`)
      const rows = await runQuery(clickhouse, query, { ...arrays(query.params, request.query), project: own })
      return { id: query.id, title: query.title, rows }
    },
  )
}

/** A parameter of an array type may be given once or several times. Throws Refusal where another one is given twice. */
export function arrays(
  params: readonly { readonly name: string; readonly type: string }[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const isArray = params.find((param) => param.name === name)?.type.startsWith('Array(') ?? false
    if (Array.isArray(value) && !isArray)
      throw new Refusal('bad_request', `${name.slice(0, 64)} is given more than once`)
    values[name] = isArray && !Array.isArray(value) ? [value] : value
  }
  return values
}
