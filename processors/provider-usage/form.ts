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
  const { places, lookups } = planOf(form)
  const parents = places.map((at) => valueIn(usage, at))
  for (const { field, place, at } of lookups) {
    const parent = parents[place]
    if (parent === undefined || counts[field] !== undefined) continue
    const found = numberOf(valueIn(parent, at))
    if (found !== undefined) counts[field] = found
  }
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
  return numberOf(valueIn(parent, keysOf(path)))
}

function numberOf(value: unknown): number | undefined {
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

function firstText(usage: Counts, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const found = valueIn(usage, keysOf(path))
    if (typeof found === 'string' && found !== '') return found
  }
  return undefined
}

/** Both cases of each key on the way. */
type Keys = readonly (readonly [snake: string, camel: string])[]

/** A form's paths in their order, each by the place it is in, so that a part that an answer lacks costs one look. */
interface Plan {
  readonly places: readonly Keys[]
  readonly lookups: readonly { readonly field: FieldName; readonly place: number; readonly at: Keys }[]
}

const plans = new Map<UsageForm, Plan>()
const keysByPath = new Map<string, Keys>()

function planOf(form: UsageForm): Plan {
  let plan = plans.get(form)
  if (plan === undefined) {
    const paths = Object.entries(form.paths).flatMap(([field, each]) =>
      each.map((path) => ({
        field: field as FieldName,
        parent: path.slice(0, Math.max(path.lastIndexOf('.'), 0)),
        path,
      })),
    )
    const parents = [...new Set(paths.map(({ parent }) => parent))]
    plan = {
      places: parents.map((parent) => (parent === '' ? [] : keysOf(parent))),
      lookups: paths.map(({ field, parent, path }) => ({
        field,
        place: parents.indexOf(parent),
        at: keysOf(path.slice(path.lastIndexOf('.') + 1)),
      })),
    }
    plans.set(form, plan)
  }
  return plan
}

function keysOf(path: string): Keys {
  let keys = keysByPath.get(path)
  if (keys === undefined) {
    keys = path.split('.').map((key) => [key, camel(key)] as const)
    keysByPath.set(path, keys)
  }
  return keys
}

function valueIn(parent: unknown, keys: Keys): unknown {
  let at = parent
  for (let i = 0; i < keys.length; i++) {
    if (typeof at !== 'object' || at === null) return undefined
    const [snake, camelKey] = keys[i]!
    const here = at as Counts
    at = here[snake] ?? (snake === camelKey ? undefined : here[camelKey])
  }
  return at
}

function withoutGaps(counts: { readonly [field in FieldName]?: number | undefined }): ReadUsage {
  const told: { [field in FieldName]?: number } = {}
  for (const [field, count] of Object.entries(counts))
    if (count !== undefined && !(count === 0 && byThePiece.has(field))) told[field as FieldName] = count
  return told
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
