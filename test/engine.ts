// A real ClickHouse for tests: the embedded engine on free ports in a directory of its own, migrated.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, connectClickHouse } from '../collector/clickhouse/client.ts'
import { EmbeddedClickHouse } from '../collector/clickhouse/embedded.ts'
import { migrate } from '../collector/clickhouse/migrate.ts'

export interface TestEngine {
  readonly url: string
  readonly database: string
  readonly clickhouse: ClickHouse
  /** Process of the engine; another one after it was killed. */
  readonly pid: number
  stop(): Promise<void>
}

/** Up in about half a second, of which the migrations take most; `stop` removes its files. */
export async function startTestEngine(): Promise<TestEngine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-engine-'))
  const engine = await EmbeddedClickHouse.start({ dataDir, httpEndpoint: '127.0.0.1:0', nativeEndpoint: '127.0.0.1:0' })
  const database = 'spanledger'
  const clickhouse = connectClickHouse({ url: engine.httpUrl, database })
  const stop = async (): Promise<void> => {
    await clickhouse.close()
    await engine.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await migrate(engine.httpUrl, { database, cluster: '' }, 'test')
  } catch (error) {
    // An engine left running would keep the test run from ending.
    await stop()
    throw error
  }
  return {
    url: engine.httpUrl,
    database,
    clickhouse,
    get pid() {
      return engine.pid
    },
    stop,
  }
}

/** A port nobody listens on now, for what must know its port before it starts. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
