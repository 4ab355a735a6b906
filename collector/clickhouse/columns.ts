// hot: One growing buffer per ClickHouse column, in the layout of FORMAT Native, so that a block is written out by
// handing its buffers to the kernel and no cell is copied twice.
//
//  String            varint size, bytes …
//  LowCardinality    version 1 (u64) | 0x600 + index width (u64) | keys (u64) | keys as String | rows (u64) | indexes
//  Map(K, V)         end offsets (u64 a row) | keys | values            (state prefixes of K and V come first of all)
// Source: ClickHouse 26.7, SerializationLowCardinality, SerializationArray, NativeWriter.

import { isUtf8 } from 'node:buffer'
import type { StringTable } from '../../schemas/string-table.ts'
import { type PartList, writeVarint } from './part-list.ts'

const hexDigits = new Uint8Array(Buffer.from('0123456789abcdef'))
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Up to this size a cell is copied by a loop, beyond it by `set`: the call and its view cost about 60 ns. */
const loopBytesMax = 40

/** Cells of a `String` column. Invalid UTF-8 is replaced by U+FFFD and counted. */
export class StringColumn {
  bytes = new Uint8Array(1 << 12)
  size = 0
  replaced = 0

  reset(): void {
    this.size = 0
  }

  append(source: Uint8Array, start: number, end: number): void {
    const size = end - start
    this.reserve(size + 5)
    if (size > loopBytesMax) {
      this.appendLong(source.subarray(start, end))
      return
    }
    const bytes = this.bytes
    let at = this.size
    bytes[at++] = size
    let seen = 0
    for (let i = start; i < end; i++) {
      const byte = source[i]!
      seen |= byte
      bytes[at++] = byte
    }
    if (seen < 0x80) this.size = at
    else this.appendLong(source.subarray(start, end))
  }

  appendEmpty(): void {
    this.reserve(1)
    this.bytes[this.size++] = 0
  }

  appendHex(source: Uint8Array, start: number, size: number): void {
    this.reserve(size * 2 + 1)
    const bytes = this.bytes
    let at = this.size
    bytes[at++] = size * 2
    for (let i = start; i < start + size; i++) {
      const byte = source[i]!
      bytes[at++] = hexDigits[byte >>> 4]!
      bytes[at++] = hexDigits[byte & 15]!
    }
    this.size = at
  }

  appendText(text: string): void {
    // Fast path: short ASCII, as numbers and flags are.
    if (text.length < 32) {
      this.reserve(text.length + 1)
      let at = this.size + 1
      let i = 0
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code > 127) break
        this.bytes[at++] = code
      }
      if (i === text.length) {
        this.bytes[this.size] = text.length
        this.size = at
        return
      }
    }
    this.write(encoder.encode(text.isWellFormed() ? text : text.toWellFormed()))
  }

  appendId(strings: StringTable, id: number): void {
    const size = strings.size(id)
    this.reserve(size + 5)
    this.size = writeVarint(this.bytes, this.size, size)
    strings.copyTo(id, this.bytes, this.size)
    this.size += size
  }

  /** Cells encoded before, as `bytes.subarray(from, to)` of another column. */
  appendCells(cells: Uint8Array): void {
    this.reserve(cells.length)
    if (cells.length > 256) this.bytes.set(cells, this.size)
    else {
      const bytes = this.bytes
      const at = this.size
      for (let i = 0; i < cells.length; i++) bytes[at + i] = cells[i]!
    }
    this.size += cells.length
  }

  emit(out: PartList): void {
    out.add(this.bytes.subarray(0, this.size))
  }

  private appendLong(cell: Uint8Array): void {
    if (isUtf8(cell)) this.write(cell)
    else {
      this.replaced++
      this.write(encoder.encode(decoder.decode(cell)))
    }
  }

  private write(cell: Uint8Array): void {
    this.reserve(cell.length + 5)
    this.size = writeVarint(this.bytes, this.size, cell.length)
    this.bytes.set(cell, this.size)
    this.size += cell.length
  }

  private reserve(size: number): void {
    if (this.size + size <= this.bytes.length) return
    let length = this.bytes.length * 2
    while (this.size + size > length) length *= 2
    const bigger = new Uint8Array(length)
    bigger.set(this.bytes.subarray(0, this.size))
    this.bytes = bigger
  }
}

