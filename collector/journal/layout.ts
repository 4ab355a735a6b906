// The bytes of a journal segment file, little endian. All of them are written, read and checked here.
//
//   head page (4 KiB)          records                                        foot page (4 KiB)
//  ┌──────────────────────────┬────────────┬────────────┬─────┬─────────────┬──────────────────┐
//  │ segment │ seal  │ done   │ record 0   │ record 1   │ ... │ zeros, or   │ the head page's  │
//  │ header  │ mark  │ mark   │            │            │     │ an older use│ sectors, again   │
//  └──────────────────────────┴────────────┴────────────┴─────┴─────────────┴──────────────────┘
//  0         512     1024     4096                                          4096 + capacity
//
//  segment header              seal mark (sealed: nothing follows)  done mark (all rows stored)
//   0  8  magic "SPANLJNL"      0  4  magic "SEAL"                   0  4  magic "DONE"
//   8  4  format version        4  4  records                        4  8  tag
//  12  4  CRC of 0..12          8  8  tag                           12  4  CRC of 0..12
//  16 16  epoch (UUID)         16  8  bytes of records
//  32  8  sequence             24  8  first record, Unix ms
//  40  8  tag                  32     16 tables × (4 rows, 4 bytes)
//  48  8  begun, Unix ms      160  4  CRC of 0..160
//  56  4  capacity
//  60  4  CRC of 0..60
//
//  record header (48 bytes), then `length` bytes of payload
//   0  4  magic "SREC"         28  4  payload length
//   4  8  tag                  32  4  payload CRC
//  12  1  record version       36  8  appended, Unix ms
//  13  1  flags (0)            44  4  CRC of 0..44
//  14  2  table
//  16  4  index in the segment
//  20  4  index of the first record of its group (records made durable by one fdatasync)
//  24  4  rows
//
// Files are used again without being wiped, so the end of the records is not marked by zeros: a record belongs to the
// file's present use only if it carries the random tag of the segment header. The tag is also what a reader searches
// for behind a damaged place, and what a sender cannot know, so no payload can pass for a record.

import { crc32 } from 'node:zlib'

export const formatVersion = 1
export const pageBytes = 4096
export const sectorBytes = 512
export const recordHeaderBytes = 48
/** A segment knows totals for this many tables. */
export const tablesMax = 16

const sealOffset = sectorBytes
const doneOffset = 2 * sectorBytes
const segmentMagic = 'SPANLJNL'
const sealMagic = 0x4c414553
const doneMagic = 0x454e4f44
const recordMagic = 0x43455253
const recordVersion = 1

export interface SegmentHeader {
  readonly version: number
  /** Bytes between head page and foot page. */
  readonly capacity: number
  /** UUID drawn when the journal was opened; with `sequence` it names the segment for ever. */
  readonly epoch: string
  readonly sequence: number
  /** 16 hex digits, drawn for each use of a file. */
  readonly tag: string
  readonly begunUnixMs: number
}

export interface TableTotals {
  rows: number
  bytes: number
}

export interface SealMark {
  readonly records: number
  /** Bytes of the record area that count; what lies behind was never acknowledged. */
  readonly bytes: number
  readonly firstUnixMs: number
  /** Index is the table's number; `tablesMax` of them. */
  readonly tables: readonly TableTotals[]
}

export interface SegmentPage {
  readonly header: SegmentHeader | null
  readonly seal: SealMark | null
  readonly isDone: boolean
}

export interface RecordPlace {
  readonly table: number
  readonly index: number
  readonly group: number
  readonly rows: number
  readonly appendedUnixMs: number
  /** Payload, as a range of the record area. */
  readonly start: number
  readonly end: number
}

export function emptyTotals(): TableTotals[] {
  return Array.from({ length: tablesMax }, () => ({ rows: 0, bytes: 0 }))
}

/** Name of a segment, unique over all journals and all time: the stem of its deduplication tokens. */
export function segmentId(header: SegmentHeader): string {
  return `${header.epoch}-${header.sequence}`
}

