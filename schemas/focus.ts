// The ledger as FOCUS cost and usage data, the FinOps Open Cost and Usage Specification: 1.2 of 2025-05-29 and 1.4 of
// 2026-06-04 from one row. Columns are declared here once, in the order they are written: the standard's by name, then our own.

import { billNames, makerOf } from './focus-names.ts'

export const focusVersions = ['1.2', '1.4'] as const
export type FocusVersion = (typeof focusVersions)[number]

/** Where the amount of a row is from. */
export type CostSource = 'computed' | 'estimated' | 'reported' | 'covered' | 'unpriced' | 'rounding'

/** A price per pricing unit and what follows from it; amounts are exact decimals in the row's currency. */
export interface FocusPrice {
  /** Id of the price without a date: model, kind, tier, region, size of the request. */
  readonly id: string
  /** `1000000 Tokens`, `1000 Requests`, `Hours`. */
  readonly unit: string
  readonly quantity: string
  readonly contracted: string
  /** The catalogue's price; the contracted one where the catalogue has none. */
  readonly list: string
  /** list × quantity. */
  readonly listCost: string
}

/** One UTC day × project × provider × model × kind of token × tier × region × price entry, and tags when asked for. */
export interface FocusRow {
  /** `YYYY-MM-DD`. */
  readonly day: string
  readonly project: string
  /** The organisation's id at the provider; '' when it was not said. */
  readonly billingAccount: string
  /** Canonical name. */
  readonly provider: string
  readonly model: string
  readonly kind: string
  readonly tier: string
  /** Region or residency, where the price depends on it; '' otherwise. */
  readonly region: string
  /** Further things the price depends on. */
  readonly conditions: Readonly<Record<string, string>>
  readonly cacheTtl: '' | '5m' | '1h'
  /** ISO 4217. */
  readonly currency: string
  /** What was charged: unit price × quantity where a price is known. 0 without any claim when the source is `unpriced`. */
  readonly cost: string
  readonly source: CostSource
  /** null: no price is known for this amount. */
  readonly price: FocusPrice | null
  /** As counted, before any minimum; null for what is no usage. */
  readonly consumed: { readonly quantity: string; readonly unit: string } | null
  readonly entry: string
  readonly book: string
  /** On the first row of the calls it counts, so that it adds up; null on their other rows. */
  readonly calls: number | null
  readonly tags: Readonly<Record<string, string>>
}

type Value = string | null

export interface FocusColumn {
  readonly name: string
  readonly type: 'string' | 'decimal' | 'time' | 'json'
  /** Versions that have it; absent: both. */
  readonly only?: FocusVersion
  readonly isNullable: boolean
  readonly value: (row: FocusRow, version: FocusVersion) => Value
}

const text = (name: string, value: FocusColumn['value']): FocusColumn => ({
  name,
  type: 'string',
  isNullable: false,
  value,
})
const optional = (name: string, value: FocusColumn['value']): FocusColumn => ({
  ...text(name, value),
  isNullable: true,
})
const time = (name: string, value: (row: FocusRow) => string): FocusColumn => ({
  name,
  type: 'time',
  isNullable: false,
  value: (row) => `${value(row)}T00:00:00Z`,
})
const cost = (name: string, value: FocusColumn['value']): FocusColumn => ({
  name,
  type: 'decimal',
  isNullable: false,
  value,
})
const amount = (name: string, value: FocusColumn['value']): FocusColumn => ({ ...cost(name, value), isNullable: true })
const json = (name: string, value: FocusColumn['value']): FocusColumn => ({
  name,
  type: 'json',
  isNullable: true,
  value,
})

/**
 * Version 1.2 wants a price and a quantity on every row of usage. An amount without a known price is then priced as itself:
 * so many units of one unit of the currency.
 */
function priceOf(row: FocusRow, version: FocusVersion): FocusPrice | null {
  if (row.price !== null || version !== '1.2' || !isUsage(row)) return row.price
  const id = `${skuOf(row)}/as-${row.source}`
  return { id, unit: 'Units', quantity: row.cost, contracted: '1', list: '1', listCost: row.cost }
}

function isUsage({ source }: FocusRow): boolean {
  return source !== 'rounding'
}

function skuOf({ provider, model, kind }: FocusRow): string {
  return `${provider === '' ? 'unknown' : provider}/${model === '' ? 'unknown' : model}/${kind}`
}

