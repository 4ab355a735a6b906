// Does an answer begin like a refusal? Models that were tuned to refuse do it in few words and with the same ones; a long answer that
// begins so goes on to answer after all.

/** An answer longer than this is no refusal, whatever it begins with. */
export const refusalCharsMax = 600
/** So much of an answer is looked at. */
export const refusalHeadChars = 200

const cannot = `(?:can(?:no|['’])?t|can not|could not|couldn['’]t|won['’]t|will not|am (?:not able|unable)|['’]m (?:not able|unable)|must decline|have to decline|decline)`
const doing = `(?:assist|help|comply|fulfil|fulfill|provide|do that|do this|answer|respond|discuss|generate|create|continue|engage|support|share|give|offer|write|produce|participate|complete|process)`

const phrases: readonly RegExp[] = [
  new RegExp(
    String.raw`^(?:i['’]m|i am|we['’]re|we are)?\s*(?:so |very |really )?sorry\b[^.!?]{0,60}\b(?:i|we)\s*${cannot}\b[^.!?]{0,40}\b${doing}`,
    'i',
  ),
  new RegExp(
    String.raw`^(?:i apologi[sz]e|my apologies|apologies|unfortunately|regrettably)\b[^.!?]{0,60}\b(?:i|we)\s*${cannot}\b[^.!?]{0,40}\b${doing}`,
    'i',
  ),
  new RegExp(String.raw`^(?:as an ai|as a (?:large )?language model)\b[^.!?]{0,80}\b(?:i|we)\s*${cannot}\b`, 'i'),
  new RegExp(
    String.raw`^(?:no[,.] )?(?:i|we)\s*${cannot}(?: to)? ${doing}\b[^.!?]{0,30}\b(?:with )?(?:that|this|your|the|such|any|request|you|content|information|illegal|harmful)\b`,
    'i',
  ),
  /^(?:i|we) (?:must|have to) (?:refuse|decline)\b/i,
  /^(?:es )?tut mir leid\b[^.!?]{0,60}\b(?:kann|darf) (?:ich|wir|dir|ihnen)\b[^.!?]{0,60}\bnicht\b/i,
  /^(?:je suis )?désolée?\b[^.!?]{0,60}\bje ne (?:peux|suis) pas\b/i,
  /^lo siento\b[^.!?]{0,60}\bno puedo\b/i,
]

/** True for the whole text of an answer that refuses in words. */
export function refusesInWords(text: string): boolean {
  const plain = text.trim()
  if (plain.length > refusalCharsMax) return false
  const head = plain.slice(0, refusalHeadChars)
  return phrases.some((phrase) => phrase.test(head))
}

/** Whether text that begins at a byte can be one; where not, and that is nearly always, nothing has to be read. */
export function mayRefuse(bytes: Uint8Array, at: number): boolean {
  if (beginnings[((bytes[at]! | 0x20) << 8) | (bytes[at + 1]! | 0x20)] !== 1) return false
  return firstWords.test(
    Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(16, bytes.length - at)).toString('latin1'),
  )
}

/** As the bytes are, in JSON or not. */
const firstWords =
  /^(?:[\s\\]|i(?:'|\xe2|\\u2019| (?:am|can|could|won|will|must|have|apolog))|(?:so |very )?sorry|as an? (?:ai|l)|unfort|regret|my apol|apolog|we (?:are|can|could|won|will|must|have|apolog)|we'|no[,.] (?:i|we)|es tut|tut mir|je suis d|d\xc3\xa9sol|lo siento)/i

const beginnings = new Uint8Array(1 << 16)
for (const pair of [
  'i ',
  "i'",
  'i\u2019',
  'so',
  'as',
  'un',
  're',
  'my',
  'ap',
  'we',
  'no',
  'es',
  'tu',
  'je',
  'd\u00e9',
  'lo',
]) {
  const [first, second] = new TextEncoder().encode(pair)
  beginnings[((first! | 0x20) << 8) | (second! | 0x20)] = 1
}
// Behind white space or an escape anything may follow.
for (const first of ' \n\\')
  for (let second = 0; second < 256; second++) beginnings[((first.charCodeAt(0) | 0x20) << 8) | (second | 0x20)] = 1
