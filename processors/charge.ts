// hot: Which rows of one request carry money. A span whose usage sums its children's, or repeats a nested call's, keeps
// its numbers and is not billed when the call it stands for is in the same request.
//
//   agent     usage, a usage-bearing span below it            → aggregate
//   call      usage equal to a call below it, or to their sum → duplicate (two instrumentations around one call)
//   call      no usage, but a call with usage below it        → duplicate
//   agent     usage, nothing below it with usage              → the only carrier: billed

import { nowhere, role, type SpanBatch } from '../schemas/span-batch.ts'
import { unit, usageUnitCount } from '../schemas/usage.ts'

const depthMax = 256

/** Verdicts on a row: none, or the reason it is not billed. */
export const verdict = { none: 0, aggregate: 1, duplicate: 2 } as const

/** Finds the rows of a batch that only repeat others; `verdicts[row]` and `batch.countedAs[row]` are filled. */
export class Charge {
  verdicts = new Uint8Array(512)
  private readonly batch: SpanBatch
  private slots = new Int32Array(2048)
  /** Row of each row's parent in the batch, -1 for none; valid after `run` when `hasParents`. */
  parents = new Int32Array(512)
  hasParents = false
  /** Usage of the billed calls below a row, summed; and a call below it whose usage equals its own, -1 for none. */
  private sumInput = new Float64Array(512)
  private sumOutput = new Float64Array(512)
  private below = new Int32Array(512)
  private callBelow = new Int32Array(512)
  private equal = new Int32Array(512)
  private depth = new Int32Array(512)
  /** Rows by falling depth, so that backwards each comes after its parent; valid as `parents` is. */
  order = new Int32Array(512)
  private readonly starts = new Int32Array(depthMax + 2)

  constructor(batch: SpanBatch) {
    this.batch = batch
  }

  run(): void {
    const { batch } = this
    this.reserve(batch.rows)
    this.verdicts.fill(0, 0, batch.rows)
    this.hasParents = this.findParents()
    if (!this.hasParents) return
    this.walkUp()
  }

  /** Row of each row's parent within the request; false when no row has one. */
  private findParents(): boolean {
    const { batch, slots } = this
    const mask = slots.length - 1
    slots.fill(-1)
    for (let row = 0; row < batch.rows; row++) {
      let slot = hashAt(batch.bytes, batch.spanPos[row]!) & mask
      while (slots[slot] !== -1) slot = (slot + 1) & mask
      slots[slot] = row
    }
    let hasParents = false
    for (let row = 0; row < batch.rows; row++) {
      this.parents[row] = -1
      const at = batch.parentPos[row]!
      if (at === nowhere) continue
      let slot = hashAt(batch.bytes, at) & mask
      for (let found = slots[slot]!; found !== -1; found = slots[slot]!) {
        if (found !== row && this.isSpan(found, row, at)) {
          this.parents[row] = found
          hasParents = true
          break
        }
        slot = (slot + 1) & mask
      }
    }
    return hasParents
  }

  private isSpan(found: number, child: number, at: number): boolean {
    const { batch } = this
    return (
      sameBytes(batch.bytes, batch.spanPos[found]!, at, 8) &&
      sameBytes(batch.bytes, batch.tracePos[found]!, batch.tracePos[child]!, 16)
    )
  }

  private walkUp(): void {
    const { batch, parents } = this
    this.sumInput.fill(0, 0, batch.rows)
    this.sumOutput.fill(0, 0, batch.rows)
    this.below.fill(-1, 0, batch.rows)
    this.callBelow.fill(-1, 0, batch.rows)
    this.equal.fill(-1, 0, batch.rows)
    for (let row = 0; row < batch.rows; row++) this.depth[row] = this.depthOf(row)
    this.orderByDepth()
    for (let place = 0; place < batch.rows; place++) {
      const row = this.order[place]!
      // Everything below it is decided: a call that only repeats others is not summed once more above.
      this.judge(row)
      if (!this.hasUsage(row)) continue
      const isCall = batch.role[row] === role.call
      const isBilled = this.verdicts[row] === verdict.none
      const input = this.count(row, unit.input)
      const output = this.count(row, unit.output)
      let depth = 0
      for (
        let above = parents[row]!;
        above >= 0 && above !== row && depth < depthMax;
        above = parents[above]!, depth++
      ) {
        this.choose(this.below, above, row)
        if (!isCall) continue
        this.choose(this.callBelow, above, row)
        if (isBilled) {
          this.sumInput[above]! += input
          this.sumOutput[above]! += output
        }
        const isEqual = this.count(above, unit.input) === input && this.count(above, unit.output) === output
        if (isEqual) this.choose(this.equal, above, row)
      }
    }
  }

