// Langfuse's /api/public/score-configs: the configurations of /api/score-configs in its shapes. One name, one configuration.
//
//   GET, POST /api/public/score-configs          GET, PATCH /api/public/score-configs/{id}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { configFromLangfuse, type LangfuseConfigBody, langfuseConfig } from '../../processors/langfuse-score-configs.ts'
import type { ConfigInForce } from '../../processors/score-configs/config.ts'
import { Refusal } from '../../schemas/refusal.ts'
import type { ApiParts } from './parts.ts'
import type { ScoreConfigDoor } from './score-configs.ts'

const pageMax = 100
const hidden = { schema: { hide: true } } as const

export function addLangfuseScoreConfigs(
  app: FastifyInstance,
  parts: Pick<ApiParts, 'project'>,
  configs: ScoreConfigDoor,
): void {
  app.get<{ Querystring: Record<string, unknown> }>('/api/public/score-configs', hidden, async (request) => {
    const project = parts.project(request.headers)
    const all = configs.list(project)
    const page = Math.max(1, Math.floor(Number(request.query['page'] ?? 1)) || 1)
    const limit = Math.min(pageMax, Math.max(1, Math.floor(Number(request.query['limit'] ?? 50)) || 50))
    const data = all.slice((page - 1) * limit, page * limit).map((each) => langfuseConfig(project, each))
    return { data, meta: { page, limit, totalItems: all.length, totalPages: Math.ceil(all.length / limit) } }
  })

  app.post<{ Body: unknown }>('/api/public/score-configs', hidden, async (request) => {
    const project = parts.project(request.headers)
    const wanted = configFromLangfuse(bodyOf(request))
    const name = typeof wanted['name'] === 'string' ? wanted['name'].trim() : ''
    if (name === '') throw new Refusal('bad_request', 'name is missing')
    const before = configs.get(project, name)
    if (before !== undefined)
      throw new Refusal(
        'conflict',
        `a score configuration has the name "${name}" already: change it by its id ${before.id}`,
      )
    return langfuseConfig(project, await configs.put(project, name, wanted))
  })

  app.get<{ Params: { id: string } }>('/api/public/score-configs/:id', hidden, async (request) => {
    const project = parts.project(request.headers)
    return langfuseConfig(project, found(configs, project, request.params.id))
  })

  app.patch<{ Params: { id: string }; Body: unknown }>('/api/public/score-configs/:id', hidden, async (request) => {
    const project = parts.project(request.headers)
    const before = found(configs, project, request.params.id)
    const body = bodyOf(request)
    const { name } = before.config
    if (body.name !== undefined && body.name !== null && body.name !== name)
      throw new Refusal('bad_request', `"${name}" keeps its name: scores are found by it`)
    if (body.isArchived === true) {
      await configs.remove(project, name)
      return langfuseConfig(project, before, true)
    }
    return langfuseConfig(project, await configs.put(project, name, configFromLangfuse(body, before.config)))
  })
}

function bodyOf({ body }: FastifyRequest): LangfuseConfigBody {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new Refusal('bad_request', 'the body is no object: send {"name": …, "dataType": …}')
}

function found(configs: ScoreConfigDoor, project: string, id: string): ConfigInForce {
  const config = configs.byId(project, id)
  if (config === undefined) throw new Refusal('not_found', 'there is no such score configuration')
  return config
}
