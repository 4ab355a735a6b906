// Reading untrusted trees field by field: every finding names the place and says what would be right.

import { nearName } from '../../../schemas/near-name.ts'

/** What a YAML or JSON text holds, numbers as they are written, so that no amount passes through a double. */
export type Tree = string | boolean | null | readonly Tree[] | { readonly [key: string]: Tree }

export interface Finding {
  /** `prices[2] "acme-large"`; empty for the whole. */
  readonly entry: string
  /** Path within the entry, such as `rates.input`; empty for the entry itself. */
  readonly field: string
  readonly message: string
  /** Path in the text, for a line number: `prices.2.rates.input`. */
  readonly path: string
}

/** `prices[2] "acme-large": rates.input: "two" is no …`. */
export function findingText({ entry, field, message }: Pick<Finding, 'entry' | 'field' | 'message'>): string {
  return [entry, field, message].filter((part) => part !== '').join(': ')
}

const textCharsMax = 512
const listItemsMax = 1000
/** 18 digits on each side are beyond every price; exponents are written out. */
const decimal = /^(\d{1,18})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/

/** A number as written → plain decimal text without exponent; undefined when it is none. */
export function plainDecimal(text: string): string | undefined {
  const match = decimal.exec(text.startsWith('.') ? `0${text}` : text)
  if (match === null) return undefined
  const [, whole = '', part = '', exponent = '0'] = match
  const shift = Number(exponent)
  const digits = whole + part
  const point = whole.length + shift
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits.padEnd(point, '0')
  const at = Math.max(point, 0)
  const before = padded.slice(0, at).replace(/^0+(?=\d)/, '') || '0'
  const after = padded.slice(at).replace(/0+$/, '')
  return after === '' ? before : `${before}.${after}`
}

/** An instant or a date (its midnight in UTC) → `YYYY-MM-DDTHH:MM:SSZ`; undefined when it is none. */
export function plainInstant(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,3})?(Z|[+-]\d\d:\d\d))?$/i.exec(text)
  if (match === null) return undefined
  const [, date = '', time = '00:00', seconds = ':00', , zone = 'Z'] = match
  const ms = Date.parse(`${date}T${time}${seconds}${zone.toUpperCase()}`)
  // 31 February would be read as 3 March.
  if (Number.isNaN(ms) || new Date(Date.parse(`${date}T00:00Z`)).toISOString().slice(0, 10) !== date) return undefined
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** Where findings of one entry go. */
export class Place {
  readonly findings: Finding[]
  readonly entry: string
  readonly path: string

  constructor(findings: Finding[], entry: string, path: string) {
    this.findings = findings
    this.entry = entry
    this.path = path
  }

  say(field: string, message: string): void {
    const path = [this.path, field.replaceAll(/\[(\d+)\]/g, '.$1')].filter((part) => part !== '').join('.')
    this.findings.push({ entry: this.entry, field, message, path })
  }
}

/** The keys of one mapping; camel case and snake case are the same. What is not taken is reported by `close`. */
export class Fields {
  readonly place: Place
  private readonly at: string
  private readonly values = new Map<string, { readonly written: string; readonly value: Tree }>()
  private readonly known: string[] = []

  constructor(place: Place, at: string, tree: { readonly [key: string]: Tree }) {
    this.place = place
    this.at = at
    for (const [written, value] of Object.entries(tree)) {
      const name = camel(written)
      const other = this.values.get(name)
      if (other === undefined) this.values.set(name, { written, value })
      else this.say(written, `is given twice, as ${other.written} too`)
    }
  }

  has(name: string): boolean {
    return this.values.has(name)
  }

  /** The value; undefined when absent or null. */
  take(name: string): Tree | undefined {
    this.known.push(name)
    const value = this.values.get(name)?.value
    return value === null ? undefined : value
  }

  text(name: string, form: string, pattern = /^[^\p{Cc}]+$/u): string | undefined {
    const value = this.take(name)
    return value === undefined ? undefined : this.textOf(value, name, form, pattern)
  }

