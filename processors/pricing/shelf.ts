// The entries of one provider, by the names they are known under, and the choice among them: the most specific whose
// conditions hold, of these the newest recorded.

import { type Card, type CompiledEntry, compileEntry, type MatchKind, priceFlags } from './card.ts'
import { type CallConditions, noConditions } from './conditions.ts'
import {
  type ConditionName,
  type ConditionTest,
  conditionNames,
  type ModelAlias,
  type PriceEntry,
  type PriceFile,
} from './file.ts'
import { type Reading, readingsOf } from './model-names.ts'
import { type CompiledSchedule, compileSchedule, scheduleHolds, type Window } from './schedule.ts'

/** An entry made ready for choosing. */
export interface Candidate {
  readonly entry: PriceEntry
  readonly fromMs: number
  readonly toMs: number
  readonly recordedMs: number
  readonly tests: readonly { readonly name: ConditionName; readonly test: ConditionTest }[]
  readonly schedule: CompiledSchedule | null
  compiled: CompiledEntry | null
}

interface DatedAlias {
  readonly model: string
  readonly fromMs: number
  readonly toMs: number
  readonly recordedMs: number
}

export interface Found {
  readonly candidate: Candidate
  readonly match: MatchKind
  readonly model: string
  readonly flags: number
}

/** Reported names whose readings are kept; more than any provider has models in use. */
const readMax = 2000

/** The entries of one provider (or of one scope of overrides), by name. */
export class Shelf {
  readonly provider: string
  /** As it came, with entries that were recorded too late to be known. */
  readonly file: PriceFile
  readonly entries: readonly Candidate[]
  readonly exact: ReadonlyMap<string, readonly Candidate[]>
  readonly records: readonly (PriceEntry | ModelAlias)[]
  private readonly aliases: ReadonlyMap<string, readonly DatedAlias[]>
  /** Longest first, so that the first hit is the longest by construction. */
  private readonly prefixes: readonly { readonly prefix: string; readonly candidates: readonly Candidate[] }[]
  private readonly read = new Map<string, readonly Reading[]>()
  /** Listed names by their lower case, where the provider takes any case. */
  private readonly listedAs: ReadonlyMap<string, string> | null
  /** How the provider's names and values are spelled. */
  readonly words: Pick<PriceFile, 'modelPaths' | 'modelSuffixes' | 'spellings' | 'implies' | 'calendars'>

  constructor(file: PriceFile, asOf: number) {
    this.provider = file.provider
    this.file = file
    const { modelPaths = [], modelSuffixes = [], spellings = {}, implies = {}, calendars = {} } = file
    this.words = { modelPaths, modelSuffixes, spellings, implies, calendars }
    const known = file.entries.filter((entry) => Date.parse(entry.recordedAt) <= asOf)
    this.entries = known.map((entry) => candidateOf(entry, file))
    const superseded = new Set(known.flatMap((entry) => entry.supersedes ?? []))
    const standing = this.entries.filter(({ entry }) => !superseded.has(entry.id))
    this.exact = grouped(standing, ({ entry }) => entry.models.exact)
    const prefixes = grouped(standing, ({ entry }) => entry.models.prefix ?? [])
    this.prefixes = [...prefixes]
      .map(([prefix, candidates]) => ({ prefix, candidates }))
      .sort((a, b) => b.prefix.length - a.prefix.length)
    const aliases = (file.aliases ?? []).filter((alias) => Date.parse(alias.recordedAt) <= asOf)
    this.aliases = new Map(
      [...grouped(aliases, ({ alias }) => [alias])].map(([name, records]) => [name, records.map(datedAlias)]),
    )
    this.records = [...known, ...aliases]
    const listed = [...this.exact.keys(), ...this.aliases.keys()]
    this.listedAs = file.ignoresCase === true ? new Map(listed.map((name) => [name.toLowerCase(), name])) : null
  }

  /** null: no such name, or not at that time. */
  find(reported: string, conditions: CallConditions, window: Window): Found | 'no_rate_for_tier' | null {
    for (const { name, implied } of this.readings(reported)) {
      const found = this.findName(name, this.spelled(conditions, implied), window)
      if (found !== null) return found
    }
    return null
  }

  /** By exact id alone; null also when its entries hold under other conditions only. */
  findExact(reported: string, conditions: CallConditions, window: Window): Found | null {
    for (const { name, implied } of this.readings(reported)) {
      const chosen = choose(this.exact.get(name) ?? [], this.spelled(conditions, implied), window)
      if (chosen !== null && chosen !== 'no_rate_for_tier') return { ...chosen, match: 'exact', model: name }
    }
    return null
  }

  /** By the longest prefix alone, the empty one last. */
  findPrefix(reported: string, conditions: CallConditions, window: Window): Found | null {
    const readings = this.readings(reported)
    for (const { prefix, candidates } of this.prefixes) {
      const reading = readings.find(({ name }) => name.startsWith(prefix))
      if (reading === undefined) continue
      const chosen = choose(candidates, this.spelled(conditions, reading.implied), window)
      if (chosen !== null && chosen !== 'no_rate_for_tier') return { ...chosen, match: 'prefix', model: reading.name }
    }
    return null
  }

