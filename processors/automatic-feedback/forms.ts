// Does the text of an answer have the form that was asked for? Explanations name places of the schema, never words of the answer.

import type { AutomaticRule } from '../../schemas/automatic-rules.ts'
import type { Asked } from './asked.ts'

/** What a checker of JSON Schema finds: the keyword that is broken and where in the schema; null where the value keeps to it. */
export interface SchemaBreach {
  readonly keyword: string
  readonly place: string
}

/** Undefined where the schema or the value is beyond what is checked. Must end in bounded time, whatever it is given. */
export type SchemaCheck = (schema: object, value: unknown, textSize: number) => SchemaBreach | null | undefined

export interface Misform {
  readonly rule: AutomaticRule
  readonly evidence: string
  readonly explanation: string
}

/** Longer answers are not read for their form. */
export const formBytesMax = 256 * 1024

/** What is wrong with the form of a whole text; undefined where nothing is, or where it cannot be said. */
export function misformOf(text: string, asked: Asked, check: SchemaCheck | undefined): Misform | undefined {
  const answer = text.trim()
  const { choices, schema } = asked
  if (choices !== undefined) {
    if (choices.includes(answer)) return undefined
    const count = choices.length
    return {
      rule: 'format-violation',
      evidence: 'not_a_choice',
      explanation: `The answer is none of the ${count} that were asked for.`,
    }
  }
  if (!asked.isJson) return undefined
  const value = jsonOf(answer)
  if (value === undefined) return isCapturedWhole(answer) ? noJson(answer) : undefined
  const breach = schema === undefined ? null : check?.(schema, value.json, answer.length)
  if (!breach) return undefined
  return {
    rule: 'schema-violation',
    evidence: breach.keyword,
    explanation: `The answer breaks "${breach.keyword}" at ${breach.place} of the schema that was asked for.`,
  }
}

function noJson(answer: string): Misform {
  const fenced = /```[a-z]*\s*\n?([\s\S]*?)```/i.exec(answer)?.[1]
  if (fenced !== undefined && jsonOf(fenced.trim()) !== undefined)
    return {
      rule: 'format-violation',
      evidence: 'fenced',
      explanation: 'JSON was asked for and came inside a code fence.',
    }
  const from = answer.search(/[{[]/)
  const to = Math.max(answer.lastIndexOf('}'), answer.lastIndexOf(']'))
  if (from >= 0 && to > from && jsonOf(answer.slice(from, to + 1)) !== undefined)
    return {
      rule: 'format-violation',
      evidence: 'surrounded',
      explanation: 'JSON was asked for and came with text around it.',
    }
  const explanation = `JSON was asked for; the answer of ${answer.length} characters is none.`
  return { rule: 'malformed-json', evidence: 'not_json', explanation }
}

function jsonOf(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    // That is the finding.
    return undefined
  }
}

/**
 * False for text that was probably cut when it was captured: instrumentations cut at round lengths, or put dots or a word at the end.
 */
function isCapturedWhole(text: string): boolean {
  const { length } = text
  if (length >= 128 && (length % 128 === 0 || length % 500 === 0)) return false
  return !/(?:\.\.\.|…|truncated[\])>]?)$/i.test(text)
}
