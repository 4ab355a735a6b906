// Files that came to harm: every cut, every flip, lost pages, lost files. What is whole comes back, what is not is
// counted, the start never fails.

import { describe, expect, test } from 'vitest'
import type { JournalProblem } from '../../collector/journal/journal.ts'
import {
  emptyTotals,
  encodeDoneMark,
  encodeHeader,
  encodeRecordHeader,
  encodeSealMark,
  recordHeaderBytes,
  type SegmentHeader,
  scanRecords,
} from '../../collector/journal/layout.ts'
import { dice } from '../dice.ts'
import { MemoryDisk, systemError } from './memory-disk.ts'
import { directory, drain, openOn, quiet, record, take } from './rows.ts'

const pageBytes = 4096
const first = `${directory}/000001.segment`

/** Files of a process killed after it appended these groups of records to one segment. */
async function killedAfter(groups: readonly (readonly ReturnType<typeof record>[])[]): Promise<Map<string, Buffer>> {
  const disk = new MemoryDisk()
  const journal = await openOn(disk)
  for (const group of groups) await journal.append(group)
  await quiet()
  return disk.content()
}

interface Found {
  readonly ids: readonly number[]
  readonly lost: number
  readonly torn: number
  readonly lostRows: number
}

async function readBack(content: ReadonlyMap<string, Buffer>, problems: JournalProblem[] = []): Promise<Found> {
  const journal = await openOn(new MemoryDisk(content), { onProblem: (problem) => problems.push(problem) })
  const ids = (await drain(journal)).flatMap((segment) => segment.ids)
  const { lostRecords, tornRecords, lostRows } = journal.stats()
  await journal.close()
  return { ids, lost: lostRecords, torn: tornRecords, lostRows: lostRows.reduce((sum, rows) => sum + rows, 0) }
}

function damaged(
  content: ReadonlyMap<string, Buffer>,
  harm: (file: Buffer) => Buffer | undefined,
): Map<string, Buffer> {
  const copy = new Map<string, Buffer>([...content].map(([name, bytes]) => [name, Buffer.from(bytes)]))
  const bytes = copy.get(first)!
  copy.set(first, harm(bytes) ?? bytes)
  return copy
}

describe('the last two records', () => {
  const groups = [
    [record([1]), record([2], { table: 1 })],
    [record([3])],
    [record([4], { fill: 90 })],
    [record([5], { fill: 40 })],
  ]

  test('cut at every byte: every record before the cut comes back', async () => {
    const content = await killedAfter(groups)
    const random = dice(7)
    const ends = recordEnds(content)
    const tails = {
      'the file ends': (file: Buffer, cut: number) => file.subarray(0, cut),
      zeros: (file: Buffer, cut: number) => file.fill(0, cut, file.length - pageBytes),
      garbage: (file: Buffer, cut: number) => {
        for (let at = cut; at < file.length - pageBytes; at++) file[at] = Math.floor(random() * 256)
        return file
      },
    }
    for (let cut = ends[2]!; cut <= ends[4]!; cut++) {
      const want = [1, 2, 3, 4, 5].slice(0, ends.filter((end) => end <= cut).length)
      for (const [tail, harm] of Object.entries(tails)) {
        const found = await readBack(damaged(content, (file) => harm(file, pageBytes + cut)))
        expect([tail, cut, [...found.ids].sort(), found.lost]).toEqual([tail, cut, want, 0])
      }
    }
  })

  test('any byte of them changed: all other records come back', async () => {
    const content = await killedAfter(groups)
    const ends = recordEnds(content)
    for (let at = ends[2]!; at < ends[4]!; at++) {
      const hit = at < ends[3]! ? 4 : 5
      const found = await readBack(
        damaged(content, (file) => {
          file[pageBytes + at]! ^= 1 << (at % 8)
          return undefined
        }),
      )
      expect([at, [...found.ids].sort()]).toEqual([at, [1, 2, 3, 4, 5].filter((id) => id !== hit)])
      if (hit === 4) expect([at, found.lost]).toEqual([at, 1])
    }
  })
})

