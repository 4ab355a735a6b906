// Everything between the journal and ClickHouse: the schema is brought up to date for as long as it takes, then sealed
// segments are inserted and scores find what they judge, until stopped.

import { resolve } from 'node:path'
import type { PriceBook } from '../processors/pricing/book.ts'
import type { ScoreRow } from '../processors/scores.ts'
import { insertOrder, journalTables } from '../schemas/journal-tables.ts'
import { columnNames } from '../schemas/table.ts'
import { type ClickHouse, ClickHouseError, type InsertRequest } from './clickhouse/client.ts'
import { migrate } from './clickhouse/migrate.ts'
import type { Config } from './config.ts'
import { pause } from './insert-attempt.ts'
import type { Journal } from './journal/journal.ts'
import { waitingClock } from './journal/settings.ts'
import type { Log } from './log.ts'
import { Reconciler } from './reconciling/reconciler.ts'
import { StepKeeper } from './repricing/step-keeper.ts'
import { ScoreResolver } from './score-resolver.ts'
import { Settler } from './settling/settler.ts'
import type { StoredBooks } from './stored-books.ts'
import { Writer, type WriterStats } from './writer.ts'

/** Pauses between tries to reach a server and bring it to our schema. */
const schemaRetryMs = { first: 500, most: 15_000 } as const
/** What the last inserts may take when the collector is told to stop; what is left waits for the next start. */
const drainMsMax = 2500

/** What settling changes is through so long after a trace is quiet. */
const quietBesidesMs = 60_000

export interface WriteSideParts {
  readonly config: Config
  /** Address of ClickHouse with credentials. */
  readonly url: string
  readonly isEmbedded: boolean
  readonly journal: Journal
  readonly clickhouse: ClickHouse
  readonly storedBooks: StoredBooks
  readonly version: string
  readonly appendScores: (scores: readonly ScoreRow[]) => Promise<void>
  /** Runs an insert, perhaps as a span of its own. */
  readonly around: (request: InsertRequest, insert: () => Promise<void>) => Promise<void>
  readonly onInsert: (insert: { readonly ms: number }) => void
  /** The price book in force. */
  readonly book: () => PriceBook
  /** So many rows were put right after their first write. */
  readonly onSettled: (changes: number) => void
  /** Cost in the rollups less cost in the rows, of hours gone quiet, before it was put right. */
  readonly onDifference: (usd: number) => void
  readonly log: Log
}

export interface WriteSide {
  /** The schema is there; rejects when a person has to act. */
  readonly schema: Promise<void>
  stats(): WriterStats
  /** A score was just appended: it is looked after soon. */
  poke(): void
  stop(): Promise<void>
}

export function startWriteSide(parts: WriteSideParts): WriteSide {
  const { config, clickhouse, appendScores, log } = parts
  const writer = makeWriter(parts)
  const resolver = new ScoreResolver({ clickhouse, appendScores, log })
  const steps = new StepKeeper({ clickhouse, database: config.clickhouseDatabase, log })
  const settler = new Settler({
    clickhouse,
    database: config.clickhouseDatabase,
    settleAfterMs: config.settleAfterMs,
    file: resolve(config.dataDir, 'settled.json'),
    oldestWaitingMs: () => oldestMs(parts.journal),
    bookFor: (project) => parts.book().forProject(project),
    onSettled: parts.onSettled,
    appendScores,
    log,
  })
  const reconciler = new Reconciler({
    clickhouse,
    database: config.clickhouseDatabase,
    quietMs: config.settleAfterMs + quietBesidesMs,
    oldestWaitingMs: () => oldestMs(parts.journal),
    onDifference: parts.onDifference,
    log,
  })
  const abort = new AbortController()
  const schema = prepareSchema(parts, abort.signal)
  let isWriting = false
  const running = schema
    .then(async () => {
      if (abort.signal.aborted) return
      isWriting = true
      resolver.start()
      steps.start()
      settler.start()
      reconciler.start()
      await writer.run(abort.signal)
    })
    .catch((error: unknown) => log.error('ClickHouse cannot be used: rows wait in the journal', { error }))
  return {
    schema,
    stats: () => writer.stats(),
    poke: () => resolver.poke(),
    async stop() {
      await Promise.all([resolver.stop(), steps.stop(), settler.stop(), reconciler.stop()])
      if (isWriting) await writer.drain(Math.min(drainMsMax, config.shutdownGraceMs))
      abort.abort()
      await running
      await parts.storedBooks.settled()
    },
  }
}

/** When the oldest row arrived that is answered and not in ClickHouse yet. */
function oldestMs(journal: Journal): number | null {
  const { oldestMs: ageMs } = journal.stats()
  return ageMs === null ? null : Date.now() - ageMs
}

function makeWriter({ config, journal, clickhouse, around, onInsert, log }: WriteSideParts): Writer {
  return new Writer({
    journal,
    insert: (request, signal) => around(request, () => clickhouse.insert(request, signal)),
    tables: journalTables.map((table, number) => ({
      name: table.name,
      columns: columnNames(table),
      priority: insertOrder.indexOf(number),
    })),
    quarantineDir: resolve(config.dataDir, 'quarantine'),
    quarantineBytesMax: config.quarantineBytesMax,
    onInsert,
    onHealth: (health) => {
      if (health.state === 'ok') log.info('inserting into ClickHouse')
      else log.warn(`inserting is ${health.state}: rows wait in the journal`, { ...health.problem })
    },
    onQuarantine: (block) => log.error('rows that ClickHouse will not take were put into quarantine', { ...block }),
  })
}

/** Retries while a server cannot be reached; rejects when a person has to act (a newer schema, no permission). */
async function prepareSchema(
  { config, url, isEmbedded, storedBooks, clickhouse, version, log }: WriteSideParts,
  signal: AbortSignal,
): Promise<void> {
  for (let wait: number = schemaRetryMs.first; !signal.aborted; wait = Math.min(wait * 2, schemaRetryMs.most)) {
    try {
      const { applied } = await migrate(
        url,
        { database: config.clickhouseDatabase, cluster: config.clickhouseCluster },
        version,
      )
      if (applied.length > 0) log.info('the database was brought to the schema of this version', { applied })
      await storedBooks.open(clickhouse, signal)
      return
    } catch (error) {
      if (isEmbedded || !isOfTheWorld(error)) throw error
      log.limited('schema', 'warn', 'ClickHouse cannot be reached: requests are answered, rows wait in the journal', {
        error,
      })
      await pause(wait, { clock: waitingClock, stop: signal })
    }
  }
}

function isOfTheWorld(error: unknown): boolean {
  const found = error instanceof ClickHouseError ? error : (error as Error | undefined)?.cause
  return found instanceof ClickHouseError && found.kind === 'world'
}
