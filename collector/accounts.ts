// The collector's own numbers, read from those who have them: received = stored + journalled + refused + quarantined.

import { journalTable, journalTables } from '../schemas/journal-tables.ts'
import type { Journal } from './journal/journal.ts'
import type { Access } from './keys/access.ts'
import type { KeyKeeper } from './keys/keeper.ts'
import type { Metrics } from './metrics.ts'
import type { DoorAnswer } from './otlp/door.ts'
import type { WriterStats } from './writer.ts'

export interface Accounts {
  readonly journal: Journal
  readonly writerStats: () => WriterStats
  /** Spans left out of requests that were taken otherwise. */
  readonly rejectedSpans: () => number
}

/** Lets metrics be read at each scrape, all in one tick, so that the balance holds at every instant. */
export function keepAccounts(metrics: Metrics, { journal, writerStats, rejectedSpans }: Accounts): void {
  const { spans } = journalTable
  metrics.spansReceived.from(() => {
    const { appendedRows, recoveredRows } = journal.stats()
    return appendedRows[spans]! + recoveredRows[spans]! + rejectedSpans()
  })
  metrics.spansJournalled.from(() => journal.stats().rowsByTable[spans]!)
  metrics.spansStored.from(() => writerStats().insertedRows[spans]!)
  metrics.spansQuarantined.from(() =>
    writerStats()
      .quarantinedByReason.filter(({ table }) => table === journalTables[spans].name)
      .map(({ reason, rows }): [string, number] => [reason, rows]),
  )
  metrics.journalBytes.from(() => journal.stats().bytes)
  metrics.journalOldestSeconds.from(() => (journal.stats().oldestMs ?? 0) / 1000)
  metrics.journalRowsLost.from(() => journal.stats().lostRows.reduce((sum, rows) => sum + rows, 0))
  metrics.journalIoErrors.from(() => journal.stats().ioErrors)
  metrics.insertRetries.from(() => writerStats().retries)
}

export function countAnswer(metrics: Metrics, { door, signal, refusal, bodyBytes, durationMs }: DoorAnswer): void {
  metrics.requestBytes.add(bodyBytes)
  if (refusal === undefined) {
    metrics.requests.add(1, door, signal ?? 'traces')
    metrics.ackSeconds.observe(durationMs / 1000)
  } else metrics.requestsRefused.add(1, door, refusal.reason)
}

/** What is known of keys; nothing is shown where none are asked for. */
export function countKeys(
  metrics: Metrics,
  keys: { readonly keeper: KeyKeeper; readonly access: Access } | undefined,
): void {
  if (keys === undefined) return
  const { keeper, access } = keys
  metrics.keysReloadFailures.from(() => keeper.reloadFailures)
  metrics.keysStale.from(() => (keeper.findings.length === 0 ? 0 : 1))
  metrics.keyLastUsedSeconds.from(() =>
    access
      .uses()
      .flatMap(({ prefix, project, lastUsedMs }): [string, string, number][] =>
        lastUsedMs === null ? [] : [[prefix, project, Math.floor(lastUsedMs / 1000)]],
      ),
  )
}

/** Why a request would not be taken now; ClickHouse may be away for an hour. */
export function notReady(journal: Journal): string[] {
  const { isFull, bytes, bytesMax } = journal.stats()
  if (isFull) return ['the journal is full']
  return bytes > bytesMax * 0.9 ? ['the journal is nearly full'] : []
}
