// The embedded engine lives and dies as it should: restarted when killed, ended with its parent, clear about what is wrong.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { connectClickHouse } from '../../collector/clickhouse/client.ts'
import { EmbeddedClickHouse, libraryPath } from '../../collector/clickhouse/embedded.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spanledger-embedded-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const free = { httpEndpoint: '127.0.0.1:0', nativeEndpoint: '127.0.0.1:0' }

async function until(isTrue: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('an engine that is killed comes back on the same port with its data', async () => {
  const events: string[] = []
  const engine = await EmbeddedClickHouse.start({ dataDir: directory(), ...free, log: (event) => events.push(event) })
  cleanups.push(() => engine.stop())
  const clickhouse = connectClickHouse({ url: engine.httpUrl, database: 'default' })
  cleanups.push(() => clickhouse.close())
  await clickhouse.command('CREATE DATABASE kept ENGINE = Atomic')
  await clickhouse.command('CREATE TABLE kept.t (n UInt8) ENGINE = MergeTree ORDER BY n')
  await clickhouse.command('INSERT INTO kept.t VALUES (7)', {}, { async_insert: 0 })
  const { pid } = engine
  process.kill(pid, 'SIGKILL')
  await until(() => events.includes('engine_restarted'))
  expect(engine.pid).not.toBe(pid)
  expect(await clickhouse.query('SELECT n FROM kept.t')).toEqual([{ n: 7 }])
  expect(events).toEqual(['engine_died', 'engine_restarted'])
})

test('stopping ends the engine and a stopped one may be started again on its data', async () => {
  const dataDir = directory()
  const first = await EmbeddedClickHouse.start({ dataDir, ...free })
  const { pid } = first
  await first.stop()
  await first.stop()
  expect(isAlive(pid)).toBe(false)
  const second = await EmbeddedClickHouse.start({ dataDir, ...free })
  cleanups.push(() => second.stop())
  expect((await fetch(`${second.httpUrl}/ping`)).ok).toBe(true)
})

test('an engine ends when its parent is killed by force', async () => {
  const dataDir = directory()
  const module = new URL('../../collector/clickhouse/embedded.ts', import.meta.url).href
  const program = `import { EmbeddedClickHouse } from ${JSON.stringify(module)}
    const engine = await EmbeddedClickHouse.start(${JSON.stringify({ dataDir, ...free })})
    console.log(engine.pid)
    setInterval(() => undefined, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => parent.kill('SIGKILL'))
  const line = await new Promise<string>((resolve) => createInterface({ input: parent.stdout }).once('line', resolve))
  const pid = Number(line)
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await until(() => !isAlive(pid))
})

test('a port that is taken is said in one sentence with the way out', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  cleanups.push(() => server.close())
  const starting = EmbeddedClickHouse.start({
    dataDir: directory(),
    httpEndpoint: `127.0.0.1:${port}`,
    nativeEndpoint: '127.0.0.1:0',
  })
  await expect(starting).rejects.toThrow(/port is already in use; choose others by SPANLEDGER_EMBEDDED_HTTP_ENDPOINT/)
})

test('a platform without the engine is told to use a server', () => {
  expect(() => libraryPath('win32-x64')).toThrow(/does not exist for win32-x64.*SPANLEDGER_CLICKHOUSE_URL/)
  expect(() => libraryPath('darwin-arm64')).toThrow(
    /@chdb\/lib-darwin-arm64 is not installed.*SPANLEDGER_CLICKHOUSE_URL/,
  )
})
