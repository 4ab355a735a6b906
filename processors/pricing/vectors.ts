// A file of price vectors → one answer a vector. A vector is a call with its usage by the names of `usage-names.ts`; a policy
// vector may bring prices of its own, several calls, two versions of a price list, or a cost that the provider reported.
// A name that nobody knows makes the whole vector an error: nothing is left out of a price in silence.

import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnitCount } from '../../schemas/usage.ts'
import { PriceBook, type PriceBookOptions, type PriceFile, type PriceOverride } from './book.ts'
import { type CallConditions, noConditions } from './conditions.ts'
import { canonicalProvider } from './provider-names.ts'
import { type PriceQuestion, type Quote, quotePrice } from './quote.ts'
import { conditionOf, countedElsewhere, unitOf, vectorName } from './usage-names.ts'
import { decimalOf, type Fields, fieldsOf, instantOf, listOf, onlyFields, text, VectorError } from './vector-fields.ts'
import { entriesOfVersion, overridesOf } from './vector-prices.ts'

/** One line of the result; further fields as the kind of vector asks for. */
export type VectorAnswer = { readonly id: string; readonly [field: string]: unknown }

export interface VectorBooks {
  readonly files: readonly PriceFile[]
  /** Users' own prices, and the instant the book is asked as of. */
  readonly options: PriceBookOptions
  /** Whose own prices apply. */
  readonly project: string
}

/** Told about a vector, and what its maker knows of it: nothing that a price depends on. */
const remarks = [
  'title',
  'note',
  'notes',
  'tags',
  'certainty',
  'sources',
  'sources_agree',
  'sources_differ',
  'expected',
  'alternative',
  'usage_raw',
  'usage_raw_form',
]
const callFields = ['provider', 'model', 'timestamp', 'usage', 'context', 'as_of']
const policyFields = [...callFields, 'calls', 'overrides', 'reported', 'version_a', 'version_b', 'base', 'reprice_with']
/** Of a context: said for people, or read apart. */
const contextRemarks = ['service_tier_requested', 'span_start', 'span_end', 'request_model', 'response_model']

/**
 * The answers in the order of the file: `vectors`, then `policy_vectors`. A vector that cannot be read gives `{ id, error }`.
 * Throws VectorError when the document is no file of vectors.
 */
export function* answerVectors(document: unknown, books: VectorBooks): Generator<VectorAnswer> {
  const all = fieldsOf(document, 'the file')
  const plain = listOf(all['vectors'], 'vectors')
  const policies = listOf(all['policy_vectors'] ?? all['policies'], 'policy_vectors')
  if (plain.length + policies.length === 0) throw new VectorError('the file has neither "vectors" nor "policy_vectors"')
  const provider = typeof all['provider'] === 'string' ? all['provider'] : undefined
  const asker = new Asker(books, [...plain, ...policies], provider)
  for (const vector of plain) yield asker.answer(vector, (fields) => asker.plain(fields))
  for (const vector of policies) yield asker.answer(vector, (fields) => asker.policy(fields))
}

class Asker {
  private readonly books: VectorBooks
  private readonly vectors: readonly unknown[]
  private readonly provider: string | undefined
  private readonly book: PriceBook

  constructor(books: VectorBooks, vectors: readonly unknown[], provider: string | undefined) {
    this.books = books
    this.vectors = vectors
    this.provider = provider
    this.book = this.bookOf(books)
  }

  answer(vector: unknown, read: (fields: Fields) => Omit<VectorAnswer, 'id'>): VectorAnswer {
    const id = idOf(vector)
    try {
      return { id, ...read(fieldsOf(vector, 'the vector')) }
    } catch (error) {
      if (error instanceof VectorError || error instanceof RangeError) return { id, error: error.message }
      throw error
    }
  }

  plain(vector: Fields): Omit<VectorAnswer, 'id'> {
    onlyFields(vector, ['id', ...callFields, 'reported', ...remarks], '')
    return this.single(this.bookFor(vector), vector)
  }

