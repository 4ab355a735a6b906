// A writer between a journal on a MemoryDisk and a ClickHouse that can be told to fail, in time that moves when told to.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { InsertRequest } from '../collector/clickhouse/client.ts'
import type { Journal } from '../collector/journal/journal.ts'
import { Writer, type WriterHealth, type WriterOptions } from '../collector/writer.ts'
import { ManualClock, MemoryDisk } from './journal/memory-disk.ts'
import { idsOf, openOn } from './journal/rows.ts'

const tables = [
  { name: 'spans', columns: ['trace_id', 'span_id'], priority: 1 },
  { name: 'span_content', columns: ['span_id', 'content'], priority: 0 },
  { name: 'scores', columns: ['id'], priority: 2 },
]

export class ClickHouseError extends Error {
  readonly kind: 'world' | 'data' | 'config'
  readonly code: number | null

  constructor(kind: 'world' | 'data' | 'config', code: number | null) {
    super(`Code: ${code}. DB::Exception`)
    this.kind = kind
    this.code = code
  }
}

/** Takes rows as ClickHouse does: a token it has seen before is answered with yes and thrown away. */
export class FakeClickHouse {
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

export interface Bench {
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

export async function setUp(options: Partial<WriterOptions> = {}, from: Partial<Bench> = {}): Promise<Bench> {
  const clock = new ManualClock()
  const disk = from.disk ?? new MemoryDisk()
  const journal = await openOn(disk, { clock, segmentRows: 1000, backlogRows: 1000 })
  const clickHouse = from.clickHouse ?? new FakeClickHouse(clock)
  const health: WriterHealth[] = []
  const quarantineDir = from.quarantineDir ?? temporaryFolder()
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
        // The quarantine is on a real disk: time stands still while that works.
        if (!process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))) clock.advance(10)
      }
      throw new Error('the condition never held')
    },
  }
}

function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'writer-test-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function empty({ journal }: Bench): () => boolean {
  return () => journal.stats().segments === 0
}

/** Runs the writer until the journal is empty, and stops it. */
export async function runDry(bench: Bench): Promise<void> {
  const stop = bench.start()
  await bench.until(empty(bench))
  await stop()
}

/** Lets time pass until the work is over; its result. */
export async function settled<T>(bench: Bench, work: Promise<T>): Promise<T> {
  let isOver = false
  const end = (): void => {
    isOver = true
  }
  void work.then(end, end)
  await bench.until(() => isOver)
  return work
}

/** received = stored + journalled + quarantined, by table. */
export function expectBalance({ journal, writer }: Pick<Bench, 'journal' | 'writer'>): void {
  const { appendedRows, recoveredRows, rowsByTable, lostRows } = journal.stats()
  const { insertedRows, quarantinedRows } = writer.stats()
  for (let table = 0; table < tables.length; table++) {
    const received = appendedRows[table]! + recoveredRows[table]!
    const kept = insertedRows[table]! + quarantinedRows[table]! + rowsByTable[table]! + lostRows[table]!
    expect([table, kept]).toEqual([table, received])
  }
}
