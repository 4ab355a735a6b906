// Files that commands write.

import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/** What a command writes to a file. */
export interface Target {
  write(part: string | Uint8Array): void
  finish(): void
  discard(): void
}

/** A file that appears under its name when it is whole. Throws Error that names the file. */
export function openTarget(file: string): Target {
  const part = `${file}.part`
  let descriptor: number
  try {
    descriptor = openSync(part, 'w')
  } catch (cause) {
    throw new Error(`${part} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  return {
    write: (part) => void (typeof part === 'string' ? writeSync(descriptor, part) : writeSync(descriptor, part)),
    finish() {
      closeSync(descriptor)
      renameSync(part, file)
    },
    discard() {
      closeSync(descriptor)
      rmSync(part, { force: true })
    },
  }
}
