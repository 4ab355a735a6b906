// Generated pages equal what the code says; `npm run docs` rewrites them.

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configPage } from '../collector/config-docs.ts'
import { columnsPage } from '../schemas/columns-page.ts'

const pages = [
  { file: 'columns.md', render: columnsPage },
  { file: 'config.md', render: configPage },
]

test.each(pages)('docs/$file is what the code declares', ({ file, render }) => {
  const path = new URL(`../docs/${file}`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, render())
  expect(readFileSync(path, 'utf8')).toBe(render())
})
