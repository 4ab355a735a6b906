// Users' own prices before the catalogue: what one project's calls are priced by.
//
//   project ─▶ its organisation ─▶ installation      in each: exact id, then alias, then longest prefix, the star last
//
// An alias begins anew with the name it stands for. A discount takes what the catalogue gives for the name and falls through
// where that is nothing.

import type { Card, CardBand, MatchKind } from '../card.ts'
import type { CallConditions } from '../conditions.ts'
import {
  type ConditionTest,
  conditionNames,
  type OverrideAlias,
  type OverrideScope,
  overrideScopes,
  type PriceEntry,
  type PriceFile,
  type PriceOverride,
  type When,
} from '../file.ts'
import { readingsOf } from '../model-names.ts'
import type { Window } from '../schedule.ts'
import { type Found, grouped, instant, Shelf, spelledValue } from '../shelf.ts'
import type { CustomBookParts } from './compile.ts'
import { discountedBands, discountedId } from './discount.ts'

/** What the catalogue gives for a name; null for a miss. */
export type Listed = (provider: string, model: string) => Card | null

/** A card, or that the call is to be looked up in the catalogue under this name. */
export type CustomAnswer =
  | { readonly card: Card }
  | { readonly provider: string; readonly model: string; readonly isAlias: boolean }

const aliasDepthMax = 8

interface DatedName {
  readonly alias: OverrideAlias
  readonly fromMs: number
  readonly toMs: number
  readonly recordedMs: number
}

interface Layer {
  readonly shelves: ReadonlyMap<string, Shelf>
  /** `provider \0 name`, the provider empty for any. */
  readonly exactNames: ReadonlyMap<string, readonly DatedName[]>
  /** Longest first. */
  readonly prefixNames: readonly { readonly prefix: string; readonly names: readonly DatedName[] }[]
}

/** All of an installation; makes the view of each project. */
export class CustomViews {
  /** Everything known as of the book, in the order it was recorded. */
  readonly overrides: readonly PriceOverride[]
  readonly aliases: readonly OverrideAlias[]
  readonly settings: CustomBookParts['settings']
  private readonly layers = new Map<string, Layer>()
  private readonly catalogue: ReadonlyMap<string, Shelf>
  private readonly organisations = new Map<string, string>()

  /** Throws RangeError for an entry that cannot be compiled. */
  constructor({ overrides, aliases, settings }: CustomBookParts, catalogue: ReadonlyMap<string, Shelf>, asOf: number) {
    const isKnown = ({ recordedAt }: { recordedAt: string }): boolean => Date.parse(recordedAt) <= asOf
    this.overrides = byRecord(overrides.filter(isKnown))
    this.aliases = byRecord(aliases.filter(isKnown))
    this.settings = settings
    this.catalogue = catalogue
    for (const [organisation, projects] of Object.entries(settings.organisations))
      for (const project of projects) this.organisations.set(project, organisation)
    const keys = new Set([...this.overrides, ...this.aliases].flatMap(layerKeys))
    for (const key of keys) this.layers.set(key, this.layer(key))
  }

  /** Of a project, or null for one that nothing narrower than the installation is for. */
  viewOf(project: string): CustomView | null {
    const organisation = this.organisationOf(project)
    const own = [this.layers.get(keyOf('project', project))]
    if (organisation !== '') own.push(this.layers.get(keyOf('organisation', organisation)))
    return own.every((layer) => layer === undefined) ? null : this.view(own[0], own[1])
  }

  /** '' for a project of none. */
  organisationOf(project: string): string {
    return this.organisations.get(project) ?? ''
  }

  /** Of everybody else. */
  installation(): CustomView {
    return this.view(undefined, undefined)
  }

  private view(project: Layer | undefined, organisation: Layer | undefined): CustomView {
    const nameless = (scope: OverrideScope): Layer | undefined => this.layers.get(keyOf(scope, ''))
    const layers = [project, nameless('project'), organisation, nameless('organisation'), nameless('installation')]
    return new CustomView(layers.filter((layer) => layer !== undefined))
  }

