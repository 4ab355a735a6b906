// Each rule that price files are held to, broken once.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { checkPriceFiles, editedEntries } from '../../processors/pricing/check.ts'
import type { ModelAlias, PriceEntry, PriceFile } from '../../processors/pricing/file.ts'

const source = [{ what: 'test' }]
const recordedAt = '2026-01-01T00:00:00Z'
const sound: PriceEntry = {
  id: 'acme/a#1',
  models: { exact: ['a'] },
  validFrom: null,
  validTo: null,
  recordedAt,
  bands: [{ rates: { input: '1', output: '2' } }],
  per: { tokens: 1_000_000 },
  currency: 'USD',
  source,
  confidence: 'high',
}
const alias: ModelAlias = { alias: 'b', model: 'a', validFrom: null, validTo: null, recordedAt, source }
const long = { inputTokens: { over: 200000, inclusive: false }, rates: { input: '2', output: '4' } }

function file(entries: PriceEntry[], aliases: ModelAlias[] = []): PriceFile {
  return { provider: 'acme', entries, aliases }
}

test('a sound file has no findings', () => {
  const later = { ...sound, id: 'acme/a#2', validFrom: '2026-06-01T00:00:00Z', recordedAt: '2026-05-01T00:00:00Z' }
  const batch: PriceEntry = { ...sound, id: 'acme/a#3', when: { serviceTier: 'batch' } }
  const tuned: PriceEntry = { ...sound, id: 'acme/ft:a#1', models: { exact: ['ft:a'], prefix: ['ft:a:'] } }
  const banded: PriceEntry = { ...sound, id: 'acme/c#1', models: { exact: ['c'] }, bands: [...sound.bands, long] }
  expect(checkPriceFiles([file([sound, later, batch, tuned, banded], [alias])])).toEqual([])
})

