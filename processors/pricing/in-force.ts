// Which entries of a book can price calls at an instant, for people who ask.

import { type BookEntry, noConditions, type PriceBook } from './book.ts'

export interface EntryFilter {
  readonly project: string
  /** Unix milliseconds. */
  readonly atMs: number
  /** Canonical; absent: every provider. */
  readonly provider?: string
  /** As calls name it; absent: every model. */
  readonly model?: string
}

/** Entries that are valid then, not superseded, and of the catalogue or for the project. */
export function entriesInForce(book: PriceBook, { project, atMs, provider, model }: EntryFilter): readonly BookEntry[] {
  const entries = book.entries()
  const superseded = new Set(entries.flatMap((entry) => entry.supersedes ?? []))
  const own = book.forProject(project)
  return entries.filter((entry) => {
    if (provider !== undefined && entry.provider !== provider) return false
    if (superseded.has(entry.id) || !book.isFor(entry, project) || !isValid(entry, atMs)) return false
    return model === undefined || isNamed(entry, model) || entryOf(own, entry.provider, model, atMs) === entry.id
  })
}

function isValid({ validFrom, validTo }: BookEntry, atMs: number): boolean {
  return (validFrom === null || Date.parse(validFrom) <= atMs) && (validTo === null || atMs < Date.parse(validTo))
}

function isNamed({ models }: BookEntry, model: string): boolean {
  return models.exact.includes(model) || (models.prefix ?? []).some((prefix) => model.startsWith(prefix))
}

/** Of a call that reports no conditions: reached by an alias, too. */
function entryOf(book: PriceBook, provider: string, model: string, atMs: number): string {
  const resolution = book.resolve(provider, model, noConditions, atMs)
  return resolution.kind === 'card' ? resolution.card.entry : ''
}
