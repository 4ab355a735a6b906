// A segment between sealing and done: as the journal keeps it, and as the writer sees it.

import { emptyTotals, type RecordPlace, type SegmentHeader, segmentId, type TableTotals } from './layout.ts'
import type { Fate, PoolFile } from './pool.ts'
import type { LoadedSegment } from './segment.ts'

/** Sealed and not yet done. */
export interface LiveSegment extends PoolFile {
  readonly id: string
  readonly header: SegmentHeader
  /** Place in the order of delivery. */
  readonly order: number
  /** Of its file, once done. */
  fate: Fate
  records: number
  readonly bytes: number
  readonly firstUnixMs: number
  /** Replaced by what was really found when the segment is read. */
  tables: readonly TableTotals[]
  /** Ends when the seal mark is written and the file is closed; never rejects. */
  readonly sealing: Promise<void>
}

/** One Native block of a segment. */
export interface StoredRecord {
  /** Number of the record in its segment; the same at every reading. */
  readonly index: number
  readonly rows: number
  /** Part of the segment's buffer; valid for as long as it is referenced. */
  readonly body: Uint8Array
}

export interface SealedSegment {
  /** `<epoch>-<sequence>`: stem of the deduplication tokens, the same bytes under the same id after any restart. */
  readonly id: string
  readonly path: string
  /** Tables that have rows, by number. */
  readonly tables: readonly { readonly table: number; readonly rows: number; readonly bytes: number }[]
  /** Records of one table in the order they were appended, checked. */
  records(table: number): readonly StoredRecord[]
  /** Their payloads, ready to be sent one after the other as the body of one INSERT. */
  read(table: number): Promise<Uint8Array[]>
}

export function sealedSegment(live: LiveSegment, loaded: LoadedSegment): SealedSegment {
  const byTable = new Map<number, StoredRecord[]>()
  for (const record of loaded.records) {
    const list = byTable.get(record.table) ?? []
    byTable.set(record.table, list)
    list.push(storedRecord(loaded.area, record))
  }
  const records = (table: number): readonly StoredRecord[] => byTable.get(table) ?? []
  return {
    id: live.id,
    path: live.path,
    tables: live.tables.flatMap(({ rows, bytes }, table) => (byTable.has(table) ? [{ table, rows, bytes }] : [])),
    records,
    read: async (table) => records(table).map(({ body }) => body),
  }
}

function storedRecord(area: Buffer, { index, rows, start, end }: RecordPlace): StoredRecord {
  return { index, rows, body: area.subarray(start, end) }
}

export interface LiveStart {
  readonly file: PoolFile
  readonly header: SegmentHeader
  readonly order: number
  readonly totals: { records: number; bytes: number; firstUnixMs: number; tables: readonly TableTotals[] }
  readonly fate: Fate
  readonly sealing?: Promise<void>
}

export function liveSegment({ file, header, order, totals, fate, sealing }: LiveStart): LiveSegment {
  return {
    id: segmentId(header),
    path: file.path,
    size: file.size,
    header,
    order,
    fate,
    records: totals.records,
    bytes: totals.bytes,
    firstUnixMs: totals.firstUnixMs,
    tables: totals.tables,
    sealing: sealing ?? Promise.resolve(),
  }
}

/** Rows by table. */
export function rowCounts(tables: readonly TableTotals[]): number[] {
  return tables.map(({ rows }) => rows)
}

export function noRows(): number[] {
  return rowCounts(emptyTotals())
}

export function addRows(to: number[], rows: readonly number[], sign = 1): void {
  for (let table = 0; table < to.length; table++) to[table] = to[table]! + sign * rows[table]!
}
