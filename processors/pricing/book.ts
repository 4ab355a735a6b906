// (provider, model, conditions, instant) → the card that prices the call, out of the dated entries of processors/prices/.
//
//   which name     overrides before the catalogue; exact id before alias before longest prefix
//   which entry    known as of the book (recordedAt ≤ asOf), not superseded, valid at the instant, its `when` holds;
//                  of these the most specific, then the newest recorded
//   for how long   every answer, a miss too, carries the window in which it stays the same

import { createHash } from 'node:crypto'
import { type Card, compileEntry, type MatchKind, priceFlags } from './card.ts'
import { type CallConditions, noConditions } from './conditions.ts'
import type { CatalogueNames } from './custom/check.ts'
import { discountedId, discountedRates } from './custom/discount.ts'
import { type CustomSettings, noSettings } from './custom/form.ts'
import { type CustomView, CustomViews, isDiscounted } from './custom/view.ts'
import type { ModelAlias, OverrideAlias, PriceEntry, PriceFile, PriceOverride } from './file.ts'
import { impliedBy, platformInName, providerInName } from './model-names.ts'
import { namesNoBackend } from './provider-names.ts'
import { Window } from './schedule.ts'
import { type Found, Shelf } from './shelf.ts'

export type { Card, MatchKind } from './card.ts'
export { type CallConditions, noConditions } from './conditions.ts'
export type { OverrideAlias, PriceEntry, PriceFile, PriceOverride } from './file.ts'

export type Resolution =
  | { readonly kind: 'card'; readonly card: Card }
  | {
      readonly kind: 'miss'
      readonly reason: 'unknown_model' | 'unknown_provider' | 'no_rate_for_tier'
      readonly fromMs: number
      readonly toMs: number
    }

/** Conditions, and for how long the answer stays the same. */
export interface Implied {
  readonly implied: Partial<CallConditions> | null
  readonly fromMs: number
  readonly toMs: number
}

export interface PriceBookOptions {
  /** The book as it was known at this instant: Unix milliseconds; absent = all that is recorded. */
  readonly asOf?: number
  /** Users' own prices. */
  readonly overrides?: readonly PriceOverride[]
  /** Users' own names for models. */
  readonly aliases?: readonly OverrideAlias[]
  /** Which projects an organisation has, and calendars of the users' own schedules. */
  readonly settings?: CustomSettings
}

/** Far enough for every entry that is still open. */
const someDayMs = Date.parse('2100-01-01T00:00:00Z')

/** An entry with the provider whose file it is from. */
export interface BookEntry extends PriceEntry, Pick<PriceOverride, 'scope' | 'names' | 'plan'> {
  readonly provider: string
}

/** The names a user may have meant, for people to confirm: never used to price. */
export interface Suggestion {
  readonly provider: string
  readonly model: string
}

/** Immutable; a new price list makes a new book. */
export class PriceBook {
  /** Day of the newest record and a hash of the content: `2026-11-22.3fa9c1d2`. Stored on every row priced by it. */
  readonly version: string
  private readonly listed: ListVersion
  private readonly shelves = new Map<string, Shelf>()
  /** Files without an entry that was known by then: they answer nothing, but a question about them can say why. */
  private readonly later = new Map<string, Shelf>()
  readonly asOf: number
  private readonly custom: CustomViews
  /** Of the project the book is for. */
  private readonly view: CustomView
  private readonly projects = new Map<string, PriceBook>()
  /** Provider per exact id, null where several have it; of a maker and its hosts, the maker. */
  private readonly owners = new Map<string, string | null>()
  private readonly hosted = new Map<string, string | null>()

  /** Throws RangeError for an entry that cannot be compiled; the finer checks are `checkPriceFiles`. */
  constructor(files: readonly PriceFile[], options: PriceBookOptions = {}) {
    const asOf = options.asOf ?? Number.POSITIVE_INFINITY
    this.asOf = asOf
    for (const file of files) {
      const shelf = new Shelf(file, asOf)
      if (shelf.entries.length === 0) {
        this.later.set(file.provider, shelf)
        continue
      }
      this.shelves.set(file.provider, shelf)
      for (const id of shelf.exact.keys()) this.claim(id, file)
    }
    this.listed = listVersion(
      [...this.shelves.values()].flatMap((shelf) => shelf.records),
      files.filter(({ provider }) => this.shelves.has(provider)),
    )
    const { overrides = [], aliases = [], settings = noSettings } = options
    this.custom = new CustomViews({ overrides, aliases, settings }, this.shelves, asOf)
    this.view = this.custom.installation()
    this.version = versionOf(this.listed, this.custom)
    this.checkOwn()
  }

