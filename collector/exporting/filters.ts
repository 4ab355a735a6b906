// What an export can be narrowed by: one table for the API, the command line, their descriptions and the SQL. A condition is fixed
// text of this file; what is asked for goes in as a parameter of the statement, never into its text.

import { plainId } from '../../processors/scores.ts'
import { nearName } from '../../schemas/near-name.ts'
import { Refusal } from '../../schemas/refusal.ts'

/** `c` is a row of `llm_calls`, or of `spans`, with `is_call`, where traces are asked for; `s` one of `current_scores`. */
type Kind = 'texts' | 'amount' | 'number' | 'flag' | 'choice'

interface Filter {
  readonly name: string
  readonly kind: Kind
  /** The words of a choice; what goes into the statement may be another. */
  readonly words?: Readonly<Record<string, string | number>>
  readonly doc: string
  readonly call?: string
  /** Of a trace as a whole; absent: any span of the trace that fits does. */
  readonly trace?: string
  /** Of a score: what is asked for has one that fits. */
  readonly score?: string
}

const texts = (name: string, column: string, doc: string): Filter => ({
  name,
  kind: 'texts',
  doc,
  call: `c.${column} IN {${name}:Array(String)}`,
})
const scoreTexts = (name: string, column: string, doc: string): Filter => ({
  name,
  kind: 'texts',
  doc,
  score: `s.${column} IN {${name}:Array(String)}`,
})

export const filters: readonly Filter[] = [
  texts('model', 'model', 'Model as priced'),
  texts('provider', 'provider', 'Provider'),
  texts('feature', 'feature', 'Feature or workflow'),
  texts('env', 'env', 'Environment'),
  texts('service', 'service', 'Service'),
  texts('release', 'release', 'Release'),
  texts('prompt', 'prompt_name', 'Managed prompt'),
  texts('prompt_version', 'prompt_version', 'Version of the prompt'),
  texts('user', 'user_id', 'End user'),
  texts('session', 'session_id', 'Session or conversation'),
  texts('team', 'team', 'Team'),
  texts('customer', 'customer', "The application's customer"),
  texts('kind', 'kind', 'Kind of span: llm, embedding, agent, …'),
  texts('trace_id', 'trace_id', 'Ids of traces'),
  texts('span_id', 'span_id', 'Ids of spans'),
  texts('response_id', 'response_id', "The provider's ids of answers"),
  texts('failure_class', 'failure_class', 'Why it failed: rate_limit, malformed_output, refusal, …'),
  texts('cost_status', 'cost_status', 'priced, reported, estimated, partial, unpriced, invalid, not_billed'),
  {
    name: 'status',
    kind: 'choice',
    words: { ok: 'ok', error: 'error' },
    doc: 'ok or error, as the span says',
    call: 'c.status = {status:String}',
  },
  {
    name: 'failed',
    kind: 'flag',
    doc: 'true: failed, by status or by how it ended; false: not',
    call: "(c.status = 'error' OR c.failure_class != '') = {failed:UInt8}",
    trace: "(countIf(c.status = 'error' OR c.failure_class != '') > 0) = {failed:UInt8}",
  },
  {
    name: 'min_cost',
    kind: 'amount',
    doc: 'Least cost in USD; what has no known cost is left out',
    call: 'c.total_cost >= {min_cost:Decimal(38, 12)}',
    trace: 'sum(if(is_call, c.total_cost, NULL)) >= {min_cost:Decimal(38, 12)}',
  },
  {
    name: 'max_cost',
    kind: 'amount',
    doc: 'Highest cost in USD; what has no known cost is left out',
    call: 'c.total_cost <= {max_cost:Decimal(38, 12)}',
    trace: 'sum(if(is_call, c.total_cost, NULL)) <= {max_cost:Decimal(38, 12)}',
  },
  {
    name: 'min_duration_ms',
    kind: 'number',
    doc: 'Least duration',
    call: 'c.duration_ns / 1e6 >= {min_duration_ms:Float64}',
    trace:
      'dateDiff(nanosecond, min(c.start_time), max(addNanoseconds(c.start_time, c.duration_ns))) / 1e6 >= {min_duration_ms:Float64}',
  },
  scoreTexts('score', 'name', 'Has a score of this name'),
  scoreTexts('score_label', 'label', 'Has a score with this label'),
  scoreTexts('score_source', 'source', 'Has a score of this source: user, human-review, automated, eval'),
  scoreTexts('run', 'run_name', 'Has a score of this run of a dataset'),
  scoreTexts('dataset', 'dataset', 'Has a score of a run of this dataset'),
  {
    name: 'min_score',
    kind: 'number',
    doc: 'Has a score of at least this value',
    score: 's.value >= {min_score:Float64}',
  },
  {
    name: 'max_score',
    kind: 'number',
    doc: 'Has a score of at most this value',
    score: 's.value <= {max_score:Float64}',
  },
  {
    name: 'verdict',
    kind: 'choice',
    words: { good: 1, bad: -1, neither: 0 },
    doc: 'Has a score that says good, bad or neither',
    score: 's.verdict = {verdict:Int8}',
  },
]