/** Where each record of the first file ends in its record area, found by an independent walk. */
function recordEnds(content: ReadonlyMap<string, Buffer>): number[] {
  const file = content.get(first)!
  const ends: number[] = []
  let at = pageBytes
  while (file.toString('latin1', at, at + 4) === 'SREC') {
    at += 48 + file.readUInt32LE(at + 28)
    ends.push(at - pageBytes)
  }
  return ends
}

describe('the middle of a file', () => {
  const ten = Array.from({ length: 10 }, (_, i) => [record([i], { fill: 900 })])

  test('a page of zeros costs the records it touches, and they are counted', async () => {
    const content = await killedAfter(ten)
    const found = await readBack(damaged(content, (file) => file.fill(0, pageBytes + 2000, pageBytes + 2000 + 4096)))
    expect(found).toEqual({ ids: [0, 1, 7, 8, 9], lost: 5, torn: 0, lostRows: 0 })
  })

  test('in a sealed segment the lost rows are known, and counted by table', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    for (let id = 0; id < 10; id++) await journal.append([record([id, id + 100], { table: 2, fill: 300 })])
    await journal.close()
    const problems: JournalProblem[] = []
    const next = new MemoryDisk(damaged(disk.content(), (file) => file.fill(0x5a, pageBytes + 2000, pageBytes + 2100)))
    const reopened = await openOn(next, { onProblem: (problem) => problems.push(problem) })
    expect(reopened.stats()).toMatchObject({ rows: 20, lostRecords: 0 })
    expect((await drain(reopened)).flatMap(({ ids }) => ids)).toHaveLength(18)
    const stats = reopened.stats()
    expect([stats.recoveredRows[2], stats.lostRows[2], stats.lostRecords]).toEqual([20, 2, 1])
    expect(problems).toMatchObject([{ kind: 'records_lost', records: 1, rows: 2 }])
    expect([...next.content().keys()]).toContain(`${directory}/000001.damaged`)
    await reopened.close()
  })

  test('random harm anywhere never keeps the journal from starting, and never makes up a row', async () => {
    const content = await killedAfter(ten)
    for (let seed = 0; seed < 300; seed++) {
      const random = dice(seed)
      const found = await readBack(
        damaged(content, (file) => {
          for (let hits = 1 + Math.floor(random() * 6); hits > 0; hits--) {
            const at = Math.floor(random() * file.length)
            const span = Math.floor(random() ** 4 * 3000) + 1
            if (random() < 0.5) file.subarray(at, at + span).fill(Math.floor(random() * 256))
            else file.copyWithin(at, Math.floor(random() * file.length), Math.floor(random() * file.length))
          }
          return random() < 0.2 ? file.subarray(0, Math.floor(random() * file.length)) : file
        }),
      )
      expect([seed, new Set(found.ids).size]).toEqual([seed, found.ids.length])
      expect(found.ids.every((id) => id >= 0 && id < 10)).toBe(true)
    }
  })

  test('a payload that looks like records does not become records', async () => {
    const forged = Buffer.alloc(recordHeaderBytes)
    const payload = Buffer.from('#666,')
    encodeRecordHeader(forged, 0, '0123456789abcdef', {
      table: 0,
      index: 1,
      group: 1,
      rows: 1,
      appendedUnixMs: 0,
      parts: [payload],
    })
    const trap = { table: 0, rows: 1, parts: [Buffer.from('#1,'), forged, payload] }
    const content = await killedAfter([[trap], [record([2])]])
    const found = await readBack(
      damaged(content, (file) => {
        file[pageBytes + 40]! ^= 1
        return undefined
      }),
    )
    expect(found.ids).toEqual([2])
  })
})

