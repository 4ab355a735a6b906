// Our book beside a public list, at one instant: per model and condition the same, different, or with one of them only.

import { type UsageUnitName, usageUnits } from '../../schemas/usage.ts'
import { noConditions, PriceBook } from './book.ts'
import { bandFor, type Card, picoFraction, priceFlags } from './card.ts'
import type { CallConditions } from './conditions.ts'
import { type ConditionName, type ConditionTest, conditionNames, type PriceFile, type When } from './file.ts'
import type { ListedEntry } from './price-list.ts'

export interface RateDifference {
  readonly unit: UsageUnitName
  /** From this many input tokens on; 0 for all sizes, or for those below the next. */
  readonly fromTokens: number
  /** USD per published unit, as `2.5 / 1000000`. */
  readonly ours: string
  readonly theirs: string
  /** Theirs by ours; null where ours is 0. */
  readonly ratio: number | null
}

export interface ComparedModel {
  readonly provider: string
  readonly model: string
  /** Those that the list has a price under; empty for the standard price. */
  readonly conditions: Partial<CallConditions>
  readonly verdict: 'same' | 'differs' | 'only_ours' | 'only_theirs'
  readonly differences: readonly RateDifference[]
  /** Units that one of them has no rate for; no difference by themselves. */
  readonly unitsOnlyOurs: readonly UsageUnitName[]
  readonly unitsOnlyTheirs: readonly UsageUnitName[]
  readonly priceEntry: string | null
}

export interface Comparison {
  readonly rows: readonly ComparedModel[]
  /** Models of providers that we have no prices of. */
  readonly otherProviders: Readonly<Record<string, number>>
}

export interface CompareFilter {
  readonly provider?: string | undefined
  /** Start of the model's name. */
  readonly model?: string | undefined
}

/** The list as a book, so that dates, clock times and conditions are chosen by the same rules on both sides. */
export function bookOfList(entries: readonly ListedEntry[], files: readonly PriceFile[]): PriceBook {
  const byProvider = Map.groupBy(entries, ({ provider }) => provider)
  return new PriceBook(
    [...byProvider].map(([provider, own]): PriceFile => {
      const { modelPaths, spellings } = files.find((file) => file.provider === provider) ?? {}
      return {
        provider,
        ...(modelPaths === undefined ? {} : { modelPaths }),
        ...(spellings === undefined ? {} : { spellings }),
        entries: own.map((entry, i) => ({
          ...entry,
          id: `${provider}/list#${i}`,
          recordedAt: '1970-01-01T00:00:00Z',
          currency: 'USD',
          source: [],
          confidence: 'low',
        })),
      }
    }),
  )
}

/** Standard price first, then each condition that the list names for the model. */
export function questionsOf(entries: readonly ListedEntry[]): Map<string, readonly Partial<CallConditions>[]> {
  const questions = new Map<string, Map<string, Partial<CallConditions>>>()
  for (const { provider, models, when = {} } of entries)
    for (const model of models.exact) {
      const key = `${provider}\0${model}`
      const known = questions.get(key) ?? new Map([['{}', {}]])
      const said = sampleOf(when)
      known.set(JSON.stringify(said), said)
      questions.set(key, known)
    }
  return new Map([...questions].map(([key, known]) => [key, [...known.values()]]))
}

export function compareList(
  ours: PriceBook,
  entries: readonly ListedEntry[],
  { files, atMs, filter = {} }: { files: readonly PriceFile[]; atMs: number; filter?: CompareFilter },
): Comparison {
  const theirs = bookOfList(entries, files)
  const our = new Set(files.map(({ provider }) => provider))
  const otherProviders: Record<string, number> = {}
  const rows: ComparedModel[] = []
  const covered = new Set<string>()
  for (const [key, questions] of questionsOf(entries)) {
    const [provider = '', model = ''] = key.split('\0')
    if (!our.has(provider)) {
      otherProviders[provider] = (otherProviders[provider] ?? 0) + 1
      continue
    }
    covered.add(provider)
    if (!isWanted(provider, model, filter)) continue
    for (const conditions of questions) {
      const row = compareModel(ours, theirs, { provider, model, conditions, atMs })
      if (row !== null) rows.push(row)
    }
  }
  for (const file of files) if (covered.has(file.provider)) rows.push(...onlyOurs(ours, theirs, file, atMs, filter))
  return { rows, otherProviders }
}

function isWanted(provider: string, model: string, filter: CompareFilter): boolean {
  return (filter.provider ?? provider) === provider && model.startsWith(filter.model ?? '')
}

