// Public price lists: each plug reads an extract of its list as expected, and the commands compare and propose by them.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { readPriceFiles } from '../../collector/price-files.ts'
import { loadPriceList, priceListNames, readInstalledList } from '../../collector/price-lists.ts'
import { PriceBook, type PriceFile } from '../../processors/pricing/book.ts'
import { compareList } from '../../processors/pricing/list-compare.ts'
import { type NamedList, proposeEntries } from '../../processors/pricing/list-propose.ts'
import { type ListedEntry, shifted } from '../../processors/pricing/price-list.ts'
import { entry } from './cards.ts'

const fixtures = join(import.meta.dirname, '../fixtures/price-lists')
const names = priceListNames()
const at = Date.parse('2026-08-15T00:00:00Z')

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8'))
}

describe('a list', () => {
  test('each has a plug, an extract and what is expected of it', () => {
    expect(names).toEqual(['genai-prices', 'langfuse', 'litellm', 'models-dev', 'openrouter', 'portkey'])
    for (const name of names) expect([name, existsSync(join(fixtures, `${name}.json`))]).toEqual([name, true])
  })

  test.each(names)('%s is read into entries of ours, and what it cannot say is noted', async (name) => {
    const list = await loadPriceList(name)
    const reading = list.read(fixture(name), name === 'portkey' ? 'openai' : name)
    const expected = join(fixtures, `${name}.expected.json`)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expected, `${JSON.stringify(reading, null, 1)}\n`)
    expect(JSON.parse(JSON.stringify(reading))).toEqual(JSON.parse(readFileSync(expected, 'utf8')))
  })

  test.each(names)('%s in another form says what is wrong', async (name) => {
    const list = await loadPriceList(name)
    for (const document of ['text', 7, null]) expect(() => list.read(document, 'x')).toThrow(RangeError)
  })
})

describe('amounts', () => {
  test.each([
    ['2.5e-06', 6, '2.5', false],
    ['0.0000006000000000000001', 6, '0.6', true],
    ['1.4000000000000001e-05', 6, '14', true],
    ['0.00005999999999999999', 4, '0.6', true],
    ['0.00001111', 0, '0.00001111', false],
    ['0.035', 3, '35', false],
    ['1000', 0, '1000', false],
    ['0', 6, '0', false],
    ['8.333333333333334e-08', 6, '0.0833333333333', true],
    ['9.99999999999999e-1', 0, '1', true],
  ])('%s × 10^%i is %s', (sent, tens, text, isCleaned) => {
    expect(shifted(sent, tens)).toEqual({ text, isCleaned })
  })

  test.each(['-1', 'free', '', '1,5', 'NaN'])('"%s" is none', (sent) => {
    expect(shifted(sent, 6)).toBeNull()
  })
})

const rates = { input: '1', output: '2' }
const files: readonly PriceFile[] = [
  {
    provider: 'acme',
    entries: [
      entry('acme/a#1', ['a'], rates),
      entry('acme/b#7', ['b'], { ...rates, webSearch: '10' }),
      entry('acme/c#1', ['c'], rates),
      entry('acme/gone#1', ['gone'], rates, { validTo: '2026-01-01T00:00:00Z' }),
    ],
  },
]

function listed(model: string, given: Partial<ListedEntry> & { readonly input?: string } = {}): ListedEntry {
  const { input = '1', ...more } = given
  return {
    provider: 'acme',
    models: { exact: [model] },
    validFrom: null,
    validTo: null,
    bands: [{ rates: { input, output: '2' } }],
    per: { tokens: 1_000_000 },
    ...more,
  }
}

