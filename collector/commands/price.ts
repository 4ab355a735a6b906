// spanledger price: what a call would cost and how that comes about, step by step; or a whole file of such questions.

import { readFileSync } from 'node:fs'
import { PriceBook } from '../../processors/pricing/book.ts'
import type { CallConditions } from '../../processors/pricing/conditions.ts'
import { type Quote, quotePrice } from '../../processors/pricing/quote.ts'
import { quoteWords } from '../../processors/pricing/quote-words.ts'
import { namedConditions, namedUnits, vectorName, withConditions } from '../../processors/pricing/usage-names.ts'
import { VectorError } from '../../processors/pricing/vector-fields.ts'
import { answerVectors, type VectorAnswer, type VectorBooks } from '../../processors/pricing/vectors.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { instantOf } from '../command-times.ts'
import { loadPriceBook } from '../price-files.ts'
import { knownPrices } from '../prices/known-book.ts'

export default {
  name: 'price',
  summary: 'Price a call that was not made, with every step, or a file of price vectors',
  arguments: { usage: '[PROVIDER MODEL]', min: 0, max: 2 },
  options: [
    { flag: 'at', value: 'TIME', doc: 'When the call ended, 2026-11-01T09:00:00Z (now)' },
    { flag: 'as-of', value: 'TIME', doc: 'By the prices as they were known then (all that is recorded)' },
    { flag: 'project', value: 'NAME', doc: 'Project whose own prices apply (default)' },
    {
      flag: 'vectors',
      value: 'FILE',
      doc: 'Price every vector of a JSON file instead, one line each; - is standard input',
    },
    ...namedUnits.map(({ flag, doc }) => ({ flag, value: 'COUNT', doc })),
    ...namedConditions.map(({ flag, doc }) => ({ flag, value: 'WORD', doc })),
  ],
  async run(context) {
    const asOf = instant(context, 'as-of')
    const files = loadPriceBook()
    const own = knownPrices(files, context.config, { nowMs: Date.now(), asOf })
    if (own.findings.length > 0 && !own.hasGoodFile)
      throw new UsageError(`prices_file: ${own.findings[0]}; spanledger prices check lists all ${own.findings.length}`)
    for (const finding of own.findings) context.note(finding)
    if (own.findings.length > 0) context.note('the file of own prices is wrong: the last good one is used')
    const books: VectorBooks = { files, options: own.options, project: context.option('project') ?? 'default' }
    const file = context.option('vectors')
    return file === undefined ? priceCall(context, books) : priceVectors(context, books, file)
  },
} satisfies Command

function priceCall(context: CommandContext, { files, options, project }: VectorBooks): number {
  const [provider, model] = context.arguments
  if (provider === undefined || model === undefined)
    throw new UsageError('price takes PROVIDER MODEL, or --vectors FILE; spanledger price --help shows the flags')
  const atMs = instant(context, 'at') ?? Date.now()
  const { asOf } = options
  const book = new PriceBook(files, options).forProject(project)
  const quote = quotePrice(book, { provider, model, atMs, usage: usageOf(context), conditions: conditionsOf(context) })
  const known = asOf === undefined ? 'all that is recorded' : `as known at ${new Date(asOf).toISOString()}`
  context.print(quoteData(quote), () => printable(quoteWords(quote, known)))
  return quote.status === 'priced' || quote.status === 'partial' ? exitCode.done : exitCode.finding
}

function priceVectors(context: CommandContext, books: VectorBooks, file: string): number {
  const extra = [...namedUnits, ...namedConditions].find(({ flag }) => context.has(flag))?.flag
  const wrong = context.arguments.length > 0 ? 'PROVIDER MODEL' : context.has('at') ? '--at' : extra && `--${extra}`
  if (wrong) throw new UsageError(`--vectors prices the calls of the file: ${wrong} does not go with it`)
  let isWhole = true
  try {
    for (const answer of answerVectors(parse(read(file), file), books)) {
      if ('error' in answer) isWhole = false
      context.print(answer, () => printable(answerLine(answer)))
    }
  } catch (error) {
    if (error instanceof VectorError) throw new UsageError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
  return isWhole ? exitCode.done : exitCode.finding
}

function answerLine(answer: VectorAnswer): string {
  const field = (name: string): string =>
    answer[name] === null || answer[name] === undefined ? '-' : String(answer[name])
  if ('error' in answer) return `${answer.id}  error: ${field('error')}`
  return [answer.id, field('status'), field('reason'), field('total_usd'), field('price_entry')].join('  ')
}

/** The quote in the names that vectors have, with the steps behind. */
function quoteData(quote: Quote): object {
  const { usage, unpricedUnits, split, lookups, card, ...rest } = quote
  return {
    status: rest.status,
    reason: rest.reason === '' ? null : rest.reason,
    total_usd: rest.totalUsd,
    currency: card?.currency ?? null,
    total: rest.total,
    total_exact: rest.exactTotal?.text ?? null,
    total_rounded: rest.exactTotal?.isRounded ?? false,
    components: rest.components.map(({ amountUsd, isRounded, exact, ...component }) => ({
      ...component,
      amount_usd: amountUsd,
      ...(isRounded ? { exact, rounded: true } : {}),
    })),
    flags: rest.flags,
    unpriced_units: unpricedUnits.map(vectorName),
    suggestion: rest.suggestion,
    price_entry: card?.entry.id ?? null,
    price_book: rest.priceBook,
    price_source: card === null ? null : card.match === 'override' ? 'override' : 'catalogue',
    asked: {
      provider: rest.provider.given,
      canonical_provider: rest.provider.canonical,
      model: rest.model,
      at: rest.at,
      usage: Object.fromEntries(
        namedUnits.flatMap(({ name, vectorName: key }) => (usage[name] === undefined ? [] : [[key, usage[name]]])),
      ),
      conditions: rest.conditions,
    },
    lookups: lookups.map(({ isOverride, entries, ...lookup }) => ({
      ...lookup,
      price_source: isOverride ? 'override' : 'catalogue',
      entries: entries.map(({ entry, verdict }) => ({ id: entry.id, ...verdict })),
    })),
    chosen: card === null ? null : { match: card.match, model: card.model, band: card.band, entry: card.entry },
    split,
  }
}

function usageOf(context: CommandContext): Float64Array {
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const { name, flag } of namedUnits) {
    const given = context.option(flag)
    if (given === undefined) continue
    const isFraction = name === 'audioSeconds' || name === 'videoSeconds'
    const isCount = (isFraction ? /^\d+(\.\d+)?$/ : /^\d+$/).test(given) && Number(given) <= Number.MAX_SAFE_INTEGER
    if (!isCount)
      throw new UsageError(
        `--${flag}: "${given.slice(0, 64)}" is no ${isFraction ? 'quantity such as 12.5' : 'count such as 12000'}`,
      )
    usage[unit[name]] = Number(given)
  }
  return usage
}

function conditionsOf(context: CommandContext): CallConditions {
  return withConditions(Object.fromEntries(namedConditions.map(({ name, flag }) => [name, context.option(flag) ?? ''])))
}

function instant({ option }: CommandContext, flag: string): number | undefined {
  const given = option(flag)
  return given === undefined ? undefined : instantOf(flag, given, 'UTC').epochMilliseconds
}

/** Names come from files and callers, and are on their way to a terminal. */
function printable(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, '�')
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new UsageError(`--vectors: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--vectors: ${file} is not JSON`, { cause: error })
  }
}
