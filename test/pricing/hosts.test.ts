// Hosts and gateways: what their vectors leave open, worked by hand from the published prices.

import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { type CallConditions, noConditions, PriceBook } from '../../processors/pricing/book.ts'
import type { UsageUnitName } from '../../schemas/usage.ts'
import { flagNames, priced, row, usd } from './cards.ts'

const book = new PriceBook(loadPriceBook())

type Usage = { readonly [unit in UsageUnitName]?: number }

function outcome(
  provider: string,
  model: string,
  at: string,
  usage: Usage,
  said: Partial<CallConditions> = {},
): { status: string; reason: string; usd: string | null; flags: string[] } {
  const resolution = book.resolve(provider, model, { ...noConditions, ...said }, Date.parse(at))
  if (resolution.kind === 'miss') return { status: 'unpriced', reason: resolution.reason, usd: null, flags: [] }
  const out = priced(resolution.card, row(usage))
  return { status: out.status, reason: out.reason, usd: usd(out.totalPico), flags: flagNames(out.flags) }
}

const august = '2026-08-10T09:00:00Z'
const november = '2026-11-20T09:00:00Z'

test.each<[string, string, string, Usage, Partial<CallConditions>, string]>([
  // Cached input at half, and the cut of October 2025 on its first instant.
  ['groq', 'openai/gpt-oss-120b', '2025-10-20T23:59:59Z', { input: 1_000_000, output: 1_000_000 }, {}, '0.9'],
  ['groq', 'openai/gpt-oss-120b', '2025-10-21T00:00:00Z', { input: 1_000_000, output: 1_000_000 }, {}, '0.75'],
  // Batch halves what is not cached; a cached token is at its discount already.
  [
    'groq',
    'openai/gpt-oss-20b',
    august,
    { input: 2_000_000, cacheRead: 1_000_000, output: 0 },
    { serviceTier: 'batch' },
    '0.075',
  ],
  ['groq', 'llama-3.1-8b-instant', august, { input: 1_000_000, output: 0 }, { serviceTier: 'flex' }, '0.05'],
  ['groq', 'whisper-large-v3', august, { audioSeconds: 12.5 }, {}, '0.000385416667'],
  ['groq', 'whisper-large-v3', august, { audioSeconds: 4 }, { serviceTier: 'batch' }, '0.000154166667'],
  ['groq', 'canopylabs/orpheus-v1-english', august, { characters: 1000 }, {}, '0.022'],
  ['groq', 'openai/gpt-oss-120b', august, { input: 0, output: 0, webSearch: 4 }, {}, '0.02'],
  // The fee of a request: low is the default.
  ['perplexity', 'sonar-pro', august, { input: 1000, output: 1000, requests: 1 }, {}, '0.024'],
  [
    'perplexity',
    'sonar-pro',
    august,
    { input: 1000, output: 1000, requests: 2 },
    { searchContextSize: 'medium' },
    '0.038',
  ],
  [
    'perplexity',
    'sonar-reasoning',
    '2025-08-01T00:00:00Z',
    { input: 0, output: 0, requests: 1 },
    { searchContextSize: 'high' },
    '0.012',
  ],
  ['perplexity', 'openai/gpt-5.5', '2026-10-06T23:59:59Z', { input: 272_000, output: 1000, webSearch: 2 }, {}, '1.4'],
  ['perplexity', 'openai/gpt-5.5', november, { input: 272_001, output: 1000, webSearch: 2 }, {}, '2.77001'],
  ['cohere', 'embed-v4.0', august, { input: 10_000, inputImage: 8000 }, {}, '0.004'],
  ['cohere', 'embed-english-v3.0', august, { images: 3 }, {}, '0.0003'],
  ['cohere', 'rerank-v4.0-pro', august, { searchUnit: 4 }, {}, '0.01'],
  ['cohere', 'parse-v5.0', november, { pages: 10 }, {}, '0.015'],
  ['voyage_ai', 'voyage-multimodal-3', august, { input: 500, imagePixels: 2_000_000 }, {}, '0.00126'],
  [
    'fireworks_ai',
    'accounts/fireworks/models/kimi-k2p6',
    august,
    { input: 3_000_000, cacheRead: 1_000_000, output: 0 },
    {},
    '2.06',
  ],
  [
    'fireworks_ai',
    'accounts/fireworks/models/glm-5p2',
    november,
    { input: 1_000_000, output: 1_000_000 },
    { serviceTier: 'batch' },
    '2.9',
  ],
  [
    'fireworks_ai',
    'accounts/fireworks/models/code-llama-34b',
    august,
    { input: 1_000_000, output: 1_000_000 },
    {},
    '1.8',
  ],
  ['together_ai', 'BAAI/bge-base-en-v1.5', august, { input: 1_000_000 }, {}, '0.008'],
  ['cerebras', 'gpt-oss-120b', '2025-09-01T00:00:00Z', { input: 1_000_000, output: 1_000_000 }, {}, '0.94'],
  ['deepgram', 'nova-3', august, { audioSeconds: 60 }, { deploymentType: 'streaming' }, '0.0077'],
  ['deepgram', 'aura-2-thalia-en', august, { characters: 2000 }, {}, '0.06'],
  ['deepgram', 'aura-asteria-en', august, { characters: 2000 }, {}, '0.03'],
  // The whole request at one step, the edge included.
  ['openrouter', 'qwen/qwen3-max', '2026-08-01T12:00:00Z', { input: 31_999, output: 0 }, {}, '0.02495922'],
  ['openrouter', 'qwen/qwen3-max', '2026-08-01T12:00:00Z', { input: 32_000, output: 0 }, {}, '0.04992'],
  ['openrouter', 'qwen/qwen3-max', '2026-08-01T12:00:00Z', { input: 128_000, output: 0 }, {}, '0.2496'],
  [
    'gcp.vertex_ai',
    'publishers/meta/models/llama-3.3-70b-instruct-maas',
    august,
    { input: 500, output: 500 },
    {},
    '0.00072',
  ],
  ['gcp.vertex_ai', 'xai/grok-4.3', november, { input: 200_000, output: 0 }, {}, '0.5'],
])('%s %s at %s, %j %j', (provider, model, at, usage, said, expected) => {
  expect(outcome(provider, model, at, usage, said)).toMatchObject({ status: 'priced', usd: expected })
})

