// The cluster form on two engines that are two shards: local tables, Distributed tables, views over them. Engines have no
// Keeper and no ON CLUSTER, so these two words are left out and each engine is told the statements by itself.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClickHouse, connectClickHouse } from '../../collector/clickhouse/client.ts'
import { EmbeddedClickHouse } from '../../collector/clickhouse/embedded.ts'
import { formed, loadMigrations } from '../../collector/clickhouse/migrate.ts'
import { freePort } from '../engine.ts'
import { insertSpans, spanRow } from './span-rows.ts'

const form = { database: 'sharded', cluster: 'main' }
const engines: EmbeddedClickHouse[] = []
const shards: ClickHouse[] = []
const folder = mkdtempSync(join(tmpdir(), 'spanledger-shards-'))

beforeAll(async () => {
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
    shards.push(connectClickHouse({ url: engine.httpUrl, database: 'sharded' }))
  }
})

afterAll(async () => {
  for (const shard of shards) await shard.close()
  for (const engine of engines) await engine.stop()
  rmSync(folder, { recursive: true, force: true })
})

function withoutKeeper(template: string): string {
  return formed(template, form)
    .replaceAll(" ON CLUSTER 'main'", '')
    .replace(/Replicated(\w+)\('[^']*', '[^']*'(?:, )?/, '$1(')
    .replace(
      /replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+,/,
      'non_replicated_deduplication_window = $1,',
    )
}

const sums = 'SELECT sum(calls) AS calls, sum(total_cost) AS cost FROM'

test('what is inserted at one server is spread by trace, stored once, and the same at every server', async () => {
  const [first, second] = shards as [ClickHouse, ClickHouse]
  const rows = Array.from({ length: 100 }, (_, i) => spanRow(`s${i}`))
  await insertSpans(first, rows, 'sharded-1')
  // The same insert again, perhaps to another server behind the load balancer.
  await insertSpans(first, rows, 'sharded-1')
  await insertSpans(second, rows, 'sharded-1')
  const here = await Promise.all(
    shards.map(async (shard) => Number((await shard.query('SELECT count() AS rows FROM spans_local'))[0]?.['rows'])),
  )
  expect(here[0]).toBeGreaterThan(20)
  expect(here[1]).toBeGreaterThan(20)
  expect((here[0] ?? 0) + (here[1] ?? 0)).toBe(100)
  for (const shard of shards) {
    expect(await shard.query('SELECT toInt64(count()) AS calls, sum(total_cost) AS cost FROM llm_calls')).toEqual([
      { calls: '100', cost: '75' },
    ])
    expect(await shard.query(`${sums} usage_hourly`)).toEqual([{ calls: '100', cost: '75' }])
    expect(await shard.query(`${sums} usage_user_daily`)).toEqual([{ calls: '100', cost: '75' }])
  }
})

test('a correction finds the shard of its span', async () => {
  const [, second] = shards as [ClickHouse, ClickHouse]
  const duplicate = {
    revision: 1,
    total_cost: null,
    cost_status: 'not_billed',
    cost_reason: 'duplicate',
    counted_as: 's2',
  }
  await insertSpans(second, [spanRow('s1', { revision: 1, sign: -1 }), spanRow('s1', duplicate)])
  for (const shard of shards) {
    expect(await shard.query('SELECT toInt64(count()) AS calls, sum(total_cost) AS cost FROM llm_calls')).toEqual([
      { calls: '99', cost: '74.25' },
    ])
    expect(await shard.query(`${sums} usage_hourly`)).toEqual([{ calls: '99', cost: '74.25' }])
    expect(await shard.query("SELECT count() AS spans FROM otel_traces WHERE TraceId = 'trace of s1'")).toEqual([
      { spans: '1' },
    ])
  }
})
