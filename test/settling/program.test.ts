// Random traces through the whole program: as spans and log events, split over requests in any order, some sent twice, by two collectors of
// which one restarts, settled at moments in between. The ledger's sum is that of the true calls, and the rollup's is the ledger's.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { reconcile } from '../../collector/reconciling/reconcile.ts'
import { drift } from '../../collector/reconciling/rollups.ts'
import { loadDialects } from '../../collector/registry.ts'
import { settlePass } from '../../collector/settling/pass.ts'
import { priceStored } from '../../collector/settling/price.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { noConditions } from '../../processors/pricing/conditions.ts'
import { explainTotal } from '../../processors/pricing/explain.ts'
import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit } from '../../schemas/usage.ts'
import type { Sent } from '../captures.ts'
import { dice } from '../dice.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { engineStore } from '../engine-store.ts'
import { type SpanInput, tracesRequest } from '../otlp-messages.ts'
import { encoded } from '../otlp-schema.ts'
import { type Seen, shuffled, type TrueCall, usageRow, type World, WorldMaker } from './world.ts'

const random = dice(20_261_124)
const book = new PriceBook(loadPriceBook())
const dialects = await loadDialects()
const worlds = 40
/** The world's clock begins in 2026-09; its rows are to be of this hour's book. */
const shiftMicros = Date.now() * 1000 - 3_600_000_000 - 1_790_000_000_000_000

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

