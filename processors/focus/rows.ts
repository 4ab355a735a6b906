// Lines of the ledger → rows of a FOCUS export. Units are priced after they were summed: price × quantity is then exact on
// every row. What the ledger rounded call by call, or a unit such as the hour cannot say in decimals, is a row of its own
// beside them, so that the rows of a day add up to the calls of the day to the last digit.
//
//   line   calls alike in day, model, conditions, entry, band and reported units
//   part   one kind of token or other unit of a line            → one row, or a share of one
//
//   priced, partial, estimated   parts × rates of the entry; without a rate: `unpriced`
//   reported                     the sender's amounts as they are, no unit price
//   of a plan                    0, `covered`: the plan has a charge of its own
//   unpriced, invalid            parts without an amount, `unpriced`

import {
  compare,
  type Decimal,
  formatDecimal,
  isZero,
  minus,
  parseDecimal,
  plus,
  times,
  zero,
} from '../../schemas/decimal.ts'
import type { CostSource, FocusRow } from '../../schemas/focus.ts'
import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { bandFor, type CardBand } from '../pricing/card.ts'
import { type CallConditions, parseConditions } from '../pricing/conditions.ts'
import { type UsagePart, usageParts } from '../pricing/explain.ts'
import { type ConditionName, conditionNames, type When } from '../pricing/file.ts'
import { cardOfBand, type FocusPrices, type KnownPrice } from './prices.ts'
import { countedIn, pricedIn, quantityIn } from './units.ts'

/** A line of focus_usage.sql: counts and amounts as text, null where nothing was reported or priced. */
export interface UsageLine {
  readonly day: string
  readonly project: string
  readonly provider: string
  readonly model: string
  readonly tier: string
  readonly conditions: string
  readonly price_entry: string
  readonly price_book: string
  readonly cost_status: string
  readonly pricing_currency: string
  readonly band: number
  readonly tags: Readonly<Record<string, string>>
  readonly calls: string
  readonly input: string | null
  readonly output: string | null
  readonly cache_read: string
  readonly cache_write: string
  readonly reasoning: string
  /** By the keys of `usage_other`. */
  readonly other: Readonly<Record<string, string>>
  readonly last_end_ms: string
  readonly total_cost: string | null
  readonly pricing_currency_cost: string | null
  readonly input_cost: string | null
  readonly cache_read_cost: string | null
  readonly cache_write_cost: string | null
  readonly output_cost: string | null
  readonly other_cost: string | null
}

export interface FocusOptions {
  /** Who the providers bill; '' for each provider's own name. */
  readonly billingAccount: string
}

/** What is missing from the amounts of an export. */
export interface FocusGaps {
  /** Calls without a cost. */
  readonly unpriced: number
  /** Calls of which some unit has no price. */
  readonly partial: number
}

interface Share {
  readonly kind: string
  readonly source: CostSource
  readonly cost: Decimal
  readonly consumed: { readonly quantity: Decimal; readonly unit: string } | null
  readonly price: {
    readonly unit: string
    readonly quantity: Decimal
    readonly contracted: string
    readonly list: string
  } | null
  readonly cacheTtl: FocusRow['cacheTtl']
  readonly entry: string
}

interface Sum {
  readonly head: Omit<FocusRow, 'cost' | 'price' | 'consumed' | 'calls'>
  readonly priceId: string
  share: Share
  calls: number
}

/** Collects lines, of one day or many; `rows` may be asked once they are in. */
export class FocusRows {
  private readonly prices: FocusPrices
  private readonly options: FocusOptions
  private readonly sums = new Map<string, Sum>()
  private unpriced = 0
  private partial = 0

  constructor(prices: FocusPrices, options: FocusOptions) {
    this.prices = prices
    this.options = options
  }

  get gaps(): FocusGaps {
    return { unpriced: this.unpriced, partial: this.partial }
  }

  add(line: UsageLine): void {
    const calls = Number(line.calls)
    if (line.cost_status === 'unpriced' || line.cost_status === 'invalid') this.unpriced += calls
    if (line.cost_status === 'partial') this.partial += calls
    const price = this.prices.get(line.price_book, line.price_entry)
    for (const [i, share] of this.sharesOf(line, price).entries()) this.count(line, price, share, i === 0 ? calls : 0)
  }

