// YAML file, environment and flags → the text given for each option and where it was given. Later wins.

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { nearName } from '../schemas/near-name.ts'
import { attributeMap, type Kind, yesOrNo } from './config-values.ts'

export interface Option {
  /** As in the YAML file; `SPANLEDGER_` and capitals in the environment, `--` and dashes as a flag. */
  readonly key: string
  readonly kind: Kind<unknown, string>
  /** As it would be written in the YAML file. */
  readonly default: string
  /** One line, without a full stop. */
  readonly doc: string
  /** Never printed; also readable from a file named by `<key>_file`. */
  readonly isSecret?: true
}

export interface Inputs {
  /** Flags only: `--key value`, `--key=value`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** UTF-8 text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string
}

export interface Given {
  readonly text: string
  /** Names the place, never the value. */
  readonly source: string
}

/** Wrong configuration; the message is one line that names source, value and limit. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const filesBytesMax = 2 ** 20

export function envName(key: string): string {
  return `SPANLEDGER_${key.toUpperCase()}`
}

export function flagName(key: string): string {
  return `--${key.replaceAll('_', '-')}`
}

/** What is given, by key. Empty variables and empty YAML values count as not given; an empty flag counts. */
export function readSources(options: readonly Option[], inputs: Inputs): ReadonlyMap<string, Given> {
  const flags = readFlags(options, inputs.argv)
  const file = flags.get('config')
  flags.delete('config')
  const sources = [
    file === undefined ? new Map<string, Given>() : readYaml(options, file, inputs),
    readEnv(options, inputs.env),
    flags,
  ]
  const merged = new Map<string, Given>()
  for (const source of sources) {
    for (const option of options) {
      const given = oneOf(option, source, inputs)
      if (given !== undefined) merged.set(option.key, given)
    }
  }
  return merged
}

/** The value of an option in one source, itself or, for secrets, by the file it names. */
function oneOf(option: Option, source: ReadonlyMap<string, Given>, inputs: Inputs): Given | undefined {
  const direct = source.get(option.key)
  const file = source.get(`${option.key}_file`)
  if (file === undefined) return direct
  if (direct !== undefined) throw new ConfigError(`${direct.source} and ${file.source} are both given: keep one`)
  return { source: file.source, text: readText(file, inputs).replace(/\r?\n$/, '') }
}

function readText(file: Given, { readFile }: Inputs): string {
  let content: string
  try {
    content = readFile(file.text)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error'
    throw new ConfigError(`${file.source}: cannot read ${JSON.stringify(file.text)} (${code})`, { cause })
  }
  if (content.length <= filesBytesMax) return content
  throw new ConfigError(
    `${file.source}: ${JSON.stringify(file.text)} has ${content.length} characters, limit is ${filesBytesMax}`,
  )
}

/** Every configuration flag, with its key and whether it goes without a value; `--config` has the key `config`. */
export function flagsOf(
  options: readonly Option[],
): ReadonlyMap<string, { readonly key: string; readonly isSwitch: boolean }> {
  const switches = new Set(options.filter(({ kind }) => kind === yesOrNo).map(({ key }) => key))
  const flags = ['config', ...keysOf(options)].map(
    (key) => [flagName(key), { key, isSwitch: switches.has(key) }] as const,
  )
  return new Map(flags)
}

function readFlags(options: readonly Option[], argv: readonly string[]): Map<string, Given> {
  const flags = flagsOf(options)
  const given = new Map<string, Given>()
  for (let i = 0; i < argv.length; i++) {
    const [flag, inline] = splitFlag(argv[i]!)
    const known = flags.get(flag)
    if (known === undefined) throw new ConfigError(unknownName('flag', flag, flags.keys()))
    const text = inline ?? (known.isSwitch ? 'true' : argv[++i])
    if (text === undefined) throw new ConfigError(`${flag} needs a value`)
    given.set(known.key, { source: flag, text })
  }
  return given
}

/** `--key=value` → [`--key`, `value`]. */
export function splitFlag(argument: string): [string, string | undefined] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)]
}

function readEnv(options: readonly Option[], env: Inputs['env']): Map<string, Given> {
  const keys = new Map(keysOf(options).map((key) => [envName(key), key]))
  const given = new Map<string, Given>()
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('SPANLEDGER_')) continue
    const key = keys.get(name)
    if (key === undefined) throw new ConfigError(unknownName('environment variable', name, keys.keys()))
    if (value !== undefined && value !== '') given.set(key, { source: name, text: value })
  }
  return given
}

function readYaml(options: readonly Option[], file: Given, inputs: Inputs): Map<string, Given> {
  const lines = new LineCounter()
  const document = parseDocument(readText(file, inputs), { lineCounter: lines, version: '1.2', prettyErrors: false })
  const place = (offset: number): string => `${file.text}:${lines.linePos(offset).line}`
  const [problem] = [...document.errors, ...document.warnings]
  // What follows a colon in the parser's messages quotes the file, perhaps a secret.
  if (problem !== undefined) throw new ConfigError(`${place(problem.pos[0])}: ${problem.message.split(/[:\n]/)[0]}`)
  if (document.contents === null) return new Map()
  if (!isMap(document.contents)) throw new ConfigError(`${file.text}: not a list of "key: value" lines`)
  const known = new Set(keysOf(options))
  const maps = new Set(options.flatMap(({ key, kind }) => (kind === attributeMap ? [key] : [])))
  const given = new Map<string, Given>()
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key) || typeof key.value !== 'string')
      throw new ConfigError(`${file.text}: a key is not a plain word`)
    const source = place(key.range?.[0] ?? 0)
    if (!known.has(key.value)) throw new ConfigError(`${source}: ${unknownName('key', key.value, known)}`)
    const text = isMap(value) && maps.has(key.value) ? mapText(value) : yamlText(value)
    if (text === undefined) throw new ConfigError(`${source}: ${key.value} is neither a plain value nor a list of them`)
    if (text !== '') given.set(key.value, { source, text })
  }
  return given
}

/** Scalars as they are written, so that a password of digits keeps its zeros; lists joined by commas. */
function yamlText(node: unknown): string | undefined {
  if (node === null || node === undefined) return ''
  if (isAlias(node)) return undefined
  if (isSeq(node)) {
    const texts = node.items.map((item) => (isScalar(item) ? yamlText(item) : undefined))
    return texts.includes(undefined) ? undefined : texts.join(',')
  }
  if (!isScalar(node)) return undefined
  if (node.value === null) return ''
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
}

/** `key=value`, joined by commas; undefined when a member is no plain value. */
function mapText(map: YAMLMap): string | undefined {
  const texts = map.items.map(({ key, value }) => {
    const [name, text] = [key, value].map((each) => (isScalar(each) ? yamlText(each) : undefined))
    return name === undefined || text === undefined || name.includes(',') ? undefined : `${name}=${text}`
  })
  return texts.includes(undefined) ? undefined : texts.join(',')
}

/** Keys of options, and of the files that hold secret ones. */
function keysOf(options: readonly Option[]): string[] {
  return options.flatMap(({ key, isSecret }) => (isSecret ? [key, `${key}_file`] : [key]))
}

/** The error for a name that is none of ours, with the one that was probably meant. The value is not shown: it may be secret. */
export function unknownName(what: string, name: string, known: Iterable<string>): string {
  const shown = JSON.stringify(name.slice(0, 100))
  const near = nearName(name, known)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return `unknown ${what} ${shown}${hint}`
}
