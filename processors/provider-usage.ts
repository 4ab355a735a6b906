// The usage object of a provider's own answer, which some instrumentations pass on as JSON, in any provider's shape → counts as the
// ledger has them: input includes the cache, output includes reasoning.
//
//   Anthropic    input_tokens beside cache_read_input_tokens and cache_creation_input_tokens
//   Bedrock      inputTokens beside cacheReadInputTokens and cacheWriteInputTokens
//   OpenAI       prompt_tokens or input_tokens, *_tokens_details within them; also Mistral, Groq, xAI, DeepSeek, LiteLLM
//   Google       promptTokenCount with cachedContentTokenCount in it, candidatesTokenCount beside thoughtsTokenCount
//   Cohere       billed_units; Ollama prompt_eval_count, eval_count
//
// Sources: the providers' API references, 2026-11.

import type { FieldName } from './fields.ts'
import type { SpanView } from './span-view.ts'

export type Counts = Readonly<Record<string, unknown>>
export type ReadUsage = { readonly [field in FieldName]?: number }

export interface ProviderUsage {
  readonly counts: ReadUsage
  /** What the provider itself calls the input, where that leaves the cache out; undefined where it does not. */
  readonly freshInput?: number | undefined
}

/** Undefined for an object that is no usage. */
export function providerUsage(usage: Counts): ProviderUsage | undefined {
  if ('promptTokenCount' in usage || 'prompt_token_count' in usage) return { counts: ofGoogle(usage) }
  const billed = objectAt(usage, 'billed_units')
  if (billed !== undefined) return { counts: totals(billed, ['input_tokens'], ['output_tokens'], otherUnits(billed)) }
  if ('prompt_eval_count' in usage) return { counts: totals(usage, ['prompt_eval_count'], ['eval_count']) }
  if ('inputTokens' in usage) return beside(usage, 'inputTokens', 'outputTokens', bedrockParts(usage))
  if ('prompt_tokens' in usage || 'input_tokens_details' in usage) return { counts: ofOpenAi(usage) }
  if ('cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage)
    return beside(usage, 'input_tokens', 'output_tokens', anthropicParts(usage))
  if ('input_tokens' in usage || 'output_tokens' in usage) return { counts: ofOpenAi(usage) }
  return undefined
}

/** Fills what a span does not say itself from its answer's usage, and settles by it how the span counts its input. */
export function fillFrom(span: SpanView, usage: Counts): void {
  const read = providerUsage(usage)
  if (read === undefined) return
  const { counts, freshInput } = read
  const said = span.usage('inputTokens')
  const isWhole = said === counts.inputTokens
  if (freshInput !== undefined && said === freshInput && !isWhole) span.setMeaning({ inputIncludesCache: false })
  else if (Number.isNaN(said) || isWhole) span.setMeaning({ inputIncludesCache: true })
  for (const [field, count] of Object.entries(counts)) span.setUsageIfMissing(field as FieldName, count)
}

/** An answer as a whole: its id, model, tier and usage, for a span that does not say them. Chunks of a stream have it in `data`. */
export function fillFromAnswer(span: SpanView, given: Counts): void {
  const answer = objectAt(given, 'data') ?? objectAt(given, 'response') ?? given
  const isAnswer = ['object', 'type', 'responseId', 'response_id', 'usage', 'usageMetadata'].some(
    (key) => key in answer,
  )
  if (isAnswer) {
    span.setTextIfMissing('responseId', answer['id'] ?? answer['responseId'] ?? answer['response_id'])
    span.setTextIfMissing('responseModel', answer['model'] ?? answer['modelVersion'] ?? answer['model_version'])
  }
  const usage = objectAt(answer, 'usage') ?? objectAt(answer, 'usageMetadata') ?? objectAt(answer, 'usage_metadata')
  if (usage !== undefined) fillFrom(span, usage)
  else if ('prompt_eval_count' in answer) fillFrom(span, answer)
  span.setTextIfMissing('serviceTier', answer['service_tier'] ?? usage?.['service_tier'] ?? usage?.['serviceTier'])
  const searches = callsOf(answer, 'web_search_call')
  if (searches > 0) span.setUsageIfMissing('webSearchCalls', searches)
  const files = callsOf(answer, 'file_search_call')
  if (files > 0) span.setUsageIfMissing('fileSearchCalls', files)
}

export function objectAt(parent: Counts | undefined, key: string): Counts | undefined {
  const value = parent?.[key]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Counts) : undefined
}

/** Tool calls of OpenAI's Responses that have a fee of their own. */
function callsOf(answer: Counts, type: string): number {
  const { output } = answer
  return Array.isArray(output) ? output.filter((item) => objectAt({ item }, 'item')?.['type'] === type).length : 0
}

