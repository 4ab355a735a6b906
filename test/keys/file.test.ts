// A file of keys: what is taken of it, what is wrong with it, and that a wrong one changes nothing.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { KeyKeeper, WrongKeysFile } from '../../collector/keys/keeper.ts'
import { makeKey, prefixOf } from '../../collector/keys/key-text.ts'
import { parseKeysFile } from '../../collector/keys/keys-file.ts'

const parse = (text: string) => parseKeysFile(Buffer.from(text), 'keys.yaml')
const sha256 = 'a'.repeat(64)
const good = { name: 'service', project: 'shop', prefix: 'sl_000000000000', sha256, may: ['ingest', 'read'] }
const page = {
  ...good,
  name: 'page',
  prefix: 'sl_pub_000000000001',
  may: ['feedback'],
  origins: ['https://shop.example.com'],
}
const fileOf = (...entries: object[]): string => JSON.stringify({ keys: entries })

test('a key is 256 random bits behind a prefix that finds it', () => {
  const [one, other] = [makeKey({ isPublic: false }), makeKey({ isPublic: true })]
  expect(one.text).toMatch(/^sl_[0-9a-z]{12}_[\w-]{43}$/)
  expect(other.text).toMatch(/^sl_pub_[0-9a-z]{12}_[\w-]{43}$/)
  expect([prefixOf(one.text), prefixOf(other.text)]).toEqual([one.prefix, other.prefix])
  expect(makeKey({ isPublic: false }).text.slice(-43)).not.toBe(one.text.slice(-43))
  for (const text of ['', 'sl_', one.text.slice(1), one.text.slice(0, -1), `${one.text}x`, ` ${one.text}`])
    expect(prefixOf(text)).toBeUndefined()
})

describe('the file', () => {
  test('in YAML, with everything an entry may say', () => {
    const { entries, findings } = parse(`keys:
  - name: service
    project: shop
    prefix: sl_000000000000
    sha256: ${'1'.repeat(64)}
    may: [ingest, read]
    expires: 2027-01-31
  - name: page
    project: shop
    prefix: sl_pub_000000000001
    sha256: ${'0'.repeat(63)}e
    may: feedback
    origins: [https://shop.example.com, "http://localhost:8080"]
    per_minute: 1200
`)
    expect(findings).toEqual([])
    expect(entries).toEqual([
      {
        name: 'service',
        project: 'shop',
        prefix: 'sl_000000000000',
        sha256: Buffer.alloc(32, 0x11),
        may: new Set(['ingest', 'read']),
        expiresMs: Date.UTC(2027, 0, 31),
        origins: [],
        perMinute: 600,
      },
      expect.objectContaining({ origins: ['https://shop.example.com', 'http://localhost:8080'], perMinute: 1200 }),
    ])
  })

  test.each(['keys: []', 'keys:', '{"keys": []}'])('%s lets nobody in', (text) => {
    expect(parse(text)).toEqual({ entries: [], findings: [] })
  })

  test.each([
    ['not a list', 'keys.yaml: is no file of keys'],
    ['', 'keys.yaml: is no file of keys'],
    ['keys: {a: b}', 'keys.yaml: is no file of keys'],
    ['keyes: []', 'keys.yaml: "keyes" is not known here'],
    ['keys: [', 'keys.yaml:1: '],
    ['keys: &a []\nother: *a', 'keys.yaml: has aliases, which are not read'],
    [fileOf({ ...good, project: undefined }), 'project is missing'],
    [fileOf({ ...good, project: '../etc' }), 'project is not right'],
    [fileOf({ ...good, prefix: 'sl_0' }), 'prefix is not right'],
    [fileOf({ ...good, sha256: 'A'.repeat(64) }), 'sha256 is not right'],
    [fileOf({ ...good, sha: sha256 }), '"sha" is not known'],
    [fileOf({ ...good, may: [] }), 'may is missing'],
    [fileOf({ ...good, may: ['write'] }), 'may "write" is none of ingest, feedback, read, manage'],
    [fileOf({ ...good, expires: 'never' }), 'expires is not a date'],
    [fileOf({ ...good, expires: '2027-02-30' }), 'expires is not a date'],
    [fileOf({ ...good, origins: ['https://shop.example.com'] }), 'origins is for keys of web pages'],
    [fileOf({ ...page, origins: [] }), 'names the origins'],
    [fileOf({ ...page, origins: ['shop.example.com'] }), 'origins is not a list'],
    [fileOf({ ...page, may: ['feedback', 'read'] }), 'may feedback and no more'],
    [fileOf({ ...page, may: ['ingest'] }), 'may feedback and no more'],
    [fileOf({ ...page, per_minute: 0 }), 'per_minute is not a whole number'],
    [fileOf({ ...good, per_minute: 5 }), 'per_minute is for keys of web pages'],
    [fileOf(good, { ...good, name: 'other' }), 'prefix "sl_000000000000…" is another key'],
    [fileOf(good, { ...page, name: 'service' }), 'name "service" is another key'],
    ['[1, 2]', 'keys.yaml: is no file of keys'],
    ['keys: [1]', 'keys[0]: is no entry'],
  ])('%s is wrong', (text, want) => {
    const { findings } = parse(text)
    expect(findings.join('\n')).toContain(want)
    for (const finding of findings) expect(finding).not.toContain('\n')
  })

  test('findings name the line and never a key that was pasted in the wrong place', () => {
    const { text } = makeKey({ isPublic: false })
    const secret = text.slice(-43)
    const wrong = parse(
      `keys:\n  - name: service\n    project: ${text}\n    prefix: ${text}\n    sha256: ${text}\n    may: [${text}]\n    expires: ${text}\n    ${text}: 1\n`,
    )
    expect(wrong.findings.length).toBeGreaterThan(4)
    for (const finding of wrong.findings) {
      expect(finding).toMatch(/^keys\.yaml:2: keys\[0\] "service": /)
      expect(finding).not.toContain(secret)
    }
  })
})

