// The journal's files as disk space: files for new segments come from here and go back here. Files are filled with
// zeros before use and used again, which makes a group commit an overwrite of allocated blocks (twice as fast as growing
// a file, at half the CPU: test/bench/journal.ts), and a full disk shows before an acknowledgement is owed.

import { randomBytes, randomUUID } from 'node:crypto'
import path from 'node:path'
import { Refusal } from '../../schemas/refusal.ts'
import { type JournalFiles, writeAll } from './files.ts'
import { encodeHeader, formatVersion, pageBytes, type SegmentHeader } from './layout.ts'
import { OpenSegment } from './segment.ts'

export interface PoolFile {
  readonly path: string
  readonly size: number
}

/** `reuse`: sound; `delete`: its disk blocks are in doubt, or it is too many; `keep`: damaged, somebody will look at it. */
export type Fate = 'reuse' | 'delete' | 'keep'

export interface PoolOptions {
  readonly files: JournalFiles
  readonly directory: string
  /** Record area of an ordinary segment. */
  readonly segmentBytes: number
  readonly bytesMax: number
  readonly reserveBytes: number
  readonly sparesMax: number
  readonly damagedMax: number
  readonly unixMs: () => number
}

export interface PoolContents {
  /** Segments with rows; the pool only counts their size. */
  readonly live: readonly PoolFile[]
  readonly spares: readonly PoolFile[]
  readonly damaged: readonly PoolFile[]
  readonly slotNext: number
  readonly sequenceNext: number
}

const zeros = Buffer.alloc(1 << 20)

export class SegmentPool {
  /** Disk space of all files, spare and damaged ones included. */
  allocatedBytes = 0
  private readonly options: PoolOptions
  private readonly epoch = randomUUID()
  private readonly spares: PoolFile[] = []
  private readonly damaged: PoolFile[] = []
  private slotNext: number
  private sequenceNext: number

  private constructor(options: PoolOptions, contents: PoolContents) {
    this.options = options
    this.slotNext = contents.slotNext
    this.sequenceNext = contents.sequenceNext
    for (const { size } of [...contents.live, ...contents.spares, ...contents.damaged]) this.allocatedBytes += size
  }

  static async open(options: PoolOptions, contents: PoolContents): Promise<SegmentPool> {
    const pool = new SegmentPool(options, contents)
    for (const file of contents.damaged) await pool.keep(file)
    for (const file of contents.spares) await pool.reuse(file)
    return pool
  }

  static fileBytes(capacity: number): number {
    return capacity + 2 * pageBytes
  }

  /** An empty segment of ordinary size, its blocks allocated. Refuses with `journal_full`. */
  async take(): Promise<OpenSegment> {
    const spare = this.spares.pop()
    if (spare === undefined) return this.create(this.options.segmentBytes, { isZeroed: true })
    const { files } = this.options
    const header = this.nextHeader(this.options.segmentBytes)
    let fd: number | null = null
    try {
      fd = await files.open(spare.path, 'write')
      // Made durable by the first append: until then nothing depends on it.
      await writeHeader(files, fd, header)
      return new OpenSegment(files, { fd, path: spare.path, header })
    } catch (error) {
      if (fd !== null) await files.close(fd)
      await this.retire(spare, 'delete')
      throw error
    }
  }

  /** A segment for one group that is larger than the ordinary ones. Its blocks are allocated by the group's own write. */
  takeLarge(capacity: number): Promise<OpenSegment> {
    return this.create(capacity, { isZeroed: false })
  }

  /** Gives a file back. Errors are thrown after the books are right; a file that stays will be found at the next open. */
  async retire(file: PoolFile, fate: Fate): Promise<void> {
    if (fate === 'reuse') return this.reuse(file)
    if (fate === 'keep') return this.keep(file)
    this.allocatedBytes -= file.size
    await this.options.files.unlink(file.path)
    await this.options.files.syncDirectory(this.options.directory)
  }

  private async reuse(file: PoolFile): Promise<void> {
    const isOrdinary = file.size === SegmentPool.fileBytes(this.options.segmentBytes)
    if (!isOrdinary || this.spares.length >= this.options.sparesMax) return this.retire(file, 'delete')
    this.spares.push(file)
  }

