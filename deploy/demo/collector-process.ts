// Finds the collector that the demo talks to: one that is running already, or one started for the purpose.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Where a collector is reached; base URLs. */
export interface CollectorEndpoints {
  readonly otlpHttp: string
  readonly api: string
  /** May carry a user and a password. */
  readonly clickhouseHttp: string
  readonly database: string
}

const cli = fileURLToPath(new URL('../../collector/cli.ts', import.meta.url))
const readyTimeoutMs = 60_000
const stopTimeoutMs = 10_000

/** The collector on the endpoints of the environment, or on the default ones; undefined when none is ready there. */
export async function findRunningCollector(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<CollectorEndpoints | undefined> {
  const admin = environment['SPANLEDGER_ADMIN_ENDPOINT'] ?? '127.0.0.1:8888'
  const isReady = await fetch(`http://${admin}/ready`, { signal: AbortSignal.timeout(1000) }).then(
    ({ ok }) => ok,
    () => false,
  )
  if (!isReady) return undefined
  return {
    otlpHttp: `http://${environment['SPANLEDGER_OTLP_HTTP_ENDPOINT'] ?? '127.0.0.1:4318'}`,
    api: `http://${environment['SPANLEDGER_API_ENDPOINT'] ?? '127.0.0.1:8100'}`,
    clickhouseHttp: clickHouseUrl(environment),
    database: environment['SPANLEDGER_CLICKHOUSE_DATABASE'] ?? 'spanledger',
  }
}

function clickHouseUrl(environment: NodeJS.ProcessEnv): string {
  const server = environment['SPANLEDGER_CLICKHOUSE_URL'] ?? ''
  if (server === '') return `http://${environment['SPANLEDGER_EMBEDDED_HTTP_ENDPOINT'] ?? '127.0.0.1:8123'}`
  const url = new URL(server)
  url.username = environment['SPANLEDGER_CLICKHOUSE_USER'] || url.username
  url.password = environment['SPANLEDGER_CLICKHOUSE_PASSWORD'] || url.password
  return url.href
}

/** A collector of its own on free ports, with its data in `dataDir`. */
export class CollectorProcess {
  readonly endpoints: CollectorEndpoints
  /** `host:port` of `/ready`, `/live` and `/metrics`. */
  readonly admin: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ready: Readonly<Record<string, string>>) {
    this.#child = child
    this.admin = String(ready['admin'])
    this.endpoints = {
      otlpHttp: `http://${ready['otlp_http']}`,
      api: `http://${ready['api']}`,
      clickhouseHttp: `http://${ready['clickhouse_http']}`,
      database: 'spanledger',
    }
  }

  /** Resolves when everything listens. Rejects, with the collector stopped, when it exits or is not ready in a minute. */
  static async start(dataDir: string): Promise<CollectorProcess> {
    const freePort = '127.0.0.1:0'
    const child = spawn(process.execPath, [cli, 'serve'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...withoutSettings(process.env),
        SPANLEDGER_OTLP_GRPC_ENDPOINT: freePort,
        SPANLEDGER_OTLP_HTTP_ENDPOINT: freePort,
        SPANLEDGER_API_ENDPOINT: freePort,
        SPANLEDGER_ADMIN_ENDPOINT: freePort,
        SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: freePort,
        SPANLEDGER_EMBEDDED_NATIVE_ENDPOINT: freePort,
        SPANLEDGER_DATA_DIR: dataDir,
      },
    })
    try {
      return new CollectorProcess(child, await readyLine(child))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** Asks it to stop, as Ctrl-C does; its exit code, or null when it had to be killed. May be called twice. */
  async stop(): Promise<number | null> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exit = once(child, 'exit')
    const killer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    child.kill('SIGINT')
    await exit
    clearTimeout(killer)
    return child.exitCode
  }

  /** Resolves when the collector has exited, whatever ended it. */
  async exited(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

/** The environment without the user's own collector settings, which are meant for another collector. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SPANLEDGER_')))
}

/** The one JSON line that says where everything listens. Anything else on standard output is passed over. */
async function readyLine(child: ChildProcess): Promise<Readonly<Record<string, string>>> {
  if (child.stdout === null) throw new Error('the collector has no standard output')
  const lines = createInterface({ input: child.stdout })
  const timeout = AbortSignal.timeout(readyTimeoutMs)
  const giveUp = () => lines.close()
  timeout.addEventListener('abort', giveUp)
  try {
    for await (const line of lines) {
      const said = parseJson(line)
      if (said?.['msg'] === 'ready') {
        child.stdout.resume()
        return said
      }
    }
  } finally {
    timeout.removeEventListener('abort', giveUp)
  }
  throw new Error(
    timeout.aborted
      ? `the collector was not ready within ${readyTimeoutMs / 1000} s`
      : `the collector ended before it was ready (exit code ${child.exitCode}); its log is above`,
  )
}

function parseJson(line: string): Record<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : undefined
  } catch {
    return undefined
  }
}
