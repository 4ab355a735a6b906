// hot: Columns of an open block that hold one plain value a row, each filled from a whole batch at a time.

import { nowhere, outerAt, type SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { LowColumn, StringColumn } from './columns.ts'
import { FixedColumn } from './fixed-column.ts'
import type { PartList } from './part-list.ts'

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
        if (carrier < -1) cells.appendHex(batch.outerIds, outerAt(carrier), 8)
        else appendId(cells, batch.bytes, carrier < 0 ? nowhere : batch.spanPos[carrier]!, 8)
      }
    },
    ...plainEnds(cells),
  }
}

/** Where a batch keeps the numbers of a column: `stride` of them a row, at `slot`. */
export interface Numbers {
  readonly of: (batch: SpanBatch) => Float64Array
  readonly slot?: number
  readonly stride?: number
}

/** Integers; what was not reported is 0. */
export function integers(place: Place, { of, slot = 0, stride = 1 }: Numbers): BlockColumn {
  const cells = new FixedColumn(8)
  return { ...place, append: (batch) => cells.appendIntegers(of(batch), slot, stride, batch.rows), ...plainEnds(cells) }
}

export function smallNumbers(
  place: Place,
  width: 2 | 4,
  of: (batch: SpanBatch) => Uint32Array | Uint16Array,
): BlockColumn {
  const cells = new FixedColumn(width)
  return { ...place, append: (batch) => cells.appendNumbers(of(batch), batch.rows), ...plainEnds(cells) }
}

/** One number for all rows of a batch. */
export function sameNumber(place: Place, width: 1 | 2 | 4 | 8, of: (batch: SpanBatch) => number): BlockColumn {
  const cells = new FixedColumn(width)
  return { ...place, append: (batch) => cells.appendSame(of(batch), batch.rows), ...plainEnds(cells) }
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

export function nullable(place: Place, kind: 'integer' | 'double', { of, slot = 0, stride = 1 }: Numbers): BlockColumn {
  const nulls = new FixedColumn(1)
  const cells = new FixedColumn(8)
  return {
    ...place,
    append(batch) {
      nulls.appendIsNaN(of(batch), slot, stride, batch.rows)
      if (kind === 'integer') cells.appendIntegers(of(batch), slot, stride, batch.rows)
      else cells.appendDoubles(of(batch), slot, stride, batch.rows)
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
