// One run of the embedded engine: libchdb in a child process, `clickhouse local` with listeners.
//
//   this process ──standard input, held open──▶ child: START LISTEN; say 'ready'; read standard input to its end
//
// When this process ends, by whatever means, the kernel closes the pipe, the last statement ends and with it the engine.
// `file('-')` reads the descriptor itself; a path such as /dev/stdin would be opened again, which a socket does not allow.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** `locked`: another engine has the data directory; `port`: somebody listens there. */
export type StartProblem = 'locked' | 'port' | 'other'

export class EngineStartError extends Error {
  override readonly name = 'EngineStartError'
  readonly problem: StartProblem

  constructor(problem: StartProblem, message: string) {
    super(message)
    this.problem = problem
  }
}

export interface EngineProcessOptions {
  readonly library: string
  readonly dataDir: string
  readonly host: string
  readonly httpPort: number
  readonly nativePort: number
  readonly memoryBytesMax: number
  /** Beside, or in place of, our own. */
  readonly serverSettings: ServerSettings
}

/** Settings as they are nested in ClickHouse's configuration file; a list repeats its element. */
export interface ServerSettings {
  readonly [name: string]: string | number | ServerSettings | readonly ServerSettings[]
}

const startMs = 30_000
/** The engine waits 5 s for clients that keep a connection open, and does not need to: what was inserted is on disk. */
const stopGraceMs = 1500
const diagnosisCharsMax = 4000
// The last statement never returns while we live, and is no work: it waits for input.
const statements = [
  'SYSTEM START LISTEN TCP',
  'SYSTEM START LISTEN HTTP',
  "INSERT INTO FUNCTION file('stdout', 'LineAsString', 'line String') SELECT 'ready'",
  "SELECT count() FROM file('-', 'LineAsString', 'line String')",
].join('; ')
/** The rest of the environment, secrets above all, is none of the engine's business. */
const environment = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'] as const

export class EngineProcess {
  readonly pid: number
  /** Resolves with the reason when the process is gone, wanted or not. */
  readonly exited: Promise<string>
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, exited: Promise<string>) {
    this.child = child
    this.pid = child.pid ?? 0
    this.exited = exited
  }

  /** Resolves when both listeners are up. Throws EngineStartError. */
  static async start(options: EngineProcessOptions): Promise<EngineProcess> {
    const child = launch(options)
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-diagnosisCharsMax)
    })
    // A write we never make cannot fail, but the pipe of a dead child can.
    child.stdin?.on('error', () => undefined)
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code, signal) =>
        resolve(`${signal ?? `exit code ${code}`}${said === '' ? '' : `: ${said}`}`),
      )
    })
    const ready = new Promise<true>((resolve) => child.stdout?.once('data', () => resolve(true)))
    const { promise: late, resolve: giveUp } = Promise.withResolvers<false>()
    const timer = setTimeout(() => giveUp(false), startMs)
    const outcome = await Promise.race([ready, late, exited])
    clearTimeout(timer)
    if (outcome === true) {
      child.stdout?.resume()
      return new EngineProcess(child, exited)
    }
    child.kill('SIGKILL')
    if (outcome === false)
      throw new EngineStartError('other', `the embedded ClickHouse did not start within ${startMs / 1000} s`)
    throw startError(outcome, options)
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  /** Ends its input, and after some time the process. */
  async stop(): Promise<void> {
    this.child.stdin?.end()
    const timer = setTimeout(() => this.kill(), stopGraceMs)
    await this.exited
    clearTimeout(timer)
  }
}

