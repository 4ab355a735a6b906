// Lists whose edges the vectors leave out: names that move, promotions that end, sizes, batch, regions, thinking, yuan.

import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { bandFor } from '../../processors/pricing/card.ts'
import type { CallConditions } from '../../processors/pricing/conditions.ts'
import { priceRows } from '../../processors/pricing/rows.ts'
import type { UsageUnitName } from '../../schemas/usage.ts'

const book = new PriceBook(loadPriceBook())

interface Call extends Partial<CallConditions> {
  readonly tokens?: number
  readonly reasoning?: number
}

/** Rates of the band a call falls into, and how the name was found. */
function listed(provider: string, model: string, at: string, units: UsageUnitName[], call: Call = {}): string {
  const { tokens = 1000, reasoning = 0, ...conditions } = call
  const resolution = book.resolve(provider, model, { ...noConditions, ...conditions }, Date.parse(at))
  if (resolution.kind === 'miss') return resolution.reason
  const { card } = resolution
  const { published } = bandFor(card, tokens, reasoning)
  const flags = card.reason === '' ? '' : ` ${card.reason}`
  return `${units.map((name) => published.get(name)?.price ?? '-').join(' ')} ${card.currency} ${card.match}${flags}`
}

const io: UsageUnitName[] = ['input', 'cacheRead', 'output']

test.each([
  ['mistral-large-latest', '2024-03-01', '4 - 12 USD alias'],
  ['mistral-large-latest', '2024-09-16', '3 - 9 USD alias'],
  ['mistral-large-latest', '2024-09-18', '2 - 6 USD alias'],
  ['mistral-large-latest', '2025-12-01', '2 - 6 USD alias'],
  ['mistral-large-latest', '2025-12-02', '0.5 0.05 1.5 USD alias'],
  ['mistral-medium-latest', '2025-05-06', '2.7 - 8.1 USD alias'],
  ['mistral-medium-latest', '2026-06-15', '0.4 0.04 2 USD alias'],
  ['mistral-medium-latest', '2026-06-16', '1.5 0.15 7.5 USD alias'],
  ['mistral-small-latest', '2024-12-01', '0.2 - 0.6 USD alias'],
  ['mistral-small-latest', '2026-03-15', '0.1 0.01 0.3 USD alias'],
  ['mistral-small-latest', '2026-03-16', '0.15 0.015 0.6 USD alias'],
  ['codestral-latest', '2025-01-13', '0.3 - 0.9 USD alias'],
  ['mistral-large-4', '2026-10-19', '0.68 0.07 2.09 USD exact'],
  ['mistral-large-4', '2026-10-20', '1.36 0.14 4.18 USD exact'],
  ['mistral-large-4-0', '2026-10-29', '0.7 0.07 2.1 USD exact'],
  ['mistral/mistral-embed', '2026-10-29', '0.1 - - USD exact'],
])('Mistral: %s on %s', (model, day, expected) => {
  expect(listed('mistral_ai', model, `${day}T00:00:00Z`, io)).toBe(expected)
})

test('Mistral: batch halves, a regional endpoint adds a tenth, both together', () => {
  const at = '2026-11-01T00:00:00Z'
  const rates = (call: Call): string => listed('mistral_ai', 'mistral-large-2512', at, io, call)
  expect(rates({ serviceTier: 'batch' })).toBe('0.25 0.025 0.75 USD exact')
  expect(rates({ region: 'eu' })).toBe('0.55 0.055 1.65 USD exact')
  expect(rates({ serviceTier: 'batch', region: 'us' })).toBe('0.275 0.0275 0.825 USD exact')
  expect(rates({ region: 'eu-west-3' })).toBe('0.5 0.05 1.5 USD exact')
})

test('Mistral: pages follow the release behind the name', () => {
  const pages = (day: string, call: Call = {}): string =>
    listed('mistral_ai', 'mistral-ocr-latest', `${day}T00:00:00Z`, ['pages', 'annotatedPages'], call)
  expect(['2025-05-21', '2025-05-22', '2025-12-18', '2026-06-23', '2026-07-16'].map((day) => pages(day))).toEqual([
    '1 - USD alias',
    '1 3 USD alias',
    '2 3 USD alias',
    '4 5 USD alias',
    '4 5 USD alias',
  ])
  expect(pages('2026-11-01', { serviceTier: 'batch' })).toBe('2 2.5 USD alias')
})

test('xAI: the edge belongs to the long context, batch and the US endpoint keep it', () => {
  const at = '2026-11-10T00:00:00Z'
  const rates = (tokens: number, call: Call = {}): string => listed('x_ai', 'grok-4.3', at, io, { tokens, ...call })
  expect([rates(199_999), rates(200_000)]).toEqual(['1.25 0.2 2.5 USD exact', '2.5 0.4 5 USD exact'])
  expect(rates(200_000, { serviceTier: 'batch' })).toBe('2 0.32 4 USD exact')
  expect(rates(200_000, { region: 'us' })).toBe('2.75 0.44 5.5 USD exact')
  expect(rates(1, { region: 'us-east-1' })).toBe('1.25 0.2 2.5 USD exact')
  expect(rates(1, { serviceTier: 'priority' })).toBe('1.25 0.2 2.5 USD exact no_rate_for_tier')
})

