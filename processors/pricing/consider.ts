// Which entries a question met on the way to its price, and why each of them was not the one: the story of a selection,
// told by the same tests that `Shelf` chooses by.

import type { PriceBook } from './book.ts'
import type { MatchKind } from './card.ts'
import type { CallConditions } from './conditions.ts'
import type { ConditionName, ConditionTest, ModelAlias, PriceEntry } from './file.ts'
import { scheduleHolds, Window } from './schedule.ts'
import { type Candidate, candidateOf, grouped, instant, isBetter, passes, type Shelf, specificity } from './shelf.ts'

export type Verdict =
  | { readonly kind: 'chosen' }
  /** Recorded after the instant the book is asked as of. */
  | { readonly kind: 'not_known_yet'; readonly recordedAt: string }
  | { readonly kind: 'superseded'; readonly by: string }
  | { readonly kind: 'not_valid_then'; readonly validFrom: string | null; readonly validTo: string | null }
  | { readonly kind: 'schedule_off' }
  | {
      readonly kind: 'condition_not_met'
      readonly condition: ConditionName
      readonly value: string
      readonly wants: ConditionTest
    }
  /** Its conditions hold too, but another goes first. */
  | {
      readonly kind: 'outranked'
      readonly by: string
      readonly why: 'more_conditions' | 'recorded_later' | 'starts_later' | 'order'
    }

export interface Considered {
  readonly entry: PriceEntry
  readonly verdict: Verdict
}

/** One name looked up on one shelf. */
export interface Lookup {
  /** Whether it was looked for among overrides (of a scope) or in the catalogue. */
  readonly isOverride: boolean
  readonly scope: string | null
  /** Name looked up: as given, or without a listed path in front. */
  readonly name: string
  readonly match: Exclude<MatchKind, 'override' | 'inferred'>
  /** For an alias or a prefix: what it led to. */
  readonly target: string
  readonly entries: readonly Considered[]
}

/** All look-ups up to the one that decided. `provider` is canonical. */
export function considered(
  book: PriceBook,
  asked: { provider: string; model: string; conditions: CallConditions; atMs: number },
): Lookup[] {
  const lookups: Lookup[] = []
  places: for (const { isOverride, shelf } of book.places(asked.provider, asked.model)) {
    for (const { name, implied } of shelf.readings(asked.model)) {
      const said = shelf.spelled(asked.conditions, implied)
      for (const { match, target, entries } of found(shelf, name, book.asOf, asked.atMs)) {
        const verdicts = judged({ shelf, entries, said, atMs: asked.atMs, asOf: book.asOf })
        const scope = isOverride ? scopeOf(entries) : null
        lookups.push({ isOverride, scope, name, match, target, entries: verdicts })
        const kinds = verdicts.map(({ verdict }) => verdict.kind)
        const chosen = verdicts.find(({ verdict }) => verdict.kind === 'chosen')
        // A discount is off what the catalogue gives: the look-ups go on there.
        if (chosen !== undefined && isOverride && 'discount' in chosen.entry) continue places
        if (chosen !== undefined) return lookups
        // Valid then, but under other conditions only: the catalogue looks no further.
        if (!isOverride && kinds.some((kind) => kind === 'condition_not_met' || kind === 'schedule_off')) return lookups
      }
    }
  }
  return lookups
}

interface Met {
  readonly match: Lookup['match']
  readonly target: string
  readonly entries: readonly PriceEntry[]
}

/** Exact id, then alias, then prefixes, the longest first: each with all entries under it, unknown and superseded too. */
function* found(shelf: Shelf, name: string, asOf: number, atMs: number): Generator<Met> {
  const { aliases = [] } = shelf.file
  const { exactNames, prefixes } = indexOf(shelf)
  const under = (id: string): readonly PriceEntry[] => exactNames.get(id) ?? []
  const exact = under(name)
  if (exact.length > 0) yield { match: 'exact', target: name, entries: exact }
  const target = aliasTarget(aliases, { name, asOf, atMs })
  if (target !== null) yield { match: 'alias', target, entries: under(target) }
  for (const [prefix, own] of prefixes)
    if (name.startsWith(prefix)) yield { match: 'prefix', target: `${prefix}*`, entries: own }
}

