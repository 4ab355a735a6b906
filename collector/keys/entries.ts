// The entries of a file of keys, checked. A file with one wrong entry is wrong: a key that is silently left out, or
// let in for more than was meant, is worse than the last good file.

import { type Scope, scopes } from '../../schemas/access.ts'
import { nearName } from '../../schemas/near-name.ts'
import { origins as originList } from '../config-values.ts'
import { isPrefix, isPublicPrefix } from './key-text.ts'

export interface KeyEntry {
  readonly name: string
  readonly project: string
  readonly prefix: string
  /** 32 bytes. */
  readonly sha256: Buffer
  readonly may: ReadonlySet<Scope>
  /** Unix milliseconds from which on it counts no more; null for never. */
  readonly expiresMs: number | null
  /** Web pages that may use it; empty for a key that is secret. */
  readonly origins: readonly string[]
  /** Feedback that a public key may bring in a minute; from one address a tenth of it. */
  readonly perMinute: number
}

export interface ReadKeys {
  readonly entries: readonly KeyEntry[]
  readonly findings: readonly KeyFinding[]
}

export interface KeyFinding {
  /** Place in the list; -1 for the file itself. */
  readonly index: number
  readonly text: string
}

const keysMax = 10_000
const perMinuteDefault = 600
const perMinuteMax = 100_000
const fields = ['name', 'project', 'prefix', 'sha256', 'may', 'expires', 'origins', 'per_minute'] as const

type Say = (text: string) => void

/** Of a tree whose scalars are texts. */
export function readKeys(tree: unknown): ReadKeys {
  const findings: KeyFinding[] = []
  const file: Say = (text) => void findings.push({ index: -1, text })
  const list = isRecord(tree) ? tree['keys'] : undefined
  const others = isRecord(tree) ? Object.keys(tree).filter((key) => key !== 'keys') : []
  if (others.length > 0) file(`${quoted(others[0]!)} is not known here: a file of keys is "keys:" and a list`)
  if (!isRecord(tree) || !(Array.isArray(list) || list === '' || list === null)) {
    file('is no file of keys: it has "keys:" and a list, which spanledger keys create prints entries for')
    return { entries: [], findings }
  }
  const given = Array.isArray(list) ? list : []
  if (given.length > keysMax) file(`has ${given.length} keys, limit is ${keysMax}`)
  const entries: KeyEntry[] = []
  for (const [index, each] of given.slice(0, keysMax).entries()) {
    const label = isRecord(each) && typeof each['name'] === 'string' && each['name'] !== '' ? each['name'] : ''
    const say: Say = (text) =>
      void findings.push({ index, text: `keys[${index}]${label === '' ? '' : ` ${quoted(label)}`}: ${text}` })
    const entry = readEntry(each, say)
    for (const field of ['name', 'prefix'] as const) {
      if (entries.some((other) => other[field] === entry?.[field]))
        say(`${field} ${quoted(entry![field])} is another key's too: give each its own`)
    }
    if (entry !== undefined) entries.push(entry)
  }
  return { entries, findings }
}

