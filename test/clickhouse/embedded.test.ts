// The embedded engine's life: starts, is killed, comes back with its data, ends with its parent, refuses a second master.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { connectClickHouse } from '../../collector/clickhouse/client.ts'
import { EmbeddedClickHouse, type EmbeddedOptions, type EngineEvent } from '../../collector/clickhouse/embedded.ts'
import { libraryPath } from '../../collector/clickhouse/engine-library.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function newDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-embedded-'))
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
  return dataDir
}

/** An engine and what it logged; stopped after the test. */
async function start(options: Partial<EmbeddedOptions> = {}) {
  const events: [EngineEvent, string][] = []
  const waiting = new Map<EngineEvent, (() => void)[]>()
  const engine = await EmbeddedClickHouse.start({
    dataDir: options.dataDir ?? newDataDir(),
    httpEndpoint: '127.0.0.1:0',
    nativeEndpoint: '127.0.0.1:0',
    log(event, detail) {
      events.push([event, detail])
      for (const resume of waiting.get(event)?.splice(0) ?? []) resume()
    },
    ...options,
  })
  cleanups.push(() => engine.stop())
  const clickhouse = connectClickHouse({ url: engine.httpUrl, database: 'default' })
  cleanups.push(() => clickhouse.close())
  const next = (event: EngineEvent): Promise<void> =>
    new Promise((resume) => waiting.set(event, [...(waiting.get(event) ?? []), resume]))
  return { engine, clickhouse, events, next }
}

async function open(address: string): Promise<Socket> {
  const { hostname, port } = new URL(`tcp://${address}`)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => socket.destroy())
  cleanups.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('a running engine', () => {
  test('answers on both ports as soon as it has started, with the limits it was given', async () => {
    const dataDir = newDataDir()
    const { engine, clickhouse } = await start({ dataDir, memoryBytesMax: 700_000_000 })
    expect(await clickhouse.ping()).toBe(true)
    await open(engine.nativeEndpoint)
    const settings = await clickhouse.query<{ name: string; value: string }>(
      `SELECT name, value FROM system.server_settings
      WHERE name IN ('max_server_memory_usage', 'mark_cache_size', 'background_pool_size') ORDER BY name`,
    )
    expect(settings).toEqual([
      { name: 'background_pool_size', value: '2' },
      { name: 'mark_cache_size', value: String(64 * 1024 * 1024) },
      { name: 'max_server_memory_usage', value: '700000000' },
    ])
    expect(statSync(join(dataDir, 'clickhouse')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'engine.xml')).mode & 0o777).toBe(0o600)
  })

  test('answers a question with as many threads as it is asked for, within the memory it has by default', async () => {
    const { clickhouse } = await start({ memoryBytesMax: 2 ** 30 })
    const plan = await clickhouse.query<{ explain: string }>(
      'EXPLAIN PIPELINE SELECT sum(sipHash64(number)) FROM numbers_mt(100000000)',
      {},
      { max_threads: 2 },
    )
    expect(plan.map(({ explain }) => explain.trim())).toContain('AggregatingTransform × 2')
  })

  test('has UTC days wherever the machine is', async () => {
    const zone = process.env['TZ']
    cleanups.push(() => {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    })
    process.env['TZ'] = 'Asia/Tokyo'
    const { clickhouse } = await start()
    expect(await clickhouse.query('SELECT timezone() AS zone')).toEqual([{ zone: 'UTC' }])
  })

  test('killed, comes back by itself on the same ports with every row', async () => {
    const { engine, clickhouse, events, next } = await start()
    await clickhouse.command('CREATE DATABASE kept ENGINE = Atomic')
    await clickhouse.command('CREATE TABLE kept.rows (n UInt64) ENGINE = MergeTree ORDER BY n')
    await clickhouse.command('INSERT INTO kept.rows SELECT number FROM numbers(1000)', {}, { async_insert: 0 })
    const before = { url: engine.httpUrl, native: engine.nativeEndpoint, pid: engine.pid }
    const restarted = next('engine_restarted')
    process.kill(engine.pid, 'SIGKILL')
    await restarted
    expect({ url: engine.httpUrl, native: engine.nativeEndpoint }).toEqual({ url: before.url, native: before.native })
    expect(engine.pid).not.toBe(before.pid)
    await open(engine.nativeEndpoint)
    expect(await clickhouse.query('SELECT count() AS rows FROM kept.rows')).toEqual([{ rows: '1000' }])
    expect(events.map(([event]) => event)).toEqual(['engine_died', 'engine_restarted'])
    expect(events[0]?.[1]).toContain('SIGKILL')
  })

  test('that dies again and again is given longer and longer pauses', async () => {
    const { engine, next } = await start()
    const pausesMs: number[] = []
    for (let deaths = 0; deaths < 3; deaths++) {
      const died = next('engine_died')
      const restarted = next('engine_restarted')
      process.kill(engine.pid, 'SIGKILL')
      await died
      const diedMs = performance.now()
      await restarted
      pausesMs.push(performance.now() - diedMs)
    }
    // 100, 200, 400 ms, and each time the start itself.
    expect(pausesMs[0]).toBeGreaterThan(99)
    expect(pausesMs[1]).toBeGreaterThan(199)
    expect(pausesMs[2]).toBeGreaterThan(399)
  })

  test('that no longer answers is ended and started again', async () => {
    const { engine, clickhouse, events, next } = await start({ healthEveryMs: 20, healthTimeoutMs: 100 })
    const restarted = next('engine_restarted')
    process.kill(engine.pid, 'SIGSTOP')
    await restarted
    expect(events.map(([event]) => event).slice(0, 3)).toEqual(['engine_unhealthy', 'engine_died', 'engine_restarted'])
    expect(await clickhouse.ping()).toBe(true)
  })

  test('takes no orders from a service manager or a terminal: only its parent ends it', async () => {
    const { engine, clickhouse, events } = await start()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(engine.pid, signal)
    // A statement that would end with the process, had it been ended.
    await clickhouse.query('SELECT sleep(0.1)')
    expect(await clickhouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(events).toEqual([])
  })

  test('is told none of the secrets of its parent', async () => {
    process.env['SPANLEDGER_TEST_SECRET'] = 'canary'
    cleanups.push(() => delete process.env['SPANLEDGER_TEST_SECRET'])
    const { engine } = await start()
    // Where there is no /proc, nobody can read it either.
    const environ = process.platform === 'linux' ? readFileSync(`/proc/${engine.pid}/environ`, 'utf8') : 'TZ=UTC'
    expect(environ).toContain('TZ=UTC')
    expect(environ).not.toContain('canary')
  })
})