function launch(options: EngineProcessOptions): ChildProcess {
  const { library, dataDir, host, httpPort, nativePort } = options
  const path = enginePath(dataDir)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  const config = join(dataDir, 'engine.xml')
  const users = join(dataDir, 'engine-users.xml')
  writeFileSync(config, engineConfig(options, users), { mode: 0o600 })
  writeFileSync(users, xml(engineUsers), { mode: 0o600 })
  return spawn(
    process.execPath,
    [
      '--experimental-ffi',
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'engine-child.ts'),
      library,
      `--config-file=${config}`,
      `--path=${path}`,
      `--http_port=${httpPort}`,
      `--tcp_port=${nativePort}`,
      `--listen_host=${host}`,
      '--query',
      statements,
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Days are UTC days in every question, wherever the machine is.
      env: { ...Object.fromEntries(environment.map((name) => [name, process.env[name]])), TZ: 'UTC' },
      // A group of its own, or Ctrl-C would take the engine away from a collector that still has rows to write.
      detached: true,
    },
  )
}

function enginePath(dataDir: string): string {
  return join(dataDir, 'clickhouse')
}

/** Defaults are those of a server that owns its machine: caches of 5 GiB, 16 merging threads, 90 % of the memory. */
function engineConfig({ memoryBytesMax, serverSettings }: EngineProcessOptions, users: string): string {
  return xml({
    clickhouse: {
      users_config: users,
      max_server_memory_usage: memoryBytesMax,
      mark_cache_size: 64 << 20,
      index_mark_cache_size: 16 << 20,
      uncompressed_cache_size: 0,
      index_uncompressed_cache_size: 0,
      compiled_expression_cache_size: 8 << 20,
      mmap_cache_size: 100,
      background_pool_size: 2,
      background_common_pool_size: 2,
      background_schedule_pool_size: 4,
      background_fetches_pool_size: 1,
      max_thread_pool_free_size: 16,
      // What a pool of two can do; the defaults are larger than the pool and refused.
      merge_tree: {
        number_of_free_entries_in_pool_to_execute_mutation: 1,
        number_of_free_entries_in_pool_to_lower_max_size_of_merge: 1,
        number_of_free_entries_in_pool_to_execute_optimize_entire_partition: 1,
      },
      ...serverSettings,
    },
  })
}

/**
 * One user without a password, as clickhouse local has it. Its questions run on every core as long as 128 MiB are free for each:
 * by default it is 1 GiB, which leaves one thread to an engine of our size. Source: ClickHouse 26.7, max_threads_min_free_memory_per_thread.
 */
const engineUsers: ServerSettings = {
  clickhouse: {
    profiles: { default: { max_threads_min_free_memory_per_thread: 128 << 20 } },
    quotas: { default: {} },
    users: {
      default: {
        password: '',
        networks: { ip: '::/0' },
        profile: 'default',
        quota: 'default',
        access_management: 1,
        named_collection_control: 1,
      },
    },
  },
}

function xml(settings: ServerSettings): string {
  return Object.entries(settings)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map(
        (each) => `<${name}>${typeof each === 'object' ? xml(each) : each}</${name}>`,
      ),
    )
    .join('')
}

// A failure to listen, or to lock, prints an exception and exits with 0: the text is what tells.
function startError(why: string, { dataDir, host, httpPort, nativePort }: EngineProcessOptions): EngineStartError {
  if (/Cannot lock file/i.test(why)) {
    return new EngineStartError(
      'locked',
      `data directory ${dataDir} is in use by ${holder(dataDir)}: stop it, or choose another by SPANLEDGER_DATA_DIR`,
    )
  }
  if (/Address already in use/i.test(why)) {
    const isHttp = why.includes(`:${httpPort} `)
    return new EngineStartError(
      'port',
      `${host}:${isHttp ? httpPort : nativePort} is already in use: choose another by SPANLEDGER_EMBEDDED_${isHttp ? 'HTTP' : 'NATIVE'}_ENDPOINT`,
    )
  }
  return new EngineStartError('other', `the embedded ClickHouse did not start (${why})`)
}

/** ClickHouse writes its process id into the file it locks. */
function holder(dataDir: string): string {
  try {
    const pid = /^PID: (\d+)/m.exec(readFileSync(join(enginePath(dataDir), 'status'), 'utf8'))?.[1]
    return pid === undefined ? 'another process' : `process ${pid}`
  } catch {
    // Gone in the meantime.
    return 'another process'
  }
}
