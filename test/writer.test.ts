import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { InsertRequest } from '../collector/clickhouse/client.ts'
import type { Journal } from '../collector/journal/journal.ts'
import { readQuarantine, redrive } from '../collector/quarantine.ts'
import { Writer, type WriterHealth, type WriterOptions } from '../collector/writer.ts'
import { ManualClock, MemoryDisk, systemError } from './journal/memory-disk.ts'
import { idsOf, openOn, record } from './journal/rows.ts'

const tables = [
  { name: 'spans', columns: ['trace_id', 'span_id'], priority: 1 },
  { name: 'span_content', columns: ['span_id', 'content'], priority: 0 },
  { name: 'scores', columns: ['id'], priority: 2 },
]

class ClickHouseError extends Error {
  readonly kind: 'world' | 'data' | 'config'
  readonly code: number | null

  constructor(kind: 'world' | 'data' | 'config', code: number | null) {
    super(`Code: ${code}. DB::Exception`)
    this.kind = kind
    this.code = code
  }
}

/** Takes rows as ClickHouse does: a token it has seen before is answered with yes and thrown away. */
class FakeClickHouse {
  readonly requests: (InsertRequest & { readonly at: number; readonly ids: readonly number[] })[] = []
  readonly rows: { table: string; id: number }[] = []
  readonly tokens = new Set<string>()
  readonly badIds = new Set<number>()
  /** Thrown before anything is stored. */
  failure: Error | null = null
  /** Called between storing and answering. */
  answer: (request: InsertRequest, signal: AbortSignal) => Promise<void> = async () => undefined
  private readonly clock: ManualClock

  constructor(clock: ManualClock) {
    this.clock = clock
  }

  readonly insert = async (request: InsertRequest, signal: AbortSignal): Promise<void> => {
    const ids = idsOf(request.body)
    this.requests.push({ ...request, at: this.clock.now(), ids })
    if (this.failure !== null) throw this.failure
    if (ids.some((id) => this.badIds.has(id))) throw new ClickHouseError('data', 27)
    if (!this.tokens.has(request.token)) for (const id of ids) this.rows.push({ table: request.table, id })
    this.tokens.add(request.token)
    await this.answer(request, signal)
  }

  idsOf(table: string): number[] {
    return this.rows.filter((row) => row.table === table).map(({ id }) => id)
  }
}

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) fs.rmSync(directory, { recursive: true, force: true })
})

interface Bench {
  readonly clock: ManualClock
  readonly disk: MemoryDisk
  readonly journal: Journal
  readonly clickHouse: FakeClickHouse
  readonly writer: Writer
  readonly health: WriterHealth[]
  readonly quarantineDir: string
  /** Starts the writer; the returned function stops it and waits. */
  start(): () => Promise<void>
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean): Promise<void>
}

async function setUp(options: Partial<WriterOptions> = {}, from: Partial<Bench> = {}): Promise<Bench> {
  const clock = new ManualClock()
  const disk = from.disk ?? new MemoryDisk()
  const journal = await openOn(disk, { clock, segmentRows: 1000, backlogRows: 1000 })
  const clickHouse = from.clickHouse ?? new FakeClickHouse(clock)
  const health: WriterHealth[] = []
  const quarantineDir = from.quarantineDir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'writer-test-'))
  made.push(quarantineDir)
  const writer = new Writer({
    journal,
    insert: clickHouse.insert,
    tables,
    quarantineDir,
    clock,
    random: () => 1,
    onHealth: (state) => health.push(state),
    ...options,
  })
  // The balance holds also between the last insert and the end of the done mark.
  const done = journal.done.bind(journal)
  journal.done = async (segment) => {
    const marked = done(segment)
    expectBalance({ journal, writer })
    await marked
  }
  return {
    clock,
    disk,
    journal,
    clickHouse,
    writer,
    health,
    quarantineDir,
    start() {
      const stop = new AbortController()
      const running = writer.run(stop.signal)
      return async () => {
        stop.abort()
        await running
      }
    },
    async until(condition) {
      const limit = performance.now() + 10_000
      while (performance.now() < limit) {
        if (condition()) return
        await new Promise((resolve) => setImmediate(resolve))
        clock.advance(10)
      }
      throw new Error('the condition never held')
    },
  }
}

