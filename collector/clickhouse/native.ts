// Rows as plain objects → one ClickHouse `Native` block, for tables that are written seldom (scores, logs, corrections,
// prices). Spans have a faster way, span-block.ts; both share the columns of columns.ts.

import { parsePicoUsd } from '../../schemas/money.ts'
import { StringTable } from '../../schemas/string-table.ts'
import type { Table } from '../../schemas/table.ts'
import { LowColumn, StringColumn } from './columns.ts'
import { FixedColumn } from './fixed-column.ts'
import { PartList } from './part-list.ts'

export type Row = Readonly<Record<string, unknown>>

/** A column that takes JavaScript values and writes itself in two steps: state prefixes, then data. */
interface ValueColumn {
  append(value: unknown): void
  reset(): void
  emitPrefix(out: PartList): void
  emitData(out: PartList): void
}

/** Writes the head of a block: how many columns and rows follow. */
export function emitBlockHead(out: PartList, columns: number, rows: number): void {
  out.addVarint(columns)
  out.addVarint(rows)
}

/**
 * One Native block of `rows`, columns in the order of the table. The parts are freshly allocated and the caller's.
 * Values: strings; numbers and bigints; null where the column is Nullable; Decimal as pico-USD bigint or decimal text;
 * DateTime64(3) as Unix milliseconds, DateTime64(9) as Unix nanoseconds (bigint); Array(String) as string[];
 * Map(LowCardinality(String), …) as a Map or object. A missing value is the type's default.
 * Throws TypeError for a value its column cannot hold.
 */
export function encodeRows(table: Table, rows: readonly Row[]): readonly Uint8Array[] {
  const block = new RowBlock(table)
  block.append(rows)
  return block.parts()
}

/** Buffers beyond this are not kept for the next block. */
const keptBytesMax = 8 << 20

/** An open block of rows, used again and again; owns its buffers, which `parts` lends out until `reset`. */
export class RowBlock {
  private readonly table: Table
  private readonly strings = new StringTable()
  private readonly out = new PartList()
  private columns: readonly ValueColumn[]
  private readonly held: Row[] = []

  constructor(table: Table) {
    this.table = table
    this.columns = this.makeColumns()
  }

  get rows(): number {
    return this.held.length
  }

  /** Values as `encodeRows` says. Throws TypeError for a row that the table cannot hold; then none of `rows` is in the block. */
  append(rows: readonly Row[]): void {
    try {
      this.encode(rows)
    } catch (error) {
      for (const column of this.columns) column.reset()
      this.encode(this.held)
      throw error
    }
    for (const row of rows) this.held.push(row)
  }

  parts(): readonly Uint8Array[] {
    const { out, table, columns } = this
    out.reset()
    emitBlockHead(out, columns.length, this.rows)
    for (const [i, { name, type }] of table.columns.entries()) {
      out.addText(name)
      out.addText(type)
      columns[i]!.emitPrefix(out)
      columns[i]!.emitData(out)
    }
    out.close()
    return out.parts
  }

  reset(): void {
    if (this.out.bytes > keptBytesMax) this.columns = this.makeColumns()
    else for (const column of this.columns) column.reset()
    this.held.length = 0
    this.strings.trim()
  }

  private makeColumns(): readonly ValueColumn[] {
    return this.table.columns.map(({ type }) => makeColumn(type, this.strings))
  }

  private encode(rows: readonly Row[]): void {
    const { table, columns } = this
    for (const [i, { name, type }] of table.columns.entries()) {
      const column = columns[i]!
      for (const row of rows) {
        try {
          column.append(row[name])
        } catch (cause) {
          throw new TypeError(`${table.name}.${name} (${type}) cannot hold ${typeof row[name]} ${String(row[name])}`, {
            cause,
          })
        }
      }
    }
  }
}

function makeColumn(type: string, strings: StringTable): ValueColumn {
  const nullable = /^Nullable\((.*)\)$/.exec(type)
  if (nullable) return nullableColumn(makeColumn(nullable[1]!, strings))
  if (type === 'LowCardinality(String)') return lowColumn(strings)
  if (type === 'String') return stringColumn()
  if (type === 'Array(String)') return arrayColumn()
  const map = /^Map\(LowCardinality\(String\), (.*)\)$/.exec(type)
  if (map) return mapColumn(strings, makeColumn(map[1]!, strings))
  return fixedColumn(type)
}

const noPrefix = (): void => undefined

function stringColumn(): ValueColumn {
  const cells = new StringColumn()
  return {
    append: (value) => cells.appendText(textOf(value)),
    reset: () => cells.reset(),
    emitPrefix: noPrefix,
    emitData: (out) => cells.emit(out),
  }
}

