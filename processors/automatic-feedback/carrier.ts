// A rule judged a span that turned out to repeat a call: its score is the call's, under the id that the call's own span makes. So two
// instrumentations around one call leave one score, whichever of them saw the failure and whenever the other span came.

import { callJudged, type Findings } from '../score-target.ts'
import { type ScoreRow, tombstoneOf } from '../scores.ts'
import { automaticEvaluator, scoreName } from './rules.ts'
import { automaticId } from './score.ts'

export interface Moved {
  /** What is left under the old id. */
  readonly gone: ScoreRow
  /** Not resolved yet; absent where the call is in another trace, whose own span is judged by itself. */
  readonly score?: ScoreRow
}

const olderMs = 86_400_000

/** Undefined for a score of anybody else, and for one that is where it belongs. */
export function movedToCarrier(score: ScoreRow, findings: Findings, nowMs: number): Moved | undefined {
  if (!isAutomatic(score) || score.name === scoreName('tool-error')) return undefined
  const call = callJudged(score, findings)
  if (call === undefined) return undefined
  const gone = tombstoneOf(score, nowMs)
  if (call === null) return { gone }
  const score_id = automaticId(score.name, call.trace_id, call.span_id)
  // What a rule saw on the call itself says more than what was seen around it, and stays the newer.
  const version = Math.max(0, score.created_at - olderMs)
  return { gone, score: { ...score, score_id, version, span_id: call.span_id, given_span_id: call.span_id } }
}

/** Whether a rule of ours wrote it, and not somebody who took its name. */
export function isAutomatic({ source, evaluator, name, score_id, trace_id, span_id }: ScoreRow): boolean {
  return source === 'automated' && evaluator === automaticEvaluator && score_id === automaticId(name, trace_id, span_id)
}