function empty({ journal }: Bench): () => boolean {
  return () => journal.stats().segments === 0
}

/** received = stored + journalled + quarantined, by table. */
function expectBalance({ journal, writer }: Pick<Bench, 'journal' | 'writer'>): void {
  const { appendedRows, recoveredRows, rowsByTable, lostRows } = journal.stats()
  const { insertedRows, quarantinedRows } = writer.stats()
  for (let table = 0; table < tables.length; table++) {
    const received = appendedRows[table]! + recoveredRows[table]!
    const kept = insertedRows[table]! + quarantinedRows[table]! + rowsByTable[table]! + lostRows[table]!
    expect([table, kept]).toEqual([table, received])
  }
}

describe('one segment', () => {
  test('one insert per table, content first, each with its own token, columns and whole body', async () => {
    const bench = await setUp()
    await bench.journal.append([
      record([1], { table: 2 }),
      record([2, 3], { table: 0 }),
      record([2], { table: 1 }),
      record([4], { table: 0 }),
    ])
    const stop = bench.start()
    await bench.until(empty(bench))
    const id = bench.clickHouse.requests[0]!.token.replace('-span_content', '')
    expect(
      bench.clickHouse.requests.map(({ table, columns, token, rows, ids }) => ({ table, columns, token, rows, ids })),
    ).toEqual([
      { table: 'span_content', columns: ['span_id', 'content'], token: `${id}-span_content`, rows: 1, ids: [2] },
      { table: 'spans', columns: ['trace_id', 'span_id'], token: `${id}-spans`, rows: 3, ids: [2, 3, 4] },
      { table: 'scores', columns: ['id'], token: `${id}-scores`, rows: 1, ids: [1] },
    ])
    expect(id).toMatch(/^[0-9a-f-]{36}-\d+$/)
    expect(bench.writer.stats().insertedRows).toEqual([3, 1, 1])
    expectBalance(bench)
    await stop()
    await bench.journal.close()
  })

  test('a lone row is stored about a second after it came', async () => {
    const bench = await setUp()
    const stop = bench.start()
    await bench.journal.append([record([1])])
    await bench.until(empty(bench))
    const start = bench.clock.now()
    await bench.journal.append([record([2])])
    await bench.until(empty(bench))
    const waited = bench.clickHouse.requests[1]!.at - start
    expect(waited).toBeGreaterThanOrEqual(1000)
    expect(waited).toBeLessThanOrEqual(1050)
    await stop()
    await bench.journal.close()
  })

  test('rows of a table this version does not know are set aside, not dropped and not in the way', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1], { table: 9 }), record([2])])
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.idsOf('spans')).toEqual([2])
    expect(bench.writer.stats().quarantinedByReason).toEqual([{ table: 'table-9', reason: 'unknown_table', rows: 1 }])
    await bench.journal.close()
  })
})

