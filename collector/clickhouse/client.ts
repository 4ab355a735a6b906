// One way to ClickHouse, embedded or remote: the official client over HTTP. Inserts are raw `Native` bodies with their
// deduplication token; answers are read up to a limit; errors say what they ask for (errors.ts).

import { Readable } from 'node:stream'
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { answerError, ClickHouseError, requestError } from './errors.ts'

export { ClickHouseError, type ErrorKind } from './errors.ts'

export type QueryParameters = Readonly<Record<string, unknown>>

export interface InsertRequest {
  readonly table: string
  readonly columns: readonly string[]
  /** Native blocks one after the other. */
  readonly body: readonly Uint8Array[]
  /** Never used for other bytes: ClickHouse would silently discard them. */
  readonly token: string
  readonly rows: number
}

export interface InsertSelectRequest {
  /** `INSERT INTO … SELECT … FROM input('…')`, without its FORMAT. */
  readonly sql: string
  readonly parameters?: QueryParameters
  /** Native blocks of the columns that `input` names. */
  readonly body: readonly Uint8Array[]
  /** As of InsertRequest. */
  readonly token: string
  readonly settings?: ClickHouseSettings
}

/** Every method but `ping` and `close` rejects with ClickHouseError. */
export interface ClickHouse {
  /** Rows as objects; 64-bit integers and decimals as strings. Values go in as `{name:Type}` parameters. */
  query<T = Record<string, unknown>>(
    sql: string,
    parameters?: QueryParameters,
    settings?: ClickHouseSettings,
  ): Promise<T[]>
  /** The whole answer in FORMAT Native. */
  native(sql: string, parameters?: QueryParameters, settings?: ClickHouseSettings): Promise<Uint8Array>
  /** The answer as a Parquet file. */
  parquet(sql: string, settings?: ClickHouseSettings): Promise<Buffer>
  /** An answer in the format that the statement names, as it comes, for as long as it is read; complete, or it throws. */
  stream(sql: string, parameters?: QueryParameters, settings?: ClickHouseSettings): Promise<AsyncIterable<Uint8Array>>
  command(sql: string, parameters?: QueryParameters, settings?: ClickHouseSettings): Promise<void>
  /** The body's memory is the caller's again when the promise settles. An insert given up by the signal may still succeed. */
  insert(request: InsertRequest, signal?: AbortSignal): Promise<void>
  /** Rows made by a statement of those that are sent with it; the body as of `insert`. */
  insertSelect(request: InsertSelectRequest): Promise<void>
  ping(): Promise<boolean>
  close(): Promise<void>
}

export interface ClickHouseOptions {
  /** `http(s)://[user:password@]host:port[/path]`. */
  readonly url: string
  readonly database: string
  /** Longest silence on a connection, and longest run of a statement on the server; 60 s. */
  readonly requestTimeoutMs?: number
  /** Of one answer; 64 MiB. */
  readonly responseBytesMax?: number
  /** zstd for request bodies: 4 to 5 times fewer bytes for servers that are far away. */
  readonly compress?: boolean
}

/** Settings of every insert: exactly once through a token, also in the targets of materialised views. */
export const insertSettings = {
  async_insert: 0,
  // Folding the versions of a row is left to merges and to FINAL: 5.5 instead of 9.6 µs of CPU a row at 10,000 rows, and
  // reads are as fast.
  optimize_on_insert: 0,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  distributed_foreground_insert: 1,
  wait_end_of_query: 1,
} as const satisfies ClickHouseSettings

/** Settings of every other statement. `wait_end_of_query`: an error is a status, never the tail of a half answer. */
const statementSettings = {
  wait_end_of_query: 1,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  use_skip_indexes_if_final: 1,
} as const satisfies ClickHouseSettings

const errorBytesMax = 64 * 1024
/** Servers close idle connections after 3 to 10 s; the client has to be quicker. */
const idleSocketMs = 2000

interface Statement {
  readonly sql: string
  readonly parameters?: QueryParameters | undefined
  readonly settings: ClickHouseSettings
  readonly body?: readonly Uint8Array[]
  readonly signal?: AbortSignal | undefined
}