/** All entries of a shelf by name, those that it does not choose from too. */
interface Index {
  readonly exactNames: ReadonlyMap<string, readonly PriceEntry[]>
  /** Longest first. */
  readonly prefixes: readonly (readonly [string, readonly PriceEntry[]])[]
  readonly replacing: readonly PriceEntry[]
}

const indexes = new WeakMap<Shelf, Index>()

function indexOf(shelf: Shelf): Index {
  const known = indexes.get(shelf)
  if (known !== undefined) return known
  const { entries } = shelf.file
  const index: Index = {
    exactNames: grouped(entries, ({ models }) => models.exact),
    prefixes: [...grouped(entries, ({ models }) => models.prefix ?? [])].sort(([a], [b]) => b.length - a.length),
    replacing: entries.filter(({ supersedes }) => supersedes !== undefined),
  }
  indexes.set(shelf, index)
  return index
}

function aliasTarget(
  aliases: readonly ModelAlias[],
  asked: { name: string; asOf: number; atMs: number },
): string | null {
  const open = aliases.filter(
    ({ alias, recordedAt, validFrom, validTo }) =>
      alias === asked.name &&
      Date.parse(recordedAt) <= asked.asOf &&
      asked.atMs >= instant(validFrom, Number.NEGATIVE_INFINITY) &&
      asked.atMs < instant(validTo, Number.POSITIVE_INFINITY),
  )
  const newest = open.reduce<ModelAlias | null>(
    (best, each) => (best === null || Date.parse(each.recordedAt) > Date.parse(best.recordedAt) ? each : best),
    null,
  )
  return newest?.model ?? null
}

function judged(parts: {
  shelf: Shelf
  entries: readonly PriceEntry[]
  said: CallConditions
  atMs: number
  asOf: number
}): Considered[] {
  const { shelf, entries, said, atMs, asOf } = parts
  const known = indexOf(shelf).replacing.filter(({ recordedAt }) => Date.parse(recordedAt) <= asOf)
  const replacedBy = new Map(
    known.flatMap((entry) => (entry.supersedes === undefined ? [] : [[entry.supersedes, entry.id]])),
  )
  const first = entries.map((entry): { candidate: Candidate; verdict: Verdict | null } => {
    const candidate = candidateOf(entry, shelf.file)
    return { candidate, verdict: obstacle(candidate, { replacedBy, said, atMs, asOf }) }
  })
  let best: Candidate | null = null
  for (const { candidate, verdict } of first)
    if (verdict === null && (best === null || isBetter(candidate, best))) best = candidate
  return first.map(({ candidate, verdict }) => ({
    entry: candidate.entry,
    verdict: verdict ?? (best === null || candidate === best ? { kind: 'chosen' } : outranked(candidate, best)),
  }))
}

function obstacle(
  candidate: Candidate,
  asked: { replacedBy: ReadonlyMap<string, string>; said: CallConditions; atMs: number; asOf: number },
): Verdict | null {
  const { entry } = candidate
  if (candidate.recordedMs > asked.asOf) return { kind: 'not_known_yet', recordedAt: entry.recordedAt }
  const by = asked.replacedBy.get(entry.id)
  if (by !== undefined) return { kind: 'superseded', by }
  if (asked.atMs < candidate.fromMs || asked.atMs >= candidate.toMs)
    return { kind: 'not_valid_then', validFrom: entry.validFrom, validTo: entry.validTo }
  const failed = candidate.tests.find(({ name, test }) => !passes(test, asked.said[name]))
  if (failed !== undefined)
    return { kind: 'condition_not_met', condition: failed.name, value: asked.said[failed.name], wants: failed.test }
  const isOn = candidate.schedule === null || scheduleHolds(candidate.schedule, new Window(asked.atMs))
  return isOn ? null : { kind: 'schedule_off' }
}

function outranked(candidate: Candidate, best: Candidate): Verdict {
  const why =
    specificity(candidate) !== specificity(best)
      ? 'more_conditions'
      : candidate.recordedMs !== best.recordedMs
        ? 'recorded_later'
        : candidate.fromMs !== best.fromMs
          ? 'starts_later'
          : 'order'
  return { kind: 'outranked', by: best.entry.id, why }
}

function scopeOf(entries: readonly PriceEntry[]): string {
  const [first] = entries
  return first !== undefined && 'scope' in first ? String(first.scope) : 'installation'
}
