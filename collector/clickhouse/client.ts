// One way to ClickHouse, embedded or remote: the official client over HTTP. Inserts are raw `Native` bodies with their
// deduplication token; errors are sorted into what to retry, what to bisect and what to tell the operator.

import { Readable } from 'node:stream'
import { type ClickHouseSettings, ClickHouseError as ClientError, createClient } from '@clickhouse/client'

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

export interface ClickHouse {
  query<T = Record<string, unknown>>(
    sql: string,
    parameters?: QueryParameters,
    settings?: ClickHouseSettings,
  ): Promise<T[]>
  command(sql: string, parameters?: QueryParameters, settings?: ClickHouseSettings): Promise<void>
  /** An aborted insert is ambiguous: it may have been stored. */
  insert(request: InsertRequest, signal?: AbortSignal): Promise<void>
  ping(): Promise<boolean>
  close(): Promise<void>
}

/** `world`: try again, the same bytes; `data`: these bytes will never be taken; `config`: a person has to act. */
export type ErrorKind = 'world' | 'data' | 'config'

export class ClickHouseError extends Error {
  readonly kind: ErrorKind
  /** ClickHouse's error code; null when no answer of ClickHouse's was read. */
  readonly code: number | null

  constructor(kind: ErrorKind, code: number | null, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ClickHouseError'
    this.kind = kind
    this.code = code
  }
}

/** Codes that say the data itself cannot be stored. Source: ClickHouse src/Common/ErrorCodes.cpp, 26.7. */
const dataCodes = new Set([6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 190, 349, 407, 441])
/** Codes that wait for somebody to change a setting, a grant or the schema. */
const configCodes = new Set([16, 20, 36, 47, 60, 62, 81, 115, 164, 192, 193, 291, 497, 516])

export interface ClickHouseOptions {
  /** `http(s)://[user:password@]host:port`. */
  readonly url: string
  readonly database: string
  readonly requestTimeoutMs?: number
  /** gzip of request bodies, for servers that are far away. */
  readonly compress?: boolean
}

/** Settings of every insert: exactly once through a token, also in the targets of materialised views. */
export const insertSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  wait_end_of_query: 1,
} as const satisfies ClickHouseSettings

/** Connects lazily; the password stays out of every message. */
export function connectClickHouse(options: ClickHouseOptions): ClickHouse {
  const url = new URL(options.url)
  const username = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  const client = createClient({
    url,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database: options.database,
    request_timeout: options.requestTimeoutMs ?? 60_000,
    max_open_connections: 8,
    // Servers close idle connections after 3 to 10 s; the client has to be quicker.
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    compression: { request: options.compress ?? false, response: false },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 1, use_skip_indexes_if_final: 1 },
  })
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw sorted(error)
    }
  }
  return {
    query: (sql, parameters, settings) =>
      guarded(async () => {
        const found = await client.query({ query: sql, format: 'JSONEachRow', ...given(parameters, settings) })
        return found.json()
      }),
    command: (sql, parameters, settings) =>
      guarded(async () => {
        await client.command({ query: sql, ...given(parameters, settings) })
      }),
    insert: (request, signal) =>
      guarded(async () => {
        const names = request.columns.map((name) => `\`${name}\``).join(', ')
        const { stream } = await client.exec({
          query: `INSERT INTO \`${request.table}\` (${names}) FORMAT Native`,
          values: Readable.from(request.body, { objectMode: false, highWaterMark: 1 << 20 }),
          clickhouse_settings: { ...insertSettings, insert_deduplication_token: request.token },
          ...(signal === undefined ? {} : { abort_signal: signal }),
        })
        stream.resume()
        await new Promise<void>((resolve, reject) => {
          stream.once('end', resolve)
          stream.once('error', reject)
        })
      }),
    ping: async () => (await client.ping()).success,
    close: () => client.close(),
  }
}

function given(
  parameters?: QueryParameters,
  settings?: ClickHouseSettings,
): { query_params?: Record<string, unknown>; clickhouse_settings?: ClickHouseSettings } {
  return {
    ...(parameters === undefined ? {} : { query_params: { ...parameters } }),
    ...(settings === undefined ? {} : { clickhouse_settings: settings }),
  }
}

function sorted(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError) return error
  if (error instanceof ClientError) {
    const code = Number(error.code)
    return new ClickHouseError(
      kindOf(code, error.message),
      code,
      `ClickHouse ${code} ${error.type ?? ''}: ${error.message.slice(0, 2000)}`,
      { cause: error },
    )
  }
  const message = error instanceof Error ? error.message : String(error)
  return new ClickHouseError('world', null, `ClickHouse did not answer: ${message.slice(0, 500)}`, { cause: error })
}

function kindOf(code: number, message: string): ErrorKind {
  // The parser of the block itself, whatever it tripped over.
  if (message.includes('While executing Native')) return 'data'
  // 252 is "too many parts" (wait) and also "too many partitions for single INSERT block" (the data).
  if (code === 252) return /partitions for single/i.test(message) ? 'data' : 'world'
  if (dataCodes.has(code)) return 'data'
  return configCodes.has(code) ? 'config' : 'world'
}
