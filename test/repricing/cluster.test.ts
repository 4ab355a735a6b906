// Repricing in the cluster form, on two shards: rows are written and published through the Distributed tables.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { drift } from '../../collector/reconciling/rollups.ts'
import { completeSteps, step } from '../../collector/repricing/publish.ts'
import { type Shards, startShards } from '../clickhouse/shards.ts'
import { fromMs, insertCalls, laterBook, partsOf, randomCalls, stateOf, toMs, writtenRun } from './ledger.ts'

let running: Shards
beforeAll(async () => {
  running = await startShards()
})
afterAll(() => running.stop())

test('a run is adopted and undone on all shards, also when it was cut short', async () => {
  const [first, second] = running.shards
  if (first === undefined || second === undefined) throw new Error('two shards are needed')
  const place = { clickhouse: first, database: running.database }
  const parts = partsOf(place, laterBook)
  await insertCalls(first, randomCalls('sharded', 400, 31))
  const before = await stateOf(first, 'sharded')
  const run = await writtenRun(place, 'sharded', laterBook)
  expect(run.changed).toBeGreaterThan(100)
  await step(parts, run.pricing_run, 'adopting')
  const after = await stateOf(second, 'sharded')
  expect(after).not.toEqual(before)
  expect(after).toEqual(await stateOf(first, 'sharded'))
  expect(await drift(second, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
  for (const shard of running.shards) {
    const [row] = await shard.query<{ rows: string }>(
      'SELECT count() AS rows FROM spans_local FINAL WHERE revision = 1',
    )
    expect(Number(row?.rows)).toBeGreaterThan(30)
  }
  const ends = new Error('the end')
  const seam = (point: string): void => {
    if (point === 'after spans 0') throw ends
  }
  await expect(step({ ...parts, seam }, run.pricing_run, 'undoing')).rejects.toBe(ends)
  await completeSteps(parts)
  expect(await stateOf(second, 'sharded')).toEqual(before)
  expect(await drift(first, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
}, 120_000)
