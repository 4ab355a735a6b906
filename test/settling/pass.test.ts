// Settling against a real engine: what was written is put right by pairs of rows, the rollups follow, and doing it again,
// or twice at once, changes nothing.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Row } from '../../collector/clickhouse/native.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const startNano = BigInt(Date.now() - 3_600_000) * 1_000_000n
const priceless = { price: async () => [] }

function call(spanId: string, given: Row = {}): Row {
  return spanRow(spanId, {
    scope_name: 'sdk',
    service: 'web',
    provider: 'openai',
    request_model: 'gpt-4.1',
    start_time: startNano,
    duration_ns: 1_000_000_000n,
    attempt: 1,
    attempts: 1,
    ...given,
  })
}

async function settled(): Promise<{ traces: number; changes: number }> {
  const { clickhouse } = engine
  const { traces, changes } = await settlePass(
    { clickhouse, now: Date.now, ...priceless },
    { sinceMs: 0, untilMs: Date.now() + 1000 },
  )
  return { traces, changes }
}

async function rowsOf(project: string): Promise<unknown[]> {
  return engine.clickhouse.query(
    `SELECT span_id, cost_status, cost_reason, counted_as, toString(total_cost) AS cost, user_id, attempt, attempts, revision
    FROM spans FINAL WHERE project_id = {project:String} ORDER BY span_id`,
    { project },
  )
}

async function rollup(project: string): Promise<unknown> {
  const [row] = await engine.clickhouse.query(
    `SELECT sum(u.calls) AS calls, toString(sum(u.total_cost)) AS cost, sum(u.input_tokens) AS input FROM usage_hourly AS u WHERE project_id = {project:String}`,
    { project },
  )
  return row
}

test('a wrapper that came in another request is demoted, the rollups follow, a second pass finds nothing', async () => {
  const trace = { project_id: 'nested', trace_id: 'nested-trace', user_id: '' }
  await insertSpans(engine.clickhouse, [call('a-inner', { ...trace, parent_span_id: 'b-outer' })])
  await insertSpans(engine.clickhouse, [call('b-outer', { ...trace, scope_name: 'gateway', user_id: 'ann' })])
  expect(await rollup('nested')).toEqual({ calls: '2', cost: '1.5', input: '200' })
  expect((await settled()).changes).toBe(2)
  const same = { attempt: 1, attempts: 1 }
  const after = [
    {
      span_id: 'a-inner',
      cost_status: 'priced',
      cost_reason: '',
      counted_as: '',
      cost: '0.75',
      user_id: 'ann',
      ...same,
      revision: 1,
    },
    {
      span_id: 'b-outer',
      cost_status: 'not_billed',
      cost_reason: 'duplicate',
      counted_as: 'a-inner',
      cost: null,
      user_id: 'ann',
      ...same,
      revision: 1,
    },
  ]
  expect(await rowsOf('nested')).toEqual(after)
  expect(await rollup('nested')).toEqual({ calls: '1', cost: '0.75', input: '100' })
  expect((await settled()).changes).toBe(0)
  expect(await rowsOf('nested')).toEqual(after)
  expect(
    await engine.clickhouse.query(
      `SELECT span_id, revision, reason, evidence, toString(old_cost) AS old, toString(new_cost) AS new, made_by, changes['counted_as'] AS counted_as, changes['user_id'] AS user
      FROM ledger_corrections FINAL WHERE project_id = 'nested' ORDER BY span_id`,
    ),
  ).toEqual([
    {
      span_id: 'a-inner',
      revision: 1,
      reason: 'inherited',
      evidence: '',
      old: '0.75',
      new: '0.75',
      made_by: 'settle',
      counted_as: '',
      user: '→ ann',
    },
    {
      span_id: 'b-outer',
      revision: 1,
      reason: 'demoted',
      evidence: 'nested',
      old: '0.75',
      new: null,
      made_by: 'settle',
      counted_as: '→ a-inner',
      user: '',
    },
  ])
})

