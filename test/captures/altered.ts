// Recordings that were never made, from those that were: other emitters, lost contexts, filtered spans, other times.

import { createHash } from 'node:crypto'
import type { Logs, Sent, Traces } from '../captures.ts'
import { encoded, messageType } from '../otlp-schema.ts'

interface WithAttributes {
  attributes?: readonly { readonly key: string }[]
}

/** The same, as of instrumentations that do not tell the id of an answer by an attribute. */
export function withoutIds(requests: readonly Sent[]): Sent[] {
  const strip = (one: object): object => {
    const { attributes = [] } = one as WithAttributes
    return { ...one, attributes: attributes.filter(({ key }) => !/(^|\.)response[._]id$/.test(key)) }
  }
  return requests.map(({ signal, body }) => {
    if (signal === 'traces') {
      const { resourceSpans } = messageType('Traces').decode(body) as unknown as Traces
      const changed = resourceSpans.map((resource) => ({
        ...resource,
        scopeSpans: resource.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.map(strip) })),
      }))
      return { signal, body: encoded('Traces', { resourceSpans: changed }) }
    }
    const { resourceLogs } = messageType('Logs').decode(body) as unknown as Logs
    const changed = resourceLogs.map((resource) => ({
      ...resource,
      scopeLogs: resource.scopeLogs.map((scope) => ({ ...scope, logRecords: scope.logRecords.map(strip) })),
    }))
    return { signal, body: encoded('Logs', { resourceLogs: changed }) }
  })
}

/** The same, as when contexts get lost between instrumentations: each has traces of its own, and no parent of another. */
export function withoutContexts(requests: readonly Sent[]): Sent[] {
  const type = messageType('Traces')
  const decoded = requests.map(({ signal, body }) =>
    signal === 'traces' ? (type.decode(body) as unknown as Traces) : null,
  )
  const scopeOf = new Map<string, string>()
  const spansIn = (traces: Traces, see: (span: SpanIds, scope: string) => SpanIds): object => ({
    resourceSpans: traces.resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.map((scope) => ({
        ...scope,
        spans: (scope.spans as readonly SpanIds[]).map((span) => see(span, scope.scope?.name ?? '')),
      })),
    })),
  })
  for (const traces of decoded)
    if (traces !== null)
      spansIn(traces, (span, scope) => {
        scopeOf.set(hexOf(span.spanId), scope)
        return span
      })
  return requests.map((request, i) => {
    const traces = decoded[i]
    if (!traces) return request
    const apart = spansIn(traces, (span, scope) => ({
      ...span,
      traceId: createHash('sha256').update(span.traceId).update(scope).digest().subarray(0, 16),
      parentSpanId: scopeOf.get(hexOf(span.parentSpanId)) === scope ? span.parentSpanId : new Uint8Array(0),
    }))
    return { signal: 'traces', body: encoded('Traces', apart) }
  })
}

/** The same without what one instrumentation scope tells. */
export function withoutScope(requests: readonly Sent[], name: string): Sent[] {
  return requests.map((request) => {
    if (request.signal !== 'traces') return request
    const { resourceSpans } = messageType('Traces').decode(request.body) as unknown as Traces
    const kept = resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.filter(({ scope }) => (scope?.name ?? '') !== name),
    }))
    return { signal: 'traces', body: encoded('Traces', { resourceSpans: kept }) }
  })
}

/** Instrumentation scopes that some requests tell of. */
export function scopesOf(requests: readonly Sent[]): string[] {
  const traces = requests.filter(({ signal }) => signal === 'traces')
  return [
    ...new Set(
      traces.flatMap(({ body }) =>
        (messageType('Traces').decode(body) as unknown as Traces).resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.map(({ scope }) => scope?.name ?? ''),
        ),
      ),
    ),
  ]
}

/** The same without spans of some ids, as when they are filtered on the way. Ids as `TRACE SPAN`, in hex. */
export function withoutSpans(requests: readonly Sent[], ids: ReadonlySet<string>): Sent[] {
  const isKept = (span: object): boolean => {
    const { traceId, spanId } = span as SpanIds
    return !ids.has(`${hexOf(traceId)} ${hexOf(spanId)}`)
  }
  return requests.map((request) => {
    if (request.signal !== 'traces') return request
    const { resourceSpans } = messageType('Traces').decode(request.body) as unknown as Traces
    const kept = resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.filter(isKept) })),
    }))
    return { signal: 'traces', body: encoded('Traces', { resourceSpans: kept }) }
  })
}

/** The same, moved in time so that the earliest record is of `atNs`, nanoseconds since 1970. */
export function startingAt(requests: readonly Sent[], atNs: bigint): Sent[] {
  const decoded = requests.map(({ signal, body }) => {
    const type = messageType(signal === 'traces' ? 'Traces' : 'Logs')
    return { signal, message: type.toObject(type.decode(body), { longs: String }) }
  })
  let first: bigint | undefined
  for (const { message } of decoded)
    withTimes(message, (ns) => {
      if (first === undefined || ns < first) first = ns
      return ns
    })
  return decoded.map(({ signal, message }) => ({
    signal,
    body: encoded(signal === 'traces' ? 'Traces' : 'Logs', withTimes(message, (ns) => ns - first! + atNs) as object),
  }))
}

/** A decoded message with each of its times, of those that are set, made another. */
function withTimes(value: unknown, change: (ns: bigint) => bigint): unknown {
  if (Array.isArray(value)) return value.map((each) => withTimes(each, change))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) =>
      /timeUnixNano$/i.test(key) && held !== '0'
        ? [key, `${change(BigInt(String(held)))}`]
        : [key, withTimes(held, change)],
    ),
  )
}

interface SpanIds {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array
}

function hexOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex')
}
