// A provider's own usage object, passed on by whoever recorded the call, gives the counts that the provider bills.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseConditions } from '../../processors/pricing/conditions.ts'
import { countedElsewhere, unitOf } from '../../processors/pricing/usage-names.ts'
import { providerUsage } from '../../processors/provider-usage.ts'
import { cost } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { tracesRequest } from '../otlp-messages.ts'

interface Vector {
  readonly id: string
  readonly model: string
  readonly usage_raw_form: string
  readonly usage_raw: Readonly<Record<string, unknown>>
  readonly context?: Readonly<Record<string, string>>
  readonly usage: Readonly<Record<string, number>>
}

const vectors = JSON.parse(
  readFileSync(new URL('../fixtures/provider-usage/vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[]

const bench = new Bench()

/** Counts and conditions of a call whose whole answer MLflow passed on, zeros left out. */
function read(answer: object, model = 'm') {
  const attributes = {
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.llm.model': JSON.stringify(model),
    'mlflow.spanOutputs': JSON.stringify(answer),
  }
  const row = bench.rows(tracesRequest({ scope: 'mlflow', spans: [{ attributes }] }))[0]!
  const usage = Object.entries((row['usage'] ?? {}) as Record<string, number>).filter(([, count]) => count !== 0)
  const told = Object.entries(parseConditions(bench.normaliser.conditions.text(bench.batch.condition[0]!)))
  return {
    row,
    usage: Object.fromEntries(usage),
    conditions: Object.fromEntries(told.filter(([, value]) => value !== '')),
    reported: bench.batch.costs[cost.reported]!,
  }
}

/** `CompletionTokens` and `completion_tokens` are one word to the readers; SDKs write either. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      camelCased(each),
    ]),
  )
}

function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCased(each),
    ]),
  )
}

describe('price vectors, from what the provider answered', () => {
  test('there are twenty', () => expect(vectors).toHaveLength(20))

  test.each(vectors.map((each) => [`${each.id} ${each.usage_raw_form}`, each] as const))('%s', (_, vector) => {
    const expected: Record<string, number> = {}
    for (const [name, count] of Object.entries(vector.usage)) {
      const unit = unitOf(name)
      if (unit === undefined) expect(Object.keys(countedElsewhere)).toContain(name)
      else if (count !== 0) expected[unit] = count
    }
    const { usage, conditions, row } = read({ type: 'answer', usage: vector.usage_raw }, vector.model)
    expect(usage).toEqual(expected)
    expect(row['bad_usage']).toBeUndefined()
    const { inference_geo, service_tier } = vector.context ?? {}
    if (inference_geo !== undefined) expect(conditions).toMatchObject({ dataResidency: inference_geo })
    if (service_tier !== undefined) expect(conditions).toMatchObject({ serviceTier: service_tier })
  })

  test.each(vectors.filter(({ usage_raw_form: form }) => form.startsWith('gemini')))('$id in snake case', (vector) => {
    expect(providerUsage(snakeCased(vector.usage_raw) as Vector['usage_raw'])).toEqual(providerUsage(vector.usage_raw))
  })
})

describe('usage of further providers', () => {
  test.each<[string, object, object]>([
    [
      'xAI: reasoning beside the output, the bill in ticks',
      {
        prompt_tokens: 10,
        completion_tokens: 4,
        total_tokens: 20,
        completion_tokens_details: { reasoning_tokens: 6 },
        cost_in_usd_ticks: 5,
        server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 1, code_interpreter_calls: 0 },
      },
      { input: 10, output: 10, reasoning: 6, webSearch: 3 },
    ],
    [
      'OpenAI: less reasoning than output, within it',
      {
        prompt_tokens: 10,
        completion_tokens: 9,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 6 },
      },
      { input: 10, output: 9, reasoning: 6 },
    ],
    [
      'OpenRouter',
      {
        prompt_tokens: 100,
        completion_tokens: 9,
        total_tokens: 109,
        cost: 0.5,
        is_byok: false,
        prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 20, audio_tokens: 0, video_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 4, image_tokens: 2 },
      },
      { input: 100, output: 9, cacheRead: 40, cacheWrite: 20, inputVideo: 3, outputImage: 2, reasoning: 4 },
    ],
    ['a transcription by duration', { type: 'duration', seconds: 12.5 }, { audioSeconds: 12.5 }],
    [
      'a transcription by tokens',
      {
        type: 'tokens',
        input_tokens: 14,
        input_token_details: { text_tokens: 10, audio_tokens: 4 },
        output_tokens: 101,
        total_tokens: 115,
      },
      { input: 14, inputAudio: 4, output: 101 },
    ],
    [
      'Mistral OCR',
      { pages_processed: 120, pages_processed_annotation: 20, doc_size_bytes: 9 },
      { pages: 120, annotatedPages: 20 },
    ],
    [
      'Mistral with audio',
      { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9, prompt_audio_seconds: 7 },
      { input: 5, output: 4, audioSeconds: 7 },
    ],
    ['Voyage', { total_tokens: 26 }, { input: 26 }],
    [
      'Voyage, images',
      { text_tokens: 6, image_pixels: 2_000_000, total_tokens: 26 },
      { input: 26, imagePixels: 2_000_000 },
    ],
    ['Cohere rerank', { billed_units: { search_units: 3 } }, { searchUnit: 3 }],
    [
      'Bedrock InvokeModel',
      {
        inputTokenCount: 20,
        outputTokenCount: 5,
        cacheReadInputTokenCount: 100,
        invocationLatency: 9,
        firstByteLatency: 3,
      },
      { input: 120, output: 5, cacheRead: 100 },
    ],
    [
      'Bedrock Converse, writes by lifetime',
      {
        inputTokens: 20,
        outputTokens: 5,
        totalTokens: 125,
        cacheWriteInputTokens: 100,
        cacheDetails: [
          { ttl: '5m', inputTokens: 60 },
          { ttl: '1h', inputTokens: 40 },
        ],
      },
      { input: 120, output: 5, cacheWrite: 100, cacheWrite1h: 40 },
    ],
    [
      'LangChain’s usage_metadata',
      {
        input_tokens: 100,
        output_tokens: 30,
        total_tokens: 130,
        input_token_details: { cache_read: 40, cache_creation: 20, audio: 3 },
        output_token_details: { reasoning: 10 },
      },
      { input: 100, output: 30, cacheRead: 40, cacheWrite: 20, inputAudio: 3, reasoning: 10 },
    ],
    [
      'Anthropic, writes told by lifetime only, and a compaction on top',
      {
        input_tokens: 10,
        output_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 40 },
        iterations: [
          { type: 'compaction', input_tokens: 1000, output_tokens: 50 },
          { type: 'message', input_tokens: 10, output_tokens: 5 },
        ],
      },
      { input: 1080, output: 55, cacheWrite: 70, cacheWrite1h: 40 },
    ],
    [
      'Gemini by modality',
      {
        promptTokenCount: 100,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 10 },
          { modality: 'AUDIO', tokenCount: 30 },
          { modality: 'IMAGE', tokenCount: 20 },
          { modality: 'MediaModality.VIDEO', tokenCount: 40 },
        ],
        cachedContentTokenCount: 25,
        cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 25 }],
        candidatesTokenCount: 50,
        candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 50 }],
        thoughtsTokenCount: 7,
        trafficType: 'ON_DEMAND_FLEX',
      },
      {
        input: 100,
        inputAudio: 30,
        inputImage: 20,
        inputVideo: 40,
        cacheRead: 25,
        cacheReadAudio: 25,
        output: 57,
        outputImage: 50,
        reasoning: 7,
      },
    ],
  ])('%s', (_, usage, want) => {
    expect(read({ type: 'answer', usage }).usage).toEqual(want)
  })

  test('what it was served under and charged', () => {
    const tokens = { input_tokens: 1, output_tokens: 1 }
    const answer = (usage: object) => read({ type: 'answer', usage: { ...tokens, ...usage } })
    expect(answer({ service_tier: 'priority', speed: 'fast', inference_geo: 'us' }).conditions).toEqual({
      serviceTier: 'priority',
      speed: 'fast',
      dataResidency: 'us',
    })
    // The next span says none of it.
    expect(answer({}).conditions).toEqual({})
    expect(answer({ promptTokenCount: 1, trafficType: 'ON_DEMAND_PRIORITY' }).conditions).toEqual({
      serviceTier: 'priority',
    })
    expect(answer({ num_search_queries: 1, search_context_size: 'high' }).conditions).toEqual({
      searchContextSize: 'high',
    })
    expect(answer({ cost_in_usd_ticks: 232_856_000 })).toMatchObject({
      reported: 23_285_600_000,
      row: { reported_cost_source: 'x_ai.usage.cost_in_usd_ticks' },
    })
    expect(answer({ cost: 0.25, is_byok: false })).toMatchObject({
      reported: 0.25e12,
      row: { reported_cost_source: 'openrouter.usage.cost' },
    })
    expect(answer({ num_search_queries: 1, cost: { total_cost: 0.006 } }).reported).toBe(0.006e12)
  })

  test('searches, files and sessions that an answer lists', () => {
    const output = [
      { type: 'web_search_call' },
      { type: 'web_search_call' },
      { type: 'file_search_call' },
      { type: 'code_interpreter_call', container_id: 'cntr_1' },
      { type: 'code_interpreter_call', container_id: 'cntr_1' },
    ]
    expect(read({ object: 'response', output, usage: { input_tokens: 9, output_tokens: 1 } }).usage).toEqual({
      input: 9,
      output: 1,
      webSearch: 2,
      fileSearch: 1,
      codeSession: 1,
    })
  })

  test('a grounded prompt of Gemini is billed once before 3, and by the query since', () => {
    const grounded = (modelVersion: string) =>
      read({
        responseId: 'r',
        modelVersion,
        candidates: [{ groundingMetadata: { webSearchQueries: ['a', 'b', 'c'] } }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
      }).usage
    expect(grounded('gemini-2.5-pro')).toEqual({ input: 10, output: 5, groundedRequest: 1 })
    expect(grounded('gemini-3.1-pro-preview')).toEqual({ input: 10, output: 5, webSearchQuery: 3 })
  })

  test('keys in the other case are the same keys', () => {
    const usage = { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens: 2 }
    const camel = camelCased({ prompt_tokens_details: usage.prompt_tokens_details }) as object
    expect(providerUsage({ prompt_tokens: 10, completion_tokens: 2, ...camel })?.counts).toEqual(
      providerUsage(usage)?.counts,
    )
  })

  test('what the Vercel AI SDK passes on beside its own counts', () => {
    const vercel = (metadata: object, more: object = {}) => {
      const attributes = {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.id': 'gemini-2.5-pro',
        'ai.usage.inputTokens': 10,
        'ai.usage.outputTokens': 5,
        'ai.response.providerMetadata': JSON.stringify(metadata),
        ...more,
      }
      return bench.rows(tracesRequest({ scope: 'ai', spans: [{ attributes }] }))[0]!['usage']
    }
    const lifetimes = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 40 }
    const anthropic = { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 70, cache_creation: lifetimes }
    expect(
      vercel(
        { anthropic: { usage: { ...anthropic, server_tool_use: { web_search_requests: 2 } } } },
        { 'ai.model.provider': 'anthropic.messages' },
      ),
    ).toEqual({ input: 80, output: 5, cacheWrite: 70, cacheWrite1h: 40, webSearch: 2 })
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7 }
    expect(vercel({ google: { usageMetadata, groundingMetadata: { webSearchQueries: ['a'] } } })).toEqual({
      input: 10,
      output: 12,
      reasoning: 7,
      groundedRequest: 1,
    })
    expect(vercel({ perplexity: { usage: { citationTokens: 8, numSearchQueries: 3 } } })).toEqual({
      input: 10,
      output: 13,
      citation: 8,
      searchQuery: 3,
    })
  })

  test('LangChain tells cache writes by lifetime and leaves their total at 0', () => {
    const input_token_details = {
      cache_read: 0,
      cache_creation: 0,
      ephemeral_5m_input_tokens: 3,
      ephemeral_1h_input_tokens: 4,
    }
    expect(providerUsage({ input_tokens: 10, output_tokens: 2, input_token_details })?.counts).toEqual(
      expect.objectContaining({ inputTokens: 10, cacheWriteTokens: 7, cacheWrite1hTokens: 4 }),
    )
  })

  test('an object without counts is no usage', () => {
    expect(providerUsage({ model: 'x', latency: 3 })).toBeUndefined()
  })
})