describe('compared', () => {
  const book = new PriceBook(files)
  const compare = (entries: readonly ListedEntry[]) => compareList(book, entries, { files, atMs: at })

  test('per model: the same, different by unit and ratio, with one of them only', () => {
    const { rows, otherProviders } = compare([
      listed('a', { bands: [{ rates: { input: '0.001', output: '2' } }], per: { tokens: 1_000_000, input: 1000 } }),
      listed('b', { input: '1.5', when: { serviceTier: 'batch' } }),
      listed('b', { input: '1.5' }),
      listed('d'),
      listed('x', { provider: 'elsewhere' }),
    ])
    expect(rows.map(({ model, conditions, verdict }) => [model, conditions, verdict])).toEqual([
      ['a', {}, 'same'],
      ['b', {}, 'differs'],
      ['b', { serviceTier: 'batch' }, 'only_theirs'],
      ['d', {}, 'only_theirs'],
      ['c', {}, 'only_ours'],
    ])
    expect(rows[1]).toMatchObject({
      differences: [{ unit: 'input', fromTokens: 0, ours: '1 / 1000000', theirs: '1.5 / 1000000', ratio: 1.5 }],
      unitsOnlyOurs: ['webSearch'],
      unitsOnlyTheirs: [],
      priceEntry: 'acme/b#7',
    })
    expect(otherProviders).toEqual({ elsewhere: 1 })
  })

  test('a size that begins elsewhere is a difference between the two edges', () => {
    const rise = { inputTokens: { over: 99, inclusive: false }, rates: { input: '3', output: '2' } }
    const { rows } = compare([listed('a', { bands: [{ rates }, rise] })])
    expect(rows[0]).toMatchObject({
      verdict: 'differs',
      differences: [{ unit: 'input', fromTokens: 100, ours: '1 / 1000000', theirs: '3 / 1000000', ratio: 3 }],
    })
  })

  test('the instant decides on both sides', () => {
    const later = listed('a', { input: '9', validFrom: '2026-08-16T00:00:00Z' })
    expect(compare([listed('a'), later]).rows[0]?.verdict).toBe('same')
    const { rows } = compareList(book, [listed('a'), later], { files, atMs: at + 86_400_000 })
    expect(rows[0]?.verdict).toBe('differs')
  })
})

