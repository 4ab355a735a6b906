// Rows a test can recognise: each is `#<id>,` and filler, so that ids survive being cut, merged and repeated.

import {
  Journal,
  type JournalOptions,
  type JournalRecord,
  type SealedSegment,
} from '../../collector/journal/journal.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const directory = '/journal'
const never = new AbortController().signal

export function record(ids: readonly number[], { table = 0, fill = 20 } = {}): JournalRecord {
  const parts = ids.flatMap((id) => [Buffer.from(`#${id},`), Buffer.alloc(fill, '.')])
  return { table, rows: ids.length, parts }
}

export function idsOf(bodies: readonly Uint8Array[]): number[] {
  const text = Buffer.concat(bodies).toString('latin1')
  return [...text.matchAll(/#(\d+),/g)].map((match) => Number(match[1]))
}

export function openOn(disk: MemoryDisk, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return Journal.open({
    directory,
    files: disk,
    lock: async () => ({ release: async () => undefined }),
    segmentBytes: 16 << 10,
    reserveBytes: 0,
    ...options,
  })
}

export interface Delivered {
  readonly id: string
  readonly tables: SealedSegment['tables']
  readonly ids: readonly number[]
}

/** Takes the next segment, which must be there already or be sealed by age. */
export async function take(journal: Journal): Promise<SealedSegment> {
  const segment = await journal.nextSealed(never)
  if (segment === undefined) throw new Error('no segment')
  return segment
}

export async function idsIn(segment: SealedSegment): Promise<number[]> {
  const ids: number[] = []
  for (const { table } of segment.tables) ids.push(...idsOf(await segment.read(table)))
  return ids
}

/** Seals, takes and ends everything there is. */
export async function drain(journal: Journal): Promise<Delivered[]> {
  await journal.seal()
  const delivered: Delivered[] = []
  const stop = new AbortController()
  const reader = (async () => {
    for (;;) {
      const segment = await journal.nextSealed(stop.signal)
      if (segment === undefined) return
      delivered.push({ id: segment.id, tables: segment.tables, ids: await idsIn(segment) })
      await journal.done(segment)
    }
  })()
  while (journal.stats().segments > 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  await reader
  return delivered
}

export async function refusalReason(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'accepted'
  } catch (error) {
    return error instanceof Error && 'reason' in error ? String(error.reason) : `not a refusal: ${String(error)}`
  }
}

/** Until the journal's background work on a MemoryDisk, which takes no time, is over. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
