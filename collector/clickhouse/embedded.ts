// The embedded ClickHouse: libchdb out of npm's platform package, in a child process that cannot outlive this one.
//
//   this process ──holds open──▶ FIFO in the data directory ◀──reads to its end── child: clickhouse local with listeners
//
// The open of the FIFO returns when the engine's listeners are up and its last statement begins to read. When this process
// ends, by whatever means, the kernel closes the FIFO, the statement ends and with it the engine.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
  'darwin-x64': '@chdb/lib-darwin-x64',
}

const startMs = 30_000
const healthEveryMs = 2000
const backoffMs = { first: 200, most: 10_000 } as const

export interface EmbeddedOptions {
  readonly dataDir: string
  /** `host:port`, port 0 takes a free one. Loopback only: the engine has no users. */
  readonly httpEndpoint: string
  readonly nativeEndpoint: string
  /** Limit of the engine's own memory. */
  readonly memoryBytesMax?: number
  readonly log?: (event: 'engine_died' | 'engine_restarted' | 'engine_unhealthy', detail: string) => void
}

interface Address {
  readonly host: string
  readonly port: number
}

/** A running engine; restarted on the same ports when it dies. One per data directory. */
export class EmbeddedClickHouse {
  readonly httpUrl: string
  readonly nativeEndpoint: string
  private readonly options: EmbeddedOptions
  private readonly http: Address
  private readonly native: Address
  private child: ChildProcess | undefined
  private fifo: FileHandle | undefined
  private isStopping = false
  private restarting: Promise<void> = Promise.resolve()
  private health: NodeJS.Timeout | undefined

  private constructor(options: EmbeddedOptions, http: Address, native: Address) {
    this.options = options
    this.http = http
    this.native = native
    this.httpUrl = `http://${http.host}:${http.port}`
    this.nativeEndpoint = `${native.host}:${native.port}`
  }

  /** Resolves when the engine answers; throws an Error that says what is missing or in the way. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedClickHouse> {
    const http = await address(options.httpEndpoint)
    const native = await address(options.nativeEndpoint)
    const engine = new EmbeddedClickHouse({ ...options, dataDir: resolve(options.dataDir) }, http, native)
    mkdirSync(engine.options.dataDir, { recursive: true, mode: 0o700 })
    await engine.launch()
    engine.watch()
    return engine
  }

  /** Process of the engine; 0 while it is being restarted. */
  get pid(): number {
    return this.child?.pid ?? 0
  }

  async stop(): Promise<void> {
    if (this.isStopping) return
    this.isStopping = true
    clearInterval(this.health)
    await this.restarting
    await this.end()
  }

  private async launch(): Promise<void> {
    const { dataDir } = this.options
    const fifo = join(dataDir, 'engine.fifo')
    rmSync(fifo, { force: true })
    execFileSync('mkfifo', ['-m', '600', fifo])
    const config = join(dataDir, 'engine.xml')
    writeFileSync(config, engineConfig(this.options.memoryBytesMax ?? 2 ** 31), { mode: 0o600 })
    const child = spawn(
      process.execPath,
      [
        '--experimental-ffi',
        '--disable-warning=ExperimentalWarning',
        join(import.meta.dirname, 'engine-child.ts'),
        libraryPath(),
        `--config-file=${config}`,
        `--path=${join(dataDir, 'clickhouse')}`,
        `--http_port=${this.http.port}`,
        `--tcp_port=${this.native.port}`,
        `--listen_host=${this.http.host}`,
        '--query',
        `SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM file('${fifo}', 'LineAsString')`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } },
    )
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
    })
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', (code, signal) =>
        reject(new Error(`embedded ClickHouse ended at once (${signal ?? code}): ${reason(said)}`)),
      )
      child.once('error', reject)
    })
    // Not both: whoever of the two settles later must not be an unhandled rejection.
    ended.catch(() => undefined)
    const opening = open(fifo, 'w')
    opening.catch(() => undefined)
    try {
      this.fifo = await withTimeout(
        Promise.race([opening, ended]),
        startMs,
        'embedded ClickHouse did not start within 30 s',
      )
      await withTimeout(Promise.race([this.answers(), ended]), startMs, 'embedded ClickHouse does not answer')
    } catch (error) {
      child.kill('SIGKILL')
      await releaseFifo(fifo, opening)
      throw error
    }
    this.child = child
    child.once('exit', (code, signal) => this.died(`${signal ?? code}: ${reason(said)}`))
  }

  private async answers(): Promise<void> {
    while (!(await this.ping())) await pause(20)
  }

  private async ping(): Promise<boolean> {
    try {
      const response = await fetch(`${this.httpUrl}/ping`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(5000),
      })
      return response.ok
    } catch {
      // Not yet, or no longer: the caller counts.
      return false
    }
  }

  private watch(): void {
    let missed = 0
    this.health = setInterval(async () => {
      if (this.child === undefined) return
      missed = (await this.ping()) ? 0 : missed + 1
      if (missed < 5) return
      missed = 0
      this.options.log?.('engine_unhealthy', 'five health checks in a row went unanswered: the engine is restarted')
      this.child?.kill('SIGKILL')
    }, healthEveryMs)
    this.health.unref()
  }

  private died(detail: string): void {
    this.child = undefined
    if (this.isStopping) return
    this.options.log?.('engine_died', detail)
    this.restarting = this.restart()
  }

  private async restart(): Promise<void> {
    await this.fifo?.close().catch(() => undefined)
    for (let wait: number = backoffMs.first; !this.isStopping; wait = Math.min(wait * 2, backoffMs.most)) {
      try {
        await this.launch()
        this.options.log?.('engine_restarted', this.httpUrl)
        return
      } catch (error) {
        this.options.log?.('engine_died', error instanceof Error ? error.message : String(error))
        await pause(wait)
      }
    }
  }

  private async end(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    const ended = new Promise<void>((done) => child.once('exit', () => done()))
    await this.fifo?.close()
    const timer = setTimeout(() => child.kill('SIGKILL'), 4000)
    await ended
    clearTimeout(timer)
  }
}

