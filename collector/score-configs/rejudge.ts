// Scores that an earlier version of their configuration has judged, or none: what the one in force makes of them, and, when
// asked, their rows appended anew with what they were before beside them. docs/decisions/0032.

import { createHash } from 'node:crypto'
import { configsOf, type DeclaredConfig } from '../../processors/score-configs/config.ts'
import { judgedScore } from '../../processors/score-configs/judge.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { rejudgementsTable } from '../../schemas/score-configs-table.ts'
import { scoresTable } from '../../schemas/scores-table.ts'
import { columnNames, type Table } from '../../schemas/table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { encodeRows, type Row } from '../clickhouse/native.ts'
import { readScoresOfConfig } from '../score-store.ts'
import type { SetConfig } from './store.ts'

/** A page is a scan of what is left of the project: 250,000 scores among a million took 250 scans at 1,000 a page. */
const pageRows = 5000

export interface RejudgeParts {
  readonly clickhouse: Pick<ClickHouse, 'query' | 'insert'>
  readonly declared: readonly DeclaredConfig[]
  readonly set: readonly SetConfig[]
  /** Empty: all. */
  readonly project: string
  readonly name: string
}

/** Scores of one name and project that are judged by the same earlier version. */
export interface StaleScores {
  readonly project: string
  readonly name: string
  readonly config_before: string
  readonly config_after: string
  readonly scores: number
  /** Of them: good became bad, and the like. */
  readonly verdicts_changed: number
  readonly good_before: number
  readonly bad_before: number
  readonly good_after: number
  readonly bad_after: number
  readonly flagged_before: number
  readonly flagged_after: number
}

/** How such scores would be judged now. With `write` they are. Rejects with ClickHouseError. */
export async function rejudge(
  parts: RejudgeParts,
  write: { readonly run: string; readonly nowMs: number } | null,
): Promise<StaleScores[]> {
  const results: StaleScores[] = []
  const inForce = new Map<string, ReturnType<typeof configsOf>>()
  const declared = parts.declared.map((each) => ({ ...each, sinceMs: 0 }))
  for (const group of await groupsOf(parts)) {
    const { project, name, config: before } = group
    const configs = inForce.get(project) ?? configsOf(project, declared, parts.set)
    inForce.set(project, configs)
    const wanted = configs.get(name)
    if ((wanted?.version ?? '') === before) continue
    const tally = new Tally(project, name, before, wanted?.version ?? '')
    for (let after = ''; ; ) {
      const rows = await readScoresOfConfig(parts.clickhouse, { project, name, config: before, after, limit: pageRows })
      const pairs = rows.map((row) => ({ row, next: anew(row, judgedScore(row, wanted).row) }))
      for (const { row, next } of pairs) tally.add(row, next)
      if (write !== null && pairs.length > 0) await append(parts.clickhouse, pairs, write)
      if (rows.length < pageRows) break
      after = rows.at(-1)!.score_id
    }
    results.push(tally.result())
  }
  return results
}

async function groupsOf({
  clickhouse,
  project,
  name,
}: RejudgeParts): Promise<{ project: string; name: string; config: string }[]> {
  return clickhouse.query(
    `SELECT DISTINCT s.project_id AS project, s.name AS name, s.config AS config
FROM all_scores AS s
WHERE s.error_type = '' AND ({project:String} = '' OR s.project_id = {project:String}) AND ({name:String} = '' OR s.name = {name:String})
ORDER BY project, name, config`,
    { project, name },
  )
}

/** One version higher: a change or deletion by anybody else is two, and wins. */
function anew(row: ScoreRow, judged: ScoreRow): ScoreRow {
  return { ...judged, version: row.version + 1 }
}

/** What they were before is told first: a row that has changed is never without it. */
async function append(
  clickhouse: Pick<ClickHouse, 'insert'>,
  pairs: readonly { readonly row: ScoreRow; readonly next: ScoreRow }[],
  { run, nowMs }: { readonly run: string; readonly nowMs: number },
): Promise<void> {
  const told = pairs.map(({ row, next }) => ({
    project_id: next.project_id,
    score_id: next.score_id,
    version: next.version,
    name: next.name,
    judged_at: nowMs,
    run,
    config_before: row.config,
    config_after: next.config,
    verdict_before: row.verdict,
    verdict_after: next.verdict,
    violation_before: row.violation,
    violation_after: next.violation,
  }))
  await insert(clickhouse, rejudgementsTable, told)
  await insert(
    clickhouse,
    scoresTable,
    pairs.map(({ next }) => ({ ...next })),
  )
}

async function insert(clickhouse: Pick<ClickHouse, 'insert'>, table: Table, rows: readonly Row[]): Promise<void> {
  const body = encodeRows(table, rows)
  const hash = createHash('sha256')
  for (const part of body) hash.update(part)
  const token = `rejudge-${hash.digest('hex')}`
  await clickhouse.insert({ table: table.name, columns: columnNames(table), body, rows: rows.length, token })
}

class Tally {
  private readonly of: Pick<StaleScores, 'project' | 'name' | 'config_before' | 'config_after'>
  private readonly counts = {
    scores: 0,
    verdicts_changed: 0,
    good_before: 0,
    bad_before: 0,
    good_after: 0,
    bad_after: 0,
    flagged_before: 0,
    flagged_after: 0,
  }

  constructor(project: string, name: string, config_before: string, config_after: string) {
    this.of = { project, name, config_before, config_after }
  }

  add(before: ScoreRow, after: ScoreRow): void {
    const { counts } = this
    counts.scores++
    if (before.verdict !== after.verdict) counts.verdicts_changed++
    if (before.verdict === 1) counts.good_before++
    if (before.verdict === -1) counts.bad_before++
    if (after.verdict === 1) counts.good_after++
    if (after.verdict === -1) counts.bad_after++
    if (before.violation !== '') counts.flagged_before++
    if (after.violation !== '') counts.flagged_after++
  }

  result(): StaleScores {
    return { ...this.of, ...this.counts }
  }
}
