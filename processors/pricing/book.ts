// (provider, model, conditions, instant) → the card that prices the call, out of the dated entries of processors/prices/.
//
//   which name     overrides before the catalogue; exact id before alias before longest prefix
//   which entry    known as of the book (recordedAt ≤ asOf), not superseded, valid at the instant, its `when` holds;
//                  of these the most specific, then the newest recorded
//   for how long   every answer, a miss too, carries the window in which it stays the same

import { createHash } from 'node:crypto'
import { type Card, compileEntry, type MatchKind, priceFlags } from './card.ts'
import type { CallConditions } from './conditions.ts'
import type { ModelAlias, PriceEntry, PriceFile, PriceOverride } from './file.ts'
import { Window } from './schedule.ts'
import { type Found, grouped, Shelf } from './shelf.ts'

export type { Card, MatchKind } from './card.ts'
export { type CallConditions, noConditions } from './conditions.ts'
export type { PriceEntry, PriceFile, PriceOverride } from './file.ts'

export type Resolution =
  | { readonly kind: 'card'; readonly card: Card }
  | {
      readonly kind: 'miss'
      readonly reason: 'unknown_model' | 'unknown_provider' | 'no_rate_for_tier'
      readonly fromMs: number
      readonly toMs: number
    }

export interface PriceBookOptions {
  /** The book as it was known at this instant: Unix milliseconds; absent = all that is recorded. */
  readonly asOf?: number
  /** Users' own prices, and scopes project before organisation before installation. */
  readonly overrides?: readonly PriceOverride[]
}

/** An entry with the provider whose file it is from. */
export interface BookEntry extends PriceEntry {
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
  private readonly shelves = new Map<string, Shelf>()
  private readonly overrides: readonly Shelf[]
  /** Files without an entry that was known by then: they answer nothing, but a question about them can say why. */
  private readonly later = new Map<string, Shelf>()
  readonly asOf: number
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
    this.overrides = overrideShelves(options.overrides ?? [], this.shelves, asOf)
    this.version = versionOf(
      [...this.shelves.values(), ...this.overrides].flatMap((shelf) => shelf.records),
      files.filter(({ provider }) => this.shelves.has(provider)),
    )
  }

  /**
   * The card for a call that ended at `atMs` (Unix milliseconds), or why there is none.
   * Provider '' is inferred when exactly one maker, or else exactly one host, has that exact model id.
   */
  resolve(provider: string, model: string, conditions: CallConditions, atMs: number): Resolution {
    const window = new Window(atMs)
    for (const shelf of this.overrides) {
      if (shelf.provider !== provider) continue
      const found = shelf.find(model, conditions, window)
      if (found !== null && found !== 'no_rate_for_tier') return cardOf(shelf, found, 'override', window)
    }
    const owner = provider === '' ? this.ownerOf(model) : provider
    const shelf = this.shelves.get(owner)
    if (shelf === undefined) return missOf('unknown_provider', window)
    const found = shelf.find(model, conditions, window)
    if (found === null) return missOf('unknown_model', window)
    if (found === 'no_rate_for_tier') return missOf(found, window)
    return cardOf(shelf, found, provider === '' ? 'inferred' : found.match, window)
  }

  /** Where a question is answered from, in this order: overrides of narrow scopes first, the catalogue last. */
  places(provider: string, model: string): readonly { readonly isOverride: boolean; readonly shelf: Shelf }[] {
    const owner = provider === '' ? this.ownerOf(model) : provider
    const catalogue = this.shelves.get(owner) ?? this.later.get(owner)
    return [
      ...this.overrides.filter((each) => each.provider === provider).map((shelf) => ({ isOverride: true, shelf })),
      ...(catalogue === undefined ? [] : [{ isOverride: false, shelf: catalogue }]),
    ]
  }

  /** All entries of the book, superseded ones too: rows priced by an earlier book name them. */
  entries(): readonly BookEntry[] {
    return [...this.shelves.values(), ...this.overrides].flatMap((shelf) =>
      shelf.entries.map(({ entry }) => ({ ...entry, provider: shelf.provider })),
    )
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
    let family = ''
    for (const id of shelf.exact.keys()) if (model.startsWith(`${id}-`) && id.length > family.length) family = id
    return family === '' ? null : { provider, model: family }
  }

  private claim(id: string, { provider, isHost = false }: PriceFile): void {
    const claims = isHost ? this.hosted : this.owners
    claims.set(id, claims.has(id) ? null : provider)
  }

  private ownerOf(model: string): string {
    return (this.owners.has(model) ? this.owners : this.hosted).get(model) ?? ''
  }
}

function cardOf(shelf: Shelf, found: Found, match: MatchKind, window: Window): Resolution {
  const { candidate } = found
  candidate.compiled ??= compileEntry(candidate.entry)
  const card: Card = {
    entry: candidate.entry.id,
    provider: shelf.provider,
    model: found.model,
    match,
    fromMs: window.fromMs,
    toMs: window.toMs,
    currency: candidate.compiled.currency,
    flags: found.flags,
    reason: (found.flags & priceFlags.standard_rate_used) !== 0 ? 'no_rate_for_tier' : '',
    bands: candidate.compiled.bands,
    minimum: candidate.compiled.minimum,
  }
  return { kind: 'card', card }
}

function missOf(reason: 'unknown_model' | 'unknown_provider' | 'no_rate_for_tier', window: Window): Resolution {
  return { kind: 'miss', reason, fromMs: window.fromMs, toMs: window.toMs }
}

const scopes = ['project', 'organisation', 'installation'] as const

/** One shelf per scope and provider, narrow scopes first; path and value spellings are the catalogue's. */
function overrideShelves(
  overrides: readonly PriceOverride[],
  shelves: ReadonlyMap<string, Shelf>,
  asOf: number,
): readonly Shelf[] {
  return scopes.flatMap((scope) => {
    const own = overrides.filter((override) => (override.scope ?? 'installation') === scope)
    return [...grouped(own, ({ provider }) => [provider])].map(([provider, entries]) => {
      const catalogue = shelves.get(provider)
      return new Shelf({ ...(catalogue?.words ?? {}), provider, entries }, asOf)
    })
  })
}

/** Of everything that decides a price: the records, overrides among them, and the words and calendars of the files. */
function versionOf(records: readonly (PriceEntry | ModelAlias)[], files: readonly PriceFile[]): string {
  const newest = records.reduce((latest, { recordedAt }) => (recordedAt > latest ? recordedAt : latest), '')
  const words = files.map(({ entries, aliases, ...rest }) => rest)
  const hash = createHash('sha256')
    .update(JSON.stringify([records, words]))
    .digest('hex')
  return `${newest === '' ? 'empty' : newest.slice(0, 10)}.${hash.slice(0, 8)}`
}
