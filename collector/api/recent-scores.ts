// The scores this process has written lately: a change or deletion finds its score although ClickHouse does not show it yet,
// and a reader sees what was answered as stored.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ScoreRow } from '../../processors/scores.ts'
import type { ClickHouse } from '../clickhouse/client.ts'

const rowsMax = 10_000
/** A reader waits this long for the newest write to show, and then answers without it. */
const showWithinMs = 3000
const lookEveryMs = 50

export class RecentScores {
  private readonly clickhouse: Pick<ClickHouse, 'query'>
  private readonly now: () => number
  private readonly rows = new Map<string, { readonly row: ScoreRow; readonly durable: Promise<void> }>()
  /** Newest write of each project that has not been seen in ClickHouse. */
  private readonly unseen = new Map<string, { readonly row: ScoreRow; readonly atMs: number }>()

  constructor(clickhouse: Pick<ClickHouse, 'query'>, now: () => number) {
    this.clickhouse = clickhouse
    this.now = now
  }

  get(project: string, id: string): { readonly row: ScoreRow; readonly durable: Promise<void> } | undefined {
    return this.rows.get(keyOf(project, id))
  }

  /** Remembers the row while `durable` is under way and after; forgets it when that fails, and fails alike. */
  async write(row: ScoreRow, durable: Promise<void>): Promise<void> {
    const key = keyOf(row.project_id, row.score_id)
    this.rows.delete(key)
    this.rows.set(key, { row, durable })
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

function keyOf(project: string, id: string): string {
  return `${project}\0${id}`
}
