// The prices that an export needs: the entries that priced its calls, as the ledger keeps them, and beside an entry of the
// user's own the catalogue's price of the same call.

import { PriceBook } from '../pricing/book.ts'
import { bandFor, type Card, type CardBand, type CompiledEntry, compileEntry } from '../pricing/card.ts'
import { parseConditions } from '../pricing/conditions.ts'
import type { Band, PriceEntry, PriceFile, When } from '../pricing/file.ts'
import { thinkingMark } from '../pricing/rows.ts'

/** One band of an entry, from `model_prices`. */
export interface PriceLine {
  readonly price_book: string
  readonly price_entry: string
  /** JSON, '' for none. */
  readonly conditions: string
  readonly min_input_tokens: string
  readonly currency: string
  /** Empty: that book's entry is not kept. */
  readonly rates: Readonly<Record<string, string>>
  readonly per: Readonly<Record<string, string>>
  readonly minimum: Readonly<Record<string, string>>
}

/** One entry of one book. */
export interface KnownPrice {
  readonly compiled: CompiledEntry
  readonly when: When
  /** Input tokens above which the next band of calls begins; at least the entry's own edges. */
  readonly edges: readonly number[]
  /** Not of the catalogue: the user's own. */
  readonly isOwn: boolean
}

/** Which catalogue price a call has, asked as it was asked when the call was priced. */
export interface ListQuestion {
  readonly provider: string
  readonly model: string
  /** Column `price_conditions`. */
  readonly conditions: string
  readonly atMs: number
}

/** The catalogue, made ready once for many days. */
export class ListPrices {
  readonly book: PriceBook
  readonly entries: ReadonlyMap<string, PriceEntry>
  /** All edges of sizes, as an own price may be laid beside any entry. */
  readonly edges: readonly number[]

  constructor(catalogue: readonly PriceFile[]) {
    this.book = new PriceBook(catalogue)
    this.entries = new Map(catalogue.flatMap(({ entries }) => entries.map((entry) => [entry.id, entry] as const)))
    this.edges = [...new Set([...this.entries.values()].flatMap((entry) => edgesOf(compileEntry(entry))))]
  }
}

export class FocusPrices {
  private readonly known = new Map<string, KnownPrice>()
  private readonly plans = new Set<string>()
  private readonly catalogue: ListPrices

  /** `catalogue` gives list prices, and entries the ledger does not keep. Throws RangeError for a rate that is no decimal. */
  constructor(lines: readonly PriceLine[], catalogue: ListPrices) {
    this.catalogue = catalogue
    for (const [key, bands] of Map.groupBy(lines, ({ price_book, price_entry }) => priceKey(price_book, price_entry))) {
      const first = bands[0]!
      if (isPlan(first)) {
        this.plans.add(key)
        continue
      }
      const own = catalogue.entries.get(first.price_entry)
      const isKept = Object.keys(first.rates).length > 0
      const entry = isKept ? entryOf(bands) : own
      if (entry === undefined) continue
      const compiled = compileEntry(entry)
      const isOwn = own === undefined
      const edges = [...new Set([...edgesOf(compiled), ...(isOwn ? catalogue.edges : [])])].sort((a, b) => a - b)
      this.known.set(key, { compiled, when: entry.when ?? {}, edges, isOwn })
    }
  }

  get(book: string, entry: string): KnownPrice | undefined {
    return this.known.get(priceKey(book, entry))
  }

  /** Whether a plan of the user's, which has a charge of its own, covers the calls. */
  isPlan(book: string, entry: string): boolean {
    return this.plans.has(priceKey(book, entry))
  }

  /** Band of the catalogue's card for such a call; undefined when the catalogue has none in that currency. */
  list(
    { provider, model, conditions, atMs }: ListQuestion,
    currency: string,
    inputTokens: number,
    reasoningTokens: number,
  ): CardBand | undefined {
    const found = this.catalogue.book.resolve(provider, model, parseConditions(conditions), atMs)
    if (found.kind === 'miss' || found.card.currency !== currency) return undefined
    return bandFor(found.card, inputTokens, reasoningTokens)
  }

  /** Parameter `edges` of focus_usage.sql: entries of one band are left out. */
  edges(): Record<string, readonly number[]> {
    return Object.fromEntries(
      [...this.known].filter(([, { edges }]) => edges.length > 0).map(([key, { edges }]) => [key, edges]),
    )
  }

  /** Parameter `single` of focus_usage.sql: a least quantity is one of each call. */
  single(): string[] {
    return [...this.known].filter(([, { compiled }]) => compiled.minimum !== null).map(([key]) => key)
  }
}

/** What a plan costs stands in the place of its rates, and nothing where it was not said. */
function isPlan({ currency, rates }: PriceLine): boolean {
  return currency !== '' && (Object.keys(rates).length === 0 || 'fixed' in rates)
}

/** How focus_usage.sql names an entry of a book. */
export function priceKey(book: string, entry: string): string {
  return `${book} ${entry}`
}

/** A card that has one band alone, for usage summed over the calls of that band. */
export function cardOfBand(entry: string, compiled: CompiledEntry, band: CardBand): Card {
  return {
    entry,
    provider: '',
    model: '',
    match: 'exact',
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    currency: compiled.currency,
    flags: 0,
    reason: '',
    bands: [band],
    minimum: compiled.minimum,
  }
}

/** The last whole number of input tokens that does not belong to the band, for each band that begins at a size. */
function edgesOf({ bands }: CompiledEntry): number[] {
  return bands.filter(({ over }) => over >= 0).map(({ over, inclusive }) => (inclusive ? over - 1 : over))
}

/** The band of a size, and behind it the one of calls that thought where the row has rates for them. */
function bandsOf({ min_input_tokens, rates }: PriceLine): Band[] {
  const inputTokens = { over: Number(min_input_tokens), inclusive: false }
  const size = min_input_tokens === '0' ? {} : { inputTokens }
  const isThinking = (name: string): boolean => name.startsWith(thinkingMark)
  const all = Object.entries(rates)
  const plain = Object.fromEntries(all.filter(([name]) => !isThinking(name)))
  const thinking = all
    .filter(([name]) => isThinking(name))
    .map(([name, rate]) => [name.slice(thinkingMark.length), rate])
  const band = { ...size, rates: plain }
  return thinking.length === 0
    ? [band]
    : [band, { ...size, thinking: true, rates: { ...plain, ...Object.fromEntries(thinking) } }]
}

function entryOf(lines: readonly PriceLine[]): PriceEntry {
  const first = lines[0]!
  return {
    id: first.price_entry,
    models: { exact: [] },
    validFrom: null,
    validTo: null,
    recordedAt: '',
    when: first.conditions === '' ? {} : (JSON.parse(first.conditions) as When),
    bands: lines.flatMap(bandsOf),
    per: Object.fromEntries(Object.entries(first.per).map(([unit, count]) => [unit, Number(count)])),
    ...(Object.keys(first.minimum).length === 0 ? {} : { minimum: first.minimum }),
    currency: first.currency,
    source: [],
    confidence: 'high',
  }
}
