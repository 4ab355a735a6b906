// Bodies of the API: bytes → JSON values. What is no UTF-8, nests too deep or holds half a character is refused here: stored, it
// would come back as something else.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../../schemas/refusal.ts'

/** Lists and objects within each other; what people write by hand has ten. */
export const depthMax = 100

type Done = (error: Error | null, body?: unknown) => void

/** Makes `app` read bodies of this media type as JSON. */
export function takeJson(app: FastifyInstance, mediaType: string): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  const parser = (request: FastifyRequest, bytes: Buffer, done: Done): void => {
    try {
      // Many clients name a type also for the body that a DELETE has not.
      if (bytes.length === 0 && request.method === 'DELETE') done(null, undefined)
      else
        parse(request, checkedText(request, bytes), (error, value) =>
          error === null ? done(null, value) : done(error, undefined),
        )
    } catch (error) {
      done(error as Error, undefined) // a Refusal: nothing else is thrown above
    }
  }
  app.addContentTypeParser(mediaType, { parseAs: 'buffer' }, parser)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** An escape of a code unit that may be one half of a character. */
const half = /\\u[dD][89a-fA-F]/

function checkedText(request: FastifyRequest, bytes: Buffer): string {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new Refusal('unsupported_encoding', `send the body as it is: content-encoding ${encoding} is not read here`)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new Refusal('bad_request', 'the body is not UTF-8')
  }
  if (depthOf(text) > depthMax) throw new Refusal('bad_request', `the body nests deeper than ${depthMax} levels`)
  if (half.test(text) && !isWhole(text))
    throw new Refusal('bad_request', 'the body has an escape of half a character (an unpaired surrogate)')
  return text
}

/** How deep a text nests, if it is JSON; brackets within strings do not count. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === openList || code === openObject) deepest = Math.max(deepest, ++depth)
    else if (code === closeList || code === closeObject) depth--
  }
  return deepest
}

const [quote, openList, closeList, openObject, closeObject] = [0x22, 0x5b, 0x5d, 0x7b, 0x7d]

/** The closing quote of the string that begins at `from`, or the end of the text. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (at > 0) {
    let before = at
    while (text[before - 1] === '\\') before--
    if ((at - before) % 2 === 0) return at
    at = text.indexOf('"', at + 1)
  }
  return text.length
}

/** Whether every text in it is made of whole characters; also true for what is no JSON, which the parser will say. */
function isWhole(text: string): boolean {
  let isFound = true
  try {
    JSON.parse(text, (key, value) => {
      if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) isFound = false
      return value
    })
  } catch {
    // Told by the parser, in its words.
    return true
  }
  return isFound
}
