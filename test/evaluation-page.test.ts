// What docs/evaluation.md tells to type and to ask is taken: every flag and parameter of it exists, and its script says nothing else.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import compare from '../collector/commands/compare.ts'
import exporting from '../collector/commands/export.ts'
import { selectionOf, type What } from '../collector/exporting/selection.ts'
import { runAttributes } from '../processors/evaluation-attributes.ts'

const page = readFileSync(new URL('../docs/evaluation.md', import.meta.url), 'utf8')
const bounds = { nowMs: Date.parse('2026-11-24T00:00:00Z'), limitDefault: 100, limitMax: 10_000 }

const commands = [...page.matchAll(/npx spanledger (export|compare) (.+)/g)].map(([line, name, rest]) => ({
  line,
  name,
  rest: rest!,
}))

test.each(commands)('$line', ({ name, rest }) => {
  const known = new Set((name === 'export' ? exporting : compare).options.map(({ flag }) => `--${flag}`))
  const words = rest.split(' ')
  expect(words.filter((word) => word.startsWith('--') && !known.has(word))).toEqual([])
  if (name !== 'export') return
  const given: Record<string, string> = {}
  for (const [i, word] of words.entries())
    if (word.startsWith('--') && word !== '--out')
      given[word.slice(2).replace('content-as', 'content').replaceAll('-', '_')] = words[i + 1]!
  expect(() => selectionOf(given, { what: words[0] as What, project: 'p', bounds })).not.toThrow()
})

test('URLs of the page ask for what there is', () => {
  const urls = [...page.matchAll(/\/api\/(calls|traces)\?([^'\s]+)/g)].filter(([, , query]) => !query!.includes('{'))
  expect(urls.length).toBeGreaterThan(0)
  for (const [, what, query] of urls)
    expect(() =>
      selectionOf(Object.fromEntries(new URLSearchParams(query)), { what: what as What, project: 'p', bounds }),
    ).not.toThrow()
})

test('every parameter the page names is one', () => {
  const table = page.slice(page.indexOf('| to narrow by'), page.indexOf('A parameter given several times'))
  const named = [...table.matchAll(/`(\w+)`/g)]
    .map(([, name]) => name!)
    .filter((name) => !/^(newest|cost|latency|random)$/.test(name))
  for (const name of named) {
    const given = { [name]: 'x' }
    const refusal = (): unknown => selectionOf(given, { what: 'calls', project: 'p', bounds })
    // A value may be wrong; the name is not.
    expect(refusal).not.toThrow(/there is no parameter/)
  }
})

test('the script names the attributes that are read', () => {
  const sent = [...page.matchAll(/"(gen_ai\.evaluation\.(?:run|dataset|item)[^"]*)"/g)].map(([, name]) => name)
  expect(sent.length).toBe(2)
  const read: readonly string[] = Object.values(runAttributes).flat()
  for (const name of sent) expect(read).toContain(name)
})
