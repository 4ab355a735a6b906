// What the routes of the API are built from.

import type { ScoreRow } from '../../processors/scores.ts'
import type { Caller, KeyUse, Scope } from '../../schemas/access.ts'
import type { RefusalReason } from '../../schemas/refusal.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { Log } from '../log.ts'
import type { Query } from '../queries.ts'
import type { ScoreConfigDoor } from './score-configs.ts'

/** Lower-case header names. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Why a request is not answered as asked. */
export interface Problem {
  readonly reason: RefusalReason
  readonly status: number
  readonly detail: string
}

/** Who keeps the keys. */
export interface ApiAccess {
  /** Throws Refusal. */
  admit(request: {
    readonly headers: Headers
    readonly address: string
    /** `any`: whatever secret key. */
    readonly need: Scope | 'any'
    /** A key in the address of the request, where one may stand. */
    readonly urlKey?: string | undefined
  }): Caller
  /** Whether web pages of this origin have a key. */
  isPageOrigin(origin: string): boolean
  uses(): readonly KeyUse[]
}

export interface ApiParts {
  readonly clickhouse: Pick<ClickHouse, 'query'>
  /** Answers in formats that ClickHouse writes; absent: without Parquet. */
  readonly stream?: ClickHouse['stream']
  /** Statements that write; absent: without datasets. */
  readonly command?: ClickHouse['command']
  /** Durable when it resolves. */
  readonly appendScores: (rows: readonly ScoreRow[]) => Promise<void>
  /** Which project a request belongs to, by the headers object of the request itself. May throw Refusal. */
  readonly project: (headers: Headers) => string
  /** Absent: scores are judged by their own word. */
  readonly scoreConfigs?: ScoreConfigDoor
  /** Who sent it, likewise. */
  readonly caller: (headers: Headers) => Caller
  /** Whether the configuration lets pages of this origin use the API. */
  readonly isAllowedOrigin: (origin: string) => boolean
  /** Absent: nobody has to show a key. */
  readonly keys?: ApiAccess
  readonly queries: readonly Query[]
  readonly log: Pick<Log, 'limited'>
  readonly version: string
  readonly now: () => number
}

/** What is wrong with a file of all projects: in full where everybody is of one, else how much, as it may name others. */
export function findingsShown(findings: readonly string[], keys: ApiAccess | undefined): readonly string[] {
  if (keys === undefined || findings.length === 0) return findings
  return [`the file is wrong (${findings.length} findings, see the log): the last good one is in force`]
}
