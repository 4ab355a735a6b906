// The journal: rows that were acknowledged and are not yet in ClickHouse. Appends are durable when they resolve and
// collect in one open segment; a sealed segment is what one round of inserts takes; a segment whose rows are stored
// gives its file back.
//
//   append ─▶ open segment ─seal─▶ sealed, oldest first ─nextSealed─▶ taken ─done─▶ spare file ─▶ next open segment
//                                         ▲                            │
//                                         └───────── putBack ──────────┘
//
// Appending and sealing go through one queue, so that a timer never seals under an append.

import { Refusal } from '../../schemas/refusal.ts'
import { errorCode } from './files.ts'
import { recordHeaderBytes, type TableTotals, tablesMax } from './layout.ts'
import type { DirectoryLock } from './lock.ts'
import { type OpenedDirectory, openDirectory } from './open-directory.ts'
import { type Fate, type PoolFile, SegmentPool } from './pool.ts'
import type { SealedSegment } from './sealed-segment.ts'
import { addRows, type LiveSegment, liveSegment, noRows, rowCounts, sealedSegment } from './sealed-segment.ts'
import { type JournalRecord, loadSegment, markDone, type OpenSegment, recordsBytes, totalsOf } from './segment.ts'
import { type JournalOptions, type JournalSettings, journalSettings } from './settings.ts'

export type { SealedSegment, StoredRecord } from './sealed-segment.ts'
export type { JournalRecord } from './segment.ts'
export type { JournalOptions, JournalProblem } from './settings.ts'

/**
 * Row counts are by table. At every instant
 * appendedRows + recoveredRows = rowsByTable + lostRows + rows of segments that are done.
 */
export interface JournalStats {
  /** Record bytes not yet done. */
  readonly bytes: number
  readonly rows: number
  readonly rowsByTable: readonly number[]
  /** Segments with rows, the open one included. */
  readonly segments: number
  /** Age of the oldest row not yet done. */
  readonly oldestMs: number | null
  /** Disk space taken, and the most that may be. */
  readonly allocatedBytes: number
  readonly bytesMax: number
  /** The last try to get a further segment was refused for want of space. */
  readonly isFull: boolean
  readonly appendedRows: readonly number[]
  /** Found at the start, left by former processes. */
  readonly recoveredRows: readonly number[]
  /** Were acknowledged, or recovered, and could not be read back. */
  readonly lostRows: readonly number[]
  readonly lostRecords: number
  readonly tornRecords: number
  readonly damagedFiles: number
  readonly ioErrors: number
}

/** After a segment could not be prepared. */
const spaceRetryMs = 10_000

export class Journal {
  private readonly settings: JournalSettings
  private readonly lock: DirectoryLock
  private readonly pool: SegmentPool
  private readonly bytesMax: number
  private open: OpenSegment | null = null
  private openSince = 0
  /** The segment after the open one, being prepared or ready; null when the last try failed. */
  private next: Promise<OpenSegment | null> | null = null
  private readonly sealed: LiveSegment[]
  private readonly taken = new Map<string, LiveSegment>()
  /** Record areas of taken segments, and one of a segment that is done, to read the next one into. */
  private readonly areas = new Map<string, Buffer>()
  private spareArea: Buffer | null = null
  private readonly waiting = new Set<() => void>()
  private cancelAge: (() => void) | null = null
  private queue: Promise<unknown> = Promise.resolve()
  private retiring: Promise<void> = Promise.resolve()
  private closing: Promise<void> | null = null
  private orderNext: number
  private isFull = false
  private readonly appendedRows = noRows()
  private readonly recoveredRows = noRows()
  private readonly lostRows = noRows()
  private lostRecords: number
  private readonly tornRecords: number
  private readonly damagedFiles: number
  private ioErrors = 0

  private constructor(settings: JournalSettings, lock: DirectoryLock, opened: OpenedDirectory) {
    this.settings = settings
    this.lock = lock
    this.pool = opened.pool
    this.bytesMax = opened.bytesMax
    this.sealed = [...opened.live]
    this.orderNext = (opened.live.at(-1)?.order ?? 0) + 1
    this.lostRecords = opened.lostRecords
    this.tornRecords = opened.tornRecords
    this.damagedFiles = opened.damagedFiles
    for (const live of opened.live) addRows(this.recoveredRows, rowCounts(live.tables))
  }