  /** The same catalogue with other own prices. Throws RangeError as the constructor. */
  with({ overrides, aliases, settings }: Required<Omit<PriceBookOptions, 'asOf'>>): PriceBook {
    const custom = new CustomViews({ overrides, aliases, settings }, this.shelves, this.asOf)
    const own = { custom, view: custom.installation(), version: versionOf(this.listed, custom), projects: new Map() }
    const book = Object.create(PriceBook.prototype) as PriceBook
    Object.assign(book, this, own)
    book.checkOwn()
    return book
  }

  /** What cannot be counted is found here and not with a call at hand. */
  private checkOwn(): void {
    for (const override of this.custom.overrides) compileEntry(override)
  }

  /** The book as it prices one project's calls: the same one for all projects that have no prices of their own. */
  forProject(project: string): PriceBook {
    const known = this.projects.get(project)
    if (known !== undefined) return known
    const view = this.custom.viewOf(project)
    if (view === null) return this
    // Everything but the view is shared; only projects that the users' prices name come here, so that these are few.
    const own = Object.assign(Object.create(PriceBook.prototype) as PriceBook, this, { view })
    this.projects.set(project, own)
    return own
  }

  /**
   * The card for a call that ended at `atMs` (Unix milliseconds), or why there is none.
   * Provider '' is inferred when exactly one maker, or else exactly one host, has that exact model id, or when the name
   * itself tells a provider that lists it: `azure/gpt-4o`, a Bedrock ARN.
   */
  resolve(provider: string, model: string, conditions: CallConditions, atMs: number): Resolution {
    return this.answer(namesNoBackend(provider) ? '' : provider, model, conditions, atMs)
  }

  private answer(provider: string, model: string, conditions: CallConditions, atMs: number): Resolution {
    const window = new Window(atMs)
    if (this.view.isEmpty) return this.inCatalogue(provider, model, conditions, window)
    const owner = provider === '' ? this.ownerOf(model) || this.view.ownerOf(model) : provider
    const answer = this.view.resolve(owner, model, conditions, window, (...name) => {
      const listed = this.inCatalogue(...name, conditions, window)
      return listed.kind === 'card' ? listed.card : null
    })
    if ('card' in answer) return { kind: 'card', card: provider === '' ? inferred(answer.card, owner) : answer.card }
    if (answer.isAlias) return asAlias(this.inCatalogue(answer.provider, answer.model, conditions, window))
    const listed = this.inCatalogue(provider, model, conditions, window)
    // A provider that only own prices have is one all the same.
    const isOwn =
      listed.kind === 'miss' && listed.reason === 'unknown_provider' && this.view.shelvesOf(owner).length > 0
    return isOwn ? missOf('unknown_model', window) : listed
  }

  /**
   * What a name that was asked for says about the price of the model that answered: a geography in a Bedrock id, or the
   * kind of deployment that the owner's alias says (`eu/gpt-4.1`). `implied` is null when it says nothing.
   */
  impliedBy(provider: string, model: string, atMs: number): Implied {
    const window = new Window(atMs)
    const alias = this.view.isEmpty ? null : this.view.aliasOf(provider, model, window)
    const name = alias?.provider === provider ? alias.model : model
    return { implied: impliedBy(provider, name), fromMs: window.fromMs, toMs: window.toMs }
  }

  /**
   * The platform whose form a name has that was asked for (`us.anthropic.…` is Bedrock's), where it lists both that name and the
   * one of the answer; else ''. For spans that name no provider, or the model's maker, who knows no such name: the answer's bare
   * name would be taken for the maker's.
   */
  platformOf(provider: string, requested: string, answered: string): string {
    const isUnnamed = provider === ''
    const named = isUnnamed ? this.namedIn(requested) : platformInName(requested)
    if (named === '' || named === provider || !this.lists(named, requested) || !this.lists(named, answered)) return ''
    return isUnnamed || (this.isMaker(provider) && !this.lists(provider, requested)) ? named : ''
  }