function collector(): Pipeline {
  return new Pipeline({
    store: engineStore(engine),
    dialects,
    book: () => book,
    settings: { keepContent: false, retentionDays: 90, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
}

const usageNames: Partial<Record<UsageUnitName, string>> = {
  input: 'gen_ai.usage.input_tokens',
  output: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
}
const providers: Readonly<Record<string, string>> = { gpt: 'openai', claude: 'anthropic', gemini: 'gcp.gemini' }

function providerOf(model: string): string {
  return providers[model.split('-')[0] ?? ''] ?? 'openai'
}

function attributesOf({ record }: Seen): Record<string, string | number> {
  const attributes: Record<string, string | number> = {
    'gen_ai.operation.name': record.role === 'carrier' ? 'invoke_agent' : 'chat',
  }
  if (record.role === 'none') return {}
  if (record.role === 'call') {
    attributes['gen_ai.provider.name'] = providerOf(record.responseModel)
    attributes['gen_ai.response.model'] = record.responseModel
  }
  if (record.responseId !== '') attributes['gen_ai.response.id'] = record.responseId
  for (const [name, attribute] of Object.entries(usageNames)) {
    const count = record.usage[unit[name as UsageUnitName]]!
    if (!Number.isNaN(count)) attributes[attribute] = count
  }
  return attributes
}

/** Spans and events of some records, each kind in a request of its own. */
function requests(seen: readonly Seen[]): Sent[] {
  const [events, spans] = [seen.filter(({ record }) => record.isEvent), seen.filter(({ record }) => !record.isEvent)]
  return [
    ...(spans.length > 0 ? [{ signal: 'traces', body: spansOf(spans) } as const] : []),
    ...(events.length > 0 ? [{ signal: 'logs', body: eventsOf(events) } as const] : []),
  ]
}

function eventsOf(seen: readonly Seen[]): Uint8Array {
  const resourceLogs = seen.map((each) => {
    const { record } = each
    const nano = BigInt(record.end + shiftMicros) * 1000n
    const attribute = ([key, value]: [string, string | number]): object => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    })
    const logRecord = {
      timeUnixNano: String(nano),
      eventName: 'gen_ai.client.inference.operation.details',
      traceId: Buffer.from(record.traceId, 'hex'),
      ...(record.parentId === '' ? {} : { spanId: Buffer.from(record.parentId, 'hex') }),
      attributes: Object.entries(attributesOf(each)).map(attribute),
    }
    return {
      resource: { attributes: [attribute(['service.name', record.resource])] },
      scopeLogs: [{ scope: { name: record.scope }, logRecords: [logRecord] }],
    }
  })
  return encoded('Logs', { resourceLogs })
}

function spansOf(seen: readonly Seen[]): Uint8Array {
  const scopes = seen.map((each) => {
    const { record } = each
    const attributes = attributesOf(each)
    const startMs = Math.floor((record.start + shiftMicros) / 1000)
    const span: SpanInput = {
      traceId: record.traceId,
      spanId: record.spanId,
      ...(record.parentId === '' ? {} : { parentSpanId: record.parentId }),
      startMs,
      durationMs: Math.floor((record.end + shiftMicros) / 1000) - startMs,
      attributes,
      ...(record.isError ? { status: { code: 2 } } : {}),
      ...(record.isServer === true ? { kind: 2 } : {}),
      ...(record.manner ? { name: record.manner } : {}),
    }
    // One scope of two instrumentations, which the ledger tells apart by how they name their spans.
    return {
      scope: record.manner ? 'mlflow-of-two' : record.scope,
      resource: { 'service.name': record.resource },
      spans: [span],
    }
  })
  return tracesRequest(...scopes)
}

function costOf(call: TrueCall): bigint {
  const atMs = (call.end + shiftMicros) / 1000
  const found = book.resolve(providerOf(call.model), call.model, noConditions, atMs)
  return found.kind === 'miss' ? 0n : parsePicoUsd(explainTotal(found.card, usageRow(call.usage), 0))
}

async function settled(): Promise<void> {
  const { clickhouse } = engine
  const price = (rows: Parameters<typeof priceStored>[2]) => priceStored(clickhouse, { bookFor: () => book }, rows)
  await settlePass({ clickhouse, now: Date.now, price }, { sinceMs: 0, untilMs: Date.now() + 60_000 })
}

test(`${worlds} worlds come out as they were`, { timeout: 120_000 }, async () => {
  const made = Array.from({ length: worlds }, (_, i): [string, World] => [
    `world ${i}`,
    new WorldMaker(random, { isDetailed: true }).make(),
  ])
  const sent = made.flatMap(([project, { seen }]) => {
    const made: [string, Sent][] = []
    const mixed = shuffled(seen, random)
    for (let at = 0; at < mixed.length; ) {
      const count = 1 + Math.floor(random() * 5)
      for (const each of requests(mixed.slice(at, at + count))) made.push([project, each])
      at += count
    }
    const twice = made.filter(() => random() < 0.2)
    return [...made, ...twice]
  })
  const collectors = [collector(), collector()]
  const order = shuffled(sent, random)
  for (let at = 0; at < order.length; at += 40) {
    await Promise.all(
      order
        .slice(at, at + 40)
        .map(([project, { signal, body }]) => collectors[random() < 0.5 ? 0 : 1]![signal](body, project)),
    )
    if (random() < 0.3) await settled()
    if (random() < 0.3) collectors[1] = collector()
  }
  await settled()
  const span = { fromMs: Date.now() - 3 * 3_600_000, toMs: Date.now() + 24 * 3_600_000 }
  await reconcile({ clickhouse: engine.clickhouse, againAfterMs: 0 }, span)

  const rows = await engine.clickhouse.query<{ project_id: string; cost: string; billed: string }>(
    `SELECT project_id, toString(sum(total_cost)) AS cost, countIf(total_cost IS NOT NULL) AS billed FROM llm_calls GROUP BY project_id`,
  )
  const found = new Map(rows.map(({ project_id, cost, billed }) => [project_id, `${billed} calls, ${cost} USD`]))
  const wanted = new Map(
    made.map(([project, { calls }]) => {
      const priced = calls.filter(({ isError, model }) => !isError && model !== 'a-model-of-its-own')
      const sum = priced.reduce((total, call) => total + costOf(call), 0n)
      return [project, `${priced.length} calls, ${formatPicoUsd(sum)} USD`]
    }),
  )
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
  expect(await drift(engine.clickhouse, span)).toEqual({ groups: 0, cost: '0' })
})