function ofOpenAi(usage: Counts): ReadUsage {
  const input = objectAt(usage, 'prompt_tokens_details') ?? objectAt(usage, 'input_tokens_details')
  const output = objectAt(usage, 'completion_tokens_details') ?? objectAt(usage, 'output_tokens_details')
  const lifetimes = objectAt(input, 'cache_creation_token_details') ?? objectAt(usage, 'cache_creation')
  return totals(usage, ['prompt_tokens', 'input_tokens'], ['completion_tokens', 'output_tokens'], {
    cacheReadTokens:
      first(input, 'cached_tokens') ??
      first(usage, 'cached_tokens', 'cache_read_input_tokens', 'prompt_cache_hit_tokens'),
    cacheWriteTokens:
      first(input, 'cache_write_tokens', 'cache_creation_tokens') ?? first(usage, 'cache_creation_input_tokens'),
    cacheWrite1hTokens:
      first(lifetimes, 'ephemeral_1h_input_tokens') ?? first(usage, 'cache_creation_input_tokens_above_1hr'),
    reasoningTokens: first(output, 'reasoning_tokens'),
    inputAudioTokens: first(input, 'audio_tokens'),
    inputImageTokens: first(input, 'image_tokens'),
    outputAudioTokens: first(output, 'audio_tokens'),
    outputImageTokens: first(output, 'image_tokens'),
    citationTokens: first(usage, 'citation_tokens'),
    searchQueries: first(usage, 'num_search_queries'),
  })
}

function ofGoogle(usage: Counts): ReadUsage {
  const either = (camel: string): number | undefined =>
    first(
      usage,
      camel,
      camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    )
  const thoughts = either('thoughtsTokenCount')
  const candidates = either('candidatesTokenCount')
  const prompt = either('promptTokenCount')
  const tools = either('toolUsePromptTokenCount')
  const hasOutput = candidates !== undefined || thoughts !== undefined
  return withoutGaps({
    inputTokens: prompt === undefined ? undefined : prompt + (tools ?? 0),
    outputTokens: hasOutput ? (candidates ?? 0) + (thoughts ?? 0) : undefined,
    cacheReadTokens: either('cachedContentTokenCount'),
    reasoningTokens: thoughts,
  })
}

function anthropicParts(usage: Counts): ReadUsage {
  return {
    ...withoutGaps({
      cacheReadTokens: first(usage, 'cache_read_input_tokens'),
      cacheWriteTokens: first(usage, 'cache_creation_input_tokens'),
      cacheWrite1hTokens:
        first(objectAt(usage, 'cache_creation'), 'ephemeral_1h_input_tokens') ??
        first(usage, 'cache_creation_input_tokens_above_1hr'),
      reasoningTokens: first(objectAt(usage, 'output_tokens_details'), 'thinking_tokens', 'reasoning_tokens'),
      webSearchCalls: first(objectAt(usage, 'server_tool_use'), 'web_search_requests') || undefined,
    }),
  }
}

function bedrockParts(usage: Counts): ReadUsage {
  return withoutGaps({
    cacheReadTokens: first(usage, 'cacheReadInputTokens', 'cacheReadInputTokenCount'),
    cacheWriteTokens: first(usage, 'cacheWriteInputTokens', 'cacheWriteInputTokenCount'),
  })
}

function otherUnits(billed: Counts): { readonly [field in FieldName]?: number | undefined } {
  return { searchUnits: first(billed, 'search_units') }
}

/** The cache is counted beside the input. */
function beside(usage: Counts, inputName: string, outputName: string, parts: ReadUsage): ProviderUsage {
  const fresh = first(usage, inputName)
  const cached = (parts.cacheReadTokens ?? 0) + (parts.cacheWriteTokens ?? 0)
  const inputTokens = fresh === undefined ? undefined : fresh + cached
  return { counts: withoutGaps({ inputTokens, outputTokens: first(usage, outputName), ...parts }), freshInput: fresh }
}

function totals(
  usage: Counts,
  inputNames: readonly string[],
  outputNames: readonly string[],
  parts: { readonly [field in FieldName]?: number | undefined } = {},
): ReadUsage {
  const [inputTokens, outputTokens] = [first(usage, ...inputNames), first(usage, ...outputNames)]
  return withoutGaps({ inputTokens, outputTokens, ...parts })
}

function withoutGaps(counts: { readonly [field in FieldName]?: number | undefined }): ReadUsage {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)) as ReadUsage
}

function first(usage: Counts | undefined, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = usage?.[name]
    if (typeof value === 'number' && Number.isFinite(value)) return value
  }
  return undefined
}
