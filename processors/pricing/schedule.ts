// Clock rules of prices: is a schedule on at an instant, and over which window does that answer stay the same.

import type { Schedule } from './file.ts'

const dayMs = 86_400_000
const minuteMs = 60_000
/** Every zone changes its offset on a multiple of this. */
const slotMs = 15 * minuteMs

/** Instants around a call at which some answer may change; shrinks as they are noted. */
export class Window {
  readonly atMs: number
  fromMs = Number.NEGATIVE_INFINITY
  toMs = Number.POSITIVE_INFINITY

  constructor(atMs: number) {
    this.atMs = atMs
  }

  note(instantMs: number): void {
    if (instantMs <= this.atMs) {
      if (instantMs > this.fromMs) this.fromMs = instantMs
    } else if (instantMs < this.toMs) this.toMs = instantMs
  }
}

export interface CompiledSchedule {
  readonly zone: string
  /** Index 1–7, Monday first. */
  readonly days: readonly boolean[]
  /** Minutes of the local day; `end <= start` passes midnight. */
  readonly hours: readonly { readonly start: number; readonly end: number }[]
  /** Local day numbers (days since 1970-01-01) on which it does not hold. */
  readonly except: ReadonlySet<number>
}

/** Throws RangeError for an unknown zone, calendar, day or clock time. */
export function compileSchedule(
  schedule: Schedule,
  calendars: { readonly [name: string]: readonly string[] },
): CompiledSchedule {
  zoneOffsetMs(schedule.zone, 0)
  const days = Array.from({ length: 8 }, (_, day) => day > 0 && (schedule.days?.includes(day) ?? true))
  for (const day of schedule.days ?? []) if (!(day >= 1 && day <= 7)) throw new RangeError(`no weekday: ${day}`)
  const hours = (schedule.hours ?? ['00:00-24:00']).map(parseHours)
  const name = schedule.exceptCalendar
  const dates = name === undefined ? [] : calendars[name]
  if (dates === undefined) throw new RangeError(`no calendar called "${name}"`)
  return {
    zone: schedule.zone,
    days,
    hours,
    except: new Set(dates.map((date) => Date.parse(`${date}T00:00Z`) / dayMs)),
  }
}

/** Notes the instants around `window.atMs` at which the answer may differ. */
export function scheduleHolds(schedule: CompiledSchedule, window: Window): boolean {
  const { atMs } = window
  const offsetMs = zoneOffsetMs(schedule.zone, atMs)
  const localMs = atMs + offsetMs
  const day = Math.floor(localMs / dayMs)
  const minute = (localMs - day * dayMs) / minuteMs

  const own = new Window(atMs)
  own.note(day * dayMs - offsetMs)
  own.note((day + 1) * dayMs - offsetMs)
  for (const { start, end } of schedule.hours) {
    own.note(day * dayMs + start * minuteMs - offsetMs)
    own.note(day * dayMs + end * minuteMs - offsetMs)
  }
  const isSteady =
    zoneOffsetMs(schedule.zone, own.fromMs) === offsetMs && zoneOffsetMs(schedule.zone, own.toMs - 1) === offsetMs
  window.note(isSteady ? own.fromMs : Math.max(own.fromMs, Math.floor(atMs / slotMs) * slotMs))
  window.note(isSteady ? own.toMs : Math.min(own.toMs, (Math.floor(atMs / slotMs) + 1) * slotMs))

  return schedule.hours.some(({ start, end }) =>
    start < end
      ? minute >= start && minute < end && dayCounts(schedule, day)
      : (minute >= start && dayCounts(schedule, day)) || (minute < end && dayCounts(schedule, day - 1)),
  )
}

function dayCounts(schedule: CompiledSchedule, day: number): boolean {
  const weekday = ((((day + 3) % 7) + 7) % 7) + 1 // 1970-01-01 was a Thursday
  return schedule.days[weekday] === true && !schedule.except.has(day)
}

function parseHours(text: string): { start: number; end: number } {
  const match = /^([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(text)
  if (match === null) throw new RangeError(`not clock hours: "${text}"`)
  const start = Number(match[1]) * 60 + Number(match[2])
  const end = Number(match[3]) * 60 + Number(match[4])
  if (start === end || start >= 1440 || end > 1440) throw new RangeError(`not clock hours: "${text}"`)
  return { start, end }
}

const zoneFormats = new Map<string, Intl.DateTimeFormat>()

function zoneOffsetMs(zone: string, atMs: number): number {
  if (zone === 'UTC') return 0
  let format = zoneFormats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    zoneFormats.set(zone, format)
  }
  const name = format.formatToParts(atMs).find((part) => part.type === 'timeZoneName')?.value ?? ''
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name)
  if (match === null) throw new RangeError(`zone "${zone}" gives no offset: "${name}"`)
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match
  const ms = Number(hours) * 3_600_000 + Number(minutes) * minuteMs + Number(seconds) * 1000
  return sign === '-' ? -ms : ms
}
