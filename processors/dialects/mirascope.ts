// Mirascope's own instrumentation of its models: OpenTelemetry's names, and the parts of the counts in an object of its own. The input
// includes the cache, whoever answered; a stream has no id.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'mirascope',
  spec: 'mirascope 2.8.2 (2026-11)',
  scopes: ['mirascope*'],
  marks: { 'mirascope.*': 5 },
  fields: {
    'mirascope.response.usage': 'usageJson',
    'mirascope.response.messages': 'inputContent',
    'mirascope.response.content': 'outputContent',
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const usage = span.json('usageJson')
    span.setUsageIfMissing('inputTokens', usage?.['input_tokens'])
    span.setUsageIfMissing('outputTokens', usage?.['output_tokens'])
    span.setUsageIfMissing('cacheReadTokens', usage?.['cache_read_tokens'])
    span.setUsageIfMissing('cacheWriteTokens', usage?.['cache_write_tokens'])
    span.setUsageIfMissing('reasoningTokens', usage?.['reasoning_tokens'])
  },
} satisfies Dialect