describe('the stop', () => {
  test('ends the process, frees its ports, and may be called twice', async () => {
    const { engine } = await start()
    const { pid } = engine
    const { hostname, port } = new URL(engine.httpUrl)
    await Promise.all([engine.stop(), engine.stop()])
    await engine.stop()
    expect(isAlive(pid)).toBe(false)
    const server = createServer()
    server.listen(Number(port), hostname)
    await once(server, 'listening')
    server.close()
  })

  test('does not wait for clients that stay connected', async () => {
    const { engine, clickhouse } = await start()
    await clickhouse.ping()
    await open(engine.nativeEndpoint)
    const beganMs = performance.now()
    await engine.stop()
    expect(performance.now() - beganMs).toBeLessThan(4000)
  })

  test('during a restart leaves no process behind', async () => {
    const { engine, events, next } = await start()
    const died = next('engine_died')
    process.kill(engine.pid, 'SIGKILL')
    await died
    await engine.stop()
    expect(engine.pid).toBe(0)
    expect(events.map(([event]) => event)).toEqual(['engine_died'])
  })
})

describe('one engine a data directory', () => {
  test('a second one is refused with the number of the first', async () => {
    const dataDir = newDataDir()
    const { engine } = await start({ dataDir })
    await expect(start({ dataDir, lockWaitMs: 0 })).rejects.toThrow(
      `data directory ${dataDir} is in use by process ${engine.pid}: stop it, or choose another by SPANLEDGER_DATA_DIR`,
    )
  })

  test('the engine ends when its parent is killed, and the next one waits for that', async () => {
    const dataDir = newDataDir()
    const { parent, pid, url } = await startInParent(dataDir)
    // A client that stays connected: the engine takes some seconds to leave it.
    const socket = await open(new URL(url).host)
    socket.write('GET /ping HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n')
    await once(socket, 'data')
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    // Held until the next one has met it: how long it takes to leave is its own affair.
    process.kill(pid, 'SIGSTOP')
    expect(isAlive(pid)).toBe(true)
    const events: EngineEvent[] = []
    const { clickhouse } = await start({
      dataDir,
      log(event) {
        events.push(event)
        process.kill(pid, 'SIGCONT')
      },
    })
    await untilGone(pid)
    expect(events).toEqual(['engine_waiting'])
    expect(await clickhouse.query('SELECT n FROM kept.rows')).toEqual([{ n: '7' }])
  })

  test('a parent killed while its engine starts leaves none behind', async () => {
    const { pid } = await startInParent(newDataDir(), { killAtStart: true })
    await untilGone(pid)
  })
})

