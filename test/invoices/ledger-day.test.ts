// The ledger's side: the question invoice_ledger_day over calls drawn by hand, in a real engine.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readLedgerDays } from '../../collector/invoices/ledger.ts'
import type { LedgerCell } from '../../processors/invoices/ledger.ts'
import { kindName } from '../../processors/invoices/map.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insert } from '../queries/ask.ts'

let engine: TestEngine
let next = 0

function call(columns: Readonly<Record<string, unknown>>): Record<string, unknown> {
  next++
  return {
    project_id: 'p',
    kind: 'llm',
    start_time: '2026-11-02 12:00:00',
    trace_id: `trace-${next}`,
    span_id: `span-${next}`,
    provider: 'anthropic',
    model: 'claude-x',
    status: 'ok',
    cost_status: 'priced',
    price_book: 'book',
    price_entry: 'claude-x#1',
    retention_days: 4000,
    sign: 1,
    ...columns,
  }
}

/** 100 fresh input tokens at 2 and 10 of output at 10 dollars a million. */
const plain = {
  input_tokens: 100,
  output_tokens: 10,
  input_cost: '0.0002',
  output_cost: '0.0001',
  total_cost: '0.0003',
}

beforeAll(async () => {
  engine = await startTestEngine()
  const rates = {
    input: '2',
    cacheRead: '0.2',
    cacheWrite: '2.5',
    cacheWrite1h: '4',
    output: '10',
    inputAudio: '20',
    webSearch: '10',
  }
  const entry = {
    price_book: 'book',
    entry_id: 'claude-x#1',
    provider: 'anthropic',
    model: 'claude-x',
    per: { tokens: '1000000', webSearch: '1000' },
  }
  await insert(engine.url, 'model_prices', [
    { ...entry, min_input_tokens: 0, rates },
    { ...entry, min_input_tokens: 200_000, rates: { ...rates, cacheWrite: '5', cacheWrite1h: '8' } },
  ])
})

afterAll(() => engine?.stop())

/** Inserts the calls into a day of their own and reads it: "kind tier geo": [quantity, dollars]. */
async function read(calls: readonly Record<string, unknown>[], zone = 'UTC', day = '2026-11-02') {
  const project = `p${next}`
  await insert(
    engine.url,
    'spans',
    calls.map((each) => ({ ...each, project_id: project })),
  )
  const { cells } = await readLedgerDays(engine.clickhouse, { days: [day], zone, project })
  return { cells, seen: Object.fromEntries(cells.map((cell) => [keyOf(cell), quantityAndCost(cell)])) }
}

function keyOf({ family, dimensions }: LedgerCell): string {
  const conditions = [dimensions.tier, dimensions.geo ?? '?', dimensions.speed, dimensions.band].filter(
    (each) => each !== '',
  )
  return [kindName(family, dimensions), ...conditions].join(' ')
}

function quantityAndCost({ quantity, amount }: LedgerCell) {
  return [Number(quantity / 10n ** 12n), amount === null ? null : formatPicoUsd(amount)]
}

describe('kinds are disjoint and add up to the cost', () => {
  test('a column that covers several kinds is divided by the rates of the entry', async () => {
    const { seen } = await read([
      call({
        input_tokens: 1000,
        cache_read_tokens: 200,
        cache_write_tokens: 300,
        usage_other: { cache_write_1h_tokens: 100, input_audio_tokens: 50, web_search_calls: 3 },
        output_tokens: 10,
        input_cost: '0.0019',
        cache_read_cost: '0.00004',
        cache_write_cost: '0.0009',
        output_cost: '0.0001',
        other_cost: '0.03',
        total_cost: '0.03294',
      }),
    ])
    expect(seen).toEqual({
      input: [450, '0.0009'],
      input_audio: [50, '0.001'],
      cache_read: [200, '0.00004'],
      cache_write_5m: [200, '0.0005'],
      cache_write_1h: [100, '0.0004'],
      output: [10, '0.0001'],
      web_search: [3, '0.03'],
      requests: [1, null],
    })
  })

  test('at the rates of the band the call was in', async () => {
    const { seen } = await read([
      call({
        input_tokens: 300_000,
        cache_write_tokens: 300_000,
        usage_other: { cache_write_1h_tokens: 100_000 },
        output_tokens: 0,
        cache_write_cost: '1.8',
        total_cost: '1.8',
      }),
    ])
    expect(seen).toEqual({
      'cache_write_5m long': [200_000, '1'],
      'cache_write_1h long': [100_000, '0.8'],
      'requests long': [1, null],
    })
  })

  test('a reported total without parts is divided, to the last pico', async () => {
    const { cells } = await read([
      call({
        input_tokens: 700,
        cache_write_tokens: 300,
        output_tokens: 33,
        total_cost: '0.001000000007',
        cost_status: 'reported',
      }),
    ])
    expect(cells.reduce((all, { amount }) => all + (amount ?? 0n), 0n)).toBe(1_000_000_007n)
    expect(cells.every(({ amount, family }) => family === 'requests' || (amount ?? 0n) > 0n)).toBe(true)
  })

  test('what has no price has none here, and a failed call that used nothing is no request', async () => {
    const { seen } = await read([
      call({ input_tokens: 5, output_tokens: 7, cost_status: 'unpriced', price_entry: '' }),
      call({ status: 'error', cost_status: 'not_billed', cost_reason: 'failed_no_usage' }),
      call({ ...plain, cost_status: 'not_billed', cost_reason: 'aggregate' }),
    ])
    expect(seen).toEqual({ input: [5, null], output: [7, null], requests: [1, null] })
  })
})

