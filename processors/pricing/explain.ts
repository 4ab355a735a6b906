// The slow, obvious arithmetic: what a call costs, component by component, in exact decimals. It serves
// `spanledger price`, prices what doubles cannot hold exactly, and judges the fast version in the tests.

import { formatPicoUsd, picoUsdMax } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnits } from '../../schemas/usage.ts'
import { bandFor, type Card, type CardBand, type PublishedRate, picoFraction } from './card.ts'

export interface Component {
  /** input, cache_read, cache_write, cache_write_1h, output, web_search, …: disjoint, they add up to the total. */
  readonly component: string
  readonly quantity: string
  readonly price: string
  readonly per: string
  /** In the card's currency, rounded half up to a pico where the division does not end. */
  readonly amountUsd: string
}

export type ComponentGroup = 'input' | 'cacheRead' | 'cacheWrite' | 'output' | 'other'

interface Part {
  readonly component: string
  readonly unit: UsageUnitName
  readonly group: ComponentGroup
}

/** In the order they are listed. */
const parts: readonly Part[] = [
  { component: 'input', unit: 'input', group: 'input' },
  { component: 'cache_read', unit: 'cacheRead', group: 'cacheRead' },
  { component: 'cache_write', unit: 'cacheWrite', group: 'cacheWrite' },
  { component: 'cache_write_1h', unit: 'cacheWrite1h', group: 'cacheWrite' },
  { component: 'input_audio', unit: 'inputAudio', group: 'input' },
  { component: 'cache_read_audio', unit: 'cacheReadAudio', group: 'cacheRead' },
  { component: 'input_image', unit: 'inputImage', group: 'input' },
  { component: 'input_video', unit: 'inputVideo', group: 'input' },
  { component: 'output', unit: 'output', group: 'output' },
  { component: 'output_audio', unit: 'outputAudio', group: 'output' },
  { component: 'output_image', unit: 'outputImage', group: 'output' },
  { component: 'citation', unit: 'citation', group: 'output' },
  { component: 'output_reasoning', unit: 'reasoning', group: 'output' },
  { component: 'characters', unit: 'characters', group: 'other' },
  { component: 'image', unit: 'images', group: 'other' },
  { component: 'image_pixels', unit: 'imagePixels', group: 'other' },
  { component: 'audio_seconds', unit: 'audioSeconds', group: 'other' },
  { component: 'video_seconds', unit: 'videoSeconds', group: 'other' },
  { component: 'pages', unit: 'pages', group: 'other' },
  { component: 'annotated_pages', unit: 'annotatedPages', group: 'other' },
  { component: 'request', unit: 'requests', group: 'other' },
  { component: 'web_search', unit: 'webSearch', group: 'other' },
  { component: 'web_search', unit: 'webSearchQuery', group: 'other' },
  { component: 'web_search', unit: 'searchQuery', group: 'other' },
  { component: 'grounded_request', unit: 'groundedRequest', group: 'other' },
  { component: 'file_search', unit: 'fileSearch', group: 'other' },
  { component: 'code_session', unit: 'codeSession', group: 'other' },
  { component: 'search_unit', unit: 'searchUnit', group: 'other' },
]

/** Component → the unit it is priced by; of several units in one component, the first. */
export const componentNames: ReadonlyMap<string, UsageUnitName> = new Map(
  parts.toReversed().map(({ component, unit: name }) => [component, name]),
)

/** The priced components of a call; units without a rate are left out, see `unpricedUnits`. Usage must be checked. */
export function explainPrice(card: Card, usage: Float64Array, offset: number): Component[] {
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  const components: Component[] = []
  for (const { part, quantity } of split(card, band, usage, offset)) {
    const published = band.published.get(part.unit)
    if (published === undefined) continue
    const { numerator, denominator } = amountOf(quantity, published.price, published.per)
    components.push({
      component: part.component,
      quantity: String(quantity),
      price: published.price,
      per: String(published.per),
      amountUsd: formatPicoUsd(roundHalfUp(numerator, denominator)),
    })
  }
  return components
}

export interface UsagePart {
  readonly component: string
  readonly unit: UsageUnitName
  readonly quantity: number
  /** undefined: the card has no rate for it, after fallbacks. */
  readonly rate: PublishedRate | undefined
}

