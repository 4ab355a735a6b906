// Who speaks OpenAI's language and says more than OpenAI does: DeepSeek, xAI, Perplexity, OpenRouter, Mistral's OCR, Voyage.
//
//   DeepSeek     prompt_cache_hit_tokens + prompt_cache_miss_tokens = prompt_tokens
//   xAI          reasoning beside completion_tokens; cost_in_usd_ticks is the bill; web searches by tool, live search by source
//   Perplexity   citation_tokens and reasoning_tokens beside completion_tokens; searches are counted; cost is the bill
//   OpenRouter   cost is the bill in USD, what the upstream took stands in cost_details
//   Mistral OCR  pages, of which some are annotated
//   Voyage       total_tokens alone, and pixels

import { picoOfTicks, picoOfUsd } from '../../schemas/money.ts'
import { type Counts, numberAt, objectAt, sumOf, type UsageForm } from './form.ts'
import { openAiPaths, reasoningWithin } from './openai.ts'

export const deepSeek: UsageForm = {
  id: 'deepseek',
  is: (usage) => 'prompt_cache_hit_tokens' in usage,
  paths: { ...openAiPaths, cacheReadTokens: ['prompt_cache_hit_tokens'] },
  more(usage, counts) {
    const parts = sumOf([numberAt(usage, 'prompt_cache_hit_tokens'), numberAt(usage, 'prompt_cache_miss_tokens')])
    return { inputTokens: counts.inputTokens ?? parts }
  },
}

export const xAi: UsageForm = {
  id: 'x_ai',
  is: (usage) =>
    ['cost_in_usd_ticks', 'num_sources_used', 'num_server_side_tools_used', 'server_side_tool_usage_details'].some(
      (key) => key in usage,
    ),
  paths: openAiPaths,
  more: (usage, counts) => ({
    ...reasoningWithin(usage, counts),
    webSearchCalls: sumOf(
      ['web_search_calls', 'x_search_calls'].map((name) => numberAt(usage, `server_side_tool_usage_details.${name}`)),
    ),
  }),
  cost: (usage) => ({
    pico: picoOfTicks(numberAt(usage, 'cost_in_usd_ticks')),
    source: 'x_ai.usage.cost_in_usd_ticks',
  }),
}

export const perplexity: UsageForm = {
  id: 'perplexity',
  is: (usage) => 'citation_tokens' in usage || 'num_search_queries' in usage || 'search_context_size' in usage,
  paths: {
    ...openAiPaths,
    reasoningTokens: ['reasoning_tokens'],
    citationTokens: ['citation_tokens'],
    searchQueries: ['num_search_queries'],
  },
  besideOutput: ['citation_tokens', 'reasoning_tokens'],
  conditions: { searchContextSize: ['search_context_size'] },
  cost: (usage) => ({ pico: picoOfUsd(numberAt(usage, 'cost.total_cost')), source: 'perplexity.usage.cost' }),
}

export const openRouter: UsageForm = {
  id: 'openrouter',
  is: (usage) => 'is_byok' in usage || 'cost_details' in usage,
  paths: openAiPaths,
  cost: (usage) => ({ pico: picoOfUsd(numberAt(usage, 'cost')), source: 'openrouter.usage.cost' }),
}

export const mistralOcr: UsageForm = {
  id: 'mistral_ai.ocr',
  is: (usage) => 'pages_processed' in usage,
  paths: { pages: ['pages_processed'], annotatedPages: ['pages_processed_annotation', 'annotated_pages_processed'] },
}

export const voyage: UsageForm = {
  id: 'voyage_ai',
  is: (usage) => 'total_tokens' in usage && !hasSplit(usage),
  paths: { inputTokens: ['total_tokens'], imagePixels: ['image_pixels'] },
}

function hasSplit(usage: Counts): boolean {
  return (
    ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens'].some((key) => key in usage) ||
    objectAt(usage, 'billed_units') !== undefined
  )
}
