// hot: SpanBatch columns → an open Native block of `spans` and its Native bytes. Batches are appended column by
// column; when the journal is free the block's buffers go to it as they are.

import { costColumns, costCount, low, type SpanBatch, text, textNames } from '../../schemas/span-batch.ts'
import { spansTable } from '../../schemas/spans-table.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'
import { PartList } from './columns.ts'
import {
  type BlockColumn,
  countedAs,
  fixed,
  halves,
  hexIds,
  lowIds,
  lowSame,
  nullableDouble,
  nullableStream,
  type Place,
  textRanges,
  usageCount,
} from './flat-columns.ts'
import { emitBlockHead } from './native.ts'
import { resourceAttributes, spanAttributes, spanEvents, spanLinks, usageOther } from './nested-columns.ts'

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
  if (costSlot >= 0) return nullableDouble(place, 'integer', (batch, row) => batch.costs[row * costCount + costSlot]!)
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
  flags: (place) => fixed(place, 4, (cells, batch, row) => cells.append32(batch.flags[row]!)),
  duration_ns: (place) => fixed(place, 8, (cells, batch, row) => cells.appendInteger(batch.durationNano[row]!)),
  ttft_ns: (place) => fixed(place, 8, (cells, batch, row) => cells.appendInteger(batch.ttftNano[row]!)),
  stream: (place) => nullableStream(place),
  temperature: (place) => nullableDouble(place, 'double', (batch, row) => batch.temperature[row]!),
  max_tokens: (place) => nullableDouble(place, 'integer', (batch, row) => batch.maxTokens[row]!),
  input_tokens: (place) =>
    nullableDouble(place, 'integer', (batch, row) => batch.usage[row * usageUnitCount + unit.input]!),
  output_tokens: (place) =>
    nullableDouble(place, 'integer', (batch, row) => batch.usage[row * usageUnitCount + unit.output]!),
  cache_read_tokens: (place) => usageCount(place, unit.cacheRead),
  cache_write_tokens: (place) => usageCount(place, unit.cacheWrite),
  reasoning_tokens: (place) => usageCount(place, unit.reasoning),
  usage_other: (place, strings) => usageOther(place, strings),
  attempt: (place) => fixed(place, 2, (cells, batch, row) => cells.append16(batch.attempt[row]!)),
  attempts: (place) => fixed(place, 2, (cells, batch, row) => cells.append16(batch.attempts[row]!)),
  attributes: (place, strings) => spanAttributes(place, strings),
  resource: (place, strings) => resourceAttributes(place, strings),
  events: (place, strings) => spanEvents(place, strings),
  links: (place, strings) => spanLinks(place, strings),
  retention_days: (place, _, days) => fixed(place, 2, (cells) => cells.append16(days)),
  ingested_at: (place) => fixed(place, 8, (cells, batch) => cells.appendInteger(batch.ingestedMs)),
  revision: (place) => fixed(place, 4, (cells) => cells.append32(0)),
  sign: (place) => fixed(place, 1, (cells) => cells.append8(1)),
}
