// What senders say a call cost: under every name and in every unit kept beside ours, and the charge only where it was said to be.

import { describe, expect, test } from 'vitest'
import { Ledger } from '../../processors/ledger.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { cost, low } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { type Attributes, Double, type SpanInput, tracesRequest } from '../otlp-messages.ts'
import { entry } from '../pricing/cards.ts'

const book = new PriceBook([
  { provider: 'x_ai', entries: [entry('x_ai/grok#1', ['grok'], { input: '2', output: '6' })] },
  { provider: 'deepseek', entries: [entry('deepseek/v4#1', ['v4'], { input: '2', output: '8' }, { currency: 'CNY' })] },
])

const usual: Attributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'xai',
  'gen_ai.request.model': 'grok',
  'gen_ai.usage.input_tokens': 1000,
  'gen_ai.usage.output_tokens': 100,
}

/** Status and amounts of one span; ours is 0.0026 USD. A failed one has no usage. */
function priced(attributes: Attributes, charge: readonly string[] = [], span: SpanInput = {}, scope = 'test') {
  const bench = new Bench()
  const sent: Record<string, Attributes[string]> = { ...usual, ...attributes }
  if (span.status?.code === 2) for (const name of Object.keys(sent)) if (name.endsWith('_tokens')) delete sent[name]
  bench.rows(tracesRequest({ scope, spans: [{ attributes: sent, ...span }] }))
  const { batch, strings } = bench
  const { conditions } = bench.normaliser
  new Ledger({ book, batch, strings, charge: bench.charge, conditions, chargeSources: new Set(charge) }).run()
  const amount = (slot: number) => {
    const pico = batch.costs[slot]!
    return Number.isNaN(pico) ? null : formatPicoUsd(pico)
  }
  const word = (column: number) => strings.text(batch.low[column]![0]!)
  return {
    status: word(low.cost_status),
    reason: word(low.cost_reason),
    total: amount(cost.total),
    reported: amount(cost.reported),
    computed: amount(cost.computed),
    source: word(low.reported_cost_source),
    entry: word(low.price_entry),
    parts: [cost.input, cost.cacheRead, cost.cacheWrite, cost.output, cost.other].map(amount),
  }
}

const ours = { status: 'priced', reason: '', total: '0.0026', computed: null, entry: 'x_ai/grok#1' }

describe('kept beside ours', () => {
  test.each<[string, Attributes[string], string]>([
    ['gen_ai.usage.cost', 0.0031, '0.0031'],
    ['gen_ai.usage.cost', '0.0031', '0.0031'],
    ['gen_ai.usage.cost.amount', new Double(3), '3'],
    ['gen_ai.usage.total_cost', 0.000000000001, '0.000000000001'],
    ['gen_ai.cost.total_cost', 0.0031, '0.0031'],
    ['gen_ai.cost.total_tokens', 0.0031, '0.0031'],
    ['llm.cost.total', 0.0031, '0.0031'],
    ['operation.cost', 0.0031, '0.0031'],
    ['trace.metadata.openrouter_generation.usage', 0.0031, '0.0031'],
    ['http.response.header.x-litellm-response-cost', ['3.1e-05'], '0.000031'],
    // xai-002 of the price vectors: ticks of 10^-10 USD.
    ['gen_ai.usage.cost_in_usd_ticks', 232_856_000, '0.0232856'],
    ['xai.usage.cost_in_usd_ticks', '1', '0.0000000001'],
  ])('%s = %j is %s USD', (attribute, value, reported) => {
    expect(priced({ [attribute]: value })).toMatchObject({ ...ours, reported, source: attribute })
  })

  test('ticks, which are the bill, win over an estimate', () => {
    const both = priced({ 'gen_ai.usage.cost': 9, 'gen_ai.usage.cost_in_usd_ticks': 10_000_000_000 })
    expect(both).toMatchObject({ reported: '1', source: 'gen_ai.usage.cost_in_usd_ticks' })
  })

  test.each<[string, Attributes]>([
    ['of another currency', { 'gen_ai.usage.cost.amount': 2, 'gen_ai.usage.cost.currency': 'EUR' }],
    ['that is no money', { 'github.copilot.cost': 2 }],
    ['below zero', { 'gen_ai.usage.cost': -1 }],
    ['of a fraction of a tick', { 'gen_ai.usage.cost_in_usd_ticks': 0.5 }],
    ['that is a word', { 'gen_ai.usage.cost': 'cheap' }],
    ['of two values', { 'http.response.header.x-litellm-response-cost': ['1', '2'] }],
  ])('nothing %s', (_, attributes) => {
    expect(priced(attributes)).toMatchObject({ ...ours, reported: null, source: '' })
  })

  test.each([
    [{ openrouter: { usage: { cost: 0.0042 } } }, '0.0042'],
    [{ gateway: { cost: '0.0042' } }, '0.0042'],
    [{ xai: { costInUsdTicks: 42_000_000 } }, '0.0042'],
    [{ openai: {} }, null],
  ])('what providers tell the Vercel AI SDK: %j', (metadata, reported) => {
    const sent = {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.response.providerMetadata': JSON.stringify(metadata),
    }
    expect(priced(sent, [], {}, 'ai').reported).toBe(reported)
  })
})

