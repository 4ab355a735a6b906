// Gemini and Vertex AI: the prompt includes what came from the cache; thoughts stand beside the candidates, the prompts of tools beside
// the prompt. Modalities come as a list for each count.

import { type Counts, listAt, numberAt, sumOf, type UsageForm } from './form.ts'

export const google: UsageForm = {
  id: 'gcp.gemini',
  is: (usage) =>
    ['promptTokenCount', 'prompt_token_count', 'candidatesTokenCount', 'candidates_token_count'].some(
      (key) => key in usage,
    ),
  paths: {
    inputTokens: ['prompt_token_count'],
    outputTokens: ['candidates_token_count', 'response_token_count'],
    cacheReadTokens: ['cached_content_token_count'],
    reasoningTokens: ['thoughts_token_count'],
  },
  besideInput: ['tool_use_prompt_token_count'],
  besideOutput: ['thoughts_token_count'],
  conditions: { serviceTier: ['service_tier', 'traffic_type'] },
  tiers: { ON_DEMAND: 'standard', ON_DEMAND_PRIORITY: 'priority', ON_DEMAND_FLEX: 'flex' },
  more: (usage) => ({
    ...thoughtsWithin(usage),
    inputAudioTokens: sumOf([
      ofModality(usage, 'prompt_tokens_details', 'AUDIO'),
      ofModality(usage, 'tool_use_prompt_tokens_details', 'AUDIO'),
    ]),
    cacheReadAudioTokens: ofModality(usage, 'cache_tokens_details', 'AUDIO'),
    inputImageTokens: ofModality(usage, 'prompt_tokens_details', 'IMAGE'),
    inputVideoTokens: ofModality(usage, 'prompt_tokens_details', 'VIDEO'),
    outputAudioTokens: sumOf([
      ofModality(usage, 'candidates_tokens_details', 'AUDIO'),
      ofModality(usage, 'response_tokens_details', 'AUDIO'),
    ]),
    outputImageTokens: ofModality(usage, 'candidates_tokens_details', 'IMAGE'),
  }),
}

/** Adapters of other providers hand over candidates that have the thoughts in them; the total tells. */
function thoughtsWithin(usage: Counts): { readonly outputTokens?: number | undefined } {
  const [prompt, candidates, thoughts, total, tools = 0] = [
    'prompt_token_count',
    'candidates_token_count',
    'thoughts_token_count',
    'total_token_count',
    'tool_use_prompt_token_count',
  ].map((path) => numberAt(usage, path))
  if (thoughts === undefined || prompt === undefined || candidates === undefined) return {}
  return total === prompt + candidates + tools ? { outputTokens: candidates } : {}
}

/** The SDKs also write `MediaModality.AUDIO`, or the word in small letters. */
function ofModality(usage: Counts, list: string, modality: string): number | undefined {
  return sumOf(
    listAt(usage, list)
      .filter((each) => String(each['modality']).toUpperCase().endsWith(modality))
      .map((each) => numberAt(each, 'token_count')),
  )
}