test('endings at OpenRouter: a route keeps the price, a variant has its own or none', () => {
  const total = (model: string): string | null =>
    outcome('openrouter', model, august, { input: 1000, output: 1000 }).usd
  const paid = total('openai/gpt-oss-20b')
  expect(paid).not.toBeNull()
  for (const ending of [':nitro', ':floor', ':exacto', ':online', ':nitro:online'])
    expect(total(`openai/gpt-oss-20b${ending}`)).toBe(paid)
  expect(total('openai/gpt-oss-20b:free')).toBe('0')
  expect(total('openai/gpt-oss-20b:free:online')).toBe('0')
  expect(total('openai/gpt-oss-20b:thinking')).toBeNull()
  expect(total('qwen/qwen-plus-2025-07-28:thinking')).toBe('0.0016')
})

test('a model that anybody may serve is not priced without its host', () => {
  for (const model of ['llama-3.3-70b', 'llama-3.1-8b-instruct', 'whisper-large-v3', 'deepseek-r1'])
    expect(outcome('', model, august, { input: 1, output: 1 })).toMatchObject({ reason: 'unknown_provider' })
  expect(outcome('', 'openai/gpt-oss-120b', august, { input: 1, output: 1 })).toMatchObject({
    reason: 'unknown_provider',
  })
  expect(outcome('', 'sonar-pro', august, { input: 1000, output: 0 })).toMatchObject({ status: 'priced', usd: '0.003' })
})

test('images at a reranker, audio at a text model: named, not guessed', () => {
  expect(outcome('voyage_ai', 'rerank-2.5', august, { input: 1000, imagePixels: 10 })).toMatchObject({
    status: 'partial',
    reason: 'no_rate_for_unit',
    usd: '0.00005',
  })
  expect(outcome('openrouter', 'openai/gpt-4o', august, { input: 1000, inputAudio: 1000, output: 0 })).toMatchObject({
    status: 'unpriced',
    reason: 'no_rate_for_unit',
  })
})
