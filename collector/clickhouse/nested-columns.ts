// hot: Columns of an open block that hold maps and arrays: attributes, resource, events, links, further usage.

import { attributeText } from '../../schemas/any-value.ts'
import { attributeRoom, type SpanBatch, valueType } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { LowColumn, StringColumn } from './columns.ts'
import { FixedColumn } from './fixed-column.ts'
import { appendId, appendRange, type BlockColumn, type Place } from './flat-columns.ts'
import type { PartList } from './part-list.ts'

export function usageOther(place: Place, strings: StringTable): BlockColumn {
  const ends = new FixedColumn(8)
  const keys = new LowColumn(strings)
  const values = new FixedColumn(8)
  const others = usageUnits.flatMap(({ key }, slot) => (key === null ? [] : [{ slot, key, id: 0 }]))
  let generation = -1
  return {
    ...place,
    append(batch) {
      if (generation !== strings.generation) {
        generation = strings.generation
        for (const other of others) other.id = strings.internText(other.key)
      }
      for (let row = 0; row < batch.rows; row++) {
        const from = row * usageUnitCount
        for (let i = 0; i < others.length; i++) {
          const value = batch.usage[from + others[i]!.slot]!
          if (Number.isNaN(value)) continue
          keys.append(others[i]!.id)
          values.appendDouble(value)
        }
        ends.appendInteger(keys.rows)
      }
    },
    reset() {
      ends.reset()
      keys.reset()
      values.reset()
    },
    emitPrefix: (out) => keys.emitPrefix(out),
    emitData(out) {
      ends.emit(out)
      keys.emitData(out)
      values.emit(out)
    },
  }
}

/** Columns of a Map(LowCardinality(String), String), shared by all maps below. */
export class MapCells {
  readonly ends = new FixedColumn(8)
  readonly keys: LowColumn
  readonly values = new StringColumn()

  constructor(strings: StringTable) {
    this.keys = new LowColumn(strings)
  }

  appendAttribute(batch: SpanBatch, index: number): void {
    this.keys.append(batch.attrKey[index]!)
    appendValue(this.values, batch, index)
  }

  /** All attributes of a run that belong in `room`; -1 for whatever room. */
  appendRun(batch: SpanBatch, from: number, to: number, room: number): void {
    for (let i = from; i < to; i++) if (room < 0 || batch.attrRoom[i] === room) this.appendAttribute(batch, i)
    this.ends.appendInteger(this.keys.rows)
  }

  reset(): void {
    this.ends.reset()
    this.keys.reset()
    this.values.reset()
  }

  emitData(out: PartList): void {
    this.ends.emit(out)
    this.keys.emitData(out)
    this.values.emit(out)
  }
}

export function appendValue(cells: StringColumn, batch: SpanBatch, index: number): void {
  // Fast path: most attributes are strings.
  if (batch.attrType[index] === valueType.string)
    appendRange(cells, batch, batch.attrStart[index]!, batch.attrEnd[index]!)
  else cells.appendText(attributeText(batch, index))
}

export function mapEnds(cells: MapCells): Pick<BlockColumn, 'reset' | 'emitPrefix' | 'emitData'> {
  return {
    reset: () => cells.reset(),
    emitPrefix: (out) => cells.keys.emitPrefix(out),
    emitData: (out) => cells.emitData(out),
  }
}

export function spanAttributes(place: Place, strings: StringTable): BlockColumn {
  const cells = new MapCells(strings)
  const clampedKey = 'spanledger.start_time_unix_nano'
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        if (batch.startClamped[row] === 1) {
          cells.keys.append(strings.internText(clampedKey))
          cells.values.appendText(batch.sentStart.get(row) ?? '')
        }
        const scope = batch.scope[row]!
        for (let i = batch.scopeAttrFrom[scope]!; i < batch.scopeAttrTo[scope]!; i++) {
          cells.keys.append(strings.internText(`otel.scope.${strings.text(batch.attrKey[i]!)}`))
          appendValue(cells.values, batch, i)
        }
        cells.appendRun(batch, batch.attrFrom[row]!, batch.attrTo[row]!, attributeRoom.attributes)
      }
    },
    ...mapEnds(cells),
  }
}

/** Resource attributes repeat for every row of a resource: they are encoded once a resource and copied as a run. */
export function resourceAttributes(place: Place, strings: StringTable): BlockColumn {
  const cells = new MapCells(strings)
  const run = new StringColumn()
  return {
    ...place,
    append(batch) {
      let last = -1
      for (let row = 0; row < batch.rows; row++) {
        const resource = batch.resource[row]!
        const from = batch.resourceAttrFrom[resource]!
        const to = batch.resourceAttrTo[resource]!
        if (resource !== last) {
          last = resource
          run.reset()
          for (let i = from; i < to; i++) appendValue(run, batch, i)
        }
        for (let i = from; i < to; i++) cells.keys.append(batch.attrKey[i]!)
        cells.values.appendCells(run.bytes.subarray(0, run.size))
        cells.ends.appendInteger(cells.keys.rows)
      }
    },
    ...mapEnds(cells),
  }
}

export function spanEvents(place: Place, strings: StringTable): BlockColumn {
  const ends = new FixedColumn(8)
  const times = new FixedColumn(8)
  const names = new LowColumn(strings)
  const attributes = new MapCells(strings)
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        for (let event = batch.eventFrom[row]!; event < batch.eventTo[row]!; event++) {
          times.appendHalves(batch.eventTimeLow[event]!, batch.eventTimeHigh[event]!)
          names.append(batch.eventName[event]!)
          attributes.appendRun(batch, batch.eventAttrFrom[event]!, batch.eventAttrTo[event]!, attributeRoom.attributes)
        }
        ends.appendInteger(names.rows)
      }
    },
    reset() {
      ends.reset()
      times.reset()
      names.reset()
      attributes.reset()
    },
    emitPrefix(out) {
      names.emitPrefix(out)
      attributes.keys.emitPrefix(out)
    },
    emitData(out) {
      ends.emit(out)
      times.emit(out)
      names.emitData(out)
      attributes.emitData(out)
    },
  }
}

export function spanLinks(place: Place, strings: StringTable): BlockColumn {
  const ends = new FixedColumn(8)
  const traces = new StringColumn()
  const spans = new StringColumn()
  const attributes = new MapCells(strings)
  return {
    ...place,
    append(batch) {
      for (let row = 0; row < batch.rows; row++) {
        for (let link = batch.linkFrom[row]!; link < batch.linkTo[row]!; link++) {
          appendId(traces, batch.bytes, batch.linkTracePos[link]!, 16)
          appendId(spans, batch.bytes, batch.linkSpanPos[link]!, 8)
          attributes.appendRun(batch, batch.linkAttrFrom[link]!, batch.linkAttrTo[link]!, -1)
        }
        ends.appendInteger(attributes.ends.rows)
      }
    },
    reset() {
      ends.reset()
      traces.reset()
      spans.reset()
      attributes.reset()
    },
    emitPrefix: (out) => attributes.keys.emitPrefix(out),
    emitData(out) {
      ends.emit(out)
      traces.emit(out)
      spans.emit(out)
      attributes.emitData(out)
    },
  }
}
