// Feedback that a web page sends with a public key: anybody may have sent it. It can be added and nothing else: it takes the
// place of no other score, and its answer tells nothing but what was sent.

import { createHash } from 'node:crypto'
import { scoreName } from '../../processors/automatic-feedback/rules.ts'
import type { FeedbackBody, ScoreRow } from '../../processors/scores.ts'
import type { Caller } from '../../schemas/access.ts'
import { automaticRules } from '../../schemas/automatic-rules.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { saidOf } from './score-writing.ts'

const ruleNames: ReadonlySet<string> = new Set(automaticRules.map(scoreName))

const ofEvaluations = ['run_name', 'dataset', 'item_id', 'evaluator', 'evaluator_version', 'cost'] as const

/** Throws Refusal('forbidden') for a page that speaks for anybody but its visitor. */
export function checkPageFeedback({ source, name, ...said }: FeedbackBody): void {
  if (source && source !== 'user')
    throw new Refusal('forbidden', `a page sends its visitors' feedback: source "user", not "${source}"`)
  if (name && ruleNames.has(name))
    throw new Refusal('forbidden', `scores named "${name}" are written by rules, which a page is not`)
  const field = ofEvaluations.find((each) => said[each] !== undefined && said[each] !== null && said[each] !== '')
  if (field !== undefined) throw new Refusal('forbidden', `${field} is of evaluations, which a page does not send`)
}

/**
 * The row under an id of its own: of the key, what the page calls it, and everything it says. So the same sent again is one
 * score, and something else under the same name is another, beside the first: of one author's votes the newest counts.
 */
export function pageRow(row: ScoreRow, { key }: Caller): ScoreRow {
  const said = createHash('sha256')
    .update(JSON.stringify([row.score_id, saidOf(row)]))
    .digest('hex')
  return { ...row, score_id: `${key}.${said.slice(0, 32)}` }
}

/** What was sent, as it was understood; not what may have been there before. */
export function pageAnswer(row: ScoreRow) {
  return {
    id: row.score_id,
    trace_id: row.given_trace_id,
    score: row.value,
    comment: row.comment,
    source: row.source,
    user_id: row.author_id,
    tags: row.tags,
    created_at: row.created_at / 1000,
    name: row.name,
    span_id: row.given_span_id,
    response_id: row.response_id,
    session_id: row.session_id,
  }
}
