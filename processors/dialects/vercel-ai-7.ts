// Vercel AI SDK 7 (scope `gen_ai`): OpenTelemetry's names, counts include the cache; `invoke_agent` and `agent_step`
// repeat what their `chat` children used.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'vercel-ai-7',
  spec: '@ai-sdk/otel 1.0.173 with ai 7.0.173 (2026-11)',
  scopes: ['gen_ai'],
  marks: { 'ai.settings.context.*': 7 },
  fields: {
    'ai.settings.context.userId': 'userId',
    'ai.settings.context.sessionId': 'sessionId',
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
} satisfies Dialect
