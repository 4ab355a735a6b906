// Own prices while the collector runs: from file and API, kept on the disk, taken without a restart or not at all.

import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { PriceKeeper, WrongPriceFile } from '../../collector/prices/keeper.ts'
import { changesFile, PriceRecords, readChanges } from '../../collector/prices/records.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { bookPartsAt } from '../../processors/pricing/custom/history.ts'
import type { PriceRefusal } from '../../processors/pricing/custom/refusal.ts'
import type { PriceFile } from '../../processors/pricing/file.ts'
import { entry } from '../pricing/cards.ts'

const catalogue: PriceFile[] = [
  { provider: 'acme', entries: [entry('acme/big#1', ['big'], { input: '2', output: '8' })] },
]
const priceOf = (input: number | string, id = 'own'): string =>
  `prices: [{id: ${id}, provider: acme, model: mine, rates: {input: ${input}}}]\n`

interface Lab {
  readonly dataDir: string
  readonly file: string
  /** Lines logged, `level message`. */
  readonly lines: string[]
  /** Time of the keeper's clock. */
  clock: number
  write(text: string): void
  open(file?: string): Promise<PriceKeeper>
}

function lab(): Lab {
  const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-prices-'))
  const file = join(dataDir, 'prices.yaml')
  const keepers: PriceKeeper[] = []
  onTestFinished(async () => {
    for (const keeper of keepers) await keeper.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const lines: string[] = []
  const say =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`)
  const log = { info: say('info'), warn: say('warn'), error: say('error'), limited: () => undefined }
  const made: Lab = {
    dataDir,
    file,
    lines,
    clock: Date.parse('2026-11-01T00:00:00Z'),
    write: (text) => writeFileSync(file, text),
    async open(path = file) {
      for (const keeper of keepers.splice(0)) await keeper.close()
      const keeper = await PriceKeeper.open({
        catalogue,
        file: path,
        dataDir,
        log,
        now: () => made.clock,
        pollMs: 20,
      })
      keepers.push(keeper)
      return keeper
    },
  }
  return made
}

/** Input rate of `mine`, in pico-USD, as a book gives it now; null when it has no price. */
function rate(book: PriceBook, model = 'mine'): number | null {
  const resolution = book.resolve('acme', model, noConditions, Date.parse('2026-11-24T00:00:00Z'))
  return resolution.kind === 'card' ? resolution.card.bands[0]!.rate[0]! : null
}

const until = <T>(read: () => T, wanted: T): Promise<unknown> =>
  vi.waitFor(() => expect(read()).toEqual(wanted), { timeout: 10_000, interval: 10 })

test('a change of the file makes another book, and the first instant of a record never moves', async () => {
  const { write, open, ...at } = lab()
  write(priceOf(1))
  const keeper = await open()
  const first = keeper.book
  expect(rate(first)).toBe(1_000_000)
  write(priceOf('1.50'))
  await until(() => rate(keeper.book), 1_500_000)
  expect(rate(first)).toBe(1_000_000)
  expect(keeper.book.version).not.toBe(first.version)
  const seen = keeper.known().map(({ seenAt }) => seenAt)
  const again = await open()
  expect(again.known().map(({ seenAt }) => seenAt)).toEqual(seen)
  expect(again.book.version).toBe(keeper.book.version)
  expect(readChanges(at.dataDir)).toHaveLength(2)
})

test('what was known at an instant can be had again, withdrawn prices too', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  room.clock = Date.parse('2026-11-10T00:00:00Z')
  room.write(priceOf(2))
  await until(() => rate(keeper.book), 2_000_000)
  room.clock = Date.parse('2026-11-20T00:00:00Z')
  room.write('')
  await until(() => rate(keeper.book), null)
  const asOf = (day: string): number | null => {
    const instant = Date.parse(`${day}T12:00:00Z`)
    return rate(new PriceBook(catalogue, { ...bookPartsAt(keeper.changes, instant), asOf: instant }))
  }
  expect(['2026-10-31', '2026-11-01', '2026-11-10', '2026-11-20'].map(asOf)).toEqual([null, 1_000_000, 2_000_000, null])
})

test.each<[string, (room: Lab, text: string) => void]>([
  ['written in place', ({ file }, text) => writeFileSync(file, text)],
  [
    'renamed over, as editors do',
    ({ file }, text) => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    },
  ],
  [
    'removed and made anew',
    ({ file }, text) => {
      rmSync(file)
      writeFileSync(file, text)
    },
  ],
])('a file %s is noticed', async (_, change) => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  change(room, priceOf(3))
  await until(() => rate(keeper.book), 3_000_000)
})

test('a link of a mounted map that is switched is noticed', async () => {
  const room = lab()
  const [mount, link] = [join(room.dataDir, 'mount'), join(room.dataDir, 'mount', '..data')]
  for (const [name, input] of [
    ['one', 1],
    ['two', 2],
  ] as const) {
    mkdirSync(join(mount, name), { recursive: true })
    writeFileSync(join(mount, name, 'prices.yaml'), priceOf(input))
  }
  symlinkSync('one', link)
  symlinkSync('..data/prices.yaml', join(mount, 'prices.yaml'))
  const keeper = await room.open(join(mount, 'prices.yaml'))
  expect(rate(keeper.book)).toBe(1_000_000)
  symlinkSync('two', `${link}_tmp`)
  renameSync(`${link}_tmp`, link)
  await until(() => rate(keeper.book), 2_000_000)
})

test('a wrong file changes nothing but what is said about it, once per change', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  const { version } = keeper.book
  expect([keeper.notices(), keeper.reloadFailures]).toEqual([[], 0])

  room.write(priceOf('one'))
  await until(() => keeper.reloadFailures, 1)
  expect(keeper.findings).toEqual([
    'prices.yaml:1: prices[0] "own": rates.input: "one" is not an amount such as 2.50, not below 0',
  ])
  expect(keeper.notices()).toEqual([
    `the file of own prices is wrong (1 findings, see the log): price book ${version} stays in use`,
  ])
  rmSync(room.file)
  await until(() => keeper.findings, ['prices.yaml: cannot be read (ENOENT)'])
  await new Promise((resolve) => setTimeout(resolve, 500)) // more than ten looks at a file that stays away
  expect([rate(keeper.book), keeper.book.version, keeper.reloadFailures]).toEqual([1_000_000, version, 2])
  expect(room.lines).toEqual(Array(2).fill('error the file of own prices is wrong: the last good one stays in use'))

  room.write(priceOf(1))
  await until(() => keeper.findings, [])
  expect(keeper.book.version).toBe(version)
  expect(room.lines.at(-1)).toBe('info the file of own prices is right again')
})

test('at the start the last good file stands in for a wrong one, and without one the start is refused', async () => {
  const room = lab()
  room.write('prices: [{}]')
  const refusal = await room.open().catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(WrongPriceFile)
  expect((refusal as WrongPriceFile).findings).toHaveLength(3)
  room.write(priceOf(4))
  await room.open()
  room.write('prices: [{}]')
  const keeper = await room.open()
  expect([rate(keeper.book), keeper.findings.length, keeper.reloadFailures]).toEqual([4_000_000, 3, 1])
  room.write(priceOf(5))
  await until(() => rate(keeper.book), 5_000_000)
})

test('without a file its prices end, and what the API has set stays', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  await keeper.put('extra', { provider: 'acme', model: 'extra', rates: { input: '7' } })
  const bare = await room.open('')
  expect([rate(bare.book), rate(bare.book, 'extra')]).toEqual([null, 7_000_000])
})

test('a record of the API is durable, replaced, ended, and never without trace', async () => {
  const room = lab()
  const keeper = await room.open('')
  await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '1' } })
  await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '2' } })
  expect(rate(keeper.book)).toBe(2_000_000)
  const again = await room.open('')
  expect(rate(again.book)).toBe(2_000_000)
  await again.remove('a')
  expect(rate(again.book)).toBe(null)
  expect(readChanges(room.dataDir).map(({ set, removed }) => [set.length, removed])).toEqual([
    [1, []],
    [1, []],
    [0, ['a']],
  ])
})

test('the same again is no change', async () => {
  const room = lab()
  const keeper = await room.open('')
  for (let i = 0; i < 3; i++) await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '1' } })
  expect(readChanges(room.dataDir)).toHaveLength(1)
})

test('file and API do not speak of the same record or the same calls', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  const refused = async (work: Promise<unknown>): Promise<string> => {
    const error = (await work.catch((each: unknown) => each)) as PriceRefusal
    return `${error.reason}: ${error.message}`
  }
  const same = { provider: 'acme', model: 'mine', rates: { input: '1' } }
  expect(await refused(keeper.put('own', same))).toBe('conflict: "own" is in prices.yaml: change it there')
  expect(await refused(keeper.remove('own'))).toBe('conflict: "own" is in prices.yaml: change it there')
  expect(await refused(keeper.remove('b'))).toBe('not_found: no own price has the id "b"')
  expect(await refused(keeper.put('b', same))).toMatch(/^bad_request: says the same calls as "own" of the file/)
  expect(await refused(keeper.put('b', { ...same, rates: { input: 'x' } }))).toBe(
    'bad_request: rates.input: "x" is not an amount such as 2.50, not below 0',
  )
  await keeper.put('target', { provider: 'acme', model: 'new', rates: { input: '1' } })
  await keeper.put('name', { kind: 'alias', provider: 'acme', name: 'n', model: 'new' })
  expect(await refused(keeper.remove('target'))).toMatch(/^conflict: "target" is needed: "name" set by the API: model:/)
  room.write(`${priceOf(1)}aliases: [{id: target, provider: acme, name: t, model: big}]\n`)
  await until(() => keeper.findings.length, 1)
  expect(keeper.findings[0]).toContain('id: "target" is the id of "target" set by the API too')
})

test('a line that a crash cut off was never taken; a damaged one stops the start', async () => {
  const room = lab()
  const keeper = await room.open('')
  await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '1' } })
  await keeper.close()
  appendFileSync(changesFile(room.dataDir), '{"at":"2026-11-02T00:00:00.000Z","source":"api","set":[],"rem')
  const after = await room.open('')
  await after.put('b', { provider: 'acme', model: 'other', rates: { input: '1' } })
  expect(after.known().map(({ record }) => record.id)).toEqual(['a', 'b'])
  expect((await room.open('')).known()).toHaveLength(2)
  const lines = readFileSync(changesFile(room.dataDir), 'utf8').split('\n')
  await (await room.open('')).close()
  writeFileSync(changesFile(room.dataDir), [lines[0]!.slice(0, 40), ...lines.slice(1)].join('\n'))
  await expect(room.open('')).rejects.toThrow(/changes\.jsonl:1: is damaged/)
})

test('changes of file and API at the same time all come to be', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  const puts = Array.from({ length: 20 }, (_, i) =>
    keeper.put(`p${i}`, { provider: 'acme', model: `m${i}`, rates: { input: `${i}` } }),
  )
  room.write(priceOf(2))
  await Promise.all(puts)
  await until(() => rate(keeper.book), 2_000_000)
  expect(puts.map((_, i) => rate(keeper.book, `m${i}`))).toEqual(puts.map((_, i) => i * 1_000_000))
  expect((await room.open()).known()).toHaveLength(21)
})

test('a file that cannot be kept is not in force, is said to be, and is taken when the disk is well again', async () => {
  const room = lab()
  room.write(priceOf(1))
  const keeper = await room.open()
  const full = vi
    .spyOn(PriceRecords.prototype, 'append')
    .mockRejectedValue(Object.assign(new Error(), { code: 'ENOSPC' }))
  onTestFinished(() => full.mockRestore())
  room.write(priceOf(2))
  await until(() => keeper.findings, ['prices.yaml: could not be kept (ENOSPC)'])
  expect([rate(keeper.book), keeper.reloadFailures]).toEqual([1_000_000, 1])
  full.mockRestore()
  await until(() => rate(keeper.book), 2_000_000)
  expect(keeper.findings).toEqual([])
})

test('at a start the books just before are told of, for those who store them', async () => {
  const room = lab()
  const keeper = await room.open('')
  const versions: string[] = []
  for (let i = 1; i <= 9; i++) {
    await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: `${i}` } })
    versions.push(keeper.book.version)
  }
  await keeper.close()
  const told: string[] = []
  const { dataDir } = room
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }
  const onBook = (book: PriceBook): void => void told.push(book.version)
  const again = await PriceKeeper.open({ catalogue, file: '', dataDir, log, onBook })
  await again.close()
  expect(told).toEqual(versions.slice(3))
})

test('instants of changes never go back, whatever the clock does', async () => {
  const room = lab()
  const keeper = await room.open('')
  await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '1' } })
  room.clock -= 3_600_000
  await keeper.put('a', { provider: 'acme', model: 'mine', rates: { input: '2' } })
  const instants = keeper.changes.map(({ at }) => at)
  expect(instants).toEqual(instants.toSorted())
})