describe('kept in force', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-keys-'))
  const file = join(directory, 'keys.json')
  let keeper: KeyKeeper | undefined
  let lines: string[] = []
  const log = {
    info: (line: string) => void lines.push(line),
    error: (line: string) => void lines.push(line),
    limited: () => undefined,
  }
  afterEach(async () => {
    await keeper?.close()
    lines = []
    rmSync(file, { force: true })
  })

  afterAll(() => rmSync(directory, { recursive: true }))

  const open = async (): Promise<KeyKeeper> => {
    keeper = await KeyKeeper.open({ file, log, pollMs: 50 })
    return keeper
  }
  const prefixes = (): string[] => [...(keeper?.entries.keys() ?? [])]

  test('a change counts within seconds, a wrong file or none leaves the last good one', async () => {
    writeFileSync(file, fileOf(good, page))
    await open()
    expect(prefixes()).toEqual([good.prefix, page.prefix])
    writeFileSync(file, fileOf(good))
    await vi.waitFor(() => expect(prefixes()).toEqual([good.prefix]), 5000)
    writeFileSync(file, '{"keys": [')
    await vi.waitFor(() => expect(keeper?.findings).toHaveLength(1), 5000)
    expect([prefixes(), keeper?.reloadFailures]).toEqual([[good.prefix], 1])
    expect(keeper?.notices()[0]).toContain('the 1 keys of the last good one stay in use')
    rmSync(file)
    await vi.waitFor(() => expect(keeper?.findings).toEqual(['keys.json: cannot be read (ENOENT)']), 5000)
    expect([prefixes(), keeper?.reloadFailures]).toEqual([[good.prefix], 2])
    writeFileSync(file, fileOf())
    await vi.waitFor(() => expect(prefixes()).toEqual([]), 5000)
    expect([keeper?.findings, keeper?.notices()]).toEqual([[], []])
    expect(lines.filter((line) => line.includes('wrong'))).toHaveLength(2)
  })

  test.each(['{}', '', undefined])('a start with a wrong file is refused: %s', async (text) => {
    if (text !== undefined) writeFileSync(file, text)
    await expect(open()).rejects.toThrow(WrongKeysFile)
  })
})