describe('the world', () => {
  test('a row stored before the connection broke is not stored twice: same token, same bytes', async () => {
    const bench = await setUp()
    let cuts = 3
    bench.clickHouse.answer = async () => {
      if (cuts-- > 0) throw new Error('socket hang up')
    }
    await bench.journal.append([record([1, 2]), record([3])])
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()
    const { requests } = bench.clickHouse
    expect(requests).toHaveLength(4)
    expect(new Set(requests.map(({ token }) => token)).size).toBe(1)
    expect(new Set(requests.map(({ body }) => Buffer.concat(body).toString('hex'))).size).toBe(1)
    expect(bench.clickHouse.idsOf('spans')).toEqual([1, 2, 3])
    await bench.journal.close()
  })

  test('down for an hour, then up: pauses grow to their limit, nothing is lost, order stays, two messages', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new ClickHouseError('world', null)
    const stop = bench.start()
    for (let id = 1; id <= 60; id++) {
      await bench.journal.append([record([id])])
      await bench.until(() => bench.clock.now() >= id * 60_000)
      expectBalance(bench)
    }
    const times = bench.clickHouse.requests.map(({ at }) => at)
    const pauses = times.slice(1).map((at, i) => at - times[i]!)
    expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000])
    expect(new Set(pauses.slice(8))).toEqual(new Set([10_000]))
    expect(bench.journal.stats()).toMatchObject({ rows: 60, segments: 2 })

    bench.clickHouse.failure = null
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.idsOf('spans')).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(bench.health.map(({ state }) => state)).toEqual(['retrying', 'ok'])
    await bench.journal.close()
  })

  test('jitter halves a pause at most', async () => {
    const bench = await setUp({ random: () => 0 })
    bench.clickHouse.failure = new Error('down')
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(() => bench.clickHouse.requests.length === 3)
    const times = bench.clickHouse.requests.map(({ at }) => at)
    expect(times.slice(1).map((at, i) => at - times[i]!)).toEqual([50, 100])
    await stop()
    await bench.journal.close()
  })

  test('an insert that hangs is given up at the deadline and sent again; the next may take twice as long', async () => {
    const bench = await setUp({ insertDeadlineMs: 1000 })
    let hangs = 2
    const aborted: boolean[] = []
    bench.clickHouse.answer = (_request, signal) =>
      hangs-- > 0
        ? new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted.push(signal.aborted)
              if (hangs === 0) reject(signal.reason)
            })
          })
        : Promise.resolve()
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(empty(bench))
    const times = bench.clickHouse.requests.map(({ at }) => at)
    expect(times.map((at) => at - times[0]!)).toEqual([0, 1100, 1100 + 2200])
    expect(aborted).toEqual([true, true])
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    await stop()
    await bench.journal.close()
  })

  test('a journal file that cannot be opened for a while is tried again', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1])])
    let failures = 2
    bench.disk.trouble = (operation, file) => {
      if (operation === 'open' && failures > 0) {
        failures--
        throw systemError('EMFILE', file)
      }
      return undefined
    }
    const stop = bench.start()
    await bench.until(empty(bench))
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    expect(bench.health.map(({ problem }) => problem?.table)).toEqual(['journal', undefined])
    await stop()
    await bench.journal.close()
  })

  test('no more inserts at a time than allowed, and as many as allowed', async () => {
    const bench = await setUp({ inFlightMax: 2 })
    let inFlight = 0
    let most = 0
    bench.clickHouse.answer = async () => {
      most = Math.max(most, ++inFlight)
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
      inFlight--
    }
    for (let id = 1; id <= 6; id++) {
      await bench.journal.append([record([id])])
      await bench.journal.seal()
    }
    const stop = bench.start()
    await bench.until(empty(bench))
    expect(most).toBe(2)
    expect(bench.clickHouse.idsOf('spans')).toHaveLength(6)
    await stop()
    await bench.journal.close()
  })
})

test('configuration: one message, slow tries, rows wait, goes on by itself once it is put right', async () => {
  const bench = await setUp()
  bench.clickHouse.failure = new ClickHouseError('config', 60)
  await bench.journal.append([record([1])])
  const stop = bench.start()
  await bench.until(() => bench.clickHouse.requests.length === 5)
  const times = bench.clickHouse.requests.map(({ at }) => at)
  expect(new Set(times.slice(1).map((at, i) => at - times[i]!))).toEqual(new Set([15_000]))
  expect(bench.health).toEqual([
    { state: 'paused', problem: { table: 'spans', code: 60, message: 'Code: 60. DB::Exception', failures: 1 } },
  ])
  expect(bench.journal.stats().rows).toBe(1)
  bench.clickHouse.failure = null
  await bench.until(empty(bench))
  expect(bench.health.at(-1)).toEqual({ state: 'ok' })
  await stop()
  await bench.journal.close()
})

