// Small entries, cards and usage rows for the tests of pricing.

import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import type { Card } from '../../processors/pricing/card.ts'
import type { PriceEntry, Rates } from '../../processors/pricing/file.ts'
import { type PricedCall, priceFlags, priceUsage } from '../../processors/pricing/price.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'

export function entry(id: string, exact: string[], rates: Rates, more: Partial<PriceEntry> = {}): PriceEntry {
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
      imagePixels: 1_000_000_000,
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

export function cardOf(rates: Rates, more: Partial<PriceEntry> = {}): Card {
  const book = new PriceBook([{ provider: 'acme', entries: [entry('acme/m#1', ['m'], rates, more)] }])
  const resolution = book.resolve('acme', 'm', noConditions, 0)
  if (resolution.kind !== 'card') throw new Error(resolution.reason)
  return resolution.card
}

export function priced(card: Card, usage: Float64Array): PricedCall {
  const none = Number.NaN
  const amounts = {
    inputPico: 1,
    cacheReadPico: 2,
    cacheWritePico: 3,
    outputPico: 4,
    otherPico: 5,
    totalPico: none,
    otherCurrencyPico: 6,
  }
  const out: PricedCall = { status: 'invalid', reason: 'left over', ...amounts, flags: 31 }
  priceUsage(card, usage, 0, out)
  return out
}

export function row(usage: { [name in UsageUnitName]?: number }): Float64Array {
  const cells = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const { name } of usageUnits) cells[unit[name]] = usage[name] ?? Number.NaN
  return cells
}

export function usd(pico: number): string | null {
  return Number.isNaN(pico) ? null : formatPicoUsd(pico)
}

export function flagNames(flags: number): string[] {
  return Object.entries(priceFlags).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]))
}
