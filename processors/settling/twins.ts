// Which records are of one call of the provider. Found in this order, and whatever order the records come in:
//
//   response id         the same id is the same call, wherever its records are; where their counts differ, only if one was under way
//                       inside the other, in one resource, of different scopes, and one of the two totals is the same
//   nesting             a call whose usage is that of a call below it, or that has none, is an outer view of it
//   side by side        two instrumentations around one call that do not know of each other: different scopes, one resource,
//                       one interval inside the other, one model, equal usage; one to one, so that n pairs are n calls
//
// Equal usage alone joins nothing: calls that classify things are equal by nature.

import { firstCountMax, unit } from '../../schemas/usage.ts'
import {
  agreeInOne,
  type CallRecord,
  cachedOf,
  clockSlackMicros,
  compareRecords,
  isAbove,
  isInside,
  type Node,
  reasoningOf,
  sameModel,
  sameUsage,
} from './record.ts'

/** Sets of nodes, each of one call; a node that was never joined is in none. */
export class Twins {
  private readonly leader = new Map<Node, Node>()
  /** Emitters of the members that are spans, by leader. */
  private readonly scopes = new Map<Node, readonly CallRecord[]>()
  private readonly members = new Map<Node, readonly Node[]>()

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
    const scopes = [...this.scopesOf(ofA)]
    for (const one of this.scopesOf(ofB)) if (!scopes.some((other) => isOfEmitter(one, other))) scopes.push(one)
    const members = ofA === ofB ? this.membersOf(ofA) : [...this.membersOf(ofA), ...this.membersOf(ofB)]
    // Any rule that does not depend on the order will do.
    const isFirst = compareRecords(ofA.record, ofB.record) <= 0
    const [first, second] = isFirst ? [ofA, ofB] : [ofB, ofA]
    this.leader.set(first, first)
    this.leader.set(second, first)
    this.scopes.set(first, scopes)
    this.members.set(first, members)
  }

  /** Whether an instrumentation has seen both calls, each with its set: one to one, a call has one record of each. */
  isOfOneEmitter(a: Node, b: Node): boolean {
    const [ofA, ofB] = [this.find(a), this.find(b)]
    // Fast path: asked of most pairs, of which few were ever joined.
    if (!this.scopes.has(ofA) && !this.scopes.has(ofB) && !ofA.record.isEvent && !ofB.record.isEvent)
      return areOfOneEmitter(ofA.record, ofB.record)
    const others = this.scopesOf(ofB)
    return this.scopesOf(ofA).some((one) => others.some((other) => areOfOneEmitter(one, other)))
  }

  find(node: Node): Node {
    let leader = node
    for (let next = this.leader.get(leader); next !== undefined && next !== leader; next = this.leader.get(leader))
      leader = next
    return leader
  }

  /** Whether a span that tells as much as an event is of the event's set: usage, where it has some. */
  isSeen(event: Node): boolean {
    return this.membersOf(event).some(({ record, hasUsage }) => !record.isEvent && (hasUsage || !event.hasUsage))
  }

  /** Whether an event of the kind of another is of the set of a node. */
  hasEventOf(node: Node, event: Node): boolean {
    return this.membersOf(node).some(({ record }) => record.isEvent && record.scope === event.record.scope)
  }

  /** Whether any of the set of a node tells usage. */
  hasUsage(node: Node): boolean {
    return this.membersOf(node).some((each) => each.hasUsage)
  }

  private membersOf(node: Node): readonly Node[] {
    return this.members.get(this.find(node)) ?? [node]
  }

  private scopesOf(leader: Node): readonly CallRecord[] {
    return this.scopes.get(leader) ?? (leader.record.isEvent ? [] : [leader.record])
  }
}

function isOfEmitter(one: CallRecord, { scope, manner }: CallRecord): boolean {
  return one.scope === scope && one.manner === manner
}

/** One scope may be of two instrumentations, a wrapper and a callback: they tell the same counts in two manners. */
function areOfOneEmitter(one: CallRecord, other: CallRecord): boolean {
  return one.scope === other.scope && (!one.manner || !other.manner || one.manner === other.manner)
}

