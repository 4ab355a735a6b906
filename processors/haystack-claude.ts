// Haystack's package for Claude renames the provider's counts. Up to 3 it left Claude's own word for why the answer ended, and the input without
// the cache; since 6 it has OpenAI's word and the input with the cache.

/** Why Claude ends an answer, in words that no other provider has. */
const reasons: ReadonlySet<string> = new Set(['end_turn', 'tool_use', 'max_tokens', 'stop_sequence', 'pause_turn'])

/** Whether a component's usage has Claude's plain input under OpenAI's name. */
export function isPlainOfClaude(finishReason: unknown, usage: Readonly<Record<string, unknown>>): boolean {
  return 'prompt_tokens' in usage && 'cache_read_input_tokens' in usage && reasons.has(String(finishReason))
}
