// hot: Reported counts → the one meaning the ledger keeps: input includes the cache, output includes reasoning.
// The emitter says how it counts, arithmetic may prove it wrong, and the verdict is stored on the row.
// Rules: in + out are the reported input and output, r and w cache reads and writes.
//   r + w > in                                    exclusive, certain
//   total = in + out + r + w  and not in + out     exclusive
//   total = in + out                               inclusive, where no emitter says otherwise
//   reasoning > out                                output leaves reasoning out, certain
//   total > in + out, emitter known to leave reasoning out, or Google's counts: the rest is reasoning
// Where an emitter leaves the cache out and tells nothing of it, not even 0, the input is what was not cached, and the rule says so; also
// where it is within the input and a part of it is known to be untold.

import { unit } from '../schemas/usage.ts'

export const usageRules = [
  '',
  'inclusive:emitter',
  'inclusive:convention',
  'inclusive:arithmetic',
  'inclusive:no_cache',
  'inclusive:assumed',
  'exclusive:emitter',
  'exclusive:convention',
  'exclusive:arithmetic',
  'exclusive:untold',
  'inclusive:mended',
  'exclusive:mended',
  'inclusive:untold',
] as const
export type UsageRule = (typeof usageRules)[number]

/** At the end of a rule where the counts are the sum of the rounds of a tool loop so far. */
export const ofRounds = '+rounds'

/** What is known beforehand: 1 yes, -1 no, 0 unknown; and whether the instrumentation itself was recognised. */
export interface KnownMeaning {
  inputIncludesCache: number
  outputIncludesReasoning: number
  isEmitterKnown: boolean
  /** What it does not tell of the cache was none. */
  tellsCache: boolean
  /** What the total has more than input and output is reasoning. */
  totalTellsReasoning: boolean
  /** It is known to leave a cached part of the input untold. */
  hidesCache: boolean
  /** A known error of this emitter was undone in the counts. */
  isMended: boolean
}

const slot = unit
const rule = Object.fromEntries(usageRules.map((name, index) => [name, index])) as Readonly<Record<UsageRule, number>>
const isExclusive = Uint8Array.from(usageRules, (name) => (name.startsWith('exclusive') ? 1 : 0))

/**
 * Rewrites `usage[at + …]` so that input includes the cache and output includes reasoning; NaN stays "not reported".
 * Returns the index of the rule in `usageRules`. `total` is the reported total, NaN when there was none.
 */
export function settleUsage(usage: Float64Array, at: number, total: number, known: KnownMeaning): number {
  const input = usage[at + slot.input]!
  const output = usage[at + slot.output]!
  if (Number.isNaN(input) && Number.isNaN(output)) return 0
  const read = usage[at + slot.cacheRead]!
  const written = usage[at + slot.cacheWrite]!
  const cached = orZero(read) + orZero(written)
  let verdict = inputVerdict(input, output, cached, total, known)
  if (verdict === rule['exclusive:emitter'] && !known.tellsCache && Number.isNaN(read) && Number.isNaN(written))
    verdict = rule['exclusive:untold']
  if (verdict === rule['inclusive:emitter'] && known.hidesCache && (Number.isNaN(read) || Number.isNaN(written)))
    verdict = rule['inclusive:untold']
  if (isExclusive[verdict] === 1 && !Number.isNaN(input)) usage[at + slot.input] = input + cached
  settleOutput(usage, at, total, known)
  return verdict
}

function inputVerdict(input: number, output: number, cached: number, total: number, known: KnownMeaning): number {
  const sum = orZero(input) + orZero(output)
  if (cached > input) return rule['exclusive:arithmetic']
  if (cached > 0 && total === sum + cached) return rule['exclusive:arithmetic']
  if (known.isMended) return rule[known.inputIncludesCache < 0 ? 'exclusive:mended' : 'inclusive:mended']
  if (known.inputIncludesCache < 0) return rule[known.isEmitterKnown ? 'exclusive:emitter' : 'exclusive:convention']
  if (known.inputIncludesCache > 0) return rule[known.isEmitterKnown ? 'inclusive:emitter' : 'inclusive:convention']
  if (cached === 0) return rule['inclusive:no_cache']
  return rule[total === sum ? 'inclusive:arithmetic' : 'inclusive:assumed']
}

function settleOutput(usage: Float64Array, at: number, total: number, known: KnownMeaning): void {
  const output = usage[at + slot.output]!
  if (Number.isNaN(output)) return
  const reasoning = orZero(usage[at + slot.reasoning]!)
  const sum = orZero(usage[at + slot.input]!) + output
  if (reasoning === 0) {
    // Emitters that leave reasoning out and do not report it either give it away by their total.
    const isTold = known.outputIncludesReasoning < 0 || known.totalTellsReasoning
    if (isTold && total > sum) usage[at + slot.output] = output + total - sum
    return
  }
  const isOutside =
    reasoning > output || total === sum + reasoning || (known.outputIncludesReasoning < 0 && total !== sum)
  if (isOutside) usage[at + slot.output] = output + reasoning
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value
}