/** Joins the calls that share a response id and do not contradict each other. */
export function joinByResponse(calls: readonly Node[], twins: Twins): void {
  joinSharing(calls, (call, other) => {
    // A server that gives every answer one id gives itself away by answers that differ.
    const isCompatible = !call.hasUsage || !other.hasUsage || sameUsage(call.record.usage, other.record.usage)
    if (isCompatible) twins.join(call, other)
  })
  // One of two instrumentations may add up wrongly: then all else has to speak for one call.
  joinSharing(calls, (call, other) => {
    if (twins.isSame(call, other) || twins.isOfOneEmitter(call, other)) return
    const [one, two] = [call.record, other.record]
    const isInTime = one.resource === two.resource && (isInside(one, two) || isInside(two, one))
    if (isInTime && sameModel(one, two) && agreeInOne(one.usage, two.usage)) twins.join(call, other)
  })
}

function joinSharing(calls: readonly Node[], meet: (call: Node, other: Node) => void): void {
  const byId = new Map<string, Node[]>()
  for (const call of calls) {
    const { project, responseId } = call.record
    if (responseId === '') continue
    const key = `${project} ${responseId}`
    const known = byId.get(key) ?? []
    byId.set(key, known)
    for (const other of known) meet(call, other)
    known.push(call)
  }
}

/** Joins calls that do not know of each other. `calls` are in the order of `compareRecords`. */
export function joinSideBySide(calls: readonly Node[], twins: Twins): void {
  joinOverlapping(calls, twins, sameUsage)
  // What is left: a stream of which one adds the first count to the last, under one parent; or roots, of an answer so long that others
  // hardly are alike by chance.
  joinOverlapping(calls, twins, nearlySame, (one, other) => {
    if (one.parent !== null || other.parent !== null) return one.parent === other.parent
    return isLong(one) && isLong(other)
  })
  // Callbacks begin and end apart, and the outer span of a stream that is read later ends when the call begins: the answer is long and its
  // counts equal.
  joinOverlapping(calls.filter(isLong), twins, sameUsage, () => true, areInTouch)
}

function isLong({ record }: Node): boolean {
  return record.usage[unit.output]! >= longOutput
}

const longOutput = 64

type Likeness = (a: Float64Array, b: Float64Array) => boolean

type Timing = (a: CallRecord, b: CallRecord) => boolean

/** One interval is inside the other. */
function areNested(a: CallRecord, b: CallRecord): boolean {
  return isInside(a, b) || isInside(b, a)
}

/** The intervals share time, or one begins soon after the end of the other. */
function areInTouch(a: CallRecord, b: CallRecord): boolean {
  return a.start <= b.end + touchMicros && b.start <= a.end + touchMicros
}

/** From a span that ends when its stream is made to the call that is made when it is read. */
const touchMicros = 1_000_000

function nearlySame(a: Float64Array, b: Float64Array): boolean {
  const apart = Math.abs(a[unit.output]! - b[unit.output]!)
  return a[unit.input]! > 0 && a[unit.input] === b[unit.input] && apart <= firstCountMax
}

/** One to one, those whose times are most alike first: of calls that are equal by nature a wide one must not take the place of a narrow one. */
function joinOverlapping(
  calls: readonly Node[],
  twins: Twins,
  isAlike: Likeness,
  isMeant: (one: Node, other: Node) => boolean = () => true,
  isInTime: Timing = areNested,
): void {
  const likes = new Likes(calls, isInTime === areInTouch ? touchMicros : clockSlackMicros)
  const pairs: Pair[] = []
  for (const [at, one] of calls.entries()) {
    for (const i of likes.after(at)) {
      const other = calls[i]!
      if (!isMeant(one, other) || !couldBeTwins(one, other, isAlike, isInTime) || twins.isOfOneEmitter(one, other))
        continue
      pairs.push({ one, other, apart: apartInTime(one.record, other.record) })
    }
  }
  joinNearest(pairs, twins)
}

/** Two records that may be of one call, and how far apart in time what tells of that is, in microseconds. */
export interface Pair {
  readonly one: Node
  readonly other: Node
  readonly apart: number
}

/** Joins pairs one to one, those most alike in time first, whatever order they come in. */
export function joinNearest(pairs: readonly Pair[], twins: Twins): void {
  const inOrder = [...pairs].sort(
    (a, b) =>
      a.apart - b.apart || compareRecords(a.one.record, b.one.record) || compareRecords(a.other.record, b.other.record),
  )
  for (const { one, other } of inOrder) if (!twins.isOfOneEmitter(one, other)) twins.join(one, other)
}

/** How far two intervals begin and end from each other, in microseconds. */
export function apartInTime(a: CallRecord, b: CallRecord): number {
  return Math.abs(a.start - b.start) + Math.abs(a.end - b.end)
}

