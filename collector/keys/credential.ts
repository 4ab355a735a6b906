// Where a request shows its key: `Authorization: Bearer KEY`, Basic with the key as password (Langfuse's SDKs send a public
// key as the user name, which is not looked at), `x-api-key: KEY`.

import { Refusal } from '../../schemas/refusal.ts'

/** Lower-case header names; several lines of one name as a list, or joined by a comma. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const authorizationCharsMax = 4096
const schemeForm = /^(bearer|basic) +([^\s,]+)$/i

/**
 * The one key that the headers show, undefined when they show none.
 * Throws Refusal('unauthenticated') for two different ones: a proxy may have judged the other.
 */
export function shownKey(headers: Headers): string | undefined {
  const { authorization, 'x-api-key': apiKey } = headers
  const fromScheme = authorization === undefined ? undefined : keyOfScheme(authorization)
  if (apiKey === undefined) return fromScheme
  if (typeof apiKey !== 'string' || /[\s,]/.test(apiKey)) throw twoKeys()
  if (fromScheme === undefined || !fromScheme.startsWith('sl_')) return apiKey
  if (fromScheme !== apiKey) throw twoKeys()
  return apiKey
}

function keyOfScheme(authorization: string | readonly string[]): string | undefined {
  if (typeof authorization !== 'string') throw twoKeys()
  if (authorization.length > authorizationCharsMax) return undefined
  const [, scheme, credential] = schemeForm.exec(authorization) ?? []
  if (credential === undefined) {
    if (authorization.includes(',')) throw twoKeys()
    return undefined
  }
  if (scheme!.toLowerCase() === 'bearer') return credential
  const text = Buffer.from(credential, 'base64').toString('latin1')
  const colon = text.indexOf(':')
  const password = text.slice(colon + 1)
  // `curl -u KEY:` gives the key as the name.
  return colon > 0 && password === '' ? text.slice(0, colon) : password
}

function twoKeys(): Refusal {
  return new Refusal('unauthenticated', 'more than one key is shown: send one Authorization header, or one x-api-key')
}
