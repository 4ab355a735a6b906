// A trace explained: every figure with the arithmetic that makes it, from what the ledger keeps alone.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi } from '../../collector/api/server.ts'
import { runCli } from '../../collector/cli.ts'
import { explainedTrace } from '../../collector/explained-trace.ts'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadDialects } from '../../collector/registry.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { StoredBooks } from '../../collector/stored-books.ts'
import { traceWords } from '../../processors/explaining/words.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { engineStore } from '../engine-store.ts'
import { traceId, tracesRequest } from '../otlp-messages.ts'

const book = new PriceBook(loadPriceBook())
const startMs = Date.parse('2026-11-20T10:00:00Z')
let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  const books = new StoredBooks({ limited: () => undefined })
  books.offer(book)
  await books.open(engine.clickhouse, new AbortController().signal)
  const pipeline = new Pipeline({
    store: engineStore(engine),
    dialects: await loadDialects(),
    book: () => book,
    settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
  const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'anthropic' }
  const usage = {
    'gen_ai.usage.input_tokens': 3000,
    'gen_ai.usage.output_tokens': 200,
    'gen_ai.usage.cache_read.input_tokens': 1000,
  }
  const claude = { ...call, ...usage, 'gen_ai.response.model': 'claude-sonnet-4-5-20250929' }
  const times = { startMs, durationMs: 1500 }
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.usage.input_tokens': 3000 }
  await pipeline.traces(
    tracesRequest({
      scope: 'sdk',
      spans: [
        { spanId: 'aaaa000000000001', name: 'plan', ...times, attributes: { ...agent, 'user.id': 'ann' } },
        { spanId: 'aaaa000000000002', parentSpanId: 'aaaa000000000001', name: 'chat', ...times, attributes: claude },
        {
          spanId: 'aaaa000000000004',
          parentSpanId: 'aaaa000000000001',
          name: 'house',
          startMs: startMs + 2000,
          durationMs: 10,
          attributes: { ...call, ...usage, 'gen_ai.response.model': 'house-model' },
        },
      ],
    }),
    'default',
  )
  // A second instrumentation around the same call, in a request of its own.
  await pipeline.traces(
    tracesRequest({
      scope: 'callback',
      spans: [
        { spanId: 'aaaa000000000003', parentSpanId: 'aaaa000000000001', name: 'twin', ...times, attributes: claude },
      ],
    }),
    'default',
  )
  await settlePass(
    { clickhouse: engine.clickhouse, price: async () => [], now: () => startMs },
    { sinceMs: 0, untilMs: Date.now() + 1000 },
  )
})
afterAll(() => engine.stop())

