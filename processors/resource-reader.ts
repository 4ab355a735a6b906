// What every span of a resource shares: service, and attribution that the resource gives for all of them. Read once a resource,
// copied to its rows; what a span says itself comes later and stands.

import { low, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { attributionFields, resourceFields } from './attribution.ts'
import { fieldCount, fieldNames, fieldWay, placeOf, slotOf, wayOf } from './fields.ts'
import { type KeyTable, noSlot } from './key-table.ts'

/** Fields that a resource's attribute may fill: 2 under any name that means them, 1 only under one of the user's own map. */
const fillable = new Uint8Array(fieldCount)
for (const field of Object.values(attributionFields)) fillable[slotOf[field]] = 1
for (const field of resourceFields) fillable[slotOf[field]] = 2

/** Slots that can be filled, in a row of `winners` each. */
const slots = fieldNames.map((name) => slotOf[name]).filter((slot) => fillable[slot] !== 0)
const width = slots.length
const columnOf = new Int8Array(fieldCount).fill(-1)
for (const [column, slot] of slots.entries()) columnOf[slot] = column

/** Values by resource of one batch; `read` before `apply`. */
export class ResourceReader {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private serviceName = 0
  private serviceVersion = 0
  private generation = -1
  private services = new Int32Array(64)
  private versions = new Int32Array(64)
  /** Attribute that won each slot, a row of them for each resource; -1 for none. */
  private winners = new Int32Array(256)
  /** Their interned values, where the column is one of ids. */
  private values = new Int32Array(256)
  /** Columns of `winners` that any resource of the batch fills. */
  private readonly present: number[] = []

  constructor(batch: SpanBatch, strings: StringTable, keys: KeyTable) {
    this.batch = batch
    this.strings = strings
    this.keys = keys
  }

  read(): void {
    const { batch, strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.serviceName = strings.internText('service.name')
      this.serviceVersion = strings.internText('service.version')
    }
    const cells = batch.resources * width
    if (this.services.length < batch.resources) {
      this.services = new Int32Array(batch.resources * 2)
      this.versions = new Int32Array(batch.resources * 2)
    }
    if (this.winners.length < cells) {
      this.winners = new Int32Array(cells * 2)
      this.values = new Int32Array(cells * 2)
    }
    this.services.fill(0, 0, batch.resources)
    this.versions.fill(0, 0, batch.resources)
    this.winners.fill(-1, 0, cells)
    this.values.fill(0, 0, cells)
    this.present.length = 0
    for (let resource = 0; resource < batch.resources; resource++) this.readOne(resource)
  }

  apply(row: number): void {
    const { batch, present, winners, values } = this
    const resource = batch.resource[row]!
    batch.low[low.service]![row] = this.services[resource]!
    batch.low[low.service_version]![row] = this.versions[resource]!
    batch.low[low.release]![row] = this.versions[resource]!
    const from = resource * width
    for (let p = 0; p < present.length; p++) {
      const column = present[p]!
      const winner = winners[from + column]!
      if (winner < 0) continue
      const slot = slots[column]!
      if (wayOf[slot] === fieldWay.low) batch.low[placeOf[slot]!]![row] = values[from + column]!
      else batch.setText(placeOf[slot]!, row, batch.attrStart[winner]!, batch.attrEnd[winner]!)
    }
  }

  private readOne(resource: number): void {
    const { batch, keys, winners } = this
    for (let i = batch.resourceAttrFrom[resource]!; i < batch.resourceAttrTo[resource]!; i++) {
      if (batch.attrType[i] !== valueType.string || batch.attrStart[i] === batch.attrEnd[i]) continue
      const key = batch.attrKey[i]!
      if (key === this.serviceName) this.services[resource] = this.interned(i)
      else if (key === this.serviceVersion) this.versions[resource] = this.interned(i)
      let slot = keys.slots[key]!
      if (slot === noSlot.unseen) slot = keys.resolve(key)
      if (slot < 0 || fillable[slot] === 0 || (fillable[slot] === 1 && !keys.isOwn(key))) continue
      const column = columnOf[slot]!
      const place = resource * width + column
      // Of one name sent twice the later stands.
      if (winners[place]! >= 0 && keys.ranks[key]! > keys.ranks[batch.attrKey[winners[place]!]!]!) continue
      winners[place] = i
      if (wayOf[slot] === fieldWay.low) this.values[place] = this.interned(i)
      if (!this.present.includes(column)) this.present.push(column)
    }
  }

  private interned(i: number): number {
    const { batch, strings } = this
    return strings.intern(batch.bytes, batch.attrStart[i]!, batch.attrEnd[i]!)
  }
}
