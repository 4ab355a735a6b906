// Rows that are to carry money again, priced in the database: more at once than the values of a statement hold.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { priceStored } from '../../collector/settling/price.ts'
import { spansOf } from '../../collector/settling/store.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

test('a thousand rows with long texts are priced, each as its own', async () => {
  const { clickhouse } = engine
  const rows = Array.from({ length: 1000 }, (_, i) =>
    spanRow(`s${i}`, {
      project_id: 'a project with a rather long name, as organisations have',
      trace_id: i.toString(16).padStart(32, '0'),
      provider: 'openai',
      request_model: 'gpt-4.1',
      model: 'gpt-4.1',
      input_tokens: 1000 + i,
      output_tokens: 0,
      usage_other: { audio_input_tokens: 0, image_input_tokens: 0, requests: 1, web_search_calls: 0 },
      price_conditions: JSON.stringify({
        serviceTier: 'default',
        region: 'a-region-with-a-long-name-1',
        dataResidency: 'us',
        searchContextSize: 'medium',
        speed: 'standard',
      }),
    }),
  )
  await insertSpans(clickhouse, rows)
  const stored = await spansOf(
    clickhouse,
    rows.map(({ trace_id }) => String(trace_id)),
  )
  expect(stored).toHaveLength(1000)
  const book = new PriceBook(loadPriceBook())
  const priced = await priceStored(clickhouse, { bookFor: () => book }, stored)
  // 2 USD a million tokens.
  expect(priced.map(({ total_cost }) => Number(total_cost))).toEqual(
    stored.map(({ input_tokens }) => (Number(input_tokens) * 2) / 1e6),
  )
})
