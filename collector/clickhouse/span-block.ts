// hot: SpanBatch columns → an open Native block of `spans` and its Native bytes. Batches are appended column by
// column; when the journal is free the block's buffers go to it as they are.

import { costColumns, costCount, low, type SpanBatch, text, textNames } from '../../schemas/span-batch.ts'
import { spansTable } from '../../schemas/spans-table.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'
import {
  type BlockColumn,
  countedAs,
  halves,
  hexIds,
  integers,
  lowIds,
  lowSame,
  type Numbers,
  nullable,
  nullableStream,
  type Place,
  sameNumber,
  smallNumbers,
  textRanges,
} from './flat-columns.ts'
import { emitBlockHead } from './native.ts'
import { resourceAttributes, spanAttributes, spanEvents, spanLinks, usageOther } from './nested-columns.ts'
import { PartList } from './part-list.ts'

/** An open block of spans; owns its buffers, which `parts` lends out until `reset`. */
export class SpanBlock {
  rows = 0
  /** Bytes of request bodies appended so far, an upper estimate of the block's size. */
  bodyBytes = 0
  private readonly columns: readonly BlockColumn[]
  private readonly out = new PartList()

  constructor(strings: StringTable, settings: { retentionDays: number }) {
    this.columns = spansTable.columns.map(({ name, type }) => spanColumn(name, type, strings, settings.retentionDays))
  }

  append(batch: SpanBatch): void {
    if (batch.rows === 0) return
    for (const column of this.columns) column.append(batch)
    this.rows += batch.rows
    this.bodyBytes += batch.bytes.length
  }

  parts(): readonly Uint8Array[] {
    return emitBlock(this.out, this.columns, this.rows)
  }

  reset(): void {
    for (const column of this.columns) column.reset()
    this.out.reset()
    this.rows = 0
    this.bodyBytes = 0
  }
}

export function emitBlock(out: PartList, columns: readonly BlockColumn[], rows: number): readonly Uint8Array[] {
  out.reset()
  emitBlockHead(out, columns.length, rows)
  for (const column of columns) {
    out.addText(column.name)
    out.addText(column.type)
    column.emitPrefix(out)
    column.emitData(out)
  }
  out.close()
  return out.parts
}

function spanColumn(name: string, type: string, strings: StringTable, retentionDays: number): BlockColumn {
  const place = { name, type }
  if (name === 'project_id') return lowSame(place, strings, (batch) => batch.projectId)
  if (name in low) return lowIds(place, strings, low[name as keyof typeof low])
  if ((textNames as readonly string[]).includes(name)) return textRanges(place, text[name as keyof typeof text])
  const costSlot = (costColumns as readonly string[]).indexOf(name)
  if (costSlot >= 0)
    return nullable(place, 'integer', { of: (batch) => batch.costs, slot: costSlot, stride: costCount })
  const make = spanColumns[name]
  if (make === undefined) throw new Error(`spans.${name} has no encoder`)
  return make(place, strings, retentionDays)
}

const spanColumns: Readonly<
  Record<string, (place: Place, strings: StringTable, retentionDays: number) => BlockColumn>
> = {
  start_time: (place) =>
    halves(
      place,
      (batch) => batch.startLow,
      (batch) => batch.startHigh,
    ),
  trace_id: (place) => hexIds(place, 16, (batch) => batch.tracePos),
  span_id: (place) => hexIds(place, 8, (batch) => batch.spanPos),
  parent_span_id: (place) => hexIds(place, 8, (batch) => batch.parentPos),
  counted_as: (place) => countedAs(place),
  flags: (place) => smallNumbers(place, 4, (batch) => batch.flags),
  duration_ns: (place) => integers(place, { of: (batch) => batch.durationNano }),
  ttft_ns: (place) => integers(place, { of: (batch) => batch.ttftNano }),
  stream: (place) => nullableStream(place),
  temperature: (place) => nullable(place, 'double', { of: (batch) => batch.temperature }),
  max_tokens: (place) => nullable(place, 'integer', { of: (batch) => batch.maxTokens }),
  input_tokens: (place) => nullable(place, 'integer', usageIn(unit.input)),
  output_tokens: (place) => nullable(place, 'integer', usageIn(unit.output)),
  cache_read_tokens: (place) => integers(place, usageIn(unit.cacheRead)),
  cache_write_tokens: (place) => integers(place, usageIn(unit.cacheWrite)),
  reasoning_tokens: (place) => integers(place, usageIn(unit.reasoning)),
  usage_other: (place, strings) => usageOther(place, strings),
  attempt: (place) => smallNumbers(place, 2, (batch) => batch.attempt),
  attempts: (place) => smallNumbers(place, 2, (batch) => batch.attempts),
  attributes: (place, strings) => spanAttributes(place, strings),
  resource: (place, strings) => resourceAttributes(place, strings),
  events: (place, strings) => spanEvents(place, strings),
  links: (place, strings) => spanLinks(place, strings),
  retention_days: (place, _, days) => sameNumber(place, 2, () => days),
  ingested_at: (place) => sameNumber(place, 8, (batch) => batch.ingestedMs),
  revision: (place) => sameNumber(place, 4, () => 0),
  sign: (place) => sameNumber(place, 1, () => 1),
}

function usageIn(slot: number): Numbers {
  return { of: (batch) => batch.usage, slot, stride: usageUnitCount }
}
