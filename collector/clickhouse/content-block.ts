// hot: The prompts and answers of a SpanBatch → an open Native block of `span_content`, one row for each span that has any.

import { contentTable } from '../../schemas/content-table.ts'
import { attributeRoom, content, contentCount, type SpanBatch, text } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { LowColumn, StringColumn } from './columns.ts'
import { FixedColumn } from './fixed-column.ts'
import { appendId, appendRange, type BlockColumn, lowEnds, type Place, plainEnds } from './flat-columns.ts'
import { appendValue, MapCells, mapEnds } from './nested-columns.ts'
import { PartList } from './part-list.ts'
import { emitBlock } from './span-block.ts'

/** An open block of content; owns its buffers, which `parts` lends out until `reset`. */
export class ContentBlock {
  rows = 0
  private readonly columns: readonly BlockColumn[]
  private readonly out = new PartList()

  constructor(strings: StringTable, settings: { retentionDays: number }) {
    this.columns = contentTable.columns.map(({ name, type }) =>
      contentColumns[name]({ name, type }, strings, settings.retentionDays),
    )
  }

  append(batch: SpanBatch): void {
    let rows = 0
    for (let row = 0; row < batch.rows; row++) rows += batch.hasContent[row]!
    if (rows === 0) return
    for (const column of this.columns) column.append(batch)
    this.rows += rows
  }

  parts(): readonly Uint8Array[] {
    return emitBlock(this.out, this.columns, this.rows)
  }

  reset(): void {
    for (const column of this.columns) column.reset()
    this.out.reset()
    this.rows = 0
  }
}

type ContentColumn = (typeof contentTable.columns)[number]['name']

const contentColumns: Readonly<
  Record<ContentColumn, (place: Place, strings: StringTable, days: number) => BlockColumn>
> = {
  project_id: (place, strings) => {
    const cells = new LowColumn(strings)
    return { ...place, append: eachRow((batch) => cells.append(batch.projectId)), ...lowEnds(cells) }
  },
  start_time: (place) =>
    fixedCells(place, 8, (cells, batch, row) => cells.appendHalves(batch.startLow[row]!, batch.startHigh[row]!)),
  trace_id: (place) => textCells(place, (cells, batch, row) => appendId(cells, batch.bytes, batch.tracePos[row]!, 16)),
  span_id: (place) => textCells(place, (cells, batch, row) => appendId(cells, batch.bytes, batch.spanPos[row]!, 8)),
  user_id: (place) =>
    textCells(place, (cells, batch, row) => {
      appendRange(cells, batch, batch.textStart[text.user_id]![row]!, batch.textEnd[text.user_id]![row]!)
    }),
  system_instructions: (place) => messageCells(place, content.system),
  input_messages: (place) => messageCells(place, content.input),
  output_messages: (place) => messageCells(place, content.output),
  tool_definitions: (place) => messageCells(place, content.tools),
  attributes: (place, strings) => {
    const cells = new MapCells(strings)
    return { ...place, append: eachRow((batch, row) => appendSpread(cells, strings, batch, row)), ...mapEnds(cells) }
  },
  retention_days: (place, _, days) => fixedCells(place, 2, (cells) => cells.append16(days)),
  ingested_at: (place) => fixedCells(place, 8, (cells, batch) => cells.appendInteger(batch.ingestedMs)),
}

function eachRow(write: (batch: SpanBatch, row: number) => void): (batch: SpanBatch) => void {
  return (batch) => {
    for (let row = 0; row < batch.rows; row++) if (batch.hasContent[row] === 1) write(batch, row)
  }
}

function textCells(place: Place, write: (cells: StringColumn, batch: SpanBatch, row: number) => void): BlockColumn {
  const cells = new StringColumn()
  return { ...place, append: eachRow((batch, row) => write(cells, batch, row)), ...plainEnds(cells) }
}

function fixedCells(
  place: Place,
  width: 2 | 8,
  write: (cells: FixedColumn, batch: SpanBatch, row: number) => void,
): BlockColumn {
  const cells = new FixedColumn(width)
  return { ...place, append: eachRow((batch, row) => write(cells, batch, row)), ...plainEnds(cells) }
}

function messageCells(place: Place, slot: number): BlockColumn {
  return textCells(place, (cells, batch, row) => {
    const index = batch.contentAttr[row * contentCount + slot]!
    if (index < 0) cells.appendEmpty()
    else appendValue(cells, batch, index)
  })
}

/** Content attributes without a column of their own: of the span by their names, of its events by event and place. */
function appendSpread(cells: MapCells, strings: StringTable, batch: SpanBatch, row: number): void {
  const own = row * contentCount
  for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++) {
    if (batch.attrRoom[i] !== attributeRoom.content) continue
    let isColumn = false
    for (let slot = 0; slot < contentCount; slot++) if (batch.contentAttr[own + slot] === i) isColumn = true
    if (!isColumn) cells.appendAttribute(batch, i)
  }
  const first = batch.eventFrom[row]!
  for (let event = first; event < batch.eventTo[row]!; event++) {
    for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++) {
      if (batch.attrRoom[i] !== attributeRoom.content) continue
      const key = `${strings.text(batch.eventName[event]!)}.${event - first}.${strings.text(batch.attrKey[i]!)}`
      cells.keys.append(strings.internText(key))
      appendValue(cells.values, batch, i)
    }
  }
  cells.ends.appendInteger(cells.keys.rows)
}
