// Scores that rules wrote when a span came, on a span that was found since to repeat a call: they look for their target again, and
// the resolver gives them to the call (processors/automatic-feedback/carrier.ts).

import { automaticEvaluator } from '../../processors/automatic-feedback/rules.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { readScores, type ScoreKey } from '../score-store.ts'
import { valuesOfStatements } from './store.ts'

/** Of these traces; nearly always none. Done twice it finds nothing. */
export async function scoresToFollow(
  clickhouse: Pick<ClickHouse, 'query'>,
  traceIds: readonly string[],
  nowMs: number,
): Promise<ScoreRow[]> {
  const keys: ScoreKey[] = []
  for (const traces of valuesOfStatements(traceIds))
    keys.push(...(await clickhouse.query<ScoreKey>(moving, { traces, evaluator: automaticEvaluator })))
  const rows: ScoreRow[] = []
  for (const [project, own] of Map.groupBy(keys, (key) => key.project_id)) {
    const ids = own.map((key) => key.score_id)
    rows.push(...(await readScores(clickhouse, project, ids)))
  }
  return rows.map((row) => ({ ...row, resolved: 0, target_time: nowMs, version: row.version + 1 }))
}

const moving = `SELECT s.project_id AS project_id, s.score_id AS score_id
FROM current_scores AS s
WHERE s.trace_id IN {traces:Array(String)} AND s.source = 'automated' AND s.evaluator = {evaluator:String} AND s.resolved = 1
  AND (s.project_id, s.trace_id, s.span_id) IN (
    SELECT r.project_id, r.trace_id, r.span_id
    FROM spans AS r FINAL
    WHERE r.trace_id IN {traces:Array(String)} AND r.counted_as != ''
  )`
