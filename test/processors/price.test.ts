// Pricing one call: the policies, the split into columns, and the fast arithmetic against the slow one.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import {
  type Component,
  checkUsage,
  explainPrice,
  type PricedCall,
  priceFlags,
  priceUsage,
} from '../../processors/price.ts'
import { noConditions, PriceBook, type PriceBookOptions, type Resolution } from '../../processors/price-book.ts'
import type { Card } from '../../processors/price-card.ts'
import { exactSums, explainTotal, unpricedUnits } from '../../processors/price-explain.ts'
import type { PriceEntry, PriceFile, PriceOverride, Rates } from '../../processors/price-file.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { conditionsOf, readFixture, usageRow, type Vector, vectorName } from './price-vectors.ts'

const files = loadPriceBook()

function entry(id: string, exact: string[], rates: Rates, more: Partial<PriceEntry> = {}): PriceEntry {
  return {
    id,
    models: { exact },
    validFrom: null,
    validTo: null,
    recordedAt: '2026-01-01T00:00:00Z',
    bands: [{ rates }],
    per: {
      tokens: 1_000_000,
      audioSeconds: 3600,
      videoSeconds: 1,
      images: 1,
      pages: 1000,
      annotatedPages: 1000,
      webSearch: 1000,
    },
    currency: 'USD',
    source: [{ what: 'test' }],
    confidence: 'high',
    ...more,
  }
}

function cardOf(rates: Rates, more: Partial<PriceEntry> = {}): Card {
  const book = new PriceBook([{ provider: 'acme', entries: [entry('acme/m#1', ['m'], rates, more)] }])
  const resolution = book.resolve('acme', 'm', noConditions, 0)
  if (resolution.kind !== 'card') throw new Error(resolution.reason)
  return resolution.card
}

function priced(card: Card, usage: Float64Array): PricedCall {
  const none = Number.NaN
  const amounts = { inputPico: 1, cacheReadPico: 2, cacheWritePico: 3, outputPico: 4, otherPico: 5, totalPico: none }
  const out: PricedCall = { status: 'invalid', reason: 'left over', ...amounts, flags: 31 }
  priceUsage(card, usage, 0, out)
  return out
}

function row(usage: { [name in UsageUnitName]?: number }): Float64Array {
  const cells = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const { name } of usageUnits) cells[unit[name]] = usage[name] ?? Number.NaN
  return cells
}

function usd(pico: number): string | null {
  return Number.isNaN(pico) ? null : formatPicoUsd(pico)
}

function flagNames(flags: number): string[] {
  return Object.entries(priceFlags).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]))
}

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

describe('columns', () => {
  const card = cardOf({
    input: '4',
    cacheRead: '0.4',
    cacheWrite: '5',
    cacheWrite1h: '8',
    inputAudio: '32',
    cacheReadAudio: '0.5',
    output: '16',
    outputAudio: '64',
    webSearch: '10',
  })

  test('every token is in exactly one of them, both lifetimes and both modalities together', () => {
    const usage = row({
      input: 10000,
      cacheRead: 3000,
      cacheReadAudio: 1000,
      cacheWrite: 2000,
      cacheWrite1h: 500,
      inputAudio: 4000,
      output: 900,
      outputAudio: 600,
      reasoning: 100,
      webSearch: 2,
    })
    const out = priced(card, usage)
    expect(usd(out.inputPico)).toBe('0.104') // 2,000 fresh text at 4, 3,000 fresh audio at 32
    expect(usd(out.cacheReadPico)).toBe('0.0013') // 2,000 at 0.4, 1,000 audio at 0.5
    expect(usd(out.cacheWritePico)).toBe('0.0115') // 1,500 at 5, 500 at 8
    expect(usd(out.outputPico)).toBe('0.0432') // 300 at 16, 600 audio at 64
    expect(usd(out.otherPico)).toBe('0.02')
    expect(usd(out.totalPico)).toBe('0.18')
    expect([out.status, out.reason, flagNames(out.flags)]).toEqual(['priced', '', ['fallback_rate']])
  })

  test('a column with nothing but units without a rate is NULL, one with some is not', () => {
    const out = priced(card, row({ input: 100, output: 10, videoSeconds: 5 }))
    expect([usd(out.inputPico), usd(out.otherPico), usd(out.totalPico)]).toEqual(['0.0004', null, '0.00056'])
    const both = priced(card, row({ input: 100, output: 10, outputImage: 4, videoSeconds: 5, webSearch: 1 }))
    expect([usd(both.outputPico), usd(both.otherPico), both.reason]).toEqual(['0.000096', '0.01', 'no_rate_for_unit'])
  })

  test('units without a rate and nothing else leave the call unpriced', () => {
    const out = priced(card, row({ videoSeconds: 5 }))
    expect([out.status, out.reason, usd(out.totalPico)]).toEqual(['unpriced', 'no_rate_for_unit', null])
  })

  test('zero of a unit without a rate is no finding', () => {
    expect(priced(card, row({ input: 100, output: 10, videoSeconds: 0, outputImage: 0 })).status).toBe('priced')
  })

  test('another currency gives no dollars', () => {
    const euros = cardOf({ input: '2', output: '8' }, { currency: 'EUR' })
    const usage = row({ input: 1000, output: 250 })
    const out = priced(euros, usage)
    expect([out.status, usd(out.inputPico), usd(out.totalPico)]).toEqual(['priced', null, null])
    expect(explainTotal(euros, usage, 0)).toBe('0.004')
  })
})

