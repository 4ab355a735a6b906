// Generated pages equal what the code says; `npm run docs` rewrites them.

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configPage } from '../collector/config-docs.ts'
import { loadPriceBook } from '../collector/price-files.ts'
import type { PriceEntry } from '../processors/pricing/file.ts'
import { columnsPage } from '../schemas/columns-page.ts'
import { withPriceTable } from './prices-page.ts'

const read = (file: string): string => readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8')
const priceFiles = loadPriceBook()
const pages = [
  { file: 'columns.md', render: columnsPage },
  { file: 'config.md', render: configPage },
  { file: 'prices.md', render: () => withPriceTable(read('prices.md'), priceFiles) },
]

test.each(pages)('docs/$file is what the code declares', ({ file, render }) => {
  const path = new URL(`../docs/${file}`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, render())
  expect(read(file)).toBe(render())
})

test('the entry that docs/prices.md explains is one of the book', () => {
  const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(read('prices.md'))?.[1] ?? '') as PriceEntry
  const entry = priceFiles.flatMap(({ entries }) => entries).find(({ id }) => id === shown.id)
  expect(entry).toMatchObject({ ...shown, source: expect.arrayContaining([...shown.source]) })
})