  private lists(provider: string, model: string): boolean {
    return this.shelfOf(provider, model)?.knows(model) === true
  }

  private isMaker(provider: string): boolean {
    const shelf = this.shelves.get(provider)
    return shelf !== undefined && shelf.file.isHost !== true
  }

  /** By the catalogue alone. */
  private inCatalogue(provider: string, model: string, conditions: CallConditions, window: Window): Resolution {
    const shelf = this.shelfOf(provider === '' ? this.ownerOf(model) : provider, model)
    if (shelf === undefined) return missOf('unknown_provider', window)
    const found = shelf.find(model, conditions, window)
    if (found === null) return missOf('unknown_model', window)
    if (found === 'no_rate_for_tier') return missOf(found, window)
    return cardOf(shelf, found, provider === '' ? 'inferred' : found.match, window)
  }

  /** Where a question is answered from, in this order: overrides of narrow scopes first, the catalogue last. */
  places(provider: string, model: string): readonly { readonly isOverride: boolean; readonly shelf: Shelf }[] {
    const owner = provider === '' ? this.ownerOf(model) : provider
    const catalogue = this.shelfOf(owner, model) ?? this.later.get(owner)
    return [
      ...this.view.shelvesOf(owner).map((shelf) => ({ isOverride: true, shelf })),
      ...(catalogue === undefined ? [] : [{ isOverride: false, shelf: catalogue }]),
    ]
  }

  /** All entries of the book, superseded ones too: rows priced by an earlier book name them. Of every project. */
  entries(): readonly BookEntry[] {
    return [...this.listedEntries(), ...this.ownEntries()]
  }

  /** Whether an entry can price calls of a project. */
  isFor({ scope, names }: BookEntry, project: string): boolean {
    if (names === undefined) return true
    return names.includes(scope === 'project' ? project : this.custom.organisationOf(project))
  }

  private listedEntries(): readonly BookEntry[] {
    return [...this.shelves.values()].flatMap((shelf) =>
      shelf.entries.map(({ entry }) => ({ ...entry, provider: shelf.provider })),
    )
  }

  private ownEntries(): readonly BookEntry[] {
    if (this.custom.overrides.length === 0) return []
    const listed = this.listedEntries()
    return this.custom.overrides.flatMap((override) => {
      const shared = this.shelves.get(override.provider)?.file.sharesWith ?? []
      return entriesOf(override, listed, [override.provider, ...shared])
    })
  }

  /** What the checks of users' own prices ask. */
  catalogueNames(): CatalogueNames {
    return {
      providers: [...this.shelves.keys()],
      modelsOf: (provider) => [...(this.shelves.get(provider)?.exact.keys() ?? [])],
      knows: (provider, model) =>
        this.lists(provider, model) ||
        this.inCatalogue(provider, model, noConditions, new Window(someDayMs)).kind === 'card',
      calendarsOf: (provider) => Object.keys(this.shelves.get(provider)?.words.calendars ?? {}),
    }
  }

  /** What an operator may want to alias or override after a miss; null when nothing is near. */
  suggest(provider: string, model: string): Suggestion | null {
    const shelf = this.shelves.get(provider)
    if (shelf === undefined) {
      const owner = this.ownerOf(model)
      if (owner !== '') return { provider: owner, model }
      for (const [name, other] of this.shelves) if (other.exact.has(model)) return { provider: name, model }
      return null
    }
    const named = this.namedIn(model)
    if (named !== '' && named !== provider) return { provider: named, model }
    let family = ''
    for (const id of shelf.exact.keys()) if (model.startsWith(`${id}-`) && id.length > family.length) family = id
    return family === '' ? null : { provider, model: family }
  }

  private claim(id: string, { provider, isHost = false, hasCommonIds = false }: PriceFile): void {
    const claims = isHost ? this.hosted : this.owners
    claims.set(id, claims.has(id) || hasCommonIds ? null : provider)
  }