describe('fallbacks', () => {
  const plain = cardOf({ input: '2', output: '8' })

  test('cache and reasoning tokens without a rate are charged as what they are a part of', () => {
    const usage = row({
      input: 10000,
      cacheRead: 4000,
      cacheWrite: 1000,
      cacheWrite1h: 500,
      output: 1000,
      reasoning: 800,
    })
    const out = priced(plain, usage)
    expect([usd(out.inputPico), usd(out.cacheReadPico), usd(out.totalPico)]).toEqual(['0.02', '0', '0.028'])
    expect(flagNames(out.flags)).toEqual(['fallback_rate'])
    expect(explainPrice(plain, usage, 0).map(({ component }) => component)).toEqual(['input', 'output'])
  })

  test('a one-hour write without a rate takes the five-minute one', () => {
    const card = cardOf({ input: '2', cacheWrite: '2.5', output: '8' })
    expect(usd(priced(card, row({ input: 1000, cacheWrite: 1000, cacheWrite1h: 1000, output: 0 })).totalPico)).toBe(
      '0.0025',
    )
  })

  test('cached audio without a rate is charged as audio, never as text', () => {
    const card = cardOf({ input: '2', cacheRead: '0.2', inputAudio: '40', output: '8' })
    const usage = row({ input: 1000, cacheRead: 1000, inputAudio: 1000, cacheReadAudio: 1000, output: 0 })
    expect(usd(priced(card, usage).totalPico)).toBe('0.04')
  })

  test('a modality without a rate stays unpriced', () => {
    const out = priced(plain, row({ input: 1000, inputAudio: 900, output: 100 }))
    expect([out.status, out.reason, usd(out.totalPico)]).toEqual(['partial', 'no_rate_for_unit', '0.001'])
  })

  test('reasoning with a rate of its own leaves the output', () => {
    const card = cardOf({ input: '2', output: '8', reasoning: '3' })
    expect(usd(priced(card, row({ input: 0, output: 1000, reasoning: 900 })).totalPico)).toBe('0.0035')
  })

  test('annotated pages leave the pages', () => {
    const card = cardOf({ pages: '2', annotatedPages: '3' })
    expect(usd(priced(card, row({ pages: 120, annotatedPages: 20 })).totalPico)).toBe('0.26')
  })
})

describe('bands', () => {
  const rates = [{ rates: { input: '1', cacheRead: '0.1', output: '2' } }]
  const over = { input: '10', cacheRead: '1', output: '20' }
  const exclusive = cardOf({}, { bands: [...rates, { inputTokens: { over: 200000, inclusive: false }, rates: over }] })
  const inclusive = cardOf({}, { bands: [...rates, { inputTokens: { over: 200000, inclusive: true }, rates: over }] })

  test('the whole request moves, cache counts, output does not', () => {
    const usd200k = (card: Card, input: number): string | null =>
      usd(priced(card, row({ input, cacheRead: input - 1000, output: 1_000_000 })).totalPico)
    expect([usd200k(exclusive, 200000), usd200k(exclusive, 200001)]).toEqual(['2.0209', '20.209001'])
    expect([usd200k(inclusive, 199999), usd200k(inclusive, 200000)]).toEqual(['2.0208999', '20.209'])
  })
})

