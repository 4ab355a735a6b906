// Start of a journal: what former processes left becomes live segments, spare files and files set aside. Only a
// segment without a seal mark is read, that is the last one of a process that was killed.

import type { JournalFiles } from './files.ts'
import { segmentId } from './layout.ts'
import { type PoolFile, SegmentPool } from './pool.ts'
import { type FoundDirectory, type FoundSegment, readDirectory } from './recovery.ts'
import { type LiveSegment, liveSegment } from './sealed-segment.ts'
import { loadSegment, markSealed, totalsOf } from './segment.ts'
import { defaultBytesMax, type JournalSettings, unsafeFileSystems } from './settings.ts'

export interface OpenedDirectory {
  readonly pool: SegmentPool
  readonly bytesMax: number
  /** Oldest first. */
  readonly live: readonly LiveSegment[]
  readonly lostRecords: number
  readonly tornRecords: number
  readonly damagedFiles: number
}

/** Throws when a newer version wrote here (nothing is touched then) or when the directory cannot be used at all. */
export async function openDirectory(settings: JournalSettings): Promise<OpenedDirectory> {
  const { files, directory, onProblem } = settings
  const found = await readDirectory(files, directory)
  for (const file of found.unfinished) await files.unlink(file)
  for (const { path } of found.headless) onProblem({ kind: 'file_damaged', path })

  const live: LiveSegment[] = []
  const spares: PoolFile[] = []
  let lostRecords = 0
  let tornRecords = 0
  const damaged: PoolFile[] = [...found.damaged, ...found.headless]
  for (const segment of found.segments) {
    const recovered = await recoverSegment(settings, segment)
    lostRecords += recovered.lost
    tornRecords += recovered.torn
    if (recovered.live !== null) live.push(recovered.live)
    else if (recovered.lost + recovered.torn > 0) damaged.push(segment)
    else spares.push(segment)
  }

  const bytesMax = settings.bytesMax ?? (await bytesMaxOf(files, directory, found))
  const fileBytes = SegmentPool.fileBytes(settings.segmentBytes)
  if (bytesMax < 2 * fileBytes) {
    throw new Error(`journal may take ${bytesMax} bytes, but two segments take ${2 * fileBytes}: raise the limit`)
  }
  await warnOfFileSystem(settings)
  const { segmentBytes, reserveBytes, sparesMax, damagedMax, clock } = settings
  const pool = await SegmentPool.open(
    { files, directory, segmentBytes, bytesMax, reserveBytes, sparesMax, damagedMax, unixMs: () => clock.unixMs() },
    { live, spares, damaged, slotNext: found.slotNext, sequenceNext: found.sequenceNext },
  )
  return { pool, bytesMax, live, lostRecords, tornRecords, damagedFiles: found.headless.length }
}

interface Recovered {
  /** Null: no rows to deliver. */
  readonly live: LiveSegment | null
  readonly lost: number
  readonly torn: number
}

async function recoverSegment(settings: JournalSettings, segment: FoundSegment): Promise<Recovered> {
  const { header, seal } = segment
  const none = { live: null, lost: 0, torn: 0 }
  if (segment.isDone) return none
  const start = { file: segment, header, order: header.sequence }
  if (seal !== null) {
    return seal.records === 0 ? none : { ...none, live: liveSegment({ ...start, totals: seal, fate: 'reuse' }) }
  }

  const { files, onProblem } = settings
  const { records, end, lost, torn } = await loadSegment(files, segment.path, header, null)
  const first = records[0]
  const live =
    first === undefined
      ? null
      : liveSegment({
          ...start,
          totals: {
            records: records.length,
            bytes: end,
            firstUnixMs: first.appendedUnixMs,
            tables: totalsOf(records),
          },
          fate: lost + torn === 0 ? 'reuse' : 'keep',
        })
  const id = segmentId(header)
  if (lost > 0) onProblem({ kind: 'records_lost', segment: id, records: lost, rows: 0 })
  if (torn > 0) onProblem({ kind: 'records_torn', segment: id, records: torn })
  if (live !== null) {
    try {
      await markSealed(files, segment.path, header, live)
    } catch (error) {
      // The mark fixes the end for later readings; without it they find the same end by the same search.
      onProblem({ kind: 'io_failed', operation: 'seal a recovered segment', error })
    }
  }
  return { live, lost, torn }
}

async function bytesMaxOf(files: JournalFiles, directory: string, found: FoundDirectory): Promise<number> {
  const own = [...found.segments, ...found.headless, ...found.damaged].reduce((sum, { size }) => sum + size, 0)
  return defaultBytesMax((await files.freeSpace(directory)).bytes, own)
}

async function warnOfFileSystem({ files, directory, onProblem }: JournalSettings): Promise<void> {
  const name = unsafeFileSystems.get((await files.freeSpace(directory)).type)
  if (name !== undefined) onProblem({ kind: 'unsafe_file_system', name })
}