/** Cells of a `LowCardinality(String)` column: a dictionary of its own per block, filled from interned ids. */
export class LowColumn {
  rows = 0
  keys = 0
  private readonly strings: StringTable
  private readonly dictionary = new StringColumn()
  private indexes = new Uint32Array(1 << 10)
  /** Place in the dictionary, plus one, of each interned id; valid where `epochs` holds the block's epoch. */
  private places = new Uint32Array(1 << 10)
  private epochs = new Uint32Array(1 << 10)
  private epoch = 1
  private generation = 0
  private narrow = new Uint8Array(1 << 10)

  constructor(strings: StringTable) {
    this.strings = strings
  }

  reset(): void {
    this.rows = 0
    this.keys = 0
    this.epoch++
    this.dictionary.reset()
  }

  /** Place of `id` in this block's dictionary. */
  place(id: number): number {
    if (this.generation !== this.strings.generation) {
      // Ids mean other strings now; the dictionary written so far keeps its own bytes and stays right.
      this.generation = this.strings.generation
      this.epoch++
    }
    if (id < this.epochs.length && this.epochs[id] === this.epoch) return this.places[id]!
    return this.addKey(id)
  }

  append(id: number): void {
    const place = this.place(id)
    if (this.rows === this.indexes.length) this.grow(this.rows + 1)
    this.indexes[this.rows++] = place
  }

  appendColumn(ids: Int32Array, rows: number): void {
    if (this.rows + rows > this.indexes.length) this.grow(this.rows + rows)
    let at = this.rows
    let lastId = -1
    let lastPlace = 0
    for (let row = 0; row < rows; row++) {
      const id = ids[row]!
      if (id !== lastId) {
        lastId = id
        lastPlace = this.place(id)
      }
      this.indexes[at++] = lastPlace
    }
    this.rows = at
  }

  appendSame(id: number, rows: number): void {
    const place = this.place(id)
    if (this.rows + rows > this.indexes.length) this.grow(this.rows + rows)
    this.indexes.fill(place, this.rows, this.rows + rows)
    this.rows += rows
  }

  emitPrefix(out: PartList): void {
    out.addU64(1)
  }

  emitData(out: PartList): void {
    if (this.rows === 0) return
    const width = this.keys <= 256 ? 0 : this.keys <= 65536 ? 1 : 2
    out.addU64(0x600 + width)
    out.addU64(this.keys)
    this.dictionary.emit(out)
    out.addU64(this.rows)
    out.add(this.narrowed(width))
  }

  private narrowed(width: number): Uint8Array {
    const indexes = this.indexes.subarray(0, this.rows)
    if (width === 2) return new Uint8Array(indexes.buffer, 0, this.rows * 4)
    const size = this.rows << width
    if (this.narrow.length < size) this.narrow = new Uint8Array(this.indexes.length * 2)
    if (width === 0) for (let i = 0; i < this.rows; i++) this.narrow[i] = indexes[i]!
    else new Uint16Array(this.narrow.buffer, 0, this.rows).set(indexes)
    return this.narrow.subarray(0, size)
  }

  private addKey(id: number): number {
    if (id >= this.epochs.length) {
      let length = this.epochs.length * 2
      while (id >= length) length *= 2
      const places = new Uint32Array(length)
      places.set(this.places)
      this.places = places
      const epochs = new Uint32Array(length)
      epochs.set(this.epochs)
      this.epochs = epochs
    }
    this.dictionary.appendId(this.strings, id)
    this.epochs[id] = this.epoch
    this.places[id] = this.keys
    return this.keys++
  }

  private grow(rows: number): void {
    let length = this.indexes.length * 2
    while (length < rows) length *= 2
    const bigger = new Uint32Array(length)
    bigger.set(this.indexes.subarray(0, this.rows))
    this.indexes = bigger
  }
}