describe('usage that cannot be', () => {
  test.each([
    ['no_usage', {}],
    ['bad_quantity', { input: -5, output: 10 }],
    ['bad_quantity', { input: 10.5, output: 10 }],
    ['bad_quantity', { input: Number.POSITIVE_INFINITY }],
    ['bad_quantity', { input: 2 ** 53, output: 1 }],
    ['bad_quantity', { images: 1.5 }],
    ['bad_quantity', { input: 100, inputAudio: 200 }],
    ['bad_quantity', { input: 100, cacheWrite: 10, cacheWrite1h: 20 }],
    ['bad_quantity', { input: 100, cacheRead: 10, inputAudio: 50, cacheReadAudio: 20 }],
    ['bad_quantity', { output: 100, outputAudio: 60, outputImage: 60 }],
    ['bad_quantity', { pages: 1, annotatedPages: 2 }],
    ['cache_exceeds_input', { input: 100, cacheRead: 900 }],
    ['cache_exceeds_input', { input: 100, cacheRead: 60, cacheWrite: 60 }],
    ['reasoning_exceeds_output', { output: 10, reasoning: 11 }],
    ['usage_not_split', { input: 100, cacheRead: 80, inputAudio: 60 }],
    ['', { audioSeconds: 1.5 }],
    ['', { input: 100, cacheRead: 80, inputAudio: 60, cacheReadAudio: 50 }],
    ['', { cacheRead: 5 }],
  ] as const)('%s: %o', (reason, usage) => {
    expect(checkUsage(row(usage), 0)).toBe(reason)
  })

  const card = cardOf({ input: '2', output: '8' })

  test('is invalid or unpriced, without any amount', () => {
    const out = priced(card, row({ input: 100, cacheRead: 900, output: 1 }))
    expect([out.status, out.reason]).toEqual(['invalid', 'cache_exceeds_input'])
    expect([
      out.inputPico,
      out.cacheReadPico,
      out.cacheWritePico,
      out.outputPico,
      out.otherPico,
      out.totalPico,
    ]).toEqual(Array.from({ length: 6 }, () => Number.NaN))
    expect(priced(card, row({})).status).toBe('unpriced')
  })

  test('tokens counted one way only: the total covers what is known and is partial', () => {
    const out = priced(card, row({ input: 1000 }))
    expect([out.status, out.reason, usd(out.outputPico), usd(out.totalPico)]).toEqual([
      'partial',
      'usage_not_split',
      null,
      '0.002',
    ])
    expect(priced(card, row({ output: 1000 })).status).toBe('partial')
    expect(priced(cardOf({ input: '2' }), row({ input: 1000 })).status).toBe('priced')
    expect(priced(cardOf({ input: '2', images: '0.04' }), row({ images: 1 })).status).toBe('priced')
  })
})

describe('numbers', () => {
  test('a price per hour is multiplied first and divided last, rounded half up once', () => {
    const card = cardOf({ audioSeconds: '0.111' }, { minimum: { audioSeconds: '10' } })
    expect(usd(priced(card, row({ audioSeconds: 4 })).totalPico)).toBe('0.000308333333')
    expect(usd(priced(card, row({ audioSeconds: 3600 })).totalPico)).toBe('0.111')
    expect(usd(priced(card, row({ audioSeconds: 0 })).totalPico)).toBe('0')
    expect(explainPrice(card, row({ audioSeconds: 4 }), 0)).toEqual([
      { component: 'audio_seconds', quantity: '10', price: '0.111', per: '3600', amountUsd: '0.000308333333' },
    ])
  })

  test('fractions of seconds are exact decimals', () => {
    const card = cardOf({ audioSeconds: '0.006' }, { per: { audioSeconds: 60 } })
    expect(usd(priced(card, row({ audioSeconds: 12.34 })).totalPico)).toBe('0.001234')
    expect(usd(priced(card, row({ audioSeconds: 1e-7 })).totalPico)).toBe('0.00000000001')
  })

  test('a call beyond 9,007 dollars is no call', () => {
    const card = cardOf({ input: '10', output: '10' })
    expect(usd(priced(card, row({ input: 900_000_000, output: 0 })).totalPico)).toBe('9000')
    const out = priced(card, row({ input: 901_000_000, output: 0 }))
    expect([out.status, out.reason, usd(out.totalPico)]).toEqual(['invalid', 'bad_quantity', null])
  })

  test('a rate that is no decimal, or finer than a double can carry, is refused', () => {
    expect(() => cardOf({ input: '1e-6' })).toThrow(RangeError)
    expect(() => cardOf({ input: '-1' })).toThrow(RangeError)
    expect(() => cardOf({ input: '2' }, { per: {} })).toThrow('has no "per"')
    expect(() => cardOf({ input: '0.12345678901234567891' })).toThrow('too fine')
  })
})

