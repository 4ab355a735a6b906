// How a command reaches the ledger: the server of the configuration, else the engine of the collector that runs on this
// machine.

import { type ClickHouse, ClickHouseError, type ClickHouseOptions, connectClickHouse } from './clickhouse/client.ts'
import { UsageError } from './command.ts'
import { type Config, clickHouseUrl } from './config.ts'
import { formatEndpoint } from './config-values.ts'

export interface LedgerPlace {
  /** With the password in it. */
  readonly url: string
  /** For people: without one. */
  readonly shown: string
  readonly database: string
}

/** Where the ledger is. Throws UsageError when the configuration leaves the port to the engine. */
export function placeOf(config: Config): LedgerPlace {
  const database = config.clickhouseDatabase
  const server = clickHouseUrl(config)
  if (server !== null) return { url: server.reveal(), shown: config.clickhouseUrl?.address ?? '', database }
  const endpoint = config.embeddedHttpEndpoint
  if (endpoint.port === 0) {
    throw new UsageError('embedded_http_endpoint has port 0: say which port the running collector took')
  }
  const url = `http://${formatEndpoint(endpoint)}`
  return { url, shown: url, database }
}

/**
 * What `use` makes of a connection to the ledger, which is closed behind it.
 * Rejects with Error that says what to do when nothing answers there or no ledger is there, else with what `use` threw.
 */
export async function withLedger<T>(
  config: Config,
  use: (clickhouse: ClickHouse, place: LedgerPlace) => Promise<T>,
  options: Partial<Omit<ClickHouseOptions, 'url' | 'database'>> = {},
): Promise<T> {
  const place = placeOf(config)
  const clickhouse = connectClickHouse({ ...options, url: place.url, database: place.database })
  try {
    return await use(clickhouse, place)
  } catch (error) {
    throw explained(error, place)
  } finally {
    await clickhouse.close()
  }
}

const unknownTable = [60, 81]

/** An error of the connection in the words of an operator; any other as it is. */
export function explained(error: unknown, { shown, database }: LedgerPlace): unknown {
  if (!(error instanceof ClickHouseError)) return error
  if (error.code === null) {
    return new Error(
      `ClickHouse at ${shown} does not answer: start the collector (spanledger serve), or name a server by SPANLEDGER_CLICKHOUSE_URL`,
      { cause: error },
    )
  }
  if (!unknownTable.includes(error.code)) return error
  return new Error(
    `ClickHouse at ${shown} has no ledger in the database ${database}: a collector makes it at its start`,
    { cause: error },
  )
}
