// Vercel AI SDK up to version 6 (scope `ai`). The outer span repeats the usage of its `.do…` children; only those are
// calls. Up to version 5 Anthropic and Bedrock counts leave the cache out; version 6 always includes it and says so by
// `ai.usage.inputTokenDetails.noCacheTokens`.

import { picoOfTicks, picoOfUsd } from '../../schemas/money.ts'
import type { Dialect, SpanKindName } from '../dialect.ts'
import { anthropic as anthropicForm } from '../provider-usage/anthropic.ts'
import { converse } from '../provider-usage/bedrock.ts'
import { google as googleForm } from '../provider-usage/google.ts'
import { fillFrom, fillGrounding, objectAt } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

const outer: SpanKindName = 'workflow'

export default {
  id: 'vercel-ai',
  spec: 'vercel/ai 3.4.33, 4.3.19, 5.0.277, 6.0.326',
  scopes: ['ai'],
  marks: { 'ai.operationId': 6, 'ai.usage.*': 6 },
  fields: {
    'ai.operationId': 'spanType',
    'ai.usage.inputTokens': 'inputTokens',
    'ai.usage.promptTokens': 'inputTokens',
    'ai.usage.tokens': 'inputTokens',
    'ai.usage.outputTokens': 'outputTokens',
    'ai.usage.completionTokens': 'outputTokens',
    'ai.usage.totalTokens': 'totalTokens',
    'ai.usage.inputTokenDetails.cacheReadTokens': 'cacheReadTokens',
    'ai.usage.cachedInputTokens': 'cacheReadTokens',
    'ai.usage.inputTokenDetails.cacheWriteTokens': 'cacheWriteTokens',
    'ai.usage.outputTokenDetails.reasoningTokens': 'reasoningTokens',
    'ai.usage.reasoningTokens': 'reasoningTokens',
    'ai.usage.inputTokenDetails.noCacheTokens': 'usageJson',
    'ai.model.provider': 'provider',
    'ai.model.id': 'requestModel',
    'ai.response.model': 'responseModel',
    'ai.response.id': 'responseId',
    'ai.response.finishReason': 'finishReasons',
    'ai.response.msToFirstChunk': 'ttftMs',
    'ai.stream.msToFirstChunk': 'ttftMs',
    'ai.response.providerMetadata': 'providerMetadata',
    'ai.telemetry.functionId': 'feature',
    'ai.telemetry.metadata.userId': 'userId',
    'ai.telemetry.metadata.sessionId': 'sessionId',
    'ai.telemetry.metadata.langfusePrompt': 'promptJson',
    'ai.toolCall.name': 'toolName',
    'ai.prompt.messages': 'inputContent',
    'ai.prompt': 'inputContent',
    'ai.response.text': 'outputContent',
    'ai.response.object': 'outputContent',
    'ai.prompt.tools': 'toolDefinitions',
  },
  content: [
    'ai.response.toolCalls',
    'ai.response.reasoning',
    'ai.response.files',
    'ai.toolCall.args',
    'ai.toolCall.result',
    'ai.value',
    'ai.values',
    'ai.embedding',
    'ai.embeddings',
  ],
  kinds: {
    'ai.operationId': {
      'ai.generateText': outer,
      'ai.streamText': outer,
      'ai.generateObject': outer,
      'ai.streamObject': outer,
      'ai.embed': outer,
      'ai.embedMany': outer,
      'ai.generateText.doGenerate': 'llm',
      'ai.streamText.doStream': 'llm',
      'ai.generateObject.doGenerate': 'llm',
      'ai.streamObject.doStream': 'llm',
      'ai.embed.doEmbed': 'embedding',
      'ai.embedMany.doEmbed': 'embedding',
      'ai.rerank': outer,
      'ai.rerank.doRerank': 'rerank',
      'ai.toolCall': 'tool',
    },
  },
  meaning: ({ provider }) => ({
    // Only versions before 6 reach this without the proof of `noCacheTokens`, see `read`.
    inputIncludesCache: provider === 'anthropic' || provider === 'aws.bedrock' ? undefined : true,
    outputIncludesReasoning: provider.startsWith('gcp.') ? undefined : true,
  }),
  read(span) {
    const isInclusive = span.has('usageJson')
    if (isInclusive) span.setMeaning({ inputIncludesCache: true, outputIncludesReasoning: true })
    else if (cacheIsOutside(span)) span.setMeaning({ inputIncludesCache: false })
    const metadata = span.json('providerMetadata')
    if (metadata !== undefined) readMetadata(span, metadata)
    const prompt = span.json('promptJson')
    if (prompt !== undefined) {
      span.setTextIfMissing('promptName', prompt['name'])
      span.setTextIfMissing('promptVersion', prompt['version'])
    }
  },
} satisfies Dialect

