// The fast arithmetic against the slow one, on random usage over every card of the catalogue.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import type { Card } from '../../processors/pricing/card.ts'
import { exactSums, unpricedUnits } from '../../processors/pricing/explain.ts'
import type { Rates } from '../../processors/pricing/file.ts'
import { checkUsage, explainPrice } from '../../processors/pricing/price.ts'
import { unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { cardOf, priced } from './cards.ts'

const files = loadPriceBook()

describe('the fast arithmetic', () => {
  const cards = [...catalogueCards(), ...oddCards()]

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

/** Prices that do not divide into whole pico-USD, a minimum, and reasoning at a rate of its own. */
function oddCards(): Card[] {
  return [
    cardOf({ audioSeconds: '0.111', images: '0.04' }, { minimum: { audioSeconds: '10' } }),
    cardOf(
      { input: '0.7', output: '1.1', outputAudio: '3', audioSeconds: '0.0043' },
      { per: { tokens: 7, audioSeconds: 60 } },
    ),
    cardOf({ input: '2', cacheRead: '1', output: '8', reasoning: '3', webSearch: '5' }),
    cardOf(
      {},
      { bands: [{ rates: { input: '2', output: '8' } }, { thinking: true, rates: { input: '2', output: '9' } }] },
    ),
  ]
}