/** Path of libchdb; throws an Error that names the way out where npm has no such package or did not install it. */
export function libraryPath(platform = `${process.platform}-${process.arch}`): string {
  const name = packages[platform]
  const wayOut = 'set SPANLEDGER_CLICKHOUSE_URL=http://user:password@host:8123 to use a ClickHouse server'
  if (name === undefined)
    throw new Error(
      `the embedded ClickHouse does not exist for ${platform} (only for ${Object.keys(packages).join(', ')}): ${wayOut}`,
    )
  try {
    const path = join(createRequire(import.meta.url).resolve(`${name}/package.json`), '../libchdb.so')
    if (existsSync(path)) return path
  } catch {
    // Not installed: said below.
  }
  throw new Error(
    `the npm package ${name} is not installed: run \`npm ci\` without leaving out optional dependencies, or ${wayOut}`,
  )
}

function engineConfig(memoryBytesMax: number): string {
  const settings = {
    max_server_memory_usage: memoryBytesMax,
    mark_cache_size: 64 << 20,
    uncompressed_cache_size: 0,
    index_mark_cache_size: 16 << 20,
    index_uncompressed_cache_size: 0,
    mmap_cache_size: 100,
    compiled_expression_cache_size: 8 << 20,
    background_pool_size: 2,
    background_schedule_pool_size: 4,
    background_fetches_pool_size: 1,
    background_common_pool_size: 2,
    background_message_broker_schedule_pool_size: 1,
    background_distributed_schedule_pool_size: 1,
  }
  return `<clickhouse>${Object.entries(settings)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join(
      '',
    )}<merge_tree><number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation><number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge><number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition></merge_tree></clickhouse>`
}

/** An open that still waits for a reader would keep a thread for ever: read it ourselves once. */
async function releaseFifo(fifo: string, opening: Promise<FileHandle>): Promise<void> {
  const reader = await open(fifo, 'r+')
  const writer = await opening
  await writer.close()
  await reader.close()
}

function reason(said: string): string {
  const text = said.trim()
  if (/address already in use|EADDRINUSE/i.test(text))
    return 'a port is already in use; choose others by SPANLEDGER_EMBEDDED_HTTP_ENDPOINT and SPANLEDGER_EMBEDDED_NATIVE_ENDPOINT'
  if (/lock|another (server|process)/i.test(text))
    return `its data directory is in use by another process: ${text.slice(-300)}`
  return text === '' ? 'it said nothing' : text.slice(-600)
}

async function address(endpoint: string): Promise<Address> {
  const at = endpoint.lastIndexOf(':')
  const host = endpoint.slice(0, at)
  const port = Number(endpoint.slice(at + 1))
  return { host, port: port === 0 ? await freePort(host) : port }
}

function freePort(host: string): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, host, () => {
      const at = server.address()
      server.close(() => done(typeof at === 'object' && at !== null ? at.port : 0))
    })
  })
}

function withTimeout<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(message)), ms)
    work.then(done, fail).finally(() => clearTimeout(timer))
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
