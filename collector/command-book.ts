// The price book of a command: the catalogue and the users' own prices, as the collector of this configuration has them.

import { PriceBook } from '../processors/pricing/book.ts'
import { bookPartsAt } from '../processors/pricing/custom/history.ts'
import type { PriceFile } from '../processors/pricing/file.ts'
import type { Config } from './config.ts'
import { loadPriceBook } from './price-files.ts'
import { loadOverrides } from './prices/own-file.ts'
import { readChanges } from './prices/records.ts'

/**
 * The book as it was known at `asOf` (Unix milliseconds), or as it is. Own prices are those that the collector has taken;
 * where none has run with this data directory, those of the file. Throws Error naming every finding.
 */
export function bookOf(
  config: Pick<Config, 'dataDir' | 'pricesFile'>,
  asOf: number | null,
  files: readonly PriceFile[] = loadPriceBook(),
): PriceBook {
  const known = asOf === null ? {} : { asOf }
  const changes = readChanges(config.dataDir)
  if (changes.length > 0 || config.pricesFile === '')
    return new PriceBook(files, { ...known, ...bookPartsAt(changes, asOf ?? undefined) })
  const { findings, ...own } = loadOverrides(config.pricesFile, new PriceBook(files), Date.now())
  if (findings.length > 0) throw new Error(`${config.pricesFile} cannot be used:\n${findings.join('\n')}`)
  return new PriceBook(files, { ...known, ...own })
}
