// What a directory of segments holds, read from head and foot pages alone: two pages a file, however much backlog.

import path from 'node:path'
import { errorCode, type JournalFiles, readAll } from './files.ts'
import { decodePage, formatVersion, pageBytes, type SealMark, type SegmentHeader } from './layout.ts'
import { type PoolFile, parseName } from './pool.ts'

export interface FoundSegment extends PoolFile {
  readonly header: SegmentHeader
  readonly seal: SealMark | null
  readonly isDone: boolean
}

export interface FoundDirectory {
  /** By age. */
  readonly segments: readonly FoundSegment[]
  /** Neither page says what the file is: its rows cannot be told from those of an older use. */
  readonly headless: readonly PoolFile[]
  /** Set aside by a former process. */
  readonly damaged: readonly PoolFile[]
  /** Left by a process that died while making a file; nothing was ever acknowledged in them. */
  readonly unfinished: readonly string[]
  readonly slotNext: number
  readonly sequenceNext: number
}

/** Reads only. Throws when a newer version of the program wrote here. */
export async function readDirectory(files: JournalFiles, directory: string): Promise<FoundDirectory> {
  const segments: FoundSegment[] = []
  const headless: PoolFile[] = []
  const damaged: PoolFile[] = []
  const unfinished: string[] = []
  let slotNext = 1
  for (const name of (await files.list(directory)).sort()) {
    const parsed = parseName(name)
    if (parsed === null) continue
    slotNext = Math.max(slotNext, parsed.slot + 1)
    const file = path.join(directory, name)
    if (parsed.kind === 'unfinished') {
      unfinished.push(file)
      continue
    }
    const found = await readPages(files, file)
    if (found === null) continue
    if (parsed.kind === 'damaged') damaged.push(found)
    else if (found.header === null) headless.push(found)
    else segments.push({ ...found, header: checkVersion(directory, found.header) })
  }
  segments.sort((a, b) => a.header.sequence - b.header.sequence)
  const sequenceNext = (segments.at(-1)?.header.sequence ?? 0) + 1
  return { segments, headless, damaged, unfinished, slotNext, sequenceNext }
}

function checkVersion(directory: string, header: SegmentHeader): SegmentHeader {
  if (header.version <= formatVersion) return header
  throw new Error(
    `journal ${directory} has format ${header.version}, this version reads up to ${formatVersion}: ` +
      'start the newer version again, or let it drain the journal first',
  )
}

type FoundPages = PoolFile & { header: SegmentHeader | null; seal: SealMark | null; isDone: boolean }

/** Null when the file went away since it was listed, as it may under a reader beside a running journal. */
async function readPages(files: JournalFiles, file: string): Promise<FoundPages | null> {
  let fd: number
  try {
    fd = await files.open(file, 'read')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
  try {
    const size = await files.size(fd)
    const head = Buffer.alloc(pageBytes)
    const foot = Buffer.alloc(pageBytes)
    await readAll(files, fd, head, 0)
    if (size >= 2 * pageBytes) await readAll(files, fd, foot, size - pageBytes)
    const first = decodePage(head)
    const last = decodePage(foot)
    // They differ only when the power went between the two writes of a new use, before any record of it: either will do.
    const header = first.header ?? last.header
    const isSame = first.header === null || first.header.tag === last.header?.tag
    return {
      path: file,
      size,
      header,
      seal: first.seal ?? (isSame ? last.seal : null),
      isDone: first.isDone || (isSame && last.isDone),
    }
  } finally {
    await files.close(fd)
  }
}
