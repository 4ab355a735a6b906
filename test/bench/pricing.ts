// Resolved prices per second, as the ledger makes them: a row's provider, model, conditions and instant → its card (looked
// up once for each distinct question and remembered) → its amounts, status, flags and entry on the row. A mix of
// models, conditions and usage, in no order; and the same calls by genai-prices' calcPrice, in turns in the same run.
//
// Estimate beforehand: one pass over 28 units to check, split and multiply ≈ 60 ns, finding the slot ≈ 20 ns, writing some
// fifteen cells ≈ 30 ns: 9 million rows a second. calcPrice was measured at 22 to 137 thousand.

import { calcPrice } from '@pydantic/genai-prices'
import { loadPriceBook } from '../../collector/price-files.ts'
import { Ledger } from '../../processors/ledger.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { low } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { dice } from '../dice.ts'
import { type Attributes, tracesRequest } from '../otlp-messages.ts'

const rows = 1000

interface Shape {
  readonly provider: string
  readonly model: string
  readonly attributes?: Attributes
  readonly usage: Readonly<Record<string, number>>
  /** Of genai-prices: its provider and its names of the units; absent where it cannot express the call. */
  readonly foreign?: { readonly providerId: string; readonly usage: Readonly<Record<string, number>> }
}

const text = { input_tokens: 2400, output_tokens: 310 }
const cached = { ...text, input_tokens: 21000, 'cache_read.input_tokens': 16000 }
const cachedForeign = { ...text, input_tokens: 21000, cache_read_tokens: 16000 }

/** What people run: chat of several makers, cached prompts, both cache lifetimes, tiers, long prompts, audio, embeddings. */
const shapes: readonly Shape[] = [
  { provider: 'openai', model: 'gpt-4.1', usage: text, foreign: { providerId: 'openai', usage: text } },
  { provider: 'openai', model: 'gpt-4o-mini', usage: cached, foreign: { providerId: 'openai', usage: cachedForeign } },
  {
    provider: 'openai',
    model: 'gpt-5.4',
    usage: { ...cached, 'reasoning.output_tokens': 200 },
    foreign: { providerId: 'openai', usage: cachedForeign },
  },
  { provider: 'openai', model: 'gpt-5.4', usage: text, attributes: { 'gen_ai.response.service_tier': 'flex' } },
  {
    provider: 'openai',
    model: 'gpt-realtime',
    usage: {
      input_tokens: 9000,
      output_tokens: 4100,
      'audio.input_tokens': 5000,
      'audio.output_tokens': 800,
      'cache_read.input_tokens': 2600,
      'audio.cache_read.input_tokens': 2000,
    },
    foreign: {
      providerId: 'openai',
      usage: {
        input_tokens: 9000,
        output_tokens: 4100,
        input_audio_tokens: 5000,
        output_audio_tokens: 800,
        cache_read_tokens: 2600,
        cache_audio_read_tokens: 2000,
      },
    },
  },
  {
    provider: 'openai',
    model: 'text-embedding-3-small',
    usage: { input_tokens: 700, output_tokens: 0 },
    foreign: { providerId: 'openai', usage: { input_tokens: 700 } },
  },
  {
    provider: 'anthropic',
    model: 'claude-opus-4-6',
    usage: {
      input_tokens: 60000,
      output_tokens: 1500,
      'cache_read.input_tokens': 20000,
      'cache_creation.input_tokens': 20000,
    },
    foreign: {
      providerId: 'anthropic',
      usage: { input_tokens: 60000, output_tokens: 1500, cache_read_tokens: 20000, cache_write_tokens: 20000 },
    },
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    usage: { ...cached, input_tokens: 230000 },
    foreign: { providerId: 'anthropic', usage: { ...cachedForeign, input_tokens: 230000 } },
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-6',
    usage: cached,
    attributes: { 'gen_ai.response.service_tier': 'batch' },
  },
  {
    provider: 'gcp.gemini',
    model: 'gemini-2.5-pro',
    usage: { ...cached, 'reasoning.output_tokens': 120 },
    foreign: { providerId: 'google', usage: cachedForeign },
  },
  { provider: 'gcp.gemini', model: 'gemini-2.5-flash', usage: text, foreign: { providerId: 'google', usage: text } },
  {
    provider: 'gcp.vertex_ai',
    model: 'claude-sonnet-4-5@20250929',
    usage: text,
    attributes: { 'cloud.region': 'us-east5' },
  },
  { provider: 'openai', model: 'gpt-99-ultra', usage: text, foreign: { providerId: 'openai', usage: text } },
]

