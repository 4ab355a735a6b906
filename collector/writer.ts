// Sealed segments → ClickHouse: one INSERT per table of a segment, with a deduplication token that names exactly these
// bytes for ever. What becomes of an insert:
//
//   stored                    next table, next segment
//   the world (or ambiguous)  the same bytes and token again, for ever, with growing pauses
//   configuration             the same, in long pauses, and somebody is told
//   the data                  taken apart until the bad block is alone; that one goes to quarantine

import type { InsertRequest } from './clickhouse/client.ts'
import { attempt, clickHouseCode, DeadlineError, failureKind, messageOf, pause } from './insert-attempt.ts'
import type { Journal, SealedSegment } from './journal/journal.ts'
import { type JournalClock, waitingClock } from './journal/settings.ts'
import { Quarantine } from './quarantine.ts'

export interface WriterTable {
  readonly name: string
  readonly columns: readonly string[]
  /** Tables of a segment are inserted by rising priority, and none before the one ahead of it is stored. */
  readonly priority: number
}

/**
 * `retrying`: ClickHouse does not answer or cannot now. `paused`: it will not until somebody changes something (a
 * missing table, no permission, a full quarantine). Rows wait in the journal in both.
 */
export interface WriterHealth {
  readonly state: 'ok' | 'retrying' | 'paused'
  /** Absent when ok. */
  readonly problem?: {
    readonly table: string
    readonly code: number | null
    readonly message: string
    /** Tries in a row that failed. */
    readonly failures: number
  }
}

export interface WriterOptions {
  readonly journal: Pick<Journal, 'nextSealed' | 'done' | 'putBack' | 'seal' | 'stats'>
  /** Rejects with an error whose `kind` is `world`, `data` or `config`; anything else counts as the world. */
  readonly insert: (request: InsertRequest, signal: AbortSignal) => Promise<void>
  /** By the number a JournalRecord carries. */
  readonly tables: readonly WriterTable[]
  readonly quarantineDir: string
  /** Blocks kept in quarantine; beyond it the writer pauses. 1 GiB. */
  readonly quarantineBytesMax?: number
  /** Segments being inserted at a time; 1 keeps the order of segments. */
  readonly inFlightMax?: number
  /** An insert that takes longer is given up and sent again; doubles up to 16 times with each that does. 60 s. */
  readonly insertDeadlineMs?: number
  /** What an insert under way at the stop may still take; then it is given up, to be sent again at the next start. 5 s. */
  readonly stopGraceMs?: number
  /** First pause after a failure of the world, doubling up to `retryMaxMs`; 100 ms and 10 s. */
  readonly retryFirstMs?: number
  readonly retryMaxMs?: number
  /** Pause while only a person can help; 15 s. */
  readonly pausedRetryMs?: number
  /** Inserts spent on taking one table of a segment apart; then whole blocks go to quarantine. 1,000. */
  readonly partsMax?: number
  /**
   * Rows `from`..`to` (exclusive) of a Native block as a block of their own, so that a bad row does not take its block
   * along; null if it cannot be told apart. Without it the block is the smallest part.
   */
  readonly sliceBlock?: (body: Uint8Array, from: number, to: number) => Uint8Array | null
  readonly onInsert?: (insert: { table: string; rows: number; bytes: number; ms: number }) => void
  /** Called when the state or the problem changes, not at every attempt. */
  readonly onHealth?: (health: WriterHealth) => void
  /** Never told of content. */
  readonly onQuarantine?: (block: { table: string; rows: number; reason: string; token: string }) => void
  readonly clock?: JournalClock
  /** 0..1, for the jitter of pauses. */
  readonly random?: () => number
}

/**
 * Rows by table number. They move from the journal's count to these in one step, when all of a segment is decided, so
 * that received = stored + journalled + quarantined holds at every instant.
 */
export interface WriterStats {
  readonly health: WriterHealth
  readonly insertedRows: readonly number[]
  readonly quarantinedRows: readonly number[]
  readonly quarantinedByReason: readonly { readonly table: string; readonly reason: string; readonly rows: number }[]
  readonly inserts: number
  readonly retries: number
  /** Inserts that were taken apart. */
  readonly splits: number
}

