// The kinds of value an option can have: text → value, value → text, and the words for what is allowed.

import { isIP } from 'node:net'
import { inspect } from 'node:util'
import { type AttributionColumn, attributionColumns } from '../schemas/attribution.ts'
import { type AutomaticRule, automaticRules } from '../schemas/automatic-rules.ts'

/** Parsing, printing and naming the values of one kind. `Suffix` is what the property's name ends in for its unit. */
export interface Kind<T, Suffix extends string = ''> {
  readonly suffix: Suffix
  /** What is allowed, in as few words as a table has room for. */
  readonly values: string
  /** What an error says the value is not, limits included: "a size from 1KiB to 1GiB, such as 64MiB". */
  readonly form: string
  /** Undefined when the text is not of this kind. */
  parse(text: string): T | undefined
  /** Shortest text that parses to the same value; secrets come out as `***`. */
  format(value: T): string
}

export interface Endpoint {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** A value that prints as `***` wherever it ends up: template, JSON, inspection. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  get isEmpty(): boolean {
    return this.#text === ''
  }

  toString(): string {
    return this.isEmpty ? '' : '***'
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return `Secret(${this.toString()})`
  }
}

/** A ClickHouse server; the address holds no credentials. */
export interface ServerUrl {
  readonly address: string
  readonly user: string
  readonly password: Secret
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export const endpoint: Kind<Endpoint> = {
  suffix: '',
  values: 'host:port',
  form: 'host:port with a port from 0 to 65535, such as 127.0.0.1:4318 or [::1]:0',
  parse(text) {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text)
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host === undefined || port > 65_535 || (match?.[1] !== undefined && !URL.canParse(`http://[${host}]`)))
      return undefined
    return { host, port }
  },
  format: formatEndpoint,
}

const byteUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const

/** A number of bytes. */
export function bytes({ min, max }: { min: number; max: number }): Kind<number> {
  return {
    suffix: '',
    values: `${formatBytes(min)} to ${formatBytes(max)}`,
    form: `a size from ${formatBytes(min)} to ${formatBytes(max)}, such as 64MiB (B, KiB, MiB, GiB or TiB)`,
    parse: (text) => within(parseUnit(text, byteUnits, 'B'), min, max),
    format: formatBytes,
  }
}

/** As `bytes`, or null for `auto`. */
export function bytesOrAuto(limits: { min: number; max: number }): Kind<number | null> {
  const size = bytes(limits)
  return {
    suffix: '',
    values: `auto, ${size.values}`,
    form: `auto or ${size.form}`,
    parse: (text) => (text === 'auto' ? null : size.parse(text)),
    format: (value) => (value === null ? 'auto' : size.format(value)),
  }
}

function formatBytes(value: number): string {
  return formatUnit(value, byteUnits)
}

const msUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration in milliseconds. */
export function duration({ min, max }: { min: number; max: number }): Kind<number, 'Ms'> {
  return {
    suffix: 'Ms',
    values: `${formatUnit(min, msUnits)} to ${formatUnit(max, msUnits)}`,
    form: `a duration from ${formatUnit(min, msUnits)} to ${formatUnit(max, msUnits)}, such as 500ms, 30s, 2m or 1h`,
    parse: (text) => within(parseUnit(text, msUnits), min, max),
    format: (value) => formatUnit(value, msUnits),
  }
}

export function integer({ min, max }: { min: number; max: number }): Kind<number> {
  return {
    suffix: '',
    values: `${min} to ${max}`,
    form: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined),
    format: String,
  }
}

export const ratio: Kind<number> = {
  suffix: '',
  values: '0 to 1',
  form: 'a number from 0 to 1',
  parse: (text) => (/^(\d+\.?\d*|\.\d+)$/.test(text) ? within(Number(text), 0, 1) : undefined),
  format: String,
}

export const yesOrNo: Kind<boolean> = {
  suffix: '',
  values: 'true, false',
  form: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  format: String,
}

export function choice<const T extends string>(...values: readonly T[]): Kind<T> {
  return {
    suffix: '',
    values: values.join(', '),
    form: `one of ${values.join(', ')}`,
    parse: (text) => values.find((value) => value === text),
    format: String,
  }
}

export function text({ pattern, values, form }: { pattern: RegExp; values: string; form: string }): Kind<string> {
  return { suffix: '', values, form, parse: (given) => (pattern.test(given) ? given : undefined), format: String }
}

export const secretText: Kind<Secret> = {
  suffix: '',
  values: 'text',
  form: 'a text of at most 1000 characters in one line',
  parse: (given) => (given.length <= 1000 && !/[\r\n\0]/.test(given) ? new Secret(given) : undefined),
  format: String,
}

/** Web origins, or `*`; empty for none. */
export const origins: Kind<readonly string[]> = {
  suffix: '',
  values: 'origins, *',
  form: 'a list of * or origins such as https://app.example.com, without a path',
  parse(given) {
    const list = given.split(',').map((each) => each.trim())
    if (given.trim() === '') return []
    return list.every(isOrigin) ? list : undefined
  },
  format: (value) => value.join(','),
}

