// What was answered is never lost and never there twice: through kill -9 under load, and through an engine that is away.

import { afterEach, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

let made = 0
function request(spans: number): { body: Uint8Array; ids: string[] } {
  const ids = Array.from({ length: spans }, () => (++made).toString(16).padStart(16, '0'))
  const body = tracesRequest({
    scope: 'opentelemetry.instrumentation.openai_v2',
    resource: { 'service.name': 'load' },
    spans: ids.map((spanId) => ({
      spanId,
      traceId: `${'a'.repeat(16)}${spanId}`,
      startMs: Date.now() - 1000,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.response.model': 'gpt-4.1-2025-04-14',
        'gen_ai.usage.input_tokens': 1000,
        'gen_ai.usage.output_tokens': 100,
      },
    })),
  })
  return { body, ids }
}

/** Sends requests one after the other until told to stop; remembers which spans were answered with success. */
function load(answered: Set<string>): { send(collector: CollectorUnderTest): void; stop(): Promise<void> } {
  let isRunning = true
  const senders: Promise<void>[] = []
  return {
    send(collector) {
      for (let n = 0; n < 4; n++) senders.push(sender(collector, answered, () => isRunning))
    },
    async stop() {
      isRunning = false
      await Promise.all(senders)
    },
  }
}

async function sender(collector: CollectorUnderTest, answered: Set<string>, isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    const { body, ids } = request(20)
    const response = await fetch(`http://${collector.ready.otlp_http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: body as Uint8Array<ArrayBuffer>,
    }).catch(() => undefined)
    if (response === undefined) return
    if (response.status === 200) for (const id of ids) answered.add(id)
    await response.arrayBuffer().catch(() => undefined)
  }
}

async function expectBooksToHold(collector: CollectorUnderTest, answered: ReadonlySet<string>): Promise<void> {
  const count = async () =>
    Number((await ask(collector.ready.clickhouse_http, 'SELECT count() AS n FROM spans'))[0]!['n'])
  await until(async () => (await count()) >= answered.size)
  // An insert is visible in its table a moment before it is in the targets of the materialised views.
  const rolledUp = async () =>
    Number((await ask(collector.ready.clickhouse_http, 'SELECT sum(calls) AS n FROM usage_hourly'))[0]!['n'])
  await until(async () => (await rolledUp()) >= (await count()))
  const [rows] = await ask(
    collector.ready.clickhouse_http,
    'SELECT count() AS n, uniqExact(trace_id, span_id) AS spans, sum(total_cost) AS cost FROM spans',
  )
  expect(rows!['n']).toBe(rows!['spans'])
  const stored = new Set(
    (await ask<{ span_id: string }>(collector.ready.clickhouse_http, 'SELECT span_id FROM spans')).map(
      ({ span_id }) => span_id,
    ),
  )
  expect([...answered].filter((id) => !stored.has(id))).toEqual([])
  const [rollup] = await ask(
    collector.ready.clickhouse_http,
    'SELECT sum(calls) AS n, sum(total_cost) AS cost FROM usage_hourly',
  )
  expect(rollup).toEqual({ n: rows!['n'], cost: rows!['cost'] })
}

test('kill -9 under load, ten times over: no answered span is missing, none is there twice', {
  timeout: 120_000,
}, async () => {
  const { path, remove } = temporaryDirectory()
  cleanups.push(remove)
  const answered = new Set<string>()
  for (let life = 0; life < 10; life++) {
    const collector = await startCollector(path)
    const running = load(answered)
    const before = answered.size
    running.send(collector)
    await until(async () => answered.size > before + 300 + life * 40)
    await collector.kill()
    await running.stop()
  }
  const collector = await startCollector(path)
  cleanups.push(() => collector.stop())
  expect(answered.size).toBeGreaterThan(3000)
  await expectBooksToHold(collector, answered)
})

test('an engine that is away: every request is answered, and all rows are there afterwards', {
  timeout: 60_000,
}, async () => {
  const { path, remove } = temporaryDirectory()
  cleanups.push(remove)
  const collector = await startCollector(path)
  cleanups.push(() => collector.stop())
  const answered = new Set<string>()
  const before = load(answered)
  before.send(collector)
  await until(async () => answered.size > 200)
  await before.stop()

  const [engine] = await engineOf(collector)
  process.kill(engine!, 'SIGSTOP')
  cleanups.push(() => signalIfAlive(engine!, 'SIGCONT'))
  const during = load(answered)
  const size = answered.size
  during.send(collector)
  await until(async () => answered.size > size + 1000)
  await during.stop()
  expect(answered.size % 20).toBe(0)
  process.kill(engine!, 'SIGCONT')
  await expectBooksToHold(collector, answered)
})

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended with its collector.
  }
}

/** Processes whose parent is the collector. */
async function engineOf(collector: CollectorUnderTest): Promise<number[]> {
  const { execFileSync } = await import('node:child_process')
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  return listed
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (parent === collector.pid ? [pid!] : []))
}
