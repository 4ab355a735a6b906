// Pricing one call: the split into columns, fallbacks, bands, impossible usage, exact numbers.

import { describe, expect, test } from 'vitest'
import type { Card } from '../../processors/pricing/card.ts'
import { explainTotal } from '../../processors/pricing/explain.ts'
import { checkUsage, explainPrice } from '../../processors/pricing/price.ts'
import { cardOf, flagNames, priced, row, usd } from './cards.ts'

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

test('pixels of an image are a unit of their own, beside the tokens of its text', () => {
  const card = cardOf({ input: '0.12', imagePixels: '0.6' })
  const out = priced(card, row({ input: 500, imagePixels: 2_000_000 }))
  expect([out.status, usd(out.totalPico), usd(out.otherPico)]).toEqual(['priced', '0.00126', '0.0012'])
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

  test('the whole output of a call that thought has the rate of thinking calls, at every size', () => {
    const inputTokens = { over: 128000, inclusive: false }
    const card = cardOf(
      {},
      {
        bands: [
          { rates: { input: '1', output: '2' } },
          { thinking: true, rates: { input: '1', output: '8' } },
          { inputTokens, rates: { input: '3', output: '20' } },
          { inputTokens, thinking: true, rates: { input: '3', output: '24' } },
        ],
      },
    )
    const cost = (input: number, reasoning?: number): string | null =>
      usd(priced(card, row({ input, output: 1_000_000, ...(reasoning === undefined ? {} : { reasoning }) })).totalPico)
    expect([cost(100_000), cost(100_000, 0), cost(100_000, 1)]).toEqual(['2.1', '2.1', '8.1'])
    expect([cost(200_000), cost(200_000, 900_000)]).toEqual(['20.6', '24.6'])
    const usage = row({ input: 10, output: 1000, reasoning: 900 })
    expect(explainPrice(card, usage, 0).map(({ component, price }) => [component, price])).toEqual([
      ['input', '1'],
      ['output', '8'],
    ])
    expect(usd(priced(card, row({ output: 1_000_000, reasoning: 5 })).outputPico)).toBe('8')
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
    const part = priced(card, row({ reasoning: 441 }))
    expect([part.status, part.reason, part.totalPico]).toEqual(['unpriced', 'no_usage', Number.NaN])
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

  test('half a pico is rounded up, the total once and not from rounded columns', () => {
    const halves = cardOf({ input: '0.000000000001', output: '0.000000000001' }, { per: { tokens: 2 } })
    const out = priced(halves, row({ input: 1, output: 1 }))
    expect([out.inputPico, out.outputPico, out.totalPico]).toEqual([1, 1, 1])
    const thirds = cardOf({ audioSeconds: '0.111' })
    expect(usd(priced(thirds, row({ audioSeconds: 5 })).totalPico)).toBe('0.000154166667')
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