test.each<[string, PriceFile]>([
  ['acme/a#1: used twice', file([sound, { ...sound, models: { exact: ['c'] } }])],
  ['other/a#1: not of acme', file([{ ...sound, id: 'other/a#1' }])],
  ['acme/a: ends without #number', file([{ ...sound, id: 'acme/a' }])],
  ['acme/a#2: overlaps acme/a#1 for a', file([sound, { ...sound, id: 'acme/a#2', validFrom: '2026-06-01T00:00:00Z' }])],
  ['acme/a#1: supersedes acme/a#0, which is not there', file([{ ...sound, supersedes: 'acme/a#0' }])],
  [
    'acme/a#2: older than what it supersedes',
    file([sound, { ...sound, id: 'acme/a#2', supersedes: 'acme/a#1', recordedAt: '2025-01-01T00:00:00Z' }]),
  ],
  [
    'acme/a#2: overlaps acme/a#1 for a',
    file([
      { ...sound, when: { region: ['us', 'eu'] } },
      { ...sound, id: 'acme/a#2', when: { region: { not: ['us'] }, speed: { not: [] } } },
    ]),
  ],
  ['acme/a#1: supersedes itself', file([{ ...sound, supersedes: 'acme/a#1' }])],
  [
    'acme/b#1: supersedes acme/a#1, which is of other models',
    file([sound, { ...sound, id: 'acme/b#1', models: { exact: ['b'] }, supersedes: 'acme/a#1' }]),
  ],
  ['acme/a#1: names a model twice', file([{ ...sound, models: { exact: ['a', 'a'] } }])],
  ['acme/a#1: model " a" has blanks around it', file([{ ...sound, models: { exact: [' a'] } }])],
  ['acme/a#1: has a source without "what"', file([{ ...sound, source: [{ what: '' }] }])],
  [
    'acme/a#1: source "page" was read on "2026-02-30", which is no day',
    file([{ ...sound, source: [{ what: 'page', read: '2026-02-30' }] }]),
  ],
  ['acme/a#1: "sure" is no confidence', file([{ ...sound, confidence: 'sure' as 'high' }])],
  [
    'acme/a#1: is announced for a time before it was recorded',
    file([{ ...sound, announced: true, validFrom: '2025-01-01T00:00:00Z' }]),
  ],
  ['acme/a#1: "2026-13-01T00:00:00Z" is no UTC instant', file([{ ...sound, validFrom: '2026-13-01T00:00:00Z' }])],
  ['acme/a#1: region "EU" is not in lower case, as calls are compared', file([{ ...sound, when: { region: 'EU' } }])],
  ['acme/a#1: region is an empty list: it never holds', file([{ ...sound, when: { region: [] } }])],
  [
    'acme/a#1: region is neither a value, a list of values nor { not: [...] }',
    file([{ ...sound, when: { region: { is: 'eu' } as unknown as string } }]),
  ],
  [
    'acme/a#1: serviceTier "default" never holds: calls that say it are read as "standard"',
    file([{ ...sound, when: { serviceTier: 'default' } }]),
  ],
  [
    'acme/a#1: deploymentType "global-batch" never holds: it is read as {"deploymentType":"global","serviceTier":"batch"}',
    {
      ...file([{ ...sound, when: { deploymentType: 'global-batch' } }]),
      implies: { deploymentType: { 'global-batch': { deploymentType: 'global', serviceTier: 'batch' } } },
    },
  ],
  ['acme: spelling "EU" of region is not in lower case', { ...file([sound]), spellings: { region: { EU: 'eu' } } }],
  [
    'acme: spelling "a" of region leads to "b", itself a spelling',
    { ...file([sound]), spellings: { region: { a: 'b', b: 'c' } } },
  ],
  ['acme: no condition "tier" to spell', { ...file([sound]), spellings: { tier: {} } as PriceFile['spellings'] & {} }],
  [
    'acme: "a" of region implies serviceTier "default", which no entry can ask for',
    { ...file([sound]), implies: { region: { a: { serviceTier: 'default' } } } },
  ],
  [
    'acme: "a" and "A" differ in case alone, which is ignored',
    { ...file([{ ...sound, models: { exact: ['a', 'A'] } }]), ignoresCase: true },
  ],
  ['acme: shares with "other", which has no file', { ...file([sound]), sharesWith: ['other'] }],
  ['claude: calls of it are counted as "anthropic"', { provider: 'claude', entries: [{ ...sound, id: 'claude/a#1' }] }],
  ['acme: alias "b" ends before it starts', file([sound], [{ ...alias, validFrom: recordedAt, validTo: recordedAt }])],
  ['acme: alias "b": "soon" is no UTC instant', file([sound], [{ ...alias, validFrom: 'soon' }])],
  [
    'acme: alias "b" leads to "a" at a time when that has no entry',
    file([{ ...sound, validFrom: recordedAt }], [{ ...alias, validTo: recordedAt }]),
  ],
  ['acme: alias "b" resolves twice', file([sound], [alias, alias])],
  ['acme: alias "b" leads to "z", which has no entry', file([sound], [{ ...alias, model: 'z' }])],
  ['acme: alias "a" is an exact id', file([sound], [{ ...alias, alias: 'a' }])],
  ['acme: alias "b" has no source', file([sound], [{ ...alias, source: [] }])],
  [
    'acme: prefix "a-" shadows a-mini',
    file([
      { ...sound, models: { exact: ['a'], prefix: ['a-'] } },
      { ...sound, id: 'acme/a-mini#1', models: { exact: ['a-mini'] } },
    ]),
  ],
  ['acme: prefix "a" ends inside a word', file([{ ...sound, models: { exact: [], prefix: ['a'] } }])],
  ['acme: the empty prefix is for overrides', file([{ ...sound, models: { exact: [], prefix: [''] } }])],
  ['acme: suffix "nitro" begins inside a word', { ...file([sound]), modelSuffixes: ['nitro'] }],
  ['acme/a#1: names no model', file([{ ...sound, models: { exact: [] } }])],
  ['acme/a#1: has no source', file([{ ...sound, source: [] }])],
  ['acme/a#1: "2026-06-01" is no UTC instant', file([{ ...sound, validFrom: '2026-06-01' }])],
  [
    'acme/a#1: ends before it starts',
    file([{ ...sound, validFrom: '2026-06-01T00:00:00Z', validTo: '2026-06-01T00:00:00Z' }]),
  ],
  ['acme/a#1: no condition "tier"', file([{ ...sound, when: { tier: 'batch' } as PriceEntry['when'] & object }])],
  ['acme/a#1: "Euro" is no currency', file([{ ...sound, currency: 'Euro' }])],
  ['acme/a#1: has no band', file([{ ...sound, bands: [] }])],
  ['acme/a#1: the first band has a lower edge', file([{ ...sound, bands: [long] }])],
  ['acme/a#1: bands are not in rising order', file([{ ...sound, bands: [...sound.bands, long, long] }])],
  [
    'acme/a#1: bands are not in rising order',
    file([{ ...sound, bands: [...sound.bands, { ...long, thinking: true }, long] }]),
  ],
  [
    'acme/a#1: the first band is for thinking calls alone',
    file([{ ...sound, bands: [{ rates: { input: '1', output: '2' }, thinking: true }] }]),
  ],
  [
    'acme/a#1: the band over 200000 lacks output',
    file([{ ...sound, bands: [...sound.bands, { ...long, rates: { input: '2' } }] }]),
  ],
  [
    'acme/a#1: only the band over 200000 has cacheRead',
    file([{ ...sound, bands: [...sound.bands, { ...long, rates: { ...long.rates, cacheRead: '1' } }] }]),
  ],
  [
    'acme/a#1: no unit "tokens"',
    file([{ ...sound, bands: [{ rates: { tokens: '1' } as PriceEntry['bands'][0]['rates'] }] }]),
  ],
  ['acme/a#1: rate of input has no "per"', file([{ ...sound, per: {} }])],
  ['not a decimal rate: "1e-6"', file([{ ...sound, bands: [{ rates: { input: '1e-6' } }] }])],
  ['acme/a#1: no minimum "input: ten"', file([{ ...sound, minimum: { input: 'ten' } }])],
  ['no calendar called "moon"', file([{ ...sound, when: { schedule: { zone: 'UTC', exceptCalendar: 'moon' } } }])],
  ['not clock hours: "9-12"', file([{ ...sound, when: { schedule: { zone: 'UTC', hours: ['9-12'] } } }])],
])('finds: %s', (finding, broken) => {
  expect(checkPriceFiles([broken]).join('\n')).toContain(finding)
})