/**
 * The first sector of head page and foot page: what a file starts a new use with. The marks of its last use stay where
 * they are, so that wherever the power goes, an old header never stands without its done mark.
 */
export function encodeHeader(header: SegmentHeader): Buffer {
  const page = Buffer.alloc(sectorBytes)
  page.write(segmentMagic, 0, 'latin1')
  page.writeUInt32LE(header.version, 8)
  page.writeUInt32LE(crc32(page.subarray(0, 12)), 12)
  page.write(header.epoch.replaceAll('-', ''), 16, 'hex')
  page.writeBigUInt64LE(BigInt(header.sequence), 32)
  page.write(header.tag, 40, 'hex')
  page.writeDoubleLE(header.begunUnixMs, 48)
  page.writeUInt32LE(header.capacity, 56)
  page.writeUInt32LE(crc32(page.subarray(0, 60)), 60)
  return page
}

export function encodeSealMark(tag: string, mark: SealMark): { offset: number; bytes: Buffer } {
  const bytes = Buffer.alloc(sectorBytes)
  bytes.writeUInt32LE(sealMagic, 0)
  bytes.writeUInt32LE(mark.records, 4)
  bytes.write(tag, 8, 'hex')
  bytes.writeDoubleLE(mark.bytes, 16)
  bytes.writeDoubleLE(mark.firstUnixMs, 24)
  mark.tables.forEach((totals, table) => {
    bytes.writeUInt32LE(totals.rows, 32 + 8 * table)
    bytes.writeUInt32LE(totals.bytes, 36 + 8 * table)
  })
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 160)), 160)
  return { offset: sealOffset, bytes }
}

export function encodeDoneMark(tag: string): { offset: number; bytes: Buffer } {
  const bytes = Buffer.alloc(sectorBytes)
  bytes.writeUInt32LE(doneMagic, 0)
  bytes.write(tag, 4, 'hex')
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12)
  return { offset: doneOffset, bytes }
}

/** What is left of a head or foot page; marks of an older use of the file do not count. */
export function decodePage(page: Buffer): SegmentPage {
  const header = decodeHeader(page)
  if (header === null) return { header, seal: null, isDone: false }
  return { header, seal: decodeSealMark(page, header.tag), isDone: hasDoneMark(page, header.tag) }
}

function decodeHeader(page: Buffer): SegmentHeader | null {
  if (page.toString('latin1', 0, 8) !== segmentMagic) return null
  if (page.readUInt32LE(12) !== crc32(page.subarray(0, 12))) return null
  const version = page.readUInt32LE(8)
  // A newer format keeps magic, version and their checksum where they are, and may change all else.
  const isNewer = version > formatVersion
  if (!isNewer && page.readUInt32LE(60) !== crc32(page.subarray(0, 60))) return null
  const uuid = page.toString('hex', 16, 32)
  return {
    version,
    capacity: page.readUInt32LE(56),
    epoch: uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    sequence: Number(page.readBigUInt64LE(32)),
    tag: page.toString('hex', 40, 48),
    begunUnixMs: page.readDoubleLE(48),
  }
}

function decodeSealMark(page: Buffer, tag: string): SealMark | null {
  const bytes = page.subarray(sealOffset, sealOffset + sectorBytes)
  if (bytes.readUInt32LE(0) !== sealMagic || bytes.toString('hex', 8, 16) !== tag) return null
  if (bytes.readUInt32LE(160) !== crc32(bytes.subarray(0, 160))) return null
  return {
    records: bytes.readUInt32LE(4),
    bytes: bytes.readDoubleLE(16),
    firstUnixMs: bytes.readDoubleLE(24),
    tables: emptyTotals().map((_, table) => ({
      rows: bytes.readUInt32LE(32 + 8 * table),
      bytes: bytes.readUInt32LE(36 + 8 * table),
    })),
  }
}