describe('proposed', () => {
  const book = new PriceBook(files)
  const propose = (...lists: NamedList[]) =>
    proposeEntries(book, lists, { files, atMs: at, readOn: '2026-08-15', recordedAt: '2026-08-15T12:00:00Z' })

  test('one list is of medium confidence, two that agree are of high, and who says otherwise is named', () => {
    const { proposals, findings } = propose(
      { name: 'One', entries: [listed('b', { input: '1.5' }), listed('d'), listed('a', { input: '5' })] },
      { name: 'Two', entries: [listed('b', { input: '1.5' }), listed('a', { input: '5' })] },
      { name: 'Three', entries: [listed('b', { input: '4' }), listed('a')] },
    )
    expect(findings).toEqual([])
    const byId = Object.fromEntries(proposals.map((each) => [each.entry.id, each]))
    expect(Object.keys(byId)).toEqual(['acme/b#8', 'acme/d#1', 'acme/a#2'])
    expect(byId['acme/b#8']).toMatchObject({
      agree: ['One', 'Two'],
      differ: ['Three'],
      instead: 'acme/b#7',
      entry: {
        confidence: 'high',
        validFrom: '2026-08-15T00:00:00Z',
        source: [
          { what: 'One', read: '2026-08-15' },
          { what: 'Two', read: '2026-08-15' },
        ],
        bands: [{ rates: { input: '1.5', output: '2' } }],
      },
    })
    expect(byId['acme/d#1']).toMatchObject({ instead: null, entry: { confidence: 'medium', validFrom: null } })
  })

  test('nothing is proposed where as many agree with us as with each other', () => {
    const { proposals } = propose(
      { name: 'One', entries: [listed('a', { input: '5' })] },
      { name: 'Two', entries: [listed('a')] },
    )
    expect(proposals).toEqual([])
  })
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanledger-prices-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCli({
    argv: ['prices', ...argv, '--data-dir', folder],
    env: {},
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

describe('the commands', () => {
  test('check: what ships is sound; a folder and a file of own prices that are not are findings', async () => {
    const sound = await run('check', '--json')
    expect(sound.code).toBe(0)
    expect(JSON.parse(sound.out)).toMatchObject({ ok: true, findings: [], own_findings: [] })
    writeFileSync(
      join(folder, 'acme.json'),
      JSON.stringify({ provider: 'acme', entries: [{ ...files[0]!.entries[0], source: [] }] }),
    )
    writeFileSync(join(folder, 'broken.json'), '{')
    const wrong = await run('check', folder)
    expect(wrong.code).toBe(1)
    expect(wrong.out).toContain('acme/a#1: has no source')
    expect(wrong.out).toContain('broken.json: not JSON')
    const own = join(folder, 'own.yaml')
    writeFileSync(own, 'prices:\n  - id: x\n    provider: acme\n')
    const { code, out } = await run('check', '--prices-file', own)
    expect(code).toBe(1)
    expect(out).toMatch(/own\.yaml:\d+: /)
  })

  test('diff: with the file of a list, by provider and model', async () => {
    const { code, out } = await run(
      ...['diff', '--from', 'litellm', '--file', join(fixtures, 'litellm.json'), '--at', '2026-08-15', '--json'],
      ...['--provider', 'openai', '--model', 'gpt-4.1'],
    )
    const result = JSON.parse(out) as { models: { model: string; verdict: string }[] }
    expect(result).toMatchObject({ list: 'litellm', compared_at: '2026-08-15T00:00:00.000Z', counts: { differs: 0 } })
    expect(result.models.filter(({ model, verdict }) => model === 'gpt-4.1' && verdict === 'same')).toHaveLength(3)
    expect(code).toBe(0)
  })

  test('diff: with the package of genai-prices, where it is installed', async () => {
    const list = await loadPriceList('genai-prices')
    const reading = await readInstalledList(list)
    expect(reading?.entries.length).toBeGreaterThan(500)
    const { out } = await run('diff', '--from', 'genai-prices', '--provider', 'Claude', '--at', '2026-08-15')
    expect(out).toMatch(/^genai-prices, compared at 2026-08-15T00:00:00\.000Z with /)
    expect(out).toMatch(/same [1-9]\d*, differs \d+, only ours \d+, only theirs \d+/)
  })

  test('import: into a new file, from several lists; no price file is touched', async () => {
    const before = JSON.stringify(readPriceFiles())
    const out = join(folder, 'proposals.json')
    const from = `litellm=${join(fixtures, 'litellm.json')},langfuse=${join(fixtures, 'langfuse.json')}`
    const first = await run('import', '--from', from, '--at', '2026-08-15', '--out', out)
    expect([first.code, first.err]).toEqual([0, ''])
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({
      compared_at: '2026-08-15T00:00:00.000Z',
      findings: [],
    })
    expect(await run('import', '--from', from, '--out', out)).toMatchObject({ code: 2 })
    expect(JSON.stringify(readPriceFiles())).toBe(before)
  })

  const wrong: [string[], string][] = [
    [['dif'], 'unknown action "dif"; did you mean diff?'],
    [['diff'], '--from is missing: one of genai-prices, '],
    [['diff', '--from', 'litelm'], '--from: unknown list "litelm"; did you mean litellm?'],
    [['diff', '--from', 'litellm'], '--from litellm needs its file, and --file names none'],
    [['diff', '--from', 'litellm', '--file', '/nowhere.json'], '--from litellm: there is no /nowhere.json'],
    [['diff', '--from', 'openrouter', '--file', join(fixtures, 'litellm.json')], '--from openrouter: '],
    [['diff', '--from', 'genai-prices', '--provider', 'opnai'], '--provider: unknown provider "opnai"'],
    [['check', '--from', 'litellm'], 'prices check: --from does not go with it'],
  ]
  test.each(wrong)('%j is wrong use, in one line', async (argv, want) => {
    const { code, out, err } = await run(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err.startsWith(`spanledger: ${want}`)).toBe(true)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})
