// The attributes of an evaluation event, taken one by one into columns; what is left is the metadata of the score.

import { picoOfUsd } from '../schemas/money.ts'
import { parsedJson } from './json-text.ts'

export const scoreSources = ['user', 'human-review', 'automated', 'eval'] as const
export type ScoreSource = (typeof scoreSources)[number]

/** Attributes of one event; what no column took is its metadata. */
export class SentAttributes {
  private readonly left = new Map<string, string>()

  constructor(attributes: ReadonlyMap<string, unknown>) {
    for (const [key, value] of attributes) if (key !== 'event.name') this.left.set(key, plainText(value))
  }

  /** Text of the first of `keys` that has one; it is then taken. */
  take(...keys: readonly string[]): string {
    for (const key of keys) {
      const text = this.left.get(key)
      if (text === undefined || text === '') continue
      this.left.delete(key)
      return text
    }
    return ''
  }

  /** Pico-USD of the first of `keys` that holds a believable amount of USD. */
  takeCost(...keys: readonly string[]): bigint | null {
    for (const key of keys) {
      const pico = picoOfUsd(parseNumber(this.left.get(key) ?? ''))
      if (Number.isNaN(pico)) continue
      this.left.delete(key)
      return BigInt(pico)
    }
    return null
  }

  putBack(key: string, text: string): void {
    this.left.set(key, text)
  }

  rest(): Record<string, string> {
    const rest: Record<string, string> = {}
    for (const [key, text] of this.left) setOwn(rest, key, text)
    return rest
  }
}

export interface Grade {
  readonly value: number | null
  readonly label: string
  readonly isBoolean: boolean
  /** Set when the score is no number although one was meant. */
  readonly errorType: string
}

export function readGrade(sent: SentAttributes, isFeedback: boolean): Grade {
  const valueKeys = [
    'gen_ai.evaluation.score.value',
    'gen_ai.evaluation.score',
    ...(isFeedback ? ['score', 'value', 'rating'] : []),
  ]
  const labelKeys = [
    'gen_ai.evaluation.score.label',
    'gen_ai.evaluation.label',
    ...(isFeedback ? ['label', 'feedback'] : []),
  ]
  const text = sent.take(...valueKeys)
  const label = sent.take(...labelKeys)
  if (text === 'true' || text === 'false')
    return { value: text === 'true' ? 1 : 0, label, isBoolean: true, errorType: '' }
  // Evaluators report a failed computation as NaN; stored as a value it would spoil every average.
  if (/^[+-]?(?:nan|inf|infinity)$/i.test(text))
    return { value: null, label, isBoolean: false, errorType: 'not_a_number' }
  const value = parseNumber(text)
  if (value === null && text !== '' && label !== '') sent.putBack('gen_ai.evaluation.score', text)
  return { value, label: label || (value === null ? text : ''), isBoolean: false, errorType: '' }
}

/** Where the run that an evaluation belongs to is told; on spans, what an experiment's own instrumentation wrote. */
export const runAttributes = {
  run_name: ['gen_ai.evaluation.run.name', 'gen_ai.evaluation.run_name', 'langfuse.experiment.name'],
  dataset: ['gen_ai.evaluation.dataset.name', 'gen_ai.evaluation.dataset', 'langfuse.experiment.dataset.id'],
  item_id: ['gen_ai.evaluation.item.id', 'gen_ai.evaluation.item_id', 'langfuse.experiment.item.id'],
} as const

export function readSource(sent: SentAttributes, isFeedback: boolean): ScoreSource {
  const declared = sent.take('gen_ai.evaluation.source')
  const known = scoreSources.find((source) => source === declared)
  if (known !== undefined) return known
  if (declared !== '') sent.putBack('gen_ai.evaluation.source', declared)
  if (isFeedback) return 'user'
  const type = sent.take('gen_ai.evaluation.evaluator.type')
  if (type !== '') sent.putBack('gen_ai.evaluation.evaluator.type', type)
  if (/^human/i.test(type)) return 'human-review'
  return /^(?:code|deterministic|heuristic|rule)/i.test(type) ? 'automated' : 'eval'
}

/** The proposal puts the comment into the body: text, or an object with one. */
export function feedbackComment(sent: SentAttributes, body: string): string {
  const comment = sent.take('comment', 'gen_ai.evaluation.comment')
  if (comment !== '' || !body.startsWith('{')) return comment || body
  const value = parsedJson(body)
  if (typeof value !== 'object' || value === null) return body
  const inside = Object.hasOwn(value, 'comment') ? (value as { comment?: unknown }).comment : undefined
  return typeof inside === 'string' ? inside : body
}

export function plainText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  return JSON.stringify(value) ?? ''
}

/** Null for what is no finite decimal number, the empty text included. */
function parseNumber(text: string): number | null {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return null
  const number = Number(text)
  return Number.isFinite(number) ? number : null
}

/** Also for a key such as `__proto__`. */
export function setOwn(object: Record<string, string>, key: string, value: string): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