function hasDoneMark(page: Buffer, tag: string): boolean {
  const bytes = page.subarray(doneOffset, doneOffset + sectorBytes)
  if (bytes.readUInt32LE(0) !== doneMagic || bytes.toString('hex', 4, 12) !== tag) return false
  return bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12))
}

/** A record about to be written; `parts` is its payload. */
export interface RecordHead {
  readonly table: number
  readonly index: number
  readonly group: number
  readonly rows: number
  readonly appendedUnixMs: number
  readonly parts: readonly Uint8Array[]
}

/** Writes the 48-byte header of a record at `at`, checksum of the payload included. */
export function encodeRecordHeader(into: Buffer, at: number, tag: string, record: RecordHead): void {
  let length = 0
  let crc = 0
  for (const part of record.parts) {
    length += part.length
    crc = crc32(part, crc)
  }
  into.writeUInt32LE(recordMagic, at)
  into.write(tag, at + 4, 'hex')
  into[at + 12] = recordVersion
  into[at + 13] = 0
  into.writeUInt16LE(record.table, at + 14)
  into.writeUInt32LE(record.index, at + 16)
  into.writeUInt32LE(record.group, at + 20)
  into.writeUInt32LE(record.rows, at + 24)
  into.writeUInt32LE(length, at + 28)
  into.writeUInt32LE(crc, at + 32)
  into.writeDoubleLE(record.appendedUnixMs, at + 36)
  into.writeUInt32LE(crc32(into.subarray(at, at + 44)), at + 44)
}

export interface Scan {
  /** Whole, checked records in the order they were appended. */
  readonly records: readonly RecordPlace[]
  /** Where the last whole record ends. */
  readonly end: number
  /** Records missing before the last group: they were acknowledged, so something damaged the file. */
  readonly lost: number
  /** Records missing in the last group: written when the process or the power went, as a rule never acknowledged. */
  readonly torn: number
}

/**
 * Finds the records of one use of a file in its record area. A damaged place costs the records it touches: the search
 * goes on at the next header with the right tag, a whole header (own CRC) with a bad payload says how far to jump.
 */
export function scanRecords(area: Buffer, tag: string): Scan {
  const needle = Buffer.alloc(12)
  needle.writeUInt32LE(recordMagic, 0)
  needle.write(tag, 4, 'hex')

  const records: RecordPlace[] = []
  let indexNext = 0
  /** The last record whose header is whole, payload or not. */
  let last: RecordPlace | null = null
  let at = 0
  while (at >= 0 && at + recordHeaderBytes <= area.length) {
    const place = readRecordHeader(area, at, needle)
    if (place === null || place.index < indexNext) {
      at = area.indexOf(needle, at + 1)
      continue
    }
    last = place
    if (place.end <= area.length && crc32(area.subarray(place.start, place.end)) === area.readUInt32LE(at + 32)) {
      records.push(place)
      indexNext = place.index + 1
      at = place.end
      continue
    }
    const behind = readRecordHeader(area, place.end, needle)
    at = behind === null ? area.indexOf(needle, at + 1) : place.end
  }

  const group = last === null ? 0 : last.group
  const written = last === null ? 0 : last.index + 1
  const lastGroupFound = records.filter((record) => record.index >= group).length
  const torn = written - group - lastGroupFound
  return { records, end: records.at(-1)?.end ?? 0, lost: written - records.length - torn, torn }
}

function readRecordHeader(area: Buffer, at: number, needle: Buffer): RecordPlace | null {
  if (at + recordHeaderBytes > area.length || area.compare(needle, 0, 12, at, at + 12) !== 0) return null
  if (area.readUInt32LE(at + 44) !== crc32(area.subarray(at, at + 44))) return null
  const start = at + recordHeaderBytes
  return {
    table: area.readUInt16LE(at + 14),
    index: area.readUInt32LE(at + 16),
    group: area.readUInt32LE(at + 20),
    rows: area.readUInt32LE(at + 24),
    appendedUnixMs: area.readDoubleLE(at + 36),
    start,
    end: start + area.readUInt32LE(at + 28),
  }
}
