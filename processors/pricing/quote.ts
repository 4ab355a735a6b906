// One hypothetical call → its price with every step that led there: names, entries looked at, band, quantities, amounts.
// The numbers are those the ledger writes; the steps let a stranger work them out by hand.

import { formatPicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnits } from '../../schemas/usage.ts'
import type { PriceBook, Resolution, Suggestion } from './book.ts'
import { bandFor, type Card, type MatchKind, priceFlags } from './card.ts'
import type { CallConditions } from './conditions.ts'
import { considered, type Lookup } from './consider.ts'
import {
  type Component,
  exactAmount,
  exactTotal,
  explainPrice,
  explainSplit,
  explainTotal,
  type Split,
  unpricedUnits,
} from './explain.ts'
import { type ConditionName, conditionNames, type PriceEntry } from './file.ts'
import { checkUsage, type PricedCall, priceUsage } from './price.ts'
import { canonicalProvider } from './provider-names.ts'

export interface PriceQuestion {
  /** As reported, in any spelling. */
  readonly provider: string
  /** The model that answered, else the one asked for. */
  readonly model: string
  /** The billing instant: Unix milliseconds. */
  readonly atMs: number
  /** A usage row; NaN = not reported. */
  readonly usage: Float64Array
  readonly conditions: CallConditions
}

export interface QuotedComponent extends Component {
  /** Before rounding; '…' behind it where it does not end. */
  readonly exact: string
  readonly isRounded: boolean
}

export interface QuotedBand {
  /** From 0: the first is the base band. */
  readonly index: number
  readonly count: number
  /** Lower edge in input tokens, null for the base band. */
  readonly over: number | null
  readonly inclusive: boolean
  /** It holds because the call used reasoning tokens. */
  readonly thinking: boolean
  /** Lower edge of the next band, null when there is none. */
  readonly next: { readonly over: number; readonly inclusive: boolean } | null
}

/** What a card gives; absent when nothing was found. */
export interface QuotedCard {
  readonly entry: PriceEntry
  readonly provider: string
  /** As priced. */
  readonly model: string
  readonly match: MatchKind
  readonly currency: string
  readonly band: QuotedBand
}

export interface Quote {
  readonly provider: { readonly given: string; readonly canonical: string }
  readonly model: string
  readonly at: string
  readonly priceBook: string
  readonly usage: { readonly [unit in UsageUnitName]?: number }
  /** Conditions that were said, and how the provider's file reads them. */
  readonly conditions: readonly { readonly name: ConditionName; readonly said: string; readonly read: string }[]
  readonly lookups: readonly Lookup[]
  readonly card: QuotedCard | null
  readonly split: Split
  readonly components: readonly QuotedComponent[]
  readonly unpricedUnits: readonly UsageUnitName[]
  readonly status: PricedCall['status']
  /** '' when there is nothing to say. */
  readonly reason: string
  readonly flags: readonly string[]
  /** USD; null when unpriced, invalid or in another currency. */
  readonly totalUsd: string | null
  /** In the card's currency; null without an amount. */
  readonly total: string | null
  readonly exactTotal: { readonly text: string; readonly isRounded: boolean } | null
  readonly suggestion: Suggestion | null
}

/** Throws nothing: see `status` and `reason`. */
export function quotePrice(book: PriceBook, question: PriceQuestion): Quote {
  const { usage, model, atMs, conditions } = question
  const provider = canonicalProvider(question.provider)
  const resolution = book.resolve(provider, model, conditions, atMs)
  const lookups = considered(book, { provider, model, conditions, atMs })
  const isStoryOpen = !lookups.some(({ entries }) => entries.some(({ verdict }) => verdict.kind === 'chosen'))
  // A name of the user's own, or a provider that the name told: the story goes on under the name that it stands for.
  if (resolution.kind === 'card' && isStoryOpen) {
    const { card } = resolution
    lookups.push(...considered(book, { provider: card.provider, model: card.model, conditions, atMs }))
  }
  const bad = checkUsage(usage, 0)
  const called = {
    provider: { given: question.provider, canonical: provider },
    model,
    at: new Date(atMs).toISOString().replace('.000Z', 'Z'),
    priceBook: book.version,
    usage: reported(usage),
    conditions: readConditions(book, provider, question),
    lookups,
    card: resolution.kind === 'card' ? quotedCard(book, lookups, resolution.card, usage) : null,
    suggestion: resolution.kind === 'miss' ? book.suggest(provider, model) : null,
  }
  // The ledger's order: usage that cannot be priced by any card is said first.
  if (bad !== '' || resolution.kind === 'miss') return { ...called, ...withoutAmount(resolution, bad) }
  return { ...called, ...amounts(resolution.card, usage) }
}

