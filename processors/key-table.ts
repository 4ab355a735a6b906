// hot: What each attribute key means, looked up by its interned id. A distinct key is matched against the dialects' tables
// once in the life of a string table; after that a span costs one array read per attribute.

import { spansTable } from '../schemas/spans-table.ts'
import type { StringTable } from '../schemas/string-table.ts'
import type { Dialect, SpanKindName } from './dialect.ts'
import { type FieldName, slotOf } from './fields.ts'
import { isScoreKey } from './score-keys.ts'

/** What `slots` says of a key that is no field: nothing known, or message content without a column. */
export const noSlot = { leftover: -1, content: -2, unseen: -3 } as const

/** Attributes that the view `otel_traces` shows again from the column they were moved to. */
const shown: ReadonlySet<string> = new Set(
  spansTable.columns.flatMap((column) => ('semconv' in column ? [column.semconv] : [])),
)

interface KeyMeaning {
  readonly slot: number
  readonly rank: number
}

/** The tables of all dialects merged by attribute key. */
export class KeyTable {
  slots = new Int16Array(0)
  /** Lower wins when several keys of a span mean one field; 0 for the convention's own name. */
  ranks = new Int16Array(0)
  /** Mark that each key is, -1 for none. */
  marks = new Int16Array(0)
  /** Keys that tell of scores on spans; the caller asks only where there are any. */
  readonly scoreKeys = new Set<number>()
  private shownKeys = new Uint8Array(0)
  private ownKeys = new Uint8Array(0)
  readonly dialects: readonly Dialect[]
  private readonly strings: StringTable
  private generation = -1
  private readonly exact = new Map<string, KeyMeaning>()
  private readonly contentPrefixes: string[] = []
  private readonly contentKeys = new Set<string>()
  private readonly contentEvents = new Set<string>()
  /** What attributes give away, by the numbers in `marks`. */
  private readonly given: { readonly dialect: number; readonly weight: number }[] = []
  private readonly markKeys = new Map<string, number>()
  private readonly markPrefixes: { prefix: string; mark: number }[] = []
  private readonly scopeNames: { name: string; isPrefix: boolean; dialect: number }[] = []
  private readonly own: ReadonlyMap<string, FieldName>
  private readonly kinds = new Map<string, SpanKindName>()
  private readonly kindCache = new Map<number, number>()
  private lastKindKey = -1
  private lastKindValue = -1
  private lastKind = 0
  private readonly eventCache = new Map<number, boolean>()
  private readonly scopeCache = new Map<number, number>()
  private readonly sharedScopes = new Map<string, number>()