export const focusColumns: readonly FocusColumn[] = [
  cost('BilledCost', (row) => row.cost),
  text('BillingAccountId', (row) => row.billingAccount || row.provider || 'unknown'),
  optional('BillingAccountName', (row) => row.billingAccount || billNames(row.provider).seller),
  text('BillingCurrency', (row) => row.currency),
  time('BillingPeriodEnd', ({ day }) => monthAfter(day)),
  time('BillingPeriodStart', ({ day }) => `${day.slice(0, 8)}01`),
  text('ChargeCategory', (row) => (isUsage(row) ? 'Usage' : 'Adjustment')),
  // Nothing here corrects a month that was invoiced: a corrected ledger is exported anew.
  optional('ChargeClass', () => null),
  optional('ChargeDescription', describe),
  text('ChargeFrequency', () => 'Usage-Based'),
  time('ChargePeriodEnd', ({ day }) => dayAfter(day)),
  time('ChargePeriodStart', ({ day }) => day),
  // Always empty. The validator of 1.2 cannot judge ConsumedQuantity without it.
  { ...optional('CommitmentDiscountStatus', () => null), only: '1.2' },
  amount('ConsumedQuantity', ({ consumed }) => consumed?.quantity ?? null),
  optional('ConsumedUnit', ({ consumed }) => consumed?.unit ?? null),
  cost('ContractedCost', (row) => row.cost),
  amount('ContractedUnitPrice', (row, version) => priceOf(row, version)?.contracted ?? null),
  cost('EffectiveCost', (row) => row.cost),
  { ...text('HostProviderName', ({ provider }) => billNames(provider).seller), only: '1.4' },
  // Known when the provider's invoice has come, which this is not.
  { ...optional('InvoiceDetailId', () => null), only: '1.4' },
  optional('InvoiceId', () => null),
  text('InvoiceIssuerName', ({ provider }) => billNames(provider).seller),
  cost('ListCost', (row, version) => priceOf(row, version)?.listCost ?? row.cost),
  amount('ListUnitPrice', (row, version) => priceOf(row, version)?.list ?? null),
  optional('PricingCategory', (row) => (isUsage(row) ? 'Standard' : null)),
  { ...text('PricingCurrency', ({ currency }) => currency), only: '1.2' },
  {
    ...amount('PricingCurrencyContractedUnitPrice', (row, version) => priceOf(row, version)?.contracted ?? null),
    only: '1.2',
  },
  { ...cost('PricingCurrencyEffectiveCost', (row) => row.cost), only: '1.2' },
  { ...amount('PricingCurrencyListUnitPrice', (row, version) => priceOf(row, version)?.list ?? null), only: '1.2' },
  amount('PricingQuantity', (row, version) => priceOf(row, version)?.quantity ?? null),
  optional('PricingUnit', (row, version) => priceOf(row, version)?.unit ?? null),
  { ...text('ProviderName', ({ provider }) => billNames(provider).seller), only: '1.2' },
  { ...text('PublisherName', ({ provider, model }) => makerOf(provider, model)), only: '1.2' },
  optional('RegionId', ({ region }) => region || null),
  optional('RegionName', ({ region }) => region || null),
  text('ServiceCategory', () => 'AI and Machine Learning'),
  text('ServiceName', ({ provider }) => billNames(provider).service),
  { ...text('ServiceProviderName', ({ provider }) => billNames(provider).seller), only: '1.4' },
  text('ServiceSubcategory', () => 'Generative AI'),
  optional('SkuId', (row) => (isUsage(row) ? skuOf(row) : null)),
  optional('SkuMeter', (row) => (isUsage(row) ? row.kind : null)),
  json('SkuPriceDetails', (row, version) => (priceOf(row, version) === null ? null : details(row))),
  optional('SkuPriceId', (row, version) => priceOf(row, version)?.id ?? null),
  optional('SubAccountId', ({ project }) => project || null),
  optional('SubAccountName', ({ project }) => project || null),
  json('Tags', ({ tags }) => JSON.stringify(tags)),
  optional('x_CacheTtl', ({ cacheTtl }) => cacheTtl || null),
  text('x_CostSource', ({ source }) => source),
  optional('x_Model', ({ model }) => model || null),
  optional('x_PriceEntry', ({ entry }) => entry || null),
  optional('x_PriceVersion', ({ book }) => book || null),
  optional('x_Provider', ({ provider }) => provider || null),
  amount('x_RequestCount', ({ calls }) => (calls === null ? null : String(calls))),
  text('x_ServiceTier', ({ tier }) => tier),
  text('x_TokenKind', ({ kind }) => kind),
]

/** Columns of a version, in the order they are written. */
export function focusColumnsOf(version: FocusVersion): readonly FocusColumn[] {
  return focusColumns.filter(({ only }) => only === undefined || only === version)
}

/** The head line of a CSV file, without its end. */
export function focusHead(version: FocusVersion): string {
  return focusColumnsOf(version)
    .map(({ name }) => name)
    .join(',')
}

/** A line of a CSV file, without its end: NULL is empty, decimals always have a point. */
export function focusLine(row: FocusRow, version: FocusVersion): string {
  return focusColumnsOf(version)
    .map(({ type, value }) => cell(value(row, version), type))
    .join(',')
}

function cell(value: Value, type: FocusColumn['type']): string {
  if (value === null) return ''
  // A column of whole numbers alone would be read as integers, which the standard's decimals are not.
  if (type === 'decimal') return value.includes('.') ? value : `${value}.0`
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

function describe(row: FocusRow): string {
  const what = `${row.model === '' ? 'unknown model' : row.model} ${row.kind.replaceAll('_', ' ')} (${row.tier})`
  switch (row.source) {
    case 'unpriced':
      return `${what}: no price known, cost not known`
    case 'reported':
      return `${what}, as charged by the sender's own figure`
    case 'covered':
      return `${what}, covered by a plan with a charge of its own`
    case 'estimated':
      return `${what}, tokens estimated`
    case 'rounding':
      return `${what}: calls are rounded to 0.000000000001 one by one`
    default:
      return what
  }
}

/** What the price depends on and nothing else: it has to stay the same for a price id. */
function details({ tier, region, conditions }: FocusRow): string {
  const own = Object.entries(conditions).map(([name, value]) => [
    `x_${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    value,
  ])
  return JSON.stringify({
    x_ServiceTier: tier,
    ...(region === '' ? {} : { x_Region: region }),
    ...Object.fromEntries(own),
  })
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
}

function monthAfter(day: string): string {
  const [year = 0, month = 0] = day.split('-').map(Number)
  return month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, '0')}-01`
}
