// The scores this process has written lately: a change or deletion finds its score although ClickHouse does not show it yet,
// and a reader sees what was answered as stored.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ScoreRow } from '../../processors/scores.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { readNewestScores } from '../score-store.ts'

const rowsMax = 10_000
/** A reader waits this long for the newest write to show, and then answers without it. */
const showWithinMs = 3000
const lookEveryMs = 50
/** So long what was written here is the newest there can be; later another collector's word may be in ClickHouse. */
const ownForMs = 1000

export interface WrittenScore {
  readonly row: ScoreRow
  readonly durable: Promise<void>
}

interface Look {
  readonly ids: Set<string>
  readonly rows: Promise<ReadonlyMap<string, ScoreRow>>
}

/** Scores in one question. */
const idsMax = 500

export class RecentScores {
  private readonly clickhouse: Pick<ClickHouse, 'query'>
  private readonly now: () => number
  private readonly rows = new Map<string, WrittenScore & { readonly atMs: number }>()
  /** Looks that are not under way yet, by project. */
  private readonly looks = new Map<string, Look>()
  /** Newest write of each project that has not been seen in ClickHouse. */
  private readonly unseen = new Map<string, { readonly row: ScoreRow; readonly atMs: number }>()

  constructor(clickhouse: Pick<ClickHouse, 'query'>, now: () => number) {
    this.clickhouse = clickhouse
    this.now = now
  }

  /**
   * The newest state of a score, deleted ones included, written here or by another collector. What ClickHouse cannot say is told
   * to `unanswered`, which says what holds then; it may throw.
   */
  async newest(
    project: string,
    id: string,
    unanswered: (error: unknown) => ScoreRow | undefined,
    withinMs = Number.POSITIVE_INFINITY,
  ): Promise<WrittenScore | undefined> {
    const own = this.rows.get(keyOf(project, id))
    if (own !== undefined && this.now() - own.atMs < ownForMs) return own
    const stored = await within(this.stored(project, id), withinMs).catch((error: unknown) =>
      this.rows.has(keyOf(project, id)) ? undefined : unanswered(error),
    )
    // Another request with this id may have been taken meanwhile.
    const written = this.rows.get(keyOf(project, id))
    if (stored === undefined || (written !== undefined && written.row.version >= stored.version)) return written
    return { row: stored, durable: Promise.resolve() }
  }

  /** Looks that are asked for at once, by the scores of one list or by many requests, are one question. */
  private async stored(project: string, id: string): Promise<ScoreRow | undefined> {
    let look = this.looks.get(project)
    if (look === undefined || look.ids.size >= idsMax) {
      const ids = new Set<string>()
      const begun: Look = {
        ids,
        rows: new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
          if (this.looks.get(project) === begun) this.looks.delete(project)
          return readNewestScores(this.clickhouse, project, [...ids])
        }),
      }
      look = begun
      this.looks.set(project, look)
    }
    look.ids.add(id)
    return (await look.rows).get(id)
  }

  /** Remembers the row while `durable` is under way and after; forgets it when that fails, and fails alike. */
  async write(row: ScoreRow, durable: Promise<void>): Promise<void> {
    const key = keyOf(row.project_id, row.score_id)
    this.rows.delete(key)
    this.rows.set(key, { row, durable, atMs: this.now() })
    for (const oldest of this.rows.keys()) {
      if (this.rows.size <= rowsMax) break
      this.rows.delete(oldest)
    }
    try {
      await durable
    } catch (error) {
      if (this.rows.get(key)?.row === row) this.rows.delete(key)
      throw error
    }
    this.unseen.set(row.project_id, { row, atMs: this.now() })
  }

  /** Resolves when ClickHouse shows what the project wrote here before this call, or after `showWithinMs`. */
  async shown(project: string): Promise<void> {
    const written = this.unseen.get(project)
    if (written === undefined) return
    const { score_id, version } = written.row
    while (this.now() - written.atMs < showWithinMs) {
      const [found] = await this.clickhouse.query<{ version: string | number }>(
        'SELECT max(s.version) AS version FROM scores AS s WHERE s.project_id = {project:String} AND s.score_id = {id:String}',
        { project, id: score_id },
      )
      if (Number(found?.version) >= version) break
      await sleep(lookEveryMs)
    }
    if (this.unseen.get(project) === written) this.unseen.delete(project)
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  if (ms === Number.POSITIVE_INFINITY) return work
  const ending = new AbortController()
  const late = sleep(ms, undefined, { signal: ending.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${ms} ms`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    late.catch(() => undefined) // ended below, or told by the race
    ending.abort()
  }
}

function keyOf(project: string, id: string): string {
  return `${project}\0${id}`
}
