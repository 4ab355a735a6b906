// Public price lists in forms of their own → entries in ours, to compare with and to propose from; nobody is billed by them.
// A list is a plug file of processors/price-sources/. What it says and we cannot is reported, never dropped in silence.

import type { UsageUnitName } from '../../schemas/usage.ts'
import { compileEntry } from './card.ts'
import type { Band, PriceEntry, Rates, When } from './file.ts'
import { canonicalProvider } from './provider-names.ts'

/** An entry of a list, without what only a book of ours knows. */
export interface ListedEntry extends Pick<PriceEntry, 'models' | 'validFrom' | 'validTo' | 'bands' | 'per'> {
  /** Canonical. */
  readonly provider: string
  readonly when?: When
}

export interface ListNote {
  /** Place in the list, as `openai gpt-4.1 tiered_pricing`. */
  readonly where: string
  readonly what: string
}

export interface ListReading {
  readonly entries: readonly ListedEntry[]
  readonly notUnderstood: readonly ListNote[]
  /** Amounts that carried the dust of floating-point arithmetic, and what they were taken for. */
  readonly cleaned: readonly { readonly where: string; readonly sent: string; readonly taken: string }[]
}

/** One list: the default export of a plug file. */
export interface PriceList {
  /** Name of the file. */
  readonly id: string
  /** As a source of an entry. */
  readonly name: string
  /** Where it is published, and which file is read. */
  readonly from: string
  /** Reads a document of it, once parsed; `file` is its name without the ending. Throws RangeError for another form. */
  read(document: unknown, file: string): ListReading
}

type Fields = { readonly [name: string]: unknown }

/** What a list is gathered in while it is read. */
export class ListReader {
  readonly entries: ListedEntry[] = []
  readonly notUnderstood: ListNote[] = []
  readonly cleaned: { where: string; sent: string; taken: string }[] = []

  reading(): ListReading {
    const { entries, notUnderstood, cleaned } = this
    return { entries, notUnderstood, cleaned }
  }

  note(where: string, what: string): void {
    this.notUnderstood.push({ where, what })
  }

  /** An amount times a power of ten, as a decimal of at most 12 digits; null for what is none, which is noted. */
  amount(value: unknown, tens: number, where: string): string | null {
    if (value === undefined || value === null) return null
    const sent = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
    const taken = shifted(sent, tens)
    if (taken === null) {
      this.note(where, `${JSON.stringify(value)?.slice(0, 40)} is no amount`)
      return null
    }
    if (taken.isCleaned) this.cleaned.push({ where, sent, taken: taken.text })
    return taken.text
  }

  /** Rates of a record by a table of its keys; keys that end in a listed word and stand in no table are noted. */
  rates(record: Fields, table: RateTable, where: string): Rates {
    const rates: { [unit in UsageUnitName]?: string } = {}
    for (const [key, [unit, tens]] of Object.entries(table)) {
      const rate = this.amount(record[key], tens, `${where} ${key}`)
      if (rate !== null) rates[unit] ??= rate
    }
    return rates
  }

  /** Adds an entry that has a rate; each higher band lists every rate. */
  add(
    entry: Omit<ListedEntry, 'per' | 'provider' | 'validFrom' | 'validTo'> & {
      provider: string
      validFrom?: string | null
      validTo?: string | null
    },
  ): void {
    const [base, ...higher] = entry.bands
    if (base === undefined || Object.keys(base.rates).length === 0) return
    const bands = [base, ...higher.map((band) => ({ ...band, rates: { ...base.rates, ...band.rates } }))]
    const { provider, validFrom = null, validTo = null } = entry
    const listed = { ...entry, provider: canonicalProvider(provider), validFrom, validTo, bands, per }
    try {
      compileEntry({ ...unpublished, ...listed })
      this.entries.push(listed)
    } catch (error) {
      // A rate that no amount could be counted by exactly.
      if (!(error instanceof RangeError)) throw error
      this.note(`${provider} ${entry.models.exact[0] ?? ''}`, error.message)
    }
  }
}

/** What an entry of ours has besides. */
const unpublished = { id: 'the entry', recordedAt: '', currency: 'USD', source: [], confidence: 'low' } as const

/** Key of the list → our unit, and the power of ten from the list's amount to ours. */
export type RateTable = { readonly [key: string]: readonly [unit: UsageUnitName, tens: number] }

/** Published divisors that every list is brought to. */
const per = {
  tokens: 1_000_000,
  characters: 1_000_000,
  images: 1,
  pixels: 1_000_000,
  audioSeconds: 3600,
  videoSeconds: 1,
  pages: 1000,
  annotatedPages: 1000,
  requests: 1000,
  webSearch: 1000,
  webSearchQuery: 1000,
  searchQuery: 1000,
  groundedRequest: 1000,
  fileSearch: 1000,
  codeSession: 1,
  searchUnit: 1000,
} as const

const digitsMax = 12

/** A decimal or a float in any notation × 10^tens, rounded half up to 12 digits where it has more; null for no number. */
export function shifted(text: string, tens: number): { readonly text: string; readonly isCleaned: boolean } | null {
  const match = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text)
  if (match === null) return null
  const [, whole = '', decimals = '', exponent = '0'] = match
  let digits = (whole + decimals).replace(/^0+/, '')
  let places = decimals.length - Number(exponent) - tens
  const isCleaned = digits.replace(/0+$/, '').length > digitsMax
  if (isCleaned) {
    const dropped = digits.length - digitsMax
    digits = String(BigInt(digits.slice(0, digitsMax)) + (digits[digitsMax]! >= '5' ? 1n : 0n))
    places -= dropped
  }
  if (digits === '') return { text: '0', isCleaned: false }
  if (places <= 0) return { text: digits + '0'.repeat(-places), isCleaned }
  const padded = digits.padStart(places + 1, '0')
  const fraction = padded.slice(-places).replace(/0+$/, '')
  return { text: `${padded.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`, isCleaned }
}

/** Bands from edges and their rates, in rising order. */
export function bandsOf(base: Rates, higher: readonly { over: number; inclusive: boolean; rates: Rates }[]): Band[] {
  const sorted = higher.toSorted((a, b) => a.over - b.over)
  return [{ rates: base }, ...sorted.map(({ over, inclusive, rates }) => ({ inputTokens: { over, inclusive }, rates }))]
}

/** The object at a place of a list; throws RangeError that says what is there instead. */
export function objectOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new RangeError(`${where}: ${JSON.stringify(value)?.slice(0, 40) ?? 'nothing'} is no object`)
}

/** Null where there is none. */
export function maybeObject(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

export function arrayOf(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new RangeError(`${where}: ${JSON.stringify(value)?.slice(0, 40) ?? 'nothing'} is no list`)
}
