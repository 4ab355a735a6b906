import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { Journal, type JournalOptions, type JournalProblem } from '../../collector/journal/journal.ts'
import { ManualClock, MemoryDisk, systemError } from './memory-disk.ts'
import { directory, drain, idsIn, openOn, quiet, record, refusalReason, take } from './rows.ts'

const never = new AbortController().signal
const segmentFile = 16 * 1024 + 8192

describe('append and delivery', () => {
  test('rows of several tables come back in order, byte for byte, from one segment', async () => {
    const journal = await openOn(new MemoryDisk())
    await journal.append([record([1, 2], { table: 0 }), record([1], { table: 3 })])
    await journal.append([record([3], { table: 0 })])
    await journal.seal()

    const segment = await take(journal)
    expect(segment.tables).toEqual([
      { table: 0, rows: 3, bytes: 3 * 23 },
      { table: 3, rows: 1, bytes: 23 },
    ])
    expect(Buffer.concat(await segment.read(0)).toString()).toBe(
      `#1,${'.'.repeat(20)}#2,${'.'.repeat(20)}#3,${'.'.repeat(20)}`,
    )
    expect(Buffer.concat(await segment.read(3)).toString()).toBe(`#1,${'.'.repeat(20)}`)
    expect(await segment.read(1)).toEqual([])
    expect(segment.records(0).map(({ index, rows }) => [index, rows])).toEqual([
      [0, 2],
      [2, 1],
    ])
    await journal.done(segment)
    await journal.close()
  })

  test('one append is one write and one fdatasync', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await quiet()
    const operations: string[] = []
    disk.trouble = (operation) => {
      operations.push(operation)
      return undefined
    }
    await journal.append([record([2, 3], { table: 0 }), record([2], { table: 1 }), record([3], { table: 2 })])
    expect(operations).toEqual(['writev', 'fdatasync'])
    await journal.close()
  })

  test('appends that overlap are written one after the other', async () => {
    const journal = await openOn(new MemoryDisk())
    await Promise.all([1, 2, 3, 4, 5].map((id) => journal.append([record([id])])))
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1, 2, 3, 4, 5])
    await journal.close()
  })

  test('a segment is sealed at its rows, and at its bytes before a group that does not fit', async () => {
    const journal = await openOn(new MemoryDisk(), { segmentRows: 4 })
    await journal.append([record([1, 2, 3])])
    await journal.append([record([4])])
    await journal.append([record([5], { fill: 10_000 })])
    await journal.append([record([6], { fill: 10_000 })])
    expect((await drain(journal)).map(({ ids }) => ids)).toEqual([[1, 2, 3, 4], [5], [6]])
    await journal.close()
  })

  test('while older segments wait the open one takes more rows, and still ends', async () => {
    const journal = await openOn(new MemoryDisk(), { segmentRows: 2, backlogRows: 5 })
    for (let id = 1; id <= 9; id++) await journal.append([record([id])])
    expect((await drain(journal)).map(({ ids }) => ids)).toEqual([
      [1, 2],
      [3, 4, 5, 6, 7],
      [8, 9],
    ])
    await journal.close()
  })

  test('a group larger than a segment gets one of its own size, in order, and its file goes away', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await journal.append([record([2], { fill: 50_000 }), record([3], { table: 1 })])
    await journal.append([record([4])])
    const sizes = [...disk.content().values()].map(({ length }) => length).sort((a, b) => a - b)
    expect(sizes.at(-1)).toBeGreaterThan(50_000)

    expect((await drain(journal)).map(({ ids }) => ids)).toEqual([[1], [2, 3], [4]])
    expect(new Set([...disk.content().values()].map(({ length }) => length))).toEqual(new Set([segmentFile]))
    await journal.close()
  })

  test('a segment put back is delivered again, in its old place and under its old id', async () => {
    const journal = await openOn(new MemoryDisk(), { segmentRows: 1 })
    for (const id of [1, 2, 3]) await journal.append([record([id])])
    await journal.seal()
    const first = await take(journal)
    const second = await take(journal)
    journal.putBack(second)
    journal.putBack(first)
    const again = await take(journal)
    expect([again.id, await idsIn(again)]).toEqual([first.id, await idsIn(first)])
    await journal.close()
  })

  test('a record without rows and a table beyond the limit are bugs of the caller', async () => {
    const journal = await openOn(new MemoryDisk())
    await expect(journal.append([{ table: 0, rows: 0, parts: [] }])).rejects.toThrow(RangeError)
    await expect(journal.append([{ table: 16, rows: 1, parts: [] }])).rejects.toThrow(RangeError)
    expect(journal.stats().segments).toBe(0)
    await journal.close()
  })
})