  /**
   * Takes the directory, alone, and finds what former processes left in it. Damage never keeps it from opening.
   * Throws when another process has the directory, a newer version wrote it, or it cannot be read or written.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const settings = journalSettings(options)
    await settings.files.makeDirectory(settings.directory)
    const lock = await settings.lock(settings.directory)
    try {
      const journal = new Journal(settings, lock, await openDirectory(settings))
      journal.prepareNext()
      return journal
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /**
   * Durable when it resolves. All records of a call land in one segment, by one write and one fdatasync.
   * Rejects with a Refusal (`journal_full`, `journal_failed`, `too_large`, `shutting_down`); nothing of the group will
   * be delivered then, unless the process dies before the journal could note where the good part ends.
   */
  append(records: readonly JournalRecord[]): Promise<void> {
    return this.inTurn(() => this.appendGroup(records))
  }

  /** Oldest sealed segment that nobody has; waits for one. Undefined once aborted or closed. */
  async nextSealed(signal: AbortSignal): Promise<SealedSegment | undefined> {
    while (!signal.aborted && this.closing === null) {
      const live = this.sealed.shift()
      if (live === undefined) {
        await this.waitForSealed(signal)
        continue
      }
      this.taken.set(live.id, live)
      const segment = await this.load(live)
      if (segment !== null) return segment
    }
    return undefined
  }

  /**
   * Its rows are in ClickHouse or in quarantine: remembered durably, then the file is free. Counts at once.
   * With `isBodyFree` nobody holds the bodies of its records any more, and their memory is used again.
   */
  async done(segment: SealedSegment, { isBodyFree = false } = {}): Promise<void> {
    const live = this.give(segment)
    const area = this.areas.get(segment.id)
    if (isBodyFree && area !== undefined) this.spareArea = Buffer.from(area.buffer)
    this.areas.delete(segment.id)
    this.retiring = this.retiring.then(() => this.finish(live))
    await this.retiring
  }

  /** Not done: to be delivered again, by this process or the next. */
  putBack(segment: SealedSegment): void {
    this.areas.delete(segment.id)
    this.queueSealed(this.give(segment))
  }

  /** Seals the open segment now if it has rows. */
  seal(): Promise<void> {
    return this.inTurn(async () => this.sealOpen())
  }

  stats(): JournalStats {
    const live = [...this.sealed, ...this.taken.values(), ...(this.open?.records ? [this.open] : [])]
    const rowsByTable = noRows()
    let bytes = 0
    let first = Number.POSITIVE_INFINITY
    for (const segment of live) {
      addRows(rowsByTable, rowCounts(segment.tables))
      bytes += segment.bytes
      first = Math.min(first, segment.firstUnixMs)
    }
    return {
      bytes,
      rows: rowsByTable.reduce((sum, rows) => sum + rows, 0),
      rowsByTable,
      segments: live.length,
      oldestMs: live.length === 0 ? null : Math.max(0, this.settings.clock.unixMs() - first),
      allocatedBytes: this.pool.allocatedBytes,
      bytesMax: this.bytesMax,
      isFull: this.isFull,
      appendedRows: [...this.appendedRows],
      recoveredRows: [...this.recoveredRows],
      lostRows: [...this.lostRows],
      lostRecords: this.lostRecords,
      tornRecords: this.tornRecords,
      damagedFiles: this.damagedFiles,
      ioErrors: this.ioErrors,
    }
  }