  /** The card of what was found, with the window still open on both sides. */
  cardOf({ candidate, model, flags }: Found, match: MatchKind): Card {
    candidate.compiled ??= compileEntry(candidate.entry)
    return {
      entry: candidate.entry.id,
      provider: this.provider,
      model,
      match,
      fromMs: Number.NEGATIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
      currency: candidate.compiled.currency,
      flags,
      reason: (flags & priceFlags.standard_rate_used) !== 0 ? 'no_rate_for_tier' : '',
      bands: candidate.compiled.bands,
      minimum: candidate.compiled.minimum,
    }
  }

  /** Whether anything is filed under the name, at whatever time. */
  knows(reported: string): boolean {
    return this.readings(reported).some(
      ({ name }) =>
        this.exact.has(name) ||
        this.aliases.has(name) ||
        this.prefixes.some(({ prefix }) => prefix !== '' && name.startsWith(prefix)),
    )
  }

  private findName(model: string, said: CallConditions, window: Window): Found | 'no_rate_for_tier' | null {
    const exact = this.exact.get(model)
    if (exact !== undefined) {
      const chosen = choose(exact, said, window)
      if (chosen === 'no_rate_for_tier') return chosen
      if (chosen !== null) return { ...chosen, match: 'exact', model }
    }
    const target = newestAlias(this.aliases.get(model) ?? [], window)
    if (target !== '') {
      const chosen = choose(this.exact.get(target) ?? [], said, window)
      if (chosen === 'no_rate_for_tier') return chosen
      if (chosen !== null) return { ...chosen, match: 'alias', model: target }
    }
    for (const { prefix, candidates } of this.prefixes) {
      if (!model.startsWith(prefix)) continue
      const chosen = choose(candidates, said, window)
      if (chosen === 'no_rate_for_tier') return chosen
      if (chosen !== null) return { ...chosen, match: 'prefix', model: chosen.candidate.entry.models.exact[0] ?? model }
    }
    return null
  }

  /** The name as it came, then what is left without each piece in front, then without each listed ending in turn. */
  readings(reported: string): readonly Reading[] {
    let readings = this.read.get(reported)
    if (readings === undefined) {
      if (this.read.size >= readMax) this.read.clear()
      readings = this.readingsOf(reported)
      this.read.set(reported, readings)
    }
    return readings
  }

  private readingsOf(reported: string): readonly Reading[] {
    const readings = [...readingsOf(this.provider, reported)]
    let { name, implied } = readings.at(-1)!
    const add = (next: string): void => {
      if (next !== name) readings.push({ name: next, implied })
      name = next
    }
    add(this.withoutPath(name))
    for (let next = this.withoutSuffix(name); next !== name; next = this.withoutSuffix(name)) add(next)
    return this.listedAs === null ? readings : readings.flatMap((reading) => [reading, ...this.otherCase(reading)])
  }

  private otherCase({ name, implied }: Reading): readonly Reading[] {
    const listed = this.listedAs?.get(name.toLowerCase())
    return listed === undefined || listed === name ? [] : [{ name: listed, implied }]
  }

  /** `projects/p/…/publishers/google/models/x` → `x`. */
  private withoutPath(name: string): string {
    for (const path of this.words.modelPaths ?? []) {
      const at = name.startsWith(path) ? 0 : name.indexOf(`/${path}`) + 1
      if (at > 0 || name.startsWith(path)) return name.slice(at + path.length)
    }
    return name
  }

  /** `x:free:online` → `x:free`: what is left may have a price of its own, so one at a time. */
  private withoutSuffix(name: string): string {
    const suffix = (this.words.modelSuffixes ?? []).find((ending) => name.endsWith(ending))
    return suffix === undefined ? name : name.slice(0, -suffix.length)
  }

  /** The values a call was served under, in the provider's file's words; what the model's name implies goes first. */
  spelled(conditions: CallConditions, implied: Partial<CallConditions> = {}): CallConditions {
    const isPlain = Object.keys(implied).length === 0
    if (conditions === noConditions && isPlain) return conditions
    const said = {} as { -readonly [name in ConditionName]: string }
    for (const name of conditionNames) said[name] = spelledValue(this.words, name, implied[name] ?? conditions[name])
    for (const name of conditionNames) Object.assign(said, this.words.implies?.[name]?.[said[name]])
    return said
  }
}

/** A condition's value in the words of price entries. */
export function spelledValue({ spellings }: Pick<PriceFile, 'spellings'>, name: ConditionName, value: string): string {
  const lower = value.toLowerCase()
  return spellings?.[name]?.[lower] ?? commonSpellings[name]?.[lower] ?? lower
}

/** Words for "nothing special" at any provider. `auto` is what was asked for: it does not say what was served. */
const commonSpellings: NonNullable<PriceFile['spellings']> = {
  serviceTier: { default: 'standard', on_demand: 'standard', auto: '' },
  speed: { standard: '', normal: '' },
}

