// JSON of bills, a chunk at a time. A file may be one page, pages one after the other, an array of rows, or a row a line;
// what comes out is each element of the arrays named, or each whole value. Numbers stay the text they were.

export type JsonValue = string | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** A day of one provider, or one page, fits many times. */
const valueCharsMax = 64 << 20

/** JSON with every number as its own text: 1.80 stays "1.80". Throws SyntaxError. */
export function parseExact(text: string): JsonValue {
  // The third argument of a reviver is the value's source text (ECMAScript 2026).
  const reviver = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as JsonValue
}

export interface JsonEvents {
  /** An element of a named array, or a whole top-level value without one. */
  element(text: string, line: number): void
  /** Another member of a top-level object, `has_more` for example. */
  member(name: string, text: string): void
}

const space = /\s/

/** Splits without parsing; deep values are captured as text. */
export class JsonSplitter {
  private readonly events: JsonEvents
  private readonly arrays: ReadonlySet<string>
  /** An array of a name asked for was begun. */
  hasArray = false
  private rest = ''
  private waiting: string[] = []
  private waitingChars = 0
  private line = 1
  private state: 'value' | 'members' | 'key' | 'colon' | 'member' | 'elements' | 'list' = 'value'
  private name = ''
  private isFirst = true

  constructor(arrays: readonly string[], events: JsonEvents) {
    this.arrays = new Set(arrays)
    this.events = events
  }

  /** Throws RangeError naming the line for what is not JSON, or for a value beyond 64 MiB. */
  push(chunk: string): void {
    this.waiting.push(chunk)
    this.waitingChars += chunk.length
    // A long value is looked at again only when twice as much of it is here.
    if (this.waitingChars < this.rest.length) return
    this.run(this.taken(), false)
    if (this.rest.length > valueCharsMax) throw new RangeError(`line ${this.line}: a value is larger than 64 MiB`)
  }

  end(): void {
    this.run(this.taken(), true)
    if (this.rest.trim() !== '' || this.state !== 'value')
      throw new RangeError(`line ${this.line}: the JSON is cut off`)
  }

  private taken(): string {
    const text = this.rest + this.waiting.join('')
    this.waiting = []
    this.waitingChars = 0
    return text
  }

  private run(given: string, isEnd: boolean): void {
    let text = given
    if (this.isFirst && text !== '') {
      this.isFirst = false
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    let at = 0
    while (at < text.length) {
      const char = text[at]!
      if (char === '\n') this.line++
      if (space.test(char) || char === ',') {
        at++
        continue
      }
      const next = this.step(text, at, char, isEnd)
      if (next < 0) break
      for (let feed = text.indexOf('\n', at); feed >= 0 && feed < next; feed = text.indexOf('\n', feed + 1)) this.line++
      at = next
    }
    this.rest = text.slice(at)
  }

  /** Where the next token begins; -1 when this one is not whole yet. */
  private step(text: string, at: number, char: string, isEnd: boolean): number {
    if (char === '}' && this.state === 'members') return this.to('value', at)
    if (char === ']' && this.state === 'elements') return this.to('members', at)
    if (char === ']' && this.state === 'list') return this.to('value', at)
    if (char === ':' && this.state === 'colon') return this.to('member', at)
    if (this.state === 'colon') throw this.wrong(char)
    if (char === '[' && this.state === 'value') return this.to('list', at)
    if (char === '{' && this.state === 'value' && this.arrays.size > 0) return this.to('members', at)
    if (char === '[' && this.state === 'member' && this.arrays.has(this.name)) {
      this.hasArray = true
      return this.to('elements', at)
    }
    const end = valueEnd(text, at, isEnd)
    if (end === 'bad') throw this.wrong(char)
    if (end < 0) return -1
    const whole = text.slice(at, end)
    if (this.state === 'members') {
      if (char !== '"') throw this.wrong(char)
      this.name = JSON.parse(whole) as string
      return this.to('colon', end - 1)
    }
    if (this.state === 'member') {
      this.state = 'members'
      this.events.member(this.name, whole)
    } else this.events.element(whole, this.line)
    return end
  }

  private to(state: typeof this.state, at: number): number {
    this.state = state
    return at + 1
  }

  private wrong(char: string): RangeError {
    return new RangeError(`line ${this.line}: not JSON at "${char}"`)
  }
}

/** Behind the value that begins at `at`; -1 when the text ends first. */
function valueEnd(text: string, at: number, isEnd: boolean): number | 'bad' {
  const first = text.charCodeAt(at)
  if (first === 0x22) return stringEnd(text, at)
  if (first !== 0x7b && first !== 0x5b) {
    const word = /^[-+.\w]+/.exec(text.slice(at, at + 512))?.[0] ?? ''
    if (word === '') return 'bad'
    return at + word.length < text.length || isEnd ? at + word.length : -1
  }
  let depth = 0
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) {
      const end = stringEnd(text, i)
      if (end < 0) return -1
      i = end - 1
    } else if (code === 0x7b || code === 0x5b) depth++
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return i + 1
  }
  return -1
}

function stringEnd(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return quote + 1
  }
  return -1
}
