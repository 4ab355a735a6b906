// TanStack AI's OpenTelemetry middleware. Its scope is whatever the application named its tracer; `tanstack.ai.*` gives it away. A run's span has
// the sum of its iterations, which are the calls. Anthropic's own count of the input is passed on, without the cache.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'tanstack-ai',
  spec: '@tanstack/ai 0.58.0 with ai-openai, ai-anthropic, ai-gemini (2026-11)',
  scopes: [],
  // Above Langfuse's, whose names it writes beside its own where it sends content.
  marks: { 'tanstack.ai.*': 9 },
  fields: {
    'tanstack.ai.usage.duration_seconds': 'audioSeconds',
  },
  content: ['tanstack.ai.system_prompt.metadata'],
  meaning: ({ provider }) => ({
    inputIncludesCache: provider !== 'anthropic',
    outputIncludesReasoning: true,
    tellsCache: true,
  }),
} satisfies Dialect
