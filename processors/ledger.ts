// hot: Usage of each row × price book → cost columns, status and reason. A card is looked up once for each distinct
// (provider, model, conditions) while it holds; then every row is a handful of integer products.

import { cost, costCount, low, role, type SpanBatch } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { firstCountMax, type UsageUnitName, unit, usageUnitCount, usageUnits } from '../schemas/usage.ts'
import { type Charge, verdict } from './charge.ts'
import { callKinds } from './dialect.ts'
import type { UsageEstimator } from './estimate.ts'
import type { PriceBook, Resolution } from './pricing/book.ts'
import type { Card, CardBand } from './pricing/card.ts'
import type { ConditionTable } from './pricing/conditions.ts'
import { checkUsage, type PricedCall, priceChecked, priceFlags, priceUsage } from './pricing/price.ts'
import { RequestedPlaces } from './requested-places.ts'

const slotsMax = 50_000
/** Slots at hand without a look into the map; a power of two. Few models make nearly all calls. */
const nearSize = 1 << 10

/** What was found for one question; ids are those of the string table. */
interface Slot {
  readonly asked: { readonly provider: number; readonly model: number; readonly condition: number }
  readonly resolution: Resolution
  readonly model: number
  readonly provider: number
  readonly entry: number
  /** Of the card; 0 for USD. */
  readonly currency: number
  /** What was assumed to find the card. */
  readonly flags: number
  /** Each request has a fee; a call is one, and nobody says so. */
  readonly hasFee: boolean
  /** It holds in [fromMs, toMs). */
  readonly fromMs: number
  readonly toMs: number
}

/** Ids of the words that most rows get, for one generation of strings. */
interface CommonWords {
  readonly priced: number
  readonly error: number
  readonly assumed: number
  readonly untold: ReadonlySet<number>
  /** Kinds of calls that are of something else than text. */
  readonly otherKinds: ReadonlySet<number>
}

/** Input, output and what is a part of them. */
const textUnits: ReadonlySet<string> = new Set<UsageUnitName>([
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'output',
  'reasoning',
])

/** Prices batches, each with one book. */
export class Ledger {
  private book: PriceBook
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly charge: Pick<Charge, 'verdicts'>
  private readonly conditions: ConditionTable
  private readonly estimator: UsageEstimator | undefined
  /** Answers of the book in use; each book, and so each project with prices of its own, has its own. */
  private slots = new Map<number, Slot>()
  private slotsByBook = new WeakMap<PriceBook, Map<number, Slot>>()
  /** Of all books. */
  private slotCount = 0
  /** Of the book in use. */
  private readonly near: (Slot | undefined)[] = new Array<Slot | undefined>(nearSize).fill(undefined)
  private common: CommonWords = { priced: 0, error: 0, assumed: 0, untold: new Set(), otherKinds: new Set() }
  /** Version of the book in use. */
  private bookWord = 0
  private readonly chargeSources: ReadonlySet<string>
  private readonly flagNames = new Map<number, number>()
  private readonly words = new Map<string, number>()
  private readonly conditionWords = new Map<number, number>()
  private readonly places: RequestedPlaces
  private readonly result: PricedCall = {
    status: 'unpriced',
    reason: '',
    inputPico: Number.NaN,
    cacheReadPico: Number.NaN,
    cacheWritePico: Number.NaN,
    outputPico: Number.NaN,
    otherPico: Number.NaN,
    totalPico: Number.NaN,
    otherCurrencyPico: Number.NaN,
    flags: 0,
  }
  private generation = -1

  constructor(parts: {
    book: PriceBook
    batch: SpanBatch
    strings: StringTable
    charge: Pick<Charge, 'verdicts'>
    conditions: ConditionTable
    /** Absent: a call without usage has no price. */
    estimator?: UsageEstimator
    /** Providers, and attributes, whose reported cost is the charge. */
    chargeSources?: ReadonlySet<string>
  }) {
    this.book = parts.book
    this.slotsByBook.set(parts.book, this.slots)
    this.batch = parts.batch
    this.strings = parts.strings
    this.charge = parts.charge
    this.conditions = parts.conditions
    this.places = new RequestedPlaces(parts)
    this.estimator = parts.estimator
    this.chargeSources = parts.chargeSources ?? new Set()
  }

  /** The book that the following batches are priced by. */
  use(book: PriceBook): void {
    if (book === this.book) return
    this.book = book
    this.near.fill(undefined)
    this.places.use(book)
    const known = this.slotsByBook.get(book)
    this.slots = known ?? new Map()
    if (known === undefined) this.slotsByBook.set(book, this.slots)
  }

