// Asks a ClickHouse server over plain HTTP and keeps the column types, which panels and reports depend on.

export interface Answer {
  readonly names: readonly string[]
  readonly types: readonly string[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

export interface Asking {
  readonly parameters?: Readonly<Record<string, string>>
  readonly user?: string
  readonly password?: string
}

/** Runs one query in the database `spanledger`; decimals and 64-bit integers come as text, so nothing is rounded. */
export async function ask(url: string, sql: string, asking: Asking = {}): Promise<Answer> {
  const text = await send(url, `${sql}\nFORMAT JSON`, asking)
  const answer: { meta: { name: string; type: string }[]; data: Record<string, unknown>[] } = JSON.parse(text)
  return {
    names: answer.meta.map(({ name }) => name),
    types: answer.meta.map(({ type }) => type),
    rows: answer.data,
  }
}

/** Runs one statement; rejects with the server's message. */
export async function send(url: string, sql: string, asking: Asking = {}): Promise<string> {
  const search = new URLSearchParams({
    database: 'spanledger',
    async_insert: '0',
    output_format_json_quote_decimals: '1',
    output_format_json_quote_64bit_integers: '1',
  })
  for (const [name, value] of Object.entries(asking.parameters ?? {})) search.set(`param_${name}`, value)
  const headers: Record<string, string> = {}
  if (asking.user !== undefined) headers['X-ClickHouse-User'] = asking.user
  if (asking.password !== undefined) headers['X-ClickHouse-Key'] = asking.password
  const response = await fetch(`${url}/?${search}`, { method: 'POST', body: sql, headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`${text}\n${sql}`)
  return text
}

/** Inserts rows given as objects; columns not named keep their defaults. */
export async function insert(url: string, table: string, rows: readonly object[], asking: Asking = {}): Promise<void> {
  const lines = rows.map((row) => JSON.stringify(row)).join('\n')
  await send(url, `INSERT INTO ${table} FORMAT JSONEachRow\n${lines}`, asking)
}