  needed(name: string, form: string, pattern?: RegExp): string | undefined {
    if (this.take(name) !== undefined) return this.text(name, form, pattern)
    this.say(name, `is missing: ${form}`)
    return undefined
  }

  /** One text or a list of them. */
  texts(name: string, form: string, pattern = /^[^\p{Cc}]+$/u): string[] | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) {
      const one = this.textOf(value, name, form, pattern)
      return one === undefined ? undefined : [one]
    }
    if (value.length === 0) this.say(name, `is an empty list: ${form}`)
    if (value.length > listItemsMax) this.say(name, `has ${value.length} items, limit is ${listItemsMax}`)
    const texts = value.slice(0, listItemsMax).map((each: Tree, i) => this.textOf(each, `${name}[${i}]`, form, pattern))
    return texts.includes(undefined) || texts.length === 0 ? undefined : [...new Set(texts as string[])]
  }

  instant(name: string): string | undefined {
    const form = 'an instant such as 2026-10-01T00:00:00Z, or a date, which is its midnight in UTC'
    const written = this.text(name, form)
    if (written === undefined) return undefined
    const instant = plainInstant(written)
    if (instant === undefined) this.say(name, `${shown(written)} is not ${form}`)
    return instant
  }

  decimal(name: string, form: string): string | undefined {
    const value = this.take(name)
    return value === undefined ? undefined : this.decimalOf(value, name, form)
  }

  /** Of the field as such, or of one within it: `rates.input`. */
  decimalOf(value: Tree, name: string, form: string): string | undefined {
    const plain = typeof value === 'string' ? plainDecimal(value) : undefined
    if (plain === undefined) this.say(name, `${shown(value)} is not ${form}`)
    return plain
  }

  wholeOf(value: Tree, name: string, form: string): number | undefined {
    const plain = typeof value === 'string' ? plainDecimal(value) : undefined
    const whole = Number(plain)
    if (plain !== undefined && /^\d{1,15}$/.test(plain)) return whole
    this.say(name, `${shown(value)} is not ${form}`)
    return undefined
  }

  flag(name: string): boolean | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'boolean') return value
    this.say(name, `${shown(value)} is not true or false`)
    return undefined
  }

  list(name: string, form: string): readonly Tree[] | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (Array.isArray(value)) return value
    this.say(name, `is not a list: ${form}`)
    return undefined
  }

  mapping(name: string, form: string): { readonly [key: string]: Tree } | undefined {
    const value = this.take(name)
    if (value === undefined || isMapping(value)) return value
    this.say(name, `${shown(value)} is not ${form}`)
    return undefined
  }

  /** The fields of a mapping within this one. */
  within(name: string, tree: { readonly [key: string]: Tree }): Fields {
    return new Fields(this.place, this.at === '' ? name : `${this.at}.${name}`, tree)
  }

  say(name: string, message: string): void {
    this.place.say([this.at, name].filter((part) => part !== '').join('.'), message)
  }

  /** Reports every key that nobody took. */
  close(): void {
    for (const [name, { written }] of this.values) {
      if (this.known.includes(name)) continue
      const near = nearName(name, this.known)
      this.say(
        written,
        `is no field here; ${near === undefined ? `there are ${this.known.join(', ')}` : `did you mean ${near}?`}`,
      )
    }
  }

  private textOf(value: Tree, name: string, form: string, pattern: RegExp): string | undefined {
    if (typeof value === 'string' && value.length <= textCharsMax && pattern.test(value)) return value
    this.say(name, `${shown(value)} is not ${form}`)
    return undefined
  }
}

export function isMapping(tree: Tree | undefined): tree is { readonly [key: string]: Tree } {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
}

/** `cache_write_1h` → `cacheWrite1h`. */
export function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

export function shown(value: Tree): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (value === null) return 'nothing'
  if (typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'a list' : 'a mapping'
}
