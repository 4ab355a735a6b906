// Scores and spans race: a score that came before its target, or that names a response instead of a span, is stored without
// the target's columns. This loop looks for the target and appends the score again, whole, one version higher.
//
// Nothing is kept but who waits how long. A crash between look-up and append repeats the look-up; two collectors that resolve
// the same score write the same key and version; a score that was changed or deleted meanwhile has a higher version and wins.

import { setTimeout as sleep } from 'node:timers/promises'
import { movedToCarrier } from '../processors/automatic-feedback/carrier.ts'
import { datasetRunKey } from '../processors/langfuse-scores.ts'
import { type Findings, type Patience, resolveScore, tracesNeeded } from '../processors/score-target.ts'
import type { ScoreRow } from '../processors/scores.ts'
import type { Log } from './log.ts'
import {
  type Reader,
  readResponses,
  readRunNames,
  readScores,
  readSessions,
  readTraces,
  readWaiting,
  type ScoreKey,
} from './score-store.ts'

export interface ScoreResolverParts {
  readonly clickhouse: Reader
  /** Durable when it resolves. */
  readonly appendScores: (rows: readonly ScoreRow[]) => Promise<void>
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly settings?: Partial<ResolverSettings>
  readonly now?: () => number
  /** Rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface ResolverSettings extends Patience {
  /** Between looks while a recent score waits. */
  readonly everyMs: number
  /** Longest pause when none waits, or when ClickHouse does not answer. */
  readonly idleMs: number
  /** Scores that came so long ago are looked at on every round, older ones every `oldEveryMs`. */
  readonly recentMs: number
  readonly oldEveryMs: number
  /** After this a score stays unresolved. */
  readonly giveUpMs: number
  readonly pageSize: number
  readonly pagesMax: number
}

export const resolverSettings: ResolverSettings = {
  fallbackMs: 120_000,
  quietMs: 2000,
  orphanQuietMs: 30_000,
  everyMs: 1000,
  idleMs: 2000,
  recentMs: 15 * 60_000,
  oldEveryMs: 60_000,
  giveUpMs: 7 * 86_400_000,
  pageSize: 200,
  pagesMax: 20,
}

export interface Round {
  /** Scores that still wait in the range looked at, due or not. */
  readonly waiting: number
  readonly resolved: number
}

/** A score that waits: when it was first looked at, and when it is next. */
interface Waiting {
  readonly firstMs: number
  nextMs: number
}

const beginning: ScoreKey = { project_id: '', score_id: '' }
const waitingMax = 100_000
/** Rows that were appended take about a second to show in ClickHouse; until then they are left alone. */
const shownAfterMs = 10_000
const retryMsMin = 1000
const retryMsMax = 3_600_000

export class ScoreResolver {
  private readonly parts: ScoreResolverParts
  private readonly settings: ResolverSettings
  private readonly now: () => number
  private readonly waiting = new Map<string, Waiting>()
  private readonly ending = new AbortController()
  private nap = new AbortController()
  private running: Promise<void> | undefined
  /** Where the look at old scores goes on when there are more than a round can take. */
  private oldAfter: ScoreKey = beginning

  constructor(parts: ScoreResolverParts) {
    this.parts = parts
    this.settings = { ...resolverSettings, ...parts.settings }
    this.now = parts.now ?? Date.now
  }

  /** Looks again and again until `stop`. */
  start(): void {
    this.running ??= this.loop()
  }

  /** A score was just appended: do not sleep on. */
  poke(): void {
    this.nap.abort()
  }

  /** Ends after the round under way. May be called twice, or before `start`. */
  async stop(): Promise<void> {
    this.ending.abort()
    this.nap.abort()
    await this.running
  }

  /** One look at the recent scores, or at all that have not been given up. Rejects with ClickHouseError or Refusal. */
  async runOnce(range: 'recent' | 'all' = 'all'): Promise<Round> {
    const { settings } = this
    const sinceMs = this.now() - (range === 'all' ? settings.giveUpMs : settings.recentMs)
    let after = range === 'all' ? this.oldAfter : beginning
    let waiting = 0
    let resolved = 0
    for (let page = 0; page < settings.pagesMax; page++) {
      const keys = await readWaiting(this.parts.clickhouse, { sinceMs, after, limit: settings.pageSize })
      const due = keys.filter((key) => this.isDue(key))
      for (const [project, own] of Map.groupBy(due, (key) => key.project_id)) {
        resolved += await this.resolveAll(
          project,
          own.map((key) => key.score_id),
        )
      }
      waiting += keys.length
      after = keys.length < settings.pageSize ? beginning : keys.at(-1)!
      if (after === beginning) break
    }
    if (range === 'all') this.oldAfter = after
    return { waiting: waiting - resolved, resolved }
  }

