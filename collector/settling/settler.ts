// Runs settling beside the collector: every trace that has been quiet for a while is looked at once more. Where it is, is kept
// in the data directory; what is done twice changes nothing, so a lost or old mark costs only work.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScoreRow } from '../../processors/scores.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { Log } from '../log.ts'
import type { CallPricerOptions } from '../repricing/calls.ts'
import { inLedgerTurn } from '../repricing/publish.ts'
import { scoresToFollow } from './follow-scores.ts'
import { settlePass } from './pass.ts'
import { priceStored } from './price.ts'

export interface SettlerParts extends CallPricerOptions {
  readonly clickhouse: ClickHouse
  readonly database: string
  /** A trace without news for so long is quiet. */
  readonly settleAfterMs: number
  /** Where the mark is kept. */
  readonly file: string
  /** Unix milliseconds of the oldest row that was answered and is not in ClickHouse yet; null for none. */
  readonly oldestWaitingMs: () => number | null
  readonly onSettled: (changes: number) => void
  /** Scores that are to look for their target again; durable when it resolves. */
  readonly appendScores: (rows: readonly ScoreRow[]) => Promise<void>
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now?: () => number
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Without a mark, traces of so long ago are looked at. */
const lookBackMs = 24 * 3_600_000
/** From the arrival of a request to its append, on a machine that has much to do. */
const appendMsMax = 1000
const pauseMsMax = 15_000
const pauseMsMin = 200

export class Settler {
  private readonly parts: SettlerParts
  private readonly now: () => number
  private readonly ending = new AbortController()
  private running: Promise<void> | undefined
  private sinceMs = Number.NaN

  constructor(parts: SettlerParts) {
    this.parts = parts
    this.now = parts.now ?? Date.now
  }

  /** Settles again and again until `stop`. */
  start(): void {
    this.running ??= this.loop()
  }

  /** Ends after the pass under way; may be called twice, or before `start`. */
  async stop(): Promise<void> {
    this.ending.abort()
    await this.running
  }

  /** Everything that is quiet by now; returns how many rows were changed. Rejects with ClickHouseError. */
  async runOnce(): Promise<number> {
    const { parts } = this
    if (Number.isNaN(this.sinceMs)) this.sinceMs = await this.readMark()
    const quietMs = this.now() - parts.settleAfterMs
    // What is still in the journal comes to ClickHouse with the time of its arrival, a little before that of its append: the mark does
    // not overtake it.
    const untilMs = Math.min(quietMs, (parts.oldestWaitingMs() ?? Number.POSITIVE_INFINITY) - appendMsMax)
    let changed = 0
    while (this.sinceMs < untilMs && !this.ending.signal.aborted) {
      const { changes, sinceMs } = await settlePass(
        {
          clickhouse: parts.clickhouse,
          price: (rows) => priceStored(parts.clickhouse, parts, rows),
          inTurn: (work) => inLedgerTurn(parts, work),
          followed: async (traceIds) => {
            const rows = await scoresToFollow(parts.clickhouse, traceIds, this.now())
            if (rows.length > 0) await parts.appendScores(rows)
          },
          now: this.now,
        },
        { sinceMs: this.sinceMs, untilMs },
      )
      this.sinceMs = sinceMs
      changed += changes
      await this.keepMark()
    }
    if (changed > 0) parts.onSettled(changed)
    return changed
  }

  private async loop(): Promise<void> {
    const { log, settleAfterMs, wait = async (ms, signal) => sleep(ms, undefined, { signal }) } = this.parts
    const pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, settleAfterMs / 4))
    let isFailing = false
    while (!this.ending.signal.aborted) {
      try {
        await this.runOnce()
        if (isFailing) log.info('traces are settled again')
        isFailing = false
      } catch (error) {
        // The mark stays where it is: nothing is lost, and one line says that it began.
        if (!isFailing) log.warn('traces cannot be settled now, will try again', { error })
        isFailing = true
      }
      try {
        await wait(pauseMs, this.ending.signal)
      } catch (error) {
        if (!this.ending.signal.aborted) throw error
      }
    }
  }

  private async readMark(): Promise<number> {
    try {
      const { settledMs } = JSON.parse(await readFile(this.parts.file, 'utf8')) as { settledMs?: unknown }
      if (typeof settledMs === 'number' && Number.isFinite(settledMs)) return settledMs
    } catch {
      // None yet, or half of one: a day is looked at again.
    }
    return this.now() - lookBackMs
  }

  private async keepMark(): Promise<void> {
    const { file } = this.parts
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, JSON.stringify({ settledMs: this.sinceMs }))
    await rename(`${file}.new`, file)
  }
}