test('an alias that was edited or removed is noticed', () => {
  const before = file([sound], [alias])
  expect(editedEntries(before, before)).toEqual([])
  const after = file([sound], [{ ...alias, validTo: recordedAt }])
  expect(editedEntries(before, after)).toEqual(['acme: alias "b" removed or edited'])
  expect(editedEntries(before, file([sound]))).toEqual(['acme: alias "b" removed or edited'])
})

test('two files of one provider are found', () => {
  expect(checkPriceFiles([file([sound]), file([])])).toContain('acme: two files')
})

test('a folder loads as files of their names; what is broken stops it with its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prices-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'acme.json'), JSON.stringify(file([sound])))
  expect(loadPriceBook(folder).map(({ provider }) => provider)).toEqual(['acme'])
  writeFileSync(join(folder, 'other.json'), JSON.stringify(file([sound])))
  expect(() => loadPriceBook(folder)).toThrow('other.json: holds the prices of "acme"')
  writeFileSync(join(folder, 'other.json'), '{')
  expect(() => loadPriceBook(folder)).toThrow('other.json: not JSON')
  writeFileSync(join(folder, 'other.json'), JSON.stringify({ provider: 'other', entries: [sound] }))
  expect(() => loadPriceBook(folder)).toThrow('acme/a#1: not of other')
})
