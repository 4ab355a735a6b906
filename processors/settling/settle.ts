// Records in, verdicts out: which spans are one call, which of them carries the money, which only sum or repeat. It does not
// depend on the order, on how the records were split over requests, or on records sent twice.

import { judgeByAnswers } from './answers.ts'
import { joinEvents } from './events.ts'
import { joinGateways } from './gateways.ts'
import { judgeByLostParents } from './lost-parents.ts'
import {
  agreeInOne,
  type CallRecord,
  compareRecords,
  compareText,
  detail,
  isInside,
  keyOf,
  type Node,
  nodesOf,
  sameModel,
  sameUsage,
  type Verdict,
} from './record.ts'
import { isSum } from './sums.ts'
import { couldBeTwins, joinByResponse, joinSideBySide, Twins } from './twins.ts'

const own: Verdict = { reason: '', countedAs: null, evidence: '' }

/** One verdict a record, in the order they were handed in; records of one (trace id, span id) share theirs. */
export function settle(records: readonly CallRecord[]): Verdict[] {
  const unique = once(records)
  const nodes = nodesOf(unique)
  const calls = nodes.filter(({ record }) => record.role === 'call').sort((a, b) => compareRecords(a.record, b.record))
  const twins = new Twins()
  const verdicts = new Map<Node, Verdict>()
  joinByResponse(calls, twins)
  const sums = joinNested(calls, twins)
  const distinct = calls.filter((node) => !sums.has(node))
  joinSideBySide(
    distinct.filter(({ record }) => !record.isEvent),
    twins,
  )
  joinGateways(distinct, twins)
  joinEvents(distinct, nodes, twins)
  for (const set of twins.sets()) {
    const carrier = set.reduce((best, node) => (isBetter(node, best, set) ? node : best))
    for (const node of set) {
      if (node === carrier) continue
      verdicts.set(node, { reason: 'duplicate', countedAs: carrier.record, evidence: evidenceOf(node, carrier) })
    }
  }
  for (const node of sums) {
    if (verdicts.has(node)) continue
    verdicts.set(node, { reason: 'aggregate', countedAs: carrierBelow(node, verdicts), evidence: 'sum' })
  }
  for (const node of nodes) {
    if (node.record.role !== 'carrier' || !node.hasUsage || verdicts.has(node)) continue
    const below = carrierBelow(node, verdicts)
    if (below !== null) verdicts.set(node, { reason: 'aggregate', countedAs: below, evidence: 'below' })
  }
  judgeByLostParents(nodes, verdicts)
  judgeByAnswers(nodes, verdicts)
  const byKey = new Map(nodes.map((node) => [keyOf(node.record), verdicts.get(node) ?? own]))
  return records.map((record) => byKey.get(keyOf(record)) ?? own)
}

/** One record a span: of several, the one that says most, then the first. */
function once(records: readonly CallRecord[]): CallRecord[] {
  const byKey = new Map<string, CallRecord>()
  for (const record of records) {
    const key = keyOf(record)
    const known = byKey.get(key)
    const isMore = known === undefined || detail(record.usage) > detail(known.usage)
    if (isMore) byKey.set(key, record)
  }
  return [...byKey.values()].sort(compareRecords)
}

/** Joins outer views of one call to it; returns the calls whose usage is the sum of several below them. */
function joinNested(calls: readonly Node[], twins: Twins): Set<Node> {
  const sums = new Set<Node>()
  // From below, so that what lies under a call is decided before it.
  for (const node of [...calls].sort((a, b) => b.depth - a.depth || compareRecords(a.record, b.record))) {
    const withUsage = callsBelow(node, ({ hasUsage }) => hasUsage)
    // Where nothing below tells its usage, an outer view that does is the better witness of the call.
    const below = withUsage.length > 0 || node.hasUsage ? withUsage : callsBelow(node, () => true)
    if (node.hasUsage && withUsage.every(({ record }) => record.isEvent)) {
      const only = silentViewOf(node)
      if (only !== undefined) twins.join(node, only)
    }
    if (below.length === 0) continue
    const distinct = below.filter(
      (each, i) => !sums.has(each) && !below.slice(0, i).some((other) => twins.isSame(each, other)),
    )
    // Events that are written within an outer view, beside a span of the call, are joined to that span later.
    const spans = distinct.filter(({ record }) => !record.isEvent)
    const views = spans.length > 0 ? spans : distinct
    if (!node.hasUsage) {
      // An outer view of one call is that call; of several it is a frame without a call of its own.
      if (views.length === 1) twins.join(node, views[0]!)
      else sums.add(node)
      continue
    }
    const equal = views.filter((each) => sameUsage(node.record.usage, each.record.usage))
    if (equal.length > 0) for (const each of spans.length > 0 ? oneCall(equal, twins) : equal) twins.join(node, each)
    else {
      const only = spans.length > 0 ? onlyViewOf(node, views) : onlyEventOf(node, views)
      if (only !== undefined) twins.join(node, only)
      else if (isSum(node, views)) sums.add(node)
    }
  }
  return sums
}

/** Of equal calls under one wrapper the first, with what other instrumentations tell of the same. */
function oneCall(equal: readonly Node[], twins: Twins): Node[] {
  const views: Node[] = []
  for (const each of equal)
    if (views.every((view) => !twins.isOfOneEmitter(view, each) && couldBeTwins(view, each, sameUsage)))
      views.push(each)
  return views
}

