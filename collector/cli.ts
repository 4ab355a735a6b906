#!/usr/bin/env node
// spanledger COMMAND: finds the command, reads the configuration, runs it, and turns what it throws into an exit code.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type Command, type CommandContext, exitCode, UsageError } from './command.ts'
import { options, readConfig, secretsOf } from './config.ts'
import { optionsHelp } from './config-docs.ts'
import { ConfigError, flagsOf, splitFlag, unknownName } from './config-sources.ts'
import { errorText, masker, safeText } from './log.ts'
import { version } from './version.ts'

export interface CliInputs {
  /** What follows `spanledger`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** For tests. */
  readonly commands?: URL
}

const ownCommands = new URL('./commands/', import.meta.url)
const configFlags = flagsOf(options)

/** Resolves with the exit code; throws nothing. */
export async function runCli(inputs: CliInputs): Promise<number> {
  let mask = masker([])
  const { folder, isJson, ...words } = split(inputs)
  try {
    if (words.has('--version')) return tell(inputs, isJson, { version, node: process.version }, `spanledger ${version}`)
    if (words.name === undefined) return await general(inputs, folder, words.has('--help'))
    const command = await loadCommand(folder, words.name)
    if (words.has('--help')) return tell(inputs, isJson, helpObject(command), commandHelp(command))
    const given = parseArguments(command, words.rest)
    const { config, settings } = readConfig({ ...inputs, argv: given.config })
    mask = masker(secretsOf(config))
    const context: CommandContext = {
      config,
      settings,
      isJson,
      arguments: given.words,
      option: (flag) => given.options.get(flag) ?? undefined,
      has: (flag) => given.options.has(flag),
      print: (value, text) => void tell(inputs, isJson, value, isJson ? '' : text()),
      note: (line) => inputs.err(`${safeText(line, mask)}\n`),
    }
    return await command.run(context)
  } catch (error) {
    const isWrongUse = error instanceof UsageError || error instanceof ConfigError
    const code = isWrongUse ? exitCode.wrongUse : exitCode.couldNotRun
    const text = isWrongUse
      ? error.message
      : `could not run: ${error instanceof Error ? errorText(error) : String(error)}`
    const line = safeText(text, mask)
    inputs.err(isJson ? `${JSON.stringify({ error: line, exit_code: code })}\n` : `spanledger: ${line}\n`)
    return code
  }
}

function tell({ out }: CliInputs, isJson: boolean, value: unknown, text: string): number {
  out(isJson ? `${JSON.stringify(value)}\n` : `${text.replace(/\n$/, '')}\n`)
  return exitCode.done
}

interface Words {
  readonly folder: URL
  readonly isJson: boolean
  /** The command; undefined when there is none. */
  readonly name: string | undefined
  /** Everything else, flags before the command included. */
  readonly rest: readonly string[]
  has(flag: '--help' | '--version'): boolean
}

/** The first word that is neither a flag nor the value of a configuration flag names the command; `help X` is `X --help`. */
function split({ argv, commands = ownCommands }: CliInputs): Words {
  const end = argv.indexOf('--')
  const flags = new Set(
    argv
      .slice(0, end < 0 ? argv.length : end)
      .map((each) => each.replace(/^-h$/, '--help').replace(/^-V$/, '--version')),
  )
  const rest = argv.filter((each, i) => (end >= 0 && i > end) || !/^(--help|-h|--version|-V|--json)$/.test(each))
  if (rest[0] === 'help') {
    flags.add('--help')
    rest.shift()
  }
  let at = 0
  while (at < rest.length && rest[at]!.startsWith('-')) {
    const [flag, inline] = splitFlag(rest[at]!)
    at += configFlags.get(flag)?.isSwitch === false && inline === undefined ? 2 : 1
  }
  const [name] = rest.splice(at, 1)
  return { folder: commands, isJson: flags.has('--json'), name, rest, has: (flag) => flags.has(flag) }
}

