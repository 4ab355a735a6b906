// What the routes of the API are built from.

import type { ScoreRow } from '../../processors/scores.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { Log } from '../log.ts'
import type { Query } from '../queries.ts'
import type { ScoreConfigDoor } from './score-configs.ts'

/** Lower-case header names. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export interface ApiParts {
  readonly clickhouse: Pick<ClickHouse, 'query'>
  /** Answers in formats that ClickHouse writes; absent: without Parquet. */
  readonly stream?: ClickHouse['stream']
  /** Durable when it resolves. */
  readonly appendScores: (rows: readonly ScoreRow[]) => Promise<void>
  /** Which project a request belongs to. May throw Refusal. */
  readonly project: (headers: Headers) => string
  /** Absent: scores are judged by their own word. */
  readonly scoreConfigs?: ScoreConfigDoor
  readonly queries: readonly Query[]
  readonly log: Pick<Log, 'limited'>
  readonly version: string
  readonly now: () => number
}
