// A file that people and machines change while it is read: its bytes once they hold still.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Two equal reads so far apart are a whole file. */
const settleMs = 100
const settleReads = 20

export interface ReadFile {
  readonly bytes: Uint8Array
  readonly hash: string
  /** Code of the error; empty when it could be read. */
  readonly error: string
}

/** As it is now. */
export async function readOnce(file: string): Promise<ReadFile> {
  try {
    const bytes = await readFile(file)
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex'), error: '' }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return { bytes: new Uint8Array(), hash: `error ${code}`, error: code }
  }
}

/** What it is when it holds still: an editor may be writing. Null when it does not. */
export async function readSettled(file: string): Promise<ReadFile | null> {
  let before = await readOnce(file)
  for (let i = 0; i < settleReads; i++) {
    await sleep(settleMs)
    const now = await readOnce(file)
    if (now.hash === before.hash) return now
    before = now
  }
  return null
}
