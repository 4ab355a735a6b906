// What a bill calls the units that calls are priced in, and quantities in them.

import { type Decimal, dividedBy, formatDecimal, parseDecimal } from '../../schemas/decimal.ts'
import { type UsageUnitName, usageUnits } from '../../schemas/usage.ts'

const countWords: { readonly [unit in UsageUnitName]?: string } = {
  characters: 'Characters',
  images: 'Images',
  audioSeconds: 'Seconds',
  videoSeconds: 'Seconds',
  pages: 'Pages',
  annotatedPages: 'Pages',
  codeSession: 'Sessions',
  searchUnit: 'Units',
}
const tokenUnits: ReadonlySet<string> = new Set(
  usageUnits
    .filter(({ partOf, key }) => key === null || (partOf !== null && partOf !== 'pages'))
    .map(({ name }) => name),
)
const tokensPerPrice = 1_000_000
/** Places of a quantity that does not end: an hour is 3,600 seconds. What is lost is in the row of roundings. */
const quantityPlaces = 12

/** Plural, as FOCUS wants it: `Tokens`, `Requests`, `Seconds`. */
export function countedIn(unit: UsageUnitName): string {
  return tokenUnits.has(unit) ? 'Tokens' : (countWords[unit] ?? 'Requests')
}

export interface PricedIn {
  readonly unit: string
  /** Units counted that make one of it. */
  readonly per: number
  readonly price: string
}

/** Unit of a bill for a published rate: tokens by the million, seconds by minute or hour, all else as published. */
export function pricedIn(unit: UsageUnitName, rate: { readonly price: string; readonly per: number }): PricedIn {
  const { price, per } = rate
  const counted = countedIn(unit)
  const power = powerOfTen(per)
  if (counted === 'Tokens' && power !== null && power <= 6) {
    const { digits, scale } = parseDecimal(price)
    const scaled = formatDecimal({ digits: digits * 10n ** BigInt(6 - power), scale })
    return { unit: `${tokensPerPrice} Tokens`, per: tokensPerPrice, price: scaled }
  }
  if (counted === 'Seconds' && per === 60) return { unit: 'Minutes', per, price }
  if (counted === 'Seconds' && per === 3600) return { unit: 'Hours', per, price }
  return { unit: per === 1 ? counted : `${per} ${counted}`, per, price }
}

/** Exact where the division ends, else rounded to twelve places. */
export function quantityIn({ per }: PricedIn, counted: Decimal): Decimal {
  const power = powerOfTen(per)
  if (power !== null) return { digits: counted.digits, scale: counted.scale + power }
  return dividedBy(counted, per, quantityPlaces)
}

function powerOfTen(count: number): number | null {
  const power = String(count).length - 1
  return 10 ** power === count ? power : null
}
