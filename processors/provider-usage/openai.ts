// OpenAI: Chat, Responses, Embeddings, Images, Realtime and transcriptions; also who speaks its language: Azure, Mistral's and Groq's
// chat, Together, Fireworks, vLLM, LiteLLM, LangChain's `usage_metadata`. Input includes the cache, output includes reasoning, unless
// arithmetic shows that reasoning was counted beside it, as xAI does.

import { type Counts, objectAt, type ReadUsage, type UsageForm } from './form.ts'

/** A part under any of the names that Chat, Responses, Realtime and LangChain give to where it is. */
function input(...parts: string[]): string[] {
  const places = ['prompt_tokens_details', 'input_tokens_details', 'input_token_details', 'prompt_token_details']
  return places.flatMap((place) => parts.map((part) => `${place}.${part}`))
}

function output(...parts: string[]): string[] {
  const places = ['completion_tokens_details', 'output_tokens_details', 'output_token_details']
  return places.flatMap((place) => parts.map((part) => `${place}.${part}`))
}

export const openAiPaths = {
  inputTokens: ['prompt_tokens', 'input_tokens'],
  outputTokens: ['completion_tokens', 'output_tokens'],
  cacheReadTokens: [
    ...input('cached_tokens', 'cache_read', 'cache_read_tokens', 'cache_read_input_tokens'),
    'cached_tokens',
    'cache_read_input_tokens',
    'prompt_cache_hit_tokens',
    'num_cached_tokens',
  ],
  cacheWriteTokens: [
    ...input('cache_write_tokens', 'cache_creation_tokens', 'cache_creation', 'cache_creation_input_tokens'),
    'cache_creation_input_tokens',
    'cache_write_input_tokens',
  ],
  cacheWrite1hTokens: [
    ...input('cache_creation_token_details.ephemeral_1h_input_tokens', 'ephemeral_1h_input_tokens'),
    'cache_creation.ephemeral_1h_input_tokens',
    'cache_creation_input_tokens_above_1hr',
  ],
  reasoningTokens: output('reasoning_tokens', 'reasoning', 'thinking_tokens'),
  inputAudioTokens: input('audio_tokens', 'audio'),
  cacheReadAudioTokens: input('cached_tokens_details.audio_tokens'),
  inputImageTokens: input('image_tokens'),
  inputVideoTokens: input('video_tokens'),
  outputAudioTokens: output('audio_tokens', 'audio'),
  outputImageTokens: output('image_tokens'),
  audioSeconds: ['seconds', 'prompt_audio_seconds'],
  webSearchCalls: ['server_tool_use.web_search_requests', 'prompt_tokens_details.web_search_requests'],
} as const

/** Reasoning that is counted beside the output belongs to it. */
export function reasoningWithin(usage: Counts, counts: ReadUsage): { outputTokens?: number } {
  const { inputTokens = 0, outputTokens, reasoningTokens = 0 } = counts
  if (outputTokens === undefined || reasoningTokens === 0) return {}
  const isBeside =
    reasoningTokens > outputTokens || usage['total_tokens'] === inputTokens + outputTokens + reasoningTokens
  return isBeside ? { outputTokens: outputTokens + reasoningTokens } : {}
}

/** LangChain leaves the total of cache writes at 0 where it tells them by lifetime. */
function writtenByLifetime(usage: Counts, { cacheWriteTokens = 0 }: ReadUsage): { cacheWriteTokens?: number } {
  const details = objectAt(usage, 'input_token_details')
  const count = (name: string): number => (typeof details?.[name] === 'number' ? details[name] : 0)
  const written = count('ephemeral_5m_input_tokens') + count('ephemeral_1h_input_tokens')
  return cacheWriteTokens === 0 && written > 0 ? { cacheWriteTokens: written } : {}
}

export const openAi: UsageForm = {
  id: 'openai',
  is: (usage) =>
    [
      'prompt_tokens',
      'completion_tokens',
      'input_tokens_details',
      'output_tokens_details',
      'input_token_details',
      'output_token_details',
    ].some((key) => key in usage) || 'seconds' in usage,
  paths: openAiPaths,
  conditions: { serviceTier: ['service_tier'] },
  more(usage, counts) {
    const details = objectAt(usage, 'input_tokens_details')
    const isImages =
      details !== undefined &&
      'image_tokens' in details &&
      !('cached_tokens' in details) &&
      !('output_tokens_details' in usage)
    // What an image model gives is images, which the first of them did not say.
    const images = isImages ? { outputImageTokens: counts.outputTokens } : {}
    return { ...reasoningWithin(usage, counts), ...writtenByLifetime(usage, counts), ...images }
  },
}
