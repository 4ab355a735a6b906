// Rows that ClickHouse will never take as they are: kept as the Native block they came in, with a note beside it, until
// somebody sends them again or deletes them. Also remembers which inserts were taken apart to find them.
//
//   <directory>/<table>/<token with '~' for '/'>.native   the block
//   <directory>/<table>/<same>.json                       QuarantineNote; written last, so it vouches for the block
//   <directory>/taken-apart/<token>.json                  ranges that must not be sent whole again

import fs from 'node:fs'
import path from 'node:path'
import { nodeFiles } from './journal/files.ts'

/** Why a block is in quarantine and where it was. */
export interface QuarantineNote {
  readonly table: string
  readonly rows: number
  readonly bytes: number
  /** Bounded set of words: `clickhouse_<code>`, `unknown_table`, `data`. */
  readonly reason: string
  /** What ClickHouse said; may quote data, so it belongs in this directory and in no log. */
  readonly message: string
  readonly segment: string
  /** Index of the record in the segment. */
  readonly record: number
  readonly token: string
  readonly quarantinedAt: string
}

export interface QuarantineEntry {
  readonly note: Omit<QuarantineNote, 'bytes'>
  readonly body: Uint8Array
}

const messageCharsMax = 2000
const takenApart = 'taken-apart'

/** Thrown when the quarantine may not grow; the rows stay in the journal. */
export class QuarantineFullError extends Error {
  override readonly name = 'QuarantineFullError'
}

export class Quarantine {
  /** Size of the blocks kept. */
  bytes: number
  private readonly directory: string
  private readonly bytesMax: number
  private readonly ranges = new Map<string, ReadonlySet<string>>()

  private constructor(directory: string, options: { bytes: number; bytesMax: number }) {
    this.directory = directory
    this.bytes = options.bytes
    this.bytesMax = options.bytesMax
  }

  /** Creates the directory (0700) when missing and counts what is in it. */
  static async open(directory: string, options: { bytesMax: number }): Promise<Quarantine> {
    await nodeFiles.makeDirectory(path.join(directory, takenApart))
    await nodeFiles.syncDirectory(directory)
    const quarantine = new Quarantine(directory, { bytes: await blockBytes(directory), bytesMax: options.bytesMax })
    for (const name of await listNames(path.join(directory, takenApart))) {
      const ranges = parseRanges(await fs.promises.readFile(path.join(directory, takenApart, name), 'utf8'))
      quarantine.ranges.set(name.replace(/\.json$/, '').replaceAll('~', '/'), new Set(ranges))
    }
    return quarantine
  }

  /** Durable when it resolves; the same record again replaces itself. Throws QuarantineFullError, or what the disk says. */
  async put({ note, body }: QuarantineEntry): Promise<void> {
    const directory = path.join(this.directory, fileName(note.table))
    const stem = path.join(directory, fileName(note.token))
    const isNew = !fs.existsSync(`${stem}.json`)
    // Whoever emptied it did so behind our back.
    if (isNew && this.bytes + body.length > this.bytesMax) this.bytes = await blockBytes(this.directory)
    if (isNew && this.bytes + body.length > this.bytesMax) {
      throw new QuarantineFullError(
        `quarantine ${this.directory} holds ${this.bytes} of at most ${this.bytesMax} bytes: send its rows again or delete them`,
      )
    }
    await nodeFiles.makeDirectory(directory)
    await nodeFiles.syncDirectory(this.directory)
    await writeDurably(`${stem}.native`, body)
    const whole: QuarantineNote = { ...note, message: note.message.slice(0, messageCharsMax), bytes: body.length }
    await writeDurably(`${stem}.json`, `${JSON.stringify(whole, null, 2)}\n`)
    if (isNew) this.bytes += body.length
  }

  /** Tokens of the insert's ranges that were taken apart, by this process or a former one. */
  takenApart(token: string): ReadonlySet<string> {
    return this.ranges.get(token) ?? new Set()
  }

