// hot: An answer in FORMAT Native → columns as typed arrays and byte ranges, without an object per row; the other way round
// of columns.ts. Only the types that a reader of ours asks for.
//
//   block    columns (varint) | rows (varint) | per column: name, type, data        an answer is blocks to its end
//   Source: ClickHouse 26.7, NativeReader, SerializationLowCardinality, SerializationMap (client_protocol_version 0)

export type NativeColumn = StringCells | LowCells | NumberCells | WideCells | MapCells

/** `String`: cell i is `bytes[from[i] .. end[i])`. */
export interface StringCells {
  readonly kind: 'string'
  readonly bytes: Uint8Array
  readonly from: Uint32Array
  readonly end: Uint32Array
}

/** `LowCardinality(String)`: cell i is `keys` number `index[i]`. */
export interface LowCells {
  readonly kind: 'low'
  readonly keys: StringCells
  readonly index: Uint32Array
}

/** Fixed types of up to four bytes, and doubles. */
export interface NumberCells {
  readonly kind: 'number'
  readonly values: Float64Array
  /** 1 = NULL; null when the column is not Nullable. */
  readonly nulls: Uint8Array | null
}

/** Integers of eight bytes, as halves: exact. */
export interface WideCells {
  readonly kind: 'wide'
  readonly low: Uint32Array
  readonly high: Uint32Array
  readonly isSigned: boolean
  readonly nulls: Uint8Array | null
}

/** `Map(LowCardinality(String), Float64 or UInt64)`: entries of row i end at `ends[i]`. */
export interface MapCells {
  readonly kind: 'map'
  readonly ends: Float64Array
  readonly keys: LowCells
  readonly values: Float64Array
}

export interface NativeBlock {
  readonly rows: number
  column<K extends NativeColumn['kind']>(name: string, kind: K): Extract<NativeColumn, { kind: K }>
}

/** The blocks of a whole answer, views into `bytes` where they can be. Throws TypeError for a type it does not read. */
export function* readNative(bytes: Uint8Array): Generator<NativeBlock> {
  const cursor = new Cursor(bytes)
  while (!cursor.isAtEnd) {
    const count = cursor.varint()
    const rows = cursor.varint()
    const columns = new Map<string, NativeColumn>()
    for (let i = 0; i < count; i++) {
      const name = cursor.text()
      columns.set(name, readColumn(cursor, cursor.text(), rows))
    }
    if (rows > 0) yield blockOf(columns, rows)
  }
}

/** Value of an eight-byte integer as a double; exact below 2^53. */
export function wideNumber(cells: WideCells, row: number): number {
  const high = cells.high[row]!
  return (cells.isSigned ? high | 0 : high) * 4294967296 + cells.low[row]!
}

function blockOf(columns: ReadonlyMap<string, NativeColumn>, rows: number): NativeBlock {
  return {
    rows,
    column<K extends NativeColumn['kind']>(name: string, kind: K) {
      const found = columns.get(name)
      if (found?.kind !== kind) throw new TypeError(`the answer has no ${kind} column "${name}"`)
      return found as Extract<NativeColumn, { kind: K }>
    },
  }
}

function readColumn(cursor: Cursor, type: string, rows: number): NativeColumn {
  const nullable = /^Nullable\((.*)\)$/.exec(type)?.[1]
  if (type === 'String') return cursor.strings(rows)
  if (type === 'LowCardinality(String)') {
    cursor.skip(rows === 0 ? 0 : 8)
    return cursor.low(rows)
  }
  const map = /^Map\(LowCardinality\(String\), (Float64|UInt64)\)$/.exec(type)?.[1]
  if (map !== undefined) return readMap(cursor, map, rows)
  const nulls = nullable === undefined ? null : cursor.take(rows)
  return fixed(cursor, nullable ?? type, rows, nulls)
}

const narrow: Readonly<Record<string, { bytes: 1 | 2 | 4 | 8; read: (view: DataView, at: number) => number }>> = {
  UInt8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  Int8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  UInt16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  UInt32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  Float64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
}