type Amounts = Pick<
  Quote,
  'split' | 'components' | 'unpricedUnits' | 'status' | 'reason' | 'flags' | 'totalUsd' | 'total' | 'exactTotal'
>

const noSplit: Split = { steps: [], quantities: [] }

function withoutAmount(resolution: Resolution, bad: string): Amounts {
  const isUnpriced = bad === '' || bad === 'no_usage' || bad === 'usage_not_split'
  return {
    split: noSplit,
    components: [],
    unpricedUnits: [],
    status: isUnpriced ? 'unpriced' : 'invalid',
    reason: bad !== '' ? bad : resolution.kind === 'miss' ? resolution.reason : '',
    flags: [],
    totalUsd: null,
    total: null,
    exactTotal: null,
  }
}

function amounts(card: Card, usage: Float64Array): Amounts {
  const priced = blankCall()
  priceUsage(card, usage, 0, priced)
  const { status, reason, totalPico } = priced
  const hasAmount = status === 'priced' || status === 'partial'
  const components = hasAmount ? explainPrice(card, usage, 0) : []
  const bits = priced.flags | (card.match === 'inferred' ? priceFlags.provider_inferred : 0)
  return {
    split: hasAmount || status === 'unpriced' ? explainSplit(card, usage, 0) : noSplit,
    components: components.map((component) => {
      const { text, isRounded } = exactAmount(component)
      return { ...component, exact: text, isRounded }
    }),
    unpricedUnits: status === 'invalid' ? [] : unpricedUnits(card, usage, 0),
    status,
    reason,
    flags: flagNames(bits),
    totalUsd: Number.isNaN(totalPico) ? null : formatPicoUsd(totalPico),
    total: hasAmount ? explainTotal(card, usage, 0) : null,
    exactTotal: hasAmount ? exactTotal(card, usage, 0) : null,
  }
}

/** A result for `priceUsage` to fill. */
export function blankCall(): PricedCall {
  const none = Number.NaN
  const parts = { inputPico: none, cacheReadPico: none, cacheWritePico: none, outputPico: none, otherPico: none }
  return { status: 'unpriced', reason: '', ...parts, totalPico: none, otherCurrencyPico: none, flags: 0 }
}

export function flagNames(bits: number): string[] {
  return Object.entries(priceFlags).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
}

function quotedCard(book: PriceBook, lookups: readonly Lookup[], card: Card, usage: Float64Array): QuotedCard {
  const chosen = lookups.flatMap(({ entries }) => entries).find(({ entry }) => entry.id === card.entry)?.entry
  const entry = chosen ?? book.entries().find(({ id }) => id === card.entry)
  if (entry === undefined) throw new Error(`${card.entry} is not in the book it was found in`)
  const band = bandFor(card, usage[unit.input]!, usage[unit.reasoning]!)
  const index = card.bands.indexOf(band)
  const next = card.bands.find(({ over }) => over > Math.max(band.over, 0))
  return {
    entry,
    provider: card.provider,
    model: card.model,
    match: card.match,
    currency: card.currency,
    band: {
      index,
      count: card.bands.length,
      over: band.over < 0 ? null : band.over,
      inclusive: band.inclusive,
      thinking: band.thinking,
      next: next === undefined ? null : { over: next.over, inclusive: next.inclusive },
    },
  }
}

function reported(usage: Float64Array): Quote['usage'] {
  const sent = usageUnits.filter(({ name }) => !Number.isNaN(usage[unit[name]]))
  return Object.fromEntries(sent.map(({ name }) => [name, usage[unit[name]]!]))
}

function readConditions(book: PriceBook, provider: string, { model, conditions }: PriceQuestion): Quote['conditions'] {
  const shelf = book.places(provider, model).at(-1)?.shelf
  const read = shelf?.spelled(conditions) ?? conditions
  return conditionNames
    .filter((name) => conditions[name] !== '')
    .map((name) => ({ name, said: conditions[name], read: read[name] }))
}
