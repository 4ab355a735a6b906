// A collector as users run it: `cli.ts serve` in a process of its own, on free ports, with a directory of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const cli = join(import.meta.dirname, '../../collector/cli.ts')
const free = '127.0.0.1:0'

export interface CollectorUnderTest {
  /** What it printed when everything listened. */
  readonly ready: Readonly<Record<'otlp_http' | 'otlp_grpc' | 'api' | 'admin' | 'clickhouse_http', string>>
  readonly pid: number
  /** What it has logged so far. */
  log(): string
  /** SIGINT, as Ctrl-C; resolves with the exit code and the milliseconds it took. */
  stop(): Promise<{ code: number | null; ms: number }>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'spanledger-e2e-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** Resolves once it is ready; rejects with its log when it ends before. */
export async function startCollector(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CollectorUnderTest> {
  const child = spawn(process.execPath, [cli, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      SPANLEDGER_DATA_DIR: dataDir,
      SPANLEDGER_OTLP_HTTP_ENDPOINT: free,
      SPANLEDGER_OTLP_GRPC_ENDPOINT: free,
      SPANLEDGER_API_ENDPOINT: free,
      SPANLEDGER_ADMIN_ENDPOINT: free,
      SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: free,
      SPANLEDGER_EMBEDDED_NATIVE_ENDPOINT: free,
      SPANLEDGER_JOURNAL_SEGMENT_AGE: '200ms',
      ...env,
    },
  })
  let logged = ''
  child.stderr.on('data', (chunk: Buffer) => {
    logged += chunk.toString()
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = await new Promise<CollectorUnderTest['ready']>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
    void exited.then((code) => reject(new Error(`collector ended with ${code} before it was ready:\n${logged}`)))
  })
  return {
    ready,
    pid: child.pid!,
    log: () => logged,
    stop: () => stopped(child, exited),
    kill: () => killed(child, exited),
  }
}

async function stopped(
  child: ChildProcess,
  exited: Promise<number | null>,
): Promise<{ code: number | null; ms: number }> {
  const from = performance.now()
  child.kill('SIGINT')
  const code = await exited
  return { code, ms: performance.now() - from }
}

async function killed(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  child.kill('SIGKILL')
  await exited
}

/** Rows of a query on the collector's ClickHouse, every value as text. */
export async function ask<T = Record<string, string>>(clickhouse: string, sql: string): Promise<T[]> {
  const response = await fetch(
    `http://${clickhouse}/?database=spanledger&default_format=JSONEachRow&output_format_json_quote_64bit_integers=1&output_format_json_quote_decimals=1`,
    { method: 'POST', body: sql },
  )
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** Waits for something to become true; the deadline is for failures, not for luck. */
export async function until(isTrue: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await isTrue().catch(() => false)) return
    if (performance.now() > deadline) throw new Error('did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
