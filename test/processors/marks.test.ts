// A span from a scope nobody knows is read by what its attributes give away.

import { describe, expect, test } from 'vitest'
import { cost } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { type Attributes, Double, tracesRequest } from '../otlp-messages.ts'

const bench = new Bench()
const read = (attributes: Attributes, scope = 'somebody.unknown') =>
  bench.rows(tracesRequest({ scope, spans: [{ attributes }] }))[0]!

describe('dialect by attributes', () => {
  const cases: readonly {
    readonly name: string
    readonly attributes: Attributes
    readonly want: Record<string, unknown>
  }[] = [
    {
      name: 'an emitter that nobody knows, with names of its own',
      attributes: {
        model: 'gpt-4o',
        provider: 'openai',
        prompt_tokens: 100,
        completion_tokens: 9,
        cached_tokens: 40,
        'gen_ai.usage.details.reasoning_tokens': 3,
      },
      want: {
        kind: 'llm',
        request_model: 'gpt-4o',
        usage: { input: 100, output: 9, cacheRead: 40, reasoning: 3 },
        usage_rule: 'inclusive:convention',
      },
    },
    {
      name: 'the same without a word of the conventions',
      attributes: { model: 'gpt-4o', input_tokens: '100', output_tokens: 9, cache_read_tokens: 40 },
      want: { kind: 'llm', usage: { input: 100, output: 9, cacheRead: 40 }, usage_rule: 'inclusive:assumed' },
    },
    {
      name: 'conventions up to 1.36, whose text is silent on cached tokens',
      attributes: {
        'gen_ai.system': 'openai',
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.prompt_tokens': 100,
        'gen_ai.usage.completion_tokens': 9,
        'gen_ai.usage.cache_read_input_tokens': 40,
      },
      want: {
        dialect: 'otel-semconv-legacy',
        provider: 'openai',
        kind: 'llm',
        usage: { input: 100, output: 9, cacheRead: 40 },
        usage_rule: 'inclusive:assumed',
      },
    },
    {
      name: 'the same with a total that proves the cache is outside',
      attributes: {
        'gen_ai.system': 'anthropic',
        'gen_ai.request.model': 'claude-sonnet-4-5',
        'gen_ai.usage.prompt_tokens': 100,
        'gen_ai.usage.completion_tokens': 9,
        'gen_ai.usage.total_tokens': 149,
        'gen_ai.usage.cache_read_input_tokens': 40,
      },
      want: {
        dialect: 'otel-semconv-legacy',
        kind: 'llm',
        usage: { input: 140, output: 9, cacheRead: 40 },
        usage_rule: 'exclusive:arithmetic',
      },
    },
    {
      name: 'the conventions, by their provider name, whatever older name is beside it',
      attributes: {
        'gen_ai.system': 'azure',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'prod',
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.output_tokens': 9,
        'gen_ai.usage.cache_write.input_tokens': 40,
      },
      want: {
        dialect: 'otel-semconv',
        provider: 'azure.ai.openai',
        usage: { input: 100, output: 9, cacheWrite: 40 },
        usage_rule: 'inclusive:convention',
      },
    },
    {
      name: 'OpenInference beside the conventions',
      attributes: {
        'openinference.span.kind': 'LLM',
        'llm.model_name': 'gpt-4o',
        'llm.provider': 'openai',
        'llm.token_count.prompt': 7,
        'llm.token_count.completion': 2,
        'gen_ai.operation.name': 'chat',
      },
      want: { dialect: 'openinference', kind: 'llm', request_model: 'gpt-4o', usage: { input: 7, output: 2 } },
    },
    {
      name: 'Langfuse beside the conventions',
      attributes: {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.model.name': 'gpt-4o',
        'langfuse.observation.usage_details': '{"input":7,"output":2,"cache_read_input_tokens":3}',
        'gen_ai.request.model': 'gpt-4o',
      },
      want: { dialect: 'langfuse', kind: 'llm', usage: { input: 10, output: 2, cacheRead: 3 } },
    },
    {
      name: 'a workflow of OpenLLMetry',
      attributes: {
        'traceloop.span.kind': 'workflow',
        'traceloop.workflow.name': 'answer',
        'traceloop.association.properties.user_id': 'jane',
      },
      want: { dialect: 'openllmetry', kind: 'workflow', feature: 'answer', user_id: 'jane' },
    },
    {
      name: 'nothing of the kind',
      attributes: { 'http.request.method': 'GET' },
      want: { kind: 'other', attributes: { 'http.request.method': 'GET' } },
    },
  ]
  test.each(cases)('$name', ({ attributes, want }) => {
    expect(read(attributes)).toMatchObject(want)
  })

  test('a span of no dialect says so', () => {
    expect(read({ 'http.request.method': 'GET' })).not.toHaveProperty('dialect')
  })
})

