// Who a request of the API is from. With keys every route asks for one before the body is read: a route that says nothing of
// itself asks for `read` when it only reads and for `manage` otherwise, so that a new one is shut until somebody opens it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, Scope } from '../../schemas/access.ts'
import { Refusal } from '../../schemas/refusal.ts'
import type { ApiAccess, Headers } from './parts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be for. `any`: whatever secret key; `open`: none is asked for, and one that is shown is looked at. */
    may?: Scope | 'any' | 'open'
    /** Keys of web pages are taken, also in the address, as `?key=`: a page that is being left can set no headers. */
    isForPages?: true
  }
}

/** The rest of a refused body is read up to here, so that the connection can go on; beyond it ends. */
const drainBytesMax = 64 * 1024

/** How routes learn whose request they have: by its headers object, which is what `request.headers` gives each time. */
export function addAccess(
  app: FastifyInstance,
  { keys, project }: { readonly keys: ApiAccess | undefined; readonly project: (headers: Headers) => string },
): (headers: Headers) => Caller {
  if (keys === undefined) return (headers) => ({ project: project(headers), key: '', isPublic: false })
  const callers = new WeakMap<Headers, Caller>()
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.method === 'OPTIONS') return done()
    try {
      const caller = admitted(keys, request, reply)
      if (caller !== undefined) callers.set(request.headers, caller)
    } catch (error) {
      return done(error as Error)
    }
    done()
  })
  return (headers) => {
    const caller = callers.get(headers)
    if (caller === undefined) throw new Refusal('unauthenticated', 'a key is asked for here')
    return caller
  }
}

function admitted(keys: ApiAccess, request: FastifyRequest, reply: FastifyReply): Caller | undefined {
  const { may, isForPages = false } = request.routeOptions.config
  const need = may ?? (request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'manage')
  const asked = { headers: request.headers, address: request.ip }
  if (need === 'open') {
    if (request.headers.authorization === undefined && request.headers['x-api-key'] === undefined) return undefined
    return keys.admit({ ...asked, need: 'read' })
  }
  try {
    const caller = keys.admit({ ...asked, need, urlKey: isForPages ? urlKeyOf(request) : undefined })
    if (caller.isPublic && !isForPages)
      throw new Refusal('forbidden', 'a key of web pages is for POST /api/feedback alone')
    return caller
  } catch (error) {
    const length = request.headers['content-length']
    const isShort =
      length === undefined ? request.headers['transfer-encoding'] === undefined : Number(length) <= drainBytesMax
    if (!isShort) reply.header('Connection', 'close')
    throw error
  }
}

function urlKeyOf(request: FastifyRequest): string | undefined {
  const { key } = request.query as { readonly key?: unknown }
  if (key === undefined) return undefined
  if (typeof key === 'string') return key
  throw new Refusal('unauthenticated', 'the address has more than one key')
}
