// Counts of LiteLLM's own. Of a stream whose usage nobody told it counts the words itself, in some releases, and does not say so; others add up
// Claude's input in part.

import { type Counts, objectAt } from './provider-usage/form.ts'

/**
 * Whether a usage object is such a guess: all output is text, and nothing is known of the input, of which OpenAI tells the parts whenever
 * it tells usage. Other providers may leave them out, so theirs are believed.
 */
export function isGuessOfLitellm(usage: Counts | undefined, model: string): boolean {
  const parts = objectAt(usage, 'completion_tokens_details')
  if (usage === undefined || parts === undefined || usage['prompt_tokens_details'] !== null) return false
  // Older releases do not say what is text.
  const text = parts['text_tokens'] ?? usage['completion_tokens']
  const isAllText = text === usage['completion_tokens'] && parts['accepted_prediction_tokens'] === null
  return isAllText && /^(openai\/)?(gpt-|o\d|chatgpt-)/.test(model)
}

/** What Claude wrote to the cache and the input leaves out, as from 1.65 to 1.76, which have no part for it among the input's; else 0. */
export function writtenBeside(usage: Counts | undefined): number {
  const parts = objectAt(usage, 'prompt_tokens_details')
  const written = usage?.['cache_creation_input_tokens']
  return parts === undefined || 'cache_creation_tokens' in parts || typeof written !== 'number' ? 0 : written
}