function isOrigin(origin: string): boolean {
  return origin === '*' || (/^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin)
}

/** Names separated by commas; empty for none. */
export const names: Kind<readonly string[]> = {
  suffix: '',
  values: 'names',
  form: 'a list of names of letters, digits and _ - . /',
  parse(given) {
    const list = given.split(',').map((each) => each.trim())
    if (given.trim() === '') return []
    return list.every((each) => /^[A-Za-z0-9_./-]{1,128}$/.test(each)) ? list : undefined
  },
  format: (value) => value.join(','),
}

/** Rules by name, each with a switch. */
export const automaticFeedback: Kind<ReadonlySet<AutomaticRule>> = {
  suffix: '',
  values: 'all, none, rules',
  form: `all, none, or a list of ${automaticRules.join(', ')}`,
  parse(given) {
    if (given.trim() === 'all') return new Set(automaticRules)
    if (given.trim() === 'none' || given.trim() === '') return new Set()
    const list = given.split(',').map((each) => each.trim())
    const rules = automaticRules.filter((rule) => list.includes(rule))
    return list.every((each) => (automaticRules as readonly string[]).includes(each)) ? new Set(rules) : undefined
  },
  format: (rules) => (rules.size === automaticRules.length ? 'all' : [...rules].join(',') || 'none'),
}

/** IP addresses and networks; empty for none. */
export const networks: Kind<readonly string[]> = {
  suffix: '',
  values: 'addresses',
  form: 'a list of addresses and networks such as 10.0.0.7, 10.1.0.0/16 or fd00::/8',
  parse(given) {
    const list = given.split(',').map((each) => each.trim())
    if (given.trim() === '') return []
    return list.every(isNetwork) ? list : undefined
  },
  format: (value) => value.join(','),
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

const mappable = attributionColumns.join(', ')

/** Names of attributes, each with the column it fills; empty for none. */
export const attributeMap: Kind<ReadonlyMap<string, AttributionColumn>> = {
  suffix: '',
  values: 'attribute=column,…',
  form: `a map such as app.tenant=customer,app.squad=team of attribute names, each once and without a comma, to columns out of ${mappable}`,
  parse(given) {
    const map = new Map<string, AttributionColumn>()
    if (given.trim() === '') return map
    for (const pair of given.split(',')) {
      const at = pair.lastIndexOf('=')
      const name = pair.slice(0, Math.max(at, 0)).trim()
      const column = pair.slice(at + 1).trim()
      if (name === '' || name.length > 256 || map.has(name) || !isAttributionColumn(column)) return undefined
      map.set(name, column)
    }
    return map
  },
  format: (map) => [...map].map(([name, column]) => `${name}=${column}`).join(','),
}

function isAttributionColumn(name: string): name is AttributionColumn {
  return (attributionColumns as readonly string[]).includes(name)
}

/** An http(s) address without credentials, query or fragment; empty for none. */
export const httpUrl: Kind<string> = {
  suffix: '',
  values: 'URL',
  form: 'empty or an address such as http://127.0.0.1:4318, without credentials, query or fragment',
  parse(given) {
    if (given === '') return ''
    const url = parseHttpUrl(given)
    return url === undefined || url.username !== '' || url.password !== '' ? undefined : given
  },
  format: String,
}

/** A ClickHouse server with its credentials, or null for the embedded engine. */
export const serverUrl: Kind<ServerUrl | null> = {
  suffix: '',
  values: 'URL',
  form: 'empty or an address such as https://user:password@host:8443, without query or fragment',
  parse(given) {
    if (given === '') return null
    const url = parseHttpUrl(given)
    const user = url && decode(url.username)
    const password = url && decode(url.password)
    if (url === undefined || user === undefined || password === undefined) return undefined
    url.username = ''
    url.password = ''
    return { address: url.href.replace(/\/$/, ''), user, password: new Secret(password) }
  },
  format(value) {
    if (value === null) return ''
    const credentials = value.password.isEmpty ? value.user : `${value.user}:***`
    return credentials === '' ? value.address : value.address.replace('://', `://${credentials}@`)
  },
}

function parseHttpUrl(given: string): URL | undefined {
  if (!/^https?:\/\/[^\s/]/.test(given) || !URL.canParse(given) || /[?#]/.test(given)) return undefined
  return new URL(given)
}

/** Percent-decoded; undefined when it is not percent-encoded UTF-8. */
function decode(component: string): string | undefined {
  try {
    return decodeURIComponent(component)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}

function parseUnit(given: string, units: Readonly<Record<string, number>>, plain?: string): number | undefined {
  const match = /^(\d{1,15}) ?([A-Za-z]*)$/.exec(given)
  const factor = Object.entries(units).find(([name]) => name === (match?.[2] || plain))?.[1]
  if (match?.[1] === undefined || factor === undefined) return undefined
  return Number(match[1]) * factor
}

function formatUnit(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0 && value >= factor)
  const [name, factor] = fitting.at(-1) ?? Object.entries(units)[0]!
  return `${value / factor}${name}`
}