function compareModel(
  ours: PriceBook,
  theirs: PriceBook,
  asked: { provider: string; model: string; conditions: Partial<CallConditions>; atMs: number },
): ComparedModel | null {
  const { provider, model, conditions } = asked
  const their = cardUnder(theirs, asked)
  if (their === null) return null
  const our = cardUnder(ours, asked)
  const row = { provider, model, conditions }
  const none = { differences: [], unitsOnlyOurs: [], unitsOnlyTheirs: [], priceEntry: null }
  if (our === null) return { ...row, ...none, verdict: 'only_theirs' }
  const differences = differencesOf(our, their)
  const units = (a: Card, b: Card): UsageUnitName[] =>
    usageUnits.flatMap(({ name }) => (hasRate(a, name) && !hasRate(b, name) ? [name] : []))
  return {
    ...row,
    verdict: differences.length === 0 ? 'same' : 'differs',
    differences,
    unitsOnlyOurs: units(our, their),
    unitsOnlyTheirs: units(their, our),
    priceEntry: our.entry,
  }
}

/** Null for a miss, and where nothing but the standard rate stands in for a condition. */
export function cardUnder(
  book: PriceBook,
  asked: { provider: string; model: string; conditions: Partial<CallConditions>; atMs: number },
): Card | null {
  const { provider, model, conditions, atMs } = asked
  const resolution = book.resolve(provider, model, { ...noConditions, ...conditions }, atMs)
  if (resolution.kind === 'miss') return null
  const { card } = resolution
  return (card.flags & priceFlags.standard_rate_used) !== 0 || card.match === 'inferred' ? null : card
}

/** Rates that both have and that are not the same, size by size. */
export function differencesOf(our: Card, their: Card): RateDifference[] {
  const edges = [...our.bands, ...their.bands].flatMap(({ over }) => (over < 0 ? [] : [over, over + 1]))
  const found: RateDifference[] = []
  const last = new Map<UsageUnitName, string>()
  for (const fromTokens of [...new Set([0, ...edges])].sort((a, b) => a - b)) {
    const ourBand = bandFor(our, fromTokens, 0)
    const theirBand = bandFor(their, fromTokens, 0)
    for (const { name: unit } of usageUnits) {
      const a = ourBand.published.get(unit)
      const b = theirBand.published.get(unit)
      if (a === undefined || b === undefined) continue
      const pair = `${a.price}/${a.per} ${b.price}/${b.per}`
      if (last.get(unit) === pair) continue
      last.set(unit, pair)
      const [x, y] = [picoFraction(a.price, a.per), picoFraction(b.price, b.per)]
      if (x.numerator * y.denominator === y.numerator * x.denominator) continue
      const ratio = x.numerator === 0n ? null : Number(b.price) / b.per / (Number(a.price) / a.per)
      found.push({
        unit,
        fromTokens,
        ours: `${a.price} / ${a.per}`,
        theirs: `${b.price} / ${b.per}`,
        ratio: ratio === null ? null : Number(ratio.toPrecision(6)),
      })
    }
  }
  return found
}

function onlyOurs(
  ours: PriceBook,
  theirs: PriceBook,
  { provider, entries }: PriceFile,
  atMs: number,
  filter: CompareFilter,
): ComparedModel[] {
  const ids = new Set(entries.flatMap(({ models }) => models.exact))
  return [...ids].flatMap((model): ComparedModel[] => {
    const asked = { provider, model, conditions: {}, atMs }
    if (!isWanted(provider, model, filter)) return []
    const card = cardUnder(ours, asked)
    if (card === null || cardUnder(theirs, asked) !== null) return []
    const none = { differences: [], unitsOnlyOurs: [], unitsOnlyTheirs: [] }
    return [{ provider, model, conditions: {}, verdict: 'only_ours', ...none, priceEntry: card.entry }]
  })
}

function hasRate(card: Card, unit: UsageUnitName): boolean {
  return card.bands[0]?.published.has(unit) === true
}

/** Values under which the conditions hold; a schedule is a matter of the instant. */
function sampleOf(when: When): Partial<CallConditions> {
  const said: { [name in ConditionName]?: string } = {}
  for (const name of conditionNames) {
    const value = sampleValue(when[name])
    if (value !== '') said[name] = value
  }
  return said
}

function sampleValue(test: ConditionTest | null | undefined): string {
  if (test === undefined || test === null) return ''
  if (typeof test === 'string') return test
  return 'not' in test ? '' : (test.find((value) => value !== '') ?? '')
}
