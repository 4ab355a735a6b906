// Published rates of exchange → rates into the reporting currency, one a day and currency. Rates are exact decimals as text; what
// has to be divided is rounded to 18 places and says how it was made.
//
//   published: 1 EUR = 1.0867 USD, 1 EUR = 0.8412 GBP; reporting currency EUR
//   USD → EUR   1 / 1.0867                     the pair the other way round
//   GBP → EUR   1 / 0.8412
//   the same list, reporting currency GBP
//   USD → GBP   0.8412 / 1.0867                by way of EUR

import {
  compare,
  type Decimal,
  dividedByDecimal,
  formatDecimal,
  parseDecimal,
  times,
  zero,
} from '../schemas/decimal.ts'

/** 1 `base` = `rate` `currency` on `date`. */
export interface GivenRate {
  readonly date: string
  readonly base: string
  readonly currency: string
  readonly rate: string
  readonly source: string
}

/** A row of `currency_rates` without the time it was loaded. */
export interface RateRow {
  readonly reporting_currency: string
  readonly currency: string
  readonly day: string
  readonly rate: string
  readonly source: string
  readonly derived: string
}

export interface ReadRates {
  readonly rates: readonly GivenRate[]
  /** `rates[3]: rate: "x" is not …`, with what would be right; empty when all is sound. */
  readonly findings: readonly string[]
}

const places = 18
const fieldNames = ['date', 'base', 'currency', 'rate', 'source'] as const

/**
 * Rates out of a parsed file, whose scalars are text: `{ base?, source?, rates: [{ date, base?, currency, rate, source? }] }`, the
 * outer ones standing in where a rate does not say. Every finding names the entry and the field.
 */
export function readRates(tree: unknown): ReadRates {
  const findings: string[] = []
  if (!isObject(tree)) return { rates: [], findings: ['must be an object with a list `rates`'] }
  for (const name of Object.keys(tree))
    if (!['base', 'source', 'rates'].includes(name)) findings.push(`${name}: unknown, expected base, source or rates`)
  const list = tree['rates']
  if (!Array.isArray(list)) return { rates: [], findings: [...findings, 'rates: must be a list'] }
  const rates: GivenRate[] = []
  const seen = new Map<string, { readonly at: number; readonly rate: string }>()
  for (const [i, item] of list.entries()) {
    const found = readRate(
      isObject(item) ? { base: tree['base'], source: tree['source'], ...item } : item,
      `rates[${i}]`,
    )
    if ('findings' in found) {
      findings.push(...found.findings)
      continue
    }
    const pair = `${found.date} ${found.base} ${found.currency}`
    const known = seen.get(pair)
    if (known !== undefined && compare(parseDecimal(known.rate), parseDecimal(found.rate)) !== 0) {
      findings.push(`rates[${i}]: rate: ${found.rate} differs from the ${known.rate} of rates[${known.at}] for ${pair}`)
    } else if (known === undefined) {
      seen.set(pair, { at: i, rate: found.rate })
      rates.push(found)
    }
  }
  return { rates, findings }
}

function readRate(item: unknown, place: string): GivenRate | { readonly findings: readonly string[] } {
  if (!isObject(item)) return { findings: [`${place}: must be an object with ${fieldNames.slice(0, 4).join(', ')}`] }
  const findings: string[] = []
  const field = (name: (typeof fieldNames)[number], isRight: (text: string) => boolean, form: string): string => {
    const value = item[name]
    const text = typeof value === 'string' ? value.trim() : ''
    if (!isRight(text)) {
      const said = value === undefined ? 'is missing, expected' : `${JSON.stringify(value).slice(0, 40)} is not`
      findings.push(`${place}: ${name}: ${said} ${form}`)
    }
    return text
  }
  for (const name of Object.keys(item))
    if (!fieldNames.some((known) => known === name))
      findings.push(`${place}: ${name}: unknown, expected ${fieldNames.join(', ')}`)
  const rate: GivenRate = {
    date: field('date', isDay, 'a day such as 2026-11-02'),
    base: field('base', isCode, 'a currency code such as EUR'),
    currency: field('currency', isCode, 'a currency code such as USD'),
    rate: field('rate', isRate, `a decimal above 0 with at most ${places} places, such as 1.0867`),
    source: typeof item['source'] === 'string' ? item['source'] : '',
  }
  if (findings.length === 0 && rate.base === rate.currency)
    findings.push(`${place}: currency: ${rate.currency} is the base itself`)
  return findings.length > 0 ? { findings } : rate
}

