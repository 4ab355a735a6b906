// Counts of LiteLLM's own. Of a stream whose usage nobody told it counts the words itself, in some releases, and does not say so.

import { objectAt } from './provider-usage/form.ts'

type Counts = Readonly<Record<string, unknown>>

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
