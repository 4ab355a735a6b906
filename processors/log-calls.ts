// Log records that tell of a call → spans, so that they take the way of all calls: read by their dialect, priced, counted once.
//
//   trace id   the record's; else made of the session, so that a session is a trace; else of the record
//   span id    made of all the record says: the same record sent again is the same row
//   parent     the span the record was written in; else the turn of the session
//   times      it ended when it was written, and took what it says it took
//
// Whether such a row and a span are one call is left to settling.

import { createHash } from 'node:crypto'
import { claimsScope, type Dialect, type LogEvent } from './dialect.ts'
import { fields, fieldWay } from './fields.ts'
import type { LogInput } from './log-rows.ts'

/** A span made of a log record; ids in lower hex, '' for none; times in Unix nanoseconds. */
export interface LogCall {
  readonly record: LogInput
  readonly scopeName: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  readonly start: bigint
  readonly end: bigint
  readonly attributes: readonly (readonly [string, string])[]
  readonly isError: boolean
  readonly message: string
}

/** A name of an event is a word; longer bodies are text. */
const nameLengthMax = 100

interface Known {
  readonly dialect: Dialect
  readonly event: LogEvent
  readonly content: ReadonlySet<string>
}

/** The log events that the dialects know. */
export class LogCalls {
  private readonly known = new Map<string, Known>()
  private readonly contentKeys = new Set<string>()
  private readonly contentPrefixes: string[] = []

  /** Throws when two dialects claim one event. */
  constructor(dialects: readonly Dialect[]) {
    for (const dialect of dialects) {
      for (const [key, field] of Object.entries(dialect.fields))
        if (fields[field].way === fieldWay.content) this.contentKeys.add(key)
      for (const pattern of dialect.content ?? []) {
        if (pattern.includes('*')) this.contentPrefixes.push(pattern.slice(0, pattern.indexOf('*')))
        else this.contentKeys.add(pattern)
      }
    }
    for (const dialect of dialects) {
      for (const [name, event] of Object.entries(dialect.logEvents ?? {})) {
        if (this.known.has(name)) throw new Error(`dialect ${dialect.id}: log event ${name} is claimed twice`)
        this.known.set(name, { dialect, event, content: new Set(event.content ?? []) })
      }
    }
  }

  /** The span that a record stands for; undefined for one that tells of no call. */
  callOf(record: LogInput, nowMs: number): LogCall | undefined {
    const found = this.find(record)
    if (found === undefined) return undefined
    const { name, known } = found
    const { dialect, event } = known
    const { attributes, source } = record
    if (event.isAlone && record.spanId !== '') return undefined
    if (event.when !== undefined && !event.when(attributes, source.scopeName)) return undefined
    const end = record.timeUnixNano || record.observedUnixNano || BigInt(nowMs) * 1_000_000n
    const session = attributeOf(attributes, event.session)
    const turn = attributeOf(attributes, event.turn)
    const traceId = record.traceId || idOf(16, ['session', session || recordWords(record)])
    const turnId = turn === '' ? '' : idOf(8, [traceId, 'turn', turn])
    const isTurn = event.isTurn === true && turnId !== ''
    const isError = event.isError?.(attributes) ?? false
    return {
      record,
      scopeName:
        event.isOfAnyScope || claimsScope(dialect, source.scopeName)
          ? source.scopeName
          : (dialect.scopes[0] ?? '').replace('*', ''),
      traceId,
      spanId: isTurn ? turnId : idOf(8, [traceId, 'record', recordWords(record)]),
      parentId: record.spanId || (isTurn ? '' : turnId),
      name,
      start: end - durationOf(attributes, event),
      end,
      attributes: this.attributesOf(record, known),
      isError,
      message: isError ? attributeOf(attributes, event.message) : '',
    }
  }

  /** Whether an attribute of a record is message content. */
  isContent(record: LogInput, key: string): boolean {
    if (this.contentKeys.has(key) || this.contentPrefixes.some((prefix) => key.startsWith(prefix))) return true
    return this.find(record)?.known.content.has(key) ?? false
  }

  private find(record: LogInput): { readonly name: string; readonly known: Known } | undefined {
    for (const name of [record.eventName, record.attributes.get('event.name') ?? '', record.body]) {
      if (name === '' || name.length > nameLengthMax) continue
      const known = this.known.get(name)
      if (known !== undefined) return { name, known }
    }
    return undefined
  }

  private attributesOf(record: LogInput, { event, content }: Known): [string, string][] {
    const given = new Map<string, string>([['gen_ai.operation.name', event.operation]])
    for (const [key, value] of Object.entries(event.always ?? {})) given.set(key, value)
    for (const [key, value] of record.attributes) {
      if (value === '' || content.has(key) || this.isContentKey(key)) continue
      given.set(event.attributes?.[key] ?? key, value)
    }
    return [...given]
  }

  private isContentKey(key: string): boolean {
    return this.contentKeys.has(key) || this.contentPrefixes.some((prefix) => key.startsWith(prefix))
  }
}

function attributeOf(attributes: ReadonlyMap<string, string>, key: string | undefined): string {
  return key === undefined ? '' : (attributes.get(key) ?? '')
}

const durationMsMax = 86_400_000

function durationOf(attributes: ReadonlyMap<string, string>, { durationMs }: LogEvent): bigint {
  const ms = Number(attributeOf(attributes, durationMs) || Number.NaN)
  return ms > 0 && ms <= durationMsMax ? BigInt(Math.round(ms * 1e6)) : 0n
}

/** What makes a record itself: not its resource, which collectors on the way add to. */
function recordWords(record: LogInput): string {
  const { source, attributes } = record
  return JSON.stringify([
    (record.timeUnixNano || record.observedUnixNano).toString(),
    record.traceId,
    record.spanId,
    record.eventName,
    record.body,
    [...attributes].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    source.scopeName,
  ])
}

function idOf(bytes: number, words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(words)).digest()
  // An id of nothing but zeros would be none.
  hash[0]! |= 1
  return hash.toString('hex', 0, bytes)
}
