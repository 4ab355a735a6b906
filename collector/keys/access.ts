// Who may: from what a request shows to the project it belongs to. Asked once per request, before its body is read.

import { timingSafeEqual } from 'node:crypto'
import type { Caller, KeyUse, Scope } from '../../schemas/access.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { Buckets, senderOf } from './buckets.ts'
import { type Headers, shownKey } from './credential.ts'
import type { KeyEntry } from './entries.ts'
import { hashOf, isPublicPrefix, prefixOf } from './key-text.ts'

export interface AccessRequest {
  readonly headers: Headers
  /** IP address of the sender. */
  readonly address: string
  /** `any`: whatever secret key. */
  readonly need: Scope | 'any'
  /** A key in the address of the request, where one may stand. */
  readonly urlKey?: string | undefined
}

/** Wrong keys that an address may show in a minute before it is told to wait. */
const failuresPerMinute = 60

export class Access {
  private readonly entries: () => ReadonlyMap<string, KeyEntry>
  private readonly now: () => number
  private readonly failures: Buckets
  private readonly feedback: Buckets
  private readonly lastUsed = new Map<string, number>()
  private readonly callers = new WeakMap<KeyEntry, Caller>()
  private pages: { readonly of: ReadonlyMap<string, KeyEntry>; readonly origins: ReadonlySet<string> } | undefined

  constructor(parts: {
    readonly entries: () => ReadonlyMap<string, KeyEntry>
    readonly now?: () => number
    readonly monotonicMs?: () => number
  }) {
    this.entries = parts.entries
    this.now = parts.now ?? Date.now
    const monotonicMs = parts.monotonicMs ?? (() => performance.now())
    this.failures = new Buckets(monotonicMs)
    this.feedback = new Buckets(monotonicMs)
  }

  /** Throws Refusal: `unauthenticated`, `forbidden`, `too_many_requests`. No message holds what was shown. */
  admit(request: AccessRequest): Caller {
    const { need } = request
    let entry: KeyEntry
    try {
      entry = this.entryOf(request)
    } catch (error) {
      throw this.failed(error, request.address)
    }
    if (entry.origins.length > 0) checkOrigin(entry, request)
    if (need === 'any' ? isPublicPrefix(entry.prefix) : !entry.may.has(need))
      throw new Refusal(
        'forbidden',
        `this key may ${[...entry.may].join(', ')}, not ${need === 'any' ? 'this' : need}: use another, or let it in the file of keys`,
      )
    if (entry.origins.length > 0) this.checkRate(entry, request.address)
    this.lastUsed.set(entry.prefix, this.now())
    return this.callerOf(entry)
  }

  /** Whether pages of this origin have a key. */
  isPageOrigin(origin: string): boolean {
    const entries = this.entries()
    if (this.pages?.of !== entries)
      this.pages = { of: entries, origins: new Set([...entries.values()].flatMap(({ origins }) => origins)) }
    return this.pages.origins.has(origin) || this.pages.origins.has('*')
  }

  /** Every key in force, also those that have expired. */
  uses(): readonly KeyUse[] {
    return [...this.entries().values()].map(({ name, project, prefix, may, expiresMs, origins }) => {
      return { name, project, prefix, may: [...may], expiresMs, origins, lastUsedMs: this.lastUsed.get(prefix) ?? null }
    })
  }

  private entryOf({ headers, urlKey }: AccessRequest): KeyEntry {
    const shown = shownKey(headers) ?? urlKey
    if (shown === undefined)
      throw new Refusal(
        'unauthenticated',
        'a key is asked for here: send it as "Authorization: Bearer sl_…", as the password of Basic, or as x-api-key',
      )
    if (urlKey !== undefined && shown !== urlKey)
      throw new Refusal('unauthenticated', 'two different keys are shown, one in the address and one in a header')
    const prefix = prefixOf(shown)
    if (prefix === undefined)
      throw new Refusal('unauthenticated', 'what is shown is no key: one begins with sl_ and has 59 characters or more')
    const entry = this.entries().get(prefix)
    // The digest of a text nobody can choose tells nothing by the time it takes to compare; this says so without an argument.
    if (!timingSafeEqual(hashOf(shown), entry?.sha256 ?? nobody) || entry === undefined)
      throw new Refusal(
        'unauthenticated',
        'the key is not known here: it was mistyped, taken back, or is of another collector',
      )
    if (entry.expiresMs !== null && entry.expiresMs <= this.now())
      throw new Refusal('unauthenticated', `the key has expired at ${new Date(entry.expiresMs).toISOString()}`)
    if (urlKey !== undefined && !isPublicPrefix(prefix))
      throw new Refusal(
        'unauthenticated',
        'a secret key stands in the address, where logs keep it: take it back, and send the next one in a header',
      )
    return entry
  }

  private failed(error: unknown, address: string): unknown {
    if (!(error instanceof Refusal)) return error
    const seconds = this.failures.take(senderOf(address), failuresPerMinute)
    if (seconds === 0) return error
    return new Refusal('too_many_requests', `${failuresPerMinute} wrong keys in a minute from this address: wait`, {
      retryAfterSeconds: Math.max(seconds, 30),
    })
  }

  private checkRate({ prefix, perMinute }: KeyEntry, address: string): void {
    // The address first: what it has too much of must not use up what others have.
    const seconds =
      this.feedback.take(`${prefix} ${senderOf(address)}`, Math.max(1, Math.ceil(perMinute / 10))) ||
      this.feedback.take(prefix, perMinute)
    if (seconds > 0)
      throw new Refusal('too_many_requests', 'too much feedback with this key: send it later', {
        retryAfterSeconds: seconds,
      })
  }

  private callerOf(entry: KeyEntry): Caller {
    let caller = this.callers.get(entry)
    if (caller === undefined) {
      caller = { project: entry.project, key: entry.prefix, isPublic: isPublicPrefix(entry.prefix) }
      this.callers.set(entry, caller)
    }
    return caller
  }
}

const nobody = Buffer.alloc(32)

/** Holds browsers, which say the truth of their page; others could say anything, and are held by what the key may. */
function checkOrigin({ origins }: KeyEntry, { headers }: AccessRequest): void {
  const { origin } = headers
  if (origins.includes('*') || (typeof origin === 'string' && origins.includes(origin))) return
  throw new Refusal('forbidden', 'this key is for pages of other origins: its entry in the file of keys lists them')
}