describe('age', () => {
  test('a lone row is sealed one second after it came, if somebody waits for it', async () => {
    const clock = new ManualClock()
    const journal = await openOn(new MemoryDisk(), { clock })
    const waiting = journal.nextSealed(never)
    await journal.append([record([1])])
    clock.advance(600)
    await journal.append([record([2])])
    expect(clock.pending).toBe(1)
    clock.advance(400)
    const segment = await waiting
    expect(segment && (await idsIn(segment))).toEqual([1, 2])
    await journal.close()
  })

  test('nobody waits: no segment for every second of an outage; the next to ask gets the old rows at once', async () => {
    const clock = new ManualClock()
    const journal = await openOn(new MemoryDisk(), { clock })
    for (let second = 1; second <= 60; second++) {
      await journal.append([record([second])])
      clock.advance(1000)
    }
    expect(journal.stats()).toMatchObject({ segments: 1, rows: 60, oldestMs: 60_000 })
    const waiting = journal.nextSealed(never)
    clock.advance(0)
    const segment = await waiting
    expect(segment?.tables).toMatchObject([{ table: 0, rows: 60 }])
    await journal.close()
  })

  test('an abort and a close end the wait', async () => {
    const journal = await openOn(new MemoryDisk())
    const stop = new AbortController()
    const aborted = journal.nextSealed(stop.signal)
    const closed = journal.nextSealed(never)
    stop.abort()
    expect(await aborted).toBeUndefined()
    await journal.close()
    expect(await closed).toBeUndefined()
  })
})

