// Each question of `schemas/queries` that is about money, calls or errors, asked of the ledger drawn in ledger.ts.

import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { ask, insert, send } from './ask.ts'
import { calls, day, hour, midnight, range, seed, spanRow, traceId, wholeLedger } from './ledger.ts'

const folder = new URL('../../schemas/queries/', import.meta.url)
const whole = { project: 'default', limit: '50', tz: 'UTC', ...range(wholeLedger.from, wholeLedger.to) }

let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  await seed(engine.url)
})

afterAll(() => engine?.stop())

async function rows(question: string, parameters: Record<string, string> = {}) {
  const sql = readFileSync(new URL(`${question}.sql`, folder), 'utf8')
  return (await ask(engine.url, sql, { parameters: { ...whole, ...parameters } })).rows
}

test('coverage: every call once, each in exactly one of priced, unpriced and not billed', async () => {
  expect(await rows('cost_coverage')).toEqual([
    {
      total_cost: '1.96875',
      calls: '8',
      priced_calls: '5',
      unpriced_calls: '2',
      not_billed_calls: '1',
      priced_share: 5 / 7,
      reported_calls: '1',
      estimated_calls: '0',
      estimated_cost: null,
      other_currency_calls: '0',
      partial_calls: '1',
      calls_without_tokens: '1',
      errors: '2',
      error_share: 0.25,
      wasted_cost: '0.0625',
      input_tokens: '1600',
      cache_read_tokens: '400',
      cache_write_tokens: '100',
      output_tokens: '250',
      reasoning_tokens: '50',
    },
  ])
})

test('a range without calls has no cost, not a cost of 0', async () => {
  const [row] = await rows('cost_coverage', range(midnight - 9 * day, midnight - 8 * day))
  expect(row).toMatchObject({ calls: '0', total_cost: null, priced_share: null, error_share: null, input_tokens: null })
})

test('a model without a price has no cost, not a cost of 0', async () => {
  const [row] = await rows('cost_coverage', range(midnight - day + 12 * hour, midnight - day + 12 * hour + 1000))
  expect(row).toMatchObject({ calls: '1', unpriced_calls: '1', priced_share: 0, total_cost: null })
})

test('a range is half open: it holds its first instant and not its last', async () => {
  const at = midnight - 2 * day + 10 * hour
  expect(await rows('cost_coverage', range(at, at + 1))).toMatchObject([{ calls: '1' }])
  expect(await rows('cost_coverage', range(at - 1, at))).toMatchObject([{ calls: '0' }])
})

test('another project sees its own calls alone', async () => {
  expect(await rows('cost_coverage', { project: 'other' })).toMatchObject([{ calls: '1', total_cost: '100' }])
  expect(await rows('cost_by_user', { project: 'other' })).toMatchObject([{ user_id: 'eve', total_cost: '100' }])
})

describe('cost by model and day', () => {
  const date = (at: number) => new Date(at).toISOString().slice(0, 10)
  const line = (row: Record<string, unknown>) =>
    [row['day'], row['model'], row['calls'], row['priced_calls'], row['unpriced_calls'], row['total_cost']].join(' ')

  test('in UTC', async () => {
    expect((await rows('cost_by_model_day')).map(line)).toEqual([
      `${date(midnight - 2 * day)} gpt-4.1 2 2 0 0.75`,
      `${date(midnight - day)} gpt-4.1 1 1 0 1`,
      `${date(midnight - day)} gpt-4.1-mini 2 2 0 0.1875`,
      `${date(midnight - day)} house-model 2 0 2 0.03125`,
      `${date(midnight - day)} o'brien 1 0 0 `,
    ])
  })

  test('the day is the one of the time zone: 23 h UTC is the next morning in Tokyo', async () => {
    const lines = (await rows('cost_by_model_day', { tz: 'Asia/Tokyo' })).map(line)
    expect(lines.slice(0, 2)).toEqual([
      `${date(midnight - 2 * day)} gpt-4.1 1 1 0 0.5`,
      `${date(midnight - day)} gpt-4.1 2 2 0 1.25`,
    ])
  })
})

test('cost by model: the average is over wholly priced calls', async () => {
  expect(await rows('cost_by_model')).toMatchObject([
    { model: 'gpt-4.1', calls: '3', total_cost: '1.75', avg_cost: 1.75 / 3, priced_share: 1, errors: '0' },
    { model: 'gpt-4.1-mini', calls: '2', total_cost: '0.1875', avg_cost: 0.09375, errors: '1' },
    { model: 'house-model', calls: '2', total_cost: '0.03125', avg_cost: null, priced_share: 0, unpriced_calls: '2' },
    { model: "o'brien", calls: '1', total_cost: null, avg_cost: null, priced_share: null, unpriced_calls: '0' },
  ])
})

test('cost by user: the dearest, then all others in one line that makes the sum whole', async () => {
  const lines = (await rows('cost_by_user', { limit: '2' })).map((row) => [
    row['user_id'],
    row['users'],
    row['calls'],
    row['unpriced_calls'],
    row['total_cost'],
  ])
  expect(lines).toEqual([
    ['cyd', '1', '1', '0', '1'],
    ['ada', '1', '4', '1', '0.6875'],
    ['[other]', '2', '3', '1', '0.28125'],
  ])
})

