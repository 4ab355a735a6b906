// Agents whose steps never came, and their calls: by the trace, the process, the times and the counts alone.

import { type CallRecord, compareRecords, isInside, keyOf, type Node, type Verdict } from './record.ts'
import { isPartOf, isSum } from './sums.ts'

/**
 * A step between an agent and its calls may never come: it was filtered, or dropped. An agent that nothing is below sums the calls of
 * its trace and process that are under lost parents and were under way inside it, or some of them, if its counts are not more than theirs.
 */
export function judgeByLostParents(nodes: readonly Node[], verdicts: Map<Node, Verdict>): void {
  const lost = Map.groupBy(
    nodes.filter((node) => node.record.role === 'call' && node.hasUsage && hasLostParent(node)),
    traceOf,
  )
  if (lost.size === 0) return
  const carrierOf = (call: Node): CallRecord => verdicts.get(call)?.countedAs ?? call.record
  const agents = nodes.filter((node) => node.record.role === 'carrier' && node.hasUsage && !verdicts.has(node))
  const length = ({ record }: Node): number => record.end - record.start
  const taken = new Set<Node>()
  // From the innermost, whose calls an agent around it may count as its own or not.
  for (const node of agents.sort((a, b) => length(a) - length(b) || compareRecords(a.record, b.record))) {
    const byCall = new Map<string, Node>()
    for (const call of lost.get(traceOf(node)) ?? [])
      if (call.record.resource === node.record.resource && isInside(call.record, node.record))
        byCall.set(keyOf(carrierOf(call)), byCall.get(keyOf(carrierOf(call))) ?? call)
    const within = [...byCall.values()]
    const left = within.filter((call) => !taken.has(call))
    const parts = [left, within].find((each) => each.length > 0 && isSum(node, each))
    if (parts === undefined && !isPartOf(node, left)) continue
    const evidence = parts === undefined ? 'below' : 'sum'
    verdicts.set(node, { reason: 'aggregate', countedAs: carrierOf((parts ?? left)[0]!), evidence })
    for (const call of parts ?? []) taken.add(call)
  }
}

/** Whether the tree that a node is in hangs from a span that nobody has. */
function hasLostParent(node: Node): boolean {
  let top = node
  while (top.parent !== null) top = top.parent
  return top.record.parentId !== ''
}

function traceOf({ record }: Node): string {
  return `${record.project} ${record.traceId}`
}
