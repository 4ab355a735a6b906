// Firebase Genkit. Usage travels only inside the JSON of a model's answer: Google's output leaves thoughts out, Anthropic's input
// leaves the cache out, and OpenAI-compatible plugins have details only in the provider's own answer under `raw`. `generate` spans
// around a model repeat its answer and are no calls.

import type { Dialect } from '../dialect.ts'
import { canonicalProvider } from '../pricing/provider-names.ts'
import type { SpanView } from '../span-view.ts'

type Members = Readonly<Record<string, unknown>>

export default {
  id: 'genkit',
  spec: 'genkit 1.42.0 (2026-11), with compat-oai and google-genai 1.42.0; Go 1.4.0',
  scopes: ['genkit-tracer'],
  marks: { 'genkit:type': 6 },
  fields: {
    'genkit:metadata:subtype': 'spanType',
    'genkit:name': 'entityName',
    'genkit:sessionId': 'sessionId',
    'genkit:state': 'level',
    'genkit:input': 'inputContent',
    'genkit:output': 'outputContent',
  },
  kinds: {
    'genkit:metadata:subtype': {
      model: 'llm',
      embedder: 'embedding',
      reranker: 'rerank',
      retriever: 'retrieval',
      tool: 'tool',
      'tool.v2': 'tool',
      flow: 'workflow',
      evaluator: 'evaluator',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('level') === 'error') span.setError()
    const name = span.text('entityName') ?? ''
    switch (span.text('spanType')) {
      case 'flow':
        span.setTextIfMissing('feature', name)
        break
      case 'tool':
      case 'tool.v2':
        span.setTextIfMissing('toolName', name)
        break
      case 'model':
        readName(span, name)
        readAnswer(span)
        break
      case 'embedder':
      case 'reranker':
        readName(span, name)
        break
      default:
        break
    }
  },
} satisfies Dialect

/** `googleai/gemini-2.5-flash`: the plugin, then the model. */
function readName(span: SpanView, name: string): void {
  const at = name.indexOf('/')
  if (at > 0) span.setTextIfMissing('provider', canonicalProvider(name.slice(0, at)))
  span.setTextIfMissing('requestModel', name.slice(at + 1))
}

function readAnswer(span: SpanView): void {
  const answer = span.json('outputContent')
  if (answer === undefined) return
  const own = objectAt(answer, 'raw') ?? objectAt(answer, 'custom')
  span.setTextIfMissing('responseModel', own?.['model'] ?? own?.['modelVersion'])
  span.setTextIfMissing('responseId', own?.['id'] ?? own?.['responseId'])
  span.setTextIfMissing('serviceTier', own?.['service_tier'])
  span.setTextIfMissing('finishReasons', answer['finishReason'] ?? finishOf(answer['candidates']))
  const usage = objectAt(answer, 'usage')
  if (usage === undefined) return
  const custom = objectAt(usage, 'custom')
  const openai = objectAt(own, 'usage')
  const details = objectAt(openai, 'prompt_tokens_details') ?? objectAt(openai, 'input_tokens_details')
  const outputDetails = objectAt(openai, 'completion_tokens_details') ?? objectAt(openai, 'output_tokens_details')
  span.setUsage('inputTokens', usage['inputTokens'])
  span.setUsage('outputTokens', usage['outputTokens'])
  span.setNumberIfMissing('totalTokens', usage['totalTokens'])
  span.setUsage(
    'cacheReadTokens',
    usage['cachedContentTokens'] ?? custom?.['cache_read_input_tokens'] ?? details?.['cached_tokens'],
  )
  span.setUsage('cacheWriteTokens', custom?.['cache_creation_input_tokens'])
  span.setUsage('cacheWrite1hTokens', custom?.['ephemeral_1h_input_tokens'])
  span.setNumberIfMissing('cacheWrite5mTokens', custom?.['ephemeral_5m_input_tokens'])
  span.setUsage('reasoningTokens', usage['thoughtsTokens'] ?? outputDetails?.['reasoning_tokens'])
  // Anthropic's own count, of which the Go plugin tells no more; through OpenAI's form of an answer there is a total.
  const isOwnCount = span.provider() === 'anthropic' && usage['totalTokens'] === undefined
  if (isOwnCount || (custom !== undefined && 'cache_read_input_tokens' in custom))
    span.setMeaning({ inputIncludesCache: false })
  if (usage['thoughtsTokens'] !== undefined) span.setMeaning({ outputIncludesReasoning: false })
}

function finishOf(candidates: unknown): unknown {
  return Array.isArray(candidates) ? (candidates[0] as Members | undefined)?.['finishReason'] : undefined
}

function objectAt(parent: Members | undefined, key: string): Members | undefined {
  const value = parent?.[key]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}
