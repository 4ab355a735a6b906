// Whoever adopts or undoes a run may be killed at any point, and so may the engine: what follows completes the step, and the
// ledger is in the one state or the other, the rollups with it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drift } from '../../collector/reconciling/rollups.ts'
import { completeSteps, step } from '../../collector/repricing/publish.ts'
import { findRun } from '../../collector/repricing/runs.ts'
import { StepKeeper } from '../../collector/repricing/step-keeper.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { fromMs, insertCalls, laterBook, partsOf, randomCalls, stateOf, toMs, writtenRun } from './ledger.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const child = new URL('kill-child.ts', import.meta.url).pathname

/** Adopts or undoes in a process of its own that kills itself at its n-th point; the point, or null when it came to its end. */
async function killedAt(n: number, run: string, direction: string, laterMs = 0): Promise<string | null> {
  const process_ = spawn(process.execPath, [child, engine.url, run, direction, String(n), String(laterMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  process_.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code, signal] = (await once(process_, 'close')) as [number | null, string | null]
  if (signal === 'SIGKILL') return said.trim().split('\n').at(-1) ?? ''
  expect(code).toBe(0)
  return null
}

describe('killed with SIGKILL', () => {
  test('at any point of adopting and of undoing, the step is completed by the next who looks', async () => {
    await insertCalls(engine.clickhouse, randomCalls('kill', 400, 21))
    const before = await stateOf(engine.clickhouse, 'kill')
    const { pricing_run } = await writtenRun(engine, 'kill', laterBook)
    const parts = partsOf(engine, laterBook)
    await step(parts, pricing_run, 'adopting')
    const after = await stateOf(engine.clickhouse, 'kill')
    await step(parts, pricing_run, 'undoing')

    const points = new Set<string>()
    // Two slices have 12 points; every one of them once, in turn adopting and undoing.
    for (let n = 1; ; n++) {
      const direction = n % 2 === 1 ? 'adopting' : 'undoing'
      const point = await killedAt(n, pricing_run, direction)
      if (point === null) break
      points.add(point.replace(/\d+/, '#'))
      expect((await findRun(engine.clickhouse, pricing_run))?.state).toBe(direction)
      const [completed] = await completeSteps(parts)
      expect(completed?.state).toBe(direction === 'adopting' ? 'adopted' : 'undone')
      expect(await stateOf(engine.clickhouse, 'kill')).toEqual(direction === 'adopting' ? after : before)
      expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    }
    expect([...points].sort()).toEqual([
      'after spans #',
      'before corrections #',
      'before spans #',
      'before the end',
      'begun',
      'prepared #',
    ])
  }, 180_000)

  test('in the middle of an insert, which the engine goes on with while it is sent again', async () => {
    await insertCalls(engine.clickhouse, randomCalls('middle', 300, 25))
    const { pricing_run, slices } = await writtenRun(engine, 'middle', laterBook)
    const before = await stateOf(engine.clickhouse, 'middle')
    const parts = partsOf(engine, laterBook)
    await step(parts, pricing_run, 'adopting')
    const after = await stateOf(engine.clickhouse, 'middle')
    // The point before the pairs of the first slice: begun, each slice prepared, before corrections, before spans.
    const point = 1 + slices.length + 2
    for (const [i, laterMs] of [10, 30, 60, 100].entries()) {
      const direction = i % 2 === 0 ? 'undoing' : 'adopting'
      expect(await killedAt(point, pricing_run, direction, laterMs)).toBe('before spans 0')
      await completeSteps(parts)
      expect(await stateOf(engine.clickhouse, 'middle')).toEqual(direction === 'adopting' ? after : before)
      expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    }
  }, 120_000)

  test('the engine too: it comes back, and so does the step', async () => {
    await insertCalls(engine.clickhouse, randomCalls('engine', 500, 22))
    const { pricing_run } = await writtenRun(engine, 'engine', laterBook)
    const parts = partsOf(engine, laterBook)
    const before = await stateOf(engine.clickhouse, 'engine')
    await step(parts, pricing_run, 'adopting')
    const after = await stateOf(engine.clickhouse, 'engine')
    for (const [at, direction] of [
      ['before spans 0', 'undoing'],
      ['prepared 0', 'adopting'],
    ] as const) {
      const seam = (point: string): void => {
        // A little later, so that it is in the middle of the insert.
        if (point === at) setTimeout(() => process.kill(engine.pid, 'SIGKILL'), 40)
      }
      await step({ ...parts, seam }, pricing_run, direction).catch(() => undefined)
      await untilUp()
      await completeSteps(parts)
      expect((await findRun(engine.clickhouse, pricing_run))?.state).toBe(
        direction === 'adopting' ? 'adopted' : 'undone',
      )
      expect(await stateOf(engine.clickhouse, 'engine')).toEqual(direction === 'adopting' ? after : before)
      expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    }
  }, 180_000)
})

async function untilUp(): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await engine.clickhouse.query('SELECT 1').then(
      () => true,
      () => false,
    )
    if (isUp) return
    await new Promise((done) => setTimeout(done, 100))
  }
}

test('a collector completes what nobody has touched for a while, and nothing that somebody is at', async () => {
  await insertCalls(engine.clickhouse, randomCalls('keeper', 200, 24))
  const { pricing_run } = await writtenRun(engine, 'keeper', laterBook)
  expect(await killedAt(4, pricing_run, 'adopting')).not.toBeNull()
  const log = { info: () => undefined, warn: () => undefined, limited: () => undefined }
  const patient = new StepKeeper({ clickhouse: engine.clickhouse, database: engine.database, log, staleMs: 600_000 })
  patient.start()
  await patient.stop()
  expect((await findRun(engine.clickhouse, pricing_run))?.state).toBe('adopting')
  const keeper = new StepKeeper({ clickhouse: engine.clickhouse, database: engine.database, log, staleMs: 50 })
  keeper.start()
  await expect
    .poll(async () => (await findRun(engine.clickhouse, pricing_run))?.state, { timeout: 30_000 })
    .toBe('adopted')
  await keeper.stop()
  expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
}, 60_000)

test('two that complete the same step at once do it once', async () => {
  await insertCalls(engine.clickhouse, randomCalls('both', 300, 23))
  const { pricing_run } = await writtenRun(engine, 'both', laterBook)
  const parts = partsOf(engine, laterBook)
  await step(parts, pricing_run, 'adopting')
  const after = await stateOf(engine.clickhouse, 'both')
  await step(parts, pricing_run, 'undoing')
  expect(await killedAt(5, pricing_run, 'adopting')).not.toBeNull()
  await Promise.all([completeSteps(parts), completeSteps(parts), step(parts, pricing_run, 'adopting')])
  expect(await stateOf(engine.clickhouse, 'both')).toEqual(after)
  expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
}, 60_000)