function cacheIsOutside(span: SpanView): boolean {
  const provider = span.provider()
  return provider === 'anthropic' || provider === 'aws.bedrock'
}

/** What only the provider's own answer says: cache writes by lifetime, the tier served, searches, the bill. */
function readMetadata(span: SpanView, metadata: Readonly<Record<string, unknown>>): void {
  const anthropic = objectAt(metadata, 'anthropic')
  const openai = objectAt(metadata, 'openai') ?? objectAt(metadata, 'azure')
  const google = objectAt(metadata, 'google') ?? objectAt(metadata, 'vertex') ?? objectAt(metadata, 'googleVertex')
  const perplexity = objectAt(objectAt(metadata, 'perplexity'), 'usage')
  const own = [
    [objectAt(anthropic, 'usage'), anthropicForm],
    [bedrockUsage(span, metadata), converse],
    [objectAt(google, 'usageMetadata'), googleForm],
  ] as const
  for (const [usage, form] of own) if (usage !== undefined) fillFrom(span, usage, form)
  span.setUsageIfMissing('cacheReadTokens', anthropic?.['cacheReadInputTokens'])
  span.setUsageIfMissing('cacheWriteTokens', anthropic?.['cacheCreationInputTokens'])
  span.setUsageIfMissing('cacheReadTokens', anthropic?.['cacheReadInputTokens'])
  span.setUsageIfMissing('cacheReadTokens', openai?.['cachedPromptTokens'])
  span.setUsageIfMissing('reasoningTokens', openai?.['reasoningTokens'])
  span.setTextIfMissing('serviceTier', openai?.['serviceTier'])
  span.setUsageIfMissing('cacheReadTokens', objectAt(metadata, 'deepseek')?.['promptCacheHitTokens'])
  const citations = perplexity?.['citationTokens']
  if (typeof citations === 'number' && citations > 0) {
    // Counted beside the completion, billed with the output.
    span.setUsage('citationTokens', citations)
    span.setUsage('outputTokens', span.usage('outputTokens') + citations)
  }
  span.setUsageIfMissing('searchQueries', perplexity?.['numSearchQueries'] || undefined)
  if (google !== undefined) fillGrounding(span, [google], '')
  const charged =
    objectAt(objectAt(metadata, 'openrouter'), 'usage')?.['cost'] ?? objectAt(metadata, 'gateway')?.['cost']
  const usd = typeof charged === 'string' ? Number.parseFloat(charged) : charged
  span.setReportedCost(picoOfTicks(objectAt(metadata, 'xai')?.['costInUsdTicks']), 'ai.response.providerMetadata')
  span.setReportedCost(picoOfUsd(usd), 'ai.response.providerMetadata')
}

/** Version 5 passes on what was written alone: a 0 of it does not say that nothing was read. */
function bedrockUsage(span: SpanView, metadata: Readonly<Record<string, unknown>>): ReturnType<typeof objectAt> {
  const usage = objectAt(objectAt(metadata, 'bedrock'), 'usage')
  const isHalf = usage !== undefined && !span.has('cacheReadTokens') && !('cacheReadInputTokens' in usage)
  return isHalf && usage['cacheWriteInputTokens'] === 0 ? undefined : usage
}