const wide = /^(U?Int64|Decimal\(18, 12\)|DateTime64\(.*\))$/

function fixed(cursor: Cursor, type: string, rows: number, nulls: Uint8Array | null): NumberCells | WideCells {
  if (wide.test(type)) {
    const view = cursor.view(rows * 8)
    const low = new Uint32Array(rows)
    const high = new Uint32Array(rows)
    for (let row = 0; row < rows; row++) {
      low[row] = view.getUint32(row * 8, true)
      high[row] = view.getUint32(row * 8 + 4, true)
    }
    return { kind: 'wide', low, high, isSigned: type !== 'UInt64', nulls }
  }
  const form = narrow[type]
  if (form === undefined) throw new TypeError(`no Native reader for ${type}`)
  const view = cursor.view(rows * form.bytes)
  const values = new Float64Array(rows)
  for (let row = 0; row < rows; row++) values[row] = form.read(view, row * form.bytes)
  return { kind: 'number', values, nulls }
}

function readMap(cursor: Cursor, valueType: string, rows: number): MapCells {
  cursor.skip(rows === 0 ? 0 : 8)
  const offsets = fixed(cursor, 'UInt64', rows, null) as WideCells
  const ends = Float64Array.from({ length: rows }, (_, row) => wideNumber(offsets, row))
  const total = rows === 0 ? 0 : ends[rows - 1]!
  const keys = cursor.low(total)
  const cells = fixed(cursor, valueType, total, null)
  const values =
    cells.kind === 'number' ? cells.values : Float64Array.from({ length: total }, (_, i) => wideNumber(cells, i))
  return { kind: 'map', ends, keys, values }
}

const decoder = new TextDecoder()

class Cursor {
  private readonly bytes: Uint8Array
  private readonly data: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  skip(size: number): void {
    this.at += size
  }

  take(size: number): Uint8Array {
    const part = this.bytes.subarray(this.at, this.at + size)
    if (part.length < size) throw new RangeError('the answer ends in the middle of a block')
    this.at += size
    return part
  }

  view(size: number): DataView {
    const part = this.take(size)
    return new DataView(part.buffer, part.byteOffset, size)
  }

  varint(): number {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = this.data.getUint8(this.at++)
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
  }

  text(): string {
    return decoder.decode(this.take(this.varint()))
  }

  strings(count: number): StringCells {
    const from = new Uint32Array(count)
    const end = new Uint32Array(count)
    for (let i = 0; i < count; i++) {
      const size = this.varint()
      from[i] = this.at
      this.at += size
      end[i] = this.at
    }
    if (this.at > this.bytes.length) throw new RangeError('the answer ends in the middle of a block')
    return { kind: 'string', bytes: this.bytes, from, end }
  }

  low(rows: number): LowCells {
    if (rows === 0) return { kind: 'low', keys: this.strings(0), index: new Uint32Array(0) }
    const flags = this.count()
    // Bits: the width of an index, then "keys of its own" and "the dictionary changes", never a shared dictionary.
    if (Math.floor(flags / 256) !== 6) throw new TypeError(`no reader for a dictionary of form ${flags}`)
    const width = (1 << (flags & 255)) as 1 | 2 | 4 | 8
    const keys = this.strings(this.count())
    const count = this.count()
    if (count !== rows) throw new TypeError(`a dictionary column of ${count} rows in a block of ${rows}`)
    const view = this.view(rows * width)
    const index = new Uint32Array(rows)
    for (let row = 0; row < rows; row++) {
      index[row] =
        width === 1
          ? view.getUint8(row)
          : width === 2
            ? view.getUint16(row * 2, true)
            : view.getUint32(row * width, true)
    }
    return { kind: 'low', keys, index }
  }

  private count(): number {
    const view = this.view(8)
    return view.getUint32(4, true) * 4294967296 + view.getUint32(0, true)
  }
}