describe('recovery', () => {
  test('rows of a killed process come once, under the same id however often it is killed again', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 2 })
    for (const id of [1, 2, 3]) await journal.append([record([id])])
    const before = await take(journal)

    let content = disk.content()
    const ids: string[] = []
    for (let crash = 0; crash < 3; crash++) {
      const next = new MemoryDisk(content)
      const reopened = await openOn(next)
      expect(reopened.stats()).toMatchObject({ rows: 3, segments: 2, tornRecords: 0, lostRecords: 0 })
      expect(reopened.stats().recoveredRows[0]).toBe(3)
      const first = await take(reopened)
      const second = await take(reopened)
      expect([...(await idsIn(first)), ...(await idsIn(second))]).toEqual([1, 2, 3])
      ids.push(`${first.id} ${second.id}`)
      content = next.content()
    }
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toContain(before.id)
  })

  test('what was done before the end does not come again', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1 })
    for (const id of [1, 2]) await journal.append([record([id])])
    await journal.done(await take(journal))
    const reopened = await openOn(new MemoryDisk(disk.contentAfterPowerCut(() => false)))
    expect((await drain(reopened)).flatMap(({ ids }) => ids)).toEqual([2])
    await reopened.close()
  })

  test('a clean stop keeps what is not done, and the next start reads no more than the pages', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 2, backlogRows: 2 })
    for (let id = 1; id <= 41; id++) await journal.append([record([id], { fill: 1000 })])
    await journal.close()
    expect(disk.openDescriptors).toBe(0)

    const next = new MemoryDisk(disk.content())
    const reopened = await openOn(next)
    expect(next.bytesRead).toBe(2 * 4096 * next.content().size)
    expect((await drain(reopened)).flatMap(({ ids }) => ids)).toHaveLength(41)
    await reopened.close()
    expect(next.openDescriptors).toBe(0)
  })

  test('a kill costs the next start one segment read, however long the backlog', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1, backlogRows: 1 })
    for (let id = 1; id <= 50; id++) await journal.append([record([id])])
    await quiet()
    const next = new MemoryDisk(disk.content())
    const reopened = await openOn(next)
    const prepared = 1
    expect(next.bytesRead).toBeLessThanOrEqual(2 * 4096 * 52 + prepared * (16 * 1024 + 4096))
    expect(reopened.stats().rows).toBe(50)
    await reopened.close()
  })

  test('bytes of an older use of the file are not rows', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1, sparesMax: 1 })
    // Two files take turns: every one of them is full of older records of the same size.
    for (let id = 1; id <= 20; id++) {
      await journal.append([record([id], { fill: 1000 }), record([id], { table: 1, fill: 7 })])
      await journal.done(await take(journal))
    }
    await journal.append([record([21], { table: 1 })])
    expect(disk.content().size).toBeLessThanOrEqual(3)

    const reopened = await openOn(new MemoryDisk(disk.content()))
    expect((await drain(reopened)).map(({ ids }) => ids)).toEqual([[21]])
    expect(reopened.stats()).toMatchObject({ lostRecords: 0, tornRecords: 0 })
    await reopened.close()
  })

  test('ids differ between journals and between starts, even after the files were deleted', async () => {
    const seen = new Set<string>()
    for (let start = 0; start < 3; start++) {
      const journal = await openOn(new MemoryDisk())
      await journal.append([record([1])])
      await journal.seal()
      seen.add((await take(journal)).id)
      await journal.close()
    }
    expect(seen.size).toBe(3)
  })

  test('a file half made by a killed process is removed', async () => {
    const disk = new MemoryDisk(new Map([[`${directory}/000007.unfinished`, Buffer.alloc(100)]]))
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await quiet()
    expect([...disk.content().keys()].map((file) => path.basename(file))).toEqual(['000008.segment', '000009.segment'])
    await journal.close()
  })

  test('a newer format is refused and left as it is', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await journal.close()
    const content = disk.content()
    for (const bytes of content.values()) {
      for (const page of [bytes.subarray(0, 4096), bytes.subarray(-4096)]) {
        page.writeUInt32LE(2, 8)
        page.writeUInt32LE(crc32(page.subarray(0, 12)), 12)
      }
    }
    const next = new MemoryDisk(content)
    await expect(openOn(next)).rejects.toThrow('journal /journal has format 2, this version reads up to 1')
    expect(next.content()).toEqual(content)
  })
})

