// What public lists say and our book does not → entries in our form, for somebody to read, date and add. Nothing is added
// here. Lists copy each other: two that agree are taken for more than one, and named.

import type { PriceBook } from './book.ts'
import type { Card } from './card.ts'
import { checkPriceFiles } from './check.ts'
import type { CallConditions } from './conditions.ts'
import type { PriceEntry, PriceFile, PriceSource } from './file.ts'
import { bookOfList, type CompareFilter, cardUnder, compareList, differencesOf } from './list-compare.ts'
import type { ListedEntry } from './price-list.ts'

export interface NamedList {
  /** As a source. */
  readonly name: string
  readonly entries: readonly ListedEntry[]
}

export interface Proposal {
  readonly provider: string
  readonly entry: PriceEntry
  /** Lists with these rates. */
  readonly agree: readonly string[]
  /** Lists with others. */
  readonly differ: readonly string[]
  /** Our entry for the same call, null where we have none. Its end and the true start are for a person to find. */
  readonly instead: string | null
}

export interface Proposals {
  readonly proposals: readonly Proposal[]
  /** What the build checks would say of our files with all of it added. */
  readonly findings: readonly string[]
}

export interface ProposeOptions {
  readonly files: readonly PriceFile[]
  /** Instant compared at: Unix milliseconds. */
  readonly atMs: number
  /** Day the lists were read, `YYYY-MM-DD`. */
  readonly readOn: string
  readonly recordedAt: string
  readonly filter?: CompareFilter
}

interface Candidate {
  readonly list: string
  readonly card: Card
  readonly entry: ListedEntry
}

export function proposeEntries(ours: PriceBook, lists: readonly NamedList[], options: ProposeOptions): Proposals {
  const { files, atMs, filter = {} } = options
  const books = lists.map(({ name, entries }) => ({ name, entries, book: bookOfList(entries, files) }))
  const asked = new Map<string, { provider: string; model: string; conditions: Partial<CallConditions> }>()
  for (const { entries } of lists)
    for (const { verdict, provider, model, conditions } of compareList(ours, entries, { files, atMs, filter }).rows)
      if (verdict === 'differs' || verdict === 'only_theirs')
        asked.set(`${provider}\0${model}\0${JSON.stringify(conditions)}`, { provider, model, conditions })
  const numbers = new Map<string, number>()
  const proposals = [...asked.values()].flatMap((question): Proposal[] => {
    const candidates = books.flatMap(({ name, entries, book }): Candidate[] => {
      const card = cardUnder(book, { ...question, atMs })
      const entry = card === null ? undefined : entryOf(entries, card)
      return card === null || entry === undefined ? [] : [{ list: name, card, entry }]
    })
    const our = cardUnder(ours, { ...question, atMs })
    // Another name of a model is priced by that model's entry, which is asked about by itself.
    if (our !== null && our.match === 'alias') return []
    const [agree, differ] = majority(candidates, our)
    const [first] = agree
    if (first === undefined || (our !== null && isSame(our, first.card))) return []
    return [proposalOf(question, { agree, differ, our, options, numbers })]
  })
  return { proposals, findings: findingsWith(files, proposals) }
}

/** The greatest group of lists without a difference between them, of equals the one that agrees with us; and the others. */
function majority(candidates: readonly Candidate[], our: Card | null): [Candidate[], Candidate[]] {
  const groups = candidates.map((one) => candidates.filter((other) => isSame(one.card, other.card)))
  const isOurs = ([first]: readonly Candidate[]): number =>
    our !== null && first !== undefined && isSame(our, first.card) ? 1 : 0
  const best = groups.toSorted((a, b) => b.length - a.length || isOurs(b) - isOurs(a))[0] ?? []
  return [best, candidates.filter((each) => !best.includes(each))]
}

function isSame(a: Card, b: Card): boolean {
  return differencesOf(a, b).length === 0
}

function proposalOf(
  { provider, model }: { provider: string; model: string },
  found: {
    agree: readonly Candidate[]
    differ: readonly Candidate[]
    our: Card | null
    options: ProposeOptions
    numbers: Map<string, number>
  },
): Proposal {
  const { agree, differ, our, options, numbers } = found
  // The one that says most; all of them say the same of what they share.
  const fullest = agree.toSorted((a, b) => rateCount(b.entry) - rateCount(a.entry))[0]!
  const { when, bands, per } = fullest.entry
  const units = new Set(bands.flatMap(({ rates }) => Object.keys(rates)))
  const used = Object.entries(per).filter(([name]) => name === 'tokens' || units.has(name))
  const base = `${provider}/${model}`
  const number = (numbers.get(base) ?? lastNumber(options.files, provider, base)) + 1
  numbers.set(base, number)
  const source = agree.map(({ list }): PriceSource => ({ what: list, read: options.readOn }))
  return {
    provider,
    entry: {
      id: `${base}#${number}`,
      models: { exact: [model] },
      validFrom: our === null ? fullest.entry.validFrom : new Date(options.atMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      validTo: fullest.entry.validTo,
      recordedAt: options.recordedAt,
      ...(when === undefined ? {} : { when }),
      bands,
      per: Object.fromEntries(used),
      currency: 'USD',
      source,
      confidence: agree.length > 1 ? 'high' : 'medium',
    },
    agree: agree.map(({ list }) => list),
    differ: differ.map(({ list }) => list),
    instead: our?.entry ?? null,
  }
}

/** `bookOfList` numbers the entries of a provider as they stand. */
function entryOf(entries: readonly ListedEntry[], card: Card): ListedEntry | undefined {
  const own = entries.filter(({ provider }) => provider === card.provider)
  return own[Number(card.entry.split('#').at(-1))]
}

function rateCount({ bands }: ListedEntry): number {
  return bands.reduce((count, { rates }) => count + Object.keys(rates).length, 0)
}

function lastNumber(files: readonly PriceFile[], provider: string, base: string): number {
  const entries = files.find((file) => file.provider === provider)?.entries ?? []
  return entries.reduce((last, { id }) => {
    const [name, number = '0'] = id.split('#')
    return name === base ? Math.max(last, Number(number)) : last
  }, 0)
}

function findingsWith(files: readonly PriceFile[], proposals: readonly Proposal[]): string[] {
  const added = Map.groupBy(proposals, ({ provider }) => provider)
  const before = new Set(checkPriceFiles(files))
  const after = files.map((file) => ({
    ...file,
    entries: [...file.entries, ...(added.get(file.provider) ?? []).map(({ entry }) => entry)],
  }))
  return checkPriceFiles(after).filter((finding) => !before.has(finding))
}
