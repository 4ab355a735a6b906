// Times on a command line: --from, --to and --tz.

/// <reference lib="esnext.temporal" />
import { type CommandContext, type CommandOption, UsageError } from './command.ts'

/** A span of time in a zone. */
export interface Period {
  readonly from: Temporal.Instant
  /** Not included. */
  readonly to: Temporal.Instant
  readonly tz: string
}

const daysDefault = 7

/** The options that `periodOf` reads. */
export const periodOptions: readonly CommandOption[] = [
  { flag: 'from', value: 'TIME', doc: 'First instant, 2026-11-01 or 2026-11-01T09:00 (7 days before the end)' },
  { flag: 'to', value: 'TIME', doc: 'End, itself not included (now)' },
  { flag: 'tz', value: 'ZONE', doc: 'Time zone of days and of times without an offset, such as Europe/Berlin (UTC)' },
]

/** The period asked for. Throws UsageError for a zone or a time that is none, and for one that is empty. */
export function periodOf({ option }: Pick<CommandContext, 'option'>): Period {
  const tz = option('tz') ?? 'UTC'
  if (!isZone(tz)) throw new UsageError(`--tz: "${tz}" is not a time zone such as UTC or Europe/Berlin`)
  const now = Temporal.Now.instant()
  const to = option('to') === undefined ? now : instantOf('to', option('to') ?? '', tz)
  const from =
    option('from') === undefined
      ? to.subtract({ hours: 24 * daysDefault })
      : instantOf('from', option('from') ?? '', tz)
  if (Temporal.Instant.compare(from, to) >= 0) throw new UsageError(`--from ${from} is not before --to ${to}`)
  return { from, to, tz }
}

function isZone(tz: string): boolean {
  try {
    // ClickHouse knows names, not offsets.
    return /^[A-Za-z]/.test(tz) && Temporal.Now.zonedDateTimeISO(tz) !== undefined
  } catch {
    // Not a name that anybody knows.
    return false
  }
}

/**
 * A time with an offset is an instant; one without is local, and a day is its first instant.
 * Throws UsageError that names the flag.
 */
export function instantOf(flag: string, text: string, tz: string): Temporal.Instant {
  try {
    if (/T.*(Z|[+-]\d\d:?\d\d)$/.test(text)) return Temporal.Instant.from(text)
    return Temporal.PlainDateTime.from(text, { overflow: 'reject' }).toZonedDateTime(tz).toInstant()
  } catch (error) {
    const form = 'such as 2026-11-01, 2026-11-01T09:00 or 2026-11-01T09:00:00Z'
    throw new UsageError(`--${flag}: "${text.slice(0, 64)}" is not a time ${form}`, { cause: error })
  }
}
