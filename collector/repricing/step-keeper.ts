// In a running collector: a step of a repricing run that somebody left half done is completed, so that the ledger is not
// long between two states.

import type { ClickHouse } from '../clickhouse/client.ts'
import type { Log } from '../log.ts'
import { completeSteps } from './publish.ts'
import { listRuns } from './runs.ts'

/** A step that has not got on for so long has nobody any more; one slice takes a few seconds. */
const staleMs = 30_000

export interface StepKeeperOptions {
  readonly clickhouse: ClickHouse
  readonly database: string
  readonly log: Pick<Log, 'info' | 'warn' | 'limited'>
  readonly staleMs?: number
}

export class StepKeeper {
  private readonly options: StepKeeperOptions
  private readonly staleMs: number
  private readonly stopping = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()

  constructor(options: StepKeeperOptions) {
    this.options = options
    this.staleMs = options.staleMs ?? staleMs
  }

  /** The tables are there: looks now and from time to time. */
  start(): void {
    if (this.stopping.signal.aborted) return
    this.looking = this.look().finally(() => {
      if (!this.stopping.signal.aborted) this.timer = setTimeout(() => this.start(), this.staleMs)
    })
  }

  /** Resolves when it has let go, at the latest behind the slice at hand; what is left is completed by the next. */
  async stop(): Promise<void> {
    this.stopping.abort()
    clearTimeout(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    const { clickhouse, database, log } = this.options
    try {
      const open = await listRuns(clickhouse, ['adopting', 'undoing'])
      const left = open.filter(({ updated_at }) => updated_at < Date.now() - this.staleMs)
      if (left.length === 0) return
      const names = left.map(({ pricing_run, state }) => `${pricing_run} (${state})`)
      log.warn('a repricing step was left half done: it is completed now', { runs: names })
      const done = await completeSteps({ clickhouse, database, signal: this.stopping.signal })
      log.info('repricing steps were completed', {
        runs: done.map(({ pricing_run, state }) => `${pricing_run} (${state})`),
      })
    } catch (error) {
      if (this.stopping.signal.aborted) return
      log.limited('repricing', 'warn', 'repricing runs cannot be looked after: tried again', { error })
    }
  }
}
