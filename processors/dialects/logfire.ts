// Logfire's instrumentations of the OpenAI and Anthropic clients. Counts include their parts; the provider's own usage stands beside
// them. A streamed call is told twice: a span for the request, which ends when the stream begins and knows nothing of the answer, and a
// record of no length when it has been read, which may be in another trace.

import type { Dialect } from '../dialect.ts'
import { fillFrom } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

/** Level of an error, as Logfire numbers them. */
const errorLevel = 17

export default {
  id: 'logfire',
  spec: 'logfire 5.4.0 (2026-11); logfire @ e484a6b5',
  scopes: ['logfire', 'logfire.*'],
  marks: { 'logfire.*': 3 },
  fields: {
    'logfire.span_type': 'spanForm',
    'logfire.level_num': 'level',
    'gen_ai.usage.raw': 'usageJson',
    usage: 'usageJson',
  },
  content: ['request_data', 'response_data'],
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('spanForm') === 'pending_span') {
      span.setKind('other')
      return
    }
    const usage = span.object('usageJson')
    if (usage !== undefined && span.keyOf('usageJson') === 'usage') readSum(span, usage)
    else if (usage !== undefined) fillFrom(span, usage)
    const isSilent = Number.isNaN(span.usage('inputTokens')) && !span.has('responseId') && !span.has('outputContent')
    const hasFailed = (span.number('level') ?? 0) >= errorLevel
    if (span.text('operation') === 'chat' && span.text('spanForm') === 'span' && isSilent && !hasFailed)
      span.setKind('other')
  },
} satisfies Dialect

/** Turns and tasks of the OpenAI Agents SDK sum their calls, whose own spans leave out the cached part where they are of Chat. */
function readSum(span: SpanView, usage: Readonly<Record<string, unknown>>): void {
  const count = (name: string): number | undefined => (typeof usage[name] === 'number' ? usage[name] : undefined)
  span.setUsageIfMissing('inputTokens', count('input_tokens'))
  span.setUsageIfMissing('outputTokens', count('output_tokens'))
  span.setUsageIfMissing('cacheReadTokens', count('cached_input_tokens'))
  span.setUsageIfMissing('cacheWriteTokens', count('cache_write_input_tokens'))
}
