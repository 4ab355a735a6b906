// Every price vector as an OTLP span, through the whole pipeline into a real engine: what `llm_calls` then says.

import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { encodeRows } from '../../collector/clickhouse/native.ts'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadDialects } from '../../collector/registry.ts'
import { recompute } from '../../collector/repricing/recompute.ts'
import { planSlices } from '../../collector/repricing/slices.ts'
import type { JournalRecord } from '../../collector/sinks/clickhouse.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { quotePrice } from '../../processors/pricing/quote.ts'
import { priceRows } from '../../processors/pricing/rows.ts'
import { formatDecimal, parseDecimal, plus, zero } from '../../schemas/decimal.ts'
import { journalTables } from '../../schemas/journal-tables.ts'
import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { pricesTable } from '../../schemas/prices-table.ts'
import { columnNames } from '../../schemas/table.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { type Attributes, Double, type SpanInput, tracesRequest, type Value } from '../otlp-messages.ts'
import { conditionsOf, readFixture, usageRow, type Vector, type VectorComponent } from './vectors.ts'

type ProviderVector = Vector & { readonly provider: string }

const files = loadPriceBook()
const book = new PriceBook(files)

interface Policy extends Omit<ProviderVector, 'expected' | 'certainty'> {
  readonly expected: { readonly status: string; readonly reason?: string; readonly total_usd: string | null }
}
/** Policies about one call by the book alone; those about own prices, several calls and versions are told elsewhere. */
const policies = readFixture<{ policies: { id: string; given: object; expected: Policy['expected'] }[] }>('policies')
  .policies.filter(({ given }) => !['overrides', 'calls', 'version_a', 'base'].some((field) => field in given))
  // Cached tokens beyond the input prove that a sender leaves them out of it: they are added before a call is priced.
  .filter(({ id }) => id !== 'pol-003')
  .map(({ id, given, expected }): Policy => ({ ...(given as Omit<Policy, 'id' | 'expected'>), id, expected }))

const { waived } = readFixture<{ waived: Record<string, string> }>('waivers')
const vectors = readdirSync(new URL('../fixtures/prices/', import.meta.url))
  .map((name) => name.replace(/\.json$/, ''))
  .filter((name) => name !== 'policies' && name !== 'waivers')
  .flatMap((provider): ProviderVector[] =>
    readFixture<{ vectors: Vector[] }>(provider).vectors.map((vector) => ({ ...vector, provider })),
  )

/** Where the convention has a name of its own; all others are `gen_ai.usage.<name>`. */
const usageNames: Readonly<Record<string, string>> = {
  cache_read_input_tokens: 'gen_ai.usage.cache_read.input_tokens',
  cache_creation_input_tokens: 'gen_ai.usage.cache_creation.input_tokens',
  cache_creation_5m_input_tokens: 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens',
  cache_creation_1h_input_tokens: 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
  reasoning_output_tokens: 'gen_ai.usage.reasoning.output_tokens',
  input_audio_tokens: 'gen_ai.usage.audio.input_tokens',
  output_audio_tokens: 'gen_ai.usage.audio.output_tokens',
  cache_read_audio_input_tokens: 'gen_ai.usage.audio.cache_read.input_tokens',
  input_image_tokens: 'gen_ai.usage.image.input_tokens',
  output_image_tokens: 'gen_ai.usage.image.output_tokens',
  image_size: 'gen_ai.request.image.size',
  image_quality: 'gen_ai.request.image.quality',
  video_size: 'gen_ai.request.video.size',
}

const contextNames: Readonly<Record<string, string>> = {
  service_tier: 'gen_ai.response.service_tier',
  speed: 'gen_ai.response.speed',
  region: 'cloud.region',
  data_residency: 'gen_ai.response.data_residency',
  inference_geo: 'anthropic.usage.inference_geo',
  deployment_type: 'azure.deployment.type',
  search_context_size: 'gen_ai.request.search_context_size',
  request_model: 'gen_ai.request.model',
  response_model: 'gen_ai.response.model',
}

