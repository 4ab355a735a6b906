// Spans through the whole pipeline into a real ClickHouse, priced by a book of the test's own.

import { encodeRows } from '../../collector/clickhouse/native.ts'
import { Pipeline, type PipelineParts } from '../../collector/pipeline.ts'
import { loadDialects } from '../../collector/registry.ts'
import type { PriceBook } from '../../processors/pricing/book.ts'
import { priceRows } from '../../processors/pricing/rows.ts'
import { journalTables } from '../../schemas/journal-tables.ts'
import { pricesTable } from '../../schemas/prices-table.ts'
import { columnNames } from '../../schemas/table.ts'
import type { TestEngine } from '../engine.ts'
import { type Attributes, type SpanInput, tracesRequest } from '../otlp-messages.ts'

let inserts = 0

/** A pipeline whose rows go to the engine at once, without a journal between; the book's entries are stored as at a start. */
export async function pricedLedger(
  engine: TestEngine,
  book: PriceBook,
  more: Partial<PipelineParts> = {},
): Promise<{ send(project: string, calls: readonly CallInput[]): Promise<void> }> {
  const prices = priceRows(book)
  await engine.clickhouse.insert({
    table: pricesTable.name,
    columns: columnNames(pricesTable),
    body: encodeRows(pricesTable, prices),
    token: `prices-${book.version}`,
    rows: prices.length,
  })
  const pipeline = new Pipeline({
    store: {
      async append(records) {
        for (const { table, rows, parts } of records) {
          const { name } = journalTables[table]!
          const columns = columnNames(journalTables[table]!)
          await engine.clickhouse.insert({ table: name, columns, body: parts, token: `priced-${inserts++}`, rows })
        }
      },
    },
    dialects: await loadDialects(),
    book,
    settings: { keepContent: false, retentionDays: 90, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
    ...more,
  })
  return {
    async send(project, calls) {
      await pipeline.traces(
        tracesRequest({ scope: 'opentelemetry.instrumentation.openai_v2', spans: calls.map(spanOf) }),
        project,
      )
    },
  }
}

export interface CallInput {
  /** Unix milliseconds. */
  readonly at: number
  readonly provider: string
  readonly model: string
  readonly attributes?: Attributes
  readonly span?: SpanInput
}

let spans = 0

function spanOf({ at, provider, model, attributes = {}, span = {} }: CallInput): SpanInput {
  const id = (++spans).toString(16)
  return {
    traceId: id.padStart(32, 'c'),
    spanId: id.padStart(16, 'd'),
    startMs: at,
    durationMs: 1000,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': model,
      ...attributes,
    },
    ...span,
  }
}
