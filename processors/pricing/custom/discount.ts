// A share off the list: rates of the catalogue × (100 − percent) / 100, as exact decimals.

import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../../schemas/usage.ts'
import { type Card, type CardBand, compileEntry, type PublishedRate } from '../card.ts'
import type { Band, PriceEntry, PriceOverride, Rates } from '../file.ts'

type Discount = NonNullable<PriceOverride['discount']>

/** One of anything at this rate is more than a sum of doubles may be, and so counted from the published decimals. */
const beyondDoubles = 2 ** 53

/** Names both, so that a row can be explained: `discount:openai-2026@3fa9c1d2 off openai/gpt-5#1`. */
export function discountedId(discountId: string, listId: string): string {
  return `${discountId} off ${listId}`
}

/** Bands of the list with the discount taken off: sizes, edges and what else they ask for stay. */
export function discountedBands(list: Pick<Card, 'bands'>, discount: Discount): readonly CardBand[] {
  return list.bands.map((band) => {
    const published = new Map<UsageUnitName, PublishedRate>()
    for (const [name, { price, per }] of band.published)
      published.set(name, { price: isOff(discount, name) ? lessPercent(price, discount.percent) : price, per })
    return { ...band, ...countable(published), published }
  })
}

/** Rates as integers, where doubles hold them; else so that every amount is left to the exact arithmetic. */
function countable(published: ReadonlyMap<UsageUnitName, PublishedRate>): Pick<CardBand, 'rate' | 'denominator'> {
  const rates = Object.fromEntries([...published].map(([name, { price }]) => [name, price]))
  const per = Object.fromEntries([...published].map(([name, each]) => [name, each.per]))
  try {
    const [band] = compileEntry({ id: '', bands: [{ rates }], per, currency: '' }).bands
    if (band !== undefined) return { rate: band.rate, denominator: band.denominator }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  const rate = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const [name, { price }] of published) rate[unit[name]] = /[1-9]/.test(price) ? beyondDoubles : 0
  return { rate, denominator: 1 }
}

/** The same for an entry as it is written, for `model_prices`. */
export function discountedRates(entry: PriceEntry, discount: Discount): readonly Band[] {
  return entry.bands.map((band) => {
    const rates: { [unit in UsageUnitName]?: string } = {}
    for (const { name } of usageUnits) {
      const price = band.rates[name]
      if (price !== undefined) rates[name] = isOff(discount, name) ? lessPercent(price, discount.percent) : price
    }
    return { ...band, rates: rates satisfies Rates }
  })
}

function isOff({ units }: Discount, unit: UsageUnitName): boolean {
  return units === undefined || units.includes(unit)
}

/** `"0.3"` less `"12.5"` percent is `"0.2625"`. */
export function lessPercent(price: string, percent: string): string {
  const [value, valueDecimals] = scaled(price)
  const [off, offDecimals] = scaled(percent)
  const left = 100n * 10n ** BigInt(offDecimals) - off
  return decimalText(value * left, valueDecimals + offDecimals + 2)
}

function scaled(decimal: string): [bigint, number] {
  const [whole = '', part = ''] = decimal.split('.')
  return [BigInt(whole + part), part.length]
}

function decimalText(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, '0')
  const part = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const whole = digits.slice(0, digits.length - decimals)
  return part === '' ? whole : `${whole}.${part}`
}
