// Tables for people, on a terminal.

/** Columns of money arrive as text, so that every digit does. */
const moneyName = /(^|_)(cost|usd|difference)$/

/** A title and rows under a head, columns by name with what stands above them: text to the left, numbers to the right, money by its point. */
export function section(title: string, rows: readonly object[], columns: Readonly<Record<string, string>>): string {
  if (rows.length === 0) return `${title}: none\n`
  const blocks = Object.entries(columns).map(([name, head]) => {
    const values = rows.map((row) => (row as Readonly<Record<string, unknown>>)[name])
    const isNumber = moneyName.test(name) || values.every((value) => value === null || typeof value === 'number')
    const cells = isNumber ? byPoint(values.map(shown)) : values.map(shown)
    const width = Math.max(head.length, ...cells.map((cell) => cell.length))
    return [head, ...cells].map((cell) => (isNumber ? cell.padStart(width) : cell.padEnd(width)))
  })
  const lines = blocks[0]?.map((_, i) => `  ${blocks.map((cells) => cells[i]).join('  ')}`.trimEnd()) ?? []
  return `${title}\n${lines.join('\n')}\n`
}

const rounded = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false })

/** What is not known is a dash; a decimal keeps every digit it came with, a ratio four. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'number' && !Number.isInteger(value)) return rounded.format(value)
  // From the wire, and on its way to a terminal.
  return String(value).replaceAll(/\p{Cc}/gu, '�')
}

/** Pads behind the point, so that right-aligned points are above each other. */
function byPoint(cells: readonly string[]): string[] {
  const behind = (cell: string) => (cell.includes('.') ? cell.length - cell.indexOf('.') : 0)
  const most = Math.max(...cells.map(behind))
  return cells.map((cell) => cell + ' '.repeat(most - behind(cell)))
}