  private async resolveAll(project: string, ids: readonly string[]): Promise<number> {
    const { clickhouse, appendScores } = this.parts
    const scores = await readScores(clickhouse, project, ids)
    const findings = await this.find(project, scores)
    const nowMs = this.now()
    const rows: ScoreRow[] = []
    for (const score of scores) {
      const waited = this.waiting.get(keyOf(score))
      const waitedMs = nowMs - (waited?.firstMs ?? nowMs)
      const row = resolveScore(score, findings, { nowMs, waitedMs }, this.settings)
      if (row !== undefined) {
        const moved = movedToCarrier(score, findings, nowMs)
        const found = moved?.score && resolveScore(moved.score, findings, { nowMs, waitedMs }, this.settings)
        rows.push(...(moved === undefined ? [row] : [moved.gone, ...(found === undefined ? [] : [found])]))
      }
      if (waited !== undefined) waited.nextMs = nowMs + Math.min(Math.max(waitedMs / 8, retryMsMin), retryMsMax)
    }
    if (rows.length === 0) return 0
    await appendScores(rows)
    for (const row of rows) {
      const waited = this.waiting.get(keyOf(row))
      if (waited !== undefined) waited.nextMs = nowMs + shownAfterMs
    }
    return rows.length
  }

  private async find(project: string, scores: readonly ScoreRow[]): Promise<Findings> {
    const { clickhouse } = this.parts
    const responses = await readResponses(clickhouse, project, distinct(scores.map((score) => score.response_id)))
    const traceIds = distinct(scores.flatMap((score) => tracesNeeded(score, responses)))
    const spanIds = distinct(scores.map((score) => score.span_id))
    const runIds = distinct(
      scores.map(({ target, metadata }) => (target === 'run' ? (metadata[datasetRunKey] ?? '') : '')),
    )
    const [traces, sessions, runs] = await Promise.all([
      readTraces(clickhouse, project, { traceIds, spanIds }),
      readSessions(clickhouse, project, distinct(scores.map((score) => score.session_id))),
      readRunNames(clickhouse, project, { ids: runIds, nowMs: this.now() }),
    ])
    return { responses, traces, sessions, runs }
  }

  private isDue(key: ScoreKey): boolean {
    const nowMs = this.now()
    const waited = this.waiting.get(keyOf(key))
    if (waited !== undefined) return waited.nextMs <= nowMs
    if (this.waiting.size >= waitingMax) this.waiting.clear()
    this.waiting.set(keyOf(key), { firstMs: nowMs, nextMs: nowMs })
    return true
  }

  private async loop(): Promise<void> {
    const { settings, parts } = this
    const wait = parts.wait ?? (async (ms, signal) => sleep(ms, undefined, { signal }))
    let pauseMs = settings.everyMs
    let oldAtMs = 0
    let isFailing = false
    while (!this.ending.signal.aborted) {
      try {
        const isOldDue = this.now() >= oldAtMs
        const round = await this.runOnce(isOldDue ? 'all' : 'recent')
        if (isOldDue) oldAtMs = this.now() + settings.oldEveryMs
        pauseMs = round.waiting > 0 ? settings.everyMs : Math.min(pauseMs * 2, settings.idleMs)
        if (isFailing) parts.log.info('scores are resolved again')
        isFailing = false
      } catch (error) {
        // The scores stay as they are and are looked at again: nothing is lost, and one line says that it began.
        if (!isFailing) parts.log.warn('scores cannot be resolved now, will try again', { error })
        isFailing = true
        pauseMs = Math.min(pauseMs * 2, settings.idleMs * 8)
      }
      if (await this.poked(wait, pauseMs)) pauseMs = settings.everyMs
    }
  }

  /** True when the pause was cut short. */
  private async poked(wait: NonNullable<ScoreResolverParts['wait']>, ms: number): Promise<boolean> {
    if (this.ending.signal.aborted) return true
    this.nap = new AbortController()
    const { signal } = this.nap
    try {
      await wait(ms, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return signal.aborted
  }
}

function keyOf(key: ScoreKey): string {
  return `${key.project_id}\0${key.score_id}`
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((text) => text !== '')
}
