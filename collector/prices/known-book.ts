// The book a command prices by: the catalogue with users' own prices as the collector of this data directory knows them, and
// with the file of own prices as it is now.

import type { PriceBookOptions, PriceFile } from '../../processors/pricing/book.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { Place as FieldPlace } from '../../processors/pricing/custom/fields.ts'
import { noSettings } from '../../processors/pricing/custom/form.ts'
import { bookPartsAt, changeTo, type PriceChange, recordsAt } from '../../processors/pricing/custom/history.ts'
import { loadOwnPrices, type OwnPrices } from './own-file.ts'
import { readChanges } from './records.ts'

export interface KnownPrices {
  /** What a book takes besides the catalogue. */
  readonly options: PriceBookOptions
  /** What is wrong with the file of own prices. */
  readonly findings: readonly string[]
  /** Whether a file of own prices was once right: it is used where the file is wrong. */
  readonly hasGoodFile: boolean
}

interface Place {
  /** Path of the file of own prices; empty for none. */
  readonly pricesFile: string
  readonly dataDir: string
}

/**
 * Own prices as of an instant (Unix milliseconds; absent = now). Reads alone: a running collector is not disturbed.
 * Throws an Error for records that are damaged.
 */
export function knownPrices(
  files: readonly PriceFile[],
  place: Place,
  { nowMs, asOf }: { readonly nowMs: number; readonly asOf?: number | undefined },
): KnownPrices {
  const changes: PriceChange[] = [...readChanges(place.dataDir)]
  const { records, settings, findings } = ownFile(files, place, changes)
  if (place.pricesFile !== '' && findings.length === 0) {
    const change = changeTo(changes, { source: 'file', records, settings }, new Date(nowMs).toISOString())
    if (change !== null) changes.push(change)
  }
  const hasGoodFile = changes.some(({ source }) => source === 'file')
  const options = { ...bookPartsAt(changes, asOf), ...(asOf === undefined ? {} : { asOf }) }
  return { options, findings: findings.map(({ text }) => text), hasGoodFile }
}

/** The file of own prices beside what the API has set, as the collector checks it. */
export function ownFile(
  files: readonly PriceFile[],
  { pricesFile, dataDir }: Place,
  changes: readonly PriceChange[] = readChanges(dataDir),
): OwnPrices {
  if (pricesFile === '') return { records: [], settings: noSettings, findings: [] }
  const set = recordsAt(changes).filter(({ source }) => source === 'api')
  const others = set.map(({ record }) => ({ record, place: new FieldPlace([], `"${record.id}" set by the API`, '') }))
  return loadOwnPrices(pricesFile, new PriceBook(files), others)
}
