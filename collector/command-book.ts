// The price book of a command: the catalogue and the users' own prices, as the collector loads them.

import { PriceBook } from '../processors/pricing/book.ts'
import type { Config } from './config.ts'
import { loadPriceBook } from './price-files.ts'

/** The book as it was known at `asOf` (Unix milliseconds), or as it is. Throws Error naming every finding. */
export function bookOf(_config: Config, asOf: number | null): PriceBook {
  return new PriceBook(loadPriceBook(), asOf === null ? {} : { asOf })
}
