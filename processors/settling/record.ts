// What settling knows of a span: enough to tell whether two of them are one call, and which of them carries the money.

import { unit, usageUnitCount } from '../../schemas/usage.ts'

export type RecordRole = 'call' | 'carrier' | 'none'

export interface CallRecord {
  readonly project: string
  /** Lower hex. */
  readonly traceId: string
  readonly spanId: string
  /** '' for a root. */
  readonly parentId: string
  /** Instrumentation scope. */
  readonly scope: string
  /** How its instrumentation is known to tell counts, with the cache or without; '' or absent: not known. */
  readonly manner?: string
  /** Who sent it: service name and instance, as one text. */
  readonly resource: string
  /** A call of a model; a span whose usage may sum its children's; neither. */
  readonly role: RecordRole
  /** Unix microseconds. */
  readonly start: number
  readonly end: number
  readonly requestModel: string
  readonly responseModel: string
  /** A usage row: NaN = not reported. */
  readonly usage: Float64Array
  readonly responseId: string
  readonly isError: boolean
  /** That its input has the cached part in it is nobody's word. */
  readonly isAssumed?: boolean
  /** Of a span that answers a request of somebody else's. */
  readonly isServer?: boolean
  /** Made of a log event: a second word on a call that has a span, or the only one. */
  readonly isEvent?: boolean
}

/** A record among those settled together: its place in their tree. */
export interface Node {
  readonly record: CallRecord
  /** Place in the list that was handed in. */
  readonly index: number
  readonly hasUsage: boolean
  parent: Node | null
  readonly children: Node[]
  depth: number
}

export interface Verdict {
  readonly reason: '' | 'aggregate' | 'duplicate'
  /** The record that carries the money instead; null where nothing does, or it does itself. */
  readonly countedAs: CallRecord | null
  /** Why, in a word: `response_id`, `nested`, `side_by_side`, `sum`, `below`; '' for none. */
  readonly evidence: string
}

const depthMax = 512

/** Two projects may have been sent the same spans: they are not the same calls. */
export function keyOf({ project, traceId, spanId }: Pick<CallRecord, 'project' | 'traceId' | 'spanId'>): string {
  return `${project} ${traceId} ${spanId}`
}

/** Records of the same key are one: the one with usage, else the first in the order of times. */
export function nodesOf(records: readonly CallRecord[]): Node[] {
  const nodes = records.map((record, index): Node => {
    return { record, index, hasUsage: bearsUsage(record.usage), parent: null, children: [], depth: 0 }
  })
  const byKey = new Map<string, Node>()
  for (const node of nodes) byKey.set(keyOf(node.record), node)
  for (const node of nodes) {
    const { project, traceId, spanId, parentId } = node.record
    if (parentId === '' || parentId === spanId) continue
    const parent = byKey.get(keyOf({ project, traceId, spanId: parentId }))
    if (parent === undefined) continue
    node.parent = parent
    parent.children.push(node)
  }
  for (const node of nodes) node.depth = depthOf(node)
  return nodes
}

/** Parents that run in a circle count as none. */
function depthOf(node: Node): number {
  let depth = 0
  for (let above = node.parent; above !== null; above = above.parent) {
    if (++depth > depthMax) {
      node.parent = null
      return 0
    }
  }
  return depth
}

/** Whether anything was counted by which a call could be known: parts of totals that nobody told are not. */
export function bearsUsage(usage: Float64Array): boolean {
  for (let i = 0; i < usageUnitCount; i++) if (usage[i]! >= 0 && !parts.has(i)) return true
  return false
}

/** A sum of nothing, as of a run that failed, is none. */
export function sumsUsage(usage: Float64Array): boolean {
  return usage[unit.input]! > 0 || usage[unit.output]! > 0
}

const parts: ReadonlySet<number> = new Set([unit.cacheRead, unit.cacheWrite, unit.cacheWrite1h, unit.reasoning])

/** How many buckets were reported: the finer of two reports of one call is the better one. */
export function detail(usage: Float64Array): number {
  let reported = 0
  for (let i = 0; i < usageUnitCount; i++) if (usage[i]! >= 0) reported++
  return reported
}

/**
 * Whether two reports can be of one call: all that both report is equal, but that one may have left the cached part out of
 * its input, or the reasoning, of which it does not know, out of its output. Never by itself a proof that they are. Both must
 * report something.
 */
export function sameUsage(a: Float64Array, b: Float64Array): boolean {
  const [inA, inB, outA, outB] = [a[unit.input]!, b[unit.input]!, a[unit.output]!, b[unit.output]!]
  const isInputKnown = inA >= 0 && inB >= 0
  const isOutputKnown = outA >= 0 && outB >= 0
  const isOutputEqual =
    outA === outB || outA + unknownReasoning(a, b) === outB || outB + unknownReasoning(b, a) === outA
  if (isOutputKnown && !isOutputEqual) return false
  if (!isInputKnown) return isOutputKnown
  if (inA === inB) return true
  return inA + cachedOf(b) === inB || inB + cachedOf(a) === inA
}

/** Reasoning that `other` reports and `usage` does not. */
function unknownReasoning(usage: Float64Array, other: Float64Array): number {
  return usage[unit.reasoning]! > 0 ? 0 : reasoningOf(other)
}

/** Reasoning that is reported. */
export function reasoningOf(usage: Float64Array): number {
  return usage[unit.reasoning]! > 0 ? usage[unit.reasoning]! : 0
}

/** Cached input that is reported, read and written. */
export function cachedOf(usage: Float64Array): number {
  const part = (slot: number): number => (usage[slot]! > 0 ? usage[slot]! : 0)
  return part(unit.cacheRead) + part(unit.cacheWrite)
}

/** Whether one of the two totals is the same and more than nothing. */
export function agreeInOne(a: Float64Array, b: Float64Array): boolean {
  return [unit.input, unit.output].some((slot) => a[slot]! > 0 && a[slot] === b[slot])
}

/** Clocks of one process agree; exporters round. Microseconds. */
export const clockSlackMicros = 2000

/** In time. */
export function isInside(inner: Pick<CallRecord, 'start' | 'end'>, outer: Pick<CallRecord, 'start' | 'end'>): boolean {
  return inner.start >= outer.start - clockSlackMicros && inner.end <= outer.end + clockSlackMicros
}

/** Of one model, as far as both say: dates, prefixes of gateways and regions may differ. */
export function sameModel(a: CallRecord, b: CallRecord): boolean {
  const ofA = namesOf(a)
  const ofB = namesOf(b)
  if (ofA.length === 0 || ofB.length === 0) return true
  return ofA.some((one) => ofB.some((other) => isNamedLike(one, other) || isNamedLike(other, one)))
}

/** A name may be dated, and on Bedrock have a vendor and a region before it, which some packages take off. */
function isNamedLike(long: string, short: string): boolean {
  return long.startsWith(short) || long.includes(`.${short}`)
}

function namesOf({ requestModel, responseModel }: CallRecord): string[] {
  return [responseModel, requestModel]
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase().replace(/^.*\//, ''))
}

export function compareRecords(a: CallRecord, b: CallRecord): number {
  return (
    a.start - b.start ||
    compareText(a.project, b.project) ||
    compareText(a.traceId, b.traceId) ||
    compareText(a.spanId, b.spanId)
  )
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function isAbove(above: Node, node: Node): boolean {
  for (let each = node.parent; each !== null; each = each.parent) if (each === above) return true
  return false
}
