// The cluster form on two engines that are two shards. Engines have no Keeper and no ON CLUSTER, so these two words are left
// out and each engine is told the statements by itself.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, connectClickHouse } from '../../collector/clickhouse/client.ts'
import { EmbeddedClickHouse } from '../../collector/clickhouse/embedded.ts'
import { formed, loadMigrations } from '../../collector/clickhouse/migrate.ts'
import { freePort } from '../engine.ts'

const form = { database: 'sharded', cluster: 'main' }

export interface Shards {
  readonly database: string
  /** A connection to each. */
  readonly shards: readonly ClickHouse[]
  stop(): Promise<void>
}

export async function startShards(): Promise<Shards> {
  const folder = mkdtempSync(join(tmpdir(), 'spanledger-shards-'))
  const engines: EmbeddedClickHouse[] = []
  const shards: ClickHouse[] = []
  const ports = [await freePort(), await freePort()]
  const shard = ports.map((port) => ({ replica: { host: '127.0.0.1', port } }))
  const serverSettings = { remote_servers: { main: { shard } } }
  for (const port of ports) {
    const engine = await EmbeddedClickHouse.start({
      dataDir: join(folder, String(port)),
      httpEndpoint: '127.0.0.1:0',
      nativeEndpoint: `127.0.0.1:${port}`,
      serverSettings,
    })
    engines.push(engine)
    const clickhouse = connectClickHouse({ url: engine.httpUrl, database: 'default' })
    await clickhouse.command('CREATE DATABASE sharded ENGINE = Atomic')
    for (const { statements, clusterStatements } of loadMigrations()) {
      for (const statement of [...statements, ...clusterStatements]) await clickhouse.command(withoutKeeper(statement))
    }
    await clickhouse.close()
    shards.push(connectClickHouse({ url: engine.httpUrl, database: form.database }))
  }
  return {
    database: form.database,
    shards,
    async stop() {
      for (const each of shards) await each.close()
      for (const engine of engines) await engine.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function withoutKeeper(template: string): string {
  return formed(template, form)
    .replaceAll(" ON CLUSTER 'main'", '')
    .replace(/Replicated(\w+)\('[^']*', '[^']*'(?:, )?/, '$1(')
    .replace(
      /replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+,/,
      'non_replicated_deduplication_window = $1,',
    )
}