async function loadCommand(folder: URL, name: string): Promise<Command> {
  if (!/^[a-z][a-z-]*$/.test(name) || !existsSync(new URL(`${name}.ts`, folder))) {
    throw new UsageError(`${unknownName('command', name, commandNames(folder))}; spanledger --help lists them`)
  }
  const { default: command } = (await import(new URL(`${name}.ts`, folder).href)) as { default?: Command }
  if (command?.name !== name || typeof command.run !== 'function')
    throw new Error(`commands/${name}.ts exports no command of that name`)
  const clash = command.options.find(({ flag }) => configFlags.has(`--${flag}`))
  if (clash !== undefined)
    throw new Error(`commands/${name}.ts has an option --${clash.flag} that the configuration has too`)
  return command
}

function commandNames(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

interface Arguments {
  readonly words: readonly string[]
  /** The command's own; null for a switch. */
  readonly options: ReadonlyMap<string, string | null>
  readonly config: readonly string[]
}

/** Sorts what was typed into the command's words and options and the configuration's flags. */
function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const own = new Map(command.options.map((option) => [`--${option.flag}`, option]))
  const words: string[] = []
  const given = new Map<string, string | null>()
  const config: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!
    const [flag, inline] = splitFlag(argument)
    const option = own.get(flag)
    const setting = configFlags.get(flag)
    if (argument === '--') {
      words.push(...argv.slice(i + 1))
      break
    }
    if (!argument.startsWith('-') || /^-[\d.]/.test(argument)) words.push(argument)
    else if (option !== undefined) {
      const isSwitch = option.value === undefined
      if (isSwitch && inline !== undefined) throw new UsageError(`${flag} takes no value`)
      const value = isSwitch ? null : (inline ?? argv[++i])
      if (value === undefined) throw new UsageError(`${flag} needs a value: ${option.value}`)
      given.set(option.flag, value)
    } else if (setting !== undefined) {
      config.push(argument)
      if (!setting.isSwitch && inline === undefined) config.push(...argv.slice(++i, i + 1))
    } else throw new UsageError(unknownName('flag', flag, [...own.keys(), ...configFlags.keys(), '--json', '--help']))
  }
  const { usage, min, max } = command.arguments ?? { usage: '', min: 0, max: 0 }
  if (words.length < min || words.length > max) {
    throw new UsageError(`${command.name} takes ${usage === '' ? 'no arguments' : usage}, ${words.length} given`)
  }
  return { words, options: given, config }
}

/** `spanledger` alone is wrong use; with --help it is a question. */
async function general(inputs: CliInputs, folder: URL, isAsked: boolean): Promise<number> {
  const commands = await Promise.all(commandNames(folder).map((name) => loadCommand(folder, name)))
  const width = Math.max(...commands.map(({ name }) => name.length))
  const text = `spanledger ${version}: keeps the books for LLM calls

Usage: spanledger COMMAND [FLAGS]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Flags of every command:
  --config FILE  YAML file with any of the options below
  --json         JSON on standard output
  --help         what a command takes
  --version

Exit codes: 0 done, 1 a finding, 2 wrong use, 3 could not run.

Options, also by YAML file and environment (--data-dir is data_dir and SPANLEDGER_DATA_DIR), later wins;
those marked secret also by a file (--clickhouse-password-file):

${optionsHelp()}
`
  if (isAsked) inputs.out(text)
  else inputs.err(text)
  return isAsked ? exitCode.done : exitCode.wrongUse
}

function commandHelp({ name, summary, arguments: words, options: own }: Command): string {
  const shown = own.map(({ flag, value, doc }) => ({ flag: `--${flag}${value === undefined ? '' : ` ${value}`}`, doc }))
  const all = [...shown, { flag: '--json', doc: 'JSON on standard output' }]
  const width = Math.max(...all.map(({ flag }) => flag.length))
  return `${summary}.

Usage: spanledger ${name}${words === undefined ? '' : ` ${words.usage}`} [FLAGS]

${all.map(({ flag, doc }) => `  ${flag.padEnd(width)}  ${doc}`).join('\n')}

And every option of the configuration: spanledger --help lists them.`
}

function helpObject({ name, summary, arguments: words, options: own }: Command): object {
  return { name, summary, arguments: words?.usage ?? null, options: own }
}

if (import.meta.main) {
  // A reader that has seen enough (`| head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode.done)
    throw error
  })
  const code = await runCli({
    argv: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  })
  process.stdout.write('', () => process.exit(code))
}
