// The pricing policies, by their vectors; those whose words are about two books or two calls are told in full.

import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook, type PriceBookOptions, type Resolution } from '../../processors/pricing/book.ts'
import type { Card } from '../../processors/pricing/card.ts'
import { explainTotal, unpricedUnits } from '../../processors/pricing/explain.ts'
import type { PriceFile, PriceOverride } from '../../processors/pricing/file.ts'
import { type Component, explainPrice, priceUsage } from '../../processors/pricing/price.ts'
import { usageUnitCount } from '../../schemas/usage.ts'
import { cardOf, entry, flagNames, priced, row, usd } from './cards.ts'
import { conditionsOf, readFixture, usageRow, type Vector, vectorName } from './vectors.ts'

const files = loadPriceBook()

interface Policy {
  readonly id: string
  readonly title: string
  readonly given: {
    readonly provider: string
    readonly model: string
    readonly timestamp: string
    readonly usage: Vector['usage']
    readonly context?: { readonly [name: string]: string }
    readonly calls?: unknown
    readonly overrides?: readonly {
      readonly provider: string
      readonly model: string
      readonly valid_from?: string
      readonly currency?: string
      readonly rates: { readonly [unit: string]: { readonly price: string; readonly per: string } }
    }[]
  }
  readonly expected: {
    readonly status?: string
    readonly reason?: string
    readonly total_usd?: string | null
    readonly components?: readonly { readonly [name: string]: string }[]
    readonly unpriced_units?: readonly string[]
    readonly price_source?: 'override' | 'catalogue'
    readonly suggestion?: unknown
    readonly currency?: string
    readonly total?: string
    readonly flags?: readonly string[]
  }
}

/** Judged elsewhere, or below in words of its own. */
const notOfTheEngine: { readonly [id: string]: string } = {
  'pol-012': 'keeping a reported cost beside the computed one is the ledger’s; the engine knows no reported cost',
}
const inOwnWords = ['pol-014', 'pol-015', 'pol-016', 'pol-021', 'pol-022', 'pol-024']

