// Anthropic Messages, and Claude's usage as gateways pass it on: the cache is counted beside the input, compaction beside both.

import { listAt, numberAt, sumOf, type UsageForm } from './form.ts'

export const anthropic: UsageForm = {
  id: 'anthropic',
  is: (usage) =>
    [
      'cache_read_input_tokens',
      'cache_creation_input_tokens',
      'cache_creation',
      'server_tool_use',
      'inference_geo',
      'iterations',
    ].some((key) => key in usage),
  paths: {
    inputTokens: ['input_tokens'],
    outputTokens: ['output_tokens'],
    cacheReadTokens: ['cache_read_input_tokens'],
    cacheWriteTokens: ['cache_creation_input_tokens'],
    cacheWrite5mTokens: ['cache_creation.ephemeral_5m_input_tokens'],
    cacheWrite1hTokens: ['cache_creation.ephemeral_1h_input_tokens', 'cache_creation_input_tokens_above_1hr'],
    reasoningTokens: ['output_tokens_details.thinking_tokens', 'output_tokens_details.reasoning_tokens'],
    webSearchCalls: ['server_tool_use.web_search_requests'],
  },
  cacheIsBeside: true,
  conditions: { serviceTier: ['service_tier'], speed: ['speed'], dataResidency: ['inference_geo'] },
  more(usage, counts) {
    const compactions = listAt(usage, 'iterations').filter(({ type }) => type === 'compaction')
    const written = counts.cacheWriteTokens ?? sumOf([counts.cacheWrite5mTokens, counts.cacheWrite1hTokens])
    const input = numberAt(usage, 'input_tokens')
    return {
      cacheWriteTokens: written,
      inputTokens: input === undefined ? undefined : input + (counts.cacheReadTokens ?? 0) + (written ?? 0),
      extraInputTokens: sumOf(compactions.map((each) => numberAt(each, 'input_tokens'))),
      extraOutputTokens: sumOf(compactions.map((each) => numberAt(each, 'output_tokens'))),
    }
  },
}
