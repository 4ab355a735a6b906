// The usage object of a provider's own answer, which some instrumentations pass on as JSON, in any provider's shape → counts as the
// ledger has them: input includes the cache, output includes reasoning. The shapes are in provider-usage/, a table each; the first
// that recognises an object reads it.
//
// Sources: the providers' API references, 2026-11; usage_raw of the price vectors of 2026-11-22.

import type { FieldName } from './fields.ts'
import { anthropic } from './provider-usage/anthropic.ts'
import { converse, invokeMetrics } from './provider-usage/bedrock.ts'
import { cohere, ollama } from './provider-usage/cohere.ts'
import { type Counts, listAt, objectAt, type ProviderUsage, readBy, type UsageForm } from './provider-usage/form.ts'
import { google } from './provider-usage/google.ts'
import { openAi, openAiPaths } from './provider-usage/openai.ts'
import { deepSeek, mistralOcr, openRouter, perplexity, voyage, xAi } from './provider-usage/openai-relatives.ts'
import { providerId } from './response-id.ts'
import type { SpanView } from './span-view.ts'

export { type Counts, objectAt, type ProviderUsage, type ReadUsage } from './provider-usage/form.ts'

/** Who says input and output and no more, be it Anthropic or OpenAI: both readings are one. */
const plain: UsageForm = {
  id: 'plain',
  is: (usage) => 'input_tokens' in usage || 'output_tokens' in usage,
  paths: openAiPaths,
  conditions: { serviceTier: ['service_tier'], speed: ['speed'] },
}

/** Those with words of their own before those whose words others borrow. */
const forms: readonly UsageForm[] = [
  google,
  cohere,
  ollama,
  converse,
  invokeMetrics,
  mistralOcr,
  perplexity,
  xAi,
  openRouter,
  deepSeek,
  openAi,
  anthropic,
  plain,
  voyage,
]

/** Undefined for an object that is no usage. */
export function providerUsage(usage: Counts, given?: UsageForm): ProviderUsage | undefined {
  const form = given ?? forms.find(({ is }) => is(usage))
  return form === undefined ? undefined : readBy(form, usage)
}

/** Fills what a span does not say itself from its answer's usage, and settles by it how the span counts; `form` where it is known. */
export function fillFrom(span: SpanView, usage: Counts, form?: UsageForm): void {
  const read = providerUsage(usage, form)
  if (read === undefined) return
  const { counts, freshInput, conditions } = read
  const said = span.usage('inputTokens')
  const isWhole = said === counts.inputTokens
  if (freshInput !== undefined && said === freshInput && !isWhole) span.setMeaning({ inputIncludesCache: false })
  else if (counts.inputTokens !== undefined && (Number.isNaN(said) || isWhole))
    span.setMeaning({ inputIncludesCache: true })
  // A span that repeats the provider's own word for it lacks what the provider counts beside it.
  if (freshInput === undefined && said === read.plainInput) span.setUsage('inputTokens', counts.inputTokens)
  if (span.usage('outputTokens') === read.plainOutput && read.plainOutput !== counts.outputTokens) {
    span.setUsage('outputTokens', counts.outputTokens)
    span.setMeaning({ outputIncludesReasoning: true })
  }
  for (const [field, count] of Object.entries(counts)) span.setCountIfMissing(field as FieldName, count)
  span.setTextIfMissing('serviceTier', conditions.serviceTier)
  for (const name of ['speed', 'dataResidency', 'searchContextSize'] as const)
    span.setConditionIfMissing(name, conditions[name])
  span.setReportedCost(read.costPico, read.costSource)
}

/** An answer as a whole: its id, model, tier and usage, for a span that does not say them. Chunks of a stream have it in `data`. */
export function fillFromAnswer(span: SpanView, given: Counts): void {
  const answer = objectAt(given, 'data') ?? objectAt(given, 'response') ?? given
  const isAnswer = ['object', 'type', 'responseId', 'response_id', 'usage', 'usageMetadata'].some(
    (key) => key in answer,
  )
  if (isAnswer) {
    const id = answer['id'] ?? answer['responseId'] ?? answer['response_id']
    span.setTextIfMissing('responseId', typeof id === 'string' ? providerId(id) : id)
    span.setTextIfMissing('responseModel', answer['model'] ?? answer['modelVersion'] ?? answer['model_version'])
  }
  // The answer's own tier is the one that was served; a usage that names one as well repeats it.
  span.setTextIfMissing('serviceTier', answer['service_tier'])
  const usage = usageOf(answer)
  if (usage !== undefined) fillFrom(span, usage)
  const output = listAt(answer, 'output')
  if (output.length > 0) fillCalls(span, output)
  fillGrounding(span, listAt(answer, 'candidates'), String(answer['modelVersion'] ?? answer['model_version'] ?? ''))
}

function usageOf(answer: Counts): Counts | undefined {
  const told =
    objectAt(answer, 'usage') ??
    objectAt(answer, 'usage_metadata') ??
    objectAt(answer, 'usage_info') ??
    objectAt(answer, 'amazon-bedrock-invocationMetrics') ??
    objectAt(answer, 'meta')
  return told ?? ('prompt_eval_count' in answer ? answer : undefined)
}

/** Gemini 3 bills every query of a search, the models before it every prompt that was grounded by one. */
export function fillGrounding(span: SpanView, candidates: readonly Counts[], modelVersion: string): void {
  const queries = candidates.flatMap((candidate) => {
    const list = objectAt(candidate, 'grounding_metadata')
    const found = list?.['webSearchQueries'] ?? list?.['web_search_queries']
    return Array.isArray(found) ? found : []
  })
  if (queries.length === 0) return
  const model = modelVersion || (span.text('responseModel') ?? span.text('requestModel') ?? '')
  if (/gemini-[12]([.-]|$)/.test(model)) span.setCountIfMissing('groundedRequests', 1)
  else span.setCountIfMissing('webSearchQueries', queries.length)
}

/** Tool calls of OpenAI's Responses that have a fee of their own. */
function fillCalls(span: SpanView, output: readonly Counts[]): void {
  const callsOf = (type: string): readonly Counts[] => output.filter((item) => item['type'] === type)
  span.setCountIfMissing('webSearchCalls', callsOf('web_search_call').length || undefined)
  span.setCountIfMissing('fileSearchCalls', callsOf('file_search_call').length || undefined)
  const containers = new Set(callsOf('code_interpreter_call').map((call) => call['container_id']))
  span.setCountIfMissing('codeSessions', containers.size || undefined)
}
