// The straightforward collector the benchmark compares with: protobufjs objects, one row object a span, JSONEachRow in
// batches, answered from memory, no journal. Same table, same columns filled, one price look-up a span.
//   node straightforward.ts <clickhouse url> <database>   prints {"otlp_http":"host:port"} when it listens

import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@clickhouse/client'
import { loadPriceBook } from '../../collector/price-files.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { noConditions } from '../../processors/pricing/conditions.ts'
import { type PricedCall, priceUsage } from '../../processors/pricing/price.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'
import { messageType } from '../otlp-schema.ts'

interface AnyValue {
  readonly stringValue?: string
  readonly intValue?: string
  readonly doubleValue?: number
  readonly boolValue?: boolean
  readonly arrayValue?: { readonly values: readonly AnyValue[] }
}
interface KeyValue {
  readonly key: string
  readonly value?: AnyValue
}
interface Span {
  readonly traceId: Buffer
  readonly spanId: Buffer
  readonly parentSpanId?: Buffer
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly KeyValue[]
  readonly status?: { readonly code?: number; readonly message?: string }
}
interface TracesRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] }
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string }
      readonly spans?: readonly Span[]
    }[]
  }[]
}

const [url = '', database = ''] = process.argv.slice(2)
const client = createClient({ url, database })
const traces = messageType('Traces')
const book = new PriceBook(loadPriceBook())
const priced: PricedCall = {
  status: 'unpriced',
  reason: '',
  inputPico: 0,
  cacheReadPico: 0,
  cacheWritePico: 0,
  outputPico: 0,
  otherPico: 0,
  totalPico: 0,
  otherCurrencyPico: Number.NaN,
  flags: 0,
}
let rows: Record<string, unknown>[] = []
let flushing = Promise.resolve()

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const decoded = traces.decode(Buffer.concat(chunks))
    const message = traces.toObject(decoded, { longs: String }) as TracesRequest
    for (const { resource, scopeSpans } of message.resourceSpans ?? []) {
      const shared = mapOf(resource?.attributes)
      for (const { scope, spans } of scopeSpans ?? [])
        for (const span of spans ?? []) rows.push(rowOf(span, shared, scope?.name ?? '', scope?.version ?? ''))
    }
    if (rows.length >= 10_000) flush()
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
})
setInterval(flush, 1000)
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ otlp_http: `127.0.0.1:${(server.address() as AddressInfo).port}` })),
)

function flush(): void {
  if (rows.length === 0) return
  const values = rows
  rows = []
  flushing = flushing
    .then(() =>
      client.insert({
        table: 'spans',
        values,
        format: 'JSONEachRow',
        clickhouse_settings: { async_insert: 0, date_time_input_format: 'best_effort' },
      }),
    )
    .then(() => undefined)
}

function mapOf(attributes: readonly KeyValue[] = []): Record<string, string> {
  const map: Record<string, string> = {}
  for (const { key, value } of attributes) map[key] = textOf(value)
  return map
}

function textOf(value: AnyValue | undefined): string {
  if (value === undefined) return ''
  if (value.arrayValue !== undefined) return JSON.stringify(value.arrayValue.values.map(textOf))
  return String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? '')
}

function rowOf(
  span: Span,
  resource: Record<string, string>,
  scopeName: string,
  scopeVersion: string,
): Record<string, unknown> {
  const attributes = mapOf(span.attributes)
  const take = (key: string): string => {
    const value = attributes[key] ?? ''
    delete attributes[key]
    return value
  }
  const provider = take('gen_ai.provider.name')
  const model = take('gen_ai.response.model')
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  usage[unit.input] = Number(take('gen_ai.usage.input_tokens'))
  usage[unit.output] = Number(take('gen_ai.usage.output_tokens'))
  usage[unit.cacheRead] = Number(take('gen_ai.usage.cache_read.input_tokens'))
  const found = book.resolve(provider, model, noConditions, Number(BigInt(span.endTimeUnixNano) / 1_000_000n))
  if (found.kind === 'card') priceUsage(found.card, usage, 0, priced)
  const start = BigInt(span.startTimeUnixNano)
  return {
    project_id: 'default',
    kind: 'llm',
    start_time: `${start / 1_000_000_000n}.${(start % 1_000_000_000n).toString().padStart(9, '0')}`,
    trace_id: span.traceId.toString('hex'),
    span_id: span.spanId.toString('hex'),
    parent_span_id: span.parentSpanId?.toString('hex') ?? '',
    duration_ns: (BigInt(span.endTimeUnixNano) - start).toString(),
    name: span.name,
    status: span.status?.code === 2 ? 'error' : 'ok',
    status_message: span.status?.message ?? '',
    service: resource['service.name'] ?? '',
    service_version: resource['service.version'] ?? '',
    env: resource['deployment.environment.name'] ?? '',
    scope_name: scopeName,
    scope_version: scopeVersion,
    dialect: 'otel-semconv',
    operation: take('gen_ai.operation.name'),
    provider,
    request_model: take('gen_ai.request.model'),
    response_model: model,
    model,
    user_id: take('user.id'),
    session_id: take('gen_ai.conversation.id'),
    response_id: take('gen_ai.response.id'),
    finish_reason: take('gen_ai.response.finish_reasons'),
    temperature: Number(take('gen_ai.request.temperature')),
    max_tokens: take('gen_ai.request.max_tokens'),
    input_tokens: usage[unit.input],
    cache_read_tokens: usage[unit.cacheRead],
    output_tokens: usage[unit.output],
    input_cost: formatPicoUsd(priced.inputPico),
    cache_read_cost: formatPicoUsd(priced.cacheReadPico),
    output_cost: formatPicoUsd(priced.outputPico),
    total_cost: formatPicoUsd(priced.totalPico),
    cost_status: priced.status,
    price_book: book.version,
    attributes,
    resource,
    retention_days: 90,
    ingested_at: `${Date.now() / 1000}`,
    sign: 1,
  }
}
