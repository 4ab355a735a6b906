// Why a price on a bill is another than ours, in words.

import { ratioText } from './exact.ts'
import type { KnownRate } from './finding.ts'
import type { DimensionName, Dimensions } from './line.ts'
import { type Price, samePrice } from './parts.ts'

const geoNames: Readonly<Record<string, string>> = { anthropic: 'inference_geo' }

interface Asked {
  readonly provider: string
  readonly bill: Dimensions
  readonly ledger: Dimensions
  readonly billPrice: Price
  readonly ourPrice: Price
}

/** The cause when bill and ledger speak of different conditions; their prices are in it. */
export function conditionCause(names: readonly DimensionName[], asked: Asked): string {
  const { billPrice, ourPrice } = asked
  // Each condition has a factor of its own, which one ratio cannot show.
  const ratio = names.length === 1 && ourPrice[0] > 0n ? ` ${ratio4(billPrice, ourPrice)}x` : ''
  return names.map((name) => one(name, asked, ratio)).join(' and ')
}

function one(name: DimensionName, { provider, bill, ledger, billPrice, ourPrice }: Asked, ratio: string): string {
  const [on, ours] = [bill[name] ?? '', ledger[name] ?? '']
  const isDearer = billPrice[0] * ourPrice[1] > ourPrice[0] * billPrice[1]
  if (name === 'ttl') return `${ttl(on)} cache write priced at ${ttl(ours)} rate`
  if (name === 'modality') return `${on || 'text'} tokens priced as ${ours || 'text'}`
  if (name === 'band')
    return on === '' ? 'long-context rate applied and not billed' : `long-context rate not applied${ratio}`
  if (name === 'geo') {
    const what = geoNames[provider] ?? 'region'
    if (on === '') return `${what} ${ours} priced, global billed`
    return `${what} ${on} ${isDearer ? 'uplift' : 'discount'}${ratio}`
  }
  const what = name === 'speed' ? `${on || ours} mode` : on || ours
  if (on === '') return `${what} ${isDearer ? 'discount' : 'uplift'} applied and not billed`
  if (ours !== '') return `priced as ${ours}, billed as ${on}`
  return `${what} ${isDearer ? 'uplift' : 'discount'} not applied`
}

function ttl(text: string): string {
  return text === '' ? '5m' : text
}

function ratio4(a: Price, b: Price): string {
  return ratioText(a[0] * b[1], a[1] * b[0])
}

/** What the price book says about a price on the bill that is not ours; null when it has no such price. */
export function bookCause(billPrice: Price, ourPrice: Price, rates: readonly KnownRate[]): string | null {
  const same = rates.filter(({ price }) => samePrice([price[0], price[1]], billPrice))
  const current = same.filter(({ isCurrent }) => isCurrent)
  const [first] = same
  if (first === undefined) return null
  if (current.length === 0) {
    const from =
      same
        .map((rate) => rate.from)
        .sort()
        .at(-1) ?? ''
    return from === '' ? 'bill charges an older price' : `bill charges the price valid from ${from}`
  }
  const tiers = [...new Set(current.map(({ dimensions }) => wordsOf(dimensions)))]
  if (tiers.includes('')) return 'ledger priced with another rate than the price book has now'
  const isDearer = billPrice[0] * ourPrice[1] > ourPrice[0] * billPrice[1]
  return `${tiers.sort().join(' or ')} ${isDearer ? 'uplift' : 'discount'} not applied`
}

function wordsOf({ tier, geo, speed, band }: KnownRate['dimensions']): string {
  return [tier, geo, speed, band].filter((each) => each !== null && each !== '').join(' ')
}

/** When nothing is known about it, the two prices stand for themselves. */
export function ratioCause(billPrice: Price, ourPrice: Price): string {
  if (ourPrice[0] === 0n) return 'billed, free in the ledger'
  return `bill price is ${ratio4(billPrice, ourPrice)} x ours`
}
