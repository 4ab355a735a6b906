// Is a score good, bad or neither, by its own word? The label decides, then the kind of value; a bare number on a scale nobody
// declared says nothing. What a configuration makes of it: score-configs/judge.ts.

export type Verdict = -1 | 0 | 1

export interface Judged {
  readonly value: number | null
  readonly label: string
  /** The value was a truth value. */
  readonly isBoolean: boolean
  /** The value is on the scale of thumbs: -1, 0 or 1. */
  readonly isThumb: boolean
}

/** Label of a thumb that was given as a number alone, by value + 1. */
const thumbLabels = ['thumbs_down', 'neutral', 'thumbs_up'] as const

const goodLabels = new Set(
  'pass passed true good positive thumbs_up thumbsup thumb_up like liked correct relevant factual helpful grounded faithful safe non_toxic success accepted 👍'.split(
    ' ',
  ),
)
const badLabels = new Set(
  'fail failed false bad negative thumbs_down thumbsdown thumb_down dislike disliked incorrect wrong irrelevant not_relevant unrelated hallucinated unhelpful not_helpful ungrounded unfaithful unsafe toxic rejected 👎'.split(
    ' ',
  ),
)

/** 1 good, -1 bad, 0 neither. */
export function verdictOf(judged: Judged): Verdict {
  const { value, isBoolean, isThumb } = judged
  const label = plainLabel(judged.label)
  if (goodLabels.has(label)) return 1
  if (badLabels.has(label)) return -1
  if (isBoolean) return value === 1 ? 1 : -1
  if (!isThumb) return 0
  return value === 1 ? 1 : value === -1 ? -1 : 0
}

/** `thumbs_up`, `neutral` or `thumbs_down` for 1, 0 and -1; empty for any other value. */
export function thumbLabel(value: number | null): string {
  return value === null ? '' : (thumbLabels[value + 1] ?? '')
}

/** Labels that say yes or no, so that a value of 0 or 1 beside them is a truth value. */
export function isTruthLabel(label: string): boolean {
  return ['pass', 'fail', 'true', 'false', 'passed', 'failed'].includes(plainLabel(label))
}

function plainLabel(label: string): string {
  return label
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
}
