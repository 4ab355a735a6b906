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
  /** Under its OpenTelemetry name. */
  readonly provider: string
}

/** How an emitter counts; undefined where it is not known and arithmetic has to decide. */
export interface UsageMeaning {
  readonly inputIncludesCache?: boolean | undefined
  readonly outputIncludesReasoning?: boolean | undefined
}

export interface Dialect {
  readonly id: string
  /** What was read to write the table, with its version. */
  readonly spec: string
  /** Instrumentation scopes that speak it; `name*` matches a beginning, the longest match of all dialects wins. */
  readonly scopes: readonly string[]
  /** Where its names stand among other dialects' names for one field, lower first: 0 the conventions', 2000 without. */
  readonly rank?: number
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
  readonly meaning?: (emitter: Emitter) => UsageMeaning
  /** Reads what the table cannot: called for a span of this dialect that carries one of its raw fields. */
  readonly read?: (span: SpanView) => void
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
