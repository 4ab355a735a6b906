// Attempts of one logical call: a call that failed and the next of the same kind under the same parent, soon after. Each
// attempt that was billed stays billed; the last one knows how many there were.

import { type CallRecord, compareRecords } from './record.ts'

export interface Attempt {
  /** From 1. */
  readonly attempt: number
  readonly attempts: number
  /** The failed attempts before it, on the last attempt only. */
  readonly failed: readonly CallRecord[]
}

/** Between the end of an attempt and the start of the next: clients wait up to a minute, some twice that. */
const pauseMicrosMax = 120_000_000

/** By record; one that stands alone is attempt 1 of 1. `calls` are those that are calls of their own, not duplicates. */
export function attemptsOf(calls: readonly CallRecord[]): Map<CallRecord, Attempt> {
  const attempts = new Map<CallRecord, Attempt>()
  for (const group of Map.groupBy(calls, groupKey).values()) {
    let chain: CallRecord[] = []
    const close = (): void => {
      for (const [i, record] of chain.entries()) {
        const isLast = i === chain.length - 1
        attempts.set(record, { attempt: i + 1, attempts: chain.length, failed: isLast ? chain.slice(0, -1) : [] })
      }
      chain = []
    }
    for (const record of [...group].sort(compareRecords)) {
      const before = chain.at(-1)
      if (before !== undefined && !isRetry(before, record)) close()
      chain.push(record)
    }
    close()
  }
  return attempts
}

function isRetry(before: CallRecord, next: CallRecord): boolean {
  return before.isError && next.start >= before.end - 1000 && next.start - before.end <= pauseMicrosMax
}

/** Calls without a parent are each a trace of their own: nothing says that they belong together. */
function groupKey({ project, traceId, spanId, parentId, scope, requestModel }: CallRecord): string {
  return JSON.stringify([project, traceId, parentId === '' ? spanId : parentId, scope, requestModel])
}