describe('values as senders write them', () => {
  test.each([
    { name: 'a number as text', value: '42', want: { usage: { input: 42 } } },
    { name: 'a double', value: 42.0, want: { usage: { input: 42 } } },
    { name: 'a negative number', value: -1, want: { bad_usage: true } },
    { name: 'a fraction', value: 1.5, want: { bad_usage: true } },
    { name: 'text that is no number', value: '1,234', want: { bad_usage: true } },
    { name: 'a number no call can have', value: 10n ** 18n, want: { bad_usage: true } },
  ])('$name', ({ value, want }) => {
    const row = read({
      'gen_ai.provider.name': 'openai',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': value,
    })
    expect(row).toMatchObject(want)
    if ('bad_usage' in want) expect(row['attributes']).toHaveProperty('gen_ai.usage.input_tokens')
  })

  test('a key sent twice: the last one counts and is the only one kept', () => {
    const body = tracesRequest({
      spans: [{ attributes: { 'gen_ai.provider.name': 'openai', 'app.x': 'first', 'app.y': 'kept' } }],
    })
    const text = Buffer.from(body)
    // `app.y` becomes a second `app.x`.
    text.write('app.x', text.indexOf('app.y'))
    expect(bench.rows(new Uint8Array(text))[0]).toMatchObject({ attributes: { 'app.x': 'kept' } })
  })

  test('an error without usage has its class, from status, type or message', () => {
    const spans = [
      { status: { code: 2 }, attributes: { 'error.type': '429' } },
      { spanId: '1'.repeat(16), status: { code: 2, message: 'Request timed out.' } },
      {
        spanId: '2'.repeat(16),
        status: { code: 2 },
        events: [
          {
            name: 'exception',
            attributes: { 'exception.type': 'openai.AuthenticationError', 'exception.message': 'no' },
          },
        ],
      },
      { spanId: '3'.repeat(16), attributes: { 'gen_ai.response.finish_reasons': ['content_filter'] } },
    ]
    expect(bench.rows(tracesRequest({ spans })).map((row) => [row['status'], row['failure_class']])).toEqual([
      ['error', 'rate_limit'],
      ['error', 'timeout'],
      ['error', 'auth'],
      ['ok', 'content_filter'],
    ])
  })

  test('absurd times are clamped and what was sent is kept', () => {
    bench.rows(
      tracesRequest({
        spans: [
          { startMs: 0, durationMs: 1 },
          { spanId: '1'.repeat(16), startMs: Date.UTC(2200, 0, 1) },
        ],
      }),
    )
    const { batch } = bench
    expect([batch.startClamped[0], batch.startClamped[1]]).toEqual([1, 1])
    expect(batch.sentStart.get(1)).toBe(`${Date.UTC(2200, 0, 1)}000000`)
  })
})

describe('numbers that cannot be', () => {
  const langfuse = (attributes: Attributes) => {
    const row = read({ 'langfuse.observation.type': 'generation', ...attributes }, 'langfuse-sdk')
    const amount = (column: number) => bench.batch.costs[column]!
    return { row, total: amount(cost.total), cacheRead: amount(cost.cacheRead), cacheWrite: amount(cost.cacheWrite) }
  }

  test('an amount beyond what a call can cost is no charge', () => {
    const charge = (details: object) => langfuse({ 'langfuse.observation.cost_details': JSON.stringify(details) }).total
    expect(charge({ total: 1e9 })).toBeNaN()
    expect(charge({ input: 8000, output: 8000 })).toBeNaN()
    expect(charge({ total: 0.25 })).toBe(0.25e12)
    expect(charge({ total: 1e9, input: 0.25 })).toBe(0.25e12)
  })

  test('parts of a charge go to the columns of their kind', () => {
    const details = { input: 1, input_cached_tokens: 2, cache_creation_input_tokens: 3 }
    expect(langfuse({ 'langfuse.observation.cost_details': JSON.stringify(details) })).toMatchObject({
      total: 6e12,
      cacheRead: 2e12,
      cacheWrite: 3e12,
    })
  })

  test.each([1e300, 1e16, 0.5, -1])('a count of %d is bad usage, wherever it stands', (count) => {
    const details = JSON.stringify({ input: count, output: 1 })
    expect(langfuse({ 'langfuse.observation.usage_details': details }).row).toMatchObject({ bad_usage: true })
    expect(langfuse({ 'langfuse.observation.usage_details': details }).row['usage']).not.toMatchObject({ input: count })
    const sent = new Double(count)
    const plain = { 'gen_ai.provider.name': 'openai', 'gen_ai.usage.output_tokens': 1 }
    expect(read({ ...plain, 'gen_ai.usage.input_tokens': sent })).toMatchObject({ bad_usage: true })
  })
})

test('the environment is the one under the current name, whatever stands first', () => {
  const names = [
    ['deployment.environment', 'old'],
    ['deployment.environment.name', 'new'],
  ] as const
  for (const order of [names, names.toReversed()]) {
    const [row] = bench.rows(tracesRequest({ resource: Object.fromEntries(order), spans: [{ name: 'one' }] }))
    expect(row).toMatchObject({ env: 'new' })
  }
})

test('a message that is no text does not become the status message', () => {
  const exception = (message: Attributes[string]) =>
    bench.rows(
      tracesRequest({
        spans: [{ status: { code: 2 }, events: [{ name: 'exception', attributes: { 'exception.message': message } }] }],
      }),
    )[0]
  expect(exception('out of tokens')).toMatchObject({ status_message: 'out of tokens' })
  expect(exception(['out', 'of'])).not.toHaveProperty('status_message')
})

test('a scope that everybody shares is a dialect’s own only for spans that tell of generative AI', () => {
  const call: Attributes = {
    'gen_ai.system': 'anthropic',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'claude-sonnet-4-5',
    'gen_ai.usage.input_tokens': '100',
    'gen_ai.usage.cache_read.input_tokens': '40',
    'gen_ai.usage.output_tokens': '9',
    'gen_ai.usage.total_tokens': '109',
  }
  expect(read(call, 'org.springframework.boot')).toMatchObject({
    dialect: 'spring-ai',
    usage: { input: 140, output: 9, cacheRead: 40 },
    usage_rule: 'exclusive:emitter',
  })
  expect(read({ 'http.url': 'http://localhost', status: '200' }, 'org.springframework.boot')).not.toHaveProperty(
    'dialect',
  )
})

test('tokens counted for the asking are no call', () => {
  const counted = {
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude-sonnet-4-5',
    'anthropic.message.count_tokens.input_tokens': 4300,
  }
  expect(read(counted, 'com.anthropic.sdk.typescript')).toMatchObject({ kind: 'other' })
})
