// /api/keys: the keys of the caller's project, and when each was used last. No hash, no secret.

import type { FastifyInstance } from 'fastify'
import type { KeyUse } from '../../schemas/access.ts'
import { scopes } from '../../schemas/access.ts'
import type { ApiParts } from './parts.ts'
import { problems } from './schemas.ts'

const text = { type: 'string' } as const
const textOrNull = { type: ['string', 'null'] } as const

export function addKeys(app: FastifyInstance, { keys, project, now }: ApiParts): void {
  const started = new Date(now()).toISOString()
  app.get(
    '/api/keys',
    {
      config: { may: 'manage' },
      schema: {
        summary: 'Keys of the project, and when each was used last',
        tags: ['keys'],
        response: {
          200: {
            type: 'object',
            properties: {
              since: { ...text, description: 'Start of the collector: what was used before is not known.' },
              keys: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    name: text,
                    prefix: text,
                    may: { type: 'array', items: { type: 'string', enum: scopes } },
                    expires: textOrNull,
                    expired: { type: 'boolean' },
                    origins: { type: 'array', items: text },
                    last_used: textOrNull,
                  },
                },
              },
            },
          },
          ...problems,
        },
      },
    },
    async (request) => {
      const own = project(request.headers)
      const of = (keys?.uses() ?? []).filter((each) => each.project === own)
      return { since: started, keys: of.map((each) => shown(each, now())) }
    },
  )
}

function shown({ name, prefix, may, expiresMs, origins, lastUsedMs }: KeyUse, nowMs: number) {
  const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  const expired = expiresMs !== null && expiresMs <= nowMs
  return { name, prefix, may, expires: instant(expiresMs), expired, origins, last_used: instant(lastUsedMs) }
}
