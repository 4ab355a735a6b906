// What senders report beside what we compute: planted differences, steady ones from a day on, wild ones, and none.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { utc } from '../api/rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insert } from './ask.ts'
import { day, hour, midnight } from './ledger.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
  await insert(engine.url, 'spans', [
    ...series('agrees', [1, 1, 1, 1]),
    // A price rose on the second last day.
    ...series('rose', [1, 1.0001, 1.25, 1.25]),
    // Twice, so that only the last rise is of now.
    ...series('rose twice', [1.1, 1.1, 1.1, 1.5]),
    // It was off, and is right again.
    ...series('mended', [1.25, 1.25, 1, 1]),
    // Another kind of token has another price: no one ratio.
    ...series('wild', [1, 1, 1, 1], (i) => 1 + (i % 10) / 10),
    ...series('rare', [2, 2, 2, 2], undefined, 4),
    ...series('charged', [0.9, 0.9, 0.9, 0.9], undefined, 30, (ours) => ({
      cost_status: 'reported',
      computed_cost: ours,
    })),
    ...series('unpriced', [1, 1, 1, 1], undefined, 30, () => ({
      cost_status: 'unpriced',
      cost_reason: 'unknown_model',
      total_cost: null,
    })),
    ...series('partial', [3, 3, 3, 3], undefined, 30, () => ({
      cost_status: 'partial',
      cost_reason: 'no_rate_for_unit',
    })),
    ...series('alien', [9, 9, 9, 9], undefined, 30, () => ({ project_id: 'other' })),
  ])
})
afterAll(() => engine?.stop())

let spans = 0

/** Calls of four days, each with a ratio of what is reported to what is ours. */
function series(
  model: string,
  ratios: readonly number[],
  wobble: (i: number) => number = () => 1,
  calls = 30,
  more: (ours: string) => Readonly<Record<string, unknown>> = () => ({}),
): object[] {
  return ratios.flatMap((ratio, d) =>
    Array.from({ length: calls }, (_, i) => {
      const ours = 0.001 * (1 + i)
      const reported = (ours * ratio * wobble(i)).toFixed(12)
      return {
        project_id: 'default',
        kind: 'llm',
        start_time: utc(midnight - (4 - d) * day + i * 60_000 + hour),
        trace_id: `trace ${++spans}`,
        span_id: `span ${spans}`,
        provider: 'x_ai',
        model,
        status: 'ok',
        cost_status: 'priced',
        total_cost: Object.hasOwn(more(''), 'computed_cost') ? reported : ours.toFixed(12),
        reported_cost: reported,
        reported_cost_source: 'gen_ai.usage.cost_in_usd_ticks',
        price_entry: `x_ai/${model}#1`,
        price_book: 'book-1',
        retention_days: 90,
        ingested_at: utc(Date.now()),
        revision: 0,
        sign: 1,
        ...more(ours.toFixed(12)),
      }
    }),
  )
}

interface Drift {
  readonly model: string
  readonly verdict: string
  readonly ratio: number
  readonly calls: number
  readonly first_day: string
  readonly last_day: string
  readonly our_cost: string
  readonly reported_cost: string
  readonly difference: string
  readonly price_entry: string
}

async function drifts(params: Readonly<Record<string, unknown>> = {}): Promise<Map<string, Drift>> {
  const query = loadQueries().find(({ id }) => id === 'price_drift')
  if (query === undefined) throw new Error('no price_drift.sql')
  const range = { from: new Date(midnight - 5 * day), to: new Date(midnight) }
  const rows = await runQuery<Drift>(engine.clickhouse, query, { ...range, ...params })
  return new Map(rows.map((row) => [row.model, row]))
}

const date = (daysBack: number) => new Date(midnight - daysBack * day).toISOString().slice(0, 10)

test('a steady difference is a drift with its ratio, calls, first day and price entry', async () => {
  const found = await drifts()
  expect(found.get('rose')).toMatchObject({
    verdict: 'drift',
    calls: 60,
    first_day: date(2),
    last_day: date(1),
    our_cost: '0.93',
    reported_cost: '1.1625',
    difference: '0.2325',
    price_entry: 'x_ai/rose#1',
  })
  expect(found.get('rose')?.ratio).toBeCloseTo(1.25, 6)
  expect(found.get('rose twice')).toMatchObject({ verdict: 'drift', calls: 30, first_day: date(1) })
})

test('what stands as the charge is compared with what we compute', async () => {
  expect((await drifts()).get('charged')).toMatchObject({
    verdict: 'drift',
    calls: 120,
    first_day: date(4),
    difference: '-0.186',
  })
})

test('agreement, a difference without one ratio, and too few calls are told apart', async () => {
  const found = await drifts()
  const verdicts = Object.fromEntries([...found].map(([model, { verdict }]) => [model, verdict]))
  expect(verdicts).toEqual({
    rose: 'drift',
    'rose twice': 'drift',
    charged: 'drift',
    agrees: 'agrees',
    mended: 'differs',
    wild: 'differs',
    rare: 'too few',
  })
  expect([...found.values()].slice(0, 3).every(({ verdict }) => verdict === 'drift')).toBe(true)
  expect(found.get('agrees')).toMatchObject({ ratio: 1, calls: 120, difference: '0' })
})

test('thresholds are the asker’s', async () => {
  expect((await drifts({ min_calls: 1 })).get('rare')).toMatchObject({ verdict: 'drift', ratio: 2 })
  expect((await drifts({ tolerance: 0.3 })).get('rose')).toMatchObject({ verdict: 'agrees', calls: 120 })
})
