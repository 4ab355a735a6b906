// hot: Walks JSON text as UTF-8 bytes, (RFC 8259): no value is built, strings and numbers are ranges of the body.

/** What is wrong with the text; the transcoder adds where. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
}

/** A value that is skipped may nest this deep: one byte of memory a level. Deeper text is refused. */
const skipDepthMax = 4 * 1024 * 1024

export const char = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  zero: 0x30,
  colon: 0x3a,
  openList: 0x5b,
  backslash: 0x5c,
  closeList: 0x5d,
  u: 0x75,
  open: 0x7b,
  close: 0x7d,
} as const

export const hexDigit = new Int8Array(256).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexDigit[digit.charCodeAt(0)] = value
  hexDigit[digit.toUpperCase().charCodeAt(0)] = value
}

/** What `\n` and its like stand for, by the byte after the backslash; 0 for bytes that may not follow one. */
export const escapes = new Uint8Array(256)
for (const [letter, value] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  escapes[letter.charCodeAt(0)] = value
}

/**
 * A position in one JSON text. `text` and `number` leave the range they read in `from` and `to`.
 * Throws JsonFault for text that is not JSON. Does not own the bytes.
 */
export class JsonReader {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  from = 0
  to = 0
  /** The string last read holds backslashes. */
  escaped = false
  /** The number last read has neither fraction nor exponent. */
  integral = false
  private backslashAt = -1
  private nesting: Uint8Array<ArrayBuffer> = new Uint8Array(256)

  open(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
    this.backslashAt = -1
  }

  /** The next byte that is not white space, -1 at the end; it is not taken. */
  peek(): number {
    const { bytes } = this
    let at = this.at
    while (at < bytes.length) {
      const byte = bytes[at]!
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at
        return byte
      }
      at++
    }
    this.at = at
    return -1
  }

  take(byte: number, what: string): void {
    if (this.peek() !== byte) throw this.unexpected(what)
    this.at++
  }

  /** After a member: true when another follows, false when `close` was taken. */
  more(close: number): boolean {
    const byte = this.peek()
    if (byte !== char.comma && byte !== close) {
      throw this.unexpected(close === char.close ? '"," or "}"' : '"," or "]"')
    }
    this.at++
    return byte === char.comma
  }

  /**
   * Reads a string; its content, still escaped, is [from, to). For keys and other short texts.
   * Control characters inside are taken as they are: nothing else can have been meant.
   */
  text(): void {
    if (this.peek() !== char.quote) throw this.unexpected('a string')
    const { bytes } = this
    const end = bytes.length
    let at = this.at + 1
    this.from = at
    this.escaped = false
    for (;;) {
      if (at >= end) throw new JsonFault('the text ends inside a string')
      const byte = bytes[at]!
      if (byte === char.quote) break
      if (byte === char.backslash) {
        this.escaped = true
        at += this.escape(at) === char.u ? 6 : 2
      } else at++
    }
    this.to = at
    this.at = at + 1
  }

  /** Where the next quote or backslash is, at or after `at`. */
  runEnd(at: number): number {
    const { bytes } = this
    // Found once and remembered, so that a text full of strings is searched for backslashes only once.
    if (this.backslashAt < at) {
      const found = bytes.indexOf(char.backslash, at)
      this.backslashAt = found < 0 ? bytes.length : found
    }
    const found = bytes.indexOf(char.quote, at)
    return Math.min(found < 0 ? bytes.length : found, this.backslashAt)
  }

  /** Checks the escape whose backslash is at `at`; returns the letter after it. */
  escape(at: number): number {
    const { bytes } = this
    const letter = bytes[at + 1] ?? 0
    if (letter === char.u) {
      for (let i = 2; i < 6; i++) {
        if (hexDigit[bytes[at + i] ?? 0]! < 0) throw new JsonFault(`bad \\u escape at byte ${at}`)
      }
    } else if (escapes[letter] === 0) throw new JsonFault(`bad escape at byte ${at}`)
    return letter
  }

  /** Reads a number; its text is [from, to). */
  number(): void {
    this.peek()
    this.from = this.at
    this.to = this.numberEnd(this.bytes, this.at, this.bytes.length)
    if (this.to < 0) throw this.unexpected('a number')
    this.at = this.to
  }

  /** Where the JSON number that begins at `start` ends, -1 when there is none; sets `integral`. */
  numberEnd(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (at < end && bytes[at] === char.minus) at++
    if (at >= end || !isDigit(bytes[at]!)) return -1
    if (bytes[at] === char.zero) at++
    else at = digitsEnd(bytes, at, end)
    this.integral = true
    if (at < end && bytes[at] === 0x2e) {
      this.integral = false
      const fraction = at + 1
      at = digitsEnd(bytes, fraction, end)
      if (at === fraction) return -1
    }
    if (at < end && (bytes[at]! | 0x20) === 0x65) {
      this.integral = false
      at++
      if (at < end && (bytes[at] === 0x2b || bytes[at] === char.minus)) at++
      const exponent = at
      at = digitsEnd(bytes, exponent, end)
      if (at === exponent) return -1
    }
    return at
  }

  /** Takes `true`, `false` or `null` when it comes next. */
  word(word: string): boolean {
    const { bytes, at } = this
    if (bytes.length - at < word.length) return false
    for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false
    this.at = at + word.length
    return true
  }

  /** Passes over one value of any kind, without recursion. */
  skip(): void {
    let depth = 0
    for (;;) {
      const opened = this.skipOne()
      if (opened !== 0) {
        const close = opened === char.open ? char.close : char.closeList
        this.at++
        if (this.peek() !== close) {
          this.nest(depth++, close)
          if (close === char.close) this.skipKey()
          continue
        }
        this.at++
      }
      // A value has ended: leave every list and object that ends with it.
      while (depth > 0 && !this.more(this.nesting[depth - 1]!)) depth--
      if (depth === 0) return
      if (this.nesting[depth - 1] === char.close) this.skipKey()
    }
  }

  /** Passes over a scalar and returns 0, or returns the bracket that comes next without taking it. */
  private skipOne(): number {
    const byte = this.peek()
    if (byte === char.open || byte === char.openList) return byte
    if (byte === char.quote) this.text()
    else if (byte === char.minus || isDigit(byte)) this.number()
    else if (!this.word('true') && !this.word('false') && !this.word('null')) throw this.unexpected('a value')
    return 0
  }

  private skipKey(): void {
    this.text()
    this.take(char.colon, '":"')
  }

  private nest(depth: number, close: number): void {
    if (depth >= this.nesting.length) {
      if (depth >= skipDepthMax) throw new JsonFault(`nested deeper than ${skipDepthMax} levels`)
      const bigger = new Uint8Array(this.nesting.length * 4)
      bigger.set(this.nesting)
      this.nesting = bigger
    }
    this.nesting[depth] = close
  }

  unexpected(wanted: string): JsonFault {
    const byte = this.peek()
    if (byte < 0) return new JsonFault(`expected ${wanted}, the text ends`)
    const found = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16)}`
    return new JsonFault(`expected ${wanted}, found ${found} at byte ${this.at}`)
  }
}

function digitsEnd(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isDigit(bytes[at]!)) at++
  return at
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
