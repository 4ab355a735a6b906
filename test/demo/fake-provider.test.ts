// The pretended provider is judged by the official clients, and its invoice by arithmetic worked by hand.

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FakeProvider } from '../../deploy/demo/fake-provider.ts'
import { startFakeProvider } from '../../deploy/demo/fake-provider.ts'
import { handbook } from '../../deploy/demo/handbook.ts'
import { chargePicoUsd } from '../../deploy/demo/invoice.ts'

let provider: FakeProvider
let openai: OpenAI
let anthropic: Anthropic

beforeAll(async () => {
  provider = await startFakeProvider('test')
  openai = new OpenAI({ baseURL: provider.openaiUrl, apiKey: 'x', maxRetries: 1 })
  anthropic = new Anthropic({ baseURL: provider.anthropicUrl, apiKey: 'x', maxRetries: 1, openTelemetry: false })
})

afterAll(() => provider.close())

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

const billed = (id: string) => provider.invoice.find(({ responseId }) => responseId === id)

describe('OpenAI', () => {
  const question = (system: string) => ({
    model: 'gpt-4o-mini',
    messages: [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: 'hello' },
    ],
  })

  test('a long prompt seen before is cached in steps of 128 tokens, and billed so', async () => {
    const first = await openai.chat.completions.create(question(handbook))
    const second = await openai.chat.completions.create(question(handbook))
    expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
    const cached = second.usage?.prompt_tokens_details?.cached_tokens ?? 0
    const prompt = second.usage?.prompt_tokens ?? 0
    expect(cached).toBe(Math.floor(prompt / 128) * 128)
    expect(billed(second.id)).toMatchObject({
      model: 'gpt-4o-mini-2024-07-18',
      isStream: false,
      usage: { input: prompt - cached, cacheRead: cached, output: second.usage?.completion_tokens },
    })
  })

  test('a short prompt is never cached', async () => {
    await openai.chat.completions.create(question('short'))
    const again = await openai.chat.completions.create(question('short'))
    expect(again.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
  })

  test('reasoning is a part of the output', async () => {
    const { usage, id } = await openai.chat.completions.create({ ...question('short'), model: 'o4-mini' })
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(448)
    expect(usage?.completion_tokens).toBeGreaterThan(448)
    expect(billed(id)?.usage.output).toBe(usage?.completion_tokens)
  })

  test('a stream ends with its usage when asked, and is billed either way', async () => {
    for (const include_usage of [true, false]) {
      const request = { ...question('short'), stream: true as const, stream_options: { include_usage } }
      const chunks = await collect(await openai.chat.completions.create(request))
      const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
      expect(text).toContain('hello')
      const line = billed(chunks[0]?.id ?? '')
      expect(line?.isStream).toBe(true)
      const output = include_usage ? line?.usage.output : undefined
      expect(chunks.at(-1)?.usage?.completion_tokens).toBe(output)
    }
  })

  test('a streamed response of the Responses API ends with its usage', async () => {
    const stream = await openai.responses.create({ model: 'gpt-4.1', input: 'hello', stream: true })
    const last = (await collect(stream)).at(-1)
    if (last?.type !== 'response.completed') throw new Error(`the stream ended with ${last?.type}`)
    expect(last.response.output).toMatchObject([{ type: 'message', status: 'completed' }])
    expect(billed(last.response.id)?.usage).toMatchObject({
      input: last.response.usage?.input_tokens,
      output: last.response.usage?.output_tokens,
    })
  })

  test('a tool is called until its result is there', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'get_order', parameters: {} } }]
    const { choices } = await openai.chat.completions.create({ ...question('short'), tools })
    expect(choices[0]?.finish_reason).toBe('tool_calls')
    const [call] = choices[0]?.message.tool_calls ?? []
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_order' } })
    const messages = [
      ...question('short').messages,
      { role: 'assistant' as const, content: null, tool_calls: call === undefined ? [] : [call] },
      { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'shipped' },
    ]
    const answer = await openai.chat.completions.create({ model: 'gpt-4o-mini', messages, tools })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
  })

  test('embeddings are billed by their input alone', async () => {
    const { data, usage } = await openai.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'] })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([4, 4])
    expect(provider.invoice.at(-1)).toMatchObject({
      responseId: null,
      usage: { input: usage.prompt_tokens, output: 0 },
    })
  })

  test('a failed request is not billed; the retry after it is, once', async () => {
    const before = provider.invoice.length
    const failing = { headers: { 'x-fake-status': '429' } }
    await expect(openai.chat.completions.create(question('short'), failing)).rejects.toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
    })
    expect(provider.invoice.length).toBe(before)
    const passing = { headers: { 'x-fake-status': '429', 'x-fake-failing-attempts': '1' } }
    await openai.chat.completions.create(question('short'), passing)
    expect(provider.invoice.length).toBe(before + 1)
    // Both attempts of the first, one of the second.
    expect(provider.failures.get(429)).toBe(3)
  })

  test('a model that is not sold does not exist', async () => {
    await expect(openai.chat.completions.create({ ...question('x'), model: 'gpt-9' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
  })
})

describe('Anthropic', () => {
  const request = {
    model: 'claude-sonnet-4-6',
    max_tokens: 64,
    system: [
      { type: 'text' as const, text: handbook, cache_control: { type: 'ephemeral' as const, ttl: '1h' as const } },
      { type: 'text' as const, text: 'Be kind.', cache_control: { type: 'ephemeral' as const } },
    ],
    messages: [{ role: 'user' as const, content: 'hello' }],
  }

  test('marked parts of the prompt are written to the cache by lifetime, then read from it', async () => {
    // Streamed: the split by lifetime comes in message_start alone.
    const written = await anthropic.messages.stream(request).finalMessage()
    const split = written.usage.cache_creation
    expect(split?.ephemeral_1h_input_tokens).toBeGreaterThan(1024)
    expect(split?.ephemeral_5m_input_tokens).toBeGreaterThan(0)
    expect(billed(written.id)).toMatchObject({
      isStream: true,
      usage: {
        input: written.usage.input_tokens,
        cacheRead: 0,
        cacheWrite5m: split?.ephemeral_5m_input_tokens,
        cacheWrite1h: split?.ephemeral_1h_input_tokens,
        output: written.usage.output_tokens,
      },
    })
    const read = await anthropic.messages.create(request)
    expect(read.usage).toMatchObject({
      input_tokens: written.usage.input_tokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: written.usage.cache_creation_input_tokens,
    })
    expect(billed(read.id)?.usage.cacheRead).toBe(read.usage.cache_read_input_tokens)
  })

  test('a tool is called until its result is there', async () => {
    const tools = [{ name: 'get_order', input_schema: { type: 'object' as const } }]
    const asked = await anthropic.messages.create({ ...request, tools })
    expect(asked.stop_reason).toBe('tool_use')
    const [block] = asked.content
    if (block?.type !== 'tool_use') throw new Error('no tool was called')
    const result = { type: 'tool_result' as const, tool_use_id: block.id, content: 'shipped' }
    const messages = [
      ...request.messages,
      { role: 'assistant' as const, content: asked.content },
      { role: 'user' as const, content: [result] },
    ]
    const answer = await anthropic.messages.create({ ...request, tools, messages })
    expect(answer.stop_reason).toBe('end_turn')
  })

  test('an overloaded provider is asked again and bills once', async () => {
    const before = provider.invoice.length
    const headers = { 'x-fake-status': '529', 'x-fake-failing-attempts': '1' }
    await anthropic.messages.create(request, { headers })
    expect(provider.invoice.length).toBe(before + 1)
    await expect(
      anthropic.messages.create(request, { headers: { 'x-fake-status': '429' }, maxRetries: 0 }),
    ).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect(provider.invoice.length).toBe(before + 1)
  })
})

describe('rates', () => {
  const usage = { input: 1000, cacheRead: 1000, cacheWrite5m: 0, cacheWrite1h: 0, output: 1000 }
  const written = { input: 1000, cacheRead: 1000, cacheWrite5m: 1000, cacheWrite1h: 1000, output: 1000 }
  const cases = [
    // USD for a thousand tokens of each kind, in pico-USD: (0.15 + 0.075 + 0.60) / 1000, and so on.
    { model: 'gpt-4o-mini', usage, want: 825_000_000n },
    { model: 'gpt-4.1', usage, want: 10_500_000_000n },
    { model: 'o4-mini', usage, want: 5_775_000_000n },
    { model: 'claude-sonnet-4-6', usage: written, want: 28_050_000_000n },
    { model: 'claude-haiku-4-5', usage: written, want: 9_350_000_000n },
  ]
  for (const { model, usage: counts, want } of cases)
    test(`${model} is charged by its published prices`, () => expect(chargePicoUsd(model, counts)).toBe(want))
})