  /** In the order of their lines. */
  rows(): FocusRow[] {
    return [...this.sums.values()].map(({ head, priceId, share, calls }) => ({
      ...head,
      cost: formatDecimal(share.cost),
      consumed: share.consumed && { quantity: formatDecimal(share.consumed.quantity), unit: share.consumed.unit },
      price: share.price && {
        id: priceId,
        unit: share.price.unit,
        quantity: formatDecimal(share.price.quantity),
        contracted: share.price.contracted,
        list: share.price.list,
        listCost: formatDecimal(times(parseDecimal(share.price.list), share.price.quantity)),
      },
      calls: calls === 0 ? null : calls,
    }))
  }

  private sharesOf(line: UsageLine, price: KnownPrice | undefined): readonly Share[] {
    if (line.cost_status === 'unpriced' || line.cost_status === 'invalid') return unpricedShares(line)
    if (line.cost_status === 'reported') return amountShares(line, 'reported')
    if (this.prices.isPlan(line.price_book, line.price_entry)) return amountShares(line, 'covered')
    const source = line.cost_status === 'estimated' ? 'estimated' : 'computed'
    if (price === undefined) return amountShares(line, source)
    const shares = this.pricedShares(line, price, source)
    const charged = chargedOf(line)
    const rest = minus(
      charged,
      shares.reduce((sum, { cost }) => plus(sum, cost), zero),
    )
    if (isZero(rest)) return shares
    // At most half a pico a call and a place of a quantity. More says that the calls were priced by something else.
    const most = { digits: BigInt(line.calls) + BigInt(shares.length), scale: 12 }
    const isMore = compare(rest, most) > 0 || compare(minus(zero, rest), most) > 0
    return isMore ? amountShares(line, source) : [...shares, roundingShare(line, rest)]
  }

  private pricedShares(line: UsageLine, price: KnownPrice, source: CostSource): Share[] {
    const inputTokens = bandInput(line, price)
    const band = bandFor(cardOfAll(price), inputTokens, Number(line.reasoning))
    const card = cardOfBand(line.price_entry, price.compiled, band)
    const list = price.isOwn ? this.listOf(line, inputTokens, card.currency) : undefined
    // With a least quantity a call, a line is calls of equal usage: one of them is priced, and all of them are that often.
    const times1 = card.minimum === null ? 1n : BigInt(line.calls)
    const usage = usageOf(line, card.minimum === null ? 1 : Number(line.calls))
    const billed = usageParts(card, usage, 0)
    const counted = usageParts({ ...card, minimum: null }, usage, 0)
    return billed.map((part, i) => {
      const whole = (quantity: number): Decimal => scaledUp(parseDecimal(String(quantity)), times1)
      return partShare(
        part,
        { billed: whole(part.quantity), counted: whole(counted[i]!.quantity) },
        { line, source, band, list },
      )
    })
  }

  private listOf(line: UsageLine, inputTokens: number, currency: string): CardBand | undefined {
    const { provider, model, conditions, last_end_ms } = line
    const call = { provider, model, conditions, atMs: Number(last_end_ms) }
    return this.prices.list(call, currency, inputTokens, Number(line.reasoning))
  }

  private count(line: UsageLine, price: KnownPrice | undefined, share: Share, calls: number): void {
    const { day, project, provider, model } = line
    const named = conditionsOf(line, share.price === null ? undefined : price)
    const head: Sum['head'] = {
      day,
      project,
      billingAccount: this.options.billingAccount,
      provider,
      model,
      kind: share.kind,
      tier: line.tier.toLowerCase() || 'standard',
      region: named.region,
      conditions: named.conditions,
      cacheTtl: share.cacheTtl,
      currency: isForeign(line) ? line.pricing_currency : 'USD',
      source: share.source,
      entry: share.entry,
      book: share.entry === '' ? '' : line.price_book,
      tags: line.tags,
    }
    const key = JSON.stringify([
      head,
      share.price?.unit,
      share.price?.contracted,
      share.price?.list,
      share.consumed?.unit,
    ])
    const sum = this.sums.get(key)
    if (sum === undefined) {
      const parts = [named.region, ...Object.values(named.conditions)].filter((part) => part !== '')
      const priceId = [`${provider || 'unknown'}/${model || 'unknown'}/${share.kind}`, ...parts]
        .join('/')
        .replaceAll(' ', '_')
      this.sums.set(key, { head, priceId, share, calls })
      return
    }
    sum.calls += calls
    sum.share = added(sum.share, share)
  }
}

