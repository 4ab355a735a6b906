// Runs reconciling beside the collector: hours that got spans and have gone quiet are proven, once a day the last days are.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { Log } from '../log.ts'
import { inLedgerTurn } from '../repricing/publish.ts'
import { reconcile } from './reconcile.ts'
import { rollups, type Span } from './rollups.ts'

export interface ReconcilerParts {
  readonly clickhouse: ClickHouse
  readonly database: string
  /** Hours without news for so long are quiet. */
  readonly quietMs: number
  /** Unix milliseconds of the oldest row that was answered and is not in ClickHouse yet; null for none. */
  readonly oldestWaitingMs: () => number | null
  /** Sum of the absolute differences found in a round, USD. */
  readonly onDifference: (usd: number) => void
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly everyMs?: number
}

const everyMs = 300_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Looked at once a day: a correction may have been cut short in hours that got no spans. */
const daysBack = 8

export class Reconciler {
  private readonly parts: ReconcilerParts
  private readonly ending = new AbortController()
  private running: Promise<void> | undefined
  /** Spans of before it are proven. */
  private sinceMs = Date.now() - dayMs
  private wholeAtMs = 0

  constructor(parts: ReconcilerParts) {
    this.parts = parts
  }

  start(): void {
    this.running ??= this.loop()
  }

  /** Ends after the round under way; may be called twice, or before `start`. */
  async stop(): Promise<void> {
    this.ending.abort()
    await this.running
  }

  /** One round at this instant; the difference found, USD. Rejects with ClickHouseError. */
  async runOnce(nowMs: number): Promise<number> {
    const { parts } = this
    const untilMs = Math.min(nowMs - parts.quietMs, (parts.oldestWaitingMs() ?? Number.POSITIVE_INFINITY) - 1)
    let difference = 0
    if (nowMs >= this.wholeAtMs) {
      this.wholeAtMs = nowMs + dayMs
      const toMs = Math.floor((untilMs - hourMs) / dayMs) * dayMs
      difference += await this.prove({ fromMs: toMs - daysBack * dayMs, toMs }, true)
    }
    for (const span of await this.quietHours(untilMs)) difference += await this.prove(span, false)
    this.sinceMs = Math.max(this.sinceMs, untilMs)
    parts.onDifference(difference)
    return difference
  }

  /** Both rollups over whole days, the hourly one over less. */
  private async prove(span: Span, isWholeDays: boolean): Promise<number> {
    const { clickhouse, database, log } = this.parts
    const { differences, differenceUsd } = await reconcile(
      {
        clickhouse,
        inTurn: (work) => inLedgerTurn({ clickhouse, database }, work),
        rollups: isWholeDays ? rollups : rollups.filter(({ table }) => table === 'usage_hourly'),
      },
      span,
    )
    if (differences.length > 0)
      log.warn('a rollup was not the sum of its rows and was put right: see ledger_corrections, reason reconciled', {
        groups: differences.length,
        difference_usd: differenceUsd,
        from: new Date(span.fromMs).toISOString(),
        to: new Date(span.toMs).toISOString(),
      })
    return Number(differenceUsd)
  }

  /** Hours that got spans since the last round and none lately; neighbours are one span. */
  private async quietHours(untilMs: number): Promise<Span[]> {
    const rows = await this.parts.clickhouse.query<{ hour: string }>(
      `SELECT toUnixTimestamp(toStartOfHour(start_time)) AS hour FROM spans
      WHERE ingested_at > fromUnixTimestamp64Milli({since:Int64})
      GROUP BY hour HAVING toUnixTimestamp64Milli(max(ingested_at)) <= {until:Int64} ORDER BY hour`,
      { since: this.sinceMs, until: untilMs },
      { max_threads: 1 },
    )
    const spans: { fromMs: number; toMs: number }[] = []
    for (const { hour } of rows) {
      const fromMs = Number(hour) * 1000
      const last = spans.at(-1)
      if (last !== undefined && last.toMs === fromMs && fromMs - last.fromMs < dayMs) last.toMs = fromMs + hourMs
      else spans.push({ fromMs, toMs: fromMs + hourMs })
    }
    return spans
  }

  private async loop(): Promise<void> {
    const { log } = this.parts
    let isFailing = false
    while (!this.ending.signal.aborted) {
      try {
        await sleep(this.parts.everyMs ?? everyMs, undefined, { signal: this.ending.signal })
        await this.runOnce(Date.now())
        if (isFailing) log.info('rollups are reconciled again')
        isFailing = false
      } catch (error) {
        if (this.ending.signal.aborted) return
        if (!isFailing) log.warn('rollups cannot be reconciled now, will try again', { error })
        isFailing = true
      }
    }
  }
}
