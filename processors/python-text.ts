// Objects that Python code turned into text by `str()` and not into JSON: dictionaries, lists, tuples and constructor calls, such as
// `{'a': None, 'b': Details(cached_tokens=1)}`.

/** The object that a text stands for; undefined for a text of another form. A call is the object of its named arguments. */
export function pythonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const reader = new Reader(text)
  try {
    const value = reader.value()
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && reader.isAtEnd() ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch (error) {
    // Text of another form stays in `attributes` as it was sent.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The object that a name has within a longer text of Python, such as `usage=Usage(…)` or `'usage': {…}`: the last there is. */
export function pythonMember(text: string, name: string): Readonly<Record<string, unknown>> | undefined {
  for (const sign of [`'${name}': `, `${name}=`]) {
    const at = text.lastIndexOf(sign)
    if (at < 0) continue
    const reader = new Reader(text.slice(at + sign.length))
    try {
      const value = reader.value()
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    } catch (error) {
      // Text of another form stays where it is.
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return undefined
}

const depthMax = 64
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
const names: Readonly<Record<string, unknown>> = { None: null, True: true, False: false, nan: null, inf: null }

class Reader {
  private at = 0
  private depth = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  isAtEnd(): boolean {
    this.skip()
    return this.at === this.text.length
  }

  value(): unknown {
    this.skip()
    if (++this.depth > depthMax) throw new SyntaxError('nested too deep')
    const value = this.any()
    this.depth--
    return value
  }

  private any(): unknown {
    const next = this.text[this.at]
    if (next === '{') return this.dictionary()
    if (next === '[') return this.list(']')
    if (next === '(') return this.list(')')
    if (next === "'" || next === '"') return this.string(next)
    const number = this.match(/-?\d+(\.\d+)?(e[+-]?\d+)?/iy)
    if (number !== undefined) return Number(number)
    const name = this.match(/[A-Za-z_][\w.]*/y)
    if (name === undefined) throw new SyntaxError(`nothing to read at ${this.at}`)
    if (name in names) return names[name]
    if (this.text[this.at] === '(') return this.call()
    throw new SyntaxError(`${name} is no value`)
  }

  private dictionary(): Record<string, unknown> {
    const entries: [string, unknown][] = []
    this.at++
    while (!this.takes('}')) {
      const key = this.value()
      this.expect(':')
      entries.push([String(key), this.value()])
      if (!this.takes(',')) {
        this.expect('}')
        break
      }
    }
    return Object.fromEntries(entries)
  }

  private list(end: string): unknown[] {
    const members: unknown[] = []
    this.at++
    while (!this.takes(end)) {
      members.push(this.value())
      if (!this.takes(',')) {
        this.expect(end)
        break
      }
    }
    return members
  }

  private call(): Record<string, unknown> {
    const entries: [string, unknown][] = []
    this.at++
    while (!this.takes(')')) {
      this.skip()
      const name = this.match(/[A-Za-z_]\w*(?=\s*=)/y)
      if (name !== undefined) this.expect('=')
      entries.push([name ?? String(entries.length), this.value()])
      if (!this.takes(',')) {
        this.expect(')')
        break
      }
    }
    return Object.fromEntries(entries)
  }

  private string(quote: string): string {
    let read = ''
    for (this.at++; this.at < this.text.length; this.at++) {
      const next = this.text[this.at]!
      if (next === quote) {
        this.at++
        return read
      }
      if (next === '\\') {
        this.at++
        const escaped = this.text[this.at] ?? ''
        read += escapes[escaped] ?? escaped
      } else read += next
    }
    throw new SyntaxError('a string does not end')
  }

  private takes(sign: string): boolean {
    this.skip()
    if (this.text[this.at] !== sign) return false
    this.at++
    return true
  }

  private expect(sign: string): void {
    if (!this.takes(sign)) throw new SyntaxError(`${sign} is missing at ${this.at}`)
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const [found] = pattern.exec(this.text) ?? []
    if (found !== undefined) this.at += found.length
    return found
  }

  private skip(): void {
    this.match(/\s+/y)
  }
}
