// hot: Where a call was served, as the name that was asked for tells it: an answer names the model alone, but `global.anthropic.…`
// is part of its price, and `us.anthropic.…` is a name of Bedrock's whoever the span takes for the provider.

import { attributeText } from '../schemas/any-value.ts'
import { attributeRoom, low, type SpanBatch } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import type { Implied, PriceBook } from './pricing/book.ts'
import type { ConditionTable } from './pricing/conditions.ts'
import { platformInName } from './pricing/model-names.ts'

/** Requests at hand without a look into a map; a power of two. */
const nearSize = 1 << 10

interface Parts {
  readonly book: PriceBook
  readonly batch: SpanBatch
  readonly strings: StringTable
  readonly conditions: ConditionTable
}

/** Fills provider and conditions of rows whose answer names another model than was asked for; one for a ledger. */
export class RequestedPlaces {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly conditions: ConditionTable
  private book: PriceBook
  /** What the provider's model asked for implies, by their key. */
  private readonly implied = new Map<number, Implied>()
  /** By provider: the platform that the name asked for and the one of the answer tell instead. */
  private readonly platforms = new Map<number, Map<number, number>>()
  /** Keys of those that imply nothing at any time, nearly all, at hand. */
  private readonly plain = new Float64Array(nearSize).fill(-1)

  constructor({ book, batch, strings, conditions }: Parts) {
    this.book = book
    this.batch = batch
    this.strings = strings
    this.conditions = conditions
  }

  use(book: PriceBook): void {
    this.book = book
    this.forget()
  }

  /** Ids mean other texts now, or another book has other words for names. */
  forget(): void {
    this.implied.clear()
    this.platforms.clear()
    this.plain.fill(-1)
  }

  run(row: number, request: number, endMs: number): void {
    const { batch, strings, conditions } = this
    const providers = batch.low[low.provider]!
    let provider = providers[row]!
    const place = (Math.imul(request, 0x9e3779b1) ^ provider) & (nearSize - 1)
    if (provider !== 0 && this.plain[place] === provider * 0x4000000 + request) return
    const platform = this.platform(provider, request, batch.low[low.model]![row]!)
    if (platform !== 0) {
      if (provider !== 0) this.keepSent(row, provider)
      providers[row] = platform
      provider = platform
    }
    const key = provider * 0x4000000 + request
    let found = this.implied.get(key)
    if (found === undefined || endMs < found.fromMs || endMs >= found.toMs) {
      found = this.book.impliedBy(strings.text(provider), strings.text(request), endMs)
      this.implied.set(key, found)
    }
    const { implied, fromMs, toMs } = found
    if (implied !== null) batch.condition[row] = conditions.id({ ...conditions.get(batch.condition[row]!), ...implied })
    else if (
      fromMs === Number.NEGATIVE_INFINITY &&
      toMs === Number.POSITIVE_INFINITY &&
      !this.mayMove(provider, request)
    )
      this.plain[place] = key
  }

  /** Whether another answer to this request may tell another platform. */
  private mayMove(provider: number, request: number): boolean {
    const named = platformInName(this.strings.text(request))
    return named !== '' && named !== this.strings.text(provider)
  }

  private platform(provider: number, request: number, answered: number): number {
    const { book, strings, platforms } = this
    let ofProvider = platforms.get(provider)
    if (ofProvider === undefined) {
      ofProvider = new Map()
      platforms.set(provider, ofProvider)
    }
    const key = request * 0x4000000 + answered
    let platform = ofProvider.get(key)
    if (platform === undefined) {
      platform = strings.internText(
        book.platformOf(strings.text(provider), strings.text(request), strings.text(answered)),
      )
      ofProvider.set(key, platform)
    }
    return platform
  }

  /** The column will say another provider than was sent: then what was sent stays among the attributes. */
  private keepSent(row: number, provider: number): void {
    const { batch, strings } = this
    const sent = strings.text(provider)
    for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++)
      if (batch.attrRoom[i] === attributeRoom.column && attributeText(batch, i) === sent)
        batch.attrRoom[i] = attributeRoom.attributes
  }
}