  private forget(): void {
    this.near.fill(undefined)
    this.slots = new Map()
    this.slotsByBook = new WeakMap([[this.book, this.slots]])
    this.slotCount = 0
  }

  /** Fills cost, status, reason, model and price entry of all rows. The billing instant is the end of the span. */
  run(): void {
    const { batch, strings, charge } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.forget()
      this.flagNames.clear()
      this.words.clear()
      this.conditionWords.clear()
      this.places.forget()
      this.common = {
        priced: this.word('priced'),
        error: this.word('error'),
        assumed: this.word('inclusive:assumed'),
        untold: new Set(
          ['exclusive:untold', 'exclusive:untold+rounds', 'inclusive:untold'].map((rule) => this.word(rule)),
        ),
        otherKinds: new Set([...callKinds].filter((kind) => kind !== 'llm').map((kind) => this.word(kind))),
      }
    }
    this.bookWord = this.word(this.book.version)
    for (let row = 0; row < batch.rows; row++) {
      const request = batch.low[low.request_model]![row]!
      const reported = batch.low[low.response_model]![row]! || request
      batch.low[low.model]![row] = reported
      if (batch.condition[row] !== 0) batch.low[low.price_conditions]![row] = this.conditionWord(batch.condition[row]!)
      // Behind what was reported, which is kept as such: another book may have other words for the name.
      if (request !== 0 && request !== reported) this.places.run(row, request, this.endMs(row))
      if (charge.verdicts[row] === verdict.aggregate) this.notBilled(row, 'aggregate')
      else if (charge.verdicts[row] === verdict.duplicate) this.notBilled(row, 'duplicate')
      else if (batch.role[row] === role.replay) this.notBilled(row, 'replayed')
      else if (batch.charged[row] === 1) this.charged(row, reported)
      else if (batch.role[row] === role.none) this.notBilled(row, 'not_a_model_call')
      else {
        this.price(row, reported)
        if (this.chargeSources.size > 0 && this.isCharge(row)) this.chargeReported(row)
      }
    }
  }

  private price(row: number, model: number): void {
    const { batch, result } = this
    const at = row * usageUnitCount
    if (batch.badUsage[row] === 1) {
      this.set(row, 'invalid', 'bad_quantity')
      return
    }
    const bad = checkUsage(batch.usage, at)
    if (bad === 'no_usage' && batch.low[low.status]![row] === this.common.error) {
      this.notBilled(row, 'failed_no_usage')
      return
    }
    const slot = this.slot(row, model)
    if (bad === 'no_usage' && this.estimate(row, slot)) return
    if (bad !== '') {
      this.set(row, bad === 'no_usage' || bad === 'usage_not_split' ? 'unpriced' : 'invalid', bad)
      this.nameAlone(row, slot)
      return
    }
    if (slot.resolution.kind === 'miss') {
      this.set(row, 'unpriced', slot.resolution.reason)
      return
    }
    if (this.isHalfTold(row, slot.resolution.card)) {
      this.set(row, 'unpriced', 'no_usage')
      this.nameAlone(row, slot)
      return
    }
    if (slot.hasFee && Number.isNaN(batch.usage[at + unit.requests]!)) {
      batch.usage[at + unit.requests] = 1
      priceUsage(slot.resolution.card, batch.usage, at, result)
    } else priceChecked(slot.resolution.card, batch.usage, at, result)
    this.name(row, slot)
    this.write(row, result, slot)
  }

  /** Counts a call that told no usage, where it has a price and can be counted; a total of it says `estimated`. */
  private estimate(row: number, slot: Slot): boolean {
    const { batch, strings, result, estimator } = this
    if (estimator === undefined || slot.resolution.kind === 'miss') return false
    if (!estimator.fill(row, strings.text(slot.provider), strings.text(slot.model))) return false
    priceUsage(slot.resolution.card, batch.usage, row * usageUnitCount, result)
    this.name(row, slot)
    this.write(row, result, slot)
    if (result.status === 'priced' || result.status === 'partial') this.set(row, 'estimated', result.reason)
    return true
  }

  private write(row: number, priced: PricedCall, slot: Slot): void {
    const { batch } = this
    const to = row * costCount
    batch.costs[to + cost.input] = priced.inputPico
    batch.costs[to + cost.cacheRead] = priced.cacheReadPico
    batch.costs[to + cost.cacheWrite] = priced.cacheWritePico
    batch.costs[to + cost.output] = priced.outputPico
    batch.costs[to + cost.other] = priced.otherPico
    batch.costs[to + cost.total] = priced.totalPico
    batch.costs[to + cost.pricingCurrency] = priced.otherCurrencyPico
    if (slot.currency !== 0) batch.low[low.pricing_currency]![row] = slot.currency
    this.set(row, priced.status, priced.reason)
    const rule = batch.low[low.usage_rule]![row]!
    let flags = priced.flags | slot.flags
    if (rule === this.common.assumed) flags |= priceFlags.usage_semantics_assumed
    else if (this.common.untold.has(rule) && this.isOfText(row)) flags |= priceFlags.cache_untold
    if (flags !== 0) batch.low[low.cost_flags]![row] = this.flags(flags)
  }

  /**
   * A model was asked for text, both of whose sides have a price: one alone is not what it cost. A stream that broke tells just that, or an
   * output of 0 that nobody got to count; of Claude it tells the count it began with.
   */
  private isHalfTold(row: number, { bands }: Card): boolean {
    const { usage } = this.batch
    const at = row * usageUnitCount
    const input = usage[at + unit.input]!
    const output = usage[at + unit.output]!
    const isBroken =
      output <= firstCountMax &&
      this.batch.low[low.status]![row] === this.common.error &&
      (output === 0 || this.strings.text(this.batch.low[low.model]![row]!).includes('claude'))
    if (Number.isNaN(input) === Number.isNaN(output) && !isBroken) return false
    const [{ rate }] = bands as readonly [CardBand]
    if (!this.isOfText(row) || !(rate[unit.input]! > 0 && rate[unit.output]! > 0)) return false
    for (const { name } of usageUnits) if (!textUnits.has(name) && usage[at + unit[name]]! > 0) return false
    return true
  }

  private isOfText(row: number): boolean {
    return !this.common.otherKinds.has(this.batch.low[low.kind]![row]!)
  }

  private slot(row: number, model: number): Slot {
    const { batch } = this
    const provider = batch.low[low.provider]![row]!
    const condition = batch.condition[row]!
    const endMs = this.endMs(row)
    const nearPlace = (Math.imul(model, 0x9e3779b1) ^ Math.imul(provider, 0x85ebca6b) ^ condition) & (nearSize - 1)
    const near = this.near[nearPlace]
    if (near !== undefined && answers(near, provider, model, condition) && endMs >= near.fromMs && endMs < near.toMs)
      return near
    const slot = this.farSlot(provider, model, condition, endMs)
    this.near[nearPlace] = slot
    return slot
  }

  /** The billing instant. */
  private endMs(row: number): number {
    return Math.floor((this.batch.endHigh[row]! * 4294967296 + this.batch.endLow[row]!) / 1e6)
  }

  private farSlot(provider: number, model: number, condition: number, endMs: number): Slot {
    // Two questions may share a place, which then belongs to the later one.
    const place = (provider * 0x4000000 + model) * 0x400 + (condition & 0x3ff)
    const known = this.slots.get(place)
    if (
      known !== undefined &&
      answers(known, provider, model, condition) &&
      endMs >= known.fromMs &&
      endMs < known.toMs
    )
      return known
    if (this.slotCount++ > slotsMax) this.forget()
    const slot = this.resolve(provider, model, condition, endMs)
    this.slots.set(place, slot)
    return slot
  }

  private resolve(provider: number, model: number, condition: number, endMs: number): Slot {
    const { strings } = this
    const asked = { provider, model, condition }
    const resolution = this.book.resolve(
      strings.text(provider),
      strings.text(model),
      this.conditions.get(condition),
      endMs,
    )
    if (resolution.kind === 'miss') {
      const { fromMs, toMs } = resolution
      return { asked, resolution, model, provider, entry: 0, currency: 0, flags: 0, hasFee: false, fromMs, toMs }
    }
    const { card } = resolution
    const isNamed = provider !== 0 && card.match !== 'inferred'
    const named = isNamed ? provider : strings.internText(card.provider)
    return {
      asked,
      resolution,
      model: strings.internText(card.model),
      provider: named,
      entry: strings.internText(card.entry),
      currency: card.currency === 'USD' ? 0 : strings.internText(card.currency),
      flags: card.match === 'inferred' ? priceFlags.provider_inferred : 0,
      hasFee: card.bands.some(({ rate }) => rate[unit.requests]! > 0),
      fromMs: card.fromMs,
      toMs: card.toMs,
    }
  }

  /** Without a price; whether the provider was inferred is told all the same. */
  private nameAlone(row: number, slot: Slot): void {
    this.name(row, slot)
    if (slot.flags !== 0) this.batch.low[low.cost_flags]![row] = this.flags(slot.flags)
  }

  private name(row: number, slot: Slot): void {
    const { batch } = this
    batch.low[low.model]![row] = slot.model
    batch.low[low.provider]![row] = slot.provider
    batch.low[low.price_entry]![row] = slot.entry
    if (slot.entry !== 0) batch.low[low.price_book]![row] = this.bookWord
  }

  /** A source that the configuration names as the charge. */
  private isCharge(row: number): boolean {
    const { batch, strings, chargeSources } = this
    const reported = batch.costs[row * costCount + cost.reported]!
    if (Number.isNaN(reported)) return false
    // A failed call that the source gives as 0 was not billed.
    if (reported === 0 && batch.low[low.cost_status]![row] === this.word('not_billed')) return false
    return (
      chargeSources.has(strings.text(batch.low[low.reported_cost_source]![row]!)) ||
      chargeSources.has(strings.text(batch.low[low.provider]![row]!))
    )
  }

  /**
   * The reported figure becomes the total; ours is kept beside it, with the reason why it is not whole, and nobody knows how the
   * charge splits into parts.
   */
  private chargeReported(row: number): void {
    const { costs, low: columns } = this.batch
    const at = row * costCount
    costs[at + cost.computed] = costs[at + cost.total]!
    costs.fill(Number.NaN, at, at + cost.total)
    costs[at + cost.total] = costs[at + cost.reported]!
    if (columns[low.cost_status]![row] === this.word('not_billed')) this.set(row, 'reported', '')
    else columns[low.cost_status]![row] = this.word('reported')
  }

  /** What our price of the call would be, beside the figure that stands. */
  private computeBeside(row: number, model: number): void {
    const { batch, result } = this
    const at = row * usageUnitCount
    if (batch.badUsage[row] === 1 || batch.role[row] === role.none || checkUsage(batch.usage, at) !== '') return
    const slot = this.slot(row, model)
    if (slot.resolution.kind === 'miss') return
    priceUsage(slot.resolution.card, batch.usage, at, result)
    this.name(row, slot)
    if (result.status === 'priced') batch.costs[row * costCount + cost.computed] = result.totalPico
  }

  /** The sender's own figure stands; a failed call without usage that it gives as 0 was not billed at all. */
  private charged(row: number, model: number): void {
    const { batch } = this
    const isFailed = batch.low[low.status]![row] === this.common.error
    if (
      isFailed &&
      batch.costs[row * costCount + cost.total] === 0 &&
      checkUsage(batch.usage, row * usageUnitCount) === 'no_usage'
    ) {
      this.notBilled(row, 'failed_no_usage')
      return
    }
    this.set(row, 'reported', '')
    this.computeBeside(row, model)
  }

  private notBilled(row: number, reason: string): void {
    const { batch } = this
    batch.costs.fill(Number.NaN, row * costCount, row * costCount + cost.reported)
    batch.costs[row * costCount + cost.pricingCurrency] = Number.NaN
    batch.costs[row * costCount + cost.computed] = Number.NaN
    this.set(row, 'not_billed', reason)
  }

  private set(row: number, status: string, reason: string): void {
    this.batch.low[low.cost_status]![row] = status === 'priced' ? this.common.priced : this.word(status)
    this.batch.low[low.cost_reason]![row] = reason === '' ? 0 : this.word(reason)
  }

  private flags(bits: number): number {
    let id = this.flagNames.get(bits)
    if (id === undefined) {
      const names = Object.entries(priceFlags).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
      id = this.strings.internText(names.join(','))
      this.flagNames.set(bits, id)
    }
    return id
  }

  private conditionWord(condition: number): number {
    let id = this.conditionWords.get(condition)
    if (id === undefined) {
      id = this.strings.internText(this.conditions.text(condition))
      this.conditionWords.set(condition, id)
    }
    return id
  }

  private word(text: string): number {
    let id = this.words.get(text)
    if (id === undefined) {
      id = this.strings.internText(text)
      this.words.set(text, id)
    }
    return id
  }
}

function answers({ asked }: Slot, provider: number, model: number, condition: number): boolean {
  return asked.provider === provider && asked.model === model && asked.condition === condition
}
