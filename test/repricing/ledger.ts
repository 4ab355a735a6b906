// A ledger of random calls of a provider made up for tests, two books for it, and ways to look at what is stored.

import type { ClickHouse } from '../../collector/clickhouse/client.ts'
import type { PricingRun } from '../../collector/repricing/runs.ts'
import { type CallFilter, planSlices, type Slice } from '../../collector/repricing/slices.ts'
import { createRun, writeRun } from '../../collector/repricing/write-run.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import type { PriceEntry, PriceFile, Rates } from '../../processors/pricing/file.ts'
import { insertSpans } from '../clickhouse/span-rows.ts'
import { dice } from '../dice.ts'
import type { TestEngine } from '../engine.ts'
import { entry } from '../pricing/cards.ts'

const hourMs = 3_600_000
/** Three days of calls, not so old that retention would drop them. */
export const fromMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 4 * 86_400_000
export const toMs = fromMs + 3 * 86_400_000

export type CallRow = Readonly<Record<string, unknown>> & {
  readonly trace_id: string
  readonly span_id: string
  readonly start_time: bigint
  readonly duration_ns: bigint
}

/** Spans as a collector without prices would have stored them: calls of every shape, and what is no call. */
export function randomCalls(project: string, count: number, seed: number): CallRow[] {
  const random = dice(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const upTo = (most: number): number => Math.floor(random() * most)
  const isNow = (chance: number): boolean => random() < chance
  return Array.from({ length: count }, (_, i): CallRow => {
    const input = 10 + upTo(300_000)
    const output = upTo(5000)
    const cached = isNow(0.4) ? upTo(input) : 0
    const written = isNow(0.2) ? upTo(input - cached) : 0
    const model = pick(['m1', 'm2', 'm3', 'm1-latest', 'nobody-knows'])
    const tier = pick(['', '', '', 'batch', 'turbo'])
    const other: Record<string, number> = {}
    if (isNow(0.1)) other['web_search_calls'] = 1 + upTo(5)
    if (isNow(0.05)) other['audio_seconds'] = upTo(1000) / 8
    if (written > 0 && isNow(0.5)) other['cache_write_1h_tokens'] = upTo(written)
    const kept = pick(['', '', '', '', '', '', '', 'reported', 'not_billed', 'aggregate'])
    const kind = kept === 'aggregate' ? 'agent' : pick(['llm', 'llm', 'embedding'])
    // A call of text that lacks one of the two has no price at all: test/processors/ledger.test.ts.
    const canLack = kind !== 'llm'
    return {
      project_id: project,
      kind,
      start_time: BigInt(fromMs + upTo(72 * hourMs)) * 1_000_000n + BigInt(upTo(1_000_000)),
      duration_ns: BigInt(upTo(3_000_000_000)),
      trace_id: `${project}-${(i * 2_654_435_761) % 4_294_967_296}`,
      span_id: `s${i}`,
      env: pick(['prod', 'test']),
      service: pick(['web', 'worker']),
      feature: pick(['', 'chat', 'search']),
      user_id: pick(['', 'ada', 'bob']),
      provider: pick(['acme', 'acme', 'acme', '']),
      request_model: model,
      response_model: isNow(0.5) ? model : '',
      model,
      service_tier: tier,
      price_conditions: isNow(0.5) && tier !== '' ? JSON.stringify({ serviceTier: tier }) : '',
      input_tokens: isNow(0.05) && canLack ? null : input,
      cache_read_tokens: cached,
      cache_write_tokens: written,
      output_tokens: isNow(0.05) && canLack ? null : output,
      reasoning_tokens: isNow(0.3) ? upTo(output) : 0,
      usage_other: other,
      usage_rule: pick(['inclusive:emitter', 'inclusive:assumed']),
      attributes: { note: `call ${i}` },
      input_cost: null,
      output_cost: null,
      total_cost: kept === 'reported' ? 123_456_789n : null,
      cost_status: kept === '' ? 'unpriced' : kept === 'aggregate' ? 'not_billed' : kept,
      cost_reason: kept === '' ? 'unknown_provider' : kept === 'aggregate' ? 'aggregate' : '',
      retention_days: 365,
      sign: 1,
    }
  })
}

const standard: Rates = {
  input: '3',
  cacheRead: '0.3',
  cacheWrite: '3.75',
  cacheWrite1h: '6',
  output: '15',
  webSearch: '10',
}

/** What was known first: two models, one of them without cache rates. */
const first: readonly PriceEntry[] = [
  entry('acme/m1#1', ['m1'], standard),
  entry(
    'acme/m1#2',
    ['m1'],
    { input: '1.5', cacheRead: '0.15', cacheWrite: '1.9', output: '7.5', webSearch: '5' },
    {
      when: { serviceTier: 'batch' },
    },
  ),
  entry('acme/m2#1', ['m2'], { input: '0.1', output: '0.4' }),
]

/** What was learned later: another price since the second day, a model that had none, an alias, a price taken back. */
const later: readonly PriceEntry[] = [
  entry(
    'acme/m1#3',
    ['m1'],
    { ...standard, output: '14.999999', audioSeconds: '0.36' },
    {
      recordedAt: '2026-06-01T00:00:00Z',
      supersedes: 'acme/m1#1',
      validTo: new Date(fromMs + 30 * hourMs).toISOString(),
    },
  ),
  entry(
    'acme/m1#4',
    ['m1'],
    { input: '2', cacheRead: '0.2', output: '10', webSearch: '10' },
    {
      recordedAt: '2026-06-01T00:00:00Z',
      validFrom: new Date(fromMs + 30 * hourMs).toISOString(),
      bands: [
        { rates: { input: '2', cacheRead: '0.2', output: '10', webSearch: '10' } },
        {
          inputTokens: { over: 200_000, inclusive: false },
          rates: { input: '4', cacheRead: '0.4', output: '15', webSearch: '10' },
        },
      ],
    },
  ),
  entry(
    'acme/m3#1',
    ['m3'],
    { input: '0.25', output: '1.25', audioSeconds: '0.36' },
    { recordedAt: '2026-06-01T00:00:00Z' },
  ),
  entry('acme/m2#2', ['m2'], { input: '0.1' }, { recordedAt: '2026-06-01T00:00:00Z', supersedes: 'acme/m2#1' }),
]

const alias = {
  alias: 'm1-latest',
  model: 'm1',
  validFrom: null,
  validTo: null,
  recordedAt: '2026-06-01T00:00:00Z',
  source: [{ what: 'test' }],
}

export const files: readonly PriceFile[] = [{ provider: 'acme', aliases: [alias], entries: [...first, ...later] }]
/** Between the two. */
export const asOfFirst = Date.parse('2026-03-01T00:00:00Z')
export const firstBook = new PriceBook(files, { asOf: asOfFirst })
export const laterBook = new PriceBook(files)

/** What repricing needs of an engine. */
export type Place = Pick<TestEngine, 'clickhouse' | 'database'>

export function partsOf(engine: Place, book: PriceBook) {
  return {
    clickhouse: engine.clickhouse,
    database: engine.database,
    tz: 'UTC',
    bookFor: (project: string) => book.forProject(project),
  }
}

export function filterOf(project: string): CallFilter {
  return { fromMs, toMs, project }
}

/** Slices of a few hundred spans, so that a run has many. */
export function slicesOf(clickhouse: ClickHouse, project: string, rowsMax = 300): Promise<Slice[]> {
  return planSlices(clickhouse, filterOf(project), rowsMax)
}

/** A run over a project, written and not adopted. */
export async function writtenRun(engine: Place, project: string, book: PriceBook): Promise<PricingRun> {
  const slices = await slicesOf(engine.clickhouse, project)
  const filter = filterOf(project)
  const run = await createRun(engine.clickhouse, { filter, slices, asOf: null, priceBook: book.version })
  return (await writeRun(partsOf(engine, book), run)).run
}

export async function insertCalls(clickhouse: ClickHouse, calls: readonly CallRow[]): Promise<void> {
  await insertSpans(clickhouse, calls)
}

/** Everything about a project but revisions: each span whole, and both rollups by their dimensions, empty groups left out. */
export async function stateOf(clickhouse: ClickHouse, project: string): Promise<Record<string, unknown[]>> {
  const rows = (sql: string): Promise<unknown[]> => clickhouse.query(sql, { project })
  const counters = (names: readonly string[]): string => names.map((name) => `sum(${name}) AS ${name}`).join(', ')
  const both = [
    'calls',
    'errors',
    'priced_calls',
    'partial_calls',
    'unpriced_calls',
    'estimated_calls',
    'other_currency_calls',
  ]
  const tokens = ['input_tokens', 'output_tokens', 'total_cost', 'estimated_cost']
  const hourly = [
    'cache_read_tokens',
    'cache_write_tokens',
    'reasoning_tokens',
    'input_cost',
    'cache_cost',
    'output_cost',
  ]
  return {
    spans: await rows(
      `SELECT * EXCEPT (revision) FROM spans FINAL WHERE project_id = {project:String} ORDER BY kind, start_time, trace_id, span_id`,
    ),
    usage_hourly: await rows(
      `SELECT hour, kind, env, service, feature, provider, model, price_book,
        ${counters([...both, ...tokens, ...hourly, 'other_cost', 'reported_cost', 'duration_ns'])},
        finalizeAggregation(quantilesTDigestMergeState(0.5, 0.9, 0.95, 0.99)(latency_ms)) AS latency
      FROM usage_hourly WHERE project_id = {project:String} GROUP BY ALL HAVING calls != 0 ORDER BY ALL`,
    ),
    usage_user_daily: await rows(
      `SELECT day, env, user_id, ${counters([...both, ...tokens])}
      FROM usage_user_daily WHERE project_id = {project:String} GROUP BY ALL HAVING calls != 0 ORDER BY ALL`,
    ),
  }
}

/** Of groups whose calls are all gone, nothing may be left either. */
export async function leftovers(clickhouse: ClickHouse, project: string): Promise<unknown[]> {
  return clickhouse.query(
    `SELECT hour, provider, model, price_book, sum(u.calls) AS calls, sum(u.total_cost) AS cost, sum(u.input_tokens) AS tokens
    FROM usage_hourly AS u WHERE project_id = {project:String} GROUP BY ALL HAVING calls = 0 AND (cost != 0 OR tokens != 0)`,
    { project },
  )
}