describe('the fast arithmetic', () => {
  const cards = catalogueCards()

  /** Usage as providers report it, impossible ones included: parts are drawn up to their totals, now and then beyond. */
  const usage = fc
    .record({
      units: fc.array(fc.record({ slot: fc.nat(usageUnitCount - 1), count: fc.nat(400_000) }), { maxLength: 12 }),
      input: fc.option(fc.nat(400_000)),
      output: fc.option(fc.nat(60_000)),
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
      seconds: fc.option(fc.nat(7_200_000).map((ms) => ms / 1000)),
      isWild: fc.nat(9).map((die) => die === 0),
    })
    .map(({ units, input, output, shares, seconds, isWild }) => {
      const cells = new Float64Array(usageUnitCount).fill(Number.NaN)
      const share = (i: number, of: number): number => Math.floor(of * shares[i]!)
      for (const { slot, count } of units) if (isWild || slot >= unit.characters) cells[slot] = count
      if (input !== null) {
        cells[unit.input] = input
        cells[unit.cacheRead] = share(0, input)
        cells[unit.cacheWrite] = share(1, input - cells[unit.cacheRead]!)
        cells[unit.cacheWrite1h] = share(2, cells[unit.cacheWrite]!)
        cells[unit.cacheReadAudio] = share(3, cells[unit.cacheRead]!)
        const rest = input - cells[unit.cacheRead]! - cells[unit.cacheWrite]!
        cells[unit.inputAudio] = cells[unit.cacheReadAudio]! + share(4, rest)
        cells[unit.inputImage] = share(5, rest - share(4, rest))
      }
      if (output !== null) {
        cells[unit.output] = output
        cells[unit.outputAudio] = share(6, output)
        cells[unit.reasoning] = share(7, output - share(6, output))
      }
      if (seconds !== null) cells[unit.audioSeconds] = seconds
      return cells
    })

  test('agrees with the slow one to the pico, column by column', () => {
    let agreed = 0
    fc.assert(
      fc.property(fc.constantFrom(...cards), usage, (card, cells) => {
        const out = priced(card, cells)
        if (out.status === 'invalid' || out.reason === 'no_usage' || Number.isNaN(out.totalPico)) return
        const exact = exactSums(card, cells, 0)
        expect(BigInt(out.totalPico)).toBe(exact.total)
        for (const [fast, slow] of [
          [out.inputPico, exact.input],
          [out.cacheReadPico, exact.cacheRead],
          [out.cacheWritePico, exact.cacheWrite],
          [out.outputPico, exact.output],
          [out.otherPico, exact.other],
        ] as const)
          if (Number.isNaN(fast)) expect(slow).toBe(0n)
          else expect(BigInt(fast)).toBe(slow)
        expect(out.status === 'partial' && out.reason === 'no_rate_for_unit').toBe(
          unpricedUnits(card, cells, 0).length > 0,
        )
        agreed++
      }),
      { numRuns: 4000 },
    )
    expect(agreed).toBeGreaterThan(1000)
  })

  test('what is charged adds up to what was used', () => {
    const all: Rates = Object.fromEntries(usageUnits.map(({ name }) => [name, '1']))
    const card = cardOf(all, {
      per: Object.fromEntries(['tokens', ...usageUnits.map(({ name }) => name)].map((name) => [name, 1])),
    })
    fc.assert(
      fc.property(usage, (cells) => {
        if (checkUsage(cells, 0) !== '' || Number.isNaN(cells[unit.input]) || Number.isNaN(cells[unit.output])) return
        if (cells[unit.annotatedPages]! >= 0 && Number.isNaN(cells[unit.pages])) return
        const sum = explainPrice(card, cells, 0).reduce((total, { quantity }) => total + Number(quantity), 0)
        const totals = usageUnits.filter(({ partOf }) => partOf === null)
        const used = totals.reduce((total, { name }) => total + (cells[unit[name]]! >= 0 ? cells[unit[name]]! : 0), 0)
        expect(sum).toBeCloseTo(used, 6)
      }),
      { numRuns: 1000 },
    )
  })
})

function catalogueCards(): Card[] {
  const book = new PriceBook(files)
  return book.entries().flatMap(({ provider, models, validTo }) => {
    const at = validTo === null ? Date.parse('2026-11-22T00:00:00Z') : Date.parse(validTo) - 1
    const resolution = book.resolve(provider, models.exact[0] ?? models.prefix?.[0] ?? '', noConditions, at)
    return resolution.kind === 'card' ? [resolution.card] : []
  })
}

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
