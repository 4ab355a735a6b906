// hot: Appends protobuf wire format to a growing buffer: tags, varints, fixed widths, nested messages. Knows no message.
//
//  A nested message needs its length before its content. Room is left for as many length bytes as the last message of
//  its kind took; a wrong guess moves the content by a few bytes when the message is closed:
//
//      tag  [length]  content........        guess 1, took 2:  content moves right by one
//           ^lengthAt ^start          ^size
//
// Source: protobuf encoding guide, proto3.

/** How many kinds of nested message may be told apart by `close`. */
const kindsMax = 32

export class ProtobufWriter {
  /** Holds `size` bytes of output; replaced when it grows. */
  bytes: Buffer
  size = 0
  private readonly lengthBytes = new Uint8Array(kindsMax).fill(1)

  constructor(bytesExpected: number) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(bytesExpected, 64))
  }

  /** Makes room for `count` further bytes. */
  reserve(count: number): void {
    const wanted = this.size + count
    if (wanted <= this.bytes.length) return
    const bigger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, wanted))
    this.bytes.copy(bigger, 0, 0, this.size)
    this.bytes = bigger
  }

  /** Appends an unsigned number below 2^32. */
  varint(value: number): void {
    this.reserve(5)
    const { bytes } = this
    let rest = value >>> 0
    while (rest > 0x7f) {
      bytes[this.size++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.size++] = rest
  }

  /** Appends a 64-bit number given as two unsigned halves. */
  varint64(low: number, high: number): void {
    if (high === 0) {
      this.varint(low)
      return
    }
    this.reserve(10)
    const { bytes } = this
    let restLow = low >>> 0
    let restHigh = high >>> 0
    while (restHigh !== 0 || restLow > 0x7f) {
      bytes[this.size++] = (restLow & 0x7f) | 0x80
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0
      restHigh >>>= 7
    }
    bytes[this.size++] = restLow
  }

  fixed32(value: number): void {
    this.reserve(4)
    this.size = this.bytes.writeUInt32LE(value >>> 0, this.size)
  }

  fixed64(low: number, high: number): void {
    this.fixed32(low)
    this.fixed32(high)
  }

  double(value: number): void {
    this.reserve(8)
    this.size = this.bytes.writeDoubleLE(value, this.size)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.size++] = value
  }

  /** Appends `source[start .. end)` as it is. */
  copy(source: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    // Short texts are most of them, and a loop beats the call: 32 bytes is where the two meet.
    if (end - start <= 32) {
      const { bytes } = this
      let to = this.size
      for (let from = start; from < end; from++) bytes[to++] = source[from]!
      this.size = to
      return
    }
    this.size += source.copy(this.bytes, this.size, start, end)
  }

  /** Leaves room for the length of a message of this kind; its content begins at `size`. */
  open(kind: number): void {
    const room = this.lengthBytes[kind]!
    this.reserve(room)
    this.size += room
  }

  /** Writes the length of the message whose length bytes begin at `lengthAt` and whose content begins at `start`. */
  close(kind: number, lengthAt: number, start: number): void {
    const length = this.size - start
    const needed = lengthSize(length)
    const left = start - lengthAt
    if (needed !== left) {
      this.reserve(needed)
      this.bytes.copyWithin(lengthAt + needed, start, this.size)
      this.size += needed - left
      this.lengthBytes[kind] = needed
    }
    const { bytes } = this
    let at = lengthAt
    let rest = length
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at] = rest
  }

  /** Takes fields out of the message that was written from `start` on: by number, those that begin before a place. */
  removeBefore(start: number, places: ReadonlyMap<number, number>): void {
    const { bytes } = this
    let kept = start
    let at = start
    while (at < this.size) {
      const from = at
      const tag = this.read(at)
      at = this.after(this.readEnd, tag & 7)
      if (from < (places.get(tag >>> 3) ?? 0)) continue
      bytes.copyWithin(kept, from, at)
      kept += at - from
    }
    this.size = kept
  }

  private readEnd = 0

  /** Reads back a varint of our own. */
  private read(at: number): number {
    let value = 0
    let shift = 0
    let next = at
    for (;;) {
      const byte = this.bytes[next++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) break
    }
    this.readEnd = next
    return value >>> 0
  }

  /** Where the value that begins at `at` ends. */
  private after(at: number, wireType: number): number {
    if (wireType === 1) return at + 8
    if (wireType === 5) return at + 4
    const value = this.read(at)
    return wireType === 2 ? this.readEnd + value : this.readEnd
  }
}

function lengthSize(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x4000) return 2
  if (length < 0x200000) return 3
  return length < 0x10000000 ? 4 : 5
}