function partShare(
  part: UsagePart,
  quantity: { readonly billed: Decimal; readonly counted: Decimal },
  of: {
    readonly line: UsageLine
    readonly source: CostSource
    readonly band: CardBand
    readonly list: CardBand | undefined
  },
): Share {
  const consumed = { quantity: quantity.counted, unit: countedIn(part.unit) }
  const kind = part.component
  if (part.rate === undefined)
    return { kind, source: 'unpriced', cost: zero, consumed, price: null, cacheTtl: '', entry: of.line.price_entry }
  const priced = pricedIn(part.unit, part.rate)
  const listed = of.list?.published.get(part.unit)
  const list = listed === undefined ? priced : pricedIn(part.unit, listed)
  const inUnits = quantityIn(priced, quantity.billed)
  return {
    kind,
    source: of.source,
    cost: times(parseDecimal(priced.price), inUnits),
    consumed,
    price: {
      unit: priced.unit,
      quantity: inUnits,
      contracted: priced.price,
      list: list.unit === priced.unit ? list.price : priced.price,
    },
    cacheTtl: cacheTtlOf(part.unit, of.band),
    entry: of.line.price_entry,
  }
}

/** The lifetime of cache writes is told where the price depends on it. */
function cacheTtlOf(of: UsageUnitName, band: CardBand): FocusRow['cacheTtl'] {
  if (of === 'cacheWrite1h') return '1h'
  return of === 'cacheWrite' && band.published.has('cacheWrite1h') ? '5m' : ''
}

function roundingShare(line: UsageLine, cost: Decimal): Share {
  return {
    kind: 'rounding',
    source: 'rounding',
    cost,
    consumed: null,
    price: null,
    cacheTtl: '',
    entry: line.price_entry,
  }
}

/** The amounts of the cost columns as they are, where they are all there is; else the total alone. */
function amountShares(line: UsageLine, source: CostSource): Share[] {
  const total = chargedOf(line)
  const inputTokens = tokensOf(line.input)
  const cached = plus(parseDecimal(line.cache_read), parseDecimal(line.cache_write))
  const columns: readonly (readonly [kind: string, cost: string | null, tokens: Decimal])[] = [
    ['input', line.input_cost, compare(inputTokens, cached) > 0 ? minus(inputTokens, cached) : zero],
    ['cache_read', line.cache_read_cost, parseDecimal(line.cache_read)],
    ['cache_write', line.cache_write_cost, parseDecimal(line.cache_write)],
    ['output', line.output_cost, tokensOf(line.output)],
  ]
  const requests = { quantity: parseDecimal(line.calls), unit: 'Requests' }
  const shares = columns
    .filter(([, cost, tokens]) => !isZero(amountOf(cost)) || (cost !== null && !isZero(tokens)))
    .map(([kind, cost, quantity]) =>
      amountShare(line, source, { kind, cost: amountOf(cost), consumed: { quantity, unit: 'Tokens' } }),
    )
  const other = amountOf(line.other_cost)
  if (!isZero(other)) shares.push(amountShare(line, source, { kind: 'other', cost: other, consumed: requests }))
  const isAll = isZero(
    minus(
      total,
      shares.reduce((sum, { cost }) => plus(sum, cost), zero),
    ),
  )
  return isAll && shares.length > 0
    ? shares
    : [amountShare(line, source, { kind: 'total', cost: total, consumed: requests })]
}

function amountShare(line: UsageLine, source: CostSource, of: Pick<Share, 'kind' | 'cost' | 'consumed'>): Share {
  // A charge that was reported is not what the entry gives.
  return { ...of, source, price: null, cacheTtl: '', entry: source === 'reported' ? '' : line.price_entry }
}

/** Usage that nobody has a price for: quantities without an amount. */
function unpricedShares(line: UsageLine): Share[] {
  const usage = usageOf(line, 1)
  const parts = usageParts(rateless, usage, 0).filter(({ quantity }) => quantity > 0)
  const share = (kind: string, quantity: Decimal, counted: string): Share => ({
    kind,
    source: 'unpriced',
    cost: zero,
    consumed: { quantity, unit: counted },
    price: null,
    cacheTtl: '',
    entry: '',
  })
  if (parts.length === 0) return [share('request', parseDecimal(line.calls), 'Requests')]
  return parts.map((part) => share(part.component, parseDecimal(String(part.quantity)), countedIn(part.unit)))
}