test('xAI: Grok 4.20 was cut on 2026-04-30', () => {
  const rates = (day: string): string => listed('x_ai', 'grok-4.20-0309-reasoning', `${day}T00:00:00Z`, io)
  expect([rates('2026-04-30'), rates('2026-05-01')]).toEqual(['2 0.2 6 USD exact', '1.25 0.2 2.5 USD exact'])
})

test('xAI: cached input of Grok 4.5 was dearer at first, at both sizes and both endpoints', () => {
  const cached = (day: string, call: Call): string =>
    listed('x_ai', 'grok-4.5', `${day}T00:00:00Z`, ['cacheRead'], call)
  const long = { tokens: 200_000 }
  expect([cached('2026-07-29', {}), cached('2026-07-29', long)]).toEqual(['0.5 USD exact', '1 USD exact'])
  expect([cached('2026-07-30', {}), cached('2026-07-30', long)]).toEqual(['0.3 USD exact', '0.6 USD exact'])
  expect(cached('2026-07-29', { region: 'us' })).toBe('0.55 USD exact')
})

test('Kimi K3 lists its cache writes since 2026-10-15, and a list in yuan', () => {
  const units: UsageUnitName[] = ['cacheWrite', 'cacheWrite1h']
  const writes = (at: string): string => listed('moonshot_ai', 'kimi-k3', at, units)
  expect([writes('2026-10-14T23:59:59Z'), writes('2026-10-15T00:00:00Z')]).toEqual(['- - USD exact', '3 6 USD exact'])
  expect(listed('moonshot_ai', 'kimi-k3', '2026-11-01T00:00:00Z', io, { region: 'cn' })).toBe('20 2 100 CNY exact')
})

test('GLM-5.3-Flash: the promotion ends at midnight in Beijing', () => {
  const rates = (at: string): string => listed('z_ai', 'GLM-5.3-Flash', at, io)
  expect(rates('2026-09-09T15:59:59Z')).toBe('0.075 0.015 0.25 USD exact')
  expect(rates('2026-09-09T16:00:00Z')).toBe('0.15 0.03 0.5 USD exact')
})

test('MiniMax-M3: twice above 512,000', () => {
  const rates = (tokens: number): string => listed('minimax', 'MiniMax-M3', '2026-11-01T00:00:00Z', io, { tokens })
  expect([rates(512_000), rates(512_001)]).toEqual(['0.3 0.06 1.2 USD exact', '0.6 0.12 2.4 USD exact'])
})

test.each([
  ['qwen3-max', { tokens: 32_000 }, '1.2 0.24 6 USD exact'],
  ['qwen3-max', { tokens: 32_001 }, '2.4 0.48 12 USD exact'],
  ['qwen3-max', { tokens: 128_001 }, '3 0.6 15 USD exact'],
  ['qwen3-max', { serviceTier: 'batch', tokens: 40_000 }, '1.2 - 6 USD exact'],
  ['qwen3-max', { region: 'cn-beijing', tokens: 200_000 }, '7 - 28 CNY exact'],
  ['qwen-plus', {}, '0.4 0.08 1.2 USD exact'],
  ['qwen-plus', { reasoning: 10 }, '0.4 0.08 4 USD exact'],
  ['qwen-plus', { reasoning: 10, tokens: 256_001 }, '1.2 0.24 12 USD exact'],
  ['qwen-plus', { region: 'cn', reasoning: 10, tokens: 130_000 }, '2.4 0.5 24 CNY exact'],
  ['qwen-plus', { region: 'ap-southeast-1' }, '0.4 0.08 1.2 USD exact'],
  ['qwen3-coder-plus', { tokens: 256_001 }, '6 0.6 60 USD exact'],
] as const)('Model Studio: %s under %o', (model, call, expected) => {
  expect(listed('alibaba_cloud', model, '2026-10-01T00:00:00Z', io, call)).toBe(expected)
})

test('a stored size has the rates of thinking calls beside its own', () => {
  const rows = priceRows(book).filter(({ entry_id }) => entry_id === 'alibaba_cloud/qwen-plus#4')
  expect(rows.map(({ min_input_tokens, rates }) => [min_input_tokens, rates])).toEqual([
    [0, { input: '0.4', cacheRead: '0.08', output: '1.2', 'thinking:output': '4' }],
    [256_000, { input: '1.2', cacheRead: '0.24', output: '3.6', 'thinking:output': '12' }],
  ])
})
