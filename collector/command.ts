// What a command of `spanledger` is. The folder commands/ is the table: commands/<name>.ts exports one by default.

import type { Config, Setting } from './config.ts'

/** What a command ends with. */
export const exitCode = { done: 0, finding: 1, wrongUse: 2, couldNotRun: 3 } as const

export interface CommandOption {
  /** Without dashes; not one of the configuration's. */
  readonly flag: string
  /** What stands for the value in `--help`, in capitals; absent for a switch. */
  readonly value?: string
  /** One line, without a full stop; names the default. */
  readonly doc: string
}

export interface Command {
  /** As typed; also the name of the file. */
  readonly name: string
  /** One line, without a full stop. */
  readonly summary: string
  /** Words after the name: how `--help` shows them, and how many there may be. Absent: none. */
  readonly arguments?: { readonly usage: string; readonly min: number; readonly max: number }
  readonly options: readonly CommandOption[]
  /** Resolves with an exit code. A UsageError ends in 2, anything else thrown in 3. */
  run(context: CommandContext): Promise<number>
}

export interface CommandContext {
  readonly config: Config
  /** Every option as it is in force, with its source. */
  readonly settings: readonly Setting[]
  readonly arguments: readonly string[]
  /** Whether `--json` was given: standard output is then JSON and nothing else. */
  readonly isJson: boolean
  /** Value of one of the command's own options; undefined when not given. */
  option(flag: string): string | undefined
  /** Whether one of the command's own options or switches was given. */
  has(flag: string): boolean
  /** A result: one line of JSON under `--json`, else the words. */
  print(value: unknown, words: () => string): void
  /** A line on standard error, for progress and warnings. */
  note(line: string): void
}

/** Wrong use of a command; the message is one line that says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
