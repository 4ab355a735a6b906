// Google's Agent Development Kit. What a call used in full is in the model's answer, as JSON; the attributes beside it give the
// candidates alone as output in the older form, with thoughts in the newer. `call_llm` names its framework as the provider.

import type { Dialect } from '../dialect.ts'

type Members = Readonly<Record<string, unknown>>

export default {
  id: 'google-adk',
  spec: '@google/adk 2.0.0 (2026-11); adk-python 0798a74d, 692af950, 07a66b51',
  scopes: ['gcp.vertex.agent'],
  marks: { 'gcp.vertex.agent.*': 6 },
  fields: {
    'gcp.vertex.agent.event_id': 'eventId',
    'gcp.vertex.agent.session_id': 'sessionId',
    'gcp.vertex.agent.llm_request': 'inputContent',
    'gcp.vertex.agent.llm_response': 'outputContent',
  },
  content: ['gcp.vertex.agent.tool_call_args', 'gcp.vertex.agent.tool_response', 'gcp.vertex.agent.data'],
  meaning: () => ({ inputIncludesCache: true }),
  read(span) {
    const answer = span.json('outputContent')
    const usage = (answer?.['usageMetadata'] ?? answer?.['usage_metadata']) as Members | null | undefined
    if (usage === null || typeof usage !== 'object') return
    const count = (camel: string, snake: string): number | undefined => {
      const value = usage[camel] ?? usage[snake]
      return typeof value === 'number' ? value : undefined
    }
    const thoughts = count('thoughtsTokenCount', 'thoughts_token_count')
    const candidates = count('candidatesTokenCount', 'candidates_token_count')
    const prompt = count('promptTokenCount', 'prompt_token_count')
    if (prompt !== undefined)
      span.setUsage('inputTokens', prompt + (count('toolUsePromptTokenCount', 'tool_use_prompt_token_count') ?? 0))
    span.setUsage('cacheReadTokens', count('cachedContentTokenCount', 'cached_content_token_count'))
    span.setUsage('reasoningTokens', thoughts)
    if (candidates === undefined && thoughts === undefined) return
    span.setUsage('outputTokens', (candidates ?? 0) + (thoughts ?? 0))
    span.setMeaning({ outputIncludesReasoning: true })
  },
} satisfies Dialect
