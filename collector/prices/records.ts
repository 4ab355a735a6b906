// Users' own prices on the disk: one line of JSON per change, appended and synced, never edited. A line cut off by a crash
// was not acknowledged and is dropped; anything else that cannot be read stops the start.
//
//   <data_dir>/prices/changes.jsonl      {"at":"2026-11-24T12:00:00.000Z","source":"file","set":[…],"removed":[…]}

import { existsSync, readFileSync } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type KnownRecord, type PriceChange, recordsAt } from '../../processors/pricing/custom/history.ts'

export function changesFile(dataDir: string): string {
  return join(dataDir, 'prices', 'changes.jsonl')
}

/** All changes; none when nothing was ever kept. Throws an Error that names the line for one that is damaged. */
export function readChanges(dataDir: string): readonly PriceChange[] {
  const file = changesFile(dataDir)
  return existsSync(file) ? parseChanges(readFileSync(file, 'utf8'), file).changes : []
}

export class PriceRecords {
  private readonly handle: FileHandle
  private list: readonly PriceChange[]
  private end: number
  private now: readonly KnownRecord[] | undefined

  private constructor(handle: FileHandle, changes: readonly PriceChange[], end: number) {
    this.handle = handle
    this.list = changes
    this.end = end
  }

  /** Makes the directory when it is missing. Rejects when the file is damaged. */
  static async open(dataDir: string): Promise<PriceRecords> {
    const file = changesFile(dataDir)
    const isNew = (await mkdir(dirname(file), { recursive: true })) !== undefined
    const handle = await open(file, 'a+', 0o600)
    try {
      const { changes, bytes } = parseChanges(await handle.readFile('utf8'), file)
      await handle.truncate(bytes)
      await handle.sync()
      if (isNew) await syncDirectory(dirname(dirname(file)))
      await syncDirectory(dirname(file))
      return new PriceRecords(handle, changes, bytes)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** What holds now; found once per change, however long the history. */
  get held(): readonly KnownRecord[] {
    this.now ??= recordsAt(this.list)
    return this.now
  }

  get changes(): readonly PriceChange[] {
    return this.list
  }

  /** Durable when it resolves; when it rejects, nothing has changed. One at a time. */
  async append(change: PriceChange): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(change)}\n`)
    try {
      await this.handle.appendFile(line)
      await this.handle.sync()
    } catch (error) {
      // Half a line must not stand in front of the next one.
      await this.handle.truncate(this.end)
      throw error
    }
    this.end += line.length
    this.list = [...this.list, change]
    this.now = undefined
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

function parseChanges(text: string, file: string): { changes: readonly PriceChange[]; bytes: number } {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const changes = whole
    .split('\n')
    .slice(0, -1)
    .map((line, i): PriceChange => {
      try {
        return JSON.parse(line) as PriceChange // written by `append` alone
      } catch (cause) {
        throw new Error(`${file}:${i + 1}: is damaged; restore the file, or move it away to begin anew`, { cause })
      }
    })
  return { changes, bytes: Buffer.byteLength(whole) }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
