// One price entry, made ready for arithmetic: every rate an integer over one denominator, fallbacks resolved.
//
//   published   price "0.111" per 3600            USD per hour, billed by the second
//   exact       0.111e12 / 3600 = 92500000 / 3    pico-USD per second
//   band        rate[audioSeconds] = 92500000, denominator = 3
//
// Nearly all published prices are whole pico-USD per unit, so the denominator is 1 and a cost is a product of integers.

import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import type { Band, PriceEntry } from './file.ts'

export const priceFlags = {
  /** The price was announced for that time and not yet seen in force. */
  announced_price: 1,
  /** Cache or reasoning tokens without a rate of their own were charged as the total they belong to. */
  fallback_rate: 2,
  /** Tier, speed or another condition nobody has a price for: charged at the standard rate. */
  standard_rate_used: 4,
  /** The model has other tiers and the call did not say which served it: standard assumed. */
  tier_assumed: 8,
  /** Whether input includes cached tokens was assumed, not told. Set by the normaliser's caller. */
  usage_semantics_assumed: 16,
  /** The call did not name a provider: the maker of the model was assumed. */
  provider_inferred: 32,
  /** The emitter leaves cached tokens out of the input and does not tell them: what was cached is not in the cost. */
  cache_untold: 64,
} as const

export type MatchKind = 'exact' | 'alias' | 'prefix' | 'override' | 'inferred'

/** Units that a band charges as part of another for lack of a rate. */
export const fallback = { cacheRead: 1, cacheWrite: 2, cacheWrite1h: 4, cacheReadAudio: 8, reasoning: 16 } as const

export interface PublishedRate {
  readonly price: string
  readonly per: number
}

export interface CardBand {
  /** The band holds for input tokens above this, or from this on when `inclusive`; the first band for all. */
  readonly over: number
  readonly inclusive: boolean
  /** The band holds for calls with reasoning tokens alone. */
  readonly thinking: boolean
  /** Numerator of pico-units of the currency per unit, by usage unit; NaN = no rate. */
  readonly rate: Float64Array
  readonly denominator: number
  /** Bits of `fallback`. */
  readonly fallback: number
  readonly published: ReadonlyMap<UsageUnitName, PublishedRate>
}

/** What a call of one model costs under one set of conditions, for call instants in [fromMs, toMs). Immutable. */
export interface Card {
  /** Id of the price entry. */
  readonly entry: string
  readonly provider: string
  /** As priced: the exact id that matched, or the entry's own for an alias or a prefix. */
  readonly model: string
  readonly match: MatchKind
  readonly fromMs: number
  readonly toMs: number
  /** Amounts are in this currency; `priceUsage` gives none for another than USD. */
  readonly currency: string
  /** `priceFlags` that hold for every call priced by this card. */
  readonly flags: number
  /** 'no_rate_for_tier': the standard rate stands in, so a priced call is `partial`. */
  readonly reason: '' | 'no_rate_for_tier'
  readonly bands: readonly CardBand[]
  /** Least billed quantity by usage unit, NaN = none; null when the entry has no minimum at all. */
  readonly minimum: Float64Array | null
}

/** The part of a card that depends on the entry alone: made once per entry. */
export type CompiledEntry = Pick<Card, 'bands' | 'minimum' | 'currency'>

/** What an entry says of money. */
export type RateCard = Pick<PriceEntry, 'id' | 'bands' | 'per' | 'minimum' | 'currency'>

/** Throws RangeError when a rate is not a decimal, has no `per`, or does not fit a double exactly. */
export function compileEntry(entry: RateCard): CompiledEntry {
  return {
    bands: entry.bands.map((band) => compileBand(entry, band)),
    minimum: entry.minimum === undefined ? null : minimumOf(entry.minimum),
    currency: entry.currency,
  }
}

/** The band that prices a call: the last that holds. A count that is not known (NaN) reaches no band that asks for it. */
export function bandFor(card: Card, inputTokens: number, reasoningTokens: number): CardBand {
  const { bands } = card
  for (let i = bands.length - 1; i > 0; i--) {
    const band = bands[i]!
    const isReached = band.over < 0 || inputTokens > band.over || (band.inclusive && inputTokens === band.over)
    if (isReached && (!band.thinking || reasoningTokens > 0)) return band
  }
  return bands[0]!
}

interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

function compileBand(entry: RateCard, band: Band): CardBand {
  const published = new Map<UsageUnitName, PublishedRate>()
  const fractions = new Map<UsageUnitName, Fraction>()
  for (const { name, key, partOf } of usageUnits) {
    const price = band.rates[name]
    if (price === undefined) continue
    const isTokens = key === null || partOf !== null ? name !== 'annotatedPages' : false
    const per = entry.per[name] ?? (isTokens ? entry.per['tokens'] : undefined)
    if (per === undefined || !Number.isSafeInteger(per) || per <= 0)
      throw new RangeError(`${entry.id}: rate of ${name} has no "per"`)
    published.set(name, { price, per })
    fractions.set(name, picoFraction(price, per))
  }
  const denominator = [...fractions.values()].reduce((all, one) => lcm(all, one.denominator), 1n)
  const rate = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const [name, fraction] of fractions) {
    const numerator = fraction.numerator * (denominator / fraction.denominator)
    if (numerator > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${entry.id}: rate of ${name} is too fine`)
    rate[unit[name]] = Number(numerator)
  }
  return {
    over: band.inputTokens?.over ?? -1,
    inclusive: band.inputTokens?.inclusive ?? false,
    thinking: band.thinking ?? false,
    rate,
    denominator: Number(denominator),
    fallback: fallbacksOf(band),
    published,
  }
}

/** "No discount offered": cache and reasoning tokens are charged as what they are a part of. A modality never is. */
function fallbacksOf({ rates }: Band): number {
  let bits = 0
  if (rates.cacheRead === undefined) bits |= fallback.cacheRead
  if (rates.cacheWrite === undefined) bits |= fallback.cacheWrite
  if (rates.cacheWrite1h === undefined) bits |= fallback.cacheWrite1h
  if (rates.cacheReadAudio === undefined) bits |= fallback.cacheReadAudio
  if (rates.reasoning === undefined) bits |= fallback.reasoning
  return bits
}

function minimumOf(minimum: NonNullable<PriceEntry['minimum']>): Float64Array {
  const least = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const { name } of usageUnits) if (minimum[name] !== undefined) least[unit[name]] = Number(minimum[name])
  return least
}

/** Decimal string of the currency, per so many units → pico-units of it for one, in lowest terms. */
export function picoFraction(price: string, per: number): Fraction {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(price)
  if (match === null) throw new RangeError(`not a decimal rate: "${price}"`)
  const [, whole = '0', decimals = ''] = match
  const numerator = BigInt(whole + decimals) * 10n ** 12n
  const denominator = 10n ** BigInt(decimals.length) * BigInt(per)
  const shared = gcd(numerator, denominator)
  return { numerator: numerator / shared, denominator: denominator / shared }
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}

function lcm(a: bigint, b: bigint): bigint {
  return (a / gcd(a, b)) * b
}