type Choice = { readonly candidate: Candidate; readonly flags: number }

/** null: nothing valid at the time; 'no_rate_for_tier': something is, under other conditions only. */
function choose(
  candidates: readonly Candidate[],
  said: CallConditions,
  window: Window,
): Choice | 'no_rate_for_tier' | null {
  const { atMs } = window
  let best: Candidate | null = null
  const valid: Candidate[] = []
  for (const candidate of candidates) {
    window.note(candidate.fromMs)
    window.note(candidate.toMs)
    if (atMs < candidate.fromMs || atMs >= candidate.toMs) continue
    valid.push(candidate)
    const isOn = candidate.schedule === null || scheduleHolds(candidate.schedule, window)
    if (!isOn || !candidate.tests.every(({ name, test }) => passes(test, said[name]))) continue
    if (best === null || isBetter(candidate, best)) best = candidate
  }
  if (best !== null) return { candidate: best, flags: flagsOf(best, valid, said) }
  return valid.length === 0 ? null : 'no_rate_for_tier'
}

/** More conditions, then newer knowledge, then the later start, then the order of condition names. */
export function isBetter(a: Candidate, b: Candidate): boolean {
  const difference = specificity(a) - specificity(b)
  if (difference !== 0) return difference > 0
  if (a.recordedMs !== b.recordedMs) return a.recordedMs > b.recordedMs
  if (a.fromMs !== b.fromMs) return a.fromMs > b.fromMs
  return rank(a) < rank(b)
}

export function specificity(candidate: Candidate): number {
  return candidate.tests.filter(({ test }) => !isAny(test)).length + (candidate.schedule === null ? 0 : 1)
}

function rank(candidate: Candidate): number {
  return candidate.tests.reduce((sum, { name }) => sum + 2 ** conditionNames.indexOf(name), 0)
}

/** Says that the entry holds whatever the value: no condition, but a word on it. */
export function isAny(test: ConditionTest): boolean {
  return typeof test === 'object' && 'not' in test && test.not.length === 0
}

export function passes(test: ConditionTest, value: string): boolean {
  if (typeof test === 'string') return value === test
  return 'not' in test ? !test.not.includes(value) : test.includes(value)
}

function flagsOf(chosen: Candidate, valid: readonly Candidate[], said: CallConditions): number {
  let flags = chosen.entry.announced === true ? priceFlags.announced_price : 0
  const isNamed = (name: ConditionName): boolean =>
    valid.some(({ tests }) => tests.some((each) => each.name === name && !isAny(each.test)))
  for (const name of conditionNames) {
    const value = said[name]
    if (value === '' || (name === 'serviceTier' && value === 'standard') || names(chosen, name)) continue
    // A tier or speed nobody priced matters always, a region or size only where this model's price depends on it.
    if (name === 'serviceTier' || name === 'speed' || isNamed(name)) flags |= priceFlags.standard_rate_used
  }
  if (said.serviceTier === '' && isNamed('serviceTier')) flags |= priceFlags.tier_assumed
  return flags
}

function names(candidate: Candidate, name: ConditionName): boolean {
  return candidate.tests.some((test) => test.name === name)
}

function newestAlias(aliases: readonly DatedAlias[], window: Window): string {
  let newest: DatedAlias | null = null
  for (const alias of aliases) {
    window.note(alias.fromMs)
    window.note(alias.toMs)
    if (window.atMs < alias.fromMs || window.atMs >= alias.toMs) continue
    if (newest === null || alias.recordedMs > newest.recordedMs) newest = alias
  }
  return newest?.model ?? ''
}

export function candidateOf(entry: PriceEntry, file: PriceFile): Candidate {
  const when = entry.when ?? {}
  const tests = conditionNames.flatMap((name) => {
    const test = when[name]
    return test === undefined || test === null ? [] : [{ name, test }]
  })
  return {
    entry,
    fromMs: instant(entry.validFrom, Number.NEGATIVE_INFINITY),
    toMs: instant(entry.validTo, Number.POSITIVE_INFINITY),
    recordedMs: Date.parse(entry.recordedAt),
    tests,
    schedule: when.schedule ? compileSchedule(when.schedule, file.calendars ?? {}) : null,
    compiled: null,
  }
}

function datedAlias(alias: ModelAlias): DatedAlias {
  return {
    model: alias.model,
    fromMs: instant(alias.validFrom, Number.NEGATIVE_INFINITY),
    toMs: instant(alias.validTo, Number.POSITIVE_INFINITY),
    recordedMs: Date.parse(alias.recordedAt),
  }
}

export function instant(text: string | null, open: number): number {
  if (text === null) return open
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new RangeError(`not an instant: "${text}"`)
  return ms
}

/** Items by key, in their order; an item may have several keys. */
export function grouped<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items)
    for (const key of keysOf(item)) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [item])
      else group.push(item)
    }
  return groups
}
