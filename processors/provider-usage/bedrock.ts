// Amazon Bedrock: Converse's `usage` and the `amazon-bedrock-invocationMetrics` of InvokeModel, both with the cache beside the input.

import { listAt, numberAt, sumOf, type UsageForm } from './form.ts'

export const converse: UsageForm = {
  id: 'aws.bedrock.converse',
  is: (usage) => 'inputTokens' in usage || 'outputTokens' in usage,
  paths: {
    inputTokens: ['inputTokens'],
    outputTokens: ['outputTokens'],
    cacheReadTokens: ['cacheReadInputTokens', 'cacheReadInputTokenCount'],
    cacheWriteTokens: ['cacheWriteInputTokens', 'cacheWriteInputTokenCount'],
  },
  cacheIsBeside: true,
  more: (usage) => ({
    // Writes by lifetime, as Claude's have them.
    cacheWrite1hTokens: sumOf(
      listAt(usage, 'cacheDetails')
        .filter(({ ttl }) => ttl === '1h')
        .map((each) => numberAt(each, 'inputTokens')),
    ),
  }),
}

export const invokeMetrics: UsageForm = {
  id: 'aws.bedrock.invoke_model',
  is: (usage) => 'inputTokenCount' in usage,
  paths: {
    inputTokens: ['inputTokenCount'],
    outputTokens: ['outputTokenCount'],
    cacheReadTokens: ['cacheReadInputTokenCount'],
    cacheWriteTokens: ['cacheWriteInputTokenCount'],
  },
  cacheIsBeside: true,
}