/** Connects lazily. Throws an Error on a URL that is none; the password is in no message. */
export function connectClickHouse(options: ClickHouseOptions): ClickHouse {
  const { database, requestTimeoutMs = 60_000, responseBytesMax = 64 << 20, compress = false } = options
  const { username, password, ...place } = parseUrl(options.url)
  const client = createClient({
    ...place,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    request_timeout: requestTimeoutMs,
    max_open_connections: 8,
    keep_alive: { enabled: true, idle_socket_ttl: idleSocketMs, eagerly_destroy_stale_sockets: true },
    compression: { request: compress ? { codec: 'zstd', level: 1 } : false, response: false },
    clickhouse_settings: { max_execution_time: Math.ceil(requestTimeoutMs / 1000) },
    // What it has to say is in its errors; its own log would go to the console.
    log: { level: ClickHouseLogLevel.OFF },
  })

  const open = async (statement: Statement): Promise<Readable> => {
    const { sql, parameters, settings, body, signal } = statement
    // The client listens for the signal, and would not hear one that has fired already.
    signal?.throwIfAborted()
    const { stream, response_headers, http_status_code } = await client.exec({
      query: sql,
      clickhouse_settings: settings,
      ...(parameters === undefined ? {} : { query_params: { ...parameters } }),
      ...(signal === undefined ? {} : { abort_signal: signal }),
      ...(body === undefined ? {} : { values: Readable.from(body, { objectMode: false }) }),
      // Read here instead: up to a limit, and with ClickHouse's code from the header.
      ignore_error_response: true,
    })
    const status = http_status_code ?? 0
    const codeHeader = response_headers['x-clickhouse-exception-code']
    if (status >= 200 && status < 300 && codeHeader === undefined) return stream
    const text = (await read(stream, { bytesMax: errorBytesMax, isCut: true, signal })).toString()
    throw answerError(status, String(codeHeader ?? '') || undefined, masked(text, password))
  }

  const send = async (statement: Statement): Promise<Buffer> => {
    try {
      const stream = await open(statement)
      return await read(stream, { bytesMax: responseBytesMax, isCut: false, signal: statement.signal })
    } catch (error) {
      throw requestError(error)
    }
  }

  return {
    async query<T>(sql: string, parameters?: QueryParameters, settings?: ClickHouseSettings): Promise<T[]> {
      const answer = await send({
        sql: `${sql.trim().replace(/;+$/, '')}\nFORMAT JSONEachRow`,
        parameters,
        settings: { ...statementSettings, max_result_bytes: String(responseBytesMax), ...settings },
      })
      // One object a line, newlines within them escaped.
      return JSON.parse(`[${answer.toString().trimEnd().replaceAll('\n', ',')}]`) as T[]
    },
    native: (sql, parameters, settings) =>
      send({ sql: `${sql}\nFORMAT Native`, parameters, settings: { ...statementSettings, ...settings } }),
    parquet: (sql, settings) =>
      send({ sql: `${sql}\nFORMAT Parquet`, settings: { ...statementSettings, ...settings } }),
    async stream(sql, parameters, settings) {
      try {
        return await open({ sql, parameters, settings: { ...statementSettings, ...settings } })
      } catch (error) {
        throw requestError(error)
      }
    },
    async command(sql, parameters, settings) {
      await send({ sql, parameters, settings: { ...statementSettings, ...settings } })
    },
    async insert({ table, columns, body, token }, signal) {
      const names = columns.map(identifier).join(', ')
      await send({
        sql: `INSERT INTO ${identifier(table)} (${names}) FORMAT Native`,
        settings: { ...insertSettings, insert_deduplication_token: token },
        body,
        signal,
      })
    },
    async insertSelect({ sql, parameters, body, token, settings }) {
      await send({
        sql: `${sql}\nFORMAT Native`,
        parameters,
        settings: { ...statementSettings, ...insertSettings, insert_deduplication_token: token, ...settings },
        body,
      })
    },
    ping: async () => (await client.ping()).success,
    close: () => client.close(),
  }
}

interface Place {
  readonly url: string
  readonly pathname?: string
  readonly username: string
  readonly password: string
}

function parseUrl(text: string): Place {
  // The error of URL itself would carry the text, and with it the password.
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error('the ClickHouse URL is no http(s)://user:password@host:port')
  if (url.search !== '' || url.hash !== '') throw new Error('the ClickHouse URL takes no ?settings and no #fragment')
  return {
    url: url.origin,
    ...(url.pathname === '/' ? {} : { pathname: url.pathname }),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

function identifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``
}

function masked(text: string, password: string): string {
  return password.length < 4 ? text : text.replaceAll(password, '***')
}

/** The answer's body; beyond the limit it is cut, or refused. */
async function read(
  stream: Readable,
  { bytesMax, isCut, signal }: { bytesMax: number; isCut: boolean; signal: AbortSignal | undefined },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  const giveUp = (): void => {
    stream.destroy(new Error('given up'))
  }
  if (signal?.aborted) giveUp()
  signal?.addEventListener('abort', giveUp)
  try {
    // Leaving the loop early destroys the stream, and with it the connection.
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes <= bytesMax) continue
      if (isCut) break
      throw new ClickHouseError('config', 396, `the answer of ClickHouse is larger than ${bytesMax} bytes`)
    }
    return Buffer.concat(chunks)
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}
