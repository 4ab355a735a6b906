// Which web pages may use the API from a browser: those of the configured origins, and, to send feedback, those that a key is
// for. Source: Fetch standard, "CORS protocol".

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiAccess } from './parts.ts'

const preflightSeconds = 7200
const feedbackPath = /^\/api\/feedback\/?(\?|$)/

/** Origins as browsers send them, `https://app.example.com`; `*` is any. Without any, nothing is allowed. */
export function addCors(app: FastifyInstance, origins: readonly string[], keys: ApiAccess | undefined): void {
  if (origins.length === 0 && keys === undefined) return
  const isAllowed = originCheck(origins)
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return
    reply.header('Vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined) return
    const isConfigured = isAllowed(origin)
    if (!isConfigured && !(isFeedback(request) && keys?.isPageOrigin(origin))) return
    reply.header('Access-Control-Allow-Origin', origin)
    reply.header('Access-Control-Expose-Headers', 'Retry-After')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return
    reply.header('Access-Control-Allow-Methods', isConfigured ? 'GET, POST, DELETE' : 'POST')
    reply.header('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? 'Content-Type')
    reply.header('Access-Control-Max-Age', String(preflightSeconds))
    return reply.code(204).send()
  })
  // Without a route there is no request for the hook to see.
  app.options('/api/*', { schema: { hide: true } }, async (_, reply) => reply.code(204).send())
}

export function originCheck(origins: readonly string[]): (origin: string) => boolean {
  const allowed = new Set(origins)
  return (origin) => allowed.has(origin) || allowed.has('*')
}

/** Feedback being sent, or the question whether it may be. */
function isFeedback({ method, url, headers }: FastifyRequest): boolean {
  const asked = method === 'OPTIONS' ? headers['access-control-request-method'] : method
  return asked === 'POST' && feedbackPath.test(url)
}
