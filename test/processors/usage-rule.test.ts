import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settleUsage, usageRules } from '../../processors/usage-rule.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'

interface Case {
  readonly name: string
  readonly sent: {
    readonly input?: number
    readonly output?: number
    readonly cacheRead?: number
    readonly cacheWrite?: number
    readonly reasoning?: number
    readonly total?: number
  }
  /** What the emitter is known to do; unknown where absent. */
  readonly known?: {
    readonly input?: boolean
    readonly output?: boolean
    readonly isEmitter?: boolean
    readonly tellsCache?: boolean
    readonly hidesCache?: boolean
    readonly isMended?: boolean
    readonly totalTellsReasoning?: boolean
  }
  readonly want: { readonly input?: number; readonly output?: number; readonly rule: string }
}

const cases: readonly Case[] = [
  { name: 'nothing reported is no usage', sent: {}, want: { rule: '' } },
  {
    name: 'no cache: both readings are one',
    sent: { input: 10, output: 5 },
    want: { input: 10, output: 5, rule: 'inclusive:no_cache' },
  },
  {
    name: 'who leaves the cache out and does not tell it gives a part of the input',
    sent: { input: 60, output: 5 },
    known: { input: false },
    want: { input: 60, output: 5, rule: 'exclusive:untold' },
  },
  {
    name: 'who has the cache in the input and is known to leave a part untold says so',
    sent: { input: 60, output: 5, cacheRead: 20 },
    known: { input: true, hidesCache: true },
    want: { input: 60, output: 5, rule: 'inclusive:untold' },
  },
  {
    name: 'a cache that is told whole is not hidden',
    sent: { input: 60, output: 5, cacheRead: 20, cacheWrite: 0 },
    known: { input: true, hidesCache: true },
    want: { input: 60, output: 5, rule: 'inclusive:emitter' },
  },
  {
    name: 'a cache of 0 is told',
    sent: { input: 60, output: 5, cacheRead: 0 },
    known: { input: false },
    want: { input: 60, output: 5, rule: 'exclusive:emitter' },
  },
  {
    name: 'of an emitter that always tells the cache, nothing said is none',
    sent: { input: 60, output: 5 },
    known: { input: false, tellsCache: true },
    want: { input: 60, output: 5, rule: 'exclusive:emitter' },
  },
  {
    name: 'a count that was put right says so',
    sent: { input: 60, output: 5 },
    known: { input: true, isMended: true },
    want: { input: 60, output: 5, rule: 'inclusive:mended' },
  },
  {
    name: 'an inclusive emitter is believed',
    sent: { input: 100, output: 5, cacheRead: 40 },
    known: { input: true },
    want: { input: 100, output: 5, rule: 'inclusive:emitter' },
  },
  {
    name: 'an exclusive emitter is brought to the total',
    sent: { input: 60, output: 5, cacheRead: 40, cacheWrite: 7 },
    known: { input: false },
    want: { input: 107, output: 5, rule: 'exclusive:emitter' },
  },
  {
    name: 'a convention without a known emitter says so',
    sent: { input: 100, output: 5, cacheRead: 40 },
    known: { input: true, isEmitter: false },
    want: { input: 100, output: 5, rule: 'inclusive:convention' },
  },
  {
    name: 'more cache than input proves exclusive, whatever the emitter',
    sent: { input: 3, output: 5, cacheRead: 40 },
    known: { input: true },
    want: { input: 43, output: 5, rule: 'exclusive:arithmetic' },
  },
  {
    name: 'a total with the cache on top proves exclusive',
    sent: { input: 50, output: 5, cacheRead: 40, total: 95 },
    want: { input: 90, output: 5, rule: 'exclusive:arithmetic' },
  },
  {
    name: 'a total without it proves inclusive',
    sent: { input: 50, output: 5, cacheRead: 40, total: 55 },
    want: { input: 50, output: 5, rule: 'inclusive:arithmetic' },
  },
  {
    name: 'nothing decides: taken as sent, and said',
    sent: { input: 50, output: 5, cacheRead: 40 },
    want: { input: 50, output: 5, rule: 'inclusive:assumed' },
  },
  {
    name: 'more reasoning than output proves it is outside',
    sent: { input: 10, output: 5, reasoning: 20 },
    want: { input: 10, output: 25, rule: 'inclusive:no_cache' },
  },
  {
    name: 'an emitter that leaves reasoning out',
    sent: { input: 10, output: 30, reasoning: 20 },
    known: { input: true, output: false },
    want: { input: 10, output: 50, rule: 'inclusive:emitter' },
  },
  {
    name: 'its total may say that it does not',
    sent: { input: 10, output: 30, reasoning: 20, total: 40 },
    known: { input: true, output: false },
    want: { input: 10, output: 30, rule: 'inclusive:emitter' },
  },
  {
    name: 'reasoning known only by the total',
    sent: { input: 10, output: 30, total: 55 },
    known: { input: true, output: false },
    want: { input: 10, output: 45, rule: 'inclusive:emitter' },
  },
  {
    name: 'of Google, what the total has more is reasoning that nobody told',
    sent: { input: 100, output: 20, cacheRead: 40, total: 150 },
    known: { totalTellsReasoning: true },
    want: { input: 100, output: 50, rule: 'inclusive:assumed' },
  },
  {
    name: 'of others it is not known what it is',
    sent: { input: 100, output: 20, total: 150 },
    want: { input: 100, output: 20, rule: 'inclusive:no_cache' },
  },
  {
    name: 'reasoning inside output stays inside',
    sent: { input: 10, output: 30, reasoning: 20 },
    known: { input: true, output: true },
    want: { input: 10, output: 30, rule: 'inclusive:emitter' },
  },
]

