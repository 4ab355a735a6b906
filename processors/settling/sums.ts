// Whether the counts of one span are those of several others.

import { unit } from '../../schemas/usage.ts'
import { cachedOf, type Node } from './record.ts'

/** The sum may leave the cached part out, as the provider does. */
export function isSum(node: Node, parts: readonly Node[]): boolean {
  const cached = parts.reduce((sum, { record }) => sum + cachedOf(record.usage), 0)
  const [input, whole] = [countOf(node, unit.input), totalOf(parts, unit.input)]
  return (input === whole || input === whole - cached) && countOf(node, unit.output) === totalOf(parts, unit.output)
}

/** Whether a node may sum some of these calls. */
export function isPartOf(node: Node, calls: readonly Node[]): boolean {
  return [unit.input, unit.output].every((slot) => countOf(node, slot) <= totalOf(calls, slot))
}

function countOf({ record }: Node, slot: number): number {
  return record.usage[slot]! >= 0 ? record.usage[slot]! : 0
}

function totalOf(nodes: readonly Node[], slot: number): number {
  return nodes.reduce((sum, node) => sum + countOf(node, slot), 0)
}
