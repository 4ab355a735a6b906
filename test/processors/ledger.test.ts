// A rate is remembered for the question it answered, and for no other, however many conditions there were before.

import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { Ledger } from '../../processors/ledger.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { cost, low } from '../../schemas/span-batch.ts'
import { unit } from '../../schemas/usage.ts'
import { Bench } from '../batches.ts'
import { type Attributes, tracesRequest } from '../otlp-messages.ts'

const book = new PriceBook(loadPriceBook())

class Priced {
  readonly bench = new Bench()
  private readonly ledger: Ledger

  constructor(by = book) {
    const { batch, strings, charge, normaliser } = this.bench
    this.ledger = new Ledger({ book: by, batch, strings, charge, conditions: normaliser.conditions })
  }

  use(other: PriceBook): void {
    this.ledger.use(other)
  }

  /** Pico-USD of a call of a million tokens in and none out. */
  total(provider: string, model: string, more: Attributes = {}, startMs?: number): number {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.response.model': model,
      'gen_ai.usage.input_tokens': 1_000_000,
      'gen_ai.usage.output_tokens': 0,
      ...more,
    }
    const times = startMs === undefined ? {} : { startMs, endMs: startMs + 1000 }
    this.bench.rows(tracesRequest({ spans: [{ name: 'chat', attributes, ...times }] }))
    this.ledger.run()
    return this.bench.batch.costs[cost.total]!
  }
}

const flex = { 'openai.response.service_tier': 'flex' }

test('the 1,025th condition does not leave its rate to calls without one', () => {
  const fresh = new Priced()
  const standard = fresh.total('openai', 'o4-mini-2025-04-16')
  const cheaper = fresh.total('openai', 'o4-mini-2025-04-16', flex)
  expect(cheaper).toBeLessThan(standard)

  const used = new Priced()
  const { conditions } = used.bench.normaliser
  for (let n = 1; n < 1024; n++) expect(conditions.id({ region: `region-${n}` })).toBe(n)
  expect(used.total('openai', 'o4-mini-2025-04-16', flex)).toBe(cheaper)
  expect(used.total('openai', 'o4-mini-2025-04-16')).toBe(standard)
  expect(used.total('openai', 'o4-mini-2025-04-16', flex)).toBe(cheaper)
})

test('a profile’s geography counts also where the answer names the model without it', () => {
  const priced = new Priced()
  const total = (request: string, more: Attributes = {}): number =>
    priced.total('aws.bedrock', 'claude-sonnet-4-5-20250929', { 'gen_ai.request.model': request, ...more }) / 1e12
  expect(total('global.anthropic.claude-sonnet-4-5-20250929-v1:0')).toBe(6)
  // The row keeps what was reported, so that another book can read the name anew.
  expect(priced.bench.strings.text(priced.bench.batch.low[low.price_conditions]![0]!)).toBe('')
  expect(total('us.anthropic.claude-sonnet-4-5-20250929-v1:0')).toBe(6.6)
  expect(total('anthropic.claude-sonnet-4-5-20250929-v1:0')).toBe(6.6)
  const host = { 'server.address': 'bedrock-runtime.us-gov-west-1.amazonaws.com' }
  expect(total('anthropic.claude-sonnet-4-5-20250929-v1:0', host)).toBe(7.2)
  expect(total('global.anthropic.claude-sonnet-4-5-20250929-v1:0', host)).toBe(6)
  // Nor does it take a provider's name: the form of the name that was asked for is Bedrock's alone.
  const us = { 'gen_ai.request.model': 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' }
  expect(priced.total('', 'claude-sonnet-4-5-20250929', us) / 1e12).toBe(6.6)
  expect(priced.bench.strings.text(priced.bench.batch.low[low.provider]![0]!)).toBe('aws.bedrock')
  expect(
    priced.total('', 'claude-sonnet-4-5-20250929', { 'gen_ai.request.model': 'us.anthropic.unheard-of' }) / 1e12,
  ).toBe(3)
  // Nor where the span names the model's maker, as packages do that ask for the vendor of the model.
  expect(priced.total('anthropic', 'claude-sonnet-4-5-20250929', us) / 1e12).toBe(6.6)
  expect(priced.bench.row(0)).toMatchObject({
    provider: 'aws.bedrock',
    attributes: { 'gen_ai.provider.name': 'anthropic' },
  })
  expect(
    priced.total('anthropic', 'claude-sonnet-4-5-20250929', { 'gen_ai.request.model': 'claude-sonnet-4-5' }) / 1e12,
  ).toBe(3)
  expect(priced.bench.row(0)['provider']).toBe('anthropic')
  // An answer that the platform does not list is the maker's, and does not decide for the next one.
  const first = new Priced()
  first.total('anthropic', 'claude-of-tomorrow', us)
  expect(first.total('anthropic', 'claude-sonnet-4-5-20250929', us) / 1e12).toBe(6.6)
  // Another provider's names say nothing of that kind.
  const openai = (request: string): number => priced.total('openai', 'gpt-4o', { 'gen_ai.request.model': request })
  expect(openai('us.gpt.4o')).toBe(openai('gpt-4o'))
})

test('a fee for each request is charged where nobody counts requests, once', () => {
  const priced = new Priced()
  const tokens = 1
  const total = (more: Attributes): number => priced.total('perplexity', 'sonar', more) / 1e12
  expect(total({})).toBe(tokens + 0.005)
  expect(priced.bench.batch.usage[unit.requests]).toBe(1)
  expect(total({ 'gen_ai.request.search_context_size': 'high' })).toBe(tokens + 0.012)
  expect(total({ 'gen_ai.usage.requests': 3 })).toBe(tokens + 0.015)
  priced.total('groq', 'llama-3.3-70b-versatile')
  expect(priced.bench.batch.usage[unit.requests]).toBeNaN()
})

test('a deployment is of the kind that its owner says, in the time for which it is said', () => {
  const alias = (name: string, model: string, validFrom: string | null, validTo: string | null) => ({
    id: `own/${name}/${model}`,
    provider: 'azure.ai.openai',
    name,
    to: null,
    model,
    validFrom,
    validTo,
    recordedAt: '2026-01-01T00:00:00Z',
  })
  const moved = '2026-06-01T00:00:00Z'
  const aliases = [
    alias('chat', 'eu/gpt-4.1', null, moved),
    alias('chat', 'gpt-4.1', moved, null),
    alias('reserved', 'provisioned/gpt-4.1', null, null),
  ]
  const own = new PriceBook(loadPriceBook(), { aliases })
  const priced = new Priced(own)
  const total = (request: string, startMs: number): number =>
    priced.total('azure.ai.openai', 'gpt-4.1-2025-04-14', { 'gen_ai.request.model': request }, startMs) / 1e12
  const before = Date.parse('2026-05-31T12:00:00Z')
  const after = Date.parse('2026-06-02T12:00:00Z')
  expect(total('chat', before)).toBe(2.2)
  expect(total('chat', after)).toBe(2)
  expect(total('chat', before)).toBe(2.2)
  expect(total('other', after)).toBe(2)
  expect(total('reserved', after)).toBeNaN()
  // Of another project's book nothing is left.
  priced.use(book)
  expect(total('chat', before)).toBe(2)
})
