// Why a call failed, from what instrumentations report: one of a closed list, so that dashboards can count by it.

export const failureClasses = [
  'rate_limit',
  'provider_error',
  'timeout',
  'cancelled',
  'malformed_output',
  'schema_violation',
  'tool_error',
  'empty_response',
  'refusal',
  'context_length',
  'content_filter',
  'auth',
  'other',
] as const
export type FailureClass = (typeof failureClasses)[number]

const byText: readonly (readonly [RegExp, FailureClass])[] = [
  [/rate.?limit|too.?many.?requests|throttl|quota|resource.?exhausted|\b429\b/i, 'rate_limit'],
  [/context.?(length|window)|maximum context|prompt is too long|too many (input )?tokens/i, 'context_length'],
  [/content.?(filter|policy)|safety|blocked by/i, 'content_filter'],
  [/refus(al|ed to)/i, 'refusal'],
  [/cancel|abort/i, 'cancelled'],
  [/time.?d?.?out|deadline|\b(408|504)\b/i, 'timeout'],
  [/auth|api.?key|permission|forbidden|\b(401|403)\b/i, 'auth'],
  [/schema|validation/i, 'schema_violation'],
  [/json|parse|malformed|decode/i, 'malformed_output'],
  [/tool/i, 'tool_error'],
  [
    /overloaded|server.?error|internal.?server|unavailable|bad.?gateway|connection|network|\b5\d\d\b/i,
    'provider_error',
  ],
]

const byStatus: Readonly<Record<number, FailureClass>> = {
  401: 'auth',
  403: 'auth',
  408: 'timeout',
  429: 'rate_limit',
  499: 'cancelled',
  504: 'timeout',
}

/** Class of a failed span from its error type, HTTP status (0 = none) and message; finish reasons are judged apart. */
export function failureClass(errorType: string, httpStatus: number, message: string): FailureClass {
  const status = httpStatus || (/^\d{3}$/.test(errorType) ? Number(errorType) : 0)
  const known = byStatus[status]
  if (known !== undefined) return known
  for (const text of [errorType, message]) {
    for (const [pattern, name] of byText) if (pattern.test(text)) return name
  }
  return status >= 500 ? 'provider_error' : 'other'
}

/** Class that a finish reason stands for although the span itself is no error; undefined for a normal end. */
export function failureOfFinish(finishReason: string): FailureClass | undefined {
  if (/content.?filter|safety|blocklist|prohibited/i.test(finishReason)) return 'content_filter'
  if (/refusal/i.test(finishReason)) return 'refusal'
  if (/malformed/i.test(finishReason)) return 'malformed_output'
  return undefined
}