/** A Native block, or a range of rows of one. */
interface Piece {
  /** Index of the record in the segment. */
  readonly index: number
  readonly from: number
  readonly to: number
  readonly isWhole: boolean
  readonly body: Uint8Array
}

/** One table of a segment. */
interface Job {
  readonly segment: string
  readonly table: number
  readonly name: string
  readonly columns: readonly string[]
  readonly token: string
  readonly lane: Lane
  readonly outcome: Outcome
  /** Inserts spent on it. */
  parts: number
}

/** One of `inFlightMax` loops. */
interface Lane {
  readonly number: number
  readonly stop: AbortSignal
}

/** What became of a segment so far. */
interface Outcome {
  readonly inserted: { table: number; rows: number }[]
  readonly quarantined: { table: number; name: string; reason: string; rows: number }[]
  readonly tokens: string[]
}

interface Cause {
  readonly reason: string
  readonly message: string
}

type Answer =
  | { readonly kind: 'stored' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused'; readonly cause: Cause }

export class Writer {
  private readonly options: WriterOptions
  private readonly clock: JournalClock
  private quarantine: Quarantine | null = null
  private readonly problems = new Map<number, WriterHealth>()
  private health: WriterHealth = { state: 'ok' }
  private readonly waiting = new Set<() => void>()
  private readonly insertedRows: number[]
  private readonly quarantinedRows: number[] = []
  private readonly quarantinedBy = new Map<string, { table: string; reason: string; rows: number }>()
  private inserts = 0
  private retries = 0
  private splits = 0

  constructor(options: WriterOptions) {
    this.options = options
    this.clock = options.clock ?? waitingClock
    this.insertedRows = options.tables.map(() => 0)
  }

  /**
   * Delivers until aborted; then it ends with the insert under way, and a segment not wholly decided stays in the journal.
   * Rejects only when the journal is closed under it.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { quarantineDir, quarantineBytesMax = 2 ** 30, inFlightMax = 1 } = this.options
    const lanes = Array.from({ length: inFlightMax }, (_, number): Lane => ({ number, stop: signal }))
    const open = () => Quarantine.open(quarantineDir, { bytesMax: quarantineBytesMax })
    const opened = this.quarantine ?? (await this.untilDone({ number: 0, stop: signal }, 'quarantine', open))
    if (opened === undefined) return
    this.quarantine = opened
    await Promise.all(lanes.map((lane) => this.work(lane)))
  }

  /**
   * For the stop, while `run` is going: seals, and waits until the journal is empty (true) or it is clear that it will not
   * be (false): the time is over, or inserts keep failing. Rows left are delivered by the next start.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    await this.options.journal.seal()
    let isOver = false
    const cancel = this.clock.after(timeoutMs, () => {
      isOver = true
      this.wake()
    })
    while (!isOver && !this.isDown() && this.options.journal.stats().segments > 0) {
      await new Promise<void>((resolve) => this.waiting.add(resolve))
    }
    cancel()
    return this.options.journal.stats().segments === 0
  }

  stats(): WriterStats {
    return {
      health: this.health,
      insertedRows: [...this.insertedRows],
      quarantinedRows: this.options.tables.map((_, table) => this.quarantinedRows[table] ?? 0),
      quarantinedByReason: [...this.quarantinedBy.values()],
      inserts: this.inserts,
      retries: this.retries,
      splits: this.splits,
    }
  }

  /** One failure is not an outage, three are. */
  private isDown(): boolean {
    const { state, problem } = this.health
    return state === 'paused' || (problem !== undefined && problem.failures >= 3)
  }

  private async work(lane: Lane): Promise<void> {
    const { journal } = this.options
    while (!lane.stop.aborted) {
      const segment = await this.untilDone(lane, 'journal', () => journal.nextSealed(lane.stop))
      if (segment === undefined) return
      const outcome: Outcome = { inserted: [], quarantined: [], tokens: [] }
      const triesBefore = this.retries + this.splits
      if (!(await this.deliver(segment, lane, outcome))) {
        journal.putBack(segment)
        return
      }
      // In one tick: rows leave the journal's count when they enter ours.
      this.count(outcome)
      // An insert that was given up may still be sending: only what went well at once is free for sure.
      const isBodyFree = this.retries + this.splits === triesBefore && outcome.quarantined.length === 0
      await journal.done(segment, { isBodyFree })
      for (const token of outcome.tokens) {
        await this.untilDone(lane, 'quarantine', () => this.openQuarantine().forgetTakenApart(token))
      }
      this.wake()
    }
  }

  /** False: stopped before all of it was decided. */
  private async deliver(segment: SealedSegment, lane: Lane, outcome: Outcome): Promise<boolean> {
    const priority = (table: number): number => this.options.tables[table]?.priority ?? Number.POSITIVE_INFINITY
    for (const { table } of [...segment.tables].sort((a, b) => priority(a.table) - priority(b.table))) {
      const known = this.options.tables[table]
      const name = known?.name ?? `table-${table}`
      const token = `${segment.id}-${name}`
      const columns = known?.columns ?? []
      const job: Job = { segment: segment.id, table, name, columns, token, lane, outcome, parts: 0 }
      const pieces = segment
        .records(table)
        .map(({ index, rows, body }): Piece => ({ index, from: 0, to: rows, isWhole: true, body }))
      outcome.tokens.push(token)
      const isDecided =
        known === undefined
          ? await this.setAside(job, pieces, { reason: 'unknown_table', message: 'written by a newer version' })
          : await this.store(job, pieces, token)
      if (!isDecided) return false
    }
    return true
  }

  /** Inserts the pieces, by halves where ClickHouse refuses their data. False: stopped before all were decided. */
  private async store(job: Job, pieces: readonly Piece[], token: string): Promise<boolean> {
    let cause: Cause | null = null
    if (!this.openQuarantine().takenApart(job.token).has(token)) {
      const answer = await this.insert(job, pieces, token)
      if (answer.kind === 'stopped') return false
      if (answer.kind === 'stored') {
        job.outcome.inserted.push({ table: job.table, rows: rowsOf(pieces) })
        return true
      }
      cause = answer.cause
    }
    const halves = this.halve(job, pieces)
    if (halves === null) return this.setAside(job, pieces, cause ?? { reason: 'data', message: 'refused before' })
    if (cause !== null) {
      const note = async (): Promise<true> => {
        await this.openQuarantine().noteTakenApart(job.token, token)
        return true
      }
      if (!(await this.untilDone(job.lane, 'quarantine', note))) return false
      this.splits++
    }
    for (const half of halves) if (!(await this.store(job, half, `${job.token}/${rangeOf(half)}`))) return false
    return true
  }

  /** Null when there is nothing smaller, or too much was spent on this already. */
  private halve(job: Job, pieces: readonly Piece[]): (readonly Piece[])[] | null {
    const { partsMax = 1000, sliceBlock } = this.options
    if (job.parts >= partsMax) return null
    if (pieces.length > 1) {
      const middle = pieces.length >> 1
      return [pieces.slice(0, middle), pieces.slice(middle)]
    }
    const piece = pieces[0]
    if (piece === undefined || sliceBlock === undefined || piece.to - piece.from < 2) return null
    const { index, from, to } = piece
    const half = (to - from) >> 1
    const first = sliceBlock(piece.body, 0, half)
    const second = sliceBlock(piece.body, half, to - from)
    if (first === null || second === null) return null
    return [
      [{ index, from, to: from + half, isWhole: false, body: first }],
      [{ index, from: from + half, to, isWhole: false, body: second }],
    ]
  }

  private async insert(job: Job, pieces: readonly Piece[], token: string): Promise<Answer> {
    const { insert, insertDeadlineMs = 60_000, stopGraceMs = 5000, onInsert } = this.options
    const rows = rowsOf(pieces)
    const request = { table: job.name, columns: job.columns, body: pieces.map(({ body }) => body), token, rows }
    const bytes = request.body.reduce((sum, part) => sum + part.length, 0)
    let deadlineMs = insertDeadlineMs
    job.parts++
    for (let failures = 0; !job.lane.stop.aborted; ) {
      const start = this.clock.now()
      this.inserts++
      try {
        const limits = { clock: this.clock, deadlineMs, stopGraceMs, stop: job.lane.stop }
        await attempt((signal) => insert(request, signal), limits)
        this.setProblem(job.lane, null)
        onInsert?.({ table: job.name, rows, bytes, ms: this.clock.now() - start })
        return { kind: 'stored' }
      } catch (error) {
        if (failureKind(error) === 'data') {
          this.setProblem(job.lane, null)
          return { kind: 'refused', cause: causeOf(error) }
        }
        if (error instanceof DeadlineError) deadlineMs = Math.min(2 * deadlineMs, 16 * insertDeadlineMs)
        await this.pauseAfter(job.lane, job.name, error, ++failures)
      }
    }
    return { kind: 'stopped' }
  }

  private async setAside(job: Job, pieces: readonly Piece[], { reason, message }: Cause): Promise<boolean> {
    const { onQuarantine } = this.options
    for (const piece of pieces) {
      const rows = piece.to - piece.from
      const token = `${job.token}/${rangeOf([piece])}`
      const note = { table: job.name, rows, reason, message, segment: job.segment, record: piece.index, token }
      const put = async (): Promise<true> => {
        const quarantinedAt = new Date(this.clock.unixMs()).toISOString()
        await this.openQuarantine().put({ note: { ...note, quarantinedAt }, body: piece.body })
        return true
      }
      if (!(await this.untilDone(job.lane, 'quarantine', put))) return false
      job.outcome.quarantined.push({ table: job.table, name: job.name, reason, rows })
      onQuarantine?.({ table: job.name, rows, reason, token })
    }
    return true
  }

  /** Repeats work on the local disk until it succeeds; undefined once stopped. */
  private async untilDone<T>(lane: Lane, what: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 0; ; ) {
      try {
        const result = await work()
        if (failures > 0) this.setProblem(lane, null)
        return result
      } catch (error) {
        if (lane.stop.aborted) return undefined
        await this.pauseAfter(lane, what, error, ++failures)
      }
    }
  }

  private async pauseAfter(lane: Lane, table: string, error: unknown, failures: number): Promise<void> {
    const { retryFirstMs = 100, retryMaxMs = 10_000, pausedRetryMs = 15_000, random = Math.random } = this.options
    const isPaused = failureKind(error) === 'config'
    const problem = { table, code: clickHouseCode(error), message: messageOf(error), failures }
    this.retries++
    this.setProblem(lane, { state: isPaused ? 'paused' : 'retrying', problem })
    const longMs = isPaused ? pausedRetryMs : Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(failures - 1, 30))
    await pause(longMs * (0.5 + 0.5 * random()), { clock: this.clock, stop: lane.stop })
  }

  private setProblem(lane: Lane, problem: WriterHealth | null): void {
    if (problem === null) this.problems.delete(lane.number)
    else this.problems.set(lane.number, problem)
    const all = [...this.problems.values()]
    const health = all.find(({ state }) => state === 'paused') ?? all[0] ?? { state: 'ok' }
    const before = this.health
    this.health = health
    this.wake()
    const isSame =
      health.state === before.state &&
      health.problem?.code === before.problem?.code &&
      health.problem?.table === before.problem?.table
    if (!isSame) this.options.onHealth?.(health)
  }

  private count({ inserted, quarantined }: Outcome): void {
    for (const { table, rows } of inserted) this.insertedRows[table] = (this.insertedRows[table] ?? 0) + rows
    for (const { table, name, reason, rows } of quarantined) {
      this.quarantinedRows[table] = (this.quarantinedRows[table] ?? 0) + rows
      const key = `${name} ${reason}`
      const known = this.quarantinedBy.get(key)
      if (known === undefined) this.quarantinedBy.set(key, { table: name, reason, rows })
      else known.rows += rows
    }
  }

  private openQuarantine(): Quarantine {
    if (this.quarantine === null) throw new Error('the writer is not running')
    return this.quarantine
  }

  private wake(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const resume of waiting) resume()
  }
}

function rowsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0)
}

/** `<first>-<last>` record of the segment; with the rows behind it for a part of a record. */
function rangeOf(pieces: readonly Piece[]): string {
  const first = pieces[0]
  const last = pieces.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('an empty range')
  return `${first.index}-${last.index}${first.isWhole ? '' : `.${first.from}-${first.to - 1}`}`
}

function causeOf(error: unknown): Cause {
  const code = clickHouseCode(error)
  return { reason: code === null ? 'data' : `clickhouse_${code}`, message: messageOf(error) }
}