  policy(vector: Fields): Omit<VectorAnswer, 'id'> {
    // A policy vector may carry its call under `given` or, like the others, at the top.
    const given = 'given' in vector ? fieldsOf(vector['given'], 'given') : vector
    onlyFields(vector, ['id', 'given', ...(given === vector ? policyFields : []), ...remarks], '')
    if (given !== vector) onlyFields(given, policyFields, 'given.')
    if ('base' in given) return this.repriced(given)
    if ('version_a' in given || 'version_b' in given) return this.versions(given)
    const overrides = overridesOf(given['overrides'])
    const book = this.bookFor(given, overrides)
    return 'calls' in given ? this.calls(book, given) : this.single(book, given)
  }

  private bookOf({ files, options, project }: VectorBooks, own: readonly PriceOverride[] = []): PriceBook {
    return new PriceBook(files, { ...options, overrides: [...own, ...(options.overrides ?? [])] }).forProject(project)
  }

  /** With prices that the vector brings, or as of an instant that it names. */
  private bookFor(vector: Fields, own: readonly PriceOverride[] = []): PriceBook {
    if (vector['as_of'] === undefined) return own.length === 0 ? this.book : this.bookOf(this.books, own)
    const asOf = instantOf(vector['as_of'], 'as_of')
    return this.bookOf({ ...this.books, options: { ...this.books.options, asOf } }, own)
  }

  /** The book as of another instant; own prices as they are known now. */
  private bookAsOf(asOf: number): PriceBook {
    return this.bookOf({ ...this.books, options: { ...this.books.options, asOf } })
  }

  private single(book: PriceBook, call: Fields): Omit<VectorAnswer, 'id'> {
    const quote = quotePrice(book, this.question(call))
    return { ...answerOf(quote), ...reportedOf(call['reported'], quote) }
  }

  private question(call: Fields, usage: unknown = call['usage']): PriceQuestion {
    const context = call['context'] === undefined ? {} : fieldsOf(call['context'], 'context')
    const used = fieldsOf(usage, 'usage')
    return {
      provider: text(call['provider'] ?? this.provider, 'provider'),
      model: text(context['response_model'] ?? call['model'], 'model'),
      atMs: instantOf(call['timestamp'], 'timestamp'),
      usage: usageRow(used),
      conditions: conditionsOf(context, used),
    }
  }

  /** Several calls of one kind, each priced by itself: an array of usages, or a count of calls with the same. */
  private calls(book: PriceBook, given: Fields): Omit<VectorAnswer, 'id'> {
    const { calls } = given
    const isCount = typeof calls === 'number'
    if (isCount && !(Number.isSafeInteger(calls) && calls > 0)) throw new VectorError(`calls: ${calls} is no count`)
    const usages = isCount ? [given['usage']] : listOf(calls, 'calls')
    if (usages.length === 0) throw new VectorError('calls: an empty list')
    const quotes = usages.map((usage) => quotePrice(book, this.question(given, usage)))
    const totals = quotes.map(({ totalUsd }) => totalUsd)
    const isSame = totals.every((total) => total === totals[0])
    const worst = quotes.find(({ status }) => status !== 'priced') ?? quotes[0]!
    const times = isCount ? BigInt(calls) : 1n
    const isWhole = totals.every((total) => total !== null)
    const sum = totals.reduce((all, total) => all + parsePicoUsd(total ?? '0') * times, 0n)
    return {
      ...answerOf(worst),
      calls: isCount ? calls : quotes.length,
      per_call_usd: isSame ? totals[0] : totals,
      sum_usd: isWhole ? formatPicoUsd(sum) : null,
    }
  }

