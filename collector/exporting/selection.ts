// What is asked of an export, checked: by the API from a URL, by the command from its flags, in the same words.

import { Refusal } from '../../schemas/refusal.ts'
import {
  type Conditions,
  conditionsOf,
  filters,
  matching,
  refuseUnknown,
  scoredName,
  textMax,
  wrong,
} from './filters.ts'

export type What = 'calls' | 'traces'

/** `newest` first; the dearest or slowest first, what has no known cost left out; or in an order of chance that a seed repeats. */
export const orders = ['newest', 'cost', 'latency', 'random'] as const
export type Order = (typeof orders)[number]

export const contents = ['captured', 'chat', 'none'] as const
export type ContentMode = (typeof contents)[number]

export const formats = ['json', 'jsonl', 'parquet', 'openai-evals', 'openai-evals-classic', 'langfuse'] as const
export type Format = (typeof formats)[number]

export const expectations = ['good', 'output', 'none'] as const
/** Which answers stand as what was expected: those that were judged good, all, or none. */
export type Expected = (typeof expectations)[number]

export interface Selection {
  readonly what: What
  readonly project: string
  /** Unix milliseconds; a call's or a trace's start is in [from, to). */
  readonly fromMs: number
  readonly toMs: number
  readonly conditions: Conditions
  readonly order: Order
  readonly seed: string
  /** Share that is taken, by hash; 1 for all. */
  readonly sampleRate: number
  readonly limit: number
  readonly after: Cursor | undefined
  readonly content: ContentMode
  readonly format: Format
  readonly expected: Expected
  /** Name for an exported dataset. */
  readonly datasetName: string
}

/** The last one that was given out: value of the order, trace, span. */
export interface Cursor {
  readonly order: Order
  readonly fromMs: number
  readonly toMs: number
  readonly key: readonly [string, string, string]
}

export interface Bounds {
  readonly nowMs: number
  readonly limitDefault: number
  readonly limitMax: number
}

const daysDefault = 7
const dayMs = 86_400_000

const shapeNames = [
  'from',
  'to',
  'order',
  'seed',
  'sample_rate',
  'limit',
  'cursor',
  'content',
  'format',
  'expected',
  'dataset_name',
] as const

/** Every parameter there is, for error texts and descriptions. */
export const parameterNames: readonly string[] = [...shapeNames, scoredName, ...filters.map(({ name }) => name)]

/** Throws Refusal('bad_request') that names the parameter, its value and what would be right. */
export function selectionOf(
  given: Readonly<Record<string, unknown>>,
  { what, project, bounds }: { readonly what: What; readonly project: string; readonly bounds: Bounds },
): Selection {
  refuseUnknown(given, parameterNames)
  const after = given['cursor'] === undefined ? undefined : parseCursor(given['cursor'])
  const order = wordOf('order', given['order'] ?? after?.order ?? 'newest', orders)
  if (after !== undefined && after.order !== order)
    throw new Refusal('bad_request', `cursor: it is of the order "${after.order}", not of "${order}"`)
  const toMs = given['to'] === undefined ? (after?.toMs ?? bounds.nowMs) : timeOf('to', given['to'])
  const fromMs =
    given['from'] === undefined ? (after?.fromMs ?? toMs - daysDefault * dayMs) : timeOf('from', given['from'])
  if (fromMs >= toMs)
    throw new Refusal(
      'bad_request',
      `from ${new Date(fromMs).toISOString()} is not before to ${new Date(toMs).toISOString()}`,
    )
  const format = wordOf('format', given['format'] ?? 'json', formats)
  const content = wordOf('content', given['content'] ?? 'captured', contents)
  if (format === 'parquet' && content === 'chat')
    throw new Refusal('bad_request', 'content=chat comes as json or jsonl; parquet has the content as captured')
  if (isDataset(format) && what === 'traces')
    throw new Refusal('bad_request', `format=${format} is made of calls: ask /api/calls, or spanledger export calls`)
  return {
    what,
    project,
    fromMs,
    toMs,
    conditions: conditionsOf(given, what),
    order,
    seed: textOf('seed', given['seed'] ?? ''),
    sampleRate: rateOf(given['sample_rate']),
    limit: limitOf(given['limit'], bounds),
    after,
    content,
    format,
    expected: wordOf('expected', given['expected'] ?? 'good', expectations),
    datasetName: textOf('dataset_name', given['dataset_name'] ?? ''),
  }
}

export function isDataset(format: Format): boolean {
  return format === 'openai-evals' || format === 'openai-evals-classic' || format === 'langfuse'
}

export function formatCursor(cursor: Cursor): string {
  const { order, fromMs, toMs, key } = cursor
  return Buffer.from(JSON.stringify([order, fromMs, toMs, ...key])).toString('base64url')
}

function parseCursor(given: unknown): Cursor {
  try {
    const [order, fromMs, toMs, ...key] = JSON.parse(Buffer.from(String(given), 'base64url').toString()) as unknown[]
    const isWhole =
      orders.some((each) => each === order) &&
      Number.isSafeInteger(fromMs) &&
      Number.isSafeInteger(toMs) &&
      key.length === 3 &&
      key.every((part) => typeof part === 'string' && part.length <= textMax) &&
      /^[\d .:-]{1,40}$/.test(String(key[0]))
    // Checked just above.
    if (isWhole) return { order, fromMs, toMs, key } as unknown as Cursor
  } catch {
    // Not one of ours: told below.
  }
  throw new Refusal('bad_request', 'cursor: not one that was given out here: send next_cursor of an answer, as it is')
}

function wordOf<T extends string>(name: string, value: unknown, words: readonly T[]): T {
  const found = words.find((word) => word === value)
  if (found === undefined) throw wrong(name, value, `one of ${words.join(', ')}`)
  return found
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > textMax)
    throw wrong(name, value, `a text of at most ${textMax} characters`)
  return value
}

function timeOf(name: string, value: unknown): number {
  const isIso =
    typeof value === 'string' && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(value)
  // Without an offset it is UTC, whatever the zone of this machine.
  const text = isIso ? value.replace(' ', 'T') : ''
  const ms = Date.parse(/T.*[^Z]$/.test(text) && !/[+-]\d\d:?\d\d$/.test(text) ? `${text}Z` : text)
  if (!isIso || Number.isNaN(ms)) throw wrong(name, value, 'a time such as 2026-11-01 or 2026-11-01T09:00:00Z')
  return ms
}

function rateOf(value: unknown): number {
  if (value === undefined) return 1
  const rate = Number(
    matching('sample_rate', value, /^(0?\.\d{1,12}|1(\.0+)?)$/, 'a share above 0 and up to 1, such as 0.1'),
  )
  if (rate <= 0) throw wrong('sample_rate', value, 'a share above 0 and up to 1, such as 0.1')
  return rate
}

function limitOf(value: unknown, { limitDefault, limitMax }: Bounds): number {
  if (value === undefined) return limitDefault
  const limit = Number(matching('limit', value, /^\d{1,9}$/, 'a whole number'))
  if (limit < 1 || limit > limitMax) throw wrong('limit', value, `a whole number from 1 to ${limitMax}`)
  return limit
}