/** A process of its own that starts an engine, stores a row and then does nothing; or dies when the engine is spawned. */
async function startInParent(dataDir: string, { killAtStart = false } = {}) {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../collector/clickhouse/${name}`, import.meta.url))
  const dir = JSON.stringify(dataDir)
  const script = killAtStart
    ? `import { ChildProcess } from 'node:child_process'
      import { EmbeddedClickHouse } from ${module('embedded.ts')}
      const spawn = ChildProcess.prototype.spawn
      ChildProcess.prototype.spawn = function (options) {
        const result = spawn.call(this, options)
        process.stdout.write(JSON.stringify({ pid: this.pid }) + '\\n')
        process.kill(process.pid, 'SIGKILL')
        return result
      }
      await EmbeddedClickHouse.start({ dataDir: ${dir}, httpEndpoint: '127.0.0.1:0', nativeEndpoint: '127.0.0.1:0' })`
    : `import { connectClickHouse } from ${module('client.ts')}
      import { EmbeddedClickHouse } from ${module('embedded.ts')}
      const engine = await EmbeddedClickHouse.start({
        dataDir: ${dir}, httpEndpoint: '127.0.0.1:0', nativeEndpoint: '127.0.0.1:0',
      })
      const clickhouse = connectClickHouse({ url: engine.httpUrl, database: 'default' })
      await clickhouse.command('CREATE DATABASE kept ENGINE = Atomic')
      await clickhouse.command('CREATE TABLE kept.rows (n UInt64) ENGINE = MergeTree ORDER BY n')
      await clickhouse.command('INSERT INTO kept.rows SELECT 7', {}, { async_insert: 0 })
      await clickhouse.close()
      process.stdout.write(JSON.stringify({ pid: engine.pid, url: engine.httpUrl }) + '\\n')`
  const parent: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout!, 'data')
  const { pid, url = '' } = JSON.parse(String(line)) as { pid: number; url?: string }
  return { parent, pid, url }
}

describe('what is in the way is said clearly', () => {
  test('a port that is taken', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanups.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    await expect(start({ httpEndpoint: `127.0.0.1:${port}` })).rejects.toThrow(
      `127.0.0.1:${port} is already in use: choose another by SPANLEDGER_EMBEDDED_HTTP_ENDPOINT`,
    )
    await expect(start({ nativeEndpoint: `127.0.0.1:${port}` })).rejects.toThrow(
      `127.0.0.1:${port} is already in use: choose another by SPANLEDGER_EMBEDDED_NATIVE_ENDPOINT`,
    )
  })

  test.each([
    ['0.0.0.0:0', 'has no passwords and listens on this machine only, not on 0.0.0.0'],
    ['192.0.2.1:8123', 'not on 192.0.2.1'],
    ['127.0.0.1', '"127.0.0.1" is no host:port'],
    ['127.0.0.1:99999', '"127.0.0.1:99999" is no host:port'],
    ['localhost:0', 'listens on one host, not on localhost and 127.0.0.1'],
  ])('the address %s', async (httpEndpoint, message) => {
    await expect(start({ httpEndpoint })).rejects.toThrow(message)
  })

  test('a platform without the package', () => {
    expect(() => libraryPath('win32-x64')).toThrow(
      /does not exist for win32-x64 .*set SPANLEDGER_CLICKHOUSE_URL=http:\/\/user:password@host:8123/,
    )
    expect(() => libraryPath('darwin-arm64')).toThrow(/@chdb\/lib-darwin-arm64 .*is not installed: run `npm ci`/)
  })

  test('IPv6 loopback is as good as IPv4', async () => {
    const { engine, clickhouse } = await start({ httpEndpoint: '[::1]:0', nativeEndpoint: '[::1]:0' })
    expect(engine.httpUrl).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect(await clickhouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})