/**
 * Which calls can be alike at all: of equal input, with or without its cached part; of equal output, with or without its
 * reasoning, where one does not tell its input; of one trace, where one tells no usage. What `sameUsage` and `nearlySame` find
 * alike is among them.
 */
class Likes {
  private readonly calls: readonly Node[]
  private readonly slackMicros: number
  /** Places in `calls`, ascending. */
  private readonly byKey = new Map<string, number[]>()

  constructor(calls: readonly Node[], slackMicros: number) {
    this.calls = calls
    this.slackMicros = slackMicros
    for (const [at, call] of calls.entries()) for (const key of keysOf(call)) this.add(key, at)
  }

  /** Places after `at` of what could be a twin and begins before that one ends, ascending. */
  after(at: number): number[] {
    const one = this.calls[at]!
    const lists = keysAskedBy(one).map((key) => this.during(this.byKey.get(key) ?? [], at))
    const some = lists.filter((list) => list.length > 0)
    if (some.length < 2) return some[0] ?? []
    return [...new Set(some.flat())].sort((a, b) => a - b)
  }

  /** Of ascending places, those after `at` whose call begins before that one ends. */
  private during(places: readonly number[], at: number): number[] {
    const last = this.calls[at]!.record.end + this.slackMicros
    let [low, high] = [0, places.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (places[middle]! <= at) low = middle + 1
      else high = middle
    }
    let to = low
    while (to < places.length && this.calls[places[to]!]!.record.start <= last) to++
    return places.slice(low, to)
  }

  private add(key: string, at: number): void {
    const places = this.byKey.get(key)
    if (places === undefined) this.byKey.set(key, [at])
    else places.push(at)
  }
}

/** Under which a call is found. */
function keysOf(call: Node): Set<string> {
  const { usage, traceId } = call.record
  const [input, output] = [usage[unit.input]!, usage[unit.output]!]
  const keys = new Set([`trace ${traceId}`])
  if (!call.hasUsage) return keys.add(`silent ${traceId}`)
  if (input >= 0) keys.add(`input ${input}`).add(`input ${input - cachedOf(usage)}`)
  if (output >= 0) {
    for (const each of [output, output - reasoningOf(usage)]) {
      keys.add(`output ${each}`)
      if (!(input >= 0)) keys.add(`lone output ${each}`)
    }
  }
  return keys
}

/** Under which its twins are found. */
function keysAskedBy(call: Node): string[] {
  const { usage, traceId } = call.record
  const [input, output] = [usage[unit.input]!, usage[unit.output]!]
  if (!call.hasUsage) return [`trace ${traceId}`]
  const outputs = output >= 0 ? [output, output - reasoningOf(usage)] : []
  if (!(input >= 0)) return [`silent ${traceId}`, ...outputs.map((each) => `output ${each}`)]
  const inputs = [input, input - cachedOf(usage)].map((each) => `input ${each}`)
  return [`silent ${traceId}`, ...inputs, ...outputs.map((each) => `lone output ${each}`)]
}

/** Whether two calls may be one by what they are, by time and by their names; a proof only together with where they stand. */
export function couldBeTwins(a: Node, b: Node, isAlike: Likeness, isInTime: Timing = areNested): boolean {
  const [one, other] = [a.record, b.record]
  // A process may have two resources, as of two exporters: within a trace where it stands speaks for it.
  if (one.project !== other.project) return false
  if (one.resource !== other.resource && one.traceId !== other.traceId) return false
  if (!isInTime(one, other)) return false
  if (a.hasUsage && b.hasUsage) {
    if (!isAlike(one.usage, other.usage)) return false
    // One of them, or both, do not tell: only within a trace, where there is more than time that speaks for it.
  } else if (one.traceId !== other.traceId || one.isError !== other.isError) return false
  if (!sameModel(one, other)) return false
  if (areOtherIds(one.responseId, other.responseId)) return false
  return !isAbove(a, b) && !isAbove(b, a)
}

/** Two ids of one form are two answers; an id of another form may be one that an instrumentation made up. */
export function areOtherIds(a: string, b: string): boolean {
  if (a === '' || b === '' || a === b) return false
  const form = (id: string): string => /^[a-z]+[-_]/i.exec(id)?.[0].toLowerCase() ?? ''
  return form(a) === form(b) && form(a) !== ''
}