describe('as the charge', () => {
  const sent = { 'gen_ai.usage.cost': 0.0031 }
  const stands = { status: 'reported', total: '0.0031', reported: '0.0031', computed: '0.0026', entry: 'x_ai/grok#1' }

  test.each([[['x_ai']], [['gen_ai.usage.cost']], [['other', 'gen_ai.usage.cost']]])('named by %j', (charge) => {
    const found = priced(sent, charge)
    expect(found).toMatchObject({ ...stands, reason: '' })
    // Nobody knows how it splits.
    expect(found.parts).toEqual([null, null, null, null, null])
  })

  test.each([[['openrouter']], [['gen_ai.usage.cost.amount']], [[]]])('not named by %j', (charge) => {
    expect(priced(sent, charge)).toMatchObject({ ...ours, reported: '0.0031' })
  })

  test('without a price of ours, which the reason tells', () => {
    const unknown = priced({ ...sent, 'gen_ai.request.model': 'grok-next' }, ['x_ai'])
    expect(unknown).toMatchObject({ status: 'reported', total: '0.0031', computed: null, reason: 'unknown_model' })
  })

  test('a failed call is billed what it was charged, and not billed when that is nothing', () => {
    const error = { status: { code: 2 } }
    expect(priced(sent, ['x_ai'], error)).toMatchObject({
      status: 'reported',
      total: '0.0031',
      reason: '',
    })
    const free = priced({ 'gen_ai.usage.cost': 0 }, ['x_ai'], error)
    expect(free).toMatchObject({ status: 'not_billed', total: null, reason: 'failed_no_usage' })
  })

  test('a free call costs 0, not nothing', () => {
    expect(priced({ 'gen_ai.usage.cost': 0 }, ['x_ai'])).toMatchObject({
      status: 'reported',
      total: '0',
      computed: '0.0026',
    })
  })
})

describe("a user's own figure (Langfuse cost_details)", () => {
  const langfuse = (details: unknown, more: Attributes = {}) =>
    priced(
      {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.cost_details': JSON.stringify(details),
        ...more,
      },
      [],
      {},
      'langfuse-sdk',
    )

  test.each<[unknown, string, (string | null)[]]>([
    [{ input: 0.001, output: 0.002 }, '0.003', ['0.001', null, null, '0.002', null]],
    [{ input: 0.001, output: 0.002, total: 0.0025 }, '0.0025', ['0.001', null, null, '0.002', null]],
    [{ total: 0.5 }, '0.5', [null, null, null, null, null]],
    [{ total: 0 }, '0', [null, null, null, null, null]],
    [{ input: '0.001', output: '2e-3' }, '0.003', ['0.001', null, null, '0.002', null]],
    [{ prompt_tokens: 0.1, completion_tokens: 0.2 }, '0.3', ['0.1', null, null, '0.2', null]],
    [{ inputCost: 0.1, outputCost: 0.2, totalCost: 0.4 }, '0.4', ['0.1', null, null, '0.2', null]],
    [{ input_cost_usd: 0.1 }, '0.1', ['0.1', null, null, null, null]],
    [
      {
        input: 1,
        input_cached_tokens: 2,
        cache_read_input_tokens: 4,
        input_cache_creation: 8,
        cache_creation_input_tokens: 16,
        input_cache_creation_1h: 32,
        output: 64,
        output_reasoning_tokens: 128,
        input_audio_tokens: 256,
        web_search: 512,
      },
      '1023',
      ['257', '6', '56', '192', '512'],
    ],
    [{ cacheReadInputTokens: 1, cacheWrite: 2 }, '3', [null, '1', '2', null, null]],
    [{ input: 0.001, output: null }, '0.001', ['0.001', null, null, null, null]],
  ])('%j is %s', (details, total, parts) => {
    const source = 'langfuse.observation.cost_details'
    expect(langfuse(details)).toMatchObject({ status: 'reported', total, reported: total, parts, source })
  })

  test.each([[{}], [{ input: 'much', output: 0.1 }], [{ output: -1 }], [{ total: 'free' }], [[0.1]]])(
    '%j is none, and ours stands',
    (details) => {
      expect(langfuse(details)).toMatchObject({ status: 'priced', total: '0.0026', reported: null, computed: null })
    },
  )

  test('ours is kept beside it where the usage is known', () => {
    const usage = { 'langfuse.observation.usage_details': '{"input":1000,"output":100}' }
    expect(langfuse({ total: 0.5 }, usage)).toMatchObject({ total: '0.5', computed: '0.0026', entry: 'x_ai/grok#1' })
    const other = { ...usage, 'gen_ai.provider.name': 'deepseek', 'gen_ai.request.model': 'v4' }
    // Of another currency: not to be mixed.
    expect(langfuse({ total: 0.5 }, other)).toMatchObject({ total: '0.5', computed: null, entry: 'deepseek/v4#1' })
  })
})