  private layer(key: string): Layer {
    const own = this.overrides.filter((override) => layerKeys(override).includes(key))
    const shelves = [...grouped(own, ({ provider }) => [provider])].map(([provider, entries]): [string, Shelf] => {
      const words = this.catalogue.get(provider)?.words ?? {}
      const calendars = { ...words.calendars, ...this.settings.calendars }
      const spelled = entries.map((entry) => withWords(entry, words))
      return [provider, new Shelf({ ...words, calendars, provider, entries: spelled }, Number.POSITIVE_INFINITY)]
    })
    const names = this.aliases.filter((alias) => layerKeys(alias).includes(key)).map(datedName)
    const [starred, exact] = [names.filter(isStarred), names.filter((name) => !isStarred(name))]
    return {
      shelves: new Map(shelves),
      exactNames: grouped(exact, ({ alias }) => [nameKey(alias.provider ?? '', alias.name)]),
      prefixNames: [...grouped(starred, ({ alias }) => [alias.name.slice(0, -1)])]
        .map(([prefix, each]) => ({ prefix, names: each }))
        .sort((a, b) => b.prefix.length - a.prefix.length),
    }
  }
}

/** What one project's calls are priced by. Immutable. */
export class CustomView {
  private readonly layers: readonly Layer[]
  private readonly discounted = new Map<string, readonly CardBand[]>()

  constructor(layers: readonly Layer[]) {
    this.layers = layers
  }

  get isEmpty(): boolean {
    return this.layers.length === 0
  }

  /** Own prices of a provider, narrow scopes first. */
  shelvesOf(provider: string): readonly Shelf[] {
    return this.layers.flatMap(({ shelves }) => shelves.get(provider) ?? [])
  }

  /** Provider of the only own prices that have this exact id; '' when there is none or more than one. */
  ownerOf(model: string): string {
    const owners = new Set(
      this.layers.flatMap(({ shelves }) =>
        [...shelves].flatMap(([name, shelf]) => (shelf.exact.has(model) ? [name] : [])),
      ),
    )
    return owners.size === 1 ? [...owners][0]! : ''
  }

  resolve(provider: string, model: string, conditions: CallConditions, window: Window, listed: Listed): CustomAnswer {
    let name = { provider, model, isAlias: false }
    for (let depth = 0; depth < aliasDepthMax; depth++) {
      const answer = this.lookUp(name.provider, name.model, conditions, window, listed)
      if (answer === null) return name
      if ('card' in answer) return answer
      name = { ...answer, isAlias: true }
    }
    return name
  }

  /** What the first alias of a name stands for, narrow scopes first; null when it has none then. */
  aliasOf(provider: string, model: string, window: Window): { provider: string; model: string } | null {
    for (const layer of this.layers)
      for (const { name } of readingsOf(provider, model)) {
        const target = targetOf(layer, provider, name, window)
        if (target !== null) return target
      }
    return null
  }

  private lookUp(
    provider: string,
    model: string,
    conditions: CallConditions,
    window: Window,
    listed: Listed,
  ): CustomAnswer | null {
    for (const layer of this.layers) {
      const shelf = layer.shelves.get(provider)
      const take = (found: Found | null | undefined): Card | null =>
        found === null || found === undefined || shelf === undefined
          ? null
          : this.cardOf(shelf, found, model, window, listed)
      const exact = take(shelf?.findExact(model, conditions, window))
      if (exact !== null) return { card: exact }
      for (const { name } of readingsOf(provider, model)) {
        const target = targetOf(layer, provider, name, window)
        if (target !== null) return { ...target, isAlias: true }
      }
      const prefix = take(shelf?.findPrefix(model, conditions, window))
      if (prefix !== null) return { card: prefix }
      const off = shelf === undefined ? null : this.offListed(shelf, provider, model, conditions, window, listed)
      if (off !== null) return { card: off }
    }
    return null
  }

  /** A discount is off a model of the list, also when the call names it by an alias of the catalogue. */
  private offListed(
    shelf: Shelf,
    provider: string,
    reported: string,
    conditions: CallConditions,
    window: Window,
    listed: Listed,
  ): Card | null {
    if (!shelf.entries.some(({ entry }) => (entry as PriceOverride).discount !== undefined)) return null
    const model = listed(provider, reported)?.model ?? reported
    if (model === reported) return null
    const found = shelf.findExact(model, conditions, window) ?? shelf.findPrefix(model, conditions, window)
    const isDiscount = found !== null && (found.candidate.entry as PriceOverride).discount !== undefined
    return isDiscount ? this.cardOf(shelf, found, reported, window, listed) : null
  }

