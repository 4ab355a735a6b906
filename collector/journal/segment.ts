// One segment file in use: records are appended to it, it is sealed, read back, and marked done. Layout: layout.ts.

import { type JournalFiles, readAll, writeAll } from './files.ts'
import {
  emptyTotals,
  encodeDoneMark,
  encodeRecordHeader,
  encodeSealMark,
  pageBytes,
  type RecordPlace,
  recordHeaderBytes,
  type Scan,
  type SealMark,
  type SegmentHeader,
  scanRecords,
  type TableTotals,
} from './layout.ts'

/** Rows of one table on their way to ClickHouse. */
export interface JournalRecord {
  /** Index in the writer's list of tables, below `tablesMax`. */
  readonly table: number
  readonly rows: number
  /** Bytes of one Native block; the memory stays the caller's and must not change until the append resolves. */
  readonly parts: readonly Uint8Array[]
}

/** Bytes the records take in a segment, headers included. */
export function recordsBytes(records: readonly JournalRecord[]): number {
  let bytes = 0
  for (const record of records) {
    bytes += recordHeaderBytes
    for (const part of record.parts) bytes += part.length
  }
  return bytes
}

/** The segment that takes appends. Its totals are those of the acknowledged records only. */
export class OpenSegment {
  readonly path: string
  readonly header: SegmentHeader
  readonly tables: TableTotals[] = emptyTotals()
  records = 0
  bytes = 0
  firstUnixMs = 0
  private readonly files: JournalFiles
  private readonly fd: number

  constructor(files: JournalFiles, place: { fd: number; path: string; header: SegmentHeader }) {
    this.files = files
    this.fd = place.fd
    this.path = place.path
    this.header = place.header
  }

  /** Rows of the fullest table. */
  get rows(): number {
    let most = 0
    for (const { rows } of this.tables) if (rows > most) most = rows
    return most
  }

  fits(bytes: number): boolean {
    return this.bytes + bytes <= this.header.capacity
  }

  /**
   * Writes the records as one group behind the last one and makes them durable.
   * After an error nothing of the group counts and the segment must not be appended to again: the kernel may have
   * dropped the pages of a failed fdatasync, and the next one would say that all is well.
   */
  async append(records: readonly JournalRecord[], unixMs: number, onSync: (ms: number) => void): Promise<void> {
    const headers = Buffer.allocUnsafe(recordHeaderBytes * records.length)
    const parts: Uint8Array[] = []
    let length = 0
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const at = i * recordHeaderBytes
      encodeRecordHeader(headers, at, this.header.tag, {
        table: record.table,
        index: this.records + i,
        group: this.records,
        rows: record.rows,
        appendedUnixMs: unixMs,
        parts: record.parts,
      })
      parts.push(headers.subarray(at, at + recordHeaderBytes))
      for (const part of record.parts) {
        if (part.length > 0) parts.push(part)
        length += part.length
      }
    }
    await writeAll(this.files, this.fd, parts, pageBytes + this.bytes)
    const start = performance.now()
    await this.files.fdatasync(this.fd)
    onSync(performance.now() - start)

    if (this.records === 0) this.firstUnixMs = unixMs
    this.records += records.length
    this.bytes += headers.length + length
    for (const record of records) {
      const totals = this.tables[record.table]!
      totals.rows += record.rows
      for (const part of record.parts) totals.bytes += part.length
    }
  }

  /** Makes it durable that the segment ends here. Only saves work: without the mark a reader finds the end itself. */
  async writeSealMark(): Promise<void> {
    await writeMark(this.files, this.fd, this.header, encodeSealMark(this.header.tag, this))
  }

  async close(): Promise<void> {
    await this.files.close(this.fd)
  }
}

/** Writes one mark into head page and foot page and makes it durable. */
async function writeMark(
  files: JournalFiles,
  fd: number,
  header: SegmentHeader,
  mark: { offset: number; bytes: Uint8Array },
): Promise<void> {
  await writeAll(files, fd, [mark.bytes], mark.offset)
  await writeAll(files, fd, [mark.bytes], pageBytes + header.capacity + mark.offset)
  await files.fdatasync(fd)
}

async function withFile<T>(files: JournalFiles, path: string, use: (fd: number) => Promise<T>): Promise<T> {
  const fd = await files.open(path, 'write')
  try {
    return await use(fd)
  } finally {
    await files.close(fd)
  }
}

/** Remembers durably that all rows of the segment are stored. */
export function markDone(files: JournalFiles, path: string, header: SegmentHeader): Promise<void> {
  return withFile(files, path, (fd) => writeMark(files, fd, header, encodeDoneMark(header.tag)))
}

/** Seals a segment that a former process left open, so that it reads the same ever after. */
export function markSealed(files: JournalFiles, path: string, header: SegmentHeader, mark: SealMark): Promise<void> {
  return withFile(files, path, (fd) => writeMark(files, fd, header, encodeSealMark(header.tag, mark)))
}

export interface LoadedSegment extends Scan {
  /** The record area, read once; places of `records` point into it. */
  readonly area: Buffer
}

/**
 * Reads a segment's records and checks them. With a seal mark, all that it promised and is not found is `lost`.
 * Reads into `spare` where that is large enough: a fresh buffer a segment costs a tenth of the collector's time in garbage
 * collection.
 */
export async function loadSegment(
  files: JournalFiles,
  path: string,
  header: SegmentHeader,
  seal: Pick<SealMark, 'records' | 'bytes'> | null,
  spare: Buffer | null = null,
): Promise<LoadedSegment> {
  const fd = await files.open(path, 'read')
  try {
    // A header is checked, but a file may have been cut short: never allocate for what is not there.
    const present = Math.max(0, (await files.size(fd)) - pageBytes)
    const size = Math.min(seal?.bytes ?? header.capacity, present)
    const area = spare !== null && spare.length >= size ? spare.subarray(0, size) : roomyBuffer(size)
    await readAll(files, fd, area, pageBytes)
    const scan = scanRecords(area, header.tag)
    if (seal === null) return { area, ...scan }
    return { area, ...scan, lost: seal.records - scan.records.length, torn: 0 }
  } finally {
    await files.close(fd)
  }
}

/** A little larger than asked for, so that the next segment of about the same size fits into it too. */
function roomyBuffer(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size + (size >> 2)).subarray(0, size)
}

/** Totals by table of the records found. */
export function totalsOf(records: readonly RecordPlace[]): TableTotals[] {
  const tables = emptyTotals()
  for (const { table, rows, start, end } of records) {
    const totals = tables[table]
    if (totals === undefined) continue
    totals.rows += rows
    totals.bytes += end - start
  }
  return tables
}
