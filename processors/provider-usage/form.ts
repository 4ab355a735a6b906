// How a provider's own usage object is read: a table of paths first, and one small function for what a table cannot say.
// Keys are compared in snake case, so that an SDK's `promptTokenCount` and the wire's `prompt_token_count` are one.

import type { FieldName } from '../fields.ts'

export type Counts = Readonly<Record<string, unknown>>
export type ReadUsage = { readonly [field in FieldName]?: number }

/** What a call was served under and cost, as its usage tells it. */
export interface ReadConditions {
  readonly serviceTier?: string | undefined
  readonly speed?: string | undefined
  readonly dataResidency?: string | undefined
  readonly searchContextSize?: string | undefined
}

export interface ProviderUsage {
  readonly counts: ReadUsage
  /** What the provider itself calls the input, where that leaves the cache out; undefined where it does not. */
  readonly freshInput?: number | undefined
  /** What the provider itself calls input and output, where parts billed with them are counted beside. */
  readonly plainInput?: number | undefined
  readonly plainOutput?: number | undefined
  readonly conditions: ReadConditions
  /** Pico-USD that the provider charged, with a name of where it was said; NaN for none. */
  readonly costPico: number
  readonly costSource: string
}

export interface UsageForm {
  /** Provider and API. */
  readonly id: string
  readonly is: (usage: Counts) => boolean
  /** Paths of each count, the first that is a number wins; `a.b` is inside `a`. */
  readonly paths: { readonly [field in FieldName]?: readonly string[] }
  /** The cache is counted beside the input. */
  readonly cacheIsBeside?: boolean
  /** Further counts that belong to the input, or to the output. */
  readonly besideInput?: readonly string[]
  readonly besideOutput?: readonly string[]
  readonly conditions?: { readonly [name in keyof ReadConditions]?: readonly string[] }
  /** The provider's words for a tier, where prices have others. */
  readonly tiers?: Readonly<Record<string, string>>
  /** Reads what paths cannot: lists, and counts that arithmetic places. */
  readonly more?: (usage: Counts, counts: ReadUsage) => { readonly [field in FieldName]?: number | undefined }
  readonly cost?: (usage: Counts) => { readonly pico: number; readonly source: string }
}

/** Tokens keep a sent 0, which tells it from nothing; of what is counted by the piece, 0 says nothing. */
const byThePiece: ReadonlySet<string> = new Set<FieldName>([
  'citationTokens',
  'images',
  'imagePixels',
  'audioSeconds',
  'videoSeconds',
  'pages',
  'annotatedPages',
  'webSearchCalls',
  'webSearchQueries',
  'searchQueries',
  'groundedRequests',
  'fileSearchCalls',
  'codeSessions',
  'searchUnits',
  'extraInputTokens',
  'extraOutputTokens',
])

export function readBy(form: UsageForm, usage: Counts): ProviderUsage {
  const counts: { [field in FieldName]?: number | undefined } = {}
  for (const [field, paths] of Object.entries(form.paths)) counts[field as FieldName] = firstNumber(usage, paths)
  const { inputTokens: plainInput, outputTokens: plainOutput } = counts
  counts.inputTokens = withBeside(plainInput, usage, form.besideInput)
  counts.outputTokens = withBeside(plainOutput, usage, form.besideOutput)
  if (form.cacheIsBeside === true && plainInput !== undefined)
    counts.inputTokens = plainInput + (counts.cacheReadTokens ?? 0) + (counts.cacheWriteTokens ?? 0)
  if (form.more !== undefined) Object.assign(counts, form.more(usage, withoutGaps(counts)))
  const charged = form.cost?.(usage)
  return {
    counts: withoutGaps(counts),
    freshInput: form.cacheIsBeside === true ? plainInput : undefined,
    plainInput,
    plainOutput,
    conditions: conditionsBy(form, usage),
    costPico: charged?.pico ?? Number.NaN,
    costSource: charged?.source ?? '',
  }
}

function conditionsBy({ conditions = {}, tiers = {} }: UsageForm, usage: Counts): ReadConditions {
  const { serviceTier, ...others } = Object.fromEntries(
    Object.entries(conditions).map(([name, paths]) => [name, firstText(usage, paths)]),
  ) as ReadConditions
  return { ...others, serviceTier: serviceTier === undefined ? undefined : (tiers[serviceTier] ?? serviceTier) }
}

export function objectAt(parent: Counts | undefined, key: string): Counts | undefined {
  const value = parent?.[key] ?? parent?.[camel(key)]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Counts) : undefined
}

/** Members of a list that are objects. */
export function listAt(parent: Counts | undefined, key: string): readonly Counts[] {
  const value = parent?.[key] ?? parent?.[camel(key)]
  return Array.isArray(value)
    ? value.filter((member): member is Counts => typeof member === 'object' && member !== null)
    : []
}

export function numberAt(parent: Counts, path: string): number | undefined {
  const value = valueAt(parent, path)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Sum of what is there; undefined when nothing is. */
export function sumOf(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((each) => each !== undefined)
  return known.length === 0 ? undefined : known.reduce((all, each) => all + each, 0)
}

function withBeside(plain: number | undefined, usage: Counts, paths: readonly string[] = []): number | undefined {
  return sumOf([plain, ...paths.map((path) => numberAt(usage, path))])
}

function firstNumber(usage: Counts, paths: readonly string[]): number | undefined {
  for (const path of paths) {
    const found = numberAt(usage, path)
    if (found !== undefined) return found
  }
  return undefined
}

function firstText(usage: Counts, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const found = valueAt(usage, path)
    if (typeof found === 'string' && found !== '') return found
  }
  return undefined
}

function valueAt(parent: Counts, path: string): unknown {
  let at: Counts | undefined = parent
  const keys = path.split('.')
  const last = keys.pop()!
  for (const key of keys) at = objectAt(at, key)
  return at?.[last] ?? at?.[camel(last)]
}

function withoutGaps(counts: { readonly [field in FieldName]?: number | undefined }): ReadUsage {
  return Object.fromEntries(
    Object.entries(counts).filter(([field, count]) => count !== undefined && !(count === 0 && byThePiece.has(field))),
  ) as ReadUsage
}

const camels = new Map<string, string>()

function camel(key: string): string {
  let found = camels.get(key)
  if (found === undefined) {
    found = key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    camels.set(key, found)
  }
  return found
}
