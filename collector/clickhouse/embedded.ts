// The embedded ClickHouse for as long as the collector runs: finds ports, waits for a predecessor to let go of the data
// directory, asks the engine how it is, starts it again on the same ports when it dies, stops it last.

import { mkdirSync } from 'node:fs'
import { createServer, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { libraryPath } from './engine-library.ts'
import { EngineProcess, type EngineProcessOptions, EngineStartError, type ServerSettings } from './engine-process.ts'

export type EngineEvent =
  | 'engine_died'
  | 'engine_restarted'
  | 'engine_start_failed'
  | 'engine_unhealthy'
  | 'engine_waiting'

export interface EmbeddedOptions {
  readonly dataDir: string
  /** `host:port`, port 0 takes a free one. Loopback only: the engine has no users. */
  readonly httpEndpoint: string
  /** On the same host as the other. */
  readonly nativeEndpoint: string
  /** Limit of the engine's own memory; 2 GiB. */
  readonly memoryBytesMax?: number
  /** Further settings of the server, such as `remote_servers`. */
  readonly serverSettings?: ServerSettings
  readonly log?: (event: EngineEvent, detail: string) => void
  /** Between health checks, and how long one may take; five that fail in a row end the engine. 2 s and 5 s. */
  readonly healthEveryMs?: number
  readonly healthTimeoutMs?: number
  /** How long an engine whose collector was killed may take to let go of the data directory; 8 s. */
  readonly lockWaitMs?: number
}

interface Address {
  readonly host: string
  readonly port: number
}

const memoryBytesDefault = 2 ** 31
const healthMisses = 5
const portTries = 5
const lockRetryMs = 200
/** Pauses before a restart; a run longer than `steadyMs` starts again at the first. */
const backoff = { firstMs: 100, mostMs: 10_000, steadyMs: 30_000 } as const

/** A running engine; restarted on the same ports when it dies. One per data directory. */
export class EmbeddedClickHouse {
  readonly httpUrl: string
  readonly nativeEndpoint: string
  private readonly options: EmbeddedOptions
  private readonly processOptions: EngineProcessOptions
  private readonly stopping = new AbortController()
  private readonly supervised: Promise<void>
  private process: EngineProcess | null

  private constructor(options: EmbeddedOptions, processOptions: EngineProcessOptions, process: EngineProcess) {
    const { host, httpPort, nativePort } = processOptions
    const authority = isIPv6(host) ? `[${host}]` : host
    this.options = options
    this.processOptions = processOptions
    this.process = process
    this.httpUrl = `http://${authority}:${httpPort}`
    this.nativeEndpoint = `${authority}:${nativePort}`
    this.supervised = Promise.all([this.supervise(process), this.watch()]).then(() => undefined)
  }

  /** Resolves when the engine listens; throws an Error that says what is missing or in the way. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedClickHouse> {
    const library = libraryPath()
    const http = parseEndpoint(options.httpEndpoint)
    const native = parseEndpoint(options.nativeEndpoint)
    if (http.host !== native.host)
      throw new Error(`the embedded ClickHouse listens on one host, not on ${http.host} and ${native.host}`)
    const { memoryBytesMax = memoryBytesDefault, serverSettings = {} } = options
    const dataDir = resolve(options.dataDir)
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    for (let tries = 1; ; tries++) {
      const httpPort = http.port || (await freePort(http.host))
      const nativePort = native.port || (await freePort(native.host))
      const processOptions = { library, dataDir, host: http.host, httpPort, nativePort, memoryBytesMax, serverSettings }
      try {
        const process = await startUnlocked(processOptions, options)
        return new EmbeddedClickHouse(options, processOptions, process)
      } catch (error) {
        // A free port may be taken by another between finding and binding.
        const isRace = error instanceof EngineStartError && error.problem === 'port' && http.port * native.port === 0
        if (!isRace || tries === portTries) throw error
      }
    }
  }

  /** Process of the engine; 0 while it is being restarted. */
  get pid(): number {
    return this.process?.pid ?? 0
  }

  /** Resolves when the process is gone. May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.process?.stop()
    await this.supervised
  }

  private async supervise(first: EngineProcess): Promise<void> {
    const { signal } = this.stopping
    let waitMs: number = backoff.firstMs
    for (let process: EngineProcess | null = first; process !== null; ) {
      const startedMs = performance.now()
      const why = await process.exited
      this.process = null
      if (signal.aborted) return
      this.log('engine_died', why)
      if (performance.now() - startedMs > backoff.steadyMs) waitMs = backoff.firstMs
      for (process = null; process === null && !signal.aborted; ) {
        await pause(waitMs, signal)
        waitMs = Math.min(waitMs * 2, backoff.mostMs)
        process = signal.aborted ? null : await this.restart()
      }
    }
  }

  private async restart(): Promise<EngineProcess | null> {
    try {
      const process = await EngineProcess.start(this.processOptions)
      if (this.stopping.signal.aborted) {
        await process.stop()
        return null
      }
      this.process = process
      this.log('engine_restarted', this.httpUrl)
      return process
    } catch (error) {
      this.log('engine_start_failed', error instanceof Error ? error.message : String(error))
      return null
    }
  }

  private async watch(): Promise<void> {
    const { healthEveryMs = 2000 } = this.options
    const { signal } = this.stopping
    for (let missed = 0, watched = this.process; !signal.aborted; ) {
      await pause(healthEveryMs, signal)
      if (this.process !== watched) missed = 0
      watched = this.process
      if (watched === null || signal.aborted) continue
      missed = (await this.ping()) ? 0 : missed + 1
      if (missed < healthMisses) continue
      missed = 0
      this.log('engine_unhealthy', `${healthMisses} health checks in a row went unanswered`)
      watched.kill()
    }
  }

  private async ping(): Promise<boolean> {
    const { healthTimeoutMs = 5000 } = this.options
    try {
      const response = await fetch(`${this.httpUrl}/ping`, {
        // Kept alive it would hold up the stop.
        headers: { connection: 'close' },
        signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(healthTimeoutMs)]),
      })
      await response.arrayBuffer()
      return response.ok
    } catch {
      // Unanswered: the caller counts.
      return false
    }
  }

  private log(event: EngineEvent, detail: string): void {
    this.options.log?.(event, detail)
  }
}

/** An engine whose collector was killed needs a moment to notice, more when clients are connected to it. */
async function startUnlocked(processOptions: EngineProcessOptions, options: EmbeddedOptions): Promise<EngineProcess> {
  const { lockWaitMs = 8000, log } = options
  const deadline = performance.now() + lockWaitMs
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await EngineProcess.start(processOptions)
    } catch (error) {
      const isLocked = error instanceof EngineStartError && error.problem === 'locked'
      if (!isLocked || performance.now() > deadline) throw error
      if (isFirst) log?.('engine_waiting', error.message)
      await pause(lockRetryMs)
    }
  }
}

function parseEndpoint(endpoint: string): Address {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) throw new Error(`"${endpoint}" is no host:port`)
  if (host !== 'localhost' && host !== '::1' && !/^127(\.\d{1,3}){3}$/.test(host)) {
    throw new Error(
      `the embedded ClickHouse has no passwords and listens on this machine only, not on ${host}: use 127.0.0.1, or a ClickHouse server by SPANLEDGER_CLICKHOUSE_URL`,
    )
  }
  return { host, port }
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

/** Ends early, without an error, when the signal fires. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((done) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      done()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
