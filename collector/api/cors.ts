// Which web pages may use the API from a browser: those of the configured origins. Source: Fetch standard, "CORS protocol".

import type { FastifyInstance } from 'fastify'

const preflightSeconds = 7200

/** Origins as browsers send them, `https://app.example.com`; `*` is any. Without any, nothing is allowed. */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return
    reply.header('Vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !(allowed.has(origin) || allowed.has('*'))) return
    reply.header('Access-Control-Allow-Origin', origin)
    reply.header('Access-Control-Expose-Headers', 'Retry-After')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return
    reply.header('Access-Control-Allow-Methods', 'GET, POST, DELETE')
    reply.header('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? 'Content-Type')
    reply.header('Access-Control-Max-Age', String(preflightSeconds))
    return reply.code(204).send()
  })
  // Without a route there is no request for the hook to see.
  app.options('/api/*', { schema: { hide: true } }, async (_, reply) => reply.code(204).send())
}
