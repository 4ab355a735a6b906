// Cohere bills `billed_units`, which are fewer than the tokens it counts; Ollama counts and bills nothing.

import type { UsageForm } from './form.ts'

export const cohere: UsageForm = {
  id: 'cohere',
  is: (usage) => typeof usage['billed_units'] === 'object' || typeof usage['billedUnits'] === 'object',
  paths: {
    inputTokens: ['billed_units.input_tokens'],
    outputTokens: ['billed_units.output_tokens'],
    searchUnits: ['billed_units.search_units'],
    inputImageTokens: ['billed_units.image_tokens'],
    images: ['billed_units.images'],
    cacheReadTokens: ['cached_tokens'],
  },
}

export const ollama: UsageForm = {
  id: 'ollama',
  is: (usage) => 'prompt_eval_count' in usage,
  paths: { inputTokens: ['prompt_eval_count'], outputTokens: ['eval_count'] },
}
