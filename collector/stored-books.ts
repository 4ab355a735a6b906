// Entries of every price book that was in use, as rows of `model_prices`: whatever entry a row names can be read in SQL,
// also when own prices changed while the database was away.

import type { PriceBook } from '../processors/pricing/book.ts'
import { priceRows } from '../processors/pricing/rows.ts'
import { pricesTable } from '../schemas/prices-table.ts'
import { columnNames } from '../schemas/table.ts'
import type { ClickHouse } from './clickhouse/client.ts'
import { encodeRows } from './clickhouse/native.ts'
import { pause } from './insert-attempt.ts'
import { waitingClock } from './journal/settings.ts'
import type { Log } from './log.ts'

const retryMs = { first: 500, most: 15_000 } as const
/** Versions remembered as stored; a forgotten one is asked for again. */
const versionsMax = 1000

export class StoredBooks {
  private readonly log: Pick<Log, 'limited'>
  private readonly offered = new Set<string>()
  private readonly waiting: PriceBook[] = []
  private clickhouse: Pick<ClickHouse, 'query' | 'insert'> | null = null
  private stop: AbortSignal = AbortSignal.abort()
  private storing: Promise<void> = Promise.resolve()

  constructor(log: Pick<Log, 'limited'>) {
    this.log = log
  }

  /** A book is in use from now on. */
  offer(book: PriceBook): void {
    if (this.offered.has(book.version)) return
    if (this.offered.size >= versionsMax) this.offered.clear()
    this.offered.add(book.version)
    this.waiting.push(book)
    if (this.clickhouse !== null) this.storing = this.storing.then(() => this.storeAll())
  }

  /** The table is there: stores what was offered so far, and from now on at once. Rejects when the first cannot be. */
  async open(clickhouse: Pick<ClickHouse, 'query' | 'insert'>, stop: AbortSignal): Promise<void> {
    for (let book = this.waiting[0]; book !== undefined; book = this.waiting[0]) {
      await storePrices(clickhouse, book)
      this.waiting.shift()
    }
    this.clickhouse = clickhouse
    this.stop = stop
  }

  /** Resolves when nothing is being stored any more; the signal of `open` ends it. */
  settled(): Promise<void> {
    return this.storing
  }

  private async storeAll(): Promise<void> {
    let wait: number = retryMs.first
    for (let book = this.waiting[0]; book !== undefined && !this.stop.aborted; book = this.waiting[0]) {
      try {
        await storePrices(this.clickhouse!, book) // storeAll runs once it is open
        this.waiting.shift()
        wait = retryMs.first
      } catch (error) {
        this.log.limited('model_prices', 'warn', 'entries of the price book could not be stored yet', { error })
        await pause(wait, { clock: waitingClock, stop: this.stop })
        wait = Math.min(wait * 2, retryMs.most)
      }
    }
  }
}

async function storePrices(clickhouse: Pick<ClickHouse, 'query' | 'insert'>, book: PriceBook): Promise<void> {
  const [known] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM model_prices WHERE price_book = {book:String}',
    { book: book.version },
  )
  if (Number(known?.rows) > 0) return
  const rows = priceRows(book)
  await clickhouse.insert({
    table: pricesTable.name,
    columns: columnNames(pricesTable),
    body: encodeRows(pricesTable, rows),
    token: `prices-${book.version}`,
    rows: rows.length,
  })
}
