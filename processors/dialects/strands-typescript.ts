// Strands Agents for TypeScript: OpenTelemetry's names, older and newer, with itself as the provider. Counts are the provider's own:
// Anthropic's leave the cache out, and a total of input and output hides it; Bedrock's total tells it.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'strands-typescript',
  spec: '@strands-agents/sdk 1.16.0 (2026-11)',
  scopes: ['strands-agents'],
  marks: { 'agent_loop.*': 6 },
  fields: {
    'gen_ai.usage.cache_read_input_tokens': 'cacheReadTokens',
    'gen_ai.usage.cache_write_input_tokens': 'cacheWriteTokens',
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  // On Bedrock the model has its maker before it.
  read(span) {
    if (span.text('requestModel')?.startsWith('claude')) span.setMeaning({ inputIncludesCache: false })
  },
  readsEach: true,
} satisfies Dialect
