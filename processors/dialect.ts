// What a dialect says about itself: a table first, and one small function for what a table cannot say.

import type { FieldName } from './fields.ts'
import type { SpanView } from './span-view.ts'

/** Kinds that are a call of a model by themselves. */
const modelKinds = ['llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'moderation'] as const
export const callKinds: ReadonlySet<string> = new Set(modelKinds)

export const spanKinds = [...modelKinds, 'agent', 'workflow', 'tool', 'retrieval', 'evaluator', 'other'] as const
export type SpanKindName = (typeof spanKinds)[number]

/** Who sent a usage report: enough to know how its counts are meant. */
export interface Emitter {
  readonly scope: string
  /** Of the instrumentation, as its scope says it; empty where it says none. */
  readonly version: string
  /** Under its OpenTelemetry name. */
  readonly provider: string
}

/** How an emitter counts; undefined where it is not known and arithmetic has to decide. */
export interface UsageMeaning {
  readonly inputIncludesCache?: boolean | undefined
  readonly outputIncludesReasoning?: boolean | undefined
  /** Each round of a tool loop reports the sum of the rounds so far: settling takes away those of the round before. */
  readonly addsUpRounds?: boolean | undefined
  /** Of an emitter that leaves the cache out of the input: what it does not tell of the cache was none. */
  readonly tellsCache?: boolean | undefined
  /** What a reported total has more than input and output is reasoning that nothing else tells: Google's. */
  readonly totalTellsReasoning?: boolean | undefined
  /** Of an emitter that has the cache in the input: a part of it may be there untold. */
  readonly hidesCache?: boolean | undefined
  readonly isMended?: boolean | undefined
  /** Undoes what this emitter, in this version, is known to get wrong: called for each of its spans, after `read`. */
  readonly mend?: ((span: SpanView) => void) | undefined
}

/**
 * A log event that tells of a call, or of another step of an agent, as a span would: a row is made of it beside the record. Its
 * attributes are given the names that the same thing has on a span, so that one table reads both.
 */
export interface LogEvent {
  /** What the step is, in the conventions' words: `chat`, `execute_tool`, `invoke_agent`. */
  readonly operation: string
  /** Attribute of the record → the span attribute that means the same; what is not listed keeps its name. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Span attribute → value, for what the emitter takes as known. */
  readonly always?: Readonly<Record<string, string>>
  /** Attributes that hold message content: they stay on the record alone. */
  readonly content?: readonly string[]
  /** Whether this record is one; absent: each is. */
  readonly when?: (attributes: ReadonlyMap<string, string>, scope: string) => boolean
  /** How long it took, in milliseconds, when the record came: it is written at the end. */
  readonly durationMs?: string
  /** Attribute that holds the message of a failure. */
  readonly message?: string
  /** Whether it failed; absent: it did not. */
  readonly isError?: (attributes: ReadonlyMap<string, string>) => boolean
  /** Session or conversation: the trace of records that name no trace. */
  readonly session?: string
  /** One turn of a user within the session: the parent of records that name no span. */
  readonly turn?: string
  /** The turn itself. */
  readonly isTurn?: true
  /** Only where the record names no span: with one, the step has a span of its own. */
  readonly isAlone?: true
  /** Any instrumentation may write it, not the dialect's own scopes alone. */
  readonly isOfAnyScope?: true
}

export interface Dialect {
  readonly id: string
  /** What was read to write the table, with its version. */
  readonly spec: string
  /** Instrumentation scopes that speak it; `name*` matches a beginning, the longest match of all dialects wins. */
  readonly scopes: readonly string[]
  /** Where its names stand among other dialects' names for one field, lower first: 0 the conventions', 2000 without. */
  readonly rank?: number
  /** Scopes that it shares with spans of other kinds: they are its own where an attribute tells of generative AI at all. */
  readonly sharedScopes?: readonly string[]
  /**
   * Attributes that give it away where the scope does not, each with its weight: on a span that carries several dialects'
   * marks the heaviest wins. `name*` matches a beginning.
   */
  readonly marks: Readonly<Record<string, number>>
  /** Attribute → field. The first attribute listed for a field wins over later ones. */
  readonly fields: Readonly<Record<string, FieldName>>
  /** Attributes that hold message content and have no column of their own; `name*` matches a beginning. */
  readonly content?: readonly string[]
  /** Names of span events whose attributes are message content. */
  readonly contentEvents?: readonly string[]
  /** Attribute → value → kind. */
  readonly kinds?: Readonly<Record<string, Readonly<Record<string, SpanKindName>>>>
  /** Name of a log event (its field, its attribute `event.name`, or its body) → what row it makes. */
  readonly logEvents?: Readonly<Record<string, LogEvent>>
  readonly meaning?: (emitter: Emitter) => UsageMeaning
  /** Reads what the table cannot: called for a span of this dialect that carries one of its raw fields. */
  readonly read?: (span: SpanView) => void
  /** `read` is called for each span of this dialect, whatever it carries. */
  readonly readsEach?: true
}

/** Whether an instrumentation scope is among those of a dialect. */
export function claimsScope({ scopes }: Dialect, scope: string): boolean {
  return scopes.some((each) => (each.endsWith('*') ? scope.startsWith(each.slice(0, -1)) : scope === each))
}

/** Checks that a plug file exports a whole dialect; throws naming the file and what is missing. */
export function checkDialect(value: unknown, file: string): Dialect {
  const dialect = value as Dialect | undefined
  if (typeof dialect?.id !== 'string' || `${dialect.id}.ts` !== file)
    throw new Error(`${file}: its id must be the file's name`)
  if (typeof dialect.spec !== 'string' || dialect.spec === '') throw new Error(`${file}: spec is missing`)
  if (!Array.isArray(dialect.scopes)) throw new Error(`${file}: scopes are missing`)
  if (typeof dialect.marks !== 'object' || typeof dialect.fields !== 'object') {
    throw new Error(`${file}: marks or fields are missing`)
  }
  return dialect
}