  /** From now on, durably, the range is only sent in parts: a later success of the whole would store the parts twice. */
  async noteTakenApart(token: string, range: string): Promise<void> {
    const ranges = new Set(this.takenApart(token)).add(range)
    await writeDurably(this.takenApartFile(token), JSON.stringify([...ranges]))
    this.ranges.set(token, ranges)
  }

  /** The insert is over and its segment done. */
  async forgetTakenApart(token: string): Promise<void> {
    if (!this.ranges.has(token)) return
    await fs.promises.rm(this.takenApartFile(token), { force: true })
    this.ranges.delete(token)
  }

  private takenApartFile(token: string): string {
    return path.join(this.directory, takenApart, `${fileName(token)}.json`)
  }
}

export interface QuarantinedBlock {
  readonly note: QuarantineNote
  /** The block; reads it from disk. */
  body(): Promise<Buffer>
  /** Takes it out of the quarantine. */
  remove(): Promise<void>
}

/** Everything in quarantine, by table and token. A block whose note is missing or unreadable was never vouched for. */
export async function* readQuarantine(directory: string): AsyncGenerator<QuarantinedBlock> {
  for (const table of (await listNames(directory)).sort()) {
    if (table === takenApart) continue
    for (const name of (await listNames(path.join(directory, table))).sort()) {
      if (!name.endsWith('.json')) continue
      const file = path.join(directory, table, name)
      const note = parseNote(await fs.promises.readFile(file, 'utf8'))
      if (note === null) continue
      const block = file.replace(/\.json$/, '.native')
      yield {
        note,
        body: () => fs.promises.readFile(block),
        async remove() {
          await fs.promises.rm(file)
          await fs.promises.rm(block, { force: true })
        },
      }
    }
  }
}

async function blockBytes(directory: string): Promise<number> {
  let bytes = 0
  for await (const { note } of readQuarantine(directory)) bytes += note.bytes
  return bytes
}

/**
 * Sends everything in quarantine again, after the cause is put right; what is taken is removed, what is refused stays.
 * Tokens differ from the first attempt's, since those may have been spent on a part, and are the same at every redrive.
 */
export async function redrive(
  directory: string,
  insert: (block: { table: string; rows: number; body: readonly Uint8Array[]; token: string }) => Promise<void>,
): Promise<{ rows: number; refused: { note: QuarantineNote; error: unknown }[] }> {
  let rows = 0
  const refused: { note: QuarantineNote; error: unknown }[] = []
  for await (const block of readQuarantine(directory)) {
    const { note } = block
    try {
      await insert({ table: note.table, rows: note.rows, body: [await block.body()], token: `${note.token}/redrive` })
    } catch (error) {
      refused.push({ note, error })
      continue
    }
    await block.remove()
    rows += note.rows
  }
  return { rows, refused }
}

/** None from a file that is not whole: the range is sent whole once more, which is right unless a part was stored. */
function parseRanges(text: string): string[] {
  try {
    const ranges: unknown = JSON.parse(text)
    return Array.isArray(ranges) ? ranges.map(String) : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function parseNote(text: string): QuarantineNote | null {
  try {
    const note: unknown = JSON.parse(text)
    const isNote = typeof note === 'object' && note !== null && 'token' in note && 'table' in note && 'rows' in note
    return isNote ? (note as QuarantineNote) : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

async function listNames(directory: string): Promise<string[]> {
  try {
    return await fs.promises.readdir(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** Tokens and table names hold only letters, digits, `-`, `_`, `.` and `/`; anything else would not be ours. */
function fileName(text: string): string {
  const name = text.replaceAll('/', '~')
  if (!/^[\w-][\w.~-]*$/.test(name)) throw new Error(`not a name for a file: ${JSON.stringify(text)}`)
  return name
}

async function writeDurably(file: string, data: Uint8Array | string): Promise<void> {
  const unfinished = `${file}.unfinished`
  await fs.promises.writeFile(unfinished, data, { mode: 0o600, flush: true })
  await fs.promises.rename(unfinished, file)
  await nodeFiles.syncDirectory(path.dirname(file))
}
