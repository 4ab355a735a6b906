// hot: Columns of an open block that hold one plain value a row, each filled from a whole batch at a time.

import { nowhere, type SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { usageUnitCount } from '../../schemas/usage.ts'
import { FixedColumn, LowColumn, type PartList, StringColumn } from './columns.ts'

export interface BlockColumn {
  readonly name: string
  readonly type: string
  append(batch: SpanBatch): void
  reset(): void
  emitPrefix(out: PartList): void
  emitData(out: PartList): void
}

export interface Place {
  readonly name: string
  readonly type: string
}

export const noPrefix = (): void => undefined

export function lowIds(place: Place, strings: StringTable, column: number): BlockColumn {
  const cells = new LowColumn(strings)
  return { ...place, append: (batch) => cells.appendColumn(batch.low[column]!, batch.rows), ...lowEnds(cells) }
}

export function lowSame(place: Place, strings: StringTable, id: (batch: SpanBatch) => number): BlockColumn {
  const cells = new LowColumn(strings)
  return { ...place, append: (batch) => cells.appendSame(id(batch), batch.rows), ...lowEnds(cells) }
}

export function lowEnds(cells: LowColumn): Pick<BlockColumn, 'reset' | 'emitPrefix' | 'emitData'> {
  return {
    reset: () => cells.reset(),
    emitPrefix: (out) => cells.emitPrefix(out),
    emitData: (out) => cells.emitData(out),
  }
}

export function textRanges(place: Place, column: number): BlockColumn {
  const cells = new StringColumn()
  return {
    ...place,
    append(batch) {
      const start = batch.textStart[column]!
      const end = batch.textEnd[column]!
      for (let row = 0; row < batch.rows; row++) appendRange(cells, batch, start[row]!, end[row]!)
    },
    ...plainEnds(cells),
  }
}

export function appendRange(cells: StringColumn, batch: SpanBatch, start: number, end: number): void {
  const size = batch.bytes.length
  if (start === end) cells.appendEmpty()
  else if (start < size) cells.append(batch.bytes, start, end)
  else cells.append(batch.extra, start - size, end - size)
}

export function plainEnds(cells: StringColumn | FixedColumn): Pick<BlockColumn, 'reset' | 'emitPrefix' | 'emitData'> {
  return { reset: () => cells.reset(), emitPrefix: noPrefix, emitData: (out) => cells.emit(out) }
}

export function hexIds(place: Place, size: 8 | 16, positions: (batch: SpanBatch) => Uint32Array): BlockColumn {
  const cells = new StringColumn()
  return {
    ...place,
    append(batch) {
      const at = positions(batch)
      for (let row = 0; row < batch.rows; row++) appendId(cells, batch.bytes, at[row]!, size)
    },
    ...plainEnds(cells),
  }
}

export function appendId(cells: StringColumn, bytes: Uint8Array, at: number, size: number): void {
  if (at === nowhere) cells.appendEmpty()
  else cells.appendHex(bytes, at, size)
}

export function countedAs(place: Place): BlockColumn {
  const cells = new StringColumn()
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        const carrier = batch.countedAs[row]!
        appendId(cells, batch.bytes, carrier < 0 ? nowhere : batch.spanPos[carrier]!, 8)
      }
    },
    ...plainEnds(cells),
  }
}

export function fixed(
  place: Place,
  width: 1 | 2 | 4 | 8,
  write: (cells: FixedColumn, batch: SpanBatch, row: number) => void,
): BlockColumn {
  const cells = new FixedColumn(width)
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) write(cells, batch, row)
    },
    ...plainEnds(cells),
  }
}

export function halves(
  place: Place,
  lows: (batch: SpanBatch) => Uint32Array,
  highs: (batch: SpanBatch) => Uint32Array,
): BlockColumn {
  const cells = new FixedColumn(8)
  return {
    ...place,
    append(batch) {
      const lowHalf = lows(batch)
      const highHalf = highs(batch)
      for (let row = 0; row < batch.rows; row++) cells.appendHalves(lowHalf[row]!, highHalf[row]!)
    },
    ...plainEnds(cells),
  }
}

export function nullableDouble(
  place: Place,
  kind: 'integer' | 'double',
  read: (batch: SpanBatch, row: number) => number,
): BlockColumn {
  const nulls = new FixedColumn(1)
  const cells = new FixedColumn(8)
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        const value = read(batch, row)
        const isNull = Number.isNaN(value)
        nulls.append8(isNull ? 1 : 0)
        if (kind === 'integer') cells.appendInteger(isNull ? 0 : value)
        else cells.appendDouble(isNull ? 0 : value)
      }
    },
    ...nullableEnds(nulls, cells),
  }
}

export function nullableStream(place: Place): BlockColumn {
  const nulls = new FixedColumn(1)
  const cells = new FixedColumn(1)
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        const value = batch.stream[row]!
        nulls.append8(value < 0 ? 1 : 0)
        cells.append8(value < 0 ? 0 : value)
      }
    },
    ...nullableEnds(nulls, cells),
  }
}

function nullableEnds(nulls: FixedColumn, cells: FixedColumn): Pick<BlockColumn, 'reset' | 'emitPrefix' | 'emitData'> {
  return {
    reset() {
      nulls.reset()
      cells.reset()
    },
    emitPrefix: noPrefix,
    emitData(out) {
      nulls.emit(out)
      cells.emit(out)
    },
  }
}

export function usageCount(place: Place, slot: number): BlockColumn {
  return fixed(place, 8, (cells, batch, row) => {
    const value = batch.usage[row * usageUnitCount + slot]!
    cells.appendInteger(Number.isNaN(value) ? 0 : value)
  })
}
