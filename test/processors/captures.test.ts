// Real instrumentations' requests → rows: `rows.json` shows every row as it was reviewed. Whether they are right is judged by the
// provider's bill, see test/captures/.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadDialects } from '../../collector/registry.ts'
import { Bench } from '../batches.ts'
import { captureNames, traceRequests } from '../captures.ts'

const root = new URL('../fixtures/captures/', import.meta.url)
const atMs = Date.parse('2026-11-22T12:00:00Z')
const bench = new Bench()

test.each(captureNames())('every row of %s is read as reviewed', (capture) => {
  const golden = new URL(`${capture}/rows.json`, root)
  const rows = traceRequests(capture).flatMap((request) => bench.rows(request, atMs))
  // Some clients write hundreds of spans of their own works: then those that tell of calls are enough.
  const isShort = rows.length <= 200
  const shown = rows
    .filter(({ kind, usage }) => isShort || kind !== 'other' || usage !== undefined)
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'content')))
  if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(golden))
    writeFileSync(golden, `${JSON.stringify(shown, null, 1)}\n`)
  expect(shown).toEqual(JSON.parse(readFileSync(golden, 'utf8')))
})

test('every dialect is spoken by some capture', async () => {
  const spoken = new Set<unknown>()
  for (const capture of captureNames())
    for (const { dialect } of JSON.parse(readFileSync(new URL(`${capture}/rows.json`, root), 'utf8')))
      spoken.add(dialect)
  const known = (await loadDialects()).map(({ id }) => id)
  // Clients that cannot be installed here: unrecorded.test.ts has their tables.
  const unrecorded = ['dify', 'microsoft-extensions-ai', 'openrouter', 'sentry']
  expect(known.filter((id) => !spoken.has(id) && !unrecorded.includes(id))).toEqual([
    'attribution-defaults',
    'attribution',
    'billed-units',
    // Told by its pages alone: log-calls.test.ts has its events.
    'cline',
    'failure-names',
    'reported-costs',
    'spellings',
  ])
})
