// Two runs of a dataset, scored item by item: means, pass rates, pairs and what they cost, beside figures worked out apart.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'
import { insertScores, insertSpans, llmCall, utc } from '../api/rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

const nowMs = Date.now()
let engine: TestEngine
let made = 0

interface Given {
  readonly run: string
  readonly item?: string
  readonly value?: number
  readonly verdict?: 1 | -1
  readonly error?: string
  readonly trace?: string
  readonly name?: string
}

function score({ run, item = '', value, verdict = undefined, error = '', trace = '', name = 'tone' }: Given): ScoreRow {
  return {
    ...blankScore,
    project_id: 'default',
    name,
    score_id: `k${made++}`,
    created_at: nowMs,
    version: nowMs,
    retention_days: 400,
    run_name: run,
    dataset: 'refunds',
    item_id: item,
    trace_id: trace,
    value: value ?? null,
    verdict: verdict ?? 0,
    error_type: error,
    source: 'eval',
  }
}

beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.stop())

async function compared(rows: readonly ScoreRow[], params: Record<string, string> = {}) {
  await engine.clickhouse.command('TRUNCATE TABLE scores')
  await insertScores(engine, rows)
  const query = loadQueries().find(({ id }) => id === 'compare_runs')!
  return runQuery(engine.clickhouse, query, { a: 'v1', b: 'v2', ...params })
}

const a = [0.5, 0.6, 0.7, 0.4, 0.9]
const b = [0.7, 0.6, 0.9, 0.6, 0.8]
const near = (value: number) => expect.closeTo(value, 4)

test('items both have are compared with each other', async () => {
  const rows = [
    ...a.map((value, i) => score({ run: 'v1', item: `i${i}`, value })),
    ...b.map((value, i) => score({ run: 'v2', item: `i${i}`, value })),
    score({ run: 'v3', item: 'i0', value: 100 }),
  ]
  // Differences 0.2, 0, 0.2, 0.2, -0.1: mean 0.1, deviation 0.141421, t(4) = 2.776.
  const half = (2.776445 * 0.1414214) / Math.sqrt(5)
  const [row, ...more] = await compared(rows)
  expect(more).toEqual([])
  expect(row).toMatchObject({
    name: 'tone',
    better: 'high',
    a_items: 5,
    b_items: 5,
    a_mean: near(0.62),
    b_mean: near(0.72),
    value_difference: near(0.1),
    value_low: expect.closeTo(0.1 - half, 2),
    value_high: expect.closeTo(0.1 + half, 2),
    pairs: 5,
    b_wins: 3,
    a_wins: 1,
    ties: 1,
    a_pass_rate: null,
    pass_low: null,
    a_cost: null,
    a_latency_ms: null,
  })
})

test('without common items they are two groups', async () => {
  const rows = [
    ...a.map((value, i) => score({ run: 'v1', item: `a${i}`, value })),
    ...b.map((value, i) => score({ run: 'v2', item: `b${i}`, value })),
  ]
  // Variances 0.037 and 0.017 over 5: error 0.103923, 7.02 degrees, t = 2.3636.
  const half = 2.3636 * Math.sqrt((0.037 + 0.017) / 5)
  expect(await compared(rows)).toMatchObject([
    { pairs: 0, b_wins: 0, value_low: expect.closeTo(0.1 - half, 2), value_high: expect.closeTo(0.1 + half, 2) },
  ])
})

test('passes: of pairs, what was gained and what was lost', async () => {
  const verdicts = (run: string, all: readonly (1 | -1)[]) =>
    all.map((verdict, i) => score({ run, item: `i${i}`, verdict }))
  const rows = [...verdicts('v1', [1, -1, -1, -1, 1, -1, 1, 1]), ...verdicts('v2', [1, 1, 1, 1, -1, -1, 1, 1])]
  // Three gained, one lost, of eight: 2 ÷ 10 ± 1.96 √(4 + 1 − 4 ÷ 10) ÷ 10.
  const half = 0.1959964 * Math.sqrt(5 - 0.4)
  expect(await compared(rows)).toMatchObject([
    {
      a_judged: 8,
      a_pass_rate: 0.5,
      b_pass_rate: 0.75,
      pass_difference: 0.25,
      pass_low: near(0.2 - half),
      pass_high: near(0.2 + half),
      b_wins: 3,
      a_wins: 1,
      ties: 4,
      a_mean: null,
      value_low: null,
    },
  ])
})

test('passes: all gained, none lost', async () => {
  const rows = ['w', 'x', 'y', 'z'].flatMap((item) => [
    score({ run: 'v1', item, value: 0, verdict: -1 }),
    score({ run: 'v2', item, value: 1, verdict: 1 }),
  ])
  // 4 ÷ 6 ± 1.96 √(4 + 1 − 16 ÷ 6) ÷ 6, and no more than 1.
  const half = (1.959964 * Math.sqrt(5 - 16 / 6)) / 6
  expect(await compared(rows)).toMatchObject([
    { pass_difference: 1, pass_low: near(4 / 6 - half), pass_high: 1, b_wins: 4, value_difference: 1, value_low: null },
  ])
})