  /** Rows by falling depth, as `order`; a counting sort. */
  private orderByDepth(): void {
    const { depth, starts, order } = this
    const { rows } = this.batch
    starts.fill(0)
    for (let row = 0; row < rows; row++) starts[depthMax - depth[row]! + 1]!++
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
    for (let row = 0; row < rows; row++) order[starts[depthMax - depth[row]!]!++] = row
  }

  private depthOf(row: number): number {
    let depth = 0
    for (let above = this.parents[row]!; above >= 0 && above !== row && depth < depthMax; above = this.parents[above]!)
      depth++
    return depth
  }

  /** Keeps the better of two carriers, whatever the order they come in: a call, then the innermost, then the lower id. */
  private choose(chosen: Int32Array, above: number, row: number): void {
    const { batch } = this
    const current = chosen[above]!
    if (current < 0) chosen[above] = row
    else if ((batch.role[row] === role.call) !== (batch.role[current] === role.call))
      chosen[above] = batch.role[row] === role.call ? row : current
    else if (this.depth[row] !== this.depth[current])
      chosen[above] = this.depth[row]! > this.depth[current]! ? row : current
    else if (compareBytes(batch.bytes, batch.spanPos[row]!, batch.spanPos[current]!, 8) < 0) chosen[above] = row
  }

  private judge(row: number): void {
    const { batch } = this
    if (batch.charged[row] === 1) return
    if (batch.role[row] === role.carrier && this.below[row]! >= 0) this.set(row, verdict.aggregate, this.below[row]!)
    if (batch.role[row] !== role.call || this.callBelow[row]! < 0) return
    const isSum =
      this.sumInput[row] === this.count(row, unit.input) && this.sumOutput[row] === this.count(row, unit.output)
    if (this.equal[row]! >= 0) this.set(row, verdict.duplicate, this.equal[row]!)
    else if (isSum) this.set(row, verdict.aggregate, this.callBelow[row]!)
    else if (!this.hasUsage(row)) this.set(row, verdict.duplicate, this.callBelow[row]!)
  }

  /** `carrier` as `SpanBatch.countedAs` has it. */
  set(row: number, why: number, carrier: number): void {
    this.verdicts[row] = why
    this.batch.countedAs[row] = carrier
  }

  /** Whether a row tells what a call used, a replay's aside. */
  hasUsage(row: number): boolean {
    const at = row * usageUnitCount
    return (
      this.batch.role[row] !== role.replay &&
      (this.batch.usage[at + unit.input]! >= 0 || this.batch.usage[at + unit.output]! >= 0)
    )
  }

  private count(row: number, slot: number): number {
    const value = this.batch.usage[row * usageUnitCount + slot]!
    return Number.isNaN(value) ? 0 : value
  }

  private reserve(rows: number): void {
    if (rows * 2 > this.slots.length) this.slots = new Int32Array(2 ** Math.ceil(Math.log2(rows * 4)))
    if (rows <= this.verdicts.length) return
    const size = rows * 2
    this.verdicts = new Uint8Array(size)
    this.parents = new Int32Array(size)
    this.sumInput = new Float64Array(size)
    this.sumOutput = new Float64Array(size)
    this.below = new Int32Array(size)
    this.callBelow = new Int32Array(size)
    this.equal = new Int32Array(size)
    this.depth = new Int32Array(size)
    this.order = new Int32Array(size)
  }
}

function hashAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  const second = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24)
  const mixed = Math.imul(first ^ (second >>> 13), 0x9e3779b1) ^ second
  return mixed ^ (mixed >>> 15)
}

function compareBytes(bytes: Uint8Array, a: number, b: number, size: number): number {
  for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return bytes[a + i]! - bytes[b + i]!
  return 0
}

function sameBytes(bytes: Uint8Array, a: number, b: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}