test('twins in two traces are found by their response id, an agent above one of them is no carrier', async () => {
  const both = { project_id: 'twins', response_id: 'chatcmpl-1' }
  await insertSpans(engine.clickhouse, [
    call('agent', { project_id: 'twins', trace_id: 't1', kind: 'agent', scope_name: 'agents' }),
    call('sdk', { ...both, trace_id: 't1', parent_span_id: 'agent', reasoning_tokens: 3 }),
  ])
  await insertSpans(engine.clickhouse, [
    call('callback', { ...both, trace_id: 't2', scope_name: 'callback', duration_ns: 5n }),
  ])
  await settled()
  expect(await rowsOf('twins')).toMatchObject([
    { span_id: 'agent', cost_reason: 'aggregate', counted_as: 'sdk' },
    { span_id: 'callback', cost_reason: 'duplicate', counted_as: 'sdk' },
    { span_id: 'sdk', cost_reason: '', cost: '0.75' },
  ])
  expect(await rollup('twins')).toEqual({ calls: '1', cost: '0.75', input: '100' })
})

test('a wrapper and a callback under one scope are twins in two traces: they tell counts in two manners', async () => {
  const told = { project_id: 'one-scope', scope_name: 'langfuse-sdk', output_tokens: 90n }
  const long = { ...told, duration_ns: 1_500_000_000n }
  await insertSpans(engine.clickhouse, [
    call('callback-1', { ...long, trace_id: 'o1', usage_rule: 'exclusive:emitter', reasoning_tokens: 3 }),
    call('callback-2', { ...long, trace_id: 'o2', usage_rule: 'exclusive:arithmetic', reasoning_tokens: 3 }),
  ])
  await insertSpans(engine.clickhouse, [
    call('wrapper-1', { ...told, trace_id: 'o3', usage_rule: 'inclusive:emitter' }),
    call('wrapper-2', { ...told, trace_id: 'o4', usage_rule: 'inclusive:emitter' }),
  ])
  await settled()
  expect(await rowsOf('one-scope')).toMatchObject([
    { span_id: 'callback-1', cost: '0.75' },
    { span_id: 'callback-2', cost: '0.75' },
    { span_id: 'wrapper-1', cost_reason: 'duplicate', counted_as: 'callback-1' },
    { span_id: 'wrapper-2', cost_reason: 'duplicate', counted_as: 'callback-2' },
  ])
})

test('a sum of one call tells what the call does not, also where both came in one request', async () => {
  const trace = { project_id: 'coarse', trace_id: 'coarse', input_tokens: 100n, output_tokens: 9n }
  await insertSpans(engine.clickhouse, [
    call('turn', {
      ...trace,
      kind: 'agent',
      cost_status: 'not_billed',
      cost_reason: 'aggregate',
      counted_as: 'call',
      total_cost: null,
      cache_read_tokens: 40n,
    }),
    call('call', { ...trace, parent_span_id: 'turn' }),
  ])
  const { changes } = await settled()
  expect(changes).toBe(1)
  expect(
    await engine.clickhouse.query(
      "SELECT span_id, cache_read_tokens AS cached FROM spans FINAL WHERE project_id = 'coarse' ORDER BY span_id",
    ),
  ).toEqual([
    { span_id: 'call', cached: '40' },
    { span_id: 'turn', cached: '40' },
  ])
})

test('attempts are numbered, and the last knows what the failed ones cost', async () => {
  const trace = { project_id: 'retries', trace_id: 'retried', parent_span_id: 'root' }
  const second = 1_000_000_000n
  await insertSpans(engine.clickhouse, [call('first', { ...trace, status: 'error' })])
  await insertSpans(engine.clickhouse, [call('last', { ...trace, start_time: startNano + 2n * second })])
  await settled()
  expect(await rowsOf('retries')).toMatchObject([
    { span_id: 'first', attempt: 1, attempts: 2, cost: '0.75' },
    { span_id: 'last', attempt: 2, attempts: 2, cost: '0.75' },
  ])
  expect(
    await engine.clickhouse.query(
      "SELECT toString(wasted_cost) AS wasted FROM spans FINAL WHERE project_id = 'retries' ORDER BY span_id",
    ),
  ).toEqual([{ wasted: null }, { wasted: '0.75' }])
  expect(await rollup('retries')).toEqual({ calls: '2', cost: '1.5', input: '200' })
})

