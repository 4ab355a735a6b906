// Log events that tell of a call which has a span as well. An event written within its span was joined by nesting, one that has
// its response id by that. What is left was written elsewhere: beside the span, or in a trace made of the session, when the client
// lost the context. Then one resource, one model, equal usage and one moment join them; one to one, the nearest first, so that n
// events and n spans are n calls.

import { type CallRecord, compareRecords, type Node, sameModel, sameUsage } from './record.ts'
import type { Twins } from './twins.ts'

/** Clients write an event some time after the answer, or before the last of it is read. */
const gapMicrosMax = 1_000_000
/** Nothing but the moment speaks for two failures without usage. */
const failureGapMicrosMax = 250_000

interface Pair {
  readonly event: Node
  readonly span: Node
  readonly isOneTrace: boolean
  readonly distance: number
}

/** Joins events among `calls` to calls, or to spans of `nodes` that tell usage but no model. */
export function joinEvents(calls: readonly Node[], nodes: readonly Node[], twins: Twins): void {
  const events = calls.filter((node) => node.record.isEvent && !twins.isSeen(node))
  if (events.length === 0) return
  const spans = [...calls.filter(({ record }) => !record.isEvent), ...nodes.filter(isBare)]
  const byResource = Map.groupBy(spans, ({ record }) => resourceOf(record))
  const timelines = new Map([...byResource].map(([resource, of]) => [resource, new Timeline(of)]))
  const pairs = events.flatMap((event) => {
    const near = timelines.get(resourceOf(event.record))?.near(event.record) ?? []
    return pairsOf(event, near, twins)
  })
  pairs.sort(
    (a, b) =>
      Number(b.isOneTrace) - Number(a.isOneTrace) ||
      a.distance - b.distance ||
      compareRecords(a.event.record, b.event.record) ||
      compareRecords(a.span.record, b.span.record),
  )
  for (const { event, span } of pairs) {
    // One to one: a call has one event of a kind, an event one call.
    if (!twins.isSeen(event) && !twins.hasEventOf(span, event)) twins.join(event, span)
  }
}

function resourceOf({ project, resource }: CallRecord): string {
  return `${project} ${resource}`
}

/** Spans of one resource, by their start. */
class Timeline {
  private readonly spans: readonly Node[]
  private readonly longest: number

  constructor(spans: readonly Node[]) {
    this.spans = [...spans].sort((a, b) => compareRecords(a.record, b.record))
    this.longest = spans.reduce((most, { record }) => Math.max(most, record.end - record.start), 0)
  }

  /** Those that may lie less than the widest gap before or after a record; more than those, not less. */
  near({ start, end }: CallRecord): Node[] {
    const { spans } = this
    const from = this.firstAfter(start - this.longest - gapMicrosMax)
    let to = from
    while (to < spans.length && spans[to]!.record.start <= end + gapMicrosMax) to++
    return spans.slice(from, to)
  }

  /** Place of the first span that starts at a moment or later. */
  private firstAfter(moment: number): number {
    let [low, high] = [0, this.spans.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.spans[middle]!.record.start < moment) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A span with usage of its own and no word on the model: it can be no call by itself. */
function isBare(node: Node): boolean {
  const { record, hasUsage } = node
  if (record.role !== 'carrier' || !hasUsage || record.requestModel !== '' || record.responseModel !== '') return false
  return !hasUsageBelow(node)
}

function hasUsageBelow({ children }: Node): boolean {
  return children.some((child) => child.hasUsage || hasUsageBelow(child))
}

function pairsOf(event: Node, spans: readonly Node[], twins: Twins): Pair[] {
  return spans.flatMap((span) => {
    if (twins.isSame(event, span)) return []
    const isOneTrace = span.record.traceId === event.record.traceId
    if (!couldBeOne(event, span, isOneTrace, twins)) return []
    return [{ event, span, isOneTrace, distance: Math.abs(event.record.end - span.record.end) }]
  })
}

function couldBeOne(event: Node, span: Node, isOneTrace: boolean, twins: Twins): boolean {
  const [told, seen] = [event.record, span.record]
  if (!sameModel(told, seen)) return false
  const gap = Math.max(0, told.start - seen.end, seen.start - told.end)
  if (event.hasUsage && span.hasUsage) return gap <= gapMicrosMax && sameUsage(told.usage, seen.usage)
  if (told.isError !== seen.isError || told.end < seen.start || told.end > seen.end + failureGapMicrosMax) return false
  // A span whose usage nobody tells: only in the event's own trace, where there is more than time that speaks for it.
  if (event.hasUsage !== span.hasUsage) return isOneTrace && event.hasUsage && !twins.hasUsage(span)
  return told.isError
}