  /** One call by two versions of its price list: the row of the first stands, the second is put beside it. */
  private versions(given: Fields): Omit<VectorAnswer, 'id'> {
    const question = this.question(given)
    const provider = canonicalProvider(question.provider)
    const words = this.books.files.find((file) => file.provider === provider)
    const [a, b] = (['version_a', 'version_b'] as const).map((name) => {
      const entries = entriesOfVersion(given[name], { name, provider, model: question.model })
      return quotePrice(new PriceBook([{ ...words, provider, aliases: [], entries }]), question)
    })
    return {
      ...answerOf(b!),
      ...comparison({ version: 'a', ...pricedWith(a!) }, { version: 'b', ...pricedWith(b!) }),
      priced_with_a: pricedWith(a!),
      priced_with_b: pricedWith(b!),
    }
  }

  /** Another vector of the file by the book as it first knew a price for it, and by a later version. */
  private repriced(given: Fields): Omit<VectorAnswer, 'id'> {
    const { base } = given
    const vector = typeof base === 'string' ? this.vectors.find((each) => idOf(each) === base) : base
    if (vector === undefined) throw new VectorError(`base: no vector "${String(base)}" in this file`)
    const fields = fieldsOf(vector, 'base')
    const question = this.question('given' in fields ? fieldsOf(fields['given'], 'base.given') : fields)
    const first = this.firstQuote(question)
    const later = quotePrice(this.versionNamed(given['reprice_with']), question)
    return { ...answerOf(later), base, ...comparison(pricedWith(first), pricedWith(later)) }
  }

  private firstQuote(question: PriceQuestion): Quote {
    const provider = canonicalProvider(question.provider)
    const file = this.books.files.find((each) => each.provider === provider)
    const records = [...new Set((file?.entries ?? []).map(({ recordedAt }) => Date.parse(recordedAt)))]
    for (const asOf of records.sort((x, y) => x - y)) {
      const quote = quotePrice(this.bookAsOf(asOf), question)
      if (quote.status !== 'unpriced') return quote
    }
    return quotePrice(this.book, question)
  }

  /** "… published after 2026-07-30": all that is recorded, which must reach so far; an instant or "before …": as of then. */
  private versionNamed(named: unknown): PriceBook {
    const words = text(named, 'reprice_with')
    const match = /\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?/.exec(words)
    if (match === null) throw new VectorError(`reprice_with: "${words}" names no date`)
    const at = instantOf(match[0], 'reprice_with')
    if (!/\bafter\b/.test(words)) return this.bookAsOf(at)
    const newest = Math.max(...this.book.entries().map(({ recordedAt }) => Date.parse(recordedAt)))
    if (newest <= at) throw new VectorError(`reprice_with: this book records nothing after ${match[0]}`)
    return this.book
  }
}

function answerOf(quote: Quote): Omit<VectorAnswer, 'id'> {
  const { card, suggestion, unpricedUnits } = quote
  return {
    status: quote.status,
    reason: quote.reason === '' ? null : quote.reason,
    total_usd: quote.totalUsd,
    components: quote.components.map(({ component, amountUsd }) => ({ component, amount_usd: amountUsd })),
    price_entry: card?.entry.id ?? null,
    price_book: quote.priceBook,
    flags: quote.flags,
    ...(card === null
      ? {}
      : { price_source: card.match === 'override' ? 'override' : 'catalogue', currency: card.currency }),
    ...(card !== null && card.currency !== 'USD' ? { total: quote.total } : {}),
    ...(quote.exactTotal?.isRounded === true ? { total_rounded: true } : {}),
    ...(suggestion === null ? {} : { suggestion }),
    ...(unpricedUnits.length === 0 ? {} : { unpriced_units: unpricedUnits.map(vectorName) }),
  }
}

interface PricedWith {
  readonly total_usd: string | null
  readonly [field: string]: unknown
}

function pricedWith(quote: Quote): PricedWith {
  return {
    total_usd: quote.totalUsd,
    status: quote.status,
    price_entry: quote.card?.entry.id ?? null,
    price_book: quote.priceBook,
    flags: quote.flags,
  }
}

