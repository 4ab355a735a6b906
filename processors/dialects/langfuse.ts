// Langfuse SDK 3 to 5. Usage is a JSON object of buckets that exclude each other, unless it has OpenAI's field names,
// whose totals include their details. A cost object is the user's own figure and stands as reported.

import type { Dialect } from '../dialect.ts'
import type { FieldName } from '../fields.ts'
import { objectAt } from '../provider-usage/form.ts'
import { providerUsage } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'
import { isBelow } from '../versions.ts'

export default {
  id: 'langfuse',
  spec: 'langfuse-python 4.14.3 @ c3c6a09e, langfuse-js @ 0d5a8d0e, langfuse @ 62751446 (2026-08)',
  scopes: ['langfuse-sdk*'],
  marks: { 'langfuse.observation.*': 8 },
  fields: {
    'langfuse.observation.type': 'spanType',
    'langfuse.observation.model.name': 'requestModel',
    'langfuse.observation.usage_details': 'usageJson',
    'langfuse.observation.cost_details': 'costJson',
    'langfuse.observation.model.parameters': 'providerMetadata',
    'langfuse.observation.completion_start_time': 'completionStart',
    'langfuse.observation.metadata.ls_provider': 'vendorJson',
    'langfuse.observation.metadata.versions': 'packagesJson',
    'langfuse.observation.level': 'level',
    'langfuse.observation.status_message': 'statusMessage',
    'langfuse.observation.prompt.name': 'promptName',
    'langfuse.observation.prompt.version': 'promptVersion',
    'langfuse.observation.input': 'inputContent',
    'langfuse.observation.output': 'outputContent',
    'langfuse.user.id': 'userId',
    'langfuse.session.id': 'sessionId',
    'langfuse.trace.name': 'feature',
    'langfuse.environment': 'env',
    'langfuse.release': 'release',
  },
  content: ['langfuse.trace.input', 'langfuse.trace.output'],
  kinds: {
    'langfuse.observation.type': {
      generation: 'llm',
      embedding: 'embedding',
      agent: 'agent',
      tool: 'tool',
      chain: 'workflow',
      retriever: 'retrieval',
      evaluator: 'evaluator',
      guardrail: 'other',
      event: 'other',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const usage = span.json('usageJson')
    if (usage !== undefined) readUsage(span, usage)
    // Python's callback writes the same name in quotes, but for some releases of 3, of which there are none in JavaScript.
    const isLangChainJs = span.text('vendorJson') === 'anthropic' && !isBelow(span.scopeVersion(), 4, 0)
    if (usage !== undefined && isLangChainJs) mendLangChain(span, usage)
    const costs = span.json('costJson')
    if (costs !== undefined) span.setChargedCost(costs, 'langfuse.observation.cost_details')
    const parameters = span.json('providerMetadata')
    if (parameters !== undefined) {
      span.setNumberIfMissing('temperature', parameters['temperature'])
      span.setNumberIfMissing('maxTokens', parameters['max_tokens'] ?? parameters['maxTokens'])
    }
    const firstToken = span.text('completionStart')
    if (firstToken !== undefined) span.setFirstTokenTime(firstToken.replaceAll('"', ''))
    if (span.text('level') === 'ERROR') span.setError()
  },
} satisfies Dialect

type Counts = Readonly<Record<string, unknown>>

function readUsage(span: SpanView, usage: Counts): void {
  const ofUnit = typeof usage['unit'] === 'string' ? units[usage['unit'].toUpperCase()] : undefined
  if (ofUnit !== undefined) {
    const quantity = first(usage, 'total', 'input', 'output')
    if (quantity !== undefined) span.setUsage(ofUnit.field, quantity / ofUnit.per)
  } else if (
    'prompt_tokens' in usage ||
    'completion_tokens' in usage ||
    ('input_tokens' in usage && 'input_tokens_details' in usage)
  ) {
    readOpenAi(span, usage)
  } else readBuckets(span, usage)
}

/** The units of a usage object that has one; TOKENS are read as buckets. */
const units: Readonly<Record<string, { readonly field: FieldName; readonly per: number }>> = {
  CHARACTERS: { field: 'characters', per: 1 },
  IMAGES: { field: 'images', per: 1 },
  SECONDS: { field: 'audioSeconds', per: 1 },
  MILLISECONDS: { field: 'audioSeconds', per: 1000 },
  REQUESTS: { field: 'requests', per: 1 },
}

function readOpenAi(span: SpanView, usage: Counts): void {
  const counts = providerUsage(usage)?.counts ?? {}
  for (const [field, count] of Object.entries(counts)) span.setUsage(field as FieldName, count)
  span.setUsageIfMissing('cacheReadTokens', first(usage, 'input_cached_tokens'))
}

/**
 * LangChain.js adds the first count of Claude's streams to the last. Its package for Anthropic left the cache out of the input up to 1.3.10, and
 * the callback took it off all the same; there the cached parts of streams are the sum of both counts as well. The total is LangChain's own:
 * its input and its output.
 */
function mendLangChain(span: SpanView, usage: Counts): void {
  const isStream = span.has('completionStart')
  const version = span.json('packagesJson')?.['@langchain/anthropic']
  const isOld = typeof version !== 'string' || isBelow(version, 1, 3, 11)
  const total = usage['total']
  const output = span.usage('outputTokens')
  const parts = ['cacheReadTokens', 'cacheWriteTokens'] as const
  if (isOld && typeof total === 'number' && parts.some((part) => span.usage(part) > 0)) {
    const isTwice = isStream && parts.every((part) => !(span.usage(part) % 2 > 0))
    if (isTwice) for (const part of parts) span.setUsage(part, span.usage(part) / 2)
    span.mendUsage('inputTokens', total - output)
  }
  if (isStream && output > 1) span.mendUsage('outputTokens', output - 1)
}

/** Buckets that are a kind of input or output of their own: the totals here include them. */
const inputKinds: Readonly<Record<string, FieldName>> = {
  input_audio_tokens: 'inputAudioTokens',
  input_audio: 'inputAudioTokens',
  input_image_tokens: 'inputImageTokens',
  input_image: 'inputImageTokens',
  input_video_tokens: 'inputVideoTokens',
  input_video: 'inputVideoTokens',
}
const outputKinds: Readonly<Record<string, FieldName>> = {
  output_audio_tokens: 'outputAudioTokens',
  output_audio: 'outputAudioTokens',
  output_image_tokens: 'outputImageTokens',
  output_image: 'outputImageTokens',
}
/** Buckets that are no tokens. */
const otherKinds: Readonly<Record<string, FieldName>> = {
  characters: 'characters',
  images: 'images',
  seconds: 'audioSeconds',
  audio_seconds: 'audioSeconds',
  video_seconds: 'videoSeconds',
  pages: 'pages',
  requests: 'requests',
  web_search_calls: 'webSearchCalls',
  web_search_requests: 'webSearchCalls',
  file_search_calls: 'fileSearchCalls',
  search_units: 'searchUnits',
}

function readBuckets(span: SpanView, usage: Counts): void {
  span.setMeaning({ inputIncludesCache: false, tellsCache: true, outputIncludesReasoning: false })
  span.setUsage('inputTokens', withKinds(span, usage, inputKinds, first(usage, 'input', 'input_tokens')))
  span.setUsage('outputTokens', withKinds(span, usage, outputKinds, first(usage, 'output', 'output_tokens')))
  span.setUsage('cacheReadTokens', first(usage, 'cache_read_input_tokens', 'input_cached_tokens', 'input_cache_read'))
  const long =
    first(usage, 'input_cache_creation_1h', 'cache_creation_1h_input_tokens') ??
    first(objectAt(usage, 'cache_creation') ?? {}, 'ephemeral_1h_input_tokens')
  const short = first(usage, 'input_cache_creation_5m', 'cache_creation_5m_input_tokens')
  const written = first(usage, 'cache_creation_input_tokens', 'input_cache_creation')
  const byLifetime = long === undefined && short === undefined ? undefined : (long ?? 0) + (short ?? 0)
  span.setUsage('cacheWriteTokens', written ?? byLifetime)
  span.setUsage('cacheWrite1hTokens', long)
  span.setUsage('reasoningTokens', first(usage, 'output_reasoning_tokens', 'output_reasoning'))
  for (const [name, field] of Object.entries(otherKinds)) span.setUsage(field, first(usage, name))
}

/** A total with the kinds beside it, each of which is set as well. */
function withKinds(
  span: SpanView,
  usage: Counts,
  kinds: Readonly<Record<string, FieldName>>,
  plain: number | undefined,
): number | undefined {
  let total = plain
  for (const [name, field] of Object.entries(kinds)) {
    const quantity = first(usage, name)
    if (quantity === undefined) continue
    span.setUsage(field, quantity)
    total = (total ?? 0) + quantity
  }
  return total
}

function first(usage: Counts, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = usage[name]
    if (typeof value === 'number') return value
  }
  return undefined
}
