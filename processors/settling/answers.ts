// Agents whose calls stand in traces of their own, as those of streams do where the context is lost.

import { type Node, sameUsage, type Verdict } from './record.ts'

/** An agent that names the answer of a call and tells that call's counts repeats it, wherever the two are. */
export function judgeByAnswers(nodes: readonly Node[], verdicts: Map<Node, Verdict>): void {
  const agents = nodes.filter((node) => {
    const { role, responseId } = node.record
    return role === 'carrier' && node.hasUsage && responseId !== '' && !verdicts.has(node)
  })
  if (agents.length === 0) return
  const calls = Map.groupBy(
    nodes.filter(({ record, hasUsage }) => record.role === 'call' && hasUsage && record.responseId !== ''),
    answerOf,
  )
  for (const agent of agents) {
    const call = calls.get(answerOf(agent))?.find(({ record }) => sameUsage(record.usage, agent.record.usage))
    if (call === undefined) continue
    const countedAs = verdicts.get(call)?.countedAs ?? call.record
    verdicts.set(agent, { reason: 'aggregate', countedAs, evidence: 'response_id' })
  }
}

function answerOf({ record }: Node): string {
  return `${record.project} ${record.responseId}`
}