function spanOf(vector: ProviderVector | Policy, n: number): SpanInput {
  const attributes: Record<string, Value> = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': vector.provider,
    'gen_ai.request.model': vector.model,
  }
  for (const [name, value] of Object.entries(vector.usage)) {
    const isFraction = typeof value === 'number' && !Number.isInteger(value)
    attributes[usageNames[name] ?? `gen_ai.usage.${name}`] = isFraction ? new Double(value) : value
  }
  for (const [name, value] of Object.entries(vector.context ?? {})) {
    const attribute = contextNames[name]
    if (attribute !== undefined) attributes[attribute] = value
  }
  const durationMs = 1500
  return {
    traceId: (n + 1).toString(16).padStart(32, '0'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    startMs: Date.parse(vector.timestamp) - durationMs,
    durationMs,
    attributes: attributes as Attributes,
  }
}

interface CallRow {
  readonly trace_id: string
  readonly cost_status: string
  readonly cost_reason: string
  readonly cost_flags: string
  readonly price_entry: string
  readonly price_book: string
  readonly [column: string]: string | null
}

let engine: TestEngine
const rows = new Map<string, CallRow>()

beforeAll(async () => {
  engine = await startTestEngine()
  const append = async (records: readonly JournalRecord[]): Promise<void> => {
    for (const { table, rows: count, parts } of records) {
      const into = journalTables[table] ?? journalTables[0]
      await engine.clickhouse.insert({
        table: into.name,
        columns: columnNames(into),
        body: parts,
        token: `vectors-${table}`,
        rows: count,
      })
    }
  }
  const pipeline = new Pipeline({
    store: { append },
    dialects: await loadDialects(),
    book,
    settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
  const outcome = await pipeline.traces(
    tracesRequest({ scope: 'openai-instrumented-by-hand', spans: [...vectors, ...policies].map(spanOf) }),
    'vectors',
  )
  expect(outcome.rejected).toBe(0)
  const costs = ['input_cost', 'cache_read_cost', 'cache_write_cost', 'output_cost', 'other_cost', 'total_cost']
  const found = await engine.clickhouse.query<CallRow>(
    `SELECT trace_id, cost_status, cost_reason, cost_flags, price_entry, price_book, ${costs.map((name) => `toString(${name}) AS ${name}`).join(', ')} FROM llm_calls`,
  )
  for (const row of found) rows.set(row.trace_id, row)
}, 60_000)
afterAll(() => engine.stop())

/** Column of each component; all others are `other_cost`. */
const columnOf: Readonly<Record<string, string>> = {
  input: 'input_cost',
  input_audio: 'input_cost',
  input_image: 'input_cost',
  input_video: 'input_cost',
  cache_read: 'cache_read_cost',
  cache_read_audio: 'cache_read_cost',
  cache_write: 'cache_write_cost',
  cache_write_1h: 'cache_write_cost',
  output: 'output_cost',
  output_audio: 'output_cost',
  output_image: 'output_cost',
  output_reasoning: 'output_cost',
  citation: 'output_cost',
}

function columnsOf(components: readonly VectorComponent[]): Record<string, string> {
  const sums = new Map<string, bigint>()
  for (const { component, amount_usd } of components) {
    const column = columnOf[component] ?? 'other_cost'
    sums.set(column, (sums.get(column) ?? 0n) + parsePicoUsd(amount_usd))
  }
  return Object.fromEntries([...sums].map(([column, pico]) => [column, formatPicoUsd(pico)]))
}

/** A column as the shortest decimal; nothing and zero are alike where a vector lists no component. */
function shortest(row: CallRow, column: string): string {
  return formatPicoUsd(parsePicoUsd(row[column] ?? '0'))
}

describe('a vector sent as a span', () => {
  test('makes a row each', () => {
    expect(vectors.length).toBeGreaterThan(220)
    expect(rows.size).toBe(vectors.length + policies.length)
  })

  const judged = vectors.map((vector, n) => [vector.id, vector, n] as const).filter(([id]) => waived[id] === undefined)
  test.each(judged)('%s has the same numbers in llm_calls', (_, vector, n) => {
    const { expected, certainty } = vector
    const row = rows.get((n + 1).toString(16).padStart(32, '0'))
    if (row === undefined) throw new Error('no row')
    expect([row.cost_status, row.cost_reason]).toEqual([expected.status, ''])
    expect(row['total_cost']).not.toBeNull()
    if (certainty === 'disputed')
      expect([expected.total_usd, expected.alternative?.total_usd]).toContain(shortest(row, 'total_cost'))
    else {
      expect(shortest(row, 'total_cost')).toBe(expected.total_usd)
      const want = columnsOf(expected.components)
      for (const column of ['input_cost', 'cache_read_cost', 'cache_write_cost', 'output_cost', 'other_cost'])
        expect([column, shortest(row, column)]).toEqual([column, want[column] ?? '0'])
    }
    const quote = quotePrice(book, {
      provider: vector.provider,
      model: vector.context?.['response_model'] ?? vector.model,
      atMs: Date.parse(vector.timestamp),
      usage: usageRow(vector.usage),
      conditions: conditionsOf(vector),
    })
    expect(row).toMatchObject({
      price_entry: quote.card?.entry.id,
      price_book: book.version,
      cost_flags: quote.flags.join(','),
    })
  })
})

describe('a policy sent as a span', () => {
  test.each(policies.map((policy, n) => [policy.id, policy, n + vectors.length] as const))(
    '%s is decided in llm_calls as told',
    (_, { expected }, n) => {
      const row = rows.get((n + 1).toString(16).padStart(32, '0'))
      expect(row?.cost_status).toBe(expected.status)
      expect(row?.cost_reason).toBe(expected.reason ?? (expected.status === 'partial' ? 'no_rate_for_unit' : ''))
      if (expected.total_usd === null) expect(row?.['total_cost']).toBeNull()
      else expect(row === undefined ? '' : shortest(row, 'total_cost')).toBe(expected.total_usd)
    },
  )
})

test('asked again with the same book, no call changes: the row holds everything that it was priced by', async () => {
  const filter = { fromMs: 0, toMs: Date.parse('2100-01-01T00:00:00Z') }
  const slices = await planSlices(engine.clickhouse, filter, 50)
  const bookFor = (): PriceBook => book
  const differences = await recompute({ clickhouse: engine.clickhouse, filter, slices, tz: 'UTC', bookFor })
  expect(differences.list()).toEqual([])
  // A usage that cannot be is not on the row: there is nothing to ask again with.
  const askable = policies.filter(({ expected }) => expected.status !== 'invalid')
  expect(differences.totals().calls).toBe(vectors.length + askable.length)
})

test('as FOCUS rows every component has its price, and the rows of a day are its calls to the last digit', async () => {
  const prices = priceRows(book)
  await engine.clickhouse.insert({
    table: pricesTable.name,
    columns: columnNames(pricesTable),
    body: encodeRows(pricesTable, prices),
    token: 'prices',
    rows: prices.length,
  })
  let out = ''
  const code = await runCli({
    argv: ['focus', '--json', '--focus-version', '1.4', '--from', '2020-01-01', '--to', '2100-01-01'],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: () => undefined,
  })
  expect(code).toBe(0)
  const { data } = JSON.parse(out) as { data: Record<string, string | null>[] }
  const computed = data.filter((row) => row['x_CostSource'] === 'computed')
  expect(computed.filter((row) => row['SkuPriceId'] === null)).toEqual([])
  expect(computed.length).toBeGreaterThan(vectors.length)
  const days = await engine.clickhouse.query<{ day: string; currency: string; total: string }>(
    `SELECT toString(day) AS day, if(total_cost IS NULL, toString(pricing_currency), 'USD') AS currency,
       sum(ifNull(total_cost, pricing_currency_cost)) AS total
     FROM llm_calls WHERE ifNull(total_cost, pricing_currency_cost) IS NOT NULL GROUP BY ALL`,
  )
  for (const { day, currency, total } of days) {
    const own = data.filter(
      (row) => row['ChargePeriodStart'] === `${day}T00:00:00Z` && row['BillingCurrency'] === currency,
    )
    const sum = own.reduce((all, row) => plus(all, parseDecimal(row['BilledCost'] ?? '')), zero)
    expect([day, currency, formatDecimal(sum)]).toEqual([day, currency, total])
  }
})