function lowColumn(strings: StringTable): ValueColumn {
  const cells = new LowColumn(strings)
  let last = ''
  let lastId = 0
  let generation = strings.generation
  return {
    append(value) {
      const text = textOf(value)
      // Fast path: rows after each other are often alike.
      if (text !== last || generation !== strings.generation) {
        lastId = strings.internText(text)
        last = text
        generation = strings.generation
      }
      cells.append(lastId)
    },
    reset: () => cells.reset(),
    emitPrefix: (out) => cells.emitPrefix(out),
    emitData: (out) => cells.emitData(out),
  }
}

function nullableColumn(inner: ValueColumn): ValueColumn {
  const nulls = new FixedColumn(1)
  return {
    append(value) {
      const isNull = value === null || value === undefined
      inner.append(isNull ? undefined : value)
      nulls.append8(isNull ? 1 : 0)
    },
    reset() {
      nulls.reset()
      inner.reset()
    },
    emitPrefix: (out) => inner.emitPrefix(out),
    emitData(out) {
      nulls.emit(out)
      inner.emitData(out)
    },
  }
}

function arrayColumn(): ValueColumn {
  const ends = new FixedColumn(8)
  const cells = new StringColumn()
  let count = 0
  return {
    append(value) {
      if (value !== undefined && !Array.isArray(value)) throw new TypeError('not an array')
      for (const each of value ?? []) {
        cells.appendText(textOf(each))
        count++
      }
      ends.appendInteger(count)
    },
    reset() {
      ends.reset()
      cells.reset()
      count = 0
    },
    emitPrefix: noPrefix,
    emitData(out) {
      ends.emit(out)
      cells.emit(out)
    },
  }
}

function mapColumn(strings: StringTable, values: ValueColumn): ValueColumn {
  const ends = new FixedColumn(8)
  const keys = new LowColumn(strings)
  let count = 0
  return {
    append(value) {
      const entries = value instanceof Map ? value.entries() : Object.entries(value ?? {})
      for (const [key, each] of entries) {
        keys.append(strings.internText(key))
        values.append(each)
        count++
      }
      ends.appendInteger(count)
    },
    reset() {
      ends.reset()
      keys.reset()
      values.reset()
      count = 0
    },
    emitPrefix: (out) => keys.emitPrefix(out),
    emitData(out) {
      ends.emit(out)
      keys.emitData(out)
      values.emitData(out)
    },
  }
}

function fixedColumn(type: string): ValueColumn {
  const writers: Readonly<
    Record<string, { width: 1 | 2 | 4 | 8; write: (cells: FixedColumn, value: unknown) => void }>
  > = {
    UInt8: { width: 1, write: (cells, value) => cells.append8(integerOf(value, 0, 255)) },
    Int8: { width: 1, write: (cells, value) => cells.append8(integerOf(value, -128, 127)) },
    UInt16: { width: 2, write: (cells, value) => cells.append16(integerOf(value, 0, 65535)) },
    UInt32: { width: 4, write: (cells, value) => cells.append32(integerOf(value, 0, 4294967295)) },
    UInt64: { width: 8, write: (cells, value) => appendBig(cells, bigOf(value)) },
    Int64: { width: 8, write: (cells, value) => appendBig(cells, bigOf(value)) },
    Float64: { width: 8, write: (cells, value) => cells.appendDouble(numberOf(value)) },
  }
  const kind = type.startsWith('Decimal(18, 12)') || type.startsWith('DateTime64(') ? 'Int64' : type
  const writer = writers[kind]
  if (writer === undefined) throw new TypeError(`no Native writer for ${type}`)
  const parse = type.startsWith('Decimal')
    ? (value: unknown) => (typeof value === 'string' ? parsePicoUsd(value) : value)
    : (value: unknown) => value
  const cells = new FixedColumn(writer.width)
  return {
    append: (value) => writer.write(cells, parse(value) ?? 0),
    reset: () => cells.reset(),
    emitPrefix: noPrefix,
    emitData: (out) => cells.emit(out),
  }
}

function appendBig(cells: FixedColumn, value: bigint): void {
  const bits = BigInt.asUintN(64, value)
  cells.appendHalves(Number(bits & 0xffffffffn), Number(bits >> 32n))
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new TypeError('not text')
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number')
  return value
}

function integerOf(value: unknown, least: number, most: number): number {
  const number = typeof value === 'boolean' ? Number(value) : numberOf(value)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new TypeError(`not an integer in ${least}..${most}`)
  return number
}

function bigOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  throw new TypeError('not an integer')
}