test('passes of two groups never look sure because all are alike', async () => {
  const rows = ['a', 'b', 'c'].flatMap((item) => [
    score({ run: 'v1', item: `1${item}`, verdict: 1 }),
    score({ run: 'v2', item: `2${item}`, verdict: 1 }),
  ])
  const half = 1.959964 * Math.sqrt((2 * 0.8 * 0.2) / 5)
  expect(await compared(rows)).toMatchObject([{ pass_difference: 0, pass_low: near(-half), pass_high: near(half) }])
})

test('an item counts once, what failed is counted apart, and what has no item is in no pair', async () => {
  const rows = [
    score({ run: 'v1', item: 'i', value: 0.2 }),
    score({ run: 'v1', item: 'i', value: 0.4 }),
    score({ run: 'v2', item: 'i', value: 0.9 }),
    score({ run: 'v2', item: 'j', error: 'RateLimitError' }),
    score({ run: 'v1', trace: 't1', value: 1 }),
    score({ run: 'v2', trace: 't1', value: 1 }),
  ]
  expect(await compared(rows)).toMatchObject([
    { a_items: 2, b_items: 2, a_failed: 0, b_failed: 1, pairs: 1, b_wins: 1, a_mean: near(0.65), value_low: null },
  ])
})

test('a configuration that says low turns wins round', async () => {
  await engine.clickhouse.command(`INSERT INTO score_configs (project_id, name, source, recorded_at, version, config, is_deleted)
    VALUES ('', 'toxicity', 'api', now64(3), 'v', '{"direction":"low"}', 0)`)
  const rows = ['x', 'y', 'z'].flatMap((item) => [
    score({ run: 'v1', item, value: 0.8, name: 'toxicity' }),
    score({ run: 'v2', item, value: 0.1, name: 'toxicity' }),
  ])
  expect(await compared(rows)).toMatchObject([{ better: 'low', b_wins: 3, a_wins: 0, value_difference: near(-0.7) }])
})

describe('cost and latency', () => {
  beforeAll(async () => {
    const at = (ms: number): string => utc(nowMs - 60_000 + ms)
    await insertSpans(engine, nowMs, [
      llmCall('c1', 'x', { total_cost: '0.5', start_time: at(0), duration_ns: 1e9 }),
      llmCall('c1', 'y', { total_cost: '0.25', start_time: at(2000), duration_ns: 1e9 }),
      { trace_id: 'c1', span_id: 'e', kind: 'evaluator' },
      llmCall('c1', 'judge', { parent_span_id: 'e', total_cost: '9', start_time: at(9000), duration_ns: 1e9 }),
      { trace_id: 'c1', span_id: 'chain', parent_span_id: 'e', kind: 'chain' },
      { trace_id: 'c1', span_id: 'step', parent_span_id: 'chain', kind: 'chain' },
      llmCall('c1', 'deep', { parent_span_id: 'step', total_cost: '7', start_time: at(9500), duration_ns: 1e9 }),
      llmCall('c2', 'x', { total_cost: null, cost_status: 'unpriced', start_time: at(0), duration_ns: 5e8 }),
    ])
  })

  test("are of the calls judged, without the judge's; unknown is not zero", async () => {
    const rows = [
      score({ run: 'v1', item: 'i', value: 1, trace: 'c1' }),
      score({ run: 'v1', item: 'i', value: 1, trace: 'c1', name: 'wit' }),
      score({ run: 'v2', item: 'i', value: 1, trace: 'c2' }),
    ]
    const [tone, wit] = await compared(rows)
    expect(tone).toMatchObject({
      a_cost: '0.75',
      a_cost_per_trace: 0.75,
      a_unpriced_calls: 0,
      a_latency_ms: 3000,
      b_cost: null,
      b_cost_per_trace: null,
      b_unpriced_calls: 1,
      b_latency_ms: 500,
    })
    expect(wit).toMatchObject({ name: 'wit', a_cost: '0.75', b_items: 0, b_cost: null })
    expect(await compared(rows, { name: 'wit' })).toHaveLength(1)
    expect(await compared(rows, { dataset: 'other' })).toEqual([])
  })

  test("another project's runs are not compared", async () => {
    expect(await compared([score({ run: 'v1', item: 'i', value: 1 })], { project: 'other' })).toEqual([])
  })
})

test('the command prints the same, and says which run has no scores', async () => {
  const { port } = new URL(engine.url)
  let [out, err] = ['', '']
  const run = (...argv: string[]) =>
    runCli({
      argv: ['compare', ...argv],
      env: { SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: `127.0.0.1:${port}` },
      readFile: () => '',
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
  await compared([
    ...a.map((value, i) => score({ run: 'v1', item: `i${i}`, value })),
    ...b.map((value, i) => score({ run: 'v2', item: `i${i}`, value })),
  ])
  expect(await run('v1', 'v2')).toBe(0)
  expect(out).toMatch(/tone +high +5 \/ 5 +0 \/ 0 +0\.62 +0\.72 +0\.1 \(-0\.07\d+ to 0\.27\d+\) +- +- +- +3 \/ 1 \/ 1/)
  expect(await run('v1', 'v9')).toBe(2)
  expect(err).toContain('project default has no scores of run "v9"')
})