/** A card that has a rate for everything, so that nothing is charged as part of something else. */
const rateless = cardOfBand(
  '',
  { currency: 'USD', minimum: null, bands: [] },
  {
    over: -1,
    inclusive: false,
    thinking: false,
    rate: new Float64Array(usageUnitCount),
    denominator: 1,
    fallback: 0,
    published: new Map(
      usageUnits.filter(({ name }) => name !== 'reasoning').map(({ name }) => [name, { price: '0', per: 1 }] as const),
    ),
  },
)

function cardOfAll({ compiled }: KnownPrice) {
  return { ...cardOfBand('', compiled, compiled.bands[0]!), bands: compiled.bands }
}

/** A number of input tokens that is in the band of the line. */
function bandInput({ band }: UsageLine, { edges }: KnownPrice): number {
  return band === 0 ? 0 : (edges[band - 1] ?? 0) + 1
}

/** Units of a line, or of one call of it, as the arithmetic wants them; what was not reported is NaN. */
function usageOf(line: UsageLine, calls: number): Float64Array {
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  const set = (name: UsageUnitName, text: string | null | undefined): void => {
    if (text !== null && text !== undefined) usage[unit[name]] = Number(text) / calls
  }
  // These columns hold 0 for what was not reported.
  const positive = (text: string): string | null => (text === '0' ? null : text)
  set('input', line.input)
  set('output', line.output)
  set('cacheRead', positive(line.cache_read))
  set('cacheWrite', positive(line.cache_write))
  set('reasoning', positive(line.reasoning))
  for (const { name, key } of usageUnits) if (key !== null) set(name, line.other[key])
  return usage
}

interface NamedConditions {
  readonly region: string
  readonly conditions: Readonly<Record<string, string>>
}

/** What the price of the line depends on besides the model: by the entry's own conditions, with the call's values. */
function conditionsOf(line: UsageLine, price: KnownPrice | undefined): NamedConditions {
  if (price === undefined) return { region: '', conditions: {} }
  const sent = parseConditions(line.conditions)
  const value = (name: ConditionName): string => conditionValue(price.when, name, sent)
  const conditions: Record<string, string> = { serviceTier: value('serviceTier') || 'standard' }
  for (const name of conditionNames) {
    if (name === 'serviceTier' || name === 'region' || name === 'dataResidency') continue
    if (value(name) !== '') conditions[name] = value(name)
  }
  const { schedule } = price.when
  if (schedule)
    conditions['schedule'] = [(schedule.days ?? []).join(''), (schedule.hours ?? []).join('+'), schedule.zone]
      .filter((part) => part !== '')
      .join(' ')
  const { over, thinking } = bandFor(cardOfAll(price), bandInput(line, price), Number(line.reasoning))
  if (over >= 0) conditions['inputTokensOver'] = `over ${over}`
  if (thinking) conditions['mode'] = 'thinking'
  return { region: value('region') || value('dataResidency'), conditions }
}

function conditionValue(when: When, name: ConditionName, sent: CallConditions): string {
  const test = when[name]
  if (test === undefined || test === null) return ''
  return typeof test === 'string' ? test : sent[name].toLowerCase()
}

function added(a: Share, b: Share): Share {
  return {
    ...a,
    cost: plus(a.cost, b.cost),
    consumed: a.consumed && b.consumed && { ...a.consumed, quantity: plus(a.consumed.quantity, b.consumed.quantity) },
    price: a.price && b.price && { ...a.price, quantity: plus(a.price.quantity, b.price.quantity) },
  }
}

function scaledUp({ digits, scale }: Decimal, by: bigint): Decimal {
  return { digits: digits * by, scale }
}

/** Priced in another currency than USD; a reported charge is in USD, whatever our own price is in. */
function isForeign({ pricing_currency, cost_status }: UsageLine): boolean {
  return pricing_currency !== '' && cost_status !== 'reported'
}

function chargedOf(line: UsageLine): Decimal {
  return amountOf(isForeign(line) ? line.pricing_currency_cost : line.total_cost)
}

function amountOf(text: string | null): Decimal {
  return text === null ? zero : parseDecimal(text)
}

function tokensOf(text: string | null): Decimal {
  return text === null ? zero : parseDecimal(text)
}
