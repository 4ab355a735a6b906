// A ledger of recorded requests: the whole pipeline into a real engine, settled.

import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { loadDialects } from '../../collector/registry.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { priceStored } from '../../collector/settling/price.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import type { Sent } from '../captures.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { gatheringStore } from '../engine-store.ts'

export const book = new PriceBook(loadPriceBook())

/** Rows by project, which they then do not name. */
export type Rows = ReadonlyMap<string, readonly object[]>

export class CaptureLedger {
  readonly arrivedMs = Date.now()
  readonly engine: TestEngine
  private readonly store: ReturnType<typeof gatheringStore>
  private readonly pipeline: Pipeline

  private constructor(engine: TestEngine, dialects: ConstructorParameters<typeof Pipeline>[0]['dialects']) {
    this.engine = engine
    this.store = gatheringStore(engine)
    this.pipeline = new Pipeline({
      store: this.store,
      dialects,
      book: () => book,
      // All in one millisecond: the time of arrival does not tell requests apart.
      now: () => this.arrivedMs,
      settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
      meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
    })
  }

  static async start(): Promise<CaptureLedger> {
    return new CaptureLedger(await startTestEngine(), await loadDialects())
  }

  async take(requests: readonly Sent[], project: string): Promise<void> {
    await Promise.all(requests.map(({ signal, body }) => this.pipeline[signal](body, project)))
  }

  /** Settles all that was taken; how many rows changed. */
  async settle(): Promise<number> {
    await this.store.flush()
    const { clickhouse } = this.engine
    const price = (rows: Parameters<typeof priceStored>[2]) => priceStored(clickhouse, { bookFor: () => book }, rows)
    const pass = { clickhouse, now: Date.now, price }
    return (await settlePass(pass, { sinceMs: 0, untilMs: Date.now() + 1000 })).changes
  }

  async calls(): Promise<Rows> {
    return byProject(await this.engine.clickhouse.query(callsSql))
  }

  async spans(): Promise<Rows> {
    return byProject(await this.engine.clickhouse.query(spansSql))
  }

  stop(): Promise<void> {
    return this.engine.stop()
  }
}

const callsSql = `SELECT project_id, span_id, name, status, model, response_id, toFloat64(input_tokens) AS input_tokens,
  toFloat64(output_tokens) AS output_tokens, toFloat64(cache_read_tokens) AS cache_read_tokens,
  toFloat64(cache_write_tokens) AS cache_write_tokens, toFloat64(reasoning_tokens) AS reasoning_tokens, usage_other, cost_status,
  toString(total_cost) AS cost, toFloat64(toUnixTimestamp64Milli(start_time)) + duration_ms AS end_ms
FROM llm_calls
WHERE kind IN ('llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'moderation') OR total_cost IS NOT NULL
ORDER BY start_time, span_id`

const spansSql = `SELECT project_id, trace_id, span_id, cost_status, cost_reason, counted_as, toString(total_cost) AS cost, price_entry, price_book,
  provider, model, cost_flags, user_id, session_id, feature, attempt, attempts, input_tokens, output_tokens, cache_read_tokens,
  cache_write_tokens, reasoning_tokens
FROM spans FINAL ORDER BY trace_id, span_id`

function byProject(rows: readonly Record<string, unknown>[]): Rows {
  const groups = Map.groupBy(rows, ({ project_id }) => String(project_id))
  return new Map([...groups].map(([project, of]) => [project, of.map(({ project_id: _, ...row }) => row)]))
}
