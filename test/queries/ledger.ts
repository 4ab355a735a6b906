// A small ledger that questions and dashboards are asked about, every figure of it worked out by hand below.
//
//   day  hour  project  env   service  model          user   feature  status           cost
//   D-2  10    default  prod  web      gpt-4.1        ada    chat     priced           0.5
//   D-2  23    default  prod  web      gpt-4.1        bob    chat     priced           0.25
//   D-1  09    default  prod  web      gpt-4.1-mini   ada    search   priced           0.125
//   D-1  09    default  prod  web      gpt-4.1-mini   ada    search   failed, priced   0.0625   timeout
//   D-1  12    default  prod  worker   house-model    ada    chat     unpriced         ?        no_price
//   D-1  12    default  prod  worker   house-model           chat     partial          0.03125  unit_no_price
//   D-1  13    default  dev   worker   o'brien        bob             failed, nothing used       rate_limit
//   D-1  14    default        web      gpt-4.1        cyd    chat     reported         1
//   and: an agent span that sums them, a duplicate, a tool; project `other` with one call of 100.
//
//   project default: 8 calls, 5 priced, 2 unpriced, 1 not billed, 2 errors; 1.96875 USD of which 0.03125 of a partial call.

import { utc } from '../api/rows.ts'
import { type Asking, insert } from './ask.ts'

export const hour = 3_600_000
export const day = 24 * hour

/** The newest midnight UTC: the beginning of day D, and the end of the ledger. */
export const midnight = Math.floor(Date.now() / day) * day

export interface Call {
  readonly at: number
  readonly id: string
  readonly [column: string]: unknown
}

function call(at: number, id: string, columns: Readonly<Record<string, unknown>>): Call {
  return {
    at,
    id,
    project_id: 'default',
    kind: 'llm',
    env: 'prod',
    service: 'web',
    provider: 'openai',
    model: 'gpt-4.1',
    status: 'ok',
    cost_status: 'priced',
    price_book: 'book-1',
    price_entry: 'openai/gpt-4.1@1',
    input_tokens: 100,
    output_tokens: 10,
    duration_ns: 1e9,
    attempt: 1,
    attempts: 1,
    name: 'chat',
    span_kind: 'client',
    ...columns,
  }
}

const failed = { status: 'error', output_tokens: null }

export const calls: readonly Call[] = [
  call(midnight - 2 * day + 10 * hour, '01', {
    user_id: 'ada',
    feature: 'chat',
    total_cost: '0.5',
    input_tokens: 1000,
    cache_read_tokens: 400,
    cache_write_tokens: 100,
    output_tokens: 200,
    reasoning_tokens: 50,
  }),
  call(midnight - 2 * day + 23 * hour, '02', { user_id: 'bob', feature: 'chat', total_cost: '0.25' }),
  call(midnight - day + 9 * hour, '03', {
    user_id: 'ada',
    feature: 'search',
    model: 'gpt-4.1-mini',
    total_cost: '0.125',
    duration_ns: 2e9,
    ttft_ns: 5e8,
    attempt: 2,
    attempts: 2,
    wasted_cost: '0.0625',
  }),
  call(midnight - day + 9 * hour + 60_000, '04', {
    ...failed,
    user_id: 'ada',
    feature: 'search',
    model: 'gpt-4.1-mini',
    total_cost: '0.0625',
    failure_class: 'timeout',
    duration_ns: 9e9,
    ttft_ns: 4e9,
    attempts: 2,
  }),
  call(midnight - day + 12 * hour, '05', {
    user_id: 'ada',
    feature: 'chat',
    service: 'worker',
    provider: 'house',
    model: 'house-model',
    cost_status: 'unpriced',
    cost_reason: 'no_price',
    price_entry: '',
    reported_cost: '0.75',
  }),
  call(midnight - day + 12 * hour + 60_000, '06', {
    feature: 'chat',
    service: 'worker',
    provider: 'house',
    model: 'house-model',
    cost_status: 'partial',
    cost_reason: 'unit_no_price',
    total_cost: '0.03125',
  }),
  call(midnight - day + 13 * hour, '07', {
    ...failed,
    user_id: 'bob',
    env: 'dev',
    service: 'worker',
    provider: 'house',
    model: "o'brien",
    cost_status: 'not_billed',
    cost_reason: 'failed_no_usage',
    input_tokens: null,
    failure_class: 'rate_limit',
  }),
  call(midnight - day + 14 * hour, '08', {
    user_id: 'cyd',
    feature: 'chat',
    env: '',
    cost_status: 'reported',
    total_cost: '1',
    price_entry: '',
  }),
  call(midnight - day + 14 * hour, '09', { project_id: 'other', user_id: 'eve', feature: 'chat', total_cost: '100' }),
]

/** Spans that are no calls: they carry usage or cost of others, and no question may count them. */
const others: readonly Call[] = [
  call(midnight - 2 * day + 10 * hour - 1, '10', {
    kind: 'agent',
    name: 'invoke_agent',
    span_kind: 'internal',
    input_tokens: 1000,
    cost_status: 'not_billed',
    cost_reason: 'aggregate',
    counted_as: spanId('01'),
  }),
  call(midnight - 2 * day + 10 * hour, '11', {
    input_tokens: 1000,
    cost_status: 'not_billed',
    cost_reason: 'duplicate',
    counted_as: spanId('01'),
  }),
  call(midnight - 2 * day + 10 * hour + 5, '12', {
    kind: 'tool',
    name: 'lookup',
    input_tokens: null,
    output_tokens: null,
    cost_status: 'not_billed',
    cost_reason: 'not_a_model_call',
  }),
]

export function traceId(id: string): string {
  return id.padStart(32, 'a')
}

export function spanId(id: string): string {
  return id.padStart(16, 'b')
}

/** The row of `spans` a call is stored as; the agent and its parts share the trace of call 01. */
export function spanRow({ at, id, ...columns }: Call, revision = { revision: 0, sign: 1 }): Record<string, unknown> {
  const inTrace = ['10', '11', '12'].includes(id)
  return {
    ...columns,
    ...revision,
    start_time: utc(at),
    trace_id: traceId(inTrace ? '01' : id),
    span_id: spanId(id),
    parent_span_id: id === '01' || id === '12' ? spanId('10') : '',
    retention_days: 90,
    ingested_at: utc(Date.now() + revision.revision * 1000),
  }
}

/** Fills `spans`, and by the materialised views the rollups. */
export async function seed(url: string, asking: Asking = {}): Promise<void> {
  const rows = [...calls, ...others].map((each) => spanRow(each))
  await insert(url, 'spans', rows, asking)
}

/** The range that holds the whole ledger, in whole seconds. */
export const wholeLedger = { from: midnight - 3 * day, to: midnight }

/** Parameters of a question over a range of Unix milliseconds. */
export function range(from: number, to: number): Record<string, string> {
  return { from: utc(from), to: utc(to) }
}

/** A vote on a call, resolved: the row of `scores` that carries the dimensions of what it judges. */
export function scoreRow(id: string, columns: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const judged = calls.find((each) => each.id === id)
  if (judged === undefined) throw new Error(`no call ${id}`)
  const time = utc(judged.at + hour)
  return {
    project_id: 'default',
    name: 'user_feedback',
    created_at: time,
    target_time: time,
    score_id: `score-${id}`,
    target: 'span',
    trace_id: traceId(id),
    span_id: spanId(id),
    data_type: 'numeric',
    source: 'user',
    resolved: 1,
    kind: 'llm',
    model: judged['model'],
    retention_days: 400,
    version: judged.at,
    ...columns,
  }
}
