// hot: Where the text of a captured answer begins, without reading the JSON around it.
//
//   Hello…                                                              plain text: at once
//   [{"role":"assistant","parts":[{"type":"text","content":"Hello…      behind the first member that holds text
//   {"id":"chatcmpl-…","choices":[{"message":{"refusal":"I…             a refusal comes first: not said

/** So far a member is looked for. */
const searchBytes = 2048

const quote = 0x22

/** Position of the first byte of the text in `bytes[from .. to)`; -1 where it is empty, a refusal, or not found. */
export function textBegin(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x0a)) at++
  if (at === to) return -1
  const first = bytes[at]!
  if (first !== 0x5b && first !== 0x7b) return first === quote ? -1 : at
  const last = Math.min(to, at + searchBytes) - 12
  for (; at < last; at++) {
    if (bytes[at] !== quote) continue
    const letter = bytes[at + 1]
    const size = letter === 0x63 ? 9 : letter === 0x74 ? 6 : letter === 0x72 ? 9 : 0
    if (size === 0 || bytes[at + size - 1] !== quote) continue
    const isRefusal = letter === 0x72
    if (!isWord(bytes, at + 1, isRefusal ? refusal : letter === 0x63 ? content : text)) continue
    if (bytes[at + size] !== 0x3a) {
      // The type of a part.
      if (isRefusal) return -1
      continue
    }
    let value = at + size + 1
    if (bytes[value] === 0x20) value++
    if (bytes[value] !== quote) continue
    if (isRefusal || bytes[value + 1] === quote) return -1
    return value + 1
  }
  return -1
}

const content = Uint8Array.from(Buffer.from('content'))
const text = Uint8Array.from(Buffer.from('text'))
const refusal = Uint8Array.from(Buffer.from('refusal'))

function isWord(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}
