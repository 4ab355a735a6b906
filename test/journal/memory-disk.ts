// A disk for the journal that can lose power, fill up and fail. What was synced stays; of what was not, each 512-byte
// sector and each change of the directory survives or not, by the caller's dice.

import path from 'node:path'
import type { JournalFiles, OpenMode } from '../../collector/journal/files.ts'
import type { JournalClock } from '../../collector/journal/settings.ts'

const sectorBytes = 512

class Inode {
  data: Buffer
  durable: Buffer
  readonly dirty = new Set<number>()

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.data = Buffer.from(content)
    this.durable = Buffer.from(content)
  }

  write(bytes: Uint8Array, at: number): void {
    this.resize(Math.max(this.data.length, at + bytes.length))
    this.data.set(bytes, at)
    for (let sector = Math.floor(at / sectorBytes); sector * sectorBytes < at + bytes.length; sector++) {
      this.dirty.add(sector)
    }
  }

  resize(size: number): void {
    if (size <= this.data.length) {
      this.data = this.data.subarray(0, size)
      return
    }
    const grown = Buffer.alloc(size)
    this.data.copy(grown)
    this.data = grown
  }

  sync(): void {
    this.durable = Buffer.from(this.data)
    this.dirty.clear()
  }

  /** What a power cut leaves. */
  survivor(survives: () => boolean): Buffer {
    const size = this.data.length !== this.durable.length && survives() ? this.data.length : this.durable.length
    const left = Buffer.alloc(size)
    this.durable.copy(left)
    for (const sector of this.dirty) {
      const at = sector * sectorBytes
      if (at < size && survives()) this.data.copy(left, at, at, Math.min(at + sectorBytes, this.data.length, size))
    }
    return left
  }
}

export type DiskOperation = Exclude<keyof JournalFiles, 'freeSpace' | 'size' | 'list' | 'makeDirectory'>

/** Told of every operation before it happens; may throw, and for `writev` return how many bytes are accepted. */
export type Trouble = (operation: DiskOperation, file: string) => number | undefined

export class MemoryDisk implements JournalFiles {
  freeBytes = 2 ** 40
  trouble: Trouble = () => undefined
  /** Bytes read since the start. */
  bytesRead = 0
  private readonly names = new Map<string, Inode>()
  private readonly durableNames = new Map<string, Inode>()
  private readonly descriptors = new Map<number, { inode: Inode; file: string }>()
  private descriptorNext = 3

  constructor(content: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [file, bytes] of content) this.names.set(file, new Inode(bytes))
    for (const [file, inode] of this.names) this.durableNames.set(file, inode)
  }

  /** File contents as a process killed now would leave them: the kernel keeps what was written. */
  content(): Map<string, Buffer> {
    return new Map([...this.names].map(([file, inode]) => [file, Buffer.from(inode.data)]))
  }

  /** File contents after a power cut. */
  contentAfterPowerCut(survives: () => boolean): Map<string, Buffer> {
    const names = survives() ? this.names : this.durableNames
    return new Map([...names].map(([file, inode]) => [file, inode.survivor(survives)]))
  }

  get openDescriptors(): number {
    return this.descriptors.size
  }

  async open(file: string, mode: OpenMode): Promise<number> {
    this.trouble('open', file)
    const present = this.names.get(file)
    if (mode === 'create' && present) throw systemError('EEXIST', file)
    if (mode !== 'create' && !present) throw systemError('ENOENT', file)
    const inode = present ?? new Inode()
    this.names.set(file, inode)
    const fd = this.descriptorNext++
    this.descriptors.set(fd, { inode, file })
    return fd
  }

  async close(fd: number): Promise<void> {
    const { file } = this.entry(fd)
    this.descriptors.delete(fd)
    this.trouble('close', file)
  }

  async writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number> {
    const { inode, file } = this.entry(fd)
    const bytes = Buffer.concat(parts)
    const accepted = Math.min(this.trouble('writev', file) ?? bytes.length, bytes.length)
    inode.write(bytes.subarray(0, accepted), position)
    return accepted
  }

  async read(fd: number, into: Uint8Array, position: number): Promise<number> {
    const { inode, file } = this.entry(fd)
    this.trouble('read', file)
    const bytes = inode.data.subarray(position, position + into.length)
    into.set(bytes)
    this.bytesRead += bytes.length
    return bytes.length
  }

  async fdatasync(fd: number): Promise<void> {
    const { inode, file } = this.entry(fd)
    this.trouble('fdatasync', file)
    inode.sync()
  }

  async truncate(fd: number, size: number): Promise<void> {
    const { inode, file } = this.entry(fd)
    this.trouble('truncate', file)
    inode.resize(size)
  }

  async size(fd: number): Promise<number> {
    return this.entry(fd).inode.data.length
  }

  async rename(from: string, to: string): Promise<void> {
    this.trouble('rename', from)
    const inode = this.names.get(from)
    if (inode === undefined) throw systemError('ENOENT', from)
    this.names.delete(from)
    this.names.set(to, inode)
    for (const entry of this.descriptors.values()) if (entry.inode === inode) entry.file = to
  }

  async unlink(file: string): Promise<void> {
    this.trouble('unlink', file)
    if (!this.names.delete(file)) throw systemError('ENOENT', file)
  }

  async list(directory: string): Promise<string[]> {
    return [...this.names.keys()].filter((file) => path.dirname(file) === directory).map((file) => path.basename(file))
  }

  async makeDirectory(): Promise<void> {
    // A directory is only a prefix here.
  }

  async syncDirectory(directory: string): Promise<void> {
    this.trouble('syncDirectory', directory)
    this.durableNames.clear()
    for (const [file, inode] of this.names) this.durableNames.set(file, inode)
  }

  async freeSpace(): Promise<{ bytes: number; type: number }> {
    return { bytes: this.freeBytes, type: 0 }
  }

  private entry(fd: number): { inode: Inode; file: string } {
    const entry = this.descriptors.get(fd)
    if (entry === undefined) throw systemError('EBADF', String(fd))
    return entry
  }
}

export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

/** Time that moves when told to. */
export class ManualClock implements JournalClock {
  private ms = 0
  private readonly timers = new Set<{ at: number; call: () => void }>()

  now(): number {
    return this.ms
  }

  unixMs(): number {
    return 1_700_000_000_000 + this.ms
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.ms + ms, call }
    this.timers.add(timer)
    return () => this.timers.delete(timer)
  }

  advance(ms: number): void {
    const end = this.ms + ms
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.ms = Math.max(this.ms, due.at)
      this.timers.delete(due)
      due.call()
    }
    this.ms = end
  }

  get pending(): number {
    return this.timers.size
  }
}
