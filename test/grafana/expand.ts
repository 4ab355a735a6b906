// What Grafana and its ClickHouse plugin make of a panel's SQL before it reaches the server, after the plugin's own
// text for each macro. First the browser's part (conditions for "All", variables), then the backend's (macros).

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

export interface Variable {
  /** Chosen values; `$__all` for "All"; a single text for a variable that is not multi-value. */
  readonly value: string | readonly string[]
  /** What "All" stands for where a query spells the values out. */
  readonly options?: readonly string[]
}

export interface Board {
  readonly from: Date
  readonly to: Date
  /** Seconds of one bucket; the plugin never goes below 1. */
  readonly intervalSeconds: number
  readonly timezone: string
  readonly variables: Readonly<Record<string, Variable>>
}

/** Throws on a variable the board does not declare, an unknown macro or format, and on anything left over. */
export function expand(sql: string, board: Board): string {
  const text = macros(variables(conditions(sql, board), board), board)
  const left = /\$[{_a-zA-Z][^\s,()]*/.exec(text.replace(/'(?:[^'\\]|\\.|'')*'/g, "''"))
  if (left !== null) throw new Error(`left over in the SQL: ${left[0]}`)
  return text
}

function conditions(sql: string, board: Board): string {
  const macro = '$__conditionalAll('
  let text = sql
  for (let at = text.lastIndexOf(macro); at !== -1; at = text.lastIndexOf(macro)) {
    const [condition, variable, end] = twoArguments(text, at + macro.length)
    const name = /^\s*\$\{?(\w+)\}?\s*$/.exec(variable)?.[1] ?? ''
    const { value } = declared(board, name)
    const isAll = String(value) === '' || String(value) === '$__all'
    text = text.slice(0, at) + (isAll ? '1=1' : condition) + text.slice(end)
  }
  return text
}

/** Counts brackets and commas as the plugin does, blind to string literals. */
function twoArguments(text: string, start: number): [string, string, number] {
  let depth = 1
  let comma = -1
  for (let i = start; i < text.length; i++) {
    if (text[i] === '(') depth++
    if (text[i] === ')') depth--
    if (text[i] === ',' && depth === 1) comma = i
    if (depth === 0) return [text.slice(start, comma), text.slice(comma + 1, i), i + 1]
  }
  throw new Error('$__conditionalAll is not closed')
}

function variables(sql: string, board: Board): string {
  return sql.replace(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format: string | undefined) => {
    if (name === '__timezone') return board.timezone
    const { value, options } = declared(board, name)
    const chosen = String(value) === '$__all' ? (options ?? []) : value
    if (typeof chosen === 'string' && format === undefined) return chosen
    const list = typeof chosen === 'string' ? [chosen] : chosen
    if (format === 'singlequote') return list.map((each) => `'${each.replaceAll("'", "\\'")}'`).join(',')
    if (format === 'sqlstring') return list.map((each) => `'${each.replaceAll("'", "''")}'`).join(',')
    throw new Error(`format of \${${name}:${format}} is not safe here`)
  })
}

function declared(board: Board, name: string): Variable {
  const variable = board.variables[name]
  if (variable === undefined) throw new Error(`the board declares no variable $${name}`)
  return variable
}

function macros(sql: string, board: Board): string {
  const from = `toDateTime(${Math.floor(board.from.getTime() / 1000)})`
  const to = `toDateTime(${Math.floor(board.to.getTime() / 1000)})`
  return sql
    .replace(/\$__timeFilter\(([\w.]+)\)/g, `$1 >= ${from} AND $1 <= ${to}`)
    .replace(
      /\$__timeInterval\(([\w.]+)\)/g,
      `toStartOfInterval(toDateTime($1), INTERVAL ${Math.max(1, board.intervalSeconds)} second)`,
    )
    .replace(/\$__fromTime\b/g, from)
    .replace(/\$__toTime\b/g, to)
}