  /** Seals what is open, lets go of the directory; rows not done stay for the next process. May be called twice. */
  close(): Promise<void> {
    this.closing ??= this.inTurn(() => this.shutDown())
    this.wake()
    return this.closing
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work)
    this.queue = result.catch(() => undefined)
    return result
  }

  private async appendGroup(records: readonly JournalRecord[]): Promise<void> {
    if (this.closing !== null) throw new Refusal('shutting_down', 'the journal is closed: send it again')
    for (const { table, rows } of records) {
      if (!(table >= 0 && table < tablesMax)) throw new RangeError(`table ${table} is not below ${tablesMax}`)
      if (!(rows > 0)) throw new RangeError(`a record has ${rows} rows`)
    }
    if (records.length === 0) return
    const segment = await this.segmentFor(recordsBytes(records))
    const { clock, onSync } = this.settings
    try {
      await segment.append(records, clock.unixMs(), onSync)
    } catch (error) {
      await this.abandon(segment)
      throw this.refusalOf(error, 'append to the journal')
    }
    for (const { table, rows } of records) this.appendedRows[table]! += rows
    if (segment !== this.open) {
      this.sealSegment(segment)
      return
    }
    if (segment.records === records.length) this.openSince = clock.now()
    const rowsMax = this.sealed.length === 0 ? this.settings.segmentRows : this.settings.backlogRows
    if (segment.rows >= rowsMax || !segment.fits(recordHeaderBytes + 1)) this.sealOpen()
    else this.watchAge()
  }

  /** The open segment if the group fits, else the next; a group larger than any gets a segment of its own. */
  private async segmentFor(bytes: number): Promise<OpenSegment> {
    if (this.open?.fits(bytes)) return this.open
    if (SegmentPool.fileBytes(bytes) > this.bytesMax) {
      throw new Refusal('too_large', `${bytes} bytes of rows in one group, the journal may take ${this.bytesMax}`)
    }
    this.sealOpen()
    try {
      if (bytes > this.settings.segmentBytes) return await this.pool.takeLarge(bytes)
      const ready = await this.next
      this.next = null
      this.open = ready ?? (await this.pool.take())
    } catch (error) {
      throw this.refusalOf(error, 'begin a segment')
    }
    this.isFull = false
    this.prepareNext()
    return this.open
  }

  private prepareNext(): void {
    if (this.next !== null || this.closing !== null) return
    this.next = this.pool.take().then(
      (segment) => {
        this.isFull = false
        return segment
      },
      (error) => {
        this.next = null
        this.refusalOf(error, 'prepare a segment')
        // Space may be freed by others, while nobody sends because we said that there was none.
        this.settings.clock.after(spaceRetryMs, () => this.prepareNext())
        return null
      },
    )
  }

  /** After a failed write: what was acknowledged before it stays, the rest of the file is not to be trusted. */
  private async abandon(segment: OpenSegment): Promise<void> {
    if (segment === this.open) this.leaveOpen()
    if (segment.records > 0) {
      this.sealSegment(segment, { fate: 'delete' })
      return
    }
    await this.attempt('drop a segment', () => segment.close())
    await this.attempt('drop a segment', () => this.pool.retire(fileOf(segment), 'delete'))
  }

  private sealOpen(): void {
    if (this.open === null || this.open.records === 0) return
    const segment = this.open
    this.leaveOpen()
    this.sealSegment(segment)
  }

  private leaveOpen(): void {
    this.open = null
    this.cancelAge?.()
    this.cancelAge = null
  }

  private sealSegment(segment: OpenSegment, { fate }: { fate: Fate } = { fate: 'reuse' }): void {
    const sealing = this.attempt('write a seal mark', () => segment.writeSealMark()).then(async () => {
      await this.attempt('close a segment', () => segment.close())
    })
    const file = fileOf(segment)
    const order = this.orderNext++
    this.queueSealed(liveSegment({ file, header: segment.header, order, totals: segment, fate, sealing }))
  }

  private queueSealed(live: LiveSegment): void {
    const at = this.sealed.findIndex(({ order }) => order > live.order)
    this.sealed.splice(at < 0 ? this.sealed.length : at, 0, live)
    this.wake()
  }

  private wake(): void {
    for (const resume of [...this.waiting]) resume()
  }

  private waitForSealed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const resume = (): void => {
        signal.removeEventListener('abort', resume)
        this.waiting.delete(resume)
        resolve()
      }
      signal.addEventListener('abort', resume)
      this.waiting.add(resume)
      this.watchAge()
    })
  }

  /** Only somebody who waits makes a segment end by age: a backlog is better served by full segments. */
  private watchAge(): void {
    const segment = this.open
    if (this.waiting.size === 0 || this.cancelAge !== null || segment === null || segment.records === 0) return
    const { clock, segmentAgeMs, segmentRows } = this.settings
    const dueMs = segment.rows >= segmentRows ? 0 : this.openSince + segmentAgeMs - clock.now()
    this.cancelAge = clock.after(Math.max(0, dueMs), () => {
      this.cancelAge = null
      void this.inTurn(async () => {
        if (segment === this.open && this.waiting.size > 0) this.sealOpen()
      })
    })
  }

  /** Null when nothing of it can be read. */
  private async load(live: LiveSegment): Promise<SealedSegment | null> {
    const spare = this.spareArea
    this.spareArea = null
    const found = await loadSegment(this.settings.files, live.path, live.header, live, spare).catch((error) => {
      if (errorCode(error) === 'ENOENT') return null
      this.taken.delete(live.id)
      this.queueSealed(live)
      throw error
    })
    this.countLost(live, found?.lost ?? live.records, totalsOf(found?.records ?? []))
    if (found !== null && found.records.length > 0) {
      this.areas.set(live.id, found.area)
      return sealedSegment(live, found)
    }
    this.taken.delete(live.id)
    await this.finish(live)
    return null
  }

  private countLost(live: LiveSegment, records: number, found: readonly TableTotals[]): void {
    if (records === 0) return
    live.fate = 'keep'
    live.records -= records
    this.lostRecords += records
    const lost = rowCounts(live.tables)
    addRows(lost, rowCounts(found), -1)
    addRows(this.lostRows, lost)
    live.tables = found
    const rows = lost.reduce((sum, count) => sum + count, 0)
    this.settings.onProblem({ kind: 'records_lost', segment: live.id, records, rows })
  }

  private give(segment: SealedSegment): LiveSegment {
    const live = this.taken.get(segment.id)
    if (live === undefined) throw new Error(`segment ${segment.id} is not taken`)
    if (this.closing !== null) throw new Error('the journal is closed')
    this.taken.delete(segment.id)
    return live
  }

  private async finish(live: LiveSegment): Promise<void> {
    await live.sealing
    const { files } = this.settings
    const isMarked = await this.attempt('mark a segment done', () => markDone(files, live.path, live.header))
    const fate = live.fate === 'reuse' && !isMarked ? 'delete' : live.fate
    await this.attempt('give a file back', () => this.pool.retire(live, fate))
    this.prepareNext()
  }

  private async attempt(operation: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.noteIoError(operation, error)
      return false
    }
  }

  private noteIoError(operation: string, error: unknown): void {
    this.ioErrors++
    this.settings.onProblem({ kind: 'io_failed', operation, error })
  }

  /** What the sender is told; full disks are noted once, other errors each time. */
  private refusalOf(error: unknown, operation: string): Refusal {
    const code = errorCode(error)
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    const refusal =
      error instanceof Refusal
        ? error
        : isFull
          ? new Refusal('journal_full', `no space to ${operation} (${code}): free some space`, { cause: error })
          : new Refusal('journal_failed', `could not ${operation} (${code ?? error})`, { cause: error })
    if (refusal.reason !== 'journal_full') this.noteIoError(operation, error)
    else if (!this.isFull) this.settings.onProblem({ kind: 'full', error: refusal })
    if (refusal.reason === 'journal_full') this.isFull = true
    return refusal
  }

  private async shutDown(): Promise<void> {
    this.sealOpen()
    const empty = [this.open, await this.next]
    this.open = null
    for (const segment of empty) {
      if (segment === null) continue
      await this.attempt('close a segment', () => segment.close())
      // Saves the next start from reading it to find that it is empty.
      await this.attempt('mark a segment done', () => markDone(this.settings.files, segment.path, segment.header))
    }
    for (const { sealing } of [...this.sealed, ...this.taken.values()]) await sealing
    await this.retiring
    await this.lock.release()
  }
}

function fileOf({ path, header }: OpenSegment): PoolFile {
  return { path, size: SegmentPool.fileBytes(header.capacity) }
}