/** Turns the filters of scores round: what has no such score; alone, what has none at all. */
export const scoredName = 'scored'
export const scoredDoc = 'true: has a score, one that fits the filters of scores; false: has none that does'

export interface Conditions {
  /** Of a call, or of any one span of a trace. */
  readonly calls: readonly string[]
  /** Of a trace as a whole. */
  readonly traces: readonly string[]
  /** Of the score that is looked for; empty with `scored` for any. */
  readonly scores: readonly string[]
  /** Undefined: scores do not matter. */
  readonly scored: boolean | undefined
  readonly parameters: Readonly<Record<string, unknown>>
}

export const listMax = 100
export const textMax = 256

/**
 * The conditions that these values ask for; several values of a list are one or the other. Values as they came: text, or texts.
 * Throws Refusal that names the parameter.
 */
export function conditionsOf(given: Readonly<Record<string, unknown>>, what: 'calls' | 'traces'): Conditions {
  const found = { calls: [] as string[], traces: [] as string[], scores: [] as string[] }
  const parameters: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === scoredName || value === undefined) continue
    const filter = filters.find((each) => each.name === name)
    if (filter === undefined) continue
    parameters[name] = givenTo(filter, value)
    if (filter.score !== undefined) found.scores.push(filter.score)
    else if (what === 'traces' && filter.trace !== undefined) found.traces.push(filter.trace)
    else found.calls.push(filter.call ?? '')
  }
  const said = given[scoredName] === undefined ? undefined : flagOf(scoredName, given[scoredName])
  return { ...found, scored: said ?? (found.scores.length > 0 ? true : undefined), parameters }
}

function givenTo({ name, kind, words = {} }: Filter, value: unknown): unknown {
  switch (kind) {
    case 'texts':
      return textsOf(name, value).map((text) => (name === 'trace_id' || name === 'span_id' ? plainId(text) : text))
    case 'amount':
      return matching(name, value, /^\d{1,15}(\.\d{1,12})?$/, 'an amount of USD such as 0.25')
    case 'number':
      return matching(name, value, /^-?\d{1,15}(\.\d{1,12})?$/, 'a number such as 0.8')
    case 'flag':
      return flagOf(name, value) ? 1 : 0
    case 'choice': {
      const word = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined
      if (word === undefined) throw wrong(name, value, `one of ${Object.keys(words).join(', ')}`)
      return word
    }
    default:
      return kind satisfies never
  }
}

function textsOf(name: string, value: unknown): readonly string[] {
  const values = Array.isArray(value) ? value : [value]
  if (values.length > listMax)
    throw new Refusal('bad_request', `${name} has ${values.length} values, limit is ${listMax}`)
  for (const each of values) {
    if (typeof each !== 'string') throw wrong(name, each, 'a text')
    if (each.length > textMax)
      throw new Refusal('bad_request', `${name} is ${each.length} characters long, limit is ${textMax}`)
  }
  return values as string[] // each was seen to be one
}

export function flagOf(name: string, value: unknown): boolean {
  if (value === 'true' || value === '1' || value === true) return true
  if (value === 'false' || value === '0' || value === false) return false
  throw wrong(name, value, 'true or false')
}

export function matching(name: string, value: unknown, form: RegExp, words: string): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !form.test(text)) throw wrong(name, value, words)
  return text
}

export function wrong(name: string, value: unknown, words: string): Refusal {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return new Refusal('bad_request', `${name}: "${shown.slice(0, 64)}" is not ${words}`)
}

/** Throws Refusal for a name that is none of `known`, with the one that was probably meant. */
export function refuseUnknown(given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const near = nearName(unknown, known)
  const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`
  throw new Refusal('bad_request', `there is no parameter "${unknown.slice(0, 64)}": ${hint}`)
}
