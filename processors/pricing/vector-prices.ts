// Prices that a policy vector brings along → entries of a book: overrides, and two versions of one price list.

import { type UsageUnitName, usageUnits } from '../../schemas/usage.ts'
import { componentNames } from './explain.ts'
import type { PriceEntry, PriceOverride, When } from './file.ts'
import { canonicalProvider } from './provider-names.ts'
import { conditionOf, unitOf } from './usage-names.ts'
import { decimalOf, type Fields, fieldsOf, instantOf, listOf, onlyFields, text, VectorError } from './vector-fields.ts'

const recordedAt = '1970-01-01T00:00:00Z'
const perDefault = 1_000_000
const scopes = ['project', 'organisation', 'installation'] as const

const overrideFields = [
  'provider',
  'model',
  'rates',
  'valid_from',
  'valid_to',
  'currency',
  'context',
  'minimum',
  'scope',
  'announced',
]

/** Overrides of a vector. They go before the user's own, unless they say a wider scope. `model` may end in `*`. */
export function overridesOf(given: unknown): PriceOverride[] {
  return listOf(given, 'overrides').map((each, i): PriceOverride => {
    const where = `overrides[${i}]`
    const fields = fieldsOf(each, where)
    onlyFields(fields, overrideFields, `${where}.`)
    const provider = canonicalProvider(text(fields['provider'], `${where}.provider`))
    const model = text(fields['model'], `${where}.model`)
    const scope = scopes.find((name) => name === (fields['scope'] ?? 'project'))
    if (scope === undefined) throw new VectorError(`${where}.scope: not one of ${scopes.join(', ')}`)
    const { prices, per } = publishedRates(fields['rates'], `${where}.rates`)
    return {
      ...entryOf(fields, { id: `${provider}/${model}#override-${i + 1}`, where }),
      models: model.endsWith('*') ? { exact: [], prefix: [model.slice(0, -1)] } : { exact: [model] },
      bands: [{ rates: prices }],
      per,
      provider,
      scope,
    }
  })
}

/** `{ input, output, …, per }` for a single rate card, or `{ entries: [{ valid_from, input, … }], per }`. */
export function entriesOfVersion(
  version: unknown,
  { name, provider, model }: { name: string; provider: string; model: string },
): PriceEntry[] {
  const fields = fieldsOf(version, name)
  const { entries, per, ...rates } = fields
  const list = entries === undefined ? [rates] : listOf(entries, `${name}.entries`)
  if (entries !== undefined) onlyFields(fields, ['entries', 'per'], `${name}.`)
  return list.map((each, i): PriceEntry => {
    const where = entries === undefined ? name : `${name}.entries[${i}]`
    const { valid_from, valid_to, announced, currency, context, ...own } = fieldsOf(each, where)
    const divisor = perOf(own['per'] ?? per, `${where}.per`)
    const named = Object.entries(own).filter(([unit]) => unit !== 'per')
    const bands = [{ rates: Object.fromEntries(named.map(([unit, price]) => rateOf(unit, price, where))) }]
    return {
      ...entryOf(
        { valid_from, valid_to, announced, currency, context },
        { id: `${provider}/${model}#${name}-${i + 1}`, where },
      ),
      models: { exact: [model] },
      bands,
      per: Object.fromEntries(usageUnits.map((unit) => [unit.name, divisor])),
    }
  })
}

function entryOf(
  fields: Fields,
  { id, where }: { id: string; where: string },
): Omit<PriceEntry, 'models' | 'bands' | 'per'> {
  const { valid_from, valid_to, announced, currency, context, minimum } = fields
  return {
    id,
    validFrom: isoOf(valid_from, `${where}.valid_from`),
    validTo: isoOf(valid_to, `${where}.valid_to`),
    recordedAt,
    ...(announced === true ? { announced } : {}),
    ...(context === undefined ? {} : { when: whenOf(fieldsOf(context, `${where}.context`), where) }),
    ...(minimum === undefined ? {} : { minimum: minimumOf(fieldsOf(minimum, `${where}.minimum`), where) }),
    currency: currency === undefined ? 'USD' : text(currency, `${where}.currency`),
    source: [{ what: 'given with the vector' }],
    confidence: 'high',
  }
}

function isoOf(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null
  return new Date(instantOf(value, field)).toISOString().replace('.000Z', 'Z')
}

function whenOf(context: Fields, where: string): When {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => {
      const condition = conditionOf(name)
      if (condition === undefined) throw new VectorError(`${where}.context: no condition is called "${name}"`)
      return [condition, text(value, `${where}.context.${name}`)]
    }),
  )
}

function minimumOf(minimum: Fields, where: string): NonNullable<PriceEntry['minimum']> {
  return Object.fromEntries(Object.entries(minimum).map(([name, least]) => rateOf(name, least, `${where}.minimum`)))
}

/** `{ input: { price, per } }`, or a price alone, which is per million. */
function publishedRates(
  given: unknown,
  where: string,
): Pick<PriceEntry, 'per'> & { prices: { [unit: string]: string } } {
  const prices: { [unit: string]: string } = {}
  const per: { [unit: string]: number } = {}
  for (const [name, value] of Object.entries(fieldsOf(given, where))) {
    const rate = typeof value === 'object' ? fieldsOf(value, `${where}.${name}`) : { price: value }
    onlyFields(rate, ['price', 'per'], `${where}.${name}.`)
    const [unit, price] = rateOf(name, rate['price'], where)
    prices[unit] = price
    per[unit] = perOf(rate['per'], `${where}.${name}.per`)
  }
  return { prices, per }
}

function rateOf(name: string, price: unknown, where: string): [UsageUnitName, string] {
  const unit = rateUnit(name)
  if (unit === undefined) throw new VectorError(`${where}: no unit is called "${name}"`)
  return [unit, decimalOf(price, `${where}.${name}`)]
}

/** A rate is named as a component (`cache_read`), as our unit (`cacheRead`), or as the usage it prices. */
function rateUnit(name: string): UsageUnitName | undefined {
  return componentNames.get(name) ?? usageUnits.find((unit) => unit.name === name)?.name ?? unitOf(name)
}

function perOf(value: unknown, field: string): number {
  const per = value === undefined ? perDefault : Number(decimalOf(value, field))
  if (Number.isSafeInteger(per) && per > 0) return per
  throw new VectorError(`${field}: ${JSON.stringify(value)} is no whole number above 0`)
}
