// A key as people carry it, and what is kept of it.
//
//      sl_4k7x0m2q9d3c_<43 characters>          sl_pub_… stands in web pages and is no secret
//      prefix           secret, 256 random bits
//
// Kept are the prefix, which finds the key and may be shown, and the SHA-256 of the whole text. A slow or keyed hash would
// guard what people choose; 256 random bits cannot be tried through, and this is computed once per request (docs/decisions/0033).

import { hash, randomBytes, randomInt } from 'node:crypto'

export interface NewKey {
  /** The whole key: shown once, kept nowhere. */
  readonly text: string
  readonly prefix: string
  /** Lower hex. */
  readonly sha256: string
}

const form = /^(sl_(?:pub_)?[0-9a-z]{12})_[A-Za-z0-9_-]{43}$/
const prefixForm = /^sl_(?:pub_)?[0-9a-z]{12}$/
const prefixChars = '0123456789abcdefghijklmnopqrstuvwxyz'

export function makeKey({ isPublic }: { readonly isPublic: boolean }): NewKey {
  const id = Array.from({ length: 12 }, () => prefixChars[randomInt(prefixChars.length)]).join('')
  const prefix = `sl_${isPublic ? 'pub_' : ''}${id}`
  const text = `${prefix}_${randomBytes(32).toString('base64url')}`
  return { text, prefix, sha256: hashOf(text).toString('hex') }
}

/** Undefined for a text that is no key. */
export function prefixOf(text: string): string | undefined {
  return form.exec(text)?.[1]
}

export function isPrefix(text: string): boolean {
  return prefixForm.test(text)
}

export function isPublicPrefix(prefix: string): boolean {
  return prefix.startsWith('sl_pub_')
}

/** 32 bytes. */
export function hashOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