test('cost by user: calls that named no user are one line of their own', async () => {
  expect((await rows('cost_by_user', { limit: '9' })).map((row) => [row['user_id'], row['total_cost']])).toEqual([
    ['cyd', '1'],
    ['ada', '0.6875'],
    ['bob', '0.25'],
    ['[none]', '0.03125'],
  ])
})

test('cost by feature', async () => {
  expect(await rows('cost_by_feature')).toMatchObject([
    { feature: 'chat', calls: '5', unpriced_calls: '2', total_cost: '1.78125' },
    { feature: 'search', calls: '2', unpriced_calls: '0', total_cost: '0.1875', errors: '1' },
    { feature: '[none]', calls: '1', unpriced_calls: '0', total_cost: null },
  ])
})

test('unpriced calls: by model and reason, with the newest example and what is known', async () => {
  expect(await rows('unpriced_calls')).toMatchObject([
    {
      model: 'house-model',
      cost_status: 'partial',
      cost_reason: 'unit_no_price',
      calls: '1',
      priced_part: '0.03125',
      trace_id: traceId('06'),
    },
    {
      model: 'house-model',
      cost_status: 'unpriced',
      cost_reason: 'no_price',
      calls: '1',
      priced_part: null,
      reported_cost: '0.75',
      trace_id: traceId('05'),
    },
  ])
})

test('latest calls: newest first, failed ones too, spans that are no calls never', async () => {
  const newest = await rows('latest_calls')
  expect(newest.map((row) => row['trace_id'])).toEqual(
    ['08', '07', '06', '05', '04', '03', '02', '01'].map((id) => traceId(id)),
  )
  expect(newest[1]).toMatchObject({
    status: 'error',
    failure_class: 'rate_limit',
    input_tokens: null,
    total_cost: null,
  })
  expect(await rows('latest_calls', { limit: '1' })).toHaveLength(1)
})

test('errors: each class a model showed, and the models without an error', async () => {
  const lines = (await rows('error_rate')).map((row) => [
    row['model'],
    row['failure_class'],
    row['errors'],
    row['calls'],
    row['error_rate'],
    row['failed_cost'],
  ])
  expect(lines).toEqual([
    ["o'brien", 'rate_limit', '1', '1', 1, null],
    ['gpt-4.1-mini', 'timeout', '1', '2', 0.5, '0.0625'],
    ['gpt-4.1', '', '0', '3', 0, null],
    ['house-model', '', '0', '2', 0, null],
  ])
})

test('latency: of calls that succeeded; no time to first token where none was reported', async () => {
  expect(await rows('latency_by_model')).toMatchObject([
    { model: 'gpt-4.1-mini', calls: '1', p50_ms: 2000, p95_ms: 2000, timed_calls: '1', p95_ttft_ms: 500 },
    { model: 'house-model', calls: '2', p50_ms: 1000 },
    { model: 'gpt-4.1', calls: '3', p50_ms: 1000, p99_ms: 1000, timed_calls: '0', p95_ttft_ms: null },
  ])
})

test('a corrected call counts as its newest state, in the calls and in the rollup alike', async () => {
  const original = calls.find(({ id }) => id === '05')
  if (original === undefined) throw new Error('no call 05')
  const corrected = { ...original, cost_status: 'priced', cost_reason: '', total_cost: '4', price_book: 'book-2' }
  const rollup = async () => {
    const sql = `SELECT sum(calls) AS calls, sum(unpriced_calls) + sum(partial_calls) AS unpriced, sum(total_cost) AS cost FROM usage_hourly
WHERE project_id = 'default'`
    return (await ask(engine.url, sql)).rows
  }
  expect(await rollup()).toEqual([{ calls: '8', unpriced: '2', cost: '1.96875' }])
  await insert(engine.url, 'spans', [
    spanRow(original, { revision: 1, sign: -1 }),
    spanRow(corrected, { revision: 1, sign: 1 }),
  ])
  expect(await rows('cost_coverage')).toMatchObject([{ calls: '8', unpriced_calls: '1', total_cost: '5.96875' }])
  expect(await rollup()).toEqual([{ calls: '8', unpriced: '1', cost: '5.96875' }])
  await send(engine.url, 'OPTIMIZE TABLE spans FINAL')
  await send(engine.url, 'OPTIMIZE TABLE usage_hourly FINAL')
  expect(await rows('cost_coverage')).toMatchObject([{ calls: '8', unpriced_calls: '1', total_cost: '5.96875' }])
  expect(await rollup()).toEqual([{ calls: '8', unpriced: '1', cost: '5.96875' }])
})

describe.each(readdirSync(folder).filter((file) => file.endsWith('.sql')))('%s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8')

  test('says what it asks and declares the parameters it uses, each with a default', () => {
    expect(text).toMatch(/^-- title: \S.*\n/)
    const declared = [...text.matchAll(/^-- param: (\w+) (.+?) = (.+)$/gm)].map(([, name, type]) => `${name}:${type}`)
    const used = [...text.matchAll(/\{(\w+:[^}]+)\}/g)].map((match) => match[1])
    expect(new Set(used)).toEqual(new Set(declared))
  })

  test('filters by project, always', () => {
    expect(text).toMatch(/project_id = \{project:String\}/)
  })
})
