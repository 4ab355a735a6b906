// The few file operations the journal stands on. An argument, so that tests can lose power, fill the disk and break
// fdatasync; everything else in the journal is arithmetic on bytes.

import fs from 'node:fs'

/** What one open may do with the file; `create` fails if it exists. */
export type OpenMode = 'create' | 'read' | 'write'

export interface JournalFiles {
  /** A descriptor; a created file has mode 0600. */
  open(path: string, mode: OpenMode): Promise<number>
  close(fd: number): Promise<void>
  /** Bytes written, which may be fewer than given. */
  writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number>
  /** Bytes read into the start of `into`, fewer at the end of the file. */
  read(fd: number, into: Uint8Array, position: number): Promise<number>
  /** Data, and what metadata is needed to read it back (size, extents), are on the disk when it resolves. */
  fdatasync(fd: number): Promise<void>
  truncate(fd: number, size: number): Promise<void>
  size(fd: number): Promise<number>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** File names in the directory, unsorted. */
  list(directory: string): Promise<string[]>
  /** Creates it (0700, parents too) when missing, and closes an existing one to others. */
  makeDirectory(directory: string): Promise<void>
  /** Creations, renames and removals in the directory are on the disk when it resolves. */
  syncDirectory(directory: string): Promise<void>
  /** Bytes an unprivileged process may still allocate there, and the file system's magic number. */
  freeSpace(directory: string): Promise<{ bytes: number; type: number }>
}

/** The callback API, not FileHandle: an append is two of these calls, and a handle costs more than the call. */
export const nodeFiles: JournalFiles = {
  open: (path, mode) => call((done) => fs.open(path, openFlags[mode], 0o600, done)),
  close: (fd) => run((done) => fs.close(fd, done)),
  writev: (fd, parts, position) => call((done) => fs.writev(fd, parts as Uint8Array[], position, done)),
  read: (fd, into, position) => call((done) => fs.read(fd, into, 0, into.length, position, done)),
  fdatasync: (fd) => run((done) => fs.fdatasync(fd, done)),
  truncate: (fd, size) => run((done) => fs.ftruncate(fd, size, done)),
  size: async (fd) => (await call<fs.Stats>((done) => fs.fstat(fd, done))).size,
  rename: (from, to) => run((done) => fs.rename(from, to, done)),
  unlink: (path) => run((done) => fs.unlink(path, done)),
  list: (directory) => call<string[]>((done) => fs.readdir(directory, done)),
  async makeDirectory(directory) {
    await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 })
    await fs.promises.chmod(directory, 0o700)
  },
  async syncDirectory(directory) {
    // Windows has no handle on a directory to sync; its file system journals the names itself.
    if (process.platform === 'win32') return
    const fd = await call<number>((done) => fs.open(directory, 'r', done))
    try {
      await run((done) => fs.fsync(fd, done))
    } finally {
      await run((done) => fs.close(fd, done))
    }
  },
  async freeSpace(directory) {
    const { bavail, bsize, type } = await fs.promises.statfs(directory)
    return { bytes: bavail * bsize, type }
  },
}

const openFlags = { create: 'wx+', read: 'r', write: 'r+' } as const satisfies Record<OpenMode, string>

function call<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))))
}

function run(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}

/**
 * Writes all of `parts` at `position`, however the system cuts it up: a full volume gives a short write and no error
 * (R15), the rest of it then fails with ENOSPC, which is thrown.
 */
export async function writeAll(
  files: JournalFiles,
  fd: number,
  parts: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let left = parts
  let at = position
  let length = 0
  for (const part of parts) length += part.length
  for (;;) {
    const written = await files.writev(fd, left, at)
    if (written === length) return
    if (written <= 0) throw Object.assign(new Error('write accepted no bytes'), { code: 'ENOSPC' })
    at += written
    length -= written
    left = dropBytes(left, written)
  }
}

function dropBytes(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  let index = 0
  let left = count
  while (left >= parts[index]!.length) left -= parts[index++]!.length
  const rest = parts.slice(index)
  rest[0] = rest[0]!.subarray(left)
  return rest
}

const salvageBytes = 4096

/**
 * Fills `into` from `position`; what lies past the end of the file stays zero. A range the disk cannot give back is
 * read page by page, and pages that fail stay zero: the checksums find what was lost.
 */
export async function readAll(
  files: JournalFiles,
  fd: number,
  into: Uint8Array,
  position: number,
): Promise<{ unreadable: number }> {
  let unreadable = 0
  let at = 0
  while (at < into.length) {
    let count: number
    try {
      count = await files.read(fd, into.subarray(at), position + at)
    } catch (error) {
      if (!isIoError(error)) throw error
      const page = into.subarray(at, at + salvageBytes - ((position + at) % salvageBytes))
      try {
        count = await files.read(fd, page, position + at)
      } catch (pageError) {
        if (!isIoError(pageError)) throw pageError
        page.fill(0)
        unreadable += page.length
        count = page.length
      }
    }
    if (count === 0) {
      into.fill(0, at)
      break
    }
    at += count
  }
  return { unreadable }
}

/** The system's error code, such as `ENOSPC`. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

function isIoError(error: unknown): boolean {
  return errorCode(error) === 'EIO'
}
