// JSON lines on standard error. Whatever a client supplied loses its control characters here; secrets become ***.

export const levels = ['error', 'warn', 'info', 'debug'] as const
export type Level = (typeof levels)[number]

/** Facts beside the message; an Error is written with its causes. Never content of prompts or answers. */
export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  error(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  debug(message: string, fields?: Fields): void
  /**
   * At most one line per key in ten seconds; the next one says how many were left out (`repeated`).
   * For what can happen once a request: a counter has to stand beside it.
   */
  limited(key: string, level: Level, message: string, fields?: Fields): void
}

export interface LogOptions {
  readonly level: Level
  /** Texts that must not appear; those of less than four characters are not looked for. */
  readonly secrets?: readonly string[]
  readonly write?: (line: string) => void
  readonly now?: () => number
}

const textCharsMax = 2000
const itemsMax = 50
const depthMax = 4
const causesMax = 5
const limitedEveryMs = 10_000
const limitedKeysMax = 500
const secretCharsMin = 4

export function createLog(options: LogOptions): Log {
  const { write = (line) => process.stderr.write(line), now = Date.now } = options
  const mask = masker(options.secrets ?? [])
  const lowest = levels.indexOf(options.level)
  const seen = new Map<string, { at: number; repeated: number }>()

  const log = (level: Level, message: string, fields: Fields = {}): void => {
    if (levels.indexOf(level) > lowest) return
    const line: Record<string, unknown> = { time: new Date(now()).toISOString(), level, msg: safeText(message, mask) }
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined && !Object.hasOwn(line, key)) line[safeText(key, mask)] = plain(value, mask, 0)
    }
    write(`${JSON.stringify(line)}\n`)
  }

  return {
    error: (message, fields) => log('error', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    info: (message, fields) => log('info', message, fields),
    debug: (message, fields) => log('debug', message, fields),
    limited(key, level, message, fields) {
      const last = seen.get(key)
      if (last !== undefined && now() - last.at < limitedEveryMs && now() >= last.at) {
        last.repeated++
        return
      }
      seen.delete(key)
      seen.set(key, { at: now(), repeated: 0 })
      if (seen.size > limitedKeysMax) seen.delete(seen.keys().next().value ?? key)
      log(level, message, last === undefined || last.repeated === 0 ? fields : { ...fields, repeated: last.repeated })
    },
  }
}

/** A text made fit for a line: stripped, masked, then cut, in this order, so that no half of a secret is left. */
export function safeText(text: string, mask: (text: string) => string): string {
  const masked = mask(strip(text.slice(0, textCharsMax * 50)))
  return masked.length > textCharsMax ? `${masked.slice(0, textCharsMax)}… (${text.length} characters)` : masked
}

/**
 * Without what a terminal or a log viewer would act on: control characters (C0, C1), line and paragraph separators, marks
 * that turn the direction of text. Line breaks and tabs become a space.
 */
function strip(text: string): string {
  return text
    .replaceAll(/[\r\n\t\u2028\u2029]+/g, ' ')
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .toWellFormed()
}

/** Replaces secrets, passwords in addresses, bearer tokens and keys by ***; of a key its beginning stays, which is no secret. */
export function masker(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= secretCharsMin)
    .flatMap((secret) => [secret, encodeURIComponent(secret), strip(secret)])
    .sort((a, b) => b.length - a.length)
  return (text) => {
    let masked = text
    for (const form of forms) masked = masked.replaceAll(form, '***')
    return masked
      .replaceAll(/(:\/\/[^\s/@:]*):[^\s/@]+@/g, '$1:***@')
      .replaceAll(/\b(sl_(?:pub_)?[0-9a-z]{12})_[\w-]{8,}/g, '$1_***')
      .replaceAll(/\b(bearer|basic) +[\w.~+/=-]{8,}/gi, '$1 ***')
  }
}

/** As JSON can hold it, bounded and masked. */
function plain(value: unknown, mask: (text: string) => string, depth: number): unknown {
  if (value instanceof Error) return safeText(errorText(value), mask)
  switch (typeof value) {
    case 'string':
      return safeText(value, mask)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (depth >= depthMax) return '…'
      if (Array.isArray(value)) return value.slice(0, itemsMax).map((each) => plain(each, mask, depth + 1))
      if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), mask, depth + 1)
      return Object.fromEntries(
        Object.entries(value)
          .slice(0, itemsMax)
          .map(([key, each]) => [safeText(key, mask), plain(each, mask, depth + 1)]),
      )
    default:
      return safeText(String(value), mask)
  }
}

/** Message of an error and of what caused it; the stack of a bug, by its first frame. */
export function errorText(error: Error): string {
  const parts: string[] = []
  let cause: unknown = error
  while (cause instanceof Error && parts.length < causesMax) {
    const isBug = cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError
    const frame = isBug ? cause.stack?.split('\n').find((line) => line.trimStart().startsWith('at ')) : undefined
    parts.push(`${cause.name}: ${cause.message}${frame === undefined ? '' : ` (${frame.trim()})`}`)
    cause = cause.cause
  }
  return parts.join(' ← ')
}
