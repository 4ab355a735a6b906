// Scores and spans put straight into a test engine, as the journal's writer would.

import { insertSettings } from '../../collector/clickhouse/client.ts'
import { encodeRows } from '../../collector/clickhouse/native.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { scoresTable } from '../../schemas/scores-table.ts'
import { columnNames } from '../../schemas/table.ts'
import type { TestEngine } from '../engine.ts'

let token = 0

export async function insertScores({ clickhouse }: TestEngine, rows: readonly ScoreRow[]): Promise<void> {
  await clickhouse.insert({
    table: 'scores',
    columns: columnNames(scoresTable),
    body: encodeRows(scoresTable, rows as readonly object[] as readonly Record<string, unknown>[]),
    token: `test-${token++}`,
    rows: rows.length,
  })
}

/** Columns not named are those of a span that is no call, a minute before `nowMs`. */
export async function insertSpans(
  { clickhouse }: TestEngine,
  nowMs: number,
  spans: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const defaults = {
    project_id: 'default',
    start_time: utc(nowMs - 60_000),
    ingested_at: utc(nowMs - 50_000),
    retention_days: 90,
    sign: 1,
    kind: 'other',
    cost_reason: 'not_a_model_call',
    cost_status: 'not_billed',
  }
  const body = spans.map((span) => JSON.stringify({ ...defaults, ...span })).join('\n')
  await clickhouse.command(
    `INSERT INTO spans FORMAT JSONEachRow ${body}`,
    {},
    { async_insert: insertSettings.async_insert },
  )
}

/** A priced call of gpt-4.1. */
export function llmCall(trace: string, span: string, columns: Readonly<Record<string, unknown>> = {}) {
  return {
    trace_id: trace,
    span_id: span,
    kind: 'llm',
    provider: 'openai',
    model: 'gpt-4.1',
    cost_status: 'priced',
    cost_reason: '',
    total_cost: '0.001234567891',
    ...columns,
  }
}

export function utc(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}
