// How a score of the API is written: one that says what was said before is that one, one that changes it wins over it.

import type { ScoreRow } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'
import type { ApiParts } from './parts.ts'
import type { RecentScores, WrittenScore } from './recent-scores.ts'

/** How long a change waits for ClickHouse to say what it changes; without an answer it is taken as new. */
const lookUpMs = 1000

/** Fields that make two pieces of feedback under one id the same. */
const saidFields = [
  'name',
  'given_trace_id',
  'given_span_id',
  'response_id',
  'session_id',
  'value',
  'label',
  'text',
  'source',
  'author_id',
  'comment',
  'run_name',
  'dataset',
  'item_id',
  'evaluator',
  'evaluator_version',
  'eval_cost',
  'tags',
  'metadata',
] as const satisfies readonly (keyof ScoreRow)[]

/**
 * The score as it is stored now, judged by its configuration, durable when it resolves. Rejects with Refusal. With a key of the sender's (`isKeyed`), the same said again is the
 * score that is there, and something else under that key replaces it.
 */
export async function writeScore(
  parts: ApiParts,
  recent: RecentScores,
  given: ScoreRow,
  { isKeyed }: { readonly isKeyed: boolean },
): Promise<ScoreRow> {
  const judged = parts.scoreConfigs?.judge(given) ?? given
  const before = isKeyed ? await scoreBefore(parts, recent, judged) : undefined
  if (before !== undefined && saysTheSame(before.row, judged)) {
    await before.durable
    return before.row
  }
  const row = before === undefined ? judged : changed(before.row, judged)
  await recent.write(row, parts.appendScores([row]))
  return row
}

/** What is already stored under the id of `row`; undefined also when the database cannot say in time. */
function scoreBefore(parts: ApiParts, recent: RecentScores, row: ScoreRow): Promise<WrittenScore | undefined> {
  const unanswered = (error: unknown): undefined => {
    parts.log.limited('feedback-before', 'warn', 'a changed feedback is taken as new: the database does not answer', {
      error,
    })
  }
  return recent.newest(row.project_id, row.score_id, unanswered, lookUpMs)
}

/** The score as it is now. Throws Refusal('not_found') with these words; rejects when the database cannot say. */
export async function scoreThatIs(
  recent: RecentScores,
  { project, id }: { readonly project: string; readonly id: string },
  missing: string,
): Promise<ScoreRow> {
  const found = await recent.newest(project, id, (error) => {
    throw error
  })
  if (found === undefined || found.row.is_deleted === 1) throw new Refusal('not_found', missing)
  return found.row
}

function saysTheSame(before: ScoreRow, row: ScoreRow): boolean {
  return before.is_deleted === 0 && saidOf(before) === saidOf(before.resolved === 0 ? row : filledFrom(before, row))
}

/** What a sender leaves open and the target has told. */
const fromTarget = ['session_id', 'run_name', 'dataset', 'item_id'] as const satisfies readonly (keyof ScoreRow)[]

function filledFrom(found: ScoreRow, row: ScoreRow): ScoreRow {
  return { ...row, ...Object.fromEntries(fromTarget.map((field) => [field, row[field] || found[field]])) }
}

/** Everything a sender said of a score but its id. */
export function saidOf(row: ScoreRow): string {
  return JSON.stringify(saidFields.map((field) => sorted(row[field])))
}

function sorted(value: ScoreRow[(typeof saidFields)[number]]): unknown {
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort() : value
}

/** The new state of a score that is given anew: it keeps its time, and wins over a resolution that is under way. */
function changed(before: ScoreRow, row: ScoreRow): ScoreRow {
  const version = Math.max(row.version, before.version + 2)
  if (before.is_deleted === 1) return { ...row, version }
  return { ...row, created_at: before.created_at, version }
}