/**
 * Rates from every currency that is named on a day into the reporting currency: as published, the other way round, or by way of
 * a third currency; and, as published and the other way round, between all others, so that they can be asked for too.
 */
export function rateRows(given: readonly GivenRate[], reportingCurrency: string): RateRow[] {
  return [...Map.groupBy(given, ({ date }) => date)].flatMap(([day, rates]) => rowsOfDay(day, rates, reportingCurrency))
}

interface Leg {
  readonly rate: Decimal
  readonly source: string
  readonly derived: string
}

function rowsOfDay(day: string, rates: readonly GivenRate[], reportingCurrency: string): RateRow[] {
  const legs = new Map<string, Leg>()
  const names = new Set<string>()
  for (const { base, currency, rate, source } of rates) {
    names.add(base).add(currency)
    legs.set(`${base} ${currency}`, { rate: parseDecimal(rate), source, derived: '' })
  }
  for (const { base, currency, rate, source } of rates) {
    if (legs.has(`${currency} ${base}`)) continue
    const inverse = dividedByDecimal({ digits: 1n, scale: 0 }, parseDecimal(rate), places)
    legs.set(`${currency} ${base}`, { rate: inverse, source, derived: `1 / ${rate} (${currency} for one ${base})` })
  }
  const pivots = [...names].sort()
  for (const currency of pivots) {
    if (currency === reportingCurrency || legs.has(`${currency} ${reportingCurrency}`)) continue
    const crossed = cross(rates, pivots, currency, reportingCurrency)
    if (crossed !== undefined) legs.set(`${currency} ${reportingCurrency}`, crossed)
  }
  return [...legs].map(([pair, { rate, source, derived }]) => {
    const [currency = '', target = ''] = pair.split(' ')
    return { reporting_currency: target, currency, day, rate: formatDecimal(rate), source, derived }
  })
}

/** By way of the first currency that both have a published rate with. Divided once, so that it is rounded once. */
function cross(rates: readonly GivenRate[], pivots: readonly string[], from: string, to: string): Leg | undefined {
  const published = (base: string, currency: string): GivenRate | undefined =>
    rates.find((rate) => rate.base === base && rate.currency === currency)
  for (const pivot of pivots) {
    const up = { straight: published(from, pivot), inverse: published(pivot, from) }
    const down = { straight: published(pivot, to), inverse: published(to, pivot) }
    const first = up.straight ?? up.inverse
    const second = down.straight ?? down.inverse
    if (first === undefined || second === undefined) continue
    const one: Decimal = { digits: 1n, scale: 0 }
    const above = times(up.straight ? parseDecimal(first.rate) : one, down.straight ? parseDecimal(second.rate) : one)
    const below = times(up.straight ? one : parseDecimal(first.rate), down.straight ? one : parseDecimal(second.rate))
    const source = first.source === second.source ? first.source : `${first.source}; ${second.source}`
    const derived = `${formatDecimal(above)} / ${formatDecimal(below)} (by way of ${pivot})`
    return { rate: dividedByDecimal(above, below, places), source, derived }
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDay(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}

function isCode(text: string): boolean {
  return /^[A-Z]{3}$/.test(text)
}

function isRate(text: string): boolean {
  return /^\d{1,15}(\.\d{1,18})?$/.test(text) && compare(parseDecimal(text), zero) > 0
}
