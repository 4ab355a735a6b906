// What the fake providers count as tokens and find in their prompt caches. A token is four bytes of text: wrong, but fixed, so
// that every run bills the same.

/** Tokens of a text; at least 1. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(Buffer.byteLength(text) / 4))
}

/** A prompt shorter than this is never cached (OpenAI, and the Claude models of the demo but Haiku, whose limit is higher). */
const cacheableTokensMin = 1024

/** OpenAI: automatic. The longest prefix seen before is cached, in steps of 128 tokens from 1,024 on. */
export class AutomaticPromptCache {
  readonly #prompts = new Map<string, string[]>()

  /** Cached tokens of this prompt; remembers it for the next. */
  read(model: string, prompt: string): number {
    const known = this.#prompts.get(model) ?? []
    const shared = Math.max(0, ...known.map((earlier) => sharedPrefix(earlier, prompt)))
    this.#prompts.set(model, [...known, prompt])
    const tokens = shared === 0 ? 0 : countTokens(prompt.slice(0, shared))
    return tokens < cacheableTokensMin ? 0 : Math.floor(tokens / 128) * 128
  }
}

/** A prompt in pieces; a piece with `ttl` asks for everything up to and including it to be cached. */
export interface PromptPiece {
  readonly text: string
  readonly ttl?: '5m' | '1h'
}

/** Anthropic: by breakpoints that the request sets. */
export class MarkedPromptCache {
  readonly #prefixes = new Set<string>()

  /** The prompt's tokens split into read, written by lifetime, and the rest. */
  charge(model: string, pieces: readonly PromptPiece[]) {
    const usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }
    let prefix = model
    let open = 0
    let prefixTokens = 0
    for (const { text, ttl } of pieces) {
      prefix += `\n${text}`
      open += countTokens(text)
      prefixTokens += countTokens(text)
      if (ttl === undefined || prefixTokens < cacheableTokensMin) continue
      if (this.#prefixes.has(prefix)) {
        // Everything up to here was cached, whatever an earlier breakpoint said.
        usage.cacheRead = prefixTokens
        usage.cacheWrite5m = 0
        usage.cacheWrite1h = 0
      } else usage[ttl === '1h' ? 'cacheWrite1h' : 'cacheWrite5m'] += open
      this.#prefixes.add(prefix)
      open = 0
    }
    return { ...usage, input: open }
  }
}

function sharedPrefix(a: string, b: string): number {
  let size = 0
  while (size < a.length && size < b.length && a[size] === b[size]) size++
  return size
}