test('a row that is to carry money again is priced', async () => {
  const trace = { project_id: 'promoted', trace_id: 'promoted' }
  await insertSpans(engine.clickhouse, [
    call('left', {
      ...trace,
      cost_status: 'not_billed',
      cost_reason: 'duplicate',
      counted_as: 'gone',
      total_cost: null,
      input_cost: null,
      output_cost: null,
    }),
    call('other', {
      ...trace,
      ingested_at: Date.now() - 1000,
      kind: 'tool',
      input_tokens: null,
      output_tokens: null,
      cost_status: 'not_billed',
      cost_reason: 'not_a_model_call',
      total_cost: null,
    }),
  ])
  const price = async (): Promise<Record<string, string>[]> => [
    {
      cost_status: 'priced',
      cost_reason: '',
      input_cost: '0.5',
      output_cost: '0.25',
      total_cost: '0.75',
      price_entry: 'e#1',
      price_book: 'b',
    },
  ]
  await settlePass({ clickhouse: engine.clickhouse, now: Date.now, price }, { sinceMs: 0, untilMs: Date.now() + 1000 })
  expect(await rowsOf('promoted')).toMatchObject([
    { span_id: 'left', cost_status: 'priced', counted_as: '', cost: '0.75', revision: 1 },
    { span_id: 'other', revision: 0 },
  ])
  expect(await rollup('promoted')).toEqual({ calls: '1', cost: '0.75', input: '100' })
})

test('two passes at once write each pair once', async () => {
  const trace = { project_id: 'raced', trace_id: 'raced' }
  await insertSpans(engine.clickhouse, [
    call('in', { ...trace, parent_span_id: 'out' }),
    call('out', { ...trace, scope_name: 'gateway' }),
  ])
  await Promise.all([settled(), settled(), settled()])
  expect(await rollup('raced')).toEqual({ calls: '1', cost: '0.75', input: '100' })
})

test('a trace that still gets spans is left alone, and found when it has gone quiet', async () => {
  const { clickhouse } = engine
  const trace = { project_id: 'busy', trace_id: 'busy' }
  const at = Date.now() + 60_000
  await insertSpans(clickhouse, [call('in', { ...trace, parent_span_id: 'out', ingested_at: at })])
  await insertSpans(clickhouse, [call('out', { ...trace, scope_name: 'gateway', ingested_at: at + 1000 })])
  const parts = { clickhouse, now: Date.now, ...priceless }
  const early = await settlePass(parts, { sinceMs: at - 1, untilMs: at + 500 })
  expect(early).toMatchObject({ traces: 0, changes: 0, sinceMs: at + 500 })
  expect(await settlePass(parts, { sinceMs: early.sinceMs, untilMs: at + 2000 })).toMatchObject({
    traces: 1,
    changes: 1,
  })
})

test('a request of more traces than a page holds is settled whole', async () => {
  const calls = 2100
  const rows = Array.from({ length: calls }, (_, i) => {
    const trace = { project_id: 'large', trace_id: i.toString(16).padStart(32, '0'), response_id: `large-${i}` }
    return [
      call('inner', { ...trace, parent_span_id: 'outer', input_tokens: 100 + i }),
      call('outer', { ...trace, scope_name: 'gateway', input_tokens: 100 + i }),
    ]
  })
  await insertSpans(engine.clickhouse, rows.flat())
  let since = 0
  for (let isMore = true; isMore; ) {
    const { clickhouse } = engine
    const pass = await settlePass(
      { clickhouse, now: Date.now, ...priceless },
      { sinceMs: since, untilMs: Date.now() + 1000 },
    )
    since = pass.sinceMs
    isMore = pass.isMore
  }
  expect(await rollup('large')).toMatchObject({ calls: String(calls), cost: (calls * 0.75).toString() })
})