describe('pages and files', () => {
  test('either of the two pages may be lost', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1 })
    await journal.append([record([1])])
    await journal.append([record([2])])
    const done = await take(journal)
    await journal.done(done)
    await journal.close()
    for (const page of ['head', 'foot'] as const) {
      const content = new Map([...disk.content()].map(([name, file]) => [name, Buffer.from(file)]))
      for (const file of content.values()) {
        if (page === 'head') file.fill(0, 0, pageBytes)
        else file.fill(0, file.length - pageBytes)
      }
      expect([page, (await readBack(content)).ids]).toEqual([page, [2]])
    }
  })

  test('a file without both is set aside, reported, and limited in number', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1, backlogRows: 1 })
    for (let id = 1; id <= 5; id++) await journal.append([record([id])])
    await journal.close()
    const content = disk.content()
    for (const name of ['000001', '000002', '000003']) content.get(`${directory}/${name}.segment`)!.fill(0xff)
    const problems: JournalProblem[] = []
    const next = new MemoryDisk(content)
    const reopened = await openOn(next, { damagedMax: 2, onProblem: (problem) => problems.push(problem) })
    expect(problems.map(({ kind }) => kind)).toEqual(['file_damaged', 'file_damaged', 'file_damaged'])
    expect(reopened.stats().damagedFiles).toBe(3)
    expect([...next.content().keys()].filter((name) => name.endsWith('.damaged'))).toHaveLength(2)
    expect((await drain(reopened)).flatMap(({ ids }) => ids)).toEqual([4, 5])
    await reopened.close()
  })

  test('a file deleted under the journal is counted as lost and passed over', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1, backlogRows: 1 })
    for (let id = 1; id <= 3; id++) await journal.append([record([id])])
    await disk.unlink(`${directory}/000002.segment`)
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1, 3])
    expect(journal.stats()).toMatchObject({ lostRecords: 1, rows: 0 })
    expect(journal.stats().lostRows[0]).toBe(1)
    await journal.close()
  })

  test('pages the disk cannot read cost only what is in them', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    for (let id = 0; id < 10; id++) await journal.append([record([id], { fill: 900 })])
    await journal.seal()
    const read = disk.read.bind(disk)
    disk.read = async (fd, into, position) => {
      if (position < 8192 + 100 && position + into.length > 8192) throw systemError('EIO', 'read')
      return read(fd, into, position)
    }
    const { ids } = (await drain(journal))[0]!
    expect(ids).toEqual([0, 1, 2, 3, 9])
    expect(journal.stats().lostRecords).toBe(5)
    await journal.close()
  })
})

// Expected bytes come from Python's struct and binascii.crc32, not from the code under test.
test('the layout is format 1 to the byte', () => {
  const header: SegmentHeader = {
    version: 1,
    capacity: 16_777_216,
    epoch: '00112233-4455-6677-8899-aabbccddeeff',
    sequence: 258,
    tag: '0123456789abcdef',
    begunUnixMs: 1_700_000_000_000,
  }
  expect(encodeHeader(header).subarray(0, 64).toString('hex')).toBe(
    '5350414e4c4a4e4c01000000186302a1' +
      '00112233445566778899aabbccddeeff' +
      '02010000000000000123456789abcdef' +
      '00008056febc784200000001ba4b2c43',
  )

  const bytes = Buffer.alloc(recordHeaderBytes + 3)
  bytes.write('abc', recordHeaderBytes)
  encodeRecordHeader(bytes, 0, header.tag, {
    table: 2,
    index: 0,
    group: 0,
    rows: 7,
    appendedUnixMs: 1_700_000_000_000,
    parts: [Buffer.from('a'), Buffer.from('bc')],
  })
  expect(bytes.toString('hex')).toBe(
    '535245430123456789abcdef01000200' +
      '00000000000000000700000003000000' +
      'c241243500008056febc78421fca9025' +
      '616263',
  )
  expect(scanRecords(bytes, header.tag)).toMatchObject({ records: [{ rows: 7, start: 48, end: 51 }], lost: 0, torn: 0 })

  const tables = emptyTotals()
  tables[2] = { rows: 7, bytes: 3 }
  const seal = encodeSealMark(header.tag, { records: 1, bytes: 51, firstUnixMs: 1_700_000_000_000, tables })
  expect([seal.offset, seal.bytes.subarray(0, 164).toString('hex')]).toEqual([
    512,
    '5345414c010000000123456789abcdef000000000080494000008056febc7842' +
      '00'.repeat(16) +
      '0700000003000000' +
      '00'.repeat(104) +
      '564cb2f2',
  ])
  const done = encodeDoneMark(header.tag)
  expect([done.offset, done.bytes.subarray(0, 16).toString('hex')]).toEqual([1024, '444f4e450123456789abcdef55d89354'])
})
