// Requests of real clients, sent in other orders, split and doubled: after settling the ledger says the same, and the rollups
// say what the rows say.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadDialects } from '../../collector/registry.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { priceStored } from '../../collector/settling/price.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { captureNames, oneByOne, traceRequests } from '../captures.ts'
import { dice } from '../dice.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { engineStore } from '../engine-store.ts'
import { shuffled } from './world.ts'

const random = dice(20_261_124)
const book = new PriceBook(loadPriceBook())

const ways: Readonly<Record<string, (requests: readonly Uint8Array[]) => readonly Uint8Array[]>> = {
  'as sent': (requests) => requests,
  'each span alone, in reverse': (requests) => oneByOne(requests).reverse(),
  'each span alone, in any order': (requests) => shuffled(oneByOne(requests), random),
  'requests in reverse': (requests) => [...requests].reverse(),
  'each request twice': (requests) => [...requests, ...requests],
}

const captures = captureNames()
let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  const { clickhouse } = engine
  const pipeline = new Pipeline({
    store: engineStore(engine),
    dialects: await loadDialects(),
    book: () => book,
    settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
  // What arrives in one turn of the event loop is one insert.
  for (const capture of captures)
    for (const [way, change] of Object.entries(ways))
      await Promise.all(change(traceRequests(capture)).map((request) => pipeline.traces(request, `${capture}: ${way}`)))
  const pass = {
    clickhouse,
    now: Date.now,
    price: (rows: Parameters<typeof priceStored>[2]) => priceStored(clickhouse, { bookFor: () => book }, rows),
  }
  const span = { sinceMs: 0, untilMs: Date.now() + 1000 }
  await settlePass(pass, span)
  expect((await settlePass(pass, span)).changes).toBe(0)
}, 120_000)
afterAll(() => engine.stop())

async function ledgerOf(project: string): Promise<unknown[]> {
  return engine.clickhouse.query(
    `SELECT trace_id, span_id, cost_status, cost_reason, counted_as, toString(total_cost) AS cost, price_entry, price_book, provider, model, cost_flags, user_id, session_id,
      feature, attempt, attempts
    FROM spans FINAL WHERE project_id = {project:String} ORDER BY trace_id, span_id`,
    { project },
  )
}

describe.each(captures)('%s', (capture) => {
  test.each(Object.keys(ways).slice(1))('sent %s', async (way) => {
    expect(await ledgerOf(`${capture}: ${way}`)).toEqual(await ledgerOf(`${capture}: as sent`))
  })
})

test('the rollups say what the rows say', async () => {
  const groups = 'project_id, kind, provider, model, feature'
  const sums = (calls: string): string => `toString(${calls}) AS n, toString(sum(t.total_cost)) AS cost`
  const ofRows = await engine.clickhouse.query(
    `SELECT ${groups}, ${sums('count()')} FROM llm_calls AS t GROUP BY ${groups} ORDER BY ${groups}`,
  )
  const ofRollup = await engine.clickhouse.query(
    `SELECT ${groups}, ${sums('sum(t.calls)')} FROM usage_hourly AS t GROUP BY ${groups} HAVING sum(t.calls) != 0 ORDER BY ${groups}`,
  )
  const known = (rows: Record<string, unknown>[]): unknown[] =>
    rows.map((row) => ({ ...row, cost: row['cost'] ?? '0' }))
  expect(known(ofRollup)).toEqual(known(ofRows))
})