describe('space', () => {
  const four = { bytesMax: 4 * segmentFile, segmentRows: 1, backlogRows: 1, sparesMax: 2 }

  test('a full journal refuses, keeps the oldest rows, and accepts again by itself', async () => {
    const problems: JournalProblem[] = []
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { ...four, onProblem: (problem) => problems.push(problem) })
    const accepted: number[] = []
    for (let id = 1; id <= 10; id++) {
      const reason = await refusalReason(journal.append([record([id])]))
      if (reason === 'accepted') accepted.push(id)
      else expect(reason).toBe('journal_full')
    }
    expect(accepted).toEqual([1, 2, 3, 4])
    expect(journal.stats()).toMatchObject({ isFull: true, rows: 4, allocatedBytes: 4 * segmentFile })
    expect(problems.map(({ kind }) => kind)).toEqual(['full'])

    const oldest = await take(journal)
    expect(await idsIn(oldest)).toEqual([1])
    await journal.done(oldest)
    expect(await refusalReason(journal.append([record([11])]))).toBe('accepted')
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([2, 3, 4, 11])
    expect(journal.stats()).toMatchObject({ isFull: false, rows: 0 })
    await journal.close()
  })

  test('the reserve of free disk space is left alone, also while rows drain', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { reserveBytes: 1_000_000, segmentRows: 1, backlogRows: 1 })
    await journal.append([record([1])])
    await journal.append([record([2])])
    disk.freeBytes = 1_000_000 + segmentFile - 1
    await journal.append([record([3])])
    expect(await refusalReason(journal.append([record([4])]))).toBe('journal_full')
    await journal.done(await take(journal))
    expect(await refusalReason(journal.append([record([5])]))).toBe('accepted')
    await journal.close()
  })

  test('a disk that is full while a file is made refuses before anything is owed', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { segmentRows: 1, backlogRows: 1 })
    await journal.append([record([1])])
    await journal.append([record([2])])
    disk.trouble = (operation, file) => {
      if (operation === 'writev' && file.endsWith('.unfinished')) throw systemError('ENOSPC', file)
      return undefined
    }
    expect(await refusalReason(journal.append([record([3])]))).toBe('journal_full')
    disk.trouble = () => undefined
    expect(await refusalReason(journal.append([record([5])]))).toBe('accepted')
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1, 2, 5])
    await quiet()
    expect([...disk.content().keys()].some((file) => file.endsWith('.unfinished'))).toBe(false)
    await journal.close()
  })

  test('a group that can never fit is refused for good', async () => {
    const journal = await openOn(new MemoryDisk(), four)
    expect(await refusalReason(journal.append([record([1], { fill: 5 * segmentFile })]))).toBe('too_large')
    await journal.close()
  })

  test('a limit below two segments is a mistake', async () => {
    await expect(openOn(new MemoryDisk(), { bytesMax: segmentFile })).rejects.toThrow('raise the limit')
  })
})

describe('the real file system', () => {
  const directories: string[] = []
  afterEach(() => {
    for (const made of directories.splice(0)) fs.rmSync(made, { recursive: true, force: true })
  })

  function makeOptions(): JournalOptions {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-test-'))
    directories.push(made)
    return { directory: path.join(made, 'journal'), segmentBytes: 64 << 10, reserveBytes: 0 }
  }

  test('files are closed to others, also in a directory that was open', async () => {
    const options = makeOptions()
    fs.mkdirSync(options.directory, { mode: 0o755 })
    const journal = await Journal.open(options)
    await journal.append([record([1])])
    expect(fs.statSync(options.directory).mode & 0o777).toBe(0o700)
    for (const name of fs.readdirSync(options.directory)) {
      expect([name, fs.statSync(path.join(options.directory, name)).mode & 0o777]).toEqual([name, 0o600])
    }
    await journal.close()
  })

  test('a second journal on the directory is refused with the name of the holder, until the first lets go', async () => {
    const options = makeOptions()
    const first = await Journal.open(options)
    await first.append([record([1])])
    await expect(Journal.open(options)).rejects.toThrow(`is in use by process ${process.pid}: stop it`)
    await first.append([record([2])])
    await first.close()
    const second = await Journal.open(options)
    expect((await drain(second)).flatMap(({ ids }) => ids)).toEqual([1, 2])
    await second.close()
  })

  test('a group of more parts than one system call takes is written whole', async () => {
    const journal = await Journal.open({ ...makeOptions(), segmentBytes: 1 << 20 })
    const ids = Array.from({ length: 3000 }, (_, i) => i)
    await journal.append([record(ids, { fill: 1 })])
    expect((await drain(journal)).flatMap((segment) => segment.ids)).toEqual(ids)
    await journal.close()
  })

  test('onSync hears of each fdatasync of an append', async () => {
    const syncs: number[] = []
    const journal = await Journal.open({ ...makeOptions(), onSync: (ms) => syncs.push(ms) })
    await journal.append([record([1])])
    await journal.append([record([2])])
    expect(syncs).toHaveLength(2)
    expect(syncs.every((ms) => ms > 0)).toBe(true)
    await journal.close()
  })
})
