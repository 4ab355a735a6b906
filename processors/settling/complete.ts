// What a carrier lacks and another record of its call tells: the cache split, reasoning, a total, the tier. Of an instrumentation that
// reports totals only the call would be priced as if nothing had been cached.
//
//   a total          that is missing, or leaves out the cached or the reasoning part that the other one tells
//   a part           that is missing, where both have the same total
//   the cached part  within the input, where that the input has it was only assumed and the other one has more by exactly that
//   a unit           without tokens, such as searches
//
// What both tell stays as the carrier tells it.

import { unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { type CallRecord, compareRecords, detail } from './record.ts'

const totalOf = usageUnits.map(({ partOf }) => rootOf(partOf))

/** Slot of the total that a unit is a part of, -1 for a total and a unit of its own. */
function rootOf(partOf: (typeof usageUnits)[number]['partOf']): number {
  if (partOf === null) return -1
  const slot = unit[partOf]
  const above = rootOf(usageUnits[slot]!.partOf)
  return above < 0 ? slot : above
}

/** Usage of a carrier with what its twins know beside it; null where they know nothing more. */
export function completed(carrier: CallRecord, twins: readonly CallRecord[]): Float64Array | null {
  const usage = carrier.usage.slice()
  for (const twin of inOrder(twins)) {
    if (carrier.isAssumed === true) addAssumed(usage, twin.usage)
    addCached(usage, twin.usage)
    addReasoning(usage, twin.usage)
    for (let slot = 0; slot < usageUnitCount; slot++) {
      if (usage[slot]! > 0 || !(twin.usage[slot]! > 0)) continue
      const total = totalOf[slot]!
      if (total < 0 || usage[total] === twin.usage[total]) usage[slot] = twin.usage[slot]!
    }
  }
  return usage.every((count, slot) => Object.is(count, carrier.usage[slot])) ? null : usage
}

/** The one that tells most first, whatever order they were found in. */
export function inOrder(records: readonly CallRecord[]): CallRecord[] {
  return [...records].sort((a, b) => detail(b.usage) - detail(a.usage) || compareRecords(a, b))
}

/** An input that was taken to include the cached part that both tell, and does not. */
function addAssumed(usage: Float64Array, twin: Float64Array): void {
  const isSame = (slot: number): boolean => (usage[slot]! || 0) === (twin[slot]! || 0)
  const cached = (usage[unit.cacheRead]! || 0) + (usage[unit.cacheWrite]! || 0)
  const isOutside =
    isSame(unit.cacheRead) && isSame(unit.cacheWrite) && usage[unit.input]! + cached === twin[unit.input]
  if (cached > 0 && isOutside) usage[unit.input] = twin[unit.input]!
}

/** An input that left out a cached part it knows nothing of. */
function addCached(usage: Float64Array, twin: Float64Array): void {
  if (usage[unit.cacheRead]! > 0 || usage[unit.cacheWrite]! > 0) return
  const cached = (twin[unit.cacheRead]! || 0) + (twin[unit.cacheWrite]! || 0)
  if (cached > 0 && usage[unit.input]! + cached === twin[unit.input]) usage[unit.input] = twin[unit.input]!
}

/** An output that left out the reasoning. */
function addReasoning(usage: Float64Array, twin: Float64Array): void {
  if (usage[unit.reasoning]! > 0 || !(twin[unit.reasoning]! > 0)) return
  if (usage[unit.output]! + twin[unit.reasoning]! === twin[unit.output]) usage[unit.output] = twin[unit.output]!
}