function settle({ sent, known }: Pick<Case, 'sent' | 'known'>): { usage: Float64Array; rule: string } {
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const name of ['input', 'output', 'cacheRead', 'cacheWrite', 'reasoning'] as const)
    if (sent[name] !== undefined) usage[unit[name]] = sent[name]
  const sign = (value: boolean | undefined): number => (value === undefined ? 0 : value ? 1 : -1)
  const rule = settleUsage(usage, 0, sent.total ?? Number.NaN, {
    inputIncludesCache: sign(known?.input),
    outputIncludesReasoning: sign(known?.output),
    isEmitterKnown: known?.isEmitter ?? true,
    tellsCache: known?.tellsCache ?? false,
    hidesCache: known?.hidesCache ?? false,
    isMended: known?.isMended ?? false,
    totalTellsReasoning: known?.totalTellsReasoning ?? false,
  })
  return { usage, rule: usageRules[rule]! }
}

describe('reported counts are brought to one meaning', () => {
  test.each(cases)('$name', ({ sent, known, want }) => {
    const { usage, rule } = settle({ sent, ...(known === undefined ? {} : { known }) })
    expect(rule).toBe(want.rule)
    expect(usage[unit.input]).toBe(want.input ?? Number.NaN)
    expect(usage[unit.output]).toBe(want.output ?? Number.NaN)
  })

  test('a call reported either way comes out the same when the emitter is known', () => {
    const tokens = fc.nat(1_000_000)
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, tokens, (fresh, cacheRead, cacheWrite, plain, reasoning) => {
        const parts = { cacheRead, cacheWrite, reasoning }
        const inclusive = settle({
          sent: { input: fresh + cacheRead + cacheWrite, output: plain + reasoning, ...parts },
          known: { input: true, output: true },
        })
        const exclusive = settle({
          sent: { input: fresh, output: plain, ...parts },
          known: { input: false, output: false },
        })
        expect(exclusive.usage).toEqual(inclusive.usage)
      }),
      { seed: 3 },
    )
  })
})
