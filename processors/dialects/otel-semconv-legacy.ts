// OpenTelemetry's conventions up to 1.36, and the spellings that were never in a release yet are widespread.
// Messages travelled as span events. The older text is silent on cached tokens, so arithmetic decides.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'otel-semconv-legacy',
  spec: 'semantic-conventions 1.28 to 1.36',
  scopes: [],
  marks: { 'gen_ai.system': 2, 'gen_ai.usage.prompt_tokens': 2, 'gen_ai.usage.completion_tokens': 2 },
  fields: {
    'gen_ai.system': 'provider',
    'gen_ai.usage.prompt_tokens': 'inputTokens',
    'gen_ai.usage.completion_tokens': 'outputTokens',
    'gen_ai.usage.total_tokens': 'totalTokens',
    'gen_ai.usage.cache_read_input_tokens': 'cacheReadTokens',
    'gen_ai.usage.cached_input_tokens': 'cacheReadTokens',
    'gen_ai.usage.cached_tokens': 'cacheReadTokens',
    'gen_ai.usage.input_tokens.cached': 'cacheReadTokens',
    'gen_ai.usage.cache_creation_input_tokens': 'cacheWriteTokens',
    'gen_ai.usage.cache_write_input_tokens': 'cacheWriteTokens',
    'gen_ai.usage.input_tokens.cache_write': 'cacheWriteTokens',
    'gen_ai.usage.reasoning_tokens': 'reasoningTokens',
    'gen_ai.usage.output_tokens.reasoning': 'reasoningTokens',
    'gen_ai.usage.cache_creation.5m_input_tokens': 'cacheWrite5mTokens',
    'gen_ai.usage.cache_creation.1h_input_tokens': 'cacheWrite1hTokens',
    'gen_ai.openai.response.service_tier': 'serviceTier',
    'gen_ai.response.finish_reason': 'finishReasons',
    'gen_ai.prompt': 'inputContent',
    'gen_ai.completion': 'outputContent',
  },
  meaning: ({ provider }) => ({ totalTellsReasoning: provider.startsWith('gcp.') }),
  contentEvents: [
    'gen_ai.system.message',
    'gen_ai.user.message',
    'gen_ai.assistant.message',
    'gen_ai.tool.message',
    'gen_ai.choice',
    'gen_ai.content.prompt',
    'gen_ai.content.completion',
  ],
} satisfies Dialect
