// The embedded engine with the users of deploy/clickhouse/users.xml: what docker-compose.yml starts, without Docker.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryPath } from '../../collector/clickhouse/engine-library.ts'
import { migrate } from '../../collector/clickhouse/migrate.ts'
import { freePort } from '../engine.ts'

export interface Server {
  /** `http://host:port`, without credentials. */
  readonly url: string
  stop(): Promise<void>
}

/** Passwords of the users `spanledger` and `grafana`. */
export const passwords = { spanledger: 'writes', grafana: 'reads' } as const

/** Up, and migrated by the user `spanledger`. */
export async function startServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'spanledger-server-'))
  const port = await freePort()
  writeFileSync(join(folder, 'config.xml'), configuration())
  const statements = ['SYSTEM START LISTEN HTTP', "SELECT count() FROM file('-', 'LineAsString', 'line String')"]
  const child = spawn(
    process.execPath,
    [
      '--experimental-ffi',
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('../../collector/clickhouse/engine-child.ts', import.meta.url)),
      libraryPath(),
      `--config-file=${join(folder, 'config.xml')}`,
      `--path=${join(folder, 'data')}`,
      `--http_port=${port}`,
      '--listen_host=127.0.0.1',
      '--query',
      statements.join('; '),
    ],
    {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: {
        TZ: 'UTC',
        SPANLEDGER_CLICKHOUSE_PASSWORD: passwords.spanledger,
        GRAFANA_CLICKHOUSE_PASSWORD: passwords.grafana,
      },
    },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const stop = async (): Promise<void> => {
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 1500)
    await exited
    clearTimeout(timer)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await listening(
      port,
      () => child.exitCode !== null,
      () => said,
    )
    const url = `http://127.0.0.1:${port}`
    const asWriter = `http://spanledger:${passwords.spanledger}@127.0.0.1:${port}`
    await migrate(asWriter, { database: 'spanledger', cluster: '' }, 'test')
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** users.xml, with what the server's own users.xml has beside it: profile, quota and user `default`. */
function configuration(): string {
  const users = readFileSync(new URL('../../deploy/clickhouse/users.xml', import.meta.url), 'utf8')
  return users
    .replace('<profiles>', '<profiles><default/>')
    .replace(
      '<users>',
      '<users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>',
    )
    .replace('</clickhouse>', '<quotas><default/></quotas><users_config>config.xml</users_config></clickhouse>')
}

async function listening(port: number, isGone: () => boolean, said: () => string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline && !isGone()) {
    const isUp = await fetch(`http://127.0.0.1:${port}/ping`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isUp) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`the engine did not start: ${said()}`)
}