test('in words: what a stranger needs to check it by hand', async () => {
  const found = await explainedTrace(engine.clickhouse, { project: 'default', traceId })
  expect(traceWords(found!).replaceAll(book.version, 'BOOK')).toMatchInlineSnapshot(`
    "Trace 0af7651916cd43dd8448eb211c80319c: 0.0093 USD, 2 calls of a model, of which 1 without their whole cost

    plan · agent  [aaaa000000000001]  not billed: sums what spans below it used, counted as aaaa000000000002
        read by    otel-semconv from sdk, 2026-11-20 10:00:00 UTC, 1500 ms
        reported   gen_ai.usage.input_tokens = 3000
        usage      input_tokens 3000
                   read as inclusive:convention
      chat · llm  [aaaa000000000002]  0.0093 USD, priced
          read by    otel-semconv from sdk, 2026-11-20 10:00:00 UTC, 1500 ms
          model      anthropic claude-sonnet-4-5-20250929
          reported   gen_ai.usage.input_tokens = 3000
                     gen_ai.usage.cache_read.input_tokens = 1000
                     gen_ai.usage.output_tokens = 200
          usage      input_tokens 3000, output_tokens 200, cache_read_input_tokens 1000
                     read as inclusive:convention
          price      anthropic/claude-sonnet-4-5-20250929#3, book BOOK
                     valid from 2026-04-30, recorded 2026-11-22, high confidence
                     source Anthropic pricing page, through genai-prices 0.2.3 (2026-10-14); Anthropic release notes (2026-10-14)
                     input       2000 × 3 ÷ 1000000 = 0.006
                     cache_read  1000 × 0.3 ÷ 1000000 = 0.0003
                     output      200 × 15 ÷ 1000000 = 0.003
                     total       0.0093 USD
          assumed    tier_assumed
      twin · llm  [aaaa000000000003]  not billed: is the same call as another span, counted as aaaa000000000002
          read by    otel-semconv from callback, 2026-11-20 10:00:00 UTC, 1500 ms
          model      anthropic claude-sonnet-4-5-20250929
          reported   gen_ai.usage.input_tokens = 3000
                     gen_ai.usage.cache_read.input_tokens = 1000
                     gen_ai.usage.output_tokens = 200
          usage      input_tokens 3000, output_tokens 200, cache_read_input_tokens 1000
                     read as inclusive:convention
          corrected  1. 2026-11-20 10:00:00 demoted,inherited by settle (side_by_side): cost_reason → duplicate; counted_as → aaaa000000000002; input_cost 0.006 → NULL; cache_read_cost 0.0003 → NULL; cache_write_cost 0 → NULL; output_cost 0.003 → NULL; other_cost 0 → NULL; total_cost 0.0093 → NULL; cost_flags tier_assumed →; price_entry anthropic/claude-sonnet-4-5-20250929#3 →; price_book BOOK →; cost_status priced → not_billed; user_id → ann
      house · llm  [aaaa000000000004]  no cost, unpriced: the price book has no entry for this model at that time
          read by    otel-semconv from sdk, 2026-11-20 10:00:02 UTC, 10 ms
          model      anthropic house-model
          reported   gen_ai.usage.input_tokens = 3000
                     gen_ai.usage.cache_read.input_tokens = 1000
                     gen_ai.usage.output_tokens = 200
          usage      input_tokens 3000, output_tokens 200, cache_read_input_tokens 1000
                     read as inclusive:convention"
  `)
})

test('as data: the products add up to the total of the row', async () => {
  const found = await explainedTrace(engine.clickhouse, { project: 'default', traceId })
  const [root] = found?.roots ?? []
  const chat = root?.children.find(({ span }) => span.name === 'chat')
  expect(chat).toMatchObject({ recomputed: '0.0093', agrees: true, unpricedUnits: [] })
  expect(chat?.components.map(({ component, amountUsd }) => [component, amountUsd])).toEqual([
    ['input', '0.006'],
    ['cache_read', '0.0003'],
    ['output', '0.003'],
  ])
  expect(found).toMatchObject({ totalCost: '0.0093', calls: 2, unpricedCalls: 1 })
})

test('over HTTP, as data and as text', async () => {
  const api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: async () => undefined,
    project: () => 'default',
    log: { error: () => undefined, limited: () => undefined },
    version: 'test',
  })
  try {
    const url = `http://127.0.0.1:${api.endpoint.port}/api/traces/${traceId}/explain`
    expect(await (await fetch(url)).json()).toMatchObject({ traceId, totalCost: '0.0093' })
    const text = await fetch(`${url}?format=text`)
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await text.text()).toContain('cache_read  1000 × 0.3 ÷ 1000000 = 0.0003')
    const unknown = await fetch(url.replace(traceId, 'nothing'))
    expect([unknown.status, await unknown.json()]).toEqual([404, { detail: 'there is no such trace' }])
  } finally {
    await api.close()
  }
})

test('by the command, with --json the same as data; an unknown trace is wrong use', async () => {
  const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    let out = ''
    let err = ''
    const code = await runCli({
      argv: ['explain', ...argv],
      env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
      readFile: () => '',
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
    return { code, out, err }
  }
  const words = await run(traceId.toUpperCase())
  expect([words.code, words.out.startsWith(`Trace ${traceId}: 0.0093 USD, 2 calls`)]).toEqual([0, true])
  const json = JSON.parse((await run(traceId, '--json')).out) as { roots: unknown[] }
  expect(json.roots).toHaveLength(1)
  expect(await run('f'.repeat(32))).toMatchObject({ code: 2, err: expect.stringContaining('has no trace') })
})