test('conditions are those the price was chosen by, else the tier reported', async () => {
  const { seen } = await read([
    call({ ...plain, price_conditions: '{"serviceTier":"batch","dataResidency":"us"}', service_tier: 'standard' }),
    call({ ...plain, service_tier: 'flex' }),
    call({ ...plain, service_tier: 'default', price_conditions: '{"speed":"fast"}' }),
    call({ ...plain, provider: 'aws.bedrock' }),
    call({ ...plain, provider: 'aws.bedrock', price_conditions: '{"region":"us-east-1"}' }),
  ])
  expect(
    Object.keys(seen)
      .filter((key) => key.startsWith('input'))
      .sort(),
  ).toEqual(['input ?', 'input batch us', 'input fast', 'input flex', 'input regional'])
})

describe('calls that are in the ledger more than once', () => {
  const repeated = (cells: readonly LedgerCell[]) => {
    const [tokens] = cells.filter(({ family }) => family === 'input')
    return [
      Number((tokens?.repeatedQuantity ?? 0n) / 10n ** 12n),
      formatPicoUsd(tokens?.repeatedAmount ?? 0n),
      tokens?.hasIds,
    ]
  }

  test('the same response id with the same usage: all but one are repeats', async () => {
    const { cells } = await read([1, 2, 3].map(() => call({ ...plain, response_id: 'msg_1' })))
    expect(repeated(cells)).toEqual([200, '0.0004', true])
  })

  test('the same response id with other usage, and calls alike without one, are not', async () => {
    const { cells } = await read([
      call({ ...plain, response_id: 'msg_1' }),
      call({ ...plain, response_id: 'msg_1', input_tokens: 101 }),
      call(plain),
      call(plain),
    ])
    expect(repeated(cells)).toEqual([0, '0', false])
  })

  test('a call with the usage of the span it was made in is', async () => {
    const outer = call(plain)
    const { cells } = await read([
      outer,
      call({ ...plain, trace_id: outer['trace_id'], parent_span_id: outer['span_id'] }),
    ])
    expect(repeated(cells)).toEqual([100, '0.0002', false])
  })
})

test('days are those of the zone', async () => {
  const calls = ['2026-11-02 07:59:59.999', '2026-11-02 08:00:00', '2026-11-03 07:59:59', '2026-11-03 08:00:00'].map(
    (start_time) => call({ ...plain, start_time }),
  )
  const { seen } = await read(calls, 'America/Los_Angeles')
  expect(seen['requests']).toEqual([2, null])
  expect(seen['input']).toEqual([200, '0.0004'])
})

test('without a project named, every project with calls is asked, each for itself', async () => {
  await insert(engine.url, 'spans', [
    { ...call({ ...plain, start_time: '2026-10-05 12:00:00' }), project_id: 'one' },
    { ...call({ ...plain, start_time: '2026-10-05 12:00:00' }), project_id: 'two' },
  ])
  const { cells, projects } = await readLedgerDays(engine.clickhouse, {
    days: ['2026-10-05'],
    zone: 'UTC',
    project: null,
  })
  expect(projects).toEqual(['one', 'two'])
  expect(cells.filter(({ family }) => family === 'input').map(({ account }) => account)).toEqual(['one', 'two'])
})
