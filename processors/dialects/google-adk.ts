// Google's Agent Development Kit. What a call used in full is in the model's answer, as JSON; the attributes beside it give the
// candidates alone as output in the older form, with thoughts in the newer. `call_llm` names its framework as the provider, and some
// releases name Gemini for whatever LiteLLM calls; there the model's name tells it.

import type { Dialect } from '../dialect.ts'
import { providerInName } from '../pricing/model-names.ts'
import { google } from '../provider-usage/google.ts'
import { fillFrom, objectAt } from '../provider-usage.ts'

export default {
  id: 'google-adk',
  spec: '@google/adk 2.0.0, com.google.adk 1.8.0 (2026-11); adk-python 0798a74d, 692af950, 07a66b51',
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
    const named = providerInName(span.text('requestModel') ?? '')
    if (named !== '' && ['', 'gcp.gemini'].includes(span.provider())) span.setProvider(named)
    // Its adapter of LiteLLM hands over an output that has the reasoning in it, to which thoughts are added as to Google's candidates.
    const isTwice = span.provider() !== '' && !span.provider().startsWith('gcp.')
    const [said, reasoning] = [span.usage('outputTokens'), span.usage('reasoningTokens')]
    const isOld = span.keyOf('reasoningTokens').startsWith('gen_ai.usage.experimental.')
    if (isTwice && !isOld && reasoning > 0 && said >= reasoning * 2) span.setUsage('outputTokens', said - reasoning)
    const answer = span.json('outputContent')
    const usage = objectAt(answer, 'usage_metadata')
    if (usage !== undefined) fillFrom(span, usage, google)
    // Its adapter of Anthropic's SDK in Java hands over that one's own count, and nothing of the cache; LiteLLM's names have a prefix.
    if (/^claude/.test(span.text('requestModel') ?? '') && !span.has('cacheReadTokens'))
      span.setMeaning({ inputIncludesCache: false })
  },
} satisfies Dialect
