// Entries of every book that was in use reach the database, also one that was replaced while it was away.

import { expect, test } from 'vitest'
import type { InsertRequest } from '../../collector/clickhouse/client.ts'
import { StoredBooks } from '../../collector/stored-books.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { entry } from '../pricing/cards.ts'

const book = (input: string): PriceBook =>
  new PriceBook([{ provider: 'acme', entries: [entry('acme/a#1', ['a'], { input })] }])

test('each version once, in order, however often the database fails', async () => {
  const stored: string[] = []
  let failures = 0
  const clickhouse = {
    query: async <T>(_: string, { book: version }: Readonly<Record<string, unknown>> = {}): Promise<T[]> => {
      if (failures-- > 0) throw new Error('away')
      return [{ rows: stored.includes(`prices-${version}`) ? '1' : '0' }] as T[]
    },
    insert: async ({ token }: InsertRequest): Promise<void> => void stored.push(token),
  }
  const stop = new AbortController()
  const books = new StoredBooks({ limited: () => undefined })
  const [one, two, three] = [book('1'), book('2'), book('3')]
  books.offer(one)
  books.offer(one)
  await books.open(clickhouse, stop.signal)
  expect(stored).toEqual([`prices-${one.version}`])
  failures = 1
  books.offer(two)
  books.offer(three)
  books.offer(two)
  await books.settled()
  expect(stored).toEqual([one, two, three].map(({ version }) => `prices-${version}`))
  stop.abort()
})
