// hot: Reads protobuf wire format from a Uint8Array: varints, tags, lengths, skipping. Knows no message.
// Source: protobuf encoding guide, proto3 (wire types 0, 1, 2, 5; groups 3 and 4 are skipped, their depth bounded).

import { Refusal } from './refusal.ts'

const groupDepthMax = 100

export const wire = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const

/**
 * A position in one request body. `end` bounds the message being read; a nested message is read by lowering `end`
 * to what `enter` returned and putting the old value back.
 * Throws Refusal('bad_request') for bytes that are not protobuf. Does not own the bytes.
 */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  /** High 32 bits of the last `varint64`. */
  high = 0
  /** Low 32 bits of the last `varint64`, unsigned. */
  low = 0

  open(bytes: Uint8Array, at = 0, end: number = bytes.length): void {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** A varint below 2^32 (tags, lengths, enums); higher bits are dropped as protobuf readers do. */
  varint(): number {
    const bytes = this.bytes
    let at = this.at
    if (at >= this.end) throw truncated(at)
    let byte = bytes[at++]!
    // Fast path: nearly every tag, length and count is one or two bytes.
    if (byte < 0x80) {
      this.at = at
      return byte
    }
    let value = byte & 0x7f
    let shift = 7
    for (;;) {
      if (at >= this.end) throw truncated(at)
      byte = bytes[at++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      shift += 7
      if (shift >= 70) throw new Refusal('bad_request', `varint longer than 10 bytes at byte ${at}`)
    }
    this.at = at
    return value >>> 0
  }

  /** Any 64-bit varint, left in `low` and `high`. */
  varint64(): void {
    const bytes = this.bytes
    let low = 0
    let high = 0
    let shift = 0
    let at = this.at
    for (;;) {
      if (at >= this.end) throw truncated(at)
      const byte = bytes[at++]!
      const part = byte & 0x7f
      if (shift < 28) low |= part << shift
      else if (shift === 28) {
        low |= part << 28
        high |= part >>> 4
      } else if (shift < 64) high |= part << (shift - 32)
      if (byte < 0x80) break
      shift += 7
      if (shift >= 70) throw new Refusal('bad_request', `varint longer than 10 bytes at byte ${at}`)
    }
    this.at = at
    this.low = low >>> 0
    this.high = high >>> 0
  }

  fixed64(): void {
    const at = this.at
    if (at + 8 > this.end) throw truncated(at)
    const b = this.bytes
    this.low = (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
    this.high = (b[at + 4]! | (b[at + 5]! << 8) | (b[at + 6]! << 16) | (b[at + 7]! << 24)) >>> 0
    this.at = at + 8
  }

  fixed32(): number {
    const at = this.at
    if (at + 4 > this.end) throw truncated(at)
    const b = this.bytes
    this.at = at + 4
    return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
  }

  /** Reads the length of a bytes field and returns where it ends; `at` is its first byte. */
  enter(): number {
    const size = this.varint()
    const end = this.at + size
    if (end > this.end) throw truncated(this.at)
    return end
  }

  skip(tag: number): void {
    if (tag >>> 3 === 0) throw new Refusal('bad_request', `field number 0 at byte ${this.at}`)
    switch (tag & 7) {
      case wire.varint:
        this.varint64()
        return
      case wire.fixed64:
        this.advance(8)
        return
      case wire.bytes:
        this.at = this.enter()
        return
      case wire.fixed32:
        this.advance(4)
        return
      case wire.groupStart:
        this.skipGroup(tag >>> 3)
        return
      default:
        throw new Refusal('bad_request', `wire type ${tag & 7} of field ${tag >>> 3} at byte ${this.at}`)
    }
  }

  private skipGroup(field: number): void {
    const open = [field]
    while (open.length > 0) {
      const tag = this.varint()
      if ((tag & 7) === wire.groupStart) {
        open.push(tag >>> 3)
        if (open.length > groupDepthMax) throw new Refusal('bad_request', `groups nested deeper than ${groupDepthMax}`)
      } else if ((tag & 7) === wire.groupEnd) {
        if (open.pop() !== tag >>> 3)
          throw new Refusal('bad_request', `group ends with another field at byte ${this.at}`)
      } else this.skip(tag)
    }
  }

  private advance(size: number): void {
    if (this.at + size > this.end) throw truncated(this.at)
    this.at += size
  }
}

function truncated(at: number): Refusal {
  return new Refusal('bad_request', `protobuf message is cut off at byte ${at}`)
}
