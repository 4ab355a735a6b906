// Values of a question's parameters as they came, from a URL or a command line → what ClickHouse is given. ClickHouse itself is
// lenient (300 is a UInt8 of 44, the 45th of a month some day) and late (a zone nobody knows is an error in the middle).

import { Refusal } from '../schemas/refusal.ts'
import { timeText } from './clickhouse/time-text.ts'

export interface ParamOfQuestion {
  readonly name: string
  /** ClickHouse type, as inside `{name:type}`. */
  readonly type: string
  /** The values it may have; absent: any of its type. */
  readonly choices?: readonly string[]
}

/** The value to be bound. Throws Refusal('bad_request') that says what would be right. */
export function boundValue(param: ParamOfQuestion, value: unknown): unknown {
  if (param.choices !== undefined) checkChoice(param, param.choices, value)
  if (param.type.startsWith('DateTime')) return timeOf(param.name, value)
  const bits = /^(?:Nullable\()?(U?)Int(8|16|32)\b/.exec(param.type)
  if (bits !== null && value !== null) checkWhole(param.name, value, bits[1] === 'U', Number(bits[2]))
  if (param.name === 'tz' && !isZone(value)) throw wrong('tz', value, 'a time zone such as UTC or Europe/Berlin')
  return value
}

function checkChoice({ name }: ParamOfQuestion, choices: readonly string[], value: unknown): void {
  const other = [value].flat().find((each) => !choices.includes(String(each)))
  if (other !== undefined)
    throw new Refusal('bad_request', `${name} is "${String(other).slice(0, 64)}"; it may be ${choices.join(', ')}`)
}

function checkWhole(name: string, value: unknown, isUnsigned: boolean, bits: number): void {
  const least = isUnsigned ? 0 : -(2 ** (bits - 1))
  const most = 2 ** (isUnsigned ? bits : bits - 1) - 1
  const number = /^-?\d{1,10}$/.test(String(value)) ? Number(value) : Number.NaN
  if (!(number >= least && number <= most)) throw wrong(name, value, `a whole number from ${least} to ${most}`)
}

/** What ClickHouse can round to hours. */
const [earliest, latest] = [0, Date.UTC(2106, 0)]
const written = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/

/** `2026-11-24T10:00:00+01:00` and Dates as ClickHouse reads them, in UTC; without an offset, and Unix seconds, as they are. */
function timeOf(name: string, value: unknown): unknown {
  if (value instanceof Date) return timeText(value)
  const text = String(value)
  const [, day = '', time = '00:00', offset = 'Z'] = written.exec(text) ?? []
  const isSeconds = /^\d{1,10}(?:\.\d{1,9})?$/.test(text)
  const ms = isSeconds ? Number(text) * 1000 : Date.parse(`${day}T${time}${offset}`)
  // A 30th of February is read as some day in March.
  const isDay = isSeconds || new Date(`${day}T00:00Z`).toJSON()?.slice(0, 10) === day
  if (!(ms >= earliest && ms < latest && isDay))
    throw wrong(name, value, 'a time from 1970 to 2105, such as 2026-11-01T09:00:00Z')
  return text.includes('T') ? timeText(new Date(ms)) : value
}

function isZone(value: unknown): boolean {
  try {
    // ClickHouse knows names, not offsets.
    return /^[A-Za-z]/.test(String(value)) && new Intl.DateTimeFormat('en', { timeZone: String(value) }) !== undefined
  } catch {
    // Not a name that anybody knows.
    return false
  }
}

function wrong(name: string, value: unknown, words: string): Refusal {
  return new Refusal('bad_request', `${name} is "${String(value).slice(0, 64)}"; it must be ${words}`)
}
