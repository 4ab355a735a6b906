// hot: Usage of one call × card → pico-USD per column. No allocation per call, but for the rare amounts that doubles
// cannot hold exactly (fractions of seconds, sums past 2^53), which go to the exact arithmetic.
//
//   input  ┬ cacheRead ┬ cacheReadAudio         Every token in exactly one bucket: a total loses its parts, cached audio
//          │           └ (text)                 leaves both audio and cache. A kind without a rate: cache and reasoning
//          ├ cacheWrite┬ cacheWrite1h           are charged as what they are a part of, everything else stays unpriced
//          │           └ (5 minutes)            and makes the call partial.
//          ├ inputAudio, inputImage, inputVideo
//          └ (fresh text)
//   output ┬ outputAudio, outputImage, citation, reasoning
//          └ (text)

import { isFractional, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { bandFor, type Card, type CardBand, fallback, priceFlags } from './card.ts'
import { exactSums } from './explain.ts'

export { priceFlags } from './card.ts'
export { type Component, explainPrice } from './explain.ts'

/** Why a call has no price, or not all of it. */
export type PriceReason =
  | ''
  | 'no_usage'
  | 'usage_not_split'
  | 'no_rate_for_unit'
  | 'no_rate_for_tier'
  | 'bad_quantity'
  | 'cache_exceeds_input'
  | 'reasoning_exceeds_output'

/** Filled by `priceUsage`, owned and reused by the caller. Amounts are pico-USD; NaN stands for NULL. */
export interface PricedCall {
  status: 'priced' | 'partial' | 'unpriced' | 'invalid'
  reason: string
  /** Fresh input: text, audio, image, video. */
  inputPico: number
  /** Cached input, audio too. */
  cacheReadPico: number
  /** Both lifetimes. */
  cacheWritePico: number
  /** Text, reasoning, audio, image, citations. */
  outputPico: number
  /** Units that are not tokens. */
  otherPico: number
  /** Of all that has a price; rounded once, so it may differ from the sum of the columns by a pico. */
  totalPico: number
  /** The total where the card's currency is not USD; every other amount is then NaN, for nothing is converted here. */
  otherCurrencyPico: number
  flags: number
}

const { input, output, cacheRead, cacheWrite, reasoning, cacheWrite1h, inputAudio, cacheReadAudio } = unit
const { inputImage, inputVideo, outputAudio, outputImage, citation } = unit
const { audioSeconds, videoSeconds, pages, annotatedPages } = unit

/** Column of each unit; units of one group are summed into one column. */
const group = { input: 0, cacheRead: 1, cacheWrite: 2, output: 3, other: 4 } as const
const groupCount = 5
const groupOf = Uint8Array.from(usageUnits, ({ name }) => {
  if (name === 'cacheRead' || name === 'cacheReadAudio') return group.cacheRead
  if (name === 'cacheWrite' || name === 'cacheWrite1h') return group.cacheWrite
  if (name.startsWith('input')) return group.input
  return name.startsWith('output') || name === 'reasoning' || name === 'citation' ? group.output : group.other
})

// Scratch of the call at hand: disjoint quantities by unit, and products summed by group. Reused, never kept.
const part = new Float64Array(usageUnitCount)
const sums = new Float64Array(groupCount)
/** Bit per group: it has a unit with a rate, without a rate. */
let priced = 0
let missing = 0
/** Units from here on were not reported; those that others are merged into stay below it. */
let unitsEnd = 0
/** `part` is 0 from here on, so that a call that reports little costs little. */
let dirtyTo: number = usageUnitCount
const unitsEndMin = Math.max(input, output, cacheWrite, inputAudio) + 1

/**
 * Why a call's usage cannot be priced by any card, '' when it can.
 * `no_usage` and `usage_not_split` leave it unpriced, the others make it invalid: a count below zero, a fraction of a
 * token, a part greater than its total. A negative remainder is never clamped.
 */
export function checkUsage(usage: Float64Array, offset: number): PriceReason {
  const wrong = load(usage, offset)
  return wrong === '' ? checkParts(usage, offset) : wrong
}

/** List cost of the call whose usage row begins at `offset`. Throws nothing: see `status` and `reason`. */
export function priceUsage(card: Card, usage: Float64Array, offset: number, out: PricedCall): void {
  const wrong = checkUsage(usage, offset)
  if (wrong !== '') {
    refuse(card, wrong, out)
    return
  }
  priceChecked(card, usage, offset, out)
}

/** `priceUsage` for a row that `checkUsage` was called for just before, and found nothing wrong with. */
export function priceChecked(card: Card, usage: Float64Array, offset: number, out: PricedCall): void {
  const band = bandFor(card, usage[offset + input]!, usage[offset + reasoning]!)
  split()
  out.flags = card.flags | mergeRateless(band)
  if (part[output]! < 0) {
    refuse(card, 'usage_not_split', out)
    return
  }
  if (card.minimum !== null) raiseToMinimum(card.minimum)
  sumUp(band.rate)
  if (!write(card, band, usage, offset, out)) {
    refuse(card, 'bad_quantity', out)
    return
  }
  settle(card, band.rate, usage, offset, out)
}

/** Reported quantities into `part`, 0 for those that were not. */
function load(usage: Float64Array, offset: number): PriceReason {
  const clearTo = dirtyTo
  dirtyTo = usageUnitCount
  // Nearly all calls report a few of the first units and nothing behind them.
  let end: number = usageUnitCount
  while (end > 0 && Number.isNaN(usage[offset + end - 1]!)) end--
  for (let i = 0; i < end; i++) {
    const quantity = usage[offset + i]!
    if (Number.isNaN(quantity)) {
      part[i] = 0
      continue
    }
    if (!(quantity >= 0 && quantity <= Number.MAX_SAFE_INTEGER)) return 'bad_quantity'
    if (quantity !== Math.floor(quantity) && isFractional[i] === 0) return 'bad_quantity'
    part[i] = quantity
  }
  for (let i = end; i < clearTo; i++) part[i] = 0
  unitsEnd = end > unitsEndMin ? end : unitsEndMin
  dirtyTo = unitsEnd
  return end > 0 ? '' : 'no_usage'
}

/** Products of `part` and rates into `sums`; notes in `priced` and `missing` which columns had what. */
function sumUp(rate: Float64Array): void {
  sums[0] = sums[1] = sums[2] = sums[3] = sums[4] = 0
  let withRate = 0
  let without = 0
  const end = unitsEnd
  for (let i = 0; i < end; i++) {
    const quantity = part[i]!
    if (quantity === 0) continue
    const slot = groupOf[i]!
    const each = rate[i]!
    if (each >= 0) {
      sums[slot]! += quantity * each
      withRate |= 1 << slot
    } else without |= 1 << slot
  }
  priced = withRate
  missing = without
}

function raiseToMinimum(minimum: Float64Array): void {
  for (let i = 0; i < usageUnitCount; i++) if (part[i]! > 0 && part[i]! < minimum[i]!) part[i] = minimum[i]!
}

/** Status and reason, once the amounts are written; `priced` and `missing` say which columns had what. */
function settle(card: Card, rate: Float64Array, usage: Float64Array, offset: number, out: PricedCall): void {
  // A column with nothing but units without a rate is NULL, not zero.
  const blank = missing & ~priced
  if ((blank & (1 << group.input)) !== 0) out.inputPico = Number.NaN
  if ((blank & (1 << group.cacheRead)) !== 0) out.cacheReadPico = Number.NaN
  if ((blank & (1 << group.cacheWrite)) !== 0) out.cacheWritePico = Number.NaN
  if ((blank & (1 << group.output)) !== 0) out.outputPico = Number.NaN
  if ((blank & (1 << group.other)) !== 0) out.otherPico = Number.NaN
  if (missing !== 0) {
    out.status = priced === 0 ? 'unpriced' : 'partial'
    out.reason = 'no_rate_for_unit'
    if (priced === 0) out.totalPico = Number.NaN
  } else if (lacksTotal(rate, usage, offset, out)) {
    // Where only parts of a total were counted that nobody told, nothing of the cost is known: unknown is not 0.
    const isUnknown = out.totalPico === 0
    out.status = isUnknown ? 'unpriced' : 'partial'
    out.reason = isUnknown ? 'no_usage' : 'usage_not_split'
    if (isUnknown) blankAmounts(out)
  } else {
    out.status = card.reason === '' ? 'priced' : 'partial'
    out.reason = card.reason
  }
  if (card.currency !== 'USD') {
    const total = out.totalPico
    blankAmounts(out)
    out.otherCurrencyPico = total
  }
}

/** Compares `part` as loaded with the totals; one that was not reported (NaN) contradicts nothing. */
function checkParts(usage: Float64Array, offset: number): PriceReason {
  const inputTotal = usage[offset + input]!
  const outputTotal = usage[offset + output]!
  const cachedAudio = part[cacheReadAudio]!
  const cached = Math.max(part[cacheRead]!, cachedAudio) + Math.max(part[cacheWrite]!, part[cacheWrite1h]!)
  if (cached > inputTotal) return 'cache_exceeds_input'
  if (part[reasoning]! > outputTotal) return 'reasoning_exceeds_output'
  const audio = Math.max(part[inputAudio]!, cachedAudio)
  const seen = part[inputImage]! + part[inputVideo]!
  const isContradictory =
    part[cacheWrite1h]! > usage[offset + cacheWrite]! ||
    cachedAudio > usage[offset + cacheRead]! ||
    cachedAudio > usage[offset + inputAudio]! ||
    audio + seen > inputTotal ||
    part[outputAudio]! + part[outputImage]! + part[citation]! > outputTotal ||
    part[annotatedPages]! > usage[offset + pages]!
  if (isContradictory) return 'bad_quantity'
  // Some of the audio or the images was cached and nobody said how much: what is left of the input is unknown.
  return cached + audio - cachedAudio + seen > inputTotal ? 'usage_not_split' : ''
}

/** Makes `part` disjoint, a total that was not reported 0; reasoning stays inside output. */
function split(): void {
  part[inputAudio] = positive(part[inputAudio]! - part[cacheReadAudio]!)
  part[cacheRead] = positive(part[cacheRead]! - part[cacheReadAudio]!)
  part[cacheWrite] = positive(part[cacheWrite]! - part[cacheWrite1h]!)
  const cached = part[cacheRead]! + part[cacheReadAudio]! + part[cacheWrite]! + part[cacheWrite1h]!
  part[input] = positive(part[input]! - cached - part[inputAudio]! - part[inputImage]! - part[inputVideo]!)
  part[output] = positive(part[output]! - part[outputAudio]! - part[outputImage]! - part[citation]!)
  part[pages] = positive(part[pages]! - part[annotatedPages]!)
}

/** Moves cache and reasoning tokens without a rate of their own into their total; the flags that this raises. */
function mergeRateless(band: CardBand): number {
  const { rate } = band
  let flags = 0
  if ((band.fallback & fallback.reasoning) === 0) part[output]! -= part[reasoning]!
  else {
    if (part[reasoning]! > 0 && rate[output]! >= 0) flags = priceFlags.fallback_rate
    part[reasoning] = 0
  }
  if (part[cacheWrite1h]! > 0 && (band.fallback & fallback.cacheWrite1h) !== 0) flags = merge(cacheWrite1h, cacheWrite)
  if (part[cacheWrite]! > 0 && (band.fallback & fallback.cacheWrite) !== 0) flags = merge(cacheWrite, input)
  if (part[cacheRead]! > 0 && (band.fallback & fallback.cacheRead) !== 0) flags = merge(cacheRead, input)
  if (part[cacheReadAudio]! > 0 && (band.fallback & fallback.cacheReadAudio) !== 0)
    flags = merge(cacheReadAudio, inputAudio)
  return flags
}

function merge(from: number, into: number): number {
  part[into]! += part[from]!
  part[from] = 0
  return priceFlags.fallback_rate
}

/** Sums → amounts; false when the total is more than a row can carry. */
function write(card: Card, band: CardBand, usage: Float64Array, offset: number, out: PricedCall): boolean {
  out.otherCurrencyPico = Number.NaN
  const total = sums[0]! + sums[1]! + sums[2]! + sums[3]! + sums[4]!
  const isExact =
    total <= Number.MAX_SAFE_INTEGER &&
    part[audioSeconds] === Math.floor(part[audioSeconds]!) &&
    part[videoSeconds] === Math.floor(part[videoSeconds]!)
  if (isExact) {
    const d = band.denominator
    out.inputPico = divided(sums[group.input]!, d)
    out.cacheReadPico = divided(sums[group.cacheRead]!, d)
    out.cacheWritePico = divided(sums[group.cacheWrite]!, d)
    out.outputPico = divided(sums[group.output]!, d)
    out.otherPico = divided(sums[group.other]!, d)
    out.totalPico = divided(total, d)
    return true
  }
  const exact = exactSums(card, usage, offset)
  if (!exact.fits) return false
  out.inputPico = Number(exact.input)
  out.cacheReadPico = Number(exact.cacheRead)
  out.cacheWritePico = Number(exact.cacheWrite)
  out.outputPico = Number(exact.output)
  out.otherPico = Number(exact.other)
  out.totalPico = Number(exact.total)
  return true
}

/** Rounded half up; exact, because the remainder is taken from integers. */
function divided(sum: number, by: number): number {
  if (by === 1) return sum
  const rest = sum % by
  return (sum - rest) / by + (rest * 2 >= by ? 1 : 0)
}

/** Tokens went one way and nobody counted those of the other, which cost something: the total covers what is known. */
function lacksTotal(rate: Float64Array, usage: Float64Array, offset: number, out: PricedCall): boolean {
  const lacksInput = Number.isNaN(usage[offset + input]!)
  const lacksOutput = Number.isNaN(usage[offset + output]!)
  if (!lacksInput && !lacksOutput) return false
  if (lacksInput && lacksOutput && !hasTokenPart(usage, offset)) return false
  const isInputOwed = lacksInput && rate[input]! > 0
  const isOutputOwed = lacksOutput && rate[output]! > 0
  if (isInputOwed && out.inputPico === 0) out.inputPico = Number.NaN
  if (isOutputOwed && out.outputPico === 0) out.outputPico = Number.NaN
  return isInputOwed || isOutputOwed
}

function hasTokenPart(usage: Float64Array, offset: number): boolean {
  for (let i = 0; i < unit.characters; i++) if (usage[offset + i]! >= 0) return true
  return false
}

function refuse(card: Card, reason: PriceReason, out: PricedCall): void {
  out.status = reason === 'no_usage' || reason === 'usage_not_split' ? 'unpriced' : 'invalid'
  out.reason = reason
  out.flags = card.flags
  blankAmounts(out)
}

function blankAmounts(out: PricedCall): void {
  out.inputPico = Number.NaN
  out.cacheReadPico = Number.NaN
  out.cacheWritePico = Number.NaN
  out.outputPico = Number.NaN
  out.otherPico = Number.NaN
  out.totalPico = Number.NaN
  out.otherCurrencyPico = Number.NaN
}

function positive(quantity: number): number {
  return quantity > 0 ? quantity : 0
}
