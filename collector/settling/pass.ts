// One pass of settling: traces that got spans and have gone quiet are looked at once more, whole, and what a request could not
// know by itself is put right. Harmless when done twice, and the same whatever order, split or delay the spans came in.

import { type Change, changesOf, type Stored } from '../../processors/settling/changes.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { writeCorrections } from './correct.ts'
import { type Reader, spansOf, sumsOf, touchedTraces, tracesToSettle } from './store.ts'

export interface SettlePassParts {
  readonly clickhouse: Pick<ClickHouse, 'query' | 'insertSelect'>
  /** Cost columns, as text, of rows as they will be, in the same order. */
  readonly price: (rows: readonly Stored[]) => Promise<readonly Readonly<Record<string, string>>[]>
  /** Runs the work when no other process corrects the ledger; absent: there is no other. */
  readonly inTurn?: <T>(work: () => Promise<T>) => Promise<T>
  /** Told of traces that are right now, before they are left behind: what hangs on their spans may have to follow. */
  readonly followed?: (traceIds: readonly string[]) => Promise<void>
  /** Unix milliseconds. */
  readonly now: () => number
}

export interface SettlePass {
  readonly traces: number
  readonly changes: number
  /** Traces of before this are settled: where the next pass goes on. */
  readonly sinceMs: number
  /** There is more to do at once. */
  readonly isMore: boolean
}

const tracesMax = 2000
/** Of one insert: each has a fixed price of its own, half a second of an embedded engine under load. */
const changesMax = 1000
/** As written in `ledger_corrections.made_by`. */
export const settledBy = 'settle'

/** Settles traces touched after `sinceMs` and quiet since `untilMs`. Rejects with ClickHouseError. */
export async function settlePass(
  parts: SettlePassParts,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Promise<SettlePass> {
  const { clickhouse, inTurn = (work) => work() } = parts
  const touched = await touchedTraces(clickhouse, { sinceMs, untilMs, limit: tracesMax })
  let changes = 0
  for (let from = 0; from < touched.traceIds.length; from += tracesMax) {
    const traceIds = await tracesToSettle(clickhouse, touched.traceIds.slice(from, from + tracesMax))
    const found = await changesIn(clickhouse, traceIds)
    // Looked at again in turn: another process may have done it in the meantime.
    if (found.length > 0) changes += await inTurn(() => correct(parts, traceIds))
    if (traceIds.length > 0) await parts.followed?.(traceIds)
  }
  return {
    traces: touched.traceIds.length,
    changes,
    sinceMs: touched.newestMs,
    isMore: touched.newestMs < untilMs,
  }
}

async function changesIn(clickhouse: Reader, traceIds: readonly string[]): Promise<Change[]> {
  const spans = await spansOf(clickhouse, traceIds)
  return changesOf(spans, await sumsOf(clickhouse, spans))
}

async function correct({ clickhouse, price, now }: SettlePassParts, traceIds: readonly string[]): Promise<number> {
  const changes = await changesIn(clickhouse, traceIds)
  for (let from = 0; from < changes.length; from += changesMax) {
    const some = changes.slice(from, from + changesMax)
    await writeCorrections(clickhouse, await priced(some, price), { nowMs: now(), madeBy: settledBy })
  }
  return changes.length
}

/** The changes with the money of those whose price is to be found. */
async function priced(changes: readonly Change[], price: SettlePassParts['price']): Promise<Change[]> {
  const asked = changes.flatMap(({ priceAs }) => (priceAs === null ? [] : [priceAs]))
  if (asked.length === 0) return [...changes]
  const costs = await price(asked)
  const byRow = new Map(asked.map((row, i) => [row, costs[i] ?? {}]))
  return changes.map((change) => {
    const cost = change.priceAs === null ? {} : byRow.get(change.priceAs)
    return { ...change, columns: { ...change.columns, ...cost } }
  })
}
