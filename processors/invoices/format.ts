// What a file of formats/ is: one export of one provider. Readers are pure: a record in, lines out.

import { type Fine, parseFine } from './exact.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { InvoiceError, type Sink } from './line.ts'
import type { MapFile } from './map.ts'

export interface SourceRecord {
  readonly line: number
  /** Lines that the elements of `results` begin on. */
  readonly resultLines: readonly number[]
  /** JSON: names as written. CSV: names squashed, see `squash`. */
  readonly values: JsonObject
}

export interface ReadContext {
  readonly map: MapFile
}

export interface InvoiceFormat {
  /** Stored with every line. */
  readonly id: string
  readonly title: string
  /** Words for the provider on the command line, the first one shown. */
  readonly providers: readonly string[]
  /** `usage` has tokens and no money, `cost` money, with or without quantities. */
  readonly role: 'usage' | 'cost'
  /** Zone of its days. */
  readonly zone: 'UTC' | 'America/Los_Angeles'
  /** `once`: each day is in one file, and two that differ contradict each other. `add`: a bill comes in parts. */
  readonly parts: 'once' | 'add'
  /** Days after which a day no longer changes. */
  readonly finalAfterDays: number
  /** Decimals amounts were rounded to, where the source rounds each row. */
  readonly decimals?: number
  /** The export is of its own bookkeeping, not a provider's charge. */
  readonly isNoBill?: string
  readonly csv?: CsvShape
  /** Whether a JSON record is of this format. */
  readonly json?: (record: JsonObject) => boolean
  /** Throws InvoiceError without the line, which the caller adds. */
  read(record: SourceRecord, sink: Sink, context: ReadContext): void
}

export interface CsvShape {
  /** Columns that tell it from others, one of several spellings each; also the ones it cannot do without. */
  readonly required: readonly (readonly string[])[]
}

/** A column name in all its spellings: `line_item_usage_type`, `lineItem/UsageType` and `Line Item Usage Type` are one. */
export function squash(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

export function textOf(values: JsonObject, ...names: readonly string[]): string {
  for (const name of names) {
    const value = values[name]
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'boolean') return String(value)
  }
  return ''
}

/** Text, or null when the source says null or does not have the field: not grouped by it. */
export function textOrNull(values: JsonObject, name: string): string | null {
  const value = values[name]
  return typeof value === 'string' ? value : null
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

export function arrayOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** A number that must be there. Throws InvoiceError. */
export function numberOf(values: JsonObject, ...names: readonly string[]): Fine {
  const found = optionalNumber(values, ...names)
  if (found === null) throw new InvoiceError(`${names[0]} is missing: a decimal number is expected`)
  return found
}

/** A number, null when absent or empty. Throws InvoiceError for text that is no number. */
export function optionalNumber(values: JsonObject, ...names: readonly string[]): Fine | null {
  const text = textOf(values, ...names)
  if (text === '') return null
  try {
    return parseFine(text)
  } catch (error) {
    throw new InvoiceError(`${names[0]}: ${(error as Error).message}`)
  }
}

/** A count that cannot be below 0. */
export function countOf(values: JsonObject, ...names: readonly string[]): Fine {
  const count = optionalNumber(values, ...names) ?? 0n
  if (count < 0n) throw new InvoiceError(`${names[0]} is negative: ${textOf(values, ...names)}`)
  return count
}

/** UTC day of Unix seconds. Throws InvoiceError for what is none. */
export function dayOfUnix(values: JsonObject, name: string): string {
  const text = textOf(values, name)
  const seconds = Number(text)
  if (!/^\d{9,10}(\.0*)?$/.test(text))
    throw new InvoiceError(`${name}: "${text.slice(0, 32)}" is no Unix time in seconds`)
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

/** UTC day of an ISO 8601 date or time; a time without a zone is UTC. Throws InvoiceError. */
export function dayOf(values: JsonObject, ...names: readonly string[]): string {
  const text = textOf(values, ...names)
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|[+-]\d\d:?\d\d)?)?$/.exec(text)
  const [, date = '', time = '00:00', zone = 'Z'] = match ?? []
  const at = Date.parse(`${date}T${time}${zone === 'UTC' ? 'Z' : zone}`)
  if (match === null || Number.isNaN(at) || !isDate(date))
    throw new InvoiceError(
      `${names[0]}: "${text.slice(0, 40)}" is no day or time such as 2026-11-02 or 2026-11-02T00:00:00Z`,
    )
  return new Date(at).toISOString().slice(0, 10)
}

function isDate(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date)
}

/** ISO code in capitals; USD where the source has no column for it. */
export function currencyOf(values: JsonObject, ...names: readonly string[]): string {
  const text = textOf(values, ...names).toUpperCase()
  if (text === '') return 'USD'
  if (!/^[A-Z]{3}$/.test(text)) throw new InvoiceError(`${names[0]}: "${text.slice(0, 16)}" is no currency code`)
  return text
}