/** The one call that worked below a call that tells its usage, where it tells none, as of a stream that only the outer one reads. */
function silentViewOf(node: Node): Node | undefined {
  const worked = callsBelow(node, ({ record }) => !record.isEvent && record.isError === node.record.isError)
  const [only] = worked
  if (only === undefined || worked.length > 1 || isApart(node, only)) return undefined
  return sameModel(node.record, only.record) ? only : undefined
}

/** With a frame that has usage of its own between the two, such as an agent, the inner one is another call. */
function isApart(outer: Node, inner: Node): boolean {
  for (let each = inner.parent; each !== null && each !== outer; each = each.parent)
    if (each.record.role === 'carrier') return true
  return false
}

/** The one call below another instrumentation's, where one of the two totals differs: one of them adds up wrongly. */
function onlyViewOf(node: Node, below: readonly Node[]): Node | undefined {
  const [only] = below
  if (only === undefined || below.length > 1 || only.record.scope === node.record.scope) return undefined
  if (isApart(node, only)) return undefined
  const isOne = agreeInOne(node.record.usage, only.record.usage) && sameModel(node.record, only.record)
  return isOne ? only : undefined
}

/** What is written within a call, and of it alone, is about it, also where it counts otherwise. */
function onlyEventOf(node: Node, events: readonly Node[]): Node | undefined {
  const [only] = events
  return only !== undefined && events.length === 1 && sameModel(node.record, only.record) ? only : undefined
}

/** The nearest calls of a kind below a node. */
function callsBelow(node: Node, isMeant: (call: Node) => boolean): Node[] {
  return node.children.flatMap((child) =>
    child.record.role === 'call' && isMeant(child) ? [child] : callsBelow(child, isMeant),
  )
}

/** The best of the records below a node that carry usage: a call, then the innermost, then the first. */
function carrierBelow(node: Node, verdicts: ReadonlyMap<Node, Verdict>): CallRecord | null {
  let best: Node | null = null
  const walk = (at: Node): void => {
    for (const child of at.children) {
      if (child.hasUsage && child.record.role !== 'none' && isBetterBelow(child, best)) best = child
      walk(child)
    }
  }
  walk(node)
  if (best === null) return null
  const found = best as Node
  return verdicts.get(found)?.countedAs ?? found.record
}

function isBetterBelow(node: Node, best: Node | null): boolean {
  if (best === null) return true
  if (node.record.role !== best.record.role) return node.record.role === 'call'
  if (node.depth !== best.depth) return node.depth > best.depth
  return compareRecords(node.record, best.record) < 0
}

/** Which of two records of one call carries the money: nearest to the provider's answer, then the one that knows most. */
function isBetter(a: Node, b: Node, set: readonly Node[]): boolean {
  if (a.hasUsage !== b.hasUsage) return a.hasUsage
  if (a.record.role !== b.record.role) return a.record.role === 'call'
  // Without a model there is no price.
  if (isNamed(a) !== isNamed(b)) return isNamed(a)
  // An event is written within the span of its call, or beside it: it is no inner view.
  const outer = (node: Node): boolean =>
    set.some(
      (other) => other !== node && !other.record.isEvent && (other.hasUsage || !node.hasUsage) && isUnder(other, node),
    )
  if (outer(a) !== outer(b)) return !outer(a)
  if (a.record.isEvent !== b.record.isEvent) {
    const more = detail(a.record.usage) - detail(b.record.usage)
    return more === 0 ? !a.record.isEvent : more > 0
  }
  // Two that contradict each other, or are of two services: the one that was under way inside the other stands nearer to the answer.
  const isInner = isInnerInTime(a.record, b.record)
  const areOfTwoTraces = a.record.traceId !== b.record.traceId
  const areOfTwoServices = areOfTwoTraces && a.record.resource !== b.record.resource
  if (isInner !== undefined && a.hasUsage && b.hasUsage)
    if (areOfTwoServices || !sameUsage(a.record.usage, b.record.usage)) return isInner
  const difference = detail(a.record.usage) - detail(b.record.usage)
  if (difference !== 0) return difference > 0
  if ((a.record.responseId === '') !== (b.record.responseId === '')) return a.record.responseId !== ''
  // Of two traces depths say nothing.
  if (isInner !== undefined && areOfTwoTraces) return isInner
  if (a.depth !== b.depth) return a.depth > b.depth
  return a.record.start - b.record.start < 0 || (a.record.start === b.record.start && compareText(idOf(a), idOf(b)) < 0)
}

/** Whether one was under way inside the other, or the other in it; undefined where neither was, or both for as long. */
function isInnerInTime(a: CallRecord, b: CallRecord): boolean | undefined {
  const [inB, inA] = [isInside(a, b), isInside(b, a)]
  if (inB !== inA) return inB
  const longer = a.end - a.start - (b.end - b.start)
  return inB && longer !== 0 ? longer < 0 : undefined
}

function isNamed({ record }: Node): boolean {
  return record.requestModel !== '' || record.responseModel !== ''
}

function isUnder(node: Node, above: Node): boolean {
  for (let each = node.parent; each !== null; each = each.parent) if (each === above) return true
  return false
}

function idOf({ record }: Node): string {
  return keyOf(record)
}

function evidenceOf(node: Node, carrier: Node): string {
  const { responseId } = node.record
  if (responseId !== '' && responseId === carrier.record.responseId) return 'response_id'
  return isUnder(carrier, node) || isUnder(node, carrier) ? 'nested' : 'side_by_side'
}