  /** `own`: names that the user gave a meaning; it stands instead of what any dialect says of them. */
  constructor(dialects: readonly Dialect[], strings: StringTable, own: ReadonlyMap<string, FieldName> = new Map()) {
    this.own = own
    let rank = ownRank
    for (const [key, field] of own) this.exact.set(key, { slot: slotOf[field], rank: rank++ })
    // The conventions' own names first, whatever the order the folder was read in.
    this.dialects = [...dialects].sort((a, b) => rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1))
    this.strings = strings
    for (const [index, dialect] of this.dialects.entries()) this.merge(dialect, index)
    this.contentPrefixes.sort((a, b) => b.length - a.length)
    this.markPrefixes.sort((a, b) => b.prefix.length - a.prefix.length)
  }

  /** Makes sure `slots[key]` can be read for all keys interned so far. */
  refresh(): void {
    const { strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.slots = new Int16Array(0)
      this.kindCache.clear()
      this.lastKindKey = -1
      this.eventCache.clear()
      this.scopeCache.clear()
      this.scoreKeys.clear()
    }
    if (this.slots.length > strings.count) return
    const size = Math.max(1024, strings.count * 2)
    const slots = new Int16Array(size).fill(noSlot.unseen)
    const ranks = new Int16Array(size)
    const marks = new Int16Array(size).fill(-1)
    const shownKeys = new Uint8Array(size)
    shownKeys.set(this.shownKeys.subarray(0, this.slots.length))
    const ownKeys = new Uint8Array(size)
    ownKeys.set(this.ownKeys.subarray(0, this.slots.length))
    this.ownKeys = ownKeys
    slots.set(this.slots)
    ranks.set(this.ranks.subarray(0, this.slots.length))
    marks.set(this.marks.subarray(0, this.slots.length))
    this.slots = slots
    this.ranks = ranks
    this.marks = marks
    this.shownKeys = shownKeys
  }

  /** Resolves a key met for the first time; returns its slot. */
  resolve(key: number): number {
    const name = this.strings.text(key)
    const meaning = this.exact.get(name)
    let slot: number = noSlot.leftover
    if (meaning !== undefined) {
      slot = meaning.slot
      this.ranks[key] = meaning.rank
    } else if (this.contentKeys.has(name) || this.contentPrefixes.some((prefix) => matches(prefix, name))) {
      slot = noSlot.content
    }
    this.slots[key] = slot
    this.ownKeys[key] = this.own.has(name) ? 1 : 0
    if (isScoreKey(name)) this.scoreKeys.add(key)
    // A name with a meaning of the user's own is in another column than the one that shows it.
    this.shownKeys[key] = shown.has(name) && this.ownKeys[key] === 0 ? 1 : 0
    const mark = this.markKeys.get(name) ?? this.markPrefixes.find(({ prefix }) => name.startsWith(prefix))?.mark
    this.marks[key] = mark ?? -1
    return slot
  }

  /** Slot and rank of a name that is no attribute of its own, such as a member of an object. */
  meaningOf(name: string): KeyMeaning | undefined {
    return this.exact.get(name)
  }

  /** True for an attribute that means what the user's own map says. */
  isOwn(key: number): boolean {
    return this.ownKeys[key] === 1
  }

  /** The heavier of a mark (-1 for none) and the one of `key`. */
  heavier(mark: number, key: number): number {
    const other = this.marks[key]!
    if (other < 0) return mark
    return mark < 0 || this.given[other]!.weight > this.given[mark]!.weight ? other : mark
  }

  /** Index of the dialect that a mark gives away, -1 for no mark. */
  dialectOfMark(mark: number): number {
    return mark < 0 ? -1 : this.given[mark]!.dialect
  }

  /** Index of the dialect of an instrumentation scope, -1 when none claims it. */
  dialectOfScope(scope: number): number {
    let dialect = this.scopeCache.get(scope)
    if (dialect === undefined) {
      const text = this.strings.text(scope)
      let best = -1
      dialect = -1
      for (const each of this.scopeNames) {
        if (!(each.isPrefix ? text.startsWith(each.name) : text === each.name)) continue
        const strength = each.name.length * 2 + (each.isPrefix ? 0 : 1)
        if (strength > best) {
          best = strength
          dialect = each.dialect
        }
      }
      this.scopeCache.set(scope, dialect)
    }
    return dialect
  }

  /** Index of the dialect that shares an instrumentation scope with others, -1 when none does. */
  dialectOfSharedScope(scope: number): number {
    return this.sharedScopes.get(this.strings.text(scope)) ?? -1
  }

  /** Id of the kind that `key` = `value` stands for, 0 when it says nothing. */
  kindOf(key: number, value: number): number {
    if (key === this.lastKindKey && value === this.lastKindValue) return this.lastKind
    const place = key * 0x1000000 + value
    let kind = this.kindCache.get(place)
    if (kind === undefined) {
      const name = this.kinds.get(`${this.strings.text(key)}=${this.strings.text(value)}`)
      kind = name === undefined ? 0 : this.strings.internText(name)
      this.kindCache.set(place, kind)
    }
    this.lastKindKey = key
    this.lastKindValue = value
    this.lastKind = kind
    return kind
  }

  /** True for an attribute whose column gives it back under the same name. */
  isShown(key: number): boolean {
    return this.shownKeys[key] === 1
  }

  isContentEvent(name: number): boolean {
    let isContent = this.eventCache.get(name)
    if (isContent === undefined) {
      isContent = this.contentEvents.has(this.strings.text(name))
      this.eventCache.set(name, isContent)
    }
    return isContent
  }

  private merge(dialect: Dialect, index: number): void {
    let rank = rankOf(dialect)
    for (const [key, field] of Object.entries(dialect.fields) as [string, FieldName][]) {
      if (this.own.has(key)) continue
      const known = this.exact.get(key)
      if (known !== undefined && known.slot !== slotOf[field]) {
        throw new Error(`dialect ${dialect.id}: ${key} already means another field in another dialect`)
      }
      if (known === undefined) this.exact.set(key, { slot: slotOf[field], rank })
      rank++
    }
    for (const pattern of dialect.content ?? []) {
      if (pattern.includes('*')) this.contentPrefixes.push(pattern)
      else this.contentKeys.add(pattern)
    }
    for (const name of dialect.contentEvents ?? []) this.contentEvents.add(name)
    for (const [attribute, weight] of Object.entries(dialect.marks)) {
      const mark = this.given.push({ dialect: index, weight }) - 1
      if (attribute.endsWith('*')) this.markPrefixes.push({ prefix: attribute.slice(0, -1), mark })
      else this.claimMark(attribute, mark)
    }
    for (const scope of dialect.sharedScopes ?? []) this.sharedScopes.set(scope, index)
    for (const scope of dialect.scopes) {
      const isPrefix = scope.endsWith('*')
      const name = isPrefix ? scope.slice(0, -1) : scope
      if (this.scopeNames.some((each) => each.name === name && each.isPrefix === isPrefix)) {
        throw new Error(`dialect ${dialect.id}: scope ${scope} is claimed twice`)
      }
      this.scopeNames.push({ name, isPrefix, dialect: index })
    }
    for (const [key, values] of Object.entries(dialect.kinds ?? {})) {
      for (const [value, kind] of Object.entries(values)) this.kinds.set(`${key}=${value}`, kind)
    }
  }

  private claimMark(attribute: string, mark: number): void {
    const known = this.markKeys.get(attribute)
    if (known !== undefined) {
      const name = (of: number): string => this.dialects[this.given[of]!.dialect]!.id
      throw new Error(`attribute ${attribute} marks both ${name(known)} and ${name(mark)}`)
    }
    this.markKeys.set(attribute, mark)
  }
}

/** Names that the user gave a meaning come before all others. */
const ownRank = -32_000

/** The conventions' own names come first, then their older spellings, then everybody else's; a dialect may say otherwise. */
function rankOf(dialect: Dialect): number {
  if (dialect.rank !== undefined) return dialect.rank
  if (dialect.id === 'otel-semconv') return 0
  return dialect.id === 'otel-semconv-legacy' ? 1000 : 2000
}

function matches(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*')
  return (
    name.startsWith(pattern.slice(0, star)) &&
    (star === pattern.length - 1 || name.slice(star).includes(pattern.slice(star + 1, -1)))
  )
}
