// What rules that judge an answer without a person find, and what their scores are called. What each is good for is in docs/feedback.md.

import type { AutomaticRule } from '../../schemas/automatic-rules.ts'
import type { FailureClass } from '../failure.ts'

export const automaticEvaluator = 'spanledger'

/** Name of the scores that a rule writes. */
export function scoreName(rule: AutomaticRule): string {
  return `automated-${rule}`
}

/** Failures of calls that say something of the answer; the others (limits, servers, keys) say nothing of quality. */
export const ruleOfFailure: { readonly [failure in FailureClass]?: AutomaticRule } = {
  refusal: 'refusal',
  empty_response: 'empty-answer',
  malformed_output: 'malformed-json',
  schema_violation: 'schema-violation',
  tool_error: 'tool-error',
  content_filter: 'content-filter',
}

/** One thing that a rule found on a row of a batch. */
export interface Finding {
  readonly rule: AutomaticRule
  /** Row where it was seen. */
  readonly row: number
  /** What was seen, in one word of a closed list: the label of the score. */
  readonly evidence: string
  /** The same for a person; never words of the answer, which is kept for a shorter time than a score. */
  readonly explanation: string
}