function comparison(original: PricedWith, repriced: PricedWith): Fields {
  return { original, repriced, delta_usd: difference(repriced.total_usd, original.total_usd) }
}

/** What somebody else says it cost, beside ours; in dollars alone, for nothing is converted. */
function reportedOf(reported: unknown, quote: Quote): Fields {
  if (reported === undefined) return {}
  const fields = fieldsOf(reported, 'reported')
  onlyFields(fields, ['amount', 'currency', 'source'], 'reported.')
  const amount = decimalOf(fields['amount'], 'reported.amount')
  const currency = fields['currency'] === undefined ? 'USD' : text(fields['currency'], 'reported.currency')
  const usd = currency === 'USD' ? amount : null
  return {
    reported_usd: usd,
    reported_source: fields['source'] ?? null,
    delta_usd: difference(usd, quote.totalUsd),
    ...(usd === null ? { reported: amount, reported_currency: currency } : {}),
  }
}

function difference(a: string | null, b: string | null): string | null {
  return a === null || b === null ? null : formatPicoUsd(parsePicoUsd(a) - parsePicoUsd(b))
}

/** Stands where a part that has no slot of its own contradicts its total: no card prices it. */
const impossible = -1

/** Throws VectorError for a name that is no unit. */
export function usageRow(usage: Fields): Float64Array {
  const row = new Float64Array(usageUnitCount).fill(Number.NaN)
  const elsewhere = new Map<string, number>()
  for (const [name, value] of Object.entries(usage)) {
    const known = unitOf(name)
    if (known !== undefined) row[unit[known]] = quantityOf(value, name)
    else if (name in countedElsewhere) elsewhere.set(name, quantityOf(value, name))
    else if (conditionOf(name) === undefined) throw new VectorError(`usage: no unit is called "${name}"`)
  }
  settleWrites(row, elsewhere.get('cache_creation_5m_input_tokens'))
  for (const [name, quantity] of elsewhere) {
    const total = row[unit[countedElsewhere[name] as UsageUnitName]]!
    if (quantity < 0 || quantity > total || !Number.isInteger(quantity)) row[unit.input] = impossible
  }
  return row
}

/** Writes that came by lifetime alone are their sum. */
function settleWrites(row: Float64Array, short: number | undefined): void {
  if (!Number.isNaN(row[unit.cacheWrite]!)) {
    const parts = (short ?? 0) + (row[unit.cacheWrite1h]! >= 0 ? row[unit.cacheWrite1h]! : 0)
    if (parts > row[unit.cacheWrite]!) row[unit.cacheWrite] = impossible
    return
  }
  const long = row[unit.cacheWrite1h]!
  if (short === undefined && Number.isNaN(long)) return
  row[unit.cacheWrite] = (short ?? 0) + (Number.isNaN(long) ? 0 : long)
}

function quantityOf(value: unknown, name: string): number {
  if (value === null) return Number.NaN
  if (typeof value === 'number') return value
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  throw new VectorError(`usage.${name}: ${JSON.stringify(value)} is no number`)
}

function conditionsOf(context: Fields, usage: Fields): CallConditions {
  const conditions: { -readonly [name in keyof CallConditions]: string } = { ...noConditions }
  for (const [name, value] of Object.entries(context)) {
    const condition = conditionOf(name)
    if (condition !== undefined) conditions[condition] = value === null ? '' : text(value, `context.${name}`)
    else if (!contextRemarks.includes(name)) throw new VectorError(`context: no condition is called "${name}"`)
  }
  for (const [name, value] of Object.entries(usage)) {
    const condition = conditionOf(name)
    if (condition !== undefined) conditions[condition] = text(value, `usage.${name}`)
  }
  return conditions
}

function idOf(vector: unknown): string {
  const id = typeof vector === 'object' && vector !== null && 'id' in vector ? vector.id : undefined
  return typeof id === 'string' ? id : ''
}
