// A score and the configuration of its name → the same score with its verdict, or how it breaks the configuration.

import type { scoreViolations } from '../../schemas/scores-table.ts'
import { isTruthLabel, type Verdict } from '../score-verdict.ts'
import type { ScoreRow } from '../scores.ts'
import type { ConfigInForce, ScoreCategory, ScoreConfig } from './config.ts'

export type Violation = (typeof scoreViolations)[number]

export interface JudgedScore {
  readonly row: ScoreRow
  readonly violation: Violation | ''
  /** What is wrong, for the sender; empty when nothing is. */
  readonly problem: string
}

/** How much of a text is repeated to its sender. */
const shownMax = 64

/**
 * The score as a configuration in force judges it, or, without one, by its own word. May be asked again for a row that another
 * configuration has judged. A failed evaluation has nothing to judge.
 */
export function judgedScore(row: ScoreRow, inForce: ConfigInForce | undefined): JudgedScore {
  const plain = withoutConfig(row)
  if (inForce === undefined || row.error_type !== '') return { row: plain, violation: '', problem: '' }
  const { config, version } = inForce
  const broken = brokenBy(plain, config)
  const said = plain.verdict as Verdict
  // What is of another kind, or no known category, has no place on the scale.
  const hasPlace = broken === undefined || broken.violation === 'out_of_range'
  const verdict = hasPlace ? (verdictBy(plain, config) ?? said) : 0
  const violation = broken?.violation ?? ''
  return {
    row: {
      ...plain,
      ...typed(plain, config),
      verdict,
      said_verdict: said,
      config: version,
      violation,
      each_counts: config.one_vote === 'none' ? 1 : 0,
    },
    violation,
    problem: broken === undefined ? '' : `${broken.problem} (score configuration ${version})`,
  }
}

/** As the sender's words alone make it. */
function withoutConfig(row: ScoreRow): ScoreRow {
  if (row.config === '') return row
  const value = row.data_type === 'categorical' ? null : row.value
  return { ...row, value, verdict: row.said_verdict, said_verdict: 0, config: '', violation: '', each_counts: 0 }
}

function brokenBy(row: ScoreRow, config: ScoreConfig): { violation: Violation; problem: string } | undefined {
  const { name, type } = config
  const wrongType = (wanted: string) => ({
    violation: 'wrong_type' as const,
    problem: `"${name}" takes ${wanted}, not ${shownOf(row)}`,
  })
  const isText = row.data_type === 'text' || row.data_type === 'correction'
  switch (type) {
    case 'numeric':
      return isText || row.value === null ? wrongType('a number') : outOfRange(row.value, config)
    case 'boolean':
      return isText || truthOf(row) === undefined ? wrongType('true or false, or 1 or 0') : undefined
    case 'categorical': {
      if (isText || (row.label === '' && row.value === null)) return wrongType('one of its categories')
      if (categoryOf(row, config) !== undefined) return undefined
      const labels = config.categories
        ?.map(({ label }) => `"${label}"`)
        .join(', ')
        .slice(0, 512)
      return {
        violation: 'unknown_category',
        problem: `"${name}" has no category for ${shownOf(row)}: it has ${labels}`,
      }
    }
    case 'text':
      return isText ? undefined : wrongType('a text')
    default:
      return type satisfies never
  }
}

function outOfRange(value: number, { name, range }: ScoreConfig): ReturnType<typeof brokenBy> {
  const { min, max } = range ?? {}
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return undefined
  const allowed = min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} to ${max}`
  return { violation: 'out_of_range', problem: `score ${value} of "${name}" is out of its range, ${allowed}` }
}

/** Undefined where the configuration does not say. */
function verdictBy(row: ScoreRow, config: ScoreConfig): Verdict | undefined {
  const isLowGood = config.direction === 'low'
  if (config.type === 'boolean') return truthOf(row) === !isLowGood ? 1 : -1
  if (config.type === 'categorical') {
    const declared = config.categories?.some(({ verdict }) => verdict !== undefined)
    if (!declared) return undefined
    const verdict = categoryOf(row, config)?.verdict
    return verdict === 'good' ? 1 : verdict === 'bad' ? -1 : 0
  }
  if (config.type === 'text') return 0
  const { threshold } = config
  if (threshold === undefined || row.value === null) return undefined
  return (isLowGood ? row.value <= threshold : row.value >= threshold) ? 1 : -1
}

/** What the configuration knows of the score's kind that its sender could not say. */
function typed(row: ScoreRow, config: ScoreConfig): { readonly data_type?: string; readonly value?: number } {
  if (config.type === 'boolean' && row.data_type === 'numeric' && truthOf(row) !== undefined)
    return { data_type: 'boolean' }
  const value = config.type === 'categorical' && row.value === null ? categoryOf(row, config)?.value : undefined
  return value === undefined ? {} : { value }
}

/** By its label; a number alone by the value of the category. */
function categoryOf(row: ScoreRow, { categories = [] }: ScoreConfig): ScoreCategory | undefined {
  if (row.label !== '') return categories.find(({ label }) => label === row.label)
  return categories.find(({ value }) => value !== undefined && value === row.value)
}

function truthOf({ value, label }: ScoreRow): boolean | undefined {
  if (value !== null) return value === 1 ? true : value === 0 ? false : undefined
  return isTruthLabel(label) ? /^(?:pass|true)/i.test(label.trim()) : undefined
}

function shownOf({ value, label, text }: ScoreRow): string {
  if (label !== '') return `"${label.slice(0, shownMax)}"`
  return value === null ? `the text "${text.slice(0, shownMax)}"` : String(value)
}
