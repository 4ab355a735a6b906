// What the journal can be told, its defaults, and what it tells.

import { type JournalFiles, nodeFiles } from './files.ts'
import { type DirectoryLock, lockDirectory } from './lock.ts'

export interface JournalClock {
  /** Milliseconds that never jump. */
  now(): number
  unixMs(): number
  /** Calls once, after `ms`, unless the returned function was called first; does not keep the process alive. */
  after(ms: number, call: () => void): () => void
}

export const systemClock: JournalClock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** The system's clock, with timers that keep the process alive: a drain at the stop must not end by itself. */
export const waitingClock: JournalClock = {
  ...systemClock,
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

/** Something to log and to alarm on; counted in `stats()` too. Never holds payload. */
export type JournalProblem =
  /** The disk or the file system refused; what it was needed for was not acknowledged. */
  | { readonly kind: 'io_failed'; readonly operation: string; readonly error: unknown }
  /** No space for a further segment: appends are refused until segments are done or space is freed. */
  | { readonly kind: 'full'; readonly error: Error }
  /** Acknowledged rows that cannot be read back. `rows` where the seal mark knows it. */
  | { readonly kind: 'records_lost'; readonly segment: string; readonly records: number; readonly rows: number }
  /** Incomplete records at the end of a segment whose process was killed; as a rule never acknowledged. */
  | { readonly kind: 'records_torn'; readonly segment: string; readonly records: number }
  /** A file without a readable header was set aside; what it holds is unknown. */
  | { readonly kind: 'file_damaged'; readonly path: string }
  /** The file system may not keep what fdatasync promises. */
  | { readonly kind: 'unsafe_file_system'; readonly name: string }

export interface JournalOptions {
  readonly directory: string
  /** Record bytes of a segment; 16 MiB. */
  readonly segmentBytes?: number
  /** Rows of any one table at which a segment is sealed; 10,000. */
  readonly segmentRows?: number
  /** The same while older sealed segments wait, so that a backlog takes few files and large inserts; 100,000. */
  readonly backlogRows?: number
  /** Age of its first record at which a segment is sealed if somebody waits for it; 1,000. */
  readonly segmentAgeMs?: number
  /** Disk space of all files; default 10 GiB, but at most half of what was free at the first start. */
  readonly bytesMax?: number
  /** Free disk space that is left alone; 512 MiB. */
  readonly reserveBytes?: number
  /** Empty files kept for the next segments; 4. */
  readonly sparesMax?: number
  /** Damaged files kept for inspection, oldest deleted first; 4. */
  readonly damagedMax?: number
  /** Told how long each fdatasync of an append took. */
  readonly onSync?: (ms: number) => void
  readonly onProblem?: (problem: JournalProblem) => void
  /** For tests. */
  readonly files?: JournalFiles
  readonly clock?: JournalClock
  readonly lock?: (directory: string) => Promise<DirectoryLock>
}

/** All options decided, except that the size limit may depend on the disk. */
export type JournalSettings = Required<Omit<JournalOptions, 'bytesMax'>> & { readonly bytesMax: number | null }

export function journalSettings(options: JournalOptions): JournalSettings {
  return {
    directory: options.directory,
    segmentBytes: options.segmentBytes ?? 16 << 20,
    segmentRows: options.segmentRows ?? 10_000,
    backlogRows: options.backlogRows ?? 100_000,
    segmentAgeMs: options.segmentAgeMs ?? 1000,
    bytesMax: options.bytesMax ?? null,
    reserveBytes: options.reserveBytes ?? 512 * 2 ** 20,
    sparesMax: options.sparesMax ?? 4,
    damagedMax: options.damagedMax ?? 4,
    onSync: options.onSync ?? (() => undefined),
    onProblem: options.onProblem ?? (() => undefined),
    files: options.files ?? nodeFiles,
    clock: options.clock ?? systemClock,
    lock: options.lock ?? lockDirectory,
  }
}

/** Default of `bytesMax`. */
export function defaultBytesMax(freeBytes: number, ownBytes: number): number {
  return Math.min(10 * 2 ** 30, Math.floor((freeBytes + ownBytes) / 2))
}

/** statfs magic numbers of file systems that lose synced data in ways we cannot see (W13). */
export const unsafeFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlay'],
  [0x01021997, '9p'],
])
