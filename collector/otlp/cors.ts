// Cross-origin rules of the HTTP door: nothing is allowed unless an origin was configured.
// Source: Fetch standard, "CORS protocol" (2026).

import type { IncomingHttpHeaders } from 'node:http'

export type HeaderLine = readonly [name: string, value: string]

const preflightSeconds = 7200

export class Cors {
  private readonly origins: ReadonlySet<string>

  /** Origins as browsers send them, `https://app.example.com`; `*` is any, then without credentials. */
  constructor(origins: readonly string[]) {
    this.origins = new Set(origins)
  }

  /** Headers for an answer to this request, refusals included; none when its origin is not allowed. */
  headers(request: IncomingHttpHeaders): readonly HeaderLine[] {
    const { origin } = request
    if (origin === undefined || this.origins.size === 0) return []
    if (this.origins.has(origin)) {
      return [
        ['Access-Control-Allow-Origin', origin],
        ['Access-Control-Allow-Credentials', 'true'],
        ['Access-Control-Expose-Headers', 'Retry-After'],
        ['Vary', 'Origin'],
      ]
    }
    if (!this.origins.has('*')) return []
    return [
      ['Access-Control-Allow-Origin', '*'],
      ['Access-Control-Expose-Headers', 'Retry-After'],
    ]
  }

  /** Headers for a preflight; undefined when this is none, or one that is not allowed. */
  preflight(request: IncomingHttpHeaders): readonly HeaderLine[] | undefined {
    if (request['access-control-request-method'] === undefined) return undefined
    const allowed = this.headers(request)
    if (allowed.length === 0) return undefined
    // Exporters may be given headers of any name, so any that is asked for is allowed.
    const asked = request['access-control-request-headers']
    return [
      ...allowed,
      ['Access-Control-Allow-Methods', 'POST'],
      ['Access-Control-Allow-Headers', asked ?? 'Content-Type'],
      ['Access-Control-Max-Age', String(preflightSeconds)],
    ]
  }
}
