// The book a command prices by: the catalogue with users' own prices as the collector of this data directory knows them, and
// with the file of own prices as it is now.

import type { PriceBookOptions, PriceFile } from '../../processors/pricing/book.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { bookPartsAt, changeTo, type PriceChange } from '../../processors/pricing/custom/history.ts'
import { loadOwnPrices } from './own-file.ts'
import { readChanges } from './records.ts'

export interface KnownPrices {
  /** What a book takes besides the catalogue. */
  readonly options: PriceBookOptions
  /** What is wrong with the file of own prices. */
  readonly findings: readonly string[]
  /** Whether a file of own prices was once right: it is used where the file is wrong. */
  readonly hasGoodFile: boolean
}

/**
 * Own prices as of an instant (Unix milliseconds; absent = now). Reads alone: a running collector is not disturbed.
 * Throws an Error for records that are damaged.
 */
export function knownPrices(
  files: readonly PriceFile[],
  place: { readonly pricesFile: string; readonly dataDir: string },
  { nowMs, asOf }: { readonly nowMs: number; readonly asOf?: number | undefined },
): KnownPrices {
  const changes: PriceChange[] = [...readChanges(place.dataDir)]
  let findings: readonly string[] = []
  if (place.pricesFile !== '') {
    const own = loadOwnPrices(place.pricesFile, new PriceBook(files))
    findings = own.findings
    const wanted = { source: 'file' as const, records: own.records, settings: own.settings }
    const change = findings.length > 0 ? null : changeTo(changes, wanted, new Date(nowMs).toISOString())
    if (change !== null) changes.push(change)
  }
  const hasGoodFile = changes.some(({ source }) => source === 'file')
  return { findings, hasGoodFile, options: { ...bookPartsAt(changes, asOf), ...(asOf === undefined ? {} : { asOf }) } }
}
