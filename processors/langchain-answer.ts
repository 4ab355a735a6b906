// LangChain's answer as its callbacks pass it on: one list of messages for each prompt, each message with what the provider said.

import { firstCountMax } from '../schemas/usage.ts'
import { type Counts, fillFromAnswer, objectAt } from './provider-usage.ts'
import type { SpanView } from './span-view.ts'

/** Fills what a span does not say itself from `generations`, and undoes what LangChain.js gets wrong of Claude's streams. */
export function readLangChain(span: SpanView, answer: Counts): void {
  if (!Array.isArray(answer['generations'])) return
  readGenerations(span, answer['generations'])
  mendStream(span, answer)
}

/**
 * LangChain's answer: one message, with the provider's own usage, or LangChain's where a stream has no other. Older packages report the
 * provider's plain counts: for Claude, input without the cache.
 */
function readGenerations(span: SpanView, generations: readonly unknown[]): void {
  const [ofPrompt, ...others] = generations
  if (!Array.isArray(ofPrompt) || others.length > 0) return
  // Written as a constructor with its arguments, or as a plain object.
  const written = objectAt(ofPrompt[0] as Counts | undefined, 'message')
  const message = objectAt(written, 'kwargs') ?? written
  const told = objectAt(message, 'response_metadata')
  const usage = objectAt(told, 'usage') ?? objectAt(told, 'token_usage') ?? objectAt(message, 'usage_metadata')
  if (usage === undefined) return
  // At the end of a stream some providers repeat a part of their usage alone, and the whole of it is in LangChain's own words.
  const whole = objectAt(message, 'usage_metadata')
  if (!('input_tokens' in usage || 'prompt_tokens' in usage)) {
    span.setUsageIfMissing('inputTokens', whole?.['input_tokens'])
    span.setUsageIfMissing('outputTokens', whole?.['output_tokens'])
  }
  const id = told?.['id'] ?? message?.['id']
  // LangChain's own id of the run, where the provider's is not passed on.
  const isOwn = typeof id !== 'string' || /^(run|lc)[-_]/.test(id)
  fillFromAnswer(span, {
    usage,
    model: told?.['model_name'] ?? told?.['model'],
    service_tier: told?.['service_tier'],
    ...(isOwn ? {} : { id }),
  })
}

/**
 * LangChain.js adds the count at the beginning of a stream of Claude to the one at its end. Releases up to 1.3.10 of its package for Anthropic add
 * up the cached parts as well and keep the last count beside the sum. Their input leaves the cache out, but for the last of them, which
 * name the provider as those do that are a little older: there an input that could hold the cached parts is taken to.
 */
function mendStream(span: SpanView, answer: Counts): void {
  const [[generation] = []] = answer['generations'] as readonly (readonly Counts[])[]
  const message = objectAt(generation, 'message')
  const type = message?.['id']
  // Python's, which begins with `langchain`, adds up rightly.
  if (!Array.isArray(type) || type[0] !== 'langchain_core' || type.at(-1) !== 'AIMessageChunk') return
  if (!/claude/i.test(span.text('requestModel') ?? '')) return
  const parts = objectAt(message, 'kwargs')
  const sent = objectAt(objectAt(parts, 'response_metadata'), 'usage')
  const summed = objectAt(objectAt(parts, 'usage_metadata'), 'input_token_details')
  const [read, written] = [sent?.['cache_read_input_tokens'], sent?.['cache_creation_input_tokens']]
  if (isTwice(summed?.['cache_read'], read) || isTwice(summed?.['cache_creation'], written)) {
    span.setUsage('cacheReadTokens', read)
    span.setUsage('cacheWriteTokens', written)
    const cached = numberOf(read) + numberOf(written)
    const isNamed = typeof objectAt(parts, 'response_metadata')?.['model_provider'] === 'string'
    span.setMeaning({ inputIncludesCache: isNamed && span.usage('inputTokens') >= cached })
  }
  const output = span.usage('outputTokens')
  const last = objectAt(objectAt(answer, 'llmOutput'), 'tokenUsage')?.['completionTokens']
  const isLast = typeof last === 'number' && last < output && output - last <= firstCountMax
  if (output > 1) span.mendUsage('outputTokens', isLast ? last : output - 1)
}

function numberOf(count: unknown): number {
  return typeof count === 'number' ? count : 0
}

function isTwice(sum: unknown, part: unknown): boolean {
  return typeof sum === 'number' && typeof part === 'number' && part > 0 && sum === 2 * part
}
