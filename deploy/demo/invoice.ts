// The fake provider's own price list and invoice. Typed by hand from the providers' published pages (2026-11) and reading
// nothing of the collector's price book, so that the two totals of the demo are two calculations and not one.

/** Tokens of one response in buckets that do not overlap: their sum is everything that was processed. */
export interface BilledUsage {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  /** Reasoning included; providers charge it as output. */
  readonly output: number
}

export interface InvoiceLine {
  readonly provider: 'openai' | 'anthropic'
  readonly endpoint: string
  readonly isStream: boolean
  /** Model asked for. */
  readonly requestModel: string
  /** Dated model, as in the response. */
  readonly model: string
  /** Null for embeddings: OpenAI gives those responses no id. */
  readonly responseId: string | null
  readonly usage: BilledUsage
  readonly picoUsd: bigint
}

/** Pico-USD a token: a price of 1 USD per million tokens is 1,000,000. */
interface Rates {
  readonly answersAs: string
  readonly input: bigint
  readonly cacheRead: bigint
  readonly cacheWrite5m: bigint
  readonly cacheWrite1h: bigint
  readonly output: bigint
}

const openai = { cacheWrite5m: 0n, cacheWrite1h: 0n } as const

const rates: Readonly<Record<string, Rates>> = {
  // 0.15 / 0.075 cached / 0.60 USD per million.
  'gpt-4o-mini': {
    ...openai,
    answersAs: 'gpt-4o-mini-2024-07-18',
    input: 150_000n,
    cacheRead: 75_000n,
    output: 600_000n,
  },
  // 2.00 / 0.50 cached / 8.00.
  'gpt-4.1': {
    ...openai,
    answersAs: 'gpt-4.1-2025-04-14',
    input: 2_000_000n,
    cacheRead: 500_000n,
    output: 8_000_000n,
  },
  // 1.10 / 0.275 cached / 4.40.
  'o4-mini': {
    ...openai,
    answersAs: 'o4-mini-2025-04-16',
    input: 1_100_000n,
    cacheRead: 275_000n,
    output: 4_400_000n,
  },
  // 0.02.
  'text-embedding-3-small': {
    ...openai,
    answersAs: 'text-embedding-3-small',
    input: 20_000n,
    cacheRead: 0n,
    output: 0n,
  },
  // 3.00 / 0.30 read / 3.75 written for 5 minutes / 6.00 for an hour / 15.00.
  'claude-sonnet-4-6': {
    answersAs: 'claude-sonnet-4-6',
    input: 3_000_000n,
    cacheRead: 300_000n,
    cacheWrite5m: 3_750_000n,
    cacheWrite1h: 6_000_000n,
    output: 15_000_000n,
  },
  // 1.00 / 0.10 read / 1.25 written for 5 minutes / 2.00 for an hour / 5.00.
  'claude-haiku-4-5': {
    answersAs: 'claude-haiku-4-5-20251001',
    input: 1_000_000n,
    cacheRead: 100_000n,
    cacheWrite5m: 1_250_000n,
    cacheWrite1h: 2_000_000n,
    output: 5_000_000n,
  },
}

/** The dated name a model answers under; undefined for a model that is not sold here. */
export function answeringModel(requestModel: string): string | undefined {
  return rates[requestModel]?.answersAs
}

/** What the provider charges for `usage` of a model that it sells. */
export function chargePicoUsd(requestModel: string, usage: BilledUsage): bigint {
  const rate = rates[requestModel]
  if (rate === undefined) throw new Error(`no rates for model "${requestModel}"`)
  return (
    BigInt(usage.input) * rate.input +
    BigInt(usage.cacheRead) * rate.cacheRead +
    BigInt(usage.cacheWrite5m) * rate.cacheWrite5m +
    BigInt(usage.cacheWrite1h) * rate.cacheWrite1h +
    BigInt(usage.output) * rate.output
  )
}
