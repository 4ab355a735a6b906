// Emitters that cannot be installed here, and providers that none was recorded with: their tables, over attributes written by hand.

import { expect, test } from 'vitest'
import { cost } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { type Attributes, Double, tracesRequest } from '../otlp-messages.ts'

const bench = new Bench()
const read = (attributes: Attributes, scope = 'somebody.unknown') =>
  bench.rows(tracesRequest({ scope, spans: [{ attributes }] }))[0]!

const tokens = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'm',
  'gen_ai.usage.input_tokens': '100',
  'gen_ai.usage.output_tokens': '50',
  'gen_ai.usage.total_tokens': '150',
}

test('Spring AI: text for numbers, and a total without the cache', () => {
  const spring = (system: string, more: Attributes = {}) =>
    read({
      ...tokens,
      'gen_ai.system': system,
      'spring.ai.model.request.tool.names': '[]',
      'gen_ai.usage.cache_read.input_tokens': '40',
      ...more,
    })
  expect(spring('anthropic')).toMatchObject({
    dialect: 'spring-ai',
    usage: { input: 140, output: 50, cacheRead: 40 },
    usage_rule: 'exclusive:convention',
  })
  expect(spring('bedrock_converse')['usage']).toMatchObject({ input: 140 })
  expect(spring('openai')['usage']).toMatchObject({ input: 100, cacheRead: 40 })
  expect(spring('google_genai', { 'gen_ai.usage.total_tokens': '170' })['usage']).toMatchObject({ output: 70 })
  expect(read({ 'spring.ai.kind': 'chat_client', 'gen_ai.operation.name': 'framework' })['kind']).toBe('workflow')
})

test('Microsoft.Extensions.AI counts inclusively, by its contract', () => {
  const scope = 'Experimental.Microsoft.Extensions.AI'
  const cached = { ...tokens, 'gen_ai.usage.cache_read.input_tokens': 40, 'gen_ai.provider.name': 'anthropic' }
  expect(read(cached, scope)).toMatchObject({ usage: { input: 100, cacheRead: 40 }, usage_rule: 'inclusive:emitter' })
  expect(read({ 'gen_ai.operation.name': 'orchestrate_tools' }, scope)['kind']).toBe('workflow')
})

test('OpenRouter: the charge, the wait and a failure by its level', () => {
  const row = read({
    ...tokens,
    'trace.metadata.openrouter.first_token_ms': 250,
    'trace.metadata.openrouter_generation.usage': new Double(0.25),
    'trace.metadata.openrouter_generation.usage_upstream': new Double(0.2),
    'gen_ai.usage.input_tokens.cached': 40,
    'span.level': 'ERROR',
    'error.message': 'Provider returned error 429',
  })
  expect(row).toMatchObject({
    dialect: 'openrouter',
    usage: { input: 100, cacheRead: 40 },
    status: 'error',
    ttft_ns: 250e6,
  })
  expect(bench.batch.costs[cost.reported]).toBe(0.25e12)
})

test('Dify: the provider is the last of its plugin’s path', () => {
  const row = read({
    ...tokens,
    'dify.app_id': 'a',
    'gen_ai.framework': 'dify',
    'gen_ai.span.kind': 'LLM',
    'gen_ai.provider.name': 'langgenius/openai/openai',
    'gen_ai.user.time_to_first_token': 250_000_000,
  })
  expect(row).toMatchObject({ dialect: 'dify', kind: 'llm', provider: 'openai', ttft_ns: 250e6 })
})

test('Sentry: an agent is none of its clients', () => {
  const agent = { ...tokens, 'sentry.op': 'gen_ai.invoke_agent', 'gen_ai.operation.type': 'agent' }
  expect(read(agent)).toMatchObject({ dialect: 'sentry', kind: 'agent' })
  const client = { ...tokens, 'sentry.op': 'gen_ai.embeddings', 'gen_ai.operation.type': 'ai_client' }
  expect(read({ ...client, 'gen_ai.operation.name': 'embeddings' })).toMatchObject({ kind: 'embedding' })
})

test('GitHub Copilot: its units are no money', () => {
  const row = read({ ...tokens, 'github.copilot.cost': new Double(1), 'enduser.pseudo.id': 'u' }, 'github.copilot')
  expect(row).toMatchObject({ dialect: 'github-copilot', kind: 'llm', user_id: 'u' })
  expect(bench.batch.costs[cost.reported]).toBeNaN()
})