/** What a call used, taken apart until nothing is counted twice, priced or not. Usage must be checked. */
export function usageParts(card: Card, usage: Float64Array, offset: number): UsagePart[] {
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  return [...split(card, band, usage, offset)].map(({ part, quantity }) => ({
    component: part.component,
    unit: part.unit,
    quantity,
    rate: band.published.get(part.unit),
  }))
}

/** Exact total of the priced components in the card's currency, rounded once. Usage must be checked. */
export function explainTotal(card: Card, usage: Float64Array, offset: number): string {
  return formatPicoUsd(exactSums(card, usage, offset).total)
}

/** Names of the units a call used and the card has no rate for, after fallbacks. */
export function unpricedUnits(card: Card, usage: Float64Array, offset: number): UsageUnitName[] {
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  return [...split(card, band, usage, offset)]
    .filter(({ part }) => !band.published.has(part.unit))
    .map(({ part }) => part.unit)
}

export interface ExactSums {
  readonly input: bigint
  readonly cacheRead: bigint
  readonly cacheWrite: bigint
  readonly output: bigint
  readonly other: bigint
  readonly total: bigint
  /** False when one of them does not fit a row. */
  readonly fits: boolean
}

/** Pico-units per group and in total, each rounded once from its exact sum. */
export function exactSums(card: Card, usage: Float64Array, offset: number): ExactSums {
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  const sums = { input: zero, cacheRead: zero, cacheWrite: zero, output: zero, other: zero, total: zero }
  for (const { part, quantity } of split(card, band, usage, offset)) {
    const published = band.published.get(part.unit)
    if (published === undefined) continue
    const amount = amountOf(quantity, published.price, published.per)
    sums[part.group] = add(sums[part.group], amount)
    sums.total = add(sums.total, amount)
  }
  const total = roundHalfUp(sums.total.numerator, sums.total.denominator)
  return {
    input: roundHalfUp(sums.input.numerator, sums.input.denominator),
    cacheRead: roundHalfUp(sums.cacheRead.numerator, sums.cacheRead.denominator),
    cacheWrite: roundHalfUp(sums.cacheWrite.numerator, sums.cacheWrite.denominator),
    output: roundHalfUp(sums.output.numerator, sums.output.denominator),
    other: roundHalfUp(sums.other.numerator, sums.other.denominator),
    total,
    fits: total <= BigInt(picoUsdMax),
  }
}

/** How a count of a call became a disjoint quantity, for people to follow. */
export type SplitStep =
  /** `part` is counted inside `unit` and leaves it. */
  | { readonly kind: 'leaves'; readonly part: UsageUnitName; readonly unit: UsageUnitName; readonly quantity: number }
  /** `part` has no rate and is charged as `unit`. */
  | { readonly kind: 'joins'; readonly part: UsageUnitName; readonly unit: UsageUnitName; readonly quantity: number }
  /** `part` has no rate and stays inside `unit`, where it is counted. */
  | { readonly kind: 'stays'; readonly part: UsageUnitName; readonly unit: UsageUnitName; readonly quantity: number }
  /** `unit` is billed as at least this. */
  | { readonly kind: 'raised'; readonly unit: UsageUnitName; readonly quantity: number }

export interface Split {
  readonly steps: readonly SplitStep[]
  readonly quantities: readonly {
    readonly component: string
    readonly unit: UsageUnitName
    readonly quantity: number
  }[]
}

/** The way from reported counts to what is multiplied, units without a rate included. Usage must be checked. */
export function explainSplit(card: Card, usage: Float64Array, offset: number): Split {
  const steps: SplitStep[] = []
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  const quantities = [...split(card, band, usage, offset, steps)].map(({ part, quantity }) => ({
    component: part.component,
    unit: part.unit,
    quantity,
  }))
  return { steps, quantities }
}

/** The exact sum of the components as a decimal of at least 12 places, '…' behind it where it does not end there. */
export function exactTotal(card: Card, usage: Float64Array, offset: number): { text: string; isRounded: boolean } {
  const band = bandFor(card, usage[offset + unit.input]!, usage[offset + unit.reasoning]!)
  let sum = zero
  for (const { part, quantity } of split(card, band, usage, offset)) {
    const published = band.published.get(part.unit)
    if (published !== undefined) sum = add(sum, amountOf(quantity, published.price, published.per))
  }
  return exactText(sum)
}

