// A rollup that is not the sum of its rows is found, told, put right by an appended row, and recorded.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reconcile } from '../../collector/reconciling/reconcile.ts'
import { Reconciler } from '../../collector/reconciling/reconciler.ts'
import { drift } from '../../collector/reconciling/rollups.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const hourMs = 3_600_000
const startMs = Math.floor((Date.now() - 5 * hourMs) / hourMs) * hourMs
const startNano = BigInt(startMs) * 1_000_000n
const span = { fromMs: startMs - hourMs, toMs: startMs + 2 * hourMs }

function looked(isDry = false): ReturnType<typeof reconcile> {
  return reconcile({ clickhouse: engine.clickhouse, isDry, againAfterMs: 0 }, span)
}

async function calls(project: string): Promise<unknown> {
  const [row] = await engine.clickhouse.query(
    `SELECT sum(u.calls) AS calls, toString(sum(u.total_cost)) AS cost FROM usage_hourly AS u WHERE u.project_id = {project:String}`,
    { project },
  )
  return row
}

describe('a span sent again that nobody recognised', () => {
  test('is counted once in the end, and the ledger says what was done', async () => {
    const row = spanRow('twice', { project_id: 'repeats', start_time: startNano, provider: 'openai', price_book: 'b1' })
    await insertSpans(engine.clickhouse, [row, spanRow('once', { project_id: 'repeats', start_time: startNano })])
    await insertSpans(engine.clickhouse, [row])
    expect(await calls('repeats')).toEqual({ calls: '3', cost: '2.25' })

    const dry = await looked(true)
    expect(dry.differenceUsd).toBe('0.75')
    expect(dry.differences.map(({ table, counters }) => [table, counters])).toEqual([
      [
        'usage_hourly',
        {
          calls: '1',
          priced_calls: '1',
          input_tokens: '100',
          output_tokens: '10',
          total_cost: '0.75',
          whole_calls: '1',
          whole_cost: '0.75',
          input_cost: '0.5',
          output_cost: '0.25',
        },
      ],
      [
        'usage_user_daily',
        { calls: '1', priced_calls: '1', input_tokens: '100', output_tokens: '10', total_cost: '0.75' },
      ],
    ])
    expect(dry.differences[0]?.group).toMatchObject({
      project_id: 'repeats',
      provider: 'openai',
      model: 'm',
      price_book: 'b1',
    })
    expect(await calls('repeats')).toEqual({ calls: '3', cost: '2.25' })

    expect((await looked()).differences).toHaveLength(2)
    expect(await calls('repeats')).toEqual({ calls: '2', cost: '1.5' })
    expect(await looked()).toEqual({ differences: [], differenceUsd: '0' })
    expect(await drift(engine.clickhouse, span)).toEqual({ groups: 0, cost: '0' })
    expect(
      await engine.clickhouse.query(
        `SELECT project_id, reason, made_by, changes['calls'] AS calls, changes['total_cost'] AS cost, changes['model'] AS model
        FROM ledger_corrections FINAL ORDER BY span_id LIKE 'usage_user%'`,
      ),
    ).toEqual([
      { project_id: 'repeats', reason: 'reconciled', made_by: 'reconcile', calls: '-1', cost: '-0.75', model: 'm' },
      { project_id: 'repeats', reason: 'reconciled', made_by: 'reconcile', calls: '-1', cost: '-0.75', model: '' },
    ])
  })
})

test('rows whose rollup was lost are counted again', async () => {
  await insertSpans(engine.clickhouse, [
    spanRow('lost', { project_id: 'lost', start_time: startNano, cost_status: 'estimated' }),
  ])
  await engine.clickhouse.command('TRUNCATE TABLE usage_user_daily')
  await engine.clickhouse.command(
    "ALTER TABLE usage_hourly DELETE WHERE project_id = 'lost'",
    {},
    { mutations_sync: '2' },
  )
  expect((await looked()).differences.length).toBeGreaterThan(1)
  expect(await calls('lost')).toEqual({ calls: '1', cost: '0.75' })
  expect(await drift(engine.clickhouse, span)).toEqual({ groups: 0, cost: '0' })
  const [estimated] = await engine.clickhouse.query(
    "SELECT toString(sum(u.estimated_cost)) AS cost FROM usage_user_daily AS u WHERE u.project_id = 'lost'",
  )
  expect(estimated).toEqual({ cost: '0.75' })
})

test('a difference that is gone at the second look is none', async () => {
  const row = spanRow('passing', { project_id: 'passing', start_time: startNano })
  await insertSpans(engine.clickhouse, [row])
  await insertSpans(engine.clickhouse, [row])
  const { clickhouse } = engine
  // Somebody else puts it right between the two looks.
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    await reconcile({ clickhouse, againAfterMs: 0 }, span)
    return work()
  }
  expect(await reconcile({ clickhouse, againAfterMs: 0, inTurn }, span)).toEqual({
    differences: [],
    differenceUsd: '0',
  })
  expect(await calls('passing')).toEqual({ calls: '1', cost: '0.75' })
})

test('in the collector: hours that have gone quiet are proven, others left alone', async () => {
  const told: number[] = []
  const warned: unknown[] = []
  const reconciler = new Reconciler({
    clickhouse: engine.clickhouse,
    database: engine.database,
    quietMs: 60_000,
    oldestWaitingMs: () => null,
    onDifference: (usd) => told.push(usd),
    log: { info: () => undefined, warn: (_, detail) => warned.push(detail) },
  })
  const row = spanRow('quiet', { project_id: 'quiet', start_time: startNano })
  await insertSpans(engine.clickhouse, [row])
  await insertSpans(engine.clickhouse, [row])
  const nowMs = Date.now()
  await reconciler.runOnce(nowMs)
  expect(await calls('quiet')).toEqual({ calls: '2', cost: '1.5' })
  await reconciler.runOnce(nowMs + 120_000)
  expect(await calls('quiet')).toEqual({ calls: '1', cost: '0.75' })
  expect([told, warned]).toMatchObject([[0, 0.75], [{ groups: 1, difference_usd: '0.75' }]])
})
