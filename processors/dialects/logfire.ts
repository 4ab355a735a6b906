// Logfire's instrumentations of the OpenAI and Anthropic clients and of OpenAI's agents. Counts include their parts; the provider's own
// usage stands beside them. Before 5 it is within the answer alone, and so is all else in the oldest, but for the model asked for, which is
// in the request. A streamed call is told twice: a span for the request, which ends when the stream begins and knows nothing of the
// answer, and a record of no length when it has been read, which may be in another trace.

import type { Dialect, SpanKindName } from '../dialect.ts'
import { fillFrom, fillFromAnswer } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

/** Answers beyond this are not read: it would cost more than the rest of the span. */
const answerBytesMax = 64 * 1024

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
    response_id: 'responseId',
    request_data: 'inputContent',
    response_data: 'outputContent',
    response: 'outputContent',
  },
  content: ['raw_input'],
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('spanForm') === 'pending_span') {
      span.setKind('other')
      return
    }
    const usage = span.object('usageJson')
    if (usage !== undefined && 'cached_input_tokens' in usage) readSum(span, usage)
    else if (usage !== undefined) fillFrom(span, usage)
    const answer = span.json('outputContent', answerBytesMax)
    if (answer !== undefined) fillFromAnswer(span, answer)
    const isChat = span.has('operation') ? span.text('operation') === 'chat' : readUntold(span)
    const isSilent = Number.isNaN(span.usage('inputTokens')) && !span.has('responseId') && !span.has('outputContent')
    const hasFailed = (span.number('level') ?? 0) >= errorLevel
    if (isChat && span.text('spanForm') === 'span' && isSilent && !hasFailed) span.setKind('other')
  },
} satisfies Dialect

/** Turns and tasks of the OpenAI Agents SDK sum their calls. */
function readSum(span: SpanView, usage: Readonly<Record<string, unknown>>): void {
  const count = (name: string): number | undefined => (typeof usage[name] === 'number' ? usage[name] : undefined)
  span.setUsageIfMissing('inputTokens', count('input_tokens'))
  span.setUsageIfMissing('outputTokens', count('output_tokens'))
  span.setUsageIfMissing('cacheReadTokens', count('cached_input_tokens'))
  span.setUsageIfMissing('cacheWriteTokens', count('cache_write_input_tokens'))
}

/** What a client's spans are named by, where they do not say what they are. */
const kinds: readonly (readonly [RegExp, SpanKindName])[] = [
  [/^(Chat Completion|Completion|Responses API|Message|streaming response from) /, 'llm'],
  [/^Embedding Creation /, 'embedding'],
  [/^Image Generation /, 'image'],
]

/** Reads a span that says neither its operation nor who was asked; whether it may be the beginning of a stream. */
function readUntold(span: SpanView): boolean {
  const client = /^logfire\.(openai|anthropic)$/.exec(span.scope())?.[1]
  const kind = kinds.find(([pattern]) => pattern.test(span.name()))?.[1]
  if (client === undefined || kind === undefined) return false
  span.setKind(kind)
  if (span.provider() === '') span.setProvider(client)
  const asked = span.json('inputContent', answerBytesMax)
  span.setTextIfMissing('requestModel', asked?.['model'])
  return asked?.['stream'] === true
}
