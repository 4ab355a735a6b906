// What ClickHouse says of one run of the demo: its calls and its scores, as any SQL client would ask.

import type { ClickHouseClient } from '@clickhouse/client'
import { createClient } from '@clickhouse/client'
import { parsePicoUsd } from '../../schemas/money.ts'
import type { BilledUsage } from './invoice.ts'

export interface LedgerCall {
  readonly time: string
  readonly provider: string
  readonly requestModel: string
  readonly responseModel: string
  readonly traceId: string
  readonly spanId: string
  readonly responseId: string
  readonly status: string
  readonly failureClass: string
  /** Null: no usage was reported. */
  readonly usage: BilledUsage | null
  /** Null: not priced. */
  readonly picoUsd: bigint | null
  readonly costStatus: string
  readonly costReason: string
  readonly priceEntry: string
}

export interface LedgerScore {
  readonly name: string
  readonly value: number | null
  readonly label: string
  readonly source: string
  readonly target: string
  readonly traceId: string
  readonly spanId: string
  readonly model: string
  /** Cost of what was judged; null when unknown. */
  readonly picoUsd: bigint | null
  readonly isResolved: boolean
}

const callsQuery = `SELECT
  formatDateTime(start_time, '%H:%i:%S.%f') AS time, provider, request_model, response_model,
  trace_id, span_id, response_id, status, failure_class,
  input_tokens, cache_read_tokens, cache_write_tokens,
  usage_other['cache_write_1h_tokens'] AS cache_write_1h_tokens, output_tokens,
  toString(total_cost) AS total_cost, cost_status, cost_reason, price_entry
FROM llm_calls
WHERE resource['service.instance.id'] = {run:String}
ORDER BY start_time, span_id`

const scoresQuery = `SELECT
  name, value, label, source, target, trace_id, span_id, model, toString(span_cost) AS span_cost, resolved
FROM current_scores
WHERE trace_id IN {traces:Array(String)} OR response_id IN {responses:Array(String)}
ORDER BY created_at, name, trace_id`

/** The ledger of one run; `close` ends the connections. */
export class LedgerReader {
  readonly #client: ClickHouseClient
  readonly #run: string

  constructor({ url, database, run }: { readonly url: string; readonly database: string; readonly run: string }) {
    // 64-bit counts as JSON numbers: the demo's are small.
    this.#client = createClient({ url, database, clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })
    this.#run = run
  }

  async calls(): Promise<LedgerCall[]> {
    const rows = await this.#rows<CallRow>(callsQuery, { run: this.#run })
    return rows.map((row) => ({
      time: row.time,
      provider: row.provider,
      requestModel: row.request_model,
      responseModel: row.response_model,
      traceId: row.trace_id,
      spanId: row.span_id,
      responseId: row.response_id,
      status: row.status,
      failureClass: row.failure_class,
      usage: usageOf(row),
      picoUsd: row.total_cost === null ? null : parsePicoUsd(row.total_cost),
      costStatus: row.cost_status,
      costReason: row.cost_reason,
      priceEntry: row.price_entry,
    }))
  }

  /** Scores that judge one of `traces` or one of `responses`. */
  async scores(judged: {
    readonly traces: readonly string[]
    readonly responses: readonly string[]
  }): Promise<LedgerScore[]> {
    const rows = await this.#rows<ScoreRow>(scoresQuery, { ...judged })
    return rows.map((row) => ({
      name: row.name,
      value: row.value,
      label: row.label,
      source: row.source,
      target: row.target,
      traceId: row.trace_id,
      spanId: row.span_id,
      model: row.model,
      picoUsd: row.span_cost === null ? null : parsePicoUsd(row.span_cost),
      isResolved: row.resolved === 1,
    }))
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #rows<T>(query: string, query_params: Record<string, unknown>): Promise<T[]> {
    const answer = await this.#client.query({ query, query_params, format: 'JSONEachRow' })
    return answer.json<T>()
  }
}

interface CallRow {
  readonly time: string
  readonly provider: string
  readonly request_model: string
  readonly response_model: string
  readonly trace_id: string
  readonly span_id: string
  readonly response_id: string
  readonly status: string
  readonly failure_class: string
  readonly input_tokens: number | null
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly cache_write_1h_tokens: number
  readonly output_tokens: number | null
  readonly total_cost: string | null
  readonly cost_status: string
  readonly cost_reason: string
  readonly price_entry: string
}

interface ScoreRow {
  readonly name: string
  readonly value: number | null
  readonly label: string
  readonly source: string
  readonly target: string
  readonly trace_id: string
  readonly span_id: string
  readonly model: string
  readonly span_cost: string | null
  readonly resolved: number
}

/** The ledger's totals include their parts; the invoice's buckets do not overlap. */
function usageOf(row: CallRow): BilledUsage | null {
  if (row.input_tokens === null && row.output_tokens === null) return null
  return {
    input: (row.input_tokens ?? 0) - row.cache_read_tokens - row.cache_write_tokens,
    cacheRead: row.cache_read_tokens,
    cacheWrite5m: row.cache_write_tokens - row.cache_write_1h_tokens,
    cacheWrite1h: row.cache_write_1h_tokens,
    output: row.output_tokens ?? 0,
  }
}