describe('bad data', () => {
  test('one bad block of 64 is found in 2·log2 inserts; the others are stored, it is kept with its reason', async () => {
    const bench = await setUp()
    const ids = Array.from({ length: 64 }, (_, i) => i)
    for (const id of ids) await bench.journal.append([record([id]), record([id], { table: 1 })])
    bench.clickHouse.badIds.add(37)
    const quarantined: unknown[] = []
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()

    // Both tables hold an id 37.
    expect(bench.clickHouse.idsOf('spans')).toEqual(ids.filter((id) => id !== 37))
    expect(bench.clickHouse.idsOf('span_content')).toEqual(ids.filter((id) => id !== 37))
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(2 * (1 + 2 * 6))
    const tokens = bench.clickHouse.requests.map(({ token }) => token)
    expect(new Set(tokens).size).toBe(tokens.length)

    for await (const block of readQuarantine(bench.quarantineDir)) {
      quarantined.push(block.note)
      expect(idsOf([await block.body()])).toEqual([37])
    }
    const segment = tokens[0]!.replace('-span_content', '')
    expect(quarantined).toMatchObject([
      { table: 'span_content', rows: 1, reason: 'clickhouse_27', segment, record: 75, bytes: 24 },
      { table: 'spans', token: `${segment}-spans/74-74`, message: 'Code: 27. DB::Exception' },
    ])
    expect(bench.writer.stats()).toMatchObject({
      insertedRows: [63, 63, 0],
      quarantinedRows: [1, 1, 0],
      quarantinedByReason: [
        { table: 'span_content', reason: 'clickhouse_27', rows: 1 },
        { table: 'spans', reason: 'clickhouse_27', rows: 1 },
      ],
      health: { state: 'ok' },
    })
    expectBalance(bench)
    await bench.journal.close()
  })

  test('one bad row of a block of 1,000 costs one row, where blocks can be sliced', async () => {
    const asked: unknown[] = []
    const bench = await setUp({
      sliceBlock: (body, from, to) => {
        const ids = idsOf([body]).slice(from, to)
        return Buffer.concat(record(ids, { fill: 1 }).parts)
      },
      onQuarantine: (block) => asked.push(block),
    })
    const ids = Array.from({ length: 1000 }, (_, i) => i)
    await bench.journal.append([record(ids, { fill: 1 })])
    bench.clickHouse.badIds.add(700)
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.idsOf('spans').sort((a, b) => a - b)).toEqual(ids.filter((id) => id !== 700))
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(1 + 2 * 10)
    const token = `${bench.clickHouse.requests[0]!.token}/0-0.700-700`
    expect(asked).toEqual([{ table: 'spans', rows: 1, reason: 'clickhouse_27', token }])
    expectBalance(bench)
    await bench.journal.close()
  })

  test('a segment of nothing but bad blocks ends, at a limited cost', async () => {
    const bench = await setUp({ partsMax: 10 })
    for (let id = 0; id < 64; id++) {
      await bench.journal.append([record([id])])
      bench.clickHouse.badIds.add(id)
    }
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(16)
    expect(bench.writer.stats()).toMatchObject({ insertedRows: [0, 0, 0], quarantinedRows: [64, 0, 0] })
    let kept = 0
    for await (const { note } of readQuarantine(bench.quarantineDir)) kept += note.rows
    expect(kept).toBe(64)
    await bench.journal.close()
  })

  test('killed between the halves, and the cause is gone at the next start: every row once', async () => {
    const first = await setUp()
    for (let id = 0; id < 16; id++) await first.journal.append([record([id])])
    first.clickHouse.badIds.add(13)
    first.clickHouse.answer = async () => {
      // The first part that is stored is the last thing this process sees.
      first.clickHouse.failure = new Error('killed')
    }
    const stopFirst = first.start()
    await first.until(() => first.clickHouse.failure !== null && first.journal.stats().segments === 1)
    const content = first.disk.content()
    await stopFirst()
    expect(first.clickHouse.idsOf('spans').length).toBeGreaterThan(0)

    first.clickHouse.badIds.clear()
    first.clickHouse.failure = null
    first.clickHouse.answer = async () => undefined
    const { clickHouse, quarantineDir } = first
    const second = await setUp({}, { disk: new MemoryDisk(content), clickHouse, quarantineDir })
    const stopSecond = second.start()
    await second.until(empty(second))
    await stopSecond()
    expect(clickHouse.idsOf('spans').sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i))
    expect(fs.readdirSync(path.join(quarantineDir, 'taken-apart'))).toEqual([])
    expectBalance(second)
    await second.journal.close()
  })

  test('a bad block is quarantined once however often the process dies before the segment is done', async () => {
    let content = new Map<string, Buffer>()
    let from: Partial<Bench> = {}
    for (let life = 0; life < 3; life++) {
      const bench = await setUp({}, { ...from, disk: new MemoryDisk(content) })
      if (life === 0) for (let id = 0; id < 4; id++) await bench.journal.append([record([id])])
      bench.clickHouse.badIds.add(2)
      bench.clickHouse.answer = async () => undefined
      const done = bench.journal.done.bind(bench.journal)
      let snapshot = new Map<string, Buffer>()
      bench.journal.done = async (segment) => {
        snapshot = bench.disk.content()
        await done(segment)
      }
      const stop = bench.start()
      await bench.until(empty(bench))
      await stop()
      content = snapshot
      from = { clickHouse: bench.clickHouse, quarantineDir: bench.quarantineDir }
      const notes = []
      for await (const { note } of readQuarantine(bench.quarantineDir)) notes.push(note)
      expect(notes).toHaveLength(1)
      expect(bench.clickHouse.idsOf('spans')).toEqual([0, 1, 3])
    }
  })

  test('a full quarantine pauses the writer: rows stay in the journal until there is room', async () => {
    const bench = await setUp({ quarantineBytesMax: 30 })
    await bench.journal.append([record([1])])
    await bench.journal.append([record([2])])
    await bench.journal.append([record([3])])
    for (const id of [1, 2]) bench.clickHouse.badIds.add(id)
    const stop = bench.start()
    await bench.until(() => bench.health.length > 0)
    expect(bench.health[0]).toMatchObject({ state: 'paused', problem: { table: 'quarantine' } })
    expect(bench.journal.stats().rows).toBe(3)
    await stop()
    expectBalance(bench)

    const { clickHouse, quarantineDir } = bench
    clickHouse.badIds.delete(2)
    const next = await setUp(
      { quarantineBytesMax: 30 },
      { disk: new MemoryDisk(bench.disk.content()), clickHouse, quarantineDir },
    )
    const stopNext = next.start()
    await next.until(empty(next))
    await stopNext()
    expect(clickHouse.idsOf('spans')).toEqual([2, 3])
    await next.journal.close()
  })

  test('quarantine is closed to others, and is emptied by sending it again', async () => {
    const bench = await setUp()
    for (let id = 0; id < 4; id++) await bench.journal.append([record([id])])
    bench.clickHouse.badIds.add(1).add(2)
    const stop = bench.start()
    await bench.until(empty(bench))
    await stop()
    await bench.journal.close()
    const files = fs.readdirSync(path.join(bench.quarantineDir, 'spans')).map((name) => path.join('spans', name))
    expect(files).toHaveLength(4)
    for (const file of files) expect(fs.statSync(path.join(bench.quarantineDir, file)).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.join(bench.quarantineDir, 'spans')).mode & 0o777).toBe(0o700)

    bench.clickHouse.badIds.delete(1)
    const send = (block: Omit<InsertRequest, 'columns'>): Promise<void> =>
      bench.clickHouse.insert({ ...block, columns: [] }, new AbortController().signal)
    const result = await redrive(bench.quarantineDir, send)
    expect([result.rows, result.refused.map(({ note }) => note.rows)]).toEqual([1, [1]])
    expect(bench.clickHouse.idsOf('spans').sort()).toEqual([0, 1, 3])
    expect(fs.readdirSync(path.join(bench.quarantineDir, 'spans'))).toHaveLength(2)
  })
})

