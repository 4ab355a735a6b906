// Notices that a file may have changed, however it is replaced: written in place, renamed over, or behind a link that is
// switched, as Kubernetes does with mounted maps. Looking at it in a steady beat is what counts, the system's events only
// make it sooner: they are lost on network disks and when a directory is swapped.

import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface FileWatchOptions {
  readonly file: string
  /** May be called without a change; never while it runs. */
  readonly onChange: () => Promise<void>
  readonly onError: (error: unknown) => void
  readonly pollMs?: number
}

const pollMsDefault = 2000
/** A burst of events is one look. */
const hintMs = 50
/** Times may be too coarse to tell two writes apart: now and then the content is read all the same. */
const readEveryPolls = 15

export class FileWatch {
  private readonly options: FileWatchOptions
  private timer: NodeJS.Timeout | undefined
  private hint: FSWatcher | null = null
  private looking: Promise<void> | null = null
  private isClosed = false
  private signature = ''
  private polls = 0

  constructor(options: FileWatchOptions) {
    this.options = options
  }

  start(): void {
    this.listen()
    this.again(this.options.pollMs ?? pollMsDefault)
  }

  /** Waits for a look under way. May come twice, or before `start`. */
  async close(): Promise<void> {
    this.isClosed = true
    clearTimeout(this.timer)
    this.hint?.close()
    this.hint = null
    await this.looking
  }

  private again(ms: number): void {
    if (this.isClosed) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.look(), ms)
    this.timer.unref()
  }

  private async look(): Promise<void> {
    if (this.looking !== null) return
    this.looking = this.compare()
    await this.looking
    this.looking = null
    this.listen()
    this.again(this.options.pollMs ?? pollMsDefault)
  }

  private async compare(): Promise<void> {
    try {
      const signature = await signatureOf(this.options.file)
      const isDue = ++this.polls % readEveryPolls === 0
      if (signature === this.signature && !isDue) return
      await this.options.onChange()
      this.signature = signature
    } catch (error) {
      this.options.onError(error)
    }
  }

  /** The directory's events, not the file's: a file that is replaced is another one. */
  private listen(): void {
    if (this.hint !== null || this.isClosed) return
    try {
      this.hint = watch(dirname(this.options.file), { persistent: false }, () => this.again(hintMs))
      this.hint.on('error', () => {
        this.hint?.close()
        this.hint = null
      })
    } catch {
      // Without events it takes until the next beat.
      this.hint = null
    }
  }
}

async function signatureOf(file: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino, dev } = await stat(file)
    return [mtimeMs, ctimeMs, size, ino, dev].join(' ')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
