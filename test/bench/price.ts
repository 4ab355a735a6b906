// How fast a call is priced, and how fast a card is found. Run: node test/bench/price.ts
//
// Estimate beforehand: a call is two passes over 27 units and some products, 27 × 2 × ~1 ns + checks ≈ 100 ns, so some
// 10 million calls/s with the card at hand. Finding a card is a few Map look-ups and one small object: ~1 µs.

import { loadPriceBook } from '../../collector/price-files.ts'
import { type CallConditions, noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { type PricedCall, priceUsage } from '../../processors/pricing/price.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'

const runs = 7
const rows = 1024
const book = new PriceBook(loadPriceBook())
const atMs = Date.parse('2026-08-10T12:00:00Z')

function median(measure: () => number): string {
  const rates = Array.from({ length: runs }, measure).sort((a, b) => a - b)
  const of = (at: number): string => `${(rates[Math.floor(at * (runs - 1))]! / 1e6).toFixed(2)} M/s`
  return `${of(0.5)}  (${of(0)} to ${of(1)})`
}

function perSecond(count: number, work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return count / (Number(process.hrtime.bigint() - start) / 1e9)
}

function priceRate(provider: string, model: string, cells: { [name: string]: number }): string {
  const resolution = book.resolve(provider, model, noConditions, atMs)
  if (resolution.kind !== 'card') throw new Error(resolution.reason)
  const { card } = resolution
  const usage = new Float64Array(rows * usageUnitCount).fill(Number.NaN)
  for (let row = 0; row < rows; row++)
    for (const [name, count] of Object.entries(cells))
      usage[row * usageUnitCount + unit[name as keyof typeof unit]] = count + row
  const none = Number.NaN
  const amounts = { inputPico: none, cacheReadPico: none, cacheWritePico: none, outputPico: none, otherPico: none }
  const out: PricedCall = {
    status: 'priced',
    reason: '',
    ...amounts,
    totalPico: none,
    otherCurrencyPico: Number.NaN,
    flags: 0,
  }
  const batches = 1000
  return median(() =>
    perSecond(batches * rows, () => {
      for (let i = 0; i < batches; i++)
        for (let row = 0; row < rows; row++) priceUsage(card, usage, row * usageUnitCount, out)
    }),
  )
}

function resolveRate(provider: string, model: string, said: Partial<CallConditions> = {}): string {
  const conditions = { ...noConditions, ...said }
  const count = 200_000
  return median(() =>
    perSecond(count, () => {
      for (let i = 0; i < count; i++) book.resolve(provider, model, conditions, atMs + i)
    }),
  )
}

const cached = { input: 20000, cacheRead: 15000, output: 1200 }
const claude = { input: 60000, cacheRead: 20000, cacheWrite: 20000, cacheWrite1h: 5000, output: 1500 }
const voice = { input: 9000, inputAudio: 5000, cacheRead: 2600, cacheReadAudio: 2000, output: 4100, outputAudio: 800 }
const lines = [
  ['priceUsage  gpt-4.1, cached input', priceRate('openai', 'gpt-4.1', cached)],
  ['priceUsage  claude-opus-4-6, two cache lifetimes', priceRate('anthropic', 'claude-opus-4-6', claude)],
  ['priceUsage  gpt-realtime, audio', priceRate('openai', 'gpt-realtime', voice)],
  ['resolve     gpt-4.1', resolveRate('openai', 'gpt-4.1')],
  ['resolve     gpt-5.4, flex, eu', resolveRate('openai', 'gpt-5.4', { serviceTier: 'flex', dataResidency: 'eu' })],
  ['resolve     fine-tune by prefix', resolveRate('openai', 'ft:gpt-4.1-2025-04-14:acme::x')],
  ['resolve     unknown model', resolveRate('openai', 'gpt-99')],
]
for (const [name, rate] of lines) console.log(`${name!.padEnd(52)}${rate}`)
