// What the provider billed for a recorded client's calls: the invoice's own usage, read by the providers' documentation alone,
// and what the telemetry can show of it. Nothing here knows how we read spans.

import { existsSync, readFileSync } from 'node:fs'
import { type UsageUnitName, unit, usageUnitCount } from '../../schemas/usage.ts'
import { notShown } from './not-shown.ts'

const root = new URL('../fixtures/captures/', import.meta.url)

/** `in part`: input and output can be known, a split of them cannot. */
export type Shown = 'whole' | 'in part' | 'not'

export interface BilledLine {
  /** Place in invoice.jsonl, errors included, from 0. */
  readonly at: number
  readonly provider: string
  readonly model: string
  /** '' where the provider gives none. */
  readonly id: string
  readonly serviceTier: string
  /** A usage row: NaN = the provider has no such unit. */
  readonly usage: Float64Array
  readonly shown: Shown
}

interface InvoiceLine {
  readonly provider: string
  readonly kind: string
  readonly id?: string
  readonly model: string
  readonly service_tier?: string
  readonly usage?: Readonly<Record<string, unknown>>
}

interface About {
  readonly telemetry_can_show?: {
    readonly fully_known: readonly number[]
    readonly split_unknown: readonly { readonly line: number; readonly input_shown?: string }[]
    readonly not_known: readonly { readonly line: number }[]
    readonly cache_ttl_unknown?: readonly (number | { readonly line: number })[]
    /** Lines that only a sum of theirs is told of: they are one call to the ledger. */
    readonly summed?: readonly (readonly number[])[]
  }
  readonly per_line?: {
    readonly lines: readonly {
      readonly line: number
      readonly fresh: number
      readonly cr: number
      readonly cw: number
      readonly cw1h?: number
      readonly out: number
      readonly reason: number
    }[]
  }
}

/** Billed lines of a capture. Throws Error where invoice and about.json contradict each other. */
export function billOf(capture: string): BilledLine[] {
  const folder = new URL(`${capture}/`, root)
  const aboutFile = new URL('about.json', folder)
  const about: About = existsSync(aboutFile) ? JSON.parse(readFileSync(aboutFile, 'utf8')) : {}
  const lines = readFileSync(new URL('invoice.jsonl', folder), 'utf8').trim().split('\n')
  const bill = lines.flatMap((text, at): BilledLine[] => {
    const line = JSON.parse(text) as InvoiceLine
    if (line.kind === 'error') return []
    const usage = usageOf(line.usage ?? {})
    const said = about.per_line?.lines.find((each) => each.line === at)
    const row = (name: UsageUnitName): number => usage[unit[name]]! || 0
    if (said !== undefined) {
      const isSame =
        said.fresh + said.cr + said.cw === row('input') &&
        said.cr === row('cacheRead') &&
        said.cw === row('cacheWrite') &&
        said.out === row('output') &&
        said.reason === row('reasoning')
      if (!isSame) throw new Error(`${capture}: line ${at} is not what about.json says`)
    }
    // Who leaves the cache out of the input and does not tell it either can show the rest of the input alone.
    const split = about.telemetry_can_show?.split_unknown.find((each) => each.line === at)
    if (split?.input_shown === 'exclusive') usage[unit.input]! -= row('cacheRead') + row('cacheWrite')
    if (split?.input_shown === 'without_writes') usage[unit.input]! -= row('cacheWrite')
    const tier = line.service_tier ?? line.usage?.['service_tier']
    return [
      {
        at,
        provider: line.provider,
        model: line.model,
        id: line.id ?? '',
        serviceTier: typeof tier === 'string' ? tier : '',
        usage,
        shown: shownOf(capture, about, at),
      },
    ]
  })
  for (const [first, ...others] of about.telemetry_can_show?.summed ?? []) {
    const sum = bill.find(({ at }) => at === first)!
    for (const other of others) {
      const place = bill.findIndex(({ at }) => at === other)
      for (const [slot, count] of bill[place]!.usage.entries())
        if (count > 0) sum.usage[slot] = (sum.usage[slot]! || 0) + count
      bill.splice(place, 1)
    }
  }
  return bill
}

/** What is reviewed here comes first, then what the recording says of itself. */
function shownOf(capture: string, { telemetry_can_show: can }: About, at: number): Shown {
  const reviewed = notShown[capture]?.[at]
  if (reviewed !== undefined) return reviewed[0]
  const has = (lines: readonly (number | { readonly line: number })[] = []): boolean =>
    lines.some((each) => (typeof each === 'number' ? each : each.line) === at)
  if (has(can?.not_known)) return 'not'
  return has(can?.split_unknown) || has(can?.cache_ttl_unknown) ? 'in part' : 'whole'
}

/** The usage object of a provider's answer, in any provider's shape, as the disjoint buckets and totals of the ledger. */
function usageOf(usage: Readonly<Record<string, unknown>>): Float64Array {
  const number = (...path: string[]): number => {
    let at: unknown = usage
    for (const key of path) at = (at as Record<string, unknown> | undefined)?.[key]
    return typeof at === 'number' ? at : Number.NaN
  }
  const first = (...numbers: number[]): number => numbers.find((each) => !Number.isNaN(each)) ?? Number.NaN
  const plus = (...numbers: number[]): number => numbers.reduce((sum, each) => sum + (each || 0), 0)
  const row = new Float64Array(usageUnitCount).fill(Number.NaN)
  const read = first(
    number('prompt_tokens_details', 'cached_tokens'),
    number('input_tokens_details', 'cached_tokens'),
    number('cache_read_input_tokens'),
    number('cacheReadInputTokens'),
    number('cachedContentTokenCount'),
  )
  const written = first(number('cache_creation_input_tokens'), number('cacheWriteInputTokens'))
  // Anthropic and Bedrock count the cache beside the input, all others within it.
  const isOutside = 'cache_read_input_tokens' in usage || 'cacheReadInputTokens' in usage
  const input = first(
    number('prompt_tokens'),
    number('input_tokens'),
    number('inputTokens'),
    number('promptTokenCount'),
    number('prompt_eval_count'),
    number('billed_units', 'input_tokens'),
  )
  row[unit.input] = isOutside ? plus(input, read, written) : input
  row[unit.cacheRead] = read
  row[unit.cacheWrite] = written
  row[unit.cacheWrite1h] = number('cache_creation', 'ephemeral_1h_input_tokens')
  row[unit.reasoning] = first(
    number('completion_tokens_details', 'reasoning_tokens'),
    number('output_tokens_details', 'reasoning_tokens'),
    number('thoughtsTokenCount'),
  )
  const candidates = number('candidatesTokenCount')
  row[unit.output] = first(
    number('completion_tokens'),
    number('output_tokens'),
    number('outputTokens'),
    Number.isNaN(candidates) ? Number.NaN : plus(candidates, number('thoughtsTokenCount')),
    number('eval_count'),
    number('billed_units', 'output_tokens'),
    // An embedding has none.
    0,
  )
  return row
}