describe('policies', () => {
  const { policies } = readFixture<{ policies: Policy[] }>('policies')

  test.each(
    policies
      .filter(({ id }) => notOfTheEngine[id] === undefined && !inOwnWords.includes(id))
      .map((policy) => [policy.id, policy.title, policy] as const),
  )('%s: %s', (_, __, { given, expected }) => {
    const book = new PriceBook(files, overridesOf(given))
    const usage = usageRow(given.usage)
    const conditions = conditionsOf(given)
    const resolution = book.resolve(given.provider, given.model, conditions, Date.parse(given.timestamp))
    if (expected.suggestion !== undefined)
      expect(book.suggest(given.provider, given.model)).toEqual(expected.suggestion)
    const out = outcome(resolution, usage)
    expect(out.status).toBe(expected.status)
    expect(out.reason).toBe(
      expected.status === 'partial' ? (expected.reason ?? 'no_rate_for_unit') : (expected.reason ?? ''),
    )
    expect(out.total).toBe(expected.total_usd)
    if (resolution.kind !== 'card') return
    const { card } = resolution
    if (expected.price_source !== undefined)
      expect(card.match === 'override').toBe(expected.price_source === 'override')
    if (expected.components !== undefined)
      expect(explainPrice(card, usage, 0).map(asInVectors)).toEqual(expected.components)
    if (expected.unpriced_units !== undefined)
      expect(unpricedUnits(card, usage, 0).map(vectorName)).toEqual(expected.unpriced_units)
    if (expected.currency !== undefined)
      expect([card.currency, explainTotal(card, usage, 0)]).toEqual([expected.currency, expected.total])
  })

  test('every policy is either judged or has a reason not to be', () => {
    const ids = policies.map(({ id }) => id)
    for (const id of [...Object.keys(notOfTheEngine), ...inOwnWords]) expect(ids).toContain(id)
    expect(policies).toHaveLength(24)
  })

  const openai = files.filter(({ provider }) => provider === 'openai')
  const at = (book: PriceBook, provider: string, model: string, instant: string, tier = ''): Card => {
    const resolution = book.resolve(provider, model, { ...noConditions, serviceTier: tier }, Date.parse(instant))
    if (resolution.kind !== 'card') throw new Error(resolution.reason)
    return resolution.card
  }

  test('pol-014: a price change does not touch earlier calls', () => {
    const later = entry(
      'openai/gpt-5.6-terra#later',
      ['gpt-5.6-terra'],
      { input: '9', output: '9' },
      {
        validFrom: '2027-01-01T00:00:00Z',
        recordedAt: '2026-12-20T00:00:00Z',
      },
    )
    const usage = row({ input: 60000, cacheRead: 20000, cacheWrite: 30000, output: 5000 })
    const total = (book: PriceBook, instant: string): string | null =>
      usd(priced(at(book, 'openai', 'gpt-5.6-terra', instant), usage).totalPico)
    const before = new PriceBook(openai)
    const after = new PriceBook(openai.map((file) => ({ ...file, entries: [...file.entries, later] })))
    for (const book of [before, after]) {
      expect(total(book, '2026-07-20T12:00:00Z')).toBe('0.19875')
      expect(total(book, '2026-08-05T12:00:00Z')).toBe('0.159')
    }
    expect(before.version).not.toBe(after.version)
  })

  test('pol-015: a correction stands beside what was first believed', () => {
    const rates = { input: '10', output: '40' }
    const file: PriceFile = {
      provider: 'openai',
      entries: [
        entry('openai/o3#1', ['o3-2025-04-16'], { ...rates, cacheRead: '0.5' }),
        entry(
          'openai/o3#2',
          ['o3-2025-04-16'],
          { ...rates, cacheRead: '2.5' },
          {
            recordedAt: '2026-05-01T00:00:00Z',
            supersedes: 'openai/o3#1',
          },
        ),
      ],
    }
    const usage = row({ input: 100000, cacheRead: 50000, output: 1000 })
    const total = (asOf: string): string | null => {
      const book = new PriceBook([file], { asOf: Date.parse(asOf) })
      return usd(priced(at(book, 'openai', 'o3-2025-04-16', '2025-05-20T12:00:00Z'), usage).totalPico)
    }
    expect([total('2026-04-30T00:00:00Z'), total('2026-05-01T00:00:00Z')]).toEqual(['0.565', '0.665'])
  })

  test('pol-016: an announced change that was withdrawn can be priced both ways', () => {
    const model = ['claude-sonnet-5']
    const file: PriceFile = {
      provider: 'anthropic',
      entries: [
        entry('anthropic/s5#1', model, { input: '2', output: '10' }),
        entry(
          'anthropic/s5#2',
          model,
          { input: '3', output: '15' },
          {
            validFrom: '2026-09-01T00:00:00Z',
            recordedAt: '2026-07-01T00:00:00Z',
            announced: true,
          },
        ),
        entry(
          'anthropic/s5#3',
          model,
          { input: '2', output: '10' },
          {
            validFrom: '2026-09-01T00:00:00Z',
            recordedAt: '2026-08-14T00:00:00Z',
            supersedes: 'anthropic/s5#2',
          },
        ),
      ],
    }
    const price = (asOf: string): [string | null, string[]] => {
      const book = new PriceBook([file], { asOf: Date.parse(asOf) })
      const out = priced(
        at(book, 'anthropic', 'claude-sonnet-5', '2026-09-10T12:00:00Z'),
        row({ input: 5000, output: 2000 }),
      )
      return [usd(out.totalPico), flagNames(out.flags)]
    }
    expect(price('2026-08-01T00:00:00Z')).toEqual(['0.045', ['announced_price']])
    expect(price('2026-08-14T00:00:00Z')).toEqual(['0.03', []])
  })

  test('pol-021: many small calls add up exactly', () => {
    const card = cardOf({ input: '0.0375', output: '0.15' })
    const { totalPico } = priced(card, row({ input: 1, output: 0 }))
    expect([usd(totalPico), usd(totalPico * 1_000_000)]).toEqual(['0.0000000375', '0.0375'])
  })

  test('pol-022: prompt sizes are those of a call, never of a trace', () => {
    const card = at(new PriceBook(files), 'anthropic', 'claude-sonnet-4-5-20250929', '2026-02-10T09:00:00Z')
    const usage = new Float64Array([...row({ input: 150000, output: 100 }), ...row({ input: 150000, output: 100 })])
    const second = priced(card, usage)
    priceUsage(card, usage, usageUnitCount, second)
    expect([usd(priced(card, usage).totalPico), usd(second.totalPico)]).toEqual(['0.4515', '0.4515'])
  })

  test('pol-024: a tier without a known rate is charged at the standard rate, and says so', () => {
    const groq: PriceFile = {
      provider: 'groq',
      entries: [entry('groq/llama#1', ['llama'], { input: '0.59', output: '0.79' })],
    }
    const out = priced(
      at(new PriceBook([groq]), 'groq', 'llama', '2026-02-10T12:00:00Z', 'priority'),
      row({ input: 1000, output: 100 }),
    )
    expect([out.status, out.reason, usd(out.totalPico), flagNames(out.flags)]).toEqual([
      'partial',
      'no_rate_for_tier',
      '0.000669',
      ['standard_rate_used'],
    ])
  })
})

function outcome(
  resolution: Resolution,
  usage: Float64Array,
): { status: string; reason: string; total: string | null } {
  if (resolution.kind === 'miss') return { status: 'unpriced', reason: resolution.reason, total: null }
  const { status, reason, totalPico } = priced(resolution.card, usage)
  return { status, reason, total: usd(totalPico) }
}

function asInVectors({ amountUsd, ...rest }: Component): { [name: string]: string } {
  return { ...rest, amount_usd: amountUsd }
}

function overridesOf(given: Policy['given']): PriceBookOptions {
  const overrides = (given.overrides ?? []).map(
    ({ provider, model, valid_from, currency, rates }, i): PriceOverride => {
      const prices = Object.fromEntries(Object.entries(rates).map(([name, { price }]) => [name, price]))
      const models = model === '*' ? { exact: [], prefix: [''] } : { exact: [model] }
      return {
        ...entry(`${provider}/override#${i}`, [], prices, {
          models,
          validFrom: valid_from ?? null,
          currency: currency ?? 'USD',
        }),
        provider,
      }
    },
  )
  return { overrides }
}
