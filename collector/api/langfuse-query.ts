// Parameters of Langfuse's public API in the URL: read strictly, because a filter that is passed over looks like an answer.

import { Refusal } from '../../schemas/refusal.ts'
import { refuseUnknown, wrong } from '../exporting/filters.ts'

/** As Langfuse's second API; its first stops at 100. */
export const pageMax = 1000

export type Given = Readonly<Record<string, unknown>>

/**
 * The parameters as given; SDKs send what was not given as empty. Those of `missing` are Langfuse's and cannot be answered here.
 * Throws Refusal for one of these, or for one that nobody knows.
 */
export function checked(query: Given, known: readonly string[], missing: readonly string[] = []): Given {
  const unread = missing.find((name) => (query[name] ?? '') !== '')
  if (unread !== undefined) throw new Refusal('bad_request', `nothing can be narrowed by ${unread} here: leave it out`)
  refuseUnknown(query, [...known, ...missing])
  return query
}

/** One text, empty when not given. Throws Refusal. */
export function textAt(given: Given, name: string): string {
  const value = given[name] ?? ''
  if (typeof value !== 'string' || value.length > 256) throw wrong(name, value, 'one text of at most 256 characters')
  return value
}

/** A parameter that may be given several times. Throws Refusal. */
export function listAt(given: Given, name: string): readonly string[] {
  const values = [given[name] ?? []].flat()
  if (values.length > 50 || !values.every((each) => typeof each === 'string' && each.length <= 256))
    throw wrong(name, values, 'at most 50 texts')
  return values as string[] // each was seen to be one
}

/** ISO 8601 in UTC. Throws Refusal. */
export function timeAt(given: Given, name: string): string | undefined {
  const text = textAt(given, name)
  if (text === '') return undefined
  const ms = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw wrong(name, text, 'a time such as 2026-11-01T09:00:00Z')
  return new Date(ms).toISOString()
}

/** A whole number, at most `most` whatever is asked for. Throws Refusal. */
export function numberAt(
  given: Given,
  name: string,
  { least, most, absent }: { readonly least: number; readonly most: number; readonly absent: number },
): number {
  const text = textAt(given, name)
  if (text === '') return absent
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= least)) throw wrong(name, text, `a whole number from ${least} to ${most}`)
  // Older code asks for more than a page holds; it gets a page, and `meta` says so.
  return Math.min(number, most)
}

/** A list behind one name, with commas. Throws Refusal. */
export function commasAt(given: Given, name: string): readonly string[] {
  const value = given[name] ?? ''
  if (typeof value !== 'string' || value.length > 16_384)
    throw wrong(name, value, 'a list of texts with commas between')
  return value === '' ? [] : value.split(',').map((each) => each.trim())
}

/** A number; undefined when not given. Throws Refusal. */
export function decimalAt(given: Given, name: string): number | undefined {
  const text = textAt(given, name)
  if (text === '') return undefined
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  if (!Number.isFinite(number)) throw wrong(name, text, 'a number')
  return number
}

/** Where a page lies in its list. */
export function metaOf(page: number, limit: number, total: number): object {
  return { page, limit, totalItems: total, totalPages: Math.ceil(total / limit) }
}

/** Which page is asked for, of at most `most` rows. Throws Refusal. */
export function pageOf(given: Given, most = pageMax): { readonly page: number; readonly limit: number } {
  return {
    page: numberAt(given, 'page', { least: 1, most: 1_000_000, absent: 1 }),
    limit: numberAt(given, 'limit', { least: 1, most, absent: 50 }),
  }
}
