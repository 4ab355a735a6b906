// Why a request is not taken, and what each door says about it. The only place that knows a status code.

interface RefusalRule {
  readonly http: number
  /** google.rpc.Code. */
  readonly grpc: number
  /** True: the sender keeps the data and tries again (OTLP 1.11 lists 429, 502, 503, 504). */
  readonly retryable: boolean
}

export const refusals = {
  bad_request: { http: 400, grpc: 3, retryable: false },
  unauthenticated: { http: 401, grpc: 16, retryable: false },
  forbidden: { http: 403, grpc: 7, retryable: false },
  not_found: { http: 404, grpc: 12, retryable: false },
  unimplemented_signal: { http: 404, grpc: 12, retryable: false },
  method_not_allowed: { http: 405, grpc: 12, retryable: false },
  timeout: { http: 408, grpc: 4, retryable: false },
  conflict: { http: 409, grpc: 6, retryable: false },
  length_required: { http: 411, grpc: 3, retryable: false },
  too_large: { http: 413, grpc: 8, retryable: false },
  unsupported_media_type: { http: 415, grpc: 3, retryable: false },
  unsupported_encoding: { http: 415, grpc: 12, retryable: false },
  headers_too_large: { http: 431, grpc: 3, retryable: false },
  too_many_requests: { http: 429, grpc: 8, retryable: false },
  internal: { http: 500, grpc: 13, retryable: false },
  queue_full: { http: 503, grpc: 14, retryable: true },
  journal_full: { http: 503, grpc: 14, retryable: true },
  journal_failed: { http: 503, grpc: 14, retryable: true },
  database_unavailable: { http: 503, grpc: 14, retryable: true },
  shutting_down: { http: 503, grpc: 14, retryable: true },
} as const satisfies Record<string, RefusalRule>

export type RefusalReason = keyof typeof refusals

/** A request that is not taken: the message names the thing, the value, the limit and the next step. */
export class Refusal extends Error {
  readonly reason: RefusalReason
  /** When it would be taken, where that is known: seconds from now. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    reason: RefusalReason,
    message: string,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.name = 'Refusal'
    this.reason = reason
    this.retryAfterSeconds = options?.retryAfterSeconds
  }

  get rule(): RefusalRule {
    return refusals[this.reason]
  }
}

/** Any thrown value as a Refusal; what is not one already is a bug and becomes `internal`. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const message = error instanceof Error ? error.message : String(error)
  return new Refusal('internal', `internal error: ${message}`, { cause: error })
}