  private async keep(file: PoolFile): Promise<void> {
    const { files, directory, damagedMax } = this.options
    const name = damagedName(file.path)
    if (name !== file.path) {
      await files.rename(file.path, name)
      await files.syncDirectory(directory)
    }
    this.damaged.push({ path: name, size: file.size })
    if (this.damaged.length > damagedMax) await this.retire(this.damaged.shift()!, 'delete')
  }

  private async create(capacity: number, { isZeroed }: { isZeroed: boolean }): Promise<OpenSegment> {
    const { files, directory } = this.options
    const size = SegmentPool.fileBytes(capacity)
    const header = this.nextHeader(capacity)
    const file = path.join(directory, segmentName(this.slotNext++))
    const unfinished = file.replace(segmentSuffix, unfinishedSuffix)
    // Counted first: another segment may be made while this one waits for the disk.
    this.allocatedBytes += size
    let fd: number | null = null
    try {
      await this.checkSpace(size)
      fd = await files.open(unfinished, 'create')
      if (isZeroed) await writeZeros(files, fd, size)
      else await files.truncate(fd, size)
      await writeHeader(files, fd, header)
      await files.fdatasync(fd)
      await files.rename(unfinished, file)
      await files.syncDirectory(directory)
      return new OpenSegment(files, { fd, path: file, header })
    } catch (error) {
      this.allocatedBytes -= size
      if (fd !== null) {
        await files.close(fd)
        // Whichever of the two names it has by now; what cannot be removed is removed at the next open.
        await files
          .unlink(unfinished)
          .catch(() => files.unlink(file))
          .catch(() => undefined)
      }
      throw error
    }
  }

  private async checkSpace(size: number): Promise<void> {
    const { files, directory, bytesMax, reserveBytes } = this.options
    while (this.allocatedBytes > bytesMax && this.spares.length > 0) await this.retire(this.spares.pop()!, 'delete')
    if (this.allocatedBytes > bytesMax) {
      const held = this.allocatedBytes - size
      throw new Refusal(
        'journal_full',
        `journal holds ${held} of at most ${bytesMax} bytes: it empties when ClickHouse takes rows again`,
      )
    }
    const free = await files.freeSpace(directory)
    if (free.bytes - size < reserveBytes) {
      throw new Refusal(
        'journal_full',
        `disk of the journal has ${free.bytes} bytes free, ${reserveBytes} are kept in reserve: free some space`,
      )
    }
  }

  private nextHeader(capacity: number): SegmentHeader {
    return {
      version: formatVersion,
      capacity,
      epoch: this.epoch,
      sequence: this.sequenceNext++,
      tag: randomBytes(8).toString('hex'),
      begunUnixMs: this.options.unixMs(),
    }
  }
}

async function writeHeader(files: JournalFiles, fd: number, header: SegmentHeader): Promise<void> {
  const sector = encodeHeader(header)
  await writeAll(files, fd, [sector], 0)
  await writeAll(files, fd, [sector], pageBytes + header.capacity)
}

async function writeZeros(files: JournalFiles, fd: number, size: number): Promise<void> {
  const batch = 16 * zeros.length
  for (let at = 0; at < size; at += batch) {
    const parts: Uint8Array[] = []
    for (let left = Math.min(batch, size - at); left > 0; left -= zeros.length) {
      parts.push(left < zeros.length ? zeros.subarray(0, left) : zeros)
    }
    await writeAll(files, fd, parts, at)
  }
}

const segmentSuffix = '.segment'
const unfinishedSuffix = '.unfinished'
const damagedSuffix = '.damaged'

function segmentName(slot: number): string {
  return `${String(slot).padStart(6, '0')}${segmentSuffix}`
}

function damagedName(file: string): string {
  return file.endsWith(segmentSuffix) ? file.slice(0, -segmentSuffix.length) + damagedSuffix : file
}

/** What a file name in the journal's directory stands for; null for names that are not the pool's. */
export function parseName(name: string): { slot: number; kind: 'segment' | 'unfinished' | 'damaged' } | null {
  const match = /^(\d+)\.(segment|unfinished|damaged)$/.exec(name)
  if (match === null) return null
  return { slot: Number(match[1]), kind: match[2] as 'segment' | 'unfinished' | 'damaged' }
}
