// Tokenizers for calls that reported no usage, loaded only when estimates are switched on. OpenAI's encodings are public;
// other makers' are not, so their calls are counted by the nearest, o200k_base, and the row names it.
// gpt-tokenizer (MIT) is pure JavaScript and kept current; its merge step is quadratic in the length of a piece.

import type { Tokenizer, TokenizerFor } from '../processors/estimate.ts'

/** Pieces without a break are counted in cuts: one of 50,000 characters takes 15 s whole, 10 ms in cuts and a token too many in each. */
const pieceCharsMax = 256
const longPieces = new RegExp(`\\S{${pieceCharsMax},}|\\s{${pieceCharsMax},}`, 'g')

/** Models of cl100k_base; newer ones have o200k_base. Source: tiktoken 0.12, model table. */
const older = /^(ft:)?(gpt-4(?!o|\.[15])|gpt-3\.5|gpt-35|text-embedding)/

/** Reads the encodings: some 200 ms and 60 MB. */
export async function loadTokenizers(): Promise<TokenizerFor> {
  const [o200k, cl100k] = await Promise.all([
    import('gpt-tokenizer/encoding/o200k_base'),
    import('gpt-tokenizer/encoding/cl100k_base'),
  ])
  const newer: Tokenizer = { name: 'o200k_base', count: inCuts(o200k.countTokens) }
  const old: Tokenizer = { name: 'cl100k_base', count: inCuts(cl100k.countTokens) }
  return (_, model) => (older.test(model) ? old : newer)
}

type CountTokens = (text: string, options: { readonly disallowedSpecial: Set<string> }) => number

/** Special tokens in a text are text to a provider, too. */
function inCuts(countTokens: CountTokens): (text: string) => number {
  const options = { disallowedSpecial: new Set<string>() }
  return (text) => {
    let tokens = 0
    let end = 0
    for (const { 0: piece, index } of text.matchAll(longPieces)) {
      tokens += countTokens(text.slice(end, index), options)
      for (let at = 0; at < piece.length; at += pieceCharsMax)
        tokens += countTokens(piece.slice(at, at + pieceCharsMax), options)
      end = index + piece.length
    }
    return tokens + countTokens(text.slice(end), options)
  }
}
