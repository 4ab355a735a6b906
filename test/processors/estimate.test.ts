// Calls without usage are counted from their content when that is switched on, and only where all of it can be counted.

import { beforeAll, describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadTokenizers } from '../../collector/tokenizer.ts'
import { type TokenizerFor, UsageEstimator } from '../../processors/estimate.ts'
import { Ledger } from '../../processors/ledger.ts'
import { messageText } from '../../processors/message-text.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { cost, low } from '../../schemas/span-batch.ts'
import { unit } from '../../schemas/usage.ts'
import { Bench } from '../batches.ts'
import { type Attributes, tracesRequest } from '../otlp-messages.ts'

let tokenizerFor: TokenizerFor
beforeAll(async () => {
  tokenizerFor = await loadTokenizers()
})

const book = new PriceBook(loadPriceBook())

/** The row of one call, priced with estimates switched on. */
function priced(attributes: Attributes, { isOn = true, status = {} } = {}): Record<string, unknown> {
  const bench = new Bench()
  const { batch, strings } = bench
  const ledger = new Ledger({
    book,
    batch,
    strings,
    charge: bench.charge,
    conditions: bench.normaliser.conditions,
    ...(isOn ? { estimator: new UsageEstimator(batch, strings, tokenizerFor) } : {}),
  })
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.response.model': 'gpt-4o-2024-08-06',
  }
  bench.rows(tracesRequest({ spans: [{ name: 'chat', attributes: { ...call, ...attributes }, status }] }))
  ledger.run()
  const word = (name: keyof typeof low): string => strings.text(batch.low[low[name]]![0]!)
  return {
    status: word('cost_status'),
    reason: word('cost_reason'),
    rule: word('usage_rule'),
    input: batch.usage[unit.input],
    output: batch.usage[unit.output],
    total: batch.costs[cost.total],
  }
}

const messages = (text: string): string => JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: text }] }])
const unknown = { status: 'unpriced', reason: 'no_usage', rule: '', input: Number.NaN, output: Number.NaN }

describe('an estimate', () => {
  // "hello world" is two tokens in o200k_base, "hello" one.
  const said = { 'gen_ai.input.messages': messages('hello world'), 'gen_ai.output.messages': messages('hello') }

  test('counts both sides and the frame of the chat, is priced by the card, and says what it is', () => {
    // 2 + 3 a message + 3 for the answer = 8 at 2.50, 1 at 10 USD a million.
    expect(priced(said)).toEqual({
      status: 'estimated',
      reason: '',
      rule: 'estimated:o200k_base',
      input: 8,
      output: 1,
      total: 8 * 2_500_000 + 10_000_000,
    })
  })

  test('is not made unless it is switched on', () => {
    expect(priced(said, { isOn: false })).toMatchObject(unknown)
  })

  test('is not made of a call that told its usage, of a failed one, or of one without a price', () => {
    expect(priced({ ...said, 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 5 })).toMatchObject({
      status: 'priced',
      input: 5,
    })
    expect(priced(said, { status: { code: 2 } })).toMatchObject({ status: 'not_billed', reason: 'failed_no_usage' })
    expect(priced({ ...said, 'gen_ai.response.model': 'house-model' })).toMatchObject({
      ...unknown,
      reason: 'no_usage',
    })
  })

  test('needs both sides, all of it text, and not too much of it', () => {
    expect(priced({ 'gen_ai.input.messages': messages('hello world') })).toMatchObject(unknown)
    expect(priced({ 'gen_ai.output.messages': messages('hello') })).toMatchObject(unknown)
    const picture = JSON.stringify([{ role: 'user', parts: [{ type: 'blob', content: 'aGVsbG8=' }] }])
    expect(priced({ ...said, 'gen_ai.input.messages': picture })).toMatchObject(unknown)
    expect(priced({ ...said, 'gen_ai.input.messages': messages('hello '.repeat(200_000)) })).toMatchObject(unknown)
  })

  test('reads messages that come as attributes with an index', () => {
    expect(
      priced({
        'gen_ai.prompt.0.role': 'user',
        'gen_ai.prompt.0.content': 'hello world',
        'gen_ai.completion.0.content': 'hello',
      }),
    ).toMatchObject({ status: 'estimated', input: 8, output: 1 })
  })

  test('of an embedding has no frame and no answer', () => {
    expect(
      priced({
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.response.model': 'text-embedding-3-small',
        'gen_ai.input.messages': 'hello world',
      }),
    ).toMatchObject({ status: 'estimated', rule: 'estimated:cl100k_base', input: 2, output: 0 })
  })
})

describe('the tokenizers', () => {
  // Published examples of tiktoken's cookbook.
  test.each([
    ['gpt-4o', 'o200k_base', 'お誕生日おめでとう', 8],
    ['gpt-4-turbo', 'cl100k_base', 'お誕生日おめでとう', 9],
    ['gpt-4-turbo', 'cl100k_base', 'antidisestablishmentarianism', 6],
    ['gpt-4.1-mini', 'o200k_base', '2 + 2 = 4', 7],
    ['ft:gpt-3.5-turbo-0125:acme::x', 'cl100k_base', '2 + 2 = 4', 7],
  ])('%s counts by %s', (model, name, text, tokens) => {
    const tokenizer = tokenizerFor('openai', model)
    expect([tokenizer?.name, tokenizer?.count(text)]).toEqual([name, tokens])
  })

  test('take special tokens for text, and long runs without a break in their stride', () => {
    const tokenizer = tokenizerFor('openai', 'gpt-4o')
    expect(tokenizer?.count('<|endoftext|>')).toBeGreaterThan(1)
    // Uncut it takes minutes, and this test its time limit.
    expect(tokenizer?.count('字'.repeat(200_000))).toBe(200_000)
  })
})

describe('text of messages', () => {
  test.each<[string, readonly string[] | null, number]>([
    ['plain words', ['plain words'], 1],
    ['{not json', ['{not json'], 1],
    ['[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]', ['a', 'b'], 2],
    ['{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}', ['a'], 1],
    ['[{"role":"user","parts":[{"type":"uri","modality":"image","uri":"https://x"}]}]', null, 0],
    ['[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]', null, 0],
    ['[{"role":"user","content":"data:image/png;base64,AAAA"}]', null, 0],
    [
      '[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"f","arguments":{"a":[1]}}]}]',
      ['f', '{"a":[1]}'],
      1,
    ],
  ])('%s', (content, texts, count) => {
    expect(messageText(content)).toEqual(texts === null ? null : { texts, messages: count })
  })
})
