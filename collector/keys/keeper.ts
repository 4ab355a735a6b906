// The keys in force: those of the file, read again whenever it changes. A file that is wrong, or gone, changes nothing but
// what is said about it: neither does it open the doors nor does it shut them.

import { basename } from 'node:path'
import { FileWatch } from '../file-watch.ts'
import type { Log } from '../log.ts'
import { type ReadFile, readOnce, readSettled } from '../settled-file.ts'
import type { KeyEntry } from './entries.ts'
import { type KeysFile, parseKeysFile, wrongKeysFile } from './keys-file.ts'

export interface KeyKeeperOptions {
  readonly file: string
  readonly log: Pick<Log, 'info' | 'error' | 'limited'>
  readonly pollMs?: number
}

/** The file is wrong at the start: nobody could be let in by it. */
export class WrongKeysFile extends Error {
  readonly findings: readonly string[]

  constructor(file: string, findings: readonly string[]) {
    super(`${file} cannot be used:\n${findings.join('\n')}`)
    this.name = 'WrongKeysFile'
    this.findings = findings
  }
}

export class KeyKeeper {
  /** Changes of the file that were not taken. */
  reloadFailures = 0
  /** What is wrong with the file as it is now; empty when it is in force. */
  findings: readonly string[] = []
  /** By prefix. Immutable; a change makes another one. */
  entries: ReadonlyMap<string, KeyEntry> = new Map()
  private readonly options: KeyKeeperOptions
  private readonly watch: FileWatch
  private readHash = ''

  private constructor(options: KeyKeeperOptions) {
    this.options = options
    const { file, pollMs, log } = options
    this.watch = new FileWatch({
      file,
      onChange: () => this.reload(),
      onError: (error) =>
        log.limited('keys file', 'error', 'the file of keys could not be read: tried again', { error }),
      ...(pollMs === undefined ? {} : { pollMs }),
    })
  }

  /** Rejects with WrongKeysFile. */
  static async open(options: KeyKeeperOptions): Promise<KeyKeeper> {
    const keeper = new KeyKeeper(options)
    const read = await readOnce(options.file)
    const { entries, findings } = keysOf(read, options.file)
    if (findings.length > 0) throw new WrongKeysFile(options.file, findings)
    keeper.take(read, entries)
    keeper.watch.start()
    return keeper
  }

  /** What an operator is told besides "ready"; without names. */
  notices(): readonly string[] {
    if (this.findings.length === 0) return []
    return [
      `the file of keys is wrong (${this.findings.length} findings, see the log): the ${this.entries.size} keys of the last good one stay in use`,
    ]
  }

  /** May come twice. */
  close(): Promise<void> {
    return this.watch.close()
  }

  private async reload(): Promise<void> {
    const { file, log } = this.options
    const read = await readSettled(file)
    if (read === null || read.hash === this.readHash) return
    const { entries, findings } = keysOf(read, file)
    if (findings.length === 0) {
      this.take(read, entries)
      log.info('the keys changed', { keys: entries.length })
      return
    }
    this.readHash = read.hash
    this.findings = findings
    this.reloadFailures++
    log.error('the file of keys is wrong: the last good one stays in use', { findings })
  }

  private take(read: ReadFile, entries: readonly KeyEntry[]): void {
    this.readHash = read.hash
    this.findings = []
    this.entries = new Map(entries.map((entry) => [entry.prefix, entry]))
  }
}

function keysOf(read: ReadFile, file: string): KeysFile {
  const name = basename(file)
  return read.error === '' ? parseKeysFile(read.bytes, name) : wrongKeysFile(name, `cannot be read (${read.error})`)
}
