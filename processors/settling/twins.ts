// Which records are of one call of the provider. Found in this order, and whatever order the records come in:
//
//   response id         the same id is the same call, wherever its records are
//   nesting             a call whose usage is that of a call below it, or that has none, is an outer view of it
//   side by side        two instrumentations around one call that do not know of each other: different scopes, one resource,
//                       one interval inside the other, one model, equal usage; one to one, so that n pairs are n calls
//
// Equal usage alone joins nothing: calls that classify things are equal by nature.

import { compareRecords, isAbove, type Node, sameModel, sameUsage } from './record.ts'

/** Clocks of one process agree; exporters round. */
const slackMicros = 2000

/** Sets of nodes, each of one call; a node that was never joined is in none. */
export class Twins {
  private readonly leader = new Map<Node, Node>()
  /** Scopes of the members, by leader. */
  private readonly scopes = new Map<Node, Set<string>>()

  /** All sets of two and more. */
  sets(): Node[][] {
    const sets = new Map<Node, Node[]>()
    for (const node of this.leader.keys()) {
      const of = this.find(node)
      const set = sets.get(of)
      if (set === undefined) sets.set(of, [node])
      else set.push(node)
    }
    return [...sets.values()]
  }

  isSame(a: Node, b: Node): boolean {
    return a === b || this.find(a) === this.find(b)
  }

  join(a: Node, b: Node): void {
    const [ofA, ofB] = [this.find(a), this.find(b)]
    const scopes = new Set([...this.scopesOf(ofA), ...this.scopesOf(ofB)])
    // Any rule that does not depend on the order will do.
    const isFirst = compareRecords(ofA.record, ofB.record) <= 0
    const [first, second] = isFirst ? [ofA, ofB] : [ofB, ofA]
    this.leader.set(first, first)
    this.leader.set(second, first)
    this.scopes.set(first, scopes)
  }

  /** Whether one of the set of a node, or itself, is of the scope. */
  hasScope(node: Node, scope: string): boolean {
    return this.scopesOf(this.find(node)).has(scope)
  }

  find(node: Node): Node {
    let leader = node
    for (let next = this.leader.get(leader); next !== undefined && next !== leader; next = this.leader.get(leader))
      leader = next
    return leader
  }

  private scopesOf(leader: Node): ReadonlySet<string> {
    return this.scopes.get(leader) ?? new Set([leader.record.scope])
  }
}

/** Joins the calls that share a response id and do not contradict each other. */
export function joinByResponse(calls: readonly Node[], twins: Twins): void {
  const byId = new Map<string, Node[]>()
  for (const call of calls) {
    const { responseId } = call.record
    if (responseId === '') continue
    const known = byId.get(responseId) ?? []
    byId.set(responseId, known)
    for (const other of known) {
      // A server that gives every answer one id gives itself away by answers that differ.
      const isCompatible = !call.hasUsage || !other.hasUsage || sameUsage(call.record.usage, other.record.usage)
      if (isCompatible) twins.join(call, other)
    }
    known.push(call)
  }
}

/** Joins calls that do not know of each other. `calls` are in the order of `compareRecords`. */
export function joinSideBySide(calls: readonly Node[], twins: Twins): void {
  for (const [at, one] of calls.entries()) {
    for (let i = at + 1; i < calls.length; i++) {
      const other = calls[i]!
      if (other.record.start > one.record.end + slackMicros) break
      // One to one: a call has one twin of each scope.
      if (twins.hasScope(one, other.record.scope) || twins.hasScope(other, one.record.scope)) continue
      if (couldBeTwins(one, other)) twins.join(one, other)
    }
  }
}

function couldBeTwins(a: Node, b: Node): boolean {
  const [one, other] = [a.record, b.record]
  if (one.resource !== other.resource) return false
  if (!isInside(one, other) && !isInside(other, one)) return false
  if (!sameModel(one, other)) return false
  if (a.hasUsage && b.hasUsage) {
    if (!sameUsage(one.usage, other.usage)) return false
    // One of them, or both, do not tell: only within a trace, where there is more than time that speaks for it.
  } else if (one.traceId !== other.traceId || one.isError !== other.isError) return false
  if (areOtherIds(one.responseId, other.responseId)) return false
  return !isAbove(a, b) && !isAbove(b, a)
}

function isInside(inner: { start: number; end: number }, outer: { start: number; end: number }): boolean {
  return inner.start >= outer.start - slackMicros && inner.end <= outer.end + slackMicros
}

/** Two ids of one form are two answers; an id of another form may be one that an instrumentation made up. */
function areOtherIds(a: string, b: string): boolean {
  if (a === '' || b === '' || a === b) return false
  const form = (id: string): string => /^[a-z]+[-_]/i.exec(id)?.[0].toLowerCase() ?? ''
  return form(a) === form(b) && form(a) !== ''
}