/** One component before it was rounded, as `exactTotal` gives it. */
export function exactAmount({ quantity, price, per }: Pick<Component, 'quantity' | 'price' | 'per'>): {
  text: string
  isRounded: boolean
} {
  return exactText(amountOf(Number(quantity), price, Number(per)))
}

function exactText({ numerator, denominator }: Amount): { text: string; isRounded: boolean } {
  const isRounded = numerator % denominator !== 0n
  if (!isRounded) return { text: formatPicoUsd(numerator / denominator), isRounded }
  const further = 10n ** 6n
  const digits = ((numerator * further) / denominator).toString().padStart(19, '0')
  return { text: `${digits.slice(0, -18)}.${digits.slice(-18)}…`, isRounded }
}

/** Disjoint quantities of a call, zero ones left out, with cache and reasoning tokens in their parent where rateless. */
function* split(
  card: Card,
  band: CardBand,
  usage: Float64Array,
  offset: number,
  steps: SplitStep[] = [],
): Generator<{ part: Part; quantity: number }> {
  const left = new Map<UsageUnitName, number>()
  for (const { name } of usageUnits) {
    const reported = usage[offset + unit[name]]!
    if (!Number.isNaN(reported)) left.set(name, reported)
  }
  const take = (from: UsageUnitName, part: UsageUnitName): void => {
    const total = left.get(from)
    const quantity = left.get(part) ?? 0
    if (total === undefined || quantity === 0) return
    left.set(from, total - quantity)
    steps.push({ kind: 'leaves', part, unit: from, quantity })
  }
  const merge = (part: UsageUnitName, into: UsageUnitName): void => {
    const quantity = left.get(part) ?? 0
    if (band.published.has(part) || quantity === 0) return
    left.set(into, (left.get(into) ?? 0) + quantity)
    left.delete(part)
    steps.push({ kind: 'joins', part, unit: into, quantity })
  }

  // Totals lose their parts first: cached audio leaves both audio and cache, then each leaves the input.
  take('inputAudio', 'cacheReadAudio')
  take('cacheRead', 'cacheReadAudio')
  take('cacheWrite', 'cacheWrite1h')
  const input: UsageUnitName[] = [
    'cacheRead',
    'cacheReadAudio',
    'cacheWrite',
    'cacheWrite1h',
    'inputAudio',
    'inputImage',
    'inputVideo',
  ]
  for (const part of input) take('input', part)
  for (const part of ['outputAudio', 'outputImage', 'citation'] as const) take('output', part)
  if (band.published.has('reasoning')) take('output', 'reasoning')
  else {
    const quantity = left.get('reasoning') ?? 0
    if (quantity > 0) steps.push({ kind: 'stays', part: 'reasoning', unit: 'output', quantity })
    left.delete('reasoning')
  }
  take('pages', 'annotatedPages')

  merge('cacheWrite1h', 'cacheWrite')
  merge('cacheWrite', 'input')
  merge('cacheRead', 'input')
  merge('cacheReadAudio', 'inputAudio')

  for (const part of parts) {
    const quantity = left.get(part.unit) ?? 0
    if (quantity === 0) continue
    const least = card.minimum?.[unit[part.unit]] ?? Number.NaN
    if (quantity < least) steps.push({ kind: 'raised', unit: part.unit, quantity: least })
    yield { part, quantity: quantity < least ? least : quantity }
  }
}

interface Amount {
  readonly numerator: bigint
  readonly denominator: bigint
}

const zero: Amount = { numerator: 0n, denominator: 1n }

/** Multiply first, divide last: quantity × price ÷ per, in pico-units. */
function amountOf(quantity: number, price: string, per: number): Amount {
  const [whole = '0', decimals = ''] = plainDecimal(quantity).split('.')
  const rate = picoFraction(price, per)
  return {
    numerator: BigInt(whole + decimals) * rate.numerator,
    denominator: 10n ** BigInt(decimals.length) * rate.denominator,
  }
}

/** The shortest decimal that is this double, never with an exponent. */
function plainDecimal(quantity: number): string {
  const text = String(quantity)
  return text.includes('e') ? quantity.toFixed(20).replace(/\.?0+$/, '') : text
}

function add(a: Amount, b: Amount): Amount {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  }
}

function roundHalfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator)
}