/** Undefined when what identifies it is missing; what is said then keeps the file from being used. */
function readEntry(given: unknown, say: Say): KeyEntry | undefined {
  if (!isRecord(given)) {
    say('is no entry: spanledger keys create prints one')
    return undefined
  }
  for (const key of Object.keys(given)) {
    if ((fields as readonly string[]).includes(key)) continue
    const near = nearName(key, fields)
    say(`${quoted(key)} is not known${near === undefined ? '' : `; did you mean ${near}?`}`)
  }
  const text = (field: string, pattern: RegExp, form: string): string => {
    const value = given[field]
    if (typeof value === 'string' && pattern.test(value)) return value
    say(`${field} is ${value === undefined ? 'missing' : 'not right'}: ${form}`)
    return ''
  }
  const name = text('name', /^[^\p{Cc}]{1,128}$/u, 'a name of at most 128 characters, by which people know the key')
  const project = text('project', /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, _ . and -, at most 128')
  const prefix = text('prefix', /^sl_/, 'the beginning of the key, sl_ and twelve characters')
  if (prefix !== '' && !isPrefix(prefix)) say('prefix is not right: sl_ and twelve characters, not the whole key')
  const sha256 = text('sha256', /^[0-9a-f]{64}$/, 'the SHA-256 of the whole key, 64 hexadecimal digits in lower case')
  const may = readMay(given['may'], say)
  const origins = readOrigins(given['origins'], say)
  checkPublic({ prefix, may, origins, perMinute: given['per_minute'] }, say)
  const expiresMs = readExpiry(given['expires'], say)
  const perMinute = readPerMinute(given['per_minute'], say)
  if (name === '' || prefix === '' || sha256 === '') return undefined
  return { name, project, prefix, sha256: Buffer.from(sha256, 'hex'), may, expiresMs, origins, perMinute }
}

function readMay(given: unknown, say: Say): ReadonlySet<Scope> {
  const words = Array.isArray(given) ? given : typeof given === 'string' && given !== '' ? given.split(/\s*,\s*/) : []
  const found = new Set<Scope>()
  for (const word of words) {
    const scope = scopes.find((each) => each === word)
    if (scope === undefined) say(`may ${quoted(String(word))} is none of ${scopes.join(', ')}`)
    else found.add(scope)
  }
  if (words.length === 0) say(`may is missing: a list out of ${scopes.join(', ')}`)
  return found
}

function readOrigins(given: unknown, say: Say): readonly string[] {
  if (given === undefined || given === '') return []
  const text = Array.isArray(given) ? given.join(',') : String(given)
  const list = originList.parse(text)
  if (list === undefined) say(`origins is not ${originList.form}`)
  return list ?? []
}

/** A key in a page is everybody's, so it may do one thing; and one that says so must be made so. */
function checkPublic(
  { prefix, may, origins, perMinute }: Pick<KeyEntry, 'prefix' | 'may' | 'origins'> & { readonly perMinute: unknown },
  say: Say,
): void {
  const isPublic = isPublicPrefix(prefix)
  if (isPublic && (may.size !== 1 || !may.has('feedback')))
    say('a key of web pages (sl_pub_…) may feedback and no more')
  if (isPublic && origins.length === 0) say('a key of web pages (sl_pub_…) names the origins of the pages')
  if (!isPublic && origins.length > 0)
    say('origins is for keys of web pages: make one by spanledger keys create --origins')
  if (!isPublic && perMinute !== undefined) say('per_minute is for keys of web pages')
}

function readExpiry(given: unknown, say: Say): number | null {
  if (given === undefined || given === '') return null
  const ms = typeof given === 'string' ? instantOf(given) : undefined
  if (ms === undefined) say('expires is not a date or an instant, such as 2027-01-31 or 2027-01-31T12:00:00Z')
  // Wrong: none that could be taken for "never".
  return ms ?? 0
}

/** Unix milliseconds of `2027-01-31` (its beginning, UTC) or `2027-01-31T12:00:00Z`. */
export function instantOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined
  const ms = Date.parse(text)
  const day = text.slice(0, 10)
  // 2027-02-30 is read as a day of March.
  return Number.isNaN(ms) || !new Date(Date.parse(day)).toISOString().startsWith(day) ? undefined : ms
}

function readPerMinute(given: unknown, say: Say): number {
  if (given === undefined || given === '') return perMinuteDefault
  const count = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (count >= 1 && count <= perMinuteMax) return count
  say(`per_minute is not a whole number from 1 to ${perMinuteMax}`)
  return perMinuteDefault
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Never a whole key, should one be pasted in the wrong place. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 40 || text.startsWith('sl_') ? `${text.slice(0, 16)}…` : text)
}