export interface PricingResult {
  readonly rowsPerSecond: number
  /** Slowest and fastest of the rounds. */
  readonly range: readonly [number, number]
  readonly questions: number
  /** calcPrice on the calls of the mix that it can express. */
  readonly foreignPerSecond: number
  readonly ratio: number
}

/** Rounds of both in turns; medians. */
export function measurePricing(rounds: number): PricingResult {
  const bench = new Bench()
  const roll = dice(7)
  const mix = Array.from({ length: rows }, () => shapes[Math.floor(roll() * shapes.length)] ?? shapes[0]!)
  const spans = mix.map(({ provider, model, attributes, usage }, n) => ({
    spanId: (n + 1).toString(16).padStart(16, '0'),
    startMs: Date.parse('2026-08-10T12:00:00Z') + n * 37_000,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.response.model': model,
      ...Object.fromEntries(
        Object.entries(usage).map(([name, count]) => [
          `gen_ai.usage.${name}`,
          count === 0 ? 0 : count + Math.floor(roll() * 100),
        ]),
      ),
      ...attributes,
    },
  }))
  bench.rows(tracesRequest({ spans }))
  const { batch, strings } = bench
  const book = new PriceBook(loadPriceBook())
  const ledger = new Ledger({ book, batch, strings, charge: bench.charge, conditions: bench.normaliser.conditions })
  const foreign = mix.flatMap(({ model, foreign: call }) => (call === undefined ? [] : [{ model, ...call }]))
  const timestamp = new Date('2026-08-10T12:00:00Z')

  const ours = (passes: number): number =>
    perSecond(passes * rows, () => {
      for (let pass = 0; pass < passes; pass++) ledger.run()
    })
  let sum = 0
  const theirs = (passes: number): number =>
    perSecond(passes * foreign.length, () => {
      for (let pass = 0; pass < passes; pass++)
        for (const { model, usage, providerId } of foreign)
          sum += calcPrice(usage, model, { providerId, timestamp })?.total_price ?? 0
    })
  ours(2000)
  theirs(10)
  const rates: number[] = []
  const foreignRates: number[] = []
  for (let round = 0; round < rounds; round++) {
    rates.push(ours(2000))
    foreignRates.push(theirs(20))
  }
  if (!(sum > 0)) throw new Error('genai-prices priced nothing')
  let priced = 0
  for (let row = 0; row < batch.rows; row++) if (strings.text(batch.low[low.cost_status]![row]!) === 'priced') priced++
  if (priced < rows * 0.8) throw new Error(`only ${priced} of ${rows} rows are priced`)
  rates.sort((a, b) => a - b)
  const rowsPerSecond = median(rates)
  const foreignPerSecond = median(foreignRates)
  return {
    rowsPerSecond: Math.round(rowsPerSecond),
    range: [Math.round(rates[0]!), Math.round(rates.at(-1)!)],
    questions: shapes.length,
    foreignPerSecond: Math.round(foreignPerSecond),
    ratio: rowsPerSecond / foreignPerSecond,
  }
}

/** By the CPU this thread was given, so that a neighbour on the machine does not count. */
function perSecond(count: number, work: () => void): number {
  const from = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(from)
  return count / ((user + system) / 1e6)
}

function median(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? Number.NaN
}

if (import.meta.main) console.log(measurePricing(5))
