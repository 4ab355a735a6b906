// LiteLLM's own OpenTelemetry callback: `litellm_request` stands for the call and normalises usage to OpenAI's shape, cache included;
// `raw_gen_ai_request` below it repeats the provider's answer and is no call of its own. The cache split is in a Python text only. A
// stream that told no usage is given as zeros. Ids are the provider's for chat completions, wrapped in base64 for Responses, and made
// up for the rest.

import type { Dialect } from '../dialect.ts'
import { fillFrom } from '../provider-usage.ts'

export default {
  id: 'litellm',
  spec: 'litellm 1.106.2 (2026-11)',
  scopes: ['litellm'],
  marks: { hidden_params: 5, 'metadata.usage_object': 5, 'litellm.*': 5 },
  fields: {
    'metadata.usage_object': 'usageJson',
    'metadata.user_api_key_end_user_id': 'userId',
    'metadata.user_api_key_user_id': 'userId',
    'metadata.requester_metadata': 'promptJson',
  },
  kinds: {
    'llm.request.type': {
      acompletion: 'llm',
      text_completion: 'llm',
      atext_completion: 'llm',
      responses: 'llm',
      aresponses: 'llm',
      anthropic_messages: 'llm',
      generate_content: 'llm',
      agenerate_content: 'llm',
      generate_content_stream: 'llm',
      agenerate_content_stream: 'llm',
      aembedding: 'embedding',
      arerank: 'rerank',
      image_generation: 'image',
      aimage_generation: 'image',
      image_edit: 'image',
      aimage_edit: 'image',
      transcription: 'audio',
      atranscription: 'audio',
      speech: 'audio',
      aspeech: 'audio',
      moderation: 'moderation',
      amoderation: 'moderation',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const usage = span.object('usageJson')
    if (usage !== undefined) fillFrom(span, usage)
    const id = span.text('responseId')
    if (id !== undefined) span.setText('responseId', providerId(id))
    const metadata = span.object('promptJson')
    span.setTextIfMissing('sessionId', metadata?.['session_id'])
    span.setTextIfMissing('userId', metadata?.['user_id'])
  },
} satisfies Dialect

/** `resp_` and the base64 of `litellm:…;response_id:REAL` → REAL; every other id as it is. */
function providerId(id: string): string {
  const [, wrapped] = /^resp_([A-Za-z0-9+/_-]{24,}={0,2})$/.exec(id) ?? []
  if (wrapped === undefined) return id
  const text = Buffer.from(wrapped, 'base64').toString('latin1')
  return /^litellm:.*;response_id:([\w.:-]+)$/.exec(text)?.[1] ?? id
}