  private cardOf(shelf: Shelf, found: Found, reported: string, window: Window, listed: Listed): Card | null {
    const override = found.candidate.entry as PriceOverride // shelves of overrides are made of nothing else
    if (override.discount === undefined) {
      const { fromMs, toMs } = window
      return { ...shelf.cardOf(found, 'override' satisfies MatchKind), fromMs, toMs }
    }
    const list = listed(shelf.provider, reported)
    if (list === null) return null
    const id = discountedId(override.id, list.entry)
    let bands = this.discounted.get(id)
    if (bands === undefined) {
      bands = discountedBands(list, override.discount)
      this.discounted.set(id, bands)
    }
    const { fromMs, toMs } = window
    return { ...list, bands, entry: id, match: 'override', fromMs, toMs }
  }
}

function targetOf(
  layer: Layer,
  provider: string,
  model: string,
  window: Window,
): { provider: string; model: string } | null {
  const exact = newest(
    [...(layer.exactNames.get(nameKey(provider, model)) ?? []), ...(layer.exactNames.get(nameKey('', model)) ?? [])],
    window,
  )
  if (exact !== null) return { provider: exact.to ?? provider, model: exact.model }
  for (const { prefix, names } of layer.prefixNames) {
    if (!model.startsWith(prefix)) continue
    const found = newest(
      names.filter(({ alias }) => alias.provider === null || alias.provider === provider),
      window,
    )
    if (found !== null)
      return { provider: found.to ?? provider, model: found.model.replace('*', () => model.slice(prefix.length)) }
  }
  return null
}

/** One that names the provider goes before one of any, then the newest recorded, then the later start. */
function newest(names: readonly DatedName[], window: Window): OverrideAlias | null {
  let best: DatedName | null = null
  for (const name of names) {
    window.note(name.fromMs)
    window.note(name.toMs)
    if (window.atMs < name.fromMs || window.atMs >= name.toMs) continue
    if (best === null || isBetter(name, best)) best = name
  }
  return best?.alias ?? null
}

function isBetter(a: DatedName, b: DatedName): boolean {
  if ((a.alias.provider === null) !== (b.alias.provider === null)) return b.alias.provider === null
  if (a.recordedMs !== b.recordedMs) return a.recordedMs > b.recordedMs
  return a.fromMs > b.fromMs
}

function isStarred({ alias }: DatedName): boolean {
  return alias.name.endsWith('*')
}

function datedName(alias: OverrideAlias): DatedName {
  return {
    alias,
    fromMs: instant(alias.validFrom, Number.NEGATIVE_INFINITY),
    toMs: instant(alias.validTo, Number.POSITIVE_INFINITY),
    recordedMs: Date.parse(alias.recordedAt),
  }
}

/** Conditions in the words that the catalogue uses for the provider: a user may write `fast` where entries say `priority`. */
function withWords(entry: PriceOverride, words: Pick<PriceFile, 'spellings' | 'implies'>): PriceOverride {
  if (!entry.when) return entry
  const when: { [name: string]: ConditionTest } = {}
  for (const name of conditionNames) {
    const test = entry.when[name]
    if (test === undefined || test === null) continue
    const spelled = (value: string): string => (value === '' ? '' : spelledValue(words, name, value))
    when[name] =
      typeof test === 'string' ? spelled(test) : 'not' in test ? { not: test.not.map(spelled) } : test.map(spelled)
  }
  // Calls under such a value are read as under what it implies.
  for (const name of conditionNames) {
    const test = when[name]
    if (typeof test === 'string') Object.assign(when, words.implies?.[name]?.[test])
  }
  return { ...entry, when: { ...when, schedule: entry.when.schedule ?? null } satisfies When }
}

/** Entries of the catalogue that a discount is for, by the names they are filed under. */
export function isDiscounted({ models }: PriceOverride, listed: PriceEntry): boolean {
  const names = [...listed.models.exact, ...(listed.models.prefix ?? [])]
  return names.some(
    (name) => models.exact.includes(name) || (models.prefix ?? []).some((prefix) => name.startsWith(prefix)),
  )
}

function layerKeys({
  scope = 'installation',
  names,
}: {
  scope?: OverrideScope
  names?: readonly string[]
}): readonly string[] {
  return names === undefined ? [keyOf(scope, '')] : names.map((name) => keyOf(scope, name))
}

function keyOf(scope: OverrideScope, name: string): string {
  return `${overrideScopes.indexOf(scope)}\0${name}`
}

function nameKey(provider: string, name: string): string {
  return `${provider}\0${name}`
}

function byRecord<T extends { readonly id: string; readonly recordedAt: string }>(records: readonly T[]): readonly T[] {
  return records
    .map((record) => ({ record, at: Date.parse(record.recordedAt) }))
    .sort((a, b) => a.at - b.at || (a.record.id < b.record.id ? -1 : 1))
    .map(({ record }) => record)
}
