// A look at a journal without taking it: reads only, beside a running collector or without one.

import { nodeFiles } from './files.ts'
import { segmentId } from './layout.ts'
import { type FoundSegment, readDirectory } from './recovery.ts'
import { rowCounts } from './sealed-segment.ts'
import { loadSegment, totalsOf } from './segment.ts'

export interface SegmentReport {
  readonly id: string
  readonly path: string
  /** `open`: no seal mark yet, so it is still written to, or its process was killed. */
  readonly state: 'open' | 'sealed'
  readonly records: number
  readonly bytes: number
  /** By table number. */
  readonly rows: readonly number[]
  readonly firstUnixMs: number | null
  /** Records that were promised and cannot be read. */
  readonly lost: number
  /** Records cut off at the end of an open segment; one may be under way. */
  readonly torn: number
}

export interface JournalReport {
  /** Segments with rows that are not done, oldest first. */
  readonly segments: readonly SegmentReport[]
  /** Files without a readable header, and files set aside before. */
  readonly damaged: readonly string[]
  /** Empty files kept for the next segments. */
  readonly spares: number
}

export interface JournalBlock {
  readonly segment: string
  readonly record: number
  readonly table: number
  readonly rows: number
  readonly appendedUnixMs: number
  readonly body: Uint8Array
}

/** Reads and checks every record that is not done. Throws when a newer version wrote the journal. */
export async function inspectJournal(directory: string): Promise<JournalReport> {
  const found = await readDirectory(nodeFiles, directory)
  const segments: SegmentReport[] = []
  for (const segment of found.segments) {
    if (segment.isDone) continue
    const { records, end, lost, torn } = await load(segment)
    if (records.length + lost + torn === 0) continue
    segments.push({
      id: segmentId(segment.header),
      path: segment.path,
      state: segment.seal === null ? 'open' : 'sealed',
      records: records.length,
      bytes: segment.seal?.bytes ?? end,
      rows: rowCounts(totalsOf(records)),
      firstUnixMs: records[0]?.appendedUnixMs ?? null,
      lost,
      torn,
    })
  }
  return {
    segments,
    damaged: [...found.headless, ...found.damaged].map(({ path }) => path),
    spares: found.segments.length - segments.length,
  }
}

/** Every readable record that is not done, oldest first, for export to somewhere else. */
export async function* readJournal(directory: string): AsyncGenerator<JournalBlock> {
  for (const segment of (await readDirectory(nodeFiles, directory)).segments) {
    if (segment.isDone) continue
    const { area, records } = await load(segment)
    for (const { index, table, rows, appendedUnixMs, start, end } of records) {
      const body = area.subarray(start, end)
      yield { segment: segmentId(segment.header), record: index, table, rows, appendedUnixMs, body }
    }
  }
}

function load(segment: FoundSegment): ReturnType<typeof loadSegment> {
  return loadSegment(nodeFiles, segment.path, segment.header, segment.seal)
}
