// Every change of users' own prices that was ever seen, and what held at an instant.

import { type CustomBookParts, customBookParts, type SeenRecord } from './compile.ts'
import { type CustomRecord, type CustomSettings, noSettings } from './form.ts'

export const recordSources = ['file', 'api'] as const
export type RecordSource = (typeof recordSources)[number]

/** What changed at once; appended, never edited. */
export interface PriceChange {
  /** ISO 8601 in UTC; never before the change in front of it. */
  readonly at: string
  readonly source: RecordSource
  readonly set: readonly CustomRecord[]
  /** Ids of records that no longer hold. */
  readonly removed: readonly string[]
  readonly settings?: CustomSettings
}

export interface KnownRecord extends SeenRecord {
  readonly source: RecordSource
}

/** Records that hold as of an instant (Unix milliseconds), or with all changes; in the order of ids. */
export function recordsAt(changes: readonly PriceChange[], asOf = Number.POSITIVE_INFINITY): readonly KnownRecord[] {
  const held = new Map<string, KnownRecord>()
  for (const { at, source, set, removed } of changes) {
    for (const record of set) {
      // One that says itself since when it is known counts from then on, also where it replaces another.
      if (Date.parse(record.recordedAt ?? at) <= asOf)
        held.set(`${source} ${record.id}`, { record, seenAt: at, source })
    }
    if (Date.parse(at) <= asOf) for (const id of removed) held.delete(`${source} ${id}`)
  }
  return [...held.values()].sort((a, b) => (a.record.id < b.record.id ? -1 : 1))
}

export function settingsAt(changes: readonly PriceChange[], asOf = Number.POSITIVE_INFINITY): CustomSettings {
  const said = changes.filter(({ at, settings }) => settings !== undefined && Date.parse(at) <= asOf)
  return said.at(-1)?.settings ?? noSettings
}

/** What a price book takes besides the catalogue. */
export function bookPartsAt(changes: readonly PriceChange[], asOf?: number): CustomBookParts {
  return customBookParts(recordsAt(changes, asOf), settingsAt(changes, asOf))
}

/** What makes one source's records those given; null when they are already. */
export function changeTo(
  changes: readonly PriceChange[],
  wanted: { source: RecordSource; records: readonly CustomRecord[]; settings?: CustomSettings },
  at: string,
): PriceChange | null {
  const { source, records, settings } = wanted
  const held = recordsAt(changes).filter((each) => each.source === source)
  const texts = new Map(held.map(({ record }) => [record.id, JSON.stringify(record)]))
  const set = records.filter((record) => texts.get(record.id) !== JSON.stringify(record))
  const ids = new Set(records.map(({ id }) => id))
  const removed = held.flatMap(({ record }) => (ids.has(record.id) ? [] : [record.id]))
  const isOther = settings !== undefined && JSON.stringify(settings) !== JSON.stringify(settingsAt(changes))
  if (set.length === 0 && removed.length === 0 && !isOther) return null
  return { at, source, set, removed, ...(isOther ? { settings } : {}) }
}