  /** A maker that lists the name as it is, the provider that the name tells, the only host that lists it: the first of these. */
  private ownerOf(model: string): string {
    if (this.owners.has(model)) return this.owners.get(model) ?? ''
    return this.namedIn(model) || (this.hosted.get(model) ?? '')
  }

  /** The provider that a model's name tells, where it lists the model; else ''. */
  private namedIn(model: string): string {
    const named = providerInName(model)
    return named !== '' && this.lists(named, model) ? named : ''
  }

  /** Where a model is looked up: at the provider, or where that one shares its models and only the other lists it. */
  private shelfOf(provider: string, model: string): Shelf | undefined {
    const own = this.shelves.get(provider)
    const others = own?.file.sharesWith ?? []
    if (own === undefined || others.length === 0 || own.knows(model)) return own
    return others.map((name) => this.shelves.get(name)).find((other) => other?.knows(model) === true) ?? own
  }
}

function cardOf(shelf: Shelf, found: Found, match: MatchKind, { fromMs, toMs }: Window): Resolution {
  return { kind: 'card', card: { ...shelf.cardOf(found, match), fromMs, toMs } }
}

/** A discount is an entry for each one it is taken off. */
function entriesOf(
  override: PriceOverride,
  listed: readonly BookEntry[],
  providers: readonly string[],
): readonly BookEntry[] {
  const { discount } = override
  if (discount === undefined) return [override]
  return listed
    .filter((entry) => providers.includes(entry.provider) && isDiscounted(override, entry))
    .map((entry) => ({
      ...override,
      id: discountedId(override.id, entry.id),
      models: entry.models,
      when: { ...entry.when, ...override.when },
      validFrom: later(override.validFrom, entry.validFrom),
      validTo: earlier(override.validTo, entry.validTo),
      bands: discountedRates(entry, discount),
      per: entry.per,
      ...(entry.minimum === undefined ? {} : { minimum: entry.minimum }),
      currency: entry.currency,
      source: [...override.source, ...entry.source],
      confidence: entry.confidence,
    }))
    .filter(
      ({ validFrom, validTo }) => validFrom === null || validTo === null || Date.parse(validFrom) < Date.parse(validTo),
    )
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return Date.parse(a) > Date.parse(b) ? a : b
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return Date.parse(a) < Date.parse(b) ? a : b
}

/** The call named no provider: that it is this one was concluded from the model. */
function inferred(card: Card, owner: string): Card {
  return card.provider === owner ? { ...card, flags: card.flags | priceFlags.provider_inferred } : card
}

function asAlias(resolution: Resolution): Resolution {
  return resolution.kind === 'card' ? { kind: 'card', card: { ...resolution.card, match: 'alias' } } : resolution
}

function missOf(reason: 'unknown_model' | 'unknown_provider' | 'no_rate_for_tier', window: Window): Resolution {
  return { kind: 'miss', reason, fromMs: window.fromMs, toMs: window.toMs }
}

interface ListVersion {
  /** Instant of the newest record; '' for none. */
  readonly newest: string
  readonly hash: string
}

/** Of everything in the catalogue that decides a price: the records, and the words and calendars of the files. */
function listVersion(records: readonly (PriceEntry | ModelAlias)[], files: readonly PriceFile[]): ListVersion {
  const words = files.map(({ entries, aliases: _, ...rest }) => rest)
  return { newest: newestOf(records), hash: hashOf(JSON.stringify([records, words])) }
}

/** The same with users' own prices. When they were first seen differs between collectors; only their order can decide a price. */
function versionOf(listed: ListVersion, { overrides, aliases, settings }: CustomViews): string {
  const own = [...overrides, ...aliases].map(({ recordedAt, ...rest }) => rest)
  const isPlain = own.length === 0 && Object.values(settings).every((each) => Object.keys(each).length === 0)
  const hash = isPlain ? listed.hash : hashOf(JSON.stringify([listed.hash, own, settings]))
  const newest = newestOf([{ recordedAt: listed.newest }, ...overrides, ...aliases])
  return `${newest === '' ? 'empty' : newest.slice(0, 10)}.${hash.slice(0, 8)}`
}

function newestOf(records: readonly { readonly recordedAt: string }[]): string {
  return records.reduce((latest, { recordedAt }) => (recordedAt > latest ? recordedAt : latest), '')
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
