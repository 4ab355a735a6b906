// CSV as providers write it (RFC 4180, with or without BOM), a chunk at a time: rows come out as they end.

export interface CsvRow {
  /** Number of the line the row begins on, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

/** No row of a bill is longer. */
const rowCharsMax = 4 << 20

export class CsvRows {
  private readonly onRow: (row: CsvRow) => void
  private rest = ''
  private line = 1
  private isFirst = true

  constructor(onRow: (row: CsvRow) => void) {
    this.onRow = onRow
  }

  /** Throws RangeError naming the line for a quote that is never closed within 4 MiB, or one inside an unquoted cell. */
  push(chunk: string): void {
    let text = this.rest + chunk
    if (this.isFirst && text !== '') {
      this.isFirst = false
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    let from = 0
    for (;;) {
      const end = rowEnd(text, from)
      if (end < 0) break
      this.row(text.slice(from, end))
      from = end + 1
    }
    this.rest = text.slice(from)
    if (this.rest.length > rowCharsMax) throw new RangeError(`line ${this.line}: a quote is not closed`)
  }

  end(): void {
    if (this.rest === '') return
    if (rowEnd(`${this.rest}\n`, 0) < 0) throw new RangeError(`line ${this.line}: a quote is not closed`)
    this.row(this.rest)
    this.rest = ''
  }

  private row(text: string): void {
    const line = this.line
    this.line++
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.line++
    const body = text.endsWith('\r') ? text.slice(0, -1) : text
    if (body !== '') this.onRow({ line, cells: cellsOf(body, line) })
  }
}

/** The line feed that ends the row: the first one outside quotes; -1 when the text has none. */
function rowEnd(text: string, from: number): number {
  let end = text.indexOf('\n', from)
  let quote = text.indexOf('"', from)
  while (end >= 0 && quote >= 0 && quote < end) {
    const close = text.indexOf('"', quote + 1)
    if (close < 0) return -1
    quote = text.indexOf('"', close + 1)
    if (end < close) end = text.indexOf('\n', close)
  }
  return end
}

function cellsOf(text: string, line: number): string[] {
  if (!text.includes('"')) return text.split(',')
  const cells: string[] = []
  let at = 0
  for (;;) {
    let cell = ''
    if (text[at] === '"') {
      at++
      for (;;) {
        const close = text.indexOf('"', at)
        if (close < 0) throw new RangeError(`line ${line}: a quote is not closed`)
        cell += text.slice(at, close)
        at = close + 1
        if (text[at] !== '"') break
        cell += '"'
        at++
      }
      if (at < text.length && text[at] !== ',') throw new RangeError(`line ${line}: text after a closing quote`)
    } else {
      const comma = text.indexOf(',', at)
      cell = text.slice(at, comma < 0 ? text.length : comma)
      at += cell.length
      if (cell.includes('"')) throw new RangeError(`line ${line}: a quote inside an unquoted cell`)
    }
    cells.push(cell)
    if (at >= text.length) return cells
    at++
    if (at === text.length) return [...cells, '']
  }
}
