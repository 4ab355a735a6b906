// Why a call failed, from what instrumentations report: one of a closed list, so that dashboards can count by it. What says most
// surely decides: the error's own name or status, then a provider's code inside the message, the finish reason, phrases last.
// Text of a message is looked at only for errors whose name and status leave it open.

import { byStatus, finishes, likely, named, sayNothing, sure } from './failure-words.ts'

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

/** A code stands at the beginning of a message, or at the end of a stack; what is between is the stack. */
const endLength = 1024

/** Class by an error's type and HTTP status (0 for none) alone; undefined where the message has to be read. */
export function failureOfType(errorType: string, httpStatus: number): FailureClass | undefined {
  const status = httpStatus || statusOfType(errorType)
  const name = failureOfName(errorType)
  // OpenAI's `InternalServerError` stands for every status from 500 on, 504 too.
  return name === undefined || name === 'provider_error' ? (byStatus[status] ?? name) : name
}

/** Class of a failed span whose type and status left it open. `finishReason` is empty for none. */
export function failureOfText(
  errorType: string,
  httpStatus: number,
  message: string,
  finishReason: string,
): FailureClass {
  const text = message.length > 2 * endLength ? `${message.slice(0, endLength)}\n${message.slice(-endLength)}` : message
  const code = codeIn(text)
  if (code !== undefined && code !== 'provider_error') return code
  const status = httpStatus || statusOfType(errorType) || statusIn(text)
  const finish = finishReason === '' ? undefined : failureOfFinish(finishReason)
  const known = byStatus[status] ?? (finish === 'provider_error' || finish === 'other' ? undefined : finish)
  if (known !== undefined) return known
  const surely = phraseIn(text, sure)
  if (surely !== undefined) return surely
  if (status >= 500 || code !== undefined) return code ?? 'provider_error'
  return phraseIn(text, likely) ?? phraseIn(errorType, likely) ?? (status === 403 ? 'auth' : (finish ?? 'other'))
}

/** Class of a failed span from its error type, HTTP status (0 for none), message and finish reason (both may be empty). */
export function failureClass(errorType: string, httpStatus: number, message: string, finishReason = ''): FailureClass {
  return failureOfType(errorType, httpStatus) ?? failureOfText(errorType, httpStatus, message, finishReason)
}

/**
 * Class that a finish reason stands for, also where the span itself is no error; undefined for a normal end, which an output cut at
 * its limit is. Several reasons come as a list: one that failed is enough.
 */
export function failureOfFinish(finishReason: string): FailureClass | undefined {
  for (const each of finishReason.split(/[^\w .-]+/)) {
    const reason = finishes.get(lettersOf(each.slice(each.lastIndexOf('.') + 1)))
    if (reason !== undefined) return reason
  }
  return undefined
}

/** `com.openai.errors.RateLimitException`, `*openai.RateLimitError`, `rate_limit_error` → the class of `ratelimit`. */
function failureOfName(name: string): FailureClass | undefined {
  if (name === '' || name.length > 200) return undefined
  const [last = ''] = /[A-Za-z0-9_ -]+$/.exec(name.trim()) ?? []
  return failureOfWord(lettersOf(last))
}

function failureOfWord(letters: string): FailureClass | undefined {
  const whole = named.get(letters)
  if (whole !== undefined) return whole
  // AWS says `ValidationException` to every wrong request.
  if (letters === 'validationexception') return undefined
  const base = letters.replace(/(error|exception|err|errors|fault)$/, '')
  const found = named.get(base)
  if (found !== undefined) return found
  const bare = base.replace(sayNothing, '')
  return bare === base ? undefined : (named.get(bare) ?? named.get(`${bare}error`) ?? withoutOneMore(bare))
}

function withoutOneMore(bare: string): FailureClass | undefined {
  const barer = bare.replace(sayNothing, '')
  return barer === bare ? undefined : named.get(barer)
}

/** The first name of a failure in a message: words that no sentence has, with an underscore or a capital inside. */
function codeIn(text: string): FailureClass | undefined {
  let weak: FailureClass | undefined
  for (const [word] of text.matchAll(
    /\b(?:[A-Za-z]+(?:_[A-Za-z]+)+|[A-Z]+[a-z]+[A-Z]\w*|[A-Za-z]+(?:Error|Exception)|[A-Z]{6,})\b/g,
  )) {
    const found = failureOfWord(lettersOf(word))
    if (found !== undefined && found !== 'provider_error' && found !== 'other') return found
    weak ??= found
  }
  return weak
}

/** An HTTP status as the error's type; 0 for none. */
function statusOfType(errorType: string): number {
  return /^[1-5]\d\d$/.test(errorType) ? Number(errorType) : 0
}

/** `Error code: 429`, `HTTP 503`, `status_code: 400`, `[429 Too Many Requests]`, `429 Rate limit reached`; 0 for none. */
function statusIn(text: string): number {
  const [, told, first] =
    /\b(?:error code|status(?:[ _-]?code)?|statuscode|http(?:\/\d(?:\.\d)?)?|code)["']?\s*[:=(]?\s*["']?([45]\d\d)\b|(?:^|\[|: )([45]\d\d)(?=$|[ \]:])/i.exec(
      text,
    ) ?? []
  return Number(told ?? first ?? 0)
}

function phraseIn(text: string, phrases: readonly (readonly [RegExp, FailureClass])[]): FailureClass | undefined {
  return phrases.find(([pattern]) => pattern.test(text))?.[1]
}

function lettersOf(text: string): string {
  return text.replaceAll(/[^A-Za-z]/g, '').toLowerCase()
}