describe('stop', () => {
  test('the insert under way ends, the rest of its segment stays for the next run', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1]), record([1], { table: 1 })])
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    bench.clickHouse.answer = async () => {
      enter()
      await gate
    }
    const stop = bench.start()
    await bench.journal.seal()
    await entered
    const stopped = stop()
    open()
    await stopped
    expect(bench.clickHouse.requests.map(({ table }) => table)).toEqual(['span_content'])
    expect(bench.journal.stats().rows).toBe(2)

    const stopAgain = bench.start()
    await bench.until(empty(bench))
    await stopAgain()
    expect([bench.clickHouse.idsOf('spans'), bench.clickHouse.idsOf('span_content')]).toEqual([[1], [1]])
    await bench.journal.close()
  })

  test('an insert that hangs is given up some time after the stop', async () => {
    const bench = await setUp({ stopGraceMs: 2000 })
    bench.clickHouse.answer = () => new Promise(() => undefined)
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(() => bench.clickHouse.requests.length === 1)
    const start = bench.clock.now()
    let isStopped = false
    void stop().then(() => {
      isStopped = true
    })
    await bench.until(() => isStopped)
    expect(bench.clock.now() - start).toBeGreaterThanOrEqual(2000)
    expect(bench.journal.stats().rows).toBe(1)
    await bench.journal.close()
  })

  test('a pause between tries ends at once', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new ClickHouseError('config', 497)
    await bench.journal.append([record([1])])
    await bench.journal.seal()
    const stop = bench.start()
    await bench.until(() => bench.health.length === 1)
    await stop()
    expect(bench.clock.pending).toBe(0)
    await bench.journal.close()
  })

  test('drain with ClickHouse up empties the journal without waiting for the age of the last segment', async () => {
    const bench = await setUp()
    const stop = bench.start()
    for (let id = 0; id < 5; id++) await bench.journal.append([record([id])])
    const start = bench.clock.now()
    expect(await bench.writer.drain(5000)).toBe(true)
    expect(bench.clock.now()).toBe(start)
    expect(bench.clickHouse.idsOf('spans')).toEqual([0, 1, 2, 3, 4])
    await stop()
    await bench.journal.close()
  })

  test('drain outlives a single failure', async () => {
    const bench = await setUp()
    let cuts = 1
    bench.clickHouse.answer = async () => {
      if (cuts-- > 0) throw new Error('socket hang up')
    }
    const stop = bench.start()
    await bench.journal.append([record([1])])
    let answer: boolean | null = null
    void bench.writer.drain(5000).then((result) => {
      answer = result
    })
    await bench.until(() => answer !== null)
    expect([answer, bench.clickHouse.idsOf('spans')]).toEqual([true, [1]])
    await stop()
    await bench.journal.close()
  })

  test('drain with ClickHouse down gives up soon; the rows are there at the next start', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new Error('ECONNREFUSED')
    const stop = bench.start()
    await bench.journal.append([record([1])])
    let answer: boolean | null = null
    void bench.writer.drain(5000).then((result) => {
      answer = result
    })
    await bench.until(() => answer !== null)
    expect(answer).toBe(false)
    expect(bench.clickHouse.requests).toHaveLength(3)
    await stop()
    await bench.journal.close()

    bench.clickHouse.failure = null
    const next = await setUp({}, { disk: new MemoryDisk(bench.disk.content()), clickHouse: bench.clickHouse })
    const stopNext = next.start()
    await next.until(empty(next))
    await stopNext()
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    expectBalance(next)
    await next.journal.close()
  })

  test('drain with a slow ClickHouse ends at its time', async () => {
    const bench = await setUp()
    bench.clickHouse.answer = () => new Promise(() => undefined)
    const stop = bench.start()
    await bench.journal.append([record([1])])
    let answer: boolean | null = null
    void bench.writer.drain(3000).then((result) => {
      answer = result
    })
    await bench.until(() => answer !== null)
    expect(answer).toBe(false)
    const stopped = stop()
    let isStopped = false
    void stopped.then(() => {
      isStopped = true
    })
    await bench.until(() => isStopped)
    await bench.journal.close()
  })
})
