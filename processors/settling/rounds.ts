// Spans of a tool loop that each report the sum of the rounds so far → what each round used itself.
//
//   chat   1,000 / 20    asks for a tool             1,000 / 20
//   tool
//   chat   2,100 / 50    sums the round before it    1,100 / 30
//
// Emitters that add up are known (`addsUpRounds`); the spans around a call say which round was before it. What was sent is what is
// subtracted, not what is stored, so that it comes out the same whatever was settled before.

import { unit } from '../../schemas/usage.ts'
import { ofRounds } from '../usage-rule.ts'
import type { Stored } from './changes.ts'
import { type CallRecord, cachedOf, clockSlackMicros, keyOf } from './record.ts'

/** The totals of a span as they were sent; as text. */
export interface SentSum {
  readonly project_id: string
  readonly trace_id: string
  readonly span_id: string
  readonly input: string
  readonly output: string
}

/** Whether a span is of an emitter that adds up rounds. */
export function hasSum({ usage_rule }: Pick<Stored, 'usage_rule'>): boolean {
  return usage_rule.includes(ofRounds)
}

/** The records with their own counts, and by which round before each was found to sum it. */
export function withoutRoundsBefore(
  spans: readonly Pick<Stored, 'kind' | 'usage_rule'>[],
  records: readonly CallRecord[],
  sums: readonly SentSum[],
): { records: CallRecord[]; before: ReadonlyMap<CallRecord, CallRecord> } {
  const before = new Map<CallRecord, CallRecord>()
  if (sums.length === 0) return { records: [...records], before }
  const sent = new Map(sums.map((sum) => [keyOfSum(sum), sum]))
  const rounds = records.filter(({ role, parentId, isError }, i) => {
    return role === 'call' && parentId !== '' && !isError && hasSum(spans[i]!)
  })
  const tools = records.filter((_, i) => spans[i]!.kind === 'tool')
  const storedOf = new Map(records.map((record, i) => [record, spans[i]!]))
  const own = new Map<CallRecord, CallRecord>()
  for (const loop of Map.groupBy(rounds, placeOf).values()) {
    const between = tools.filter((tool) => placeOf(tool) === placeOf(loop[0]!))
    for (const record of loop) {
      const { usage_rule: rule } = storedOf.get(record)!
      // What another record of the call completed is the call's own.
      if (!rule.endsWith(ofRounds)) continue
      const last = roundBefore(record, loop, between)
      const [sum, less] = [sent.get(keyOf(record)), last === undefined ? undefined : sent.get(keyOf(last))]
      if (last === undefined || sum === undefined || less === undefined) continue
      const input = Number(sum.input) - Number(less.input)
      const output = Number(sum.output) - Number(less.output)
      // A sum is not smaller than its parts: else this release does not add up.
      if (!(input >= 0 && output >= 0)) continue
      const usage = record.usage.slice()
      usage[unit.input] = input + (rule.startsWith('exclusive') ? cachedOf(usage) : 0)
      usage[unit.output] = output
      const reduced = { ...record, usage }
      own.set(record, reduced)
      before.set(reduced, last)
    }
  }
  return { records: records.map((record) => own.get(record) ?? record), before }
}

function placeOf({ project, traceId, parentId, scope }: CallRecord): string {
  return JSON.stringify([project, traceId, parentId, scope])
}

function keyOfSum({ project_id, trace_id, span_id }: SentSum): string {
  return keyOf({ project: project_id, traceId: trace_id, spanId: span_id })
}

/** The last call that ended before this one began, if a tool ran between the two. */
function roundBefore(
  record: CallRecord,
  loop: readonly CallRecord[],
  tools: readonly CallRecord[],
): CallRecord | undefined {
  let last: CallRecord | undefined
  for (const other of loop) {
    if (other === record || other.end > record.start + clockSlackMicros) continue
    if (other.start < record.start && (last === undefined || other.end > last.end)) last = other
  }
  const from = last
  if (from === undefined) return undefined
  const isBetween = tools.some((tool) => tool.start >= from.end - clockSlackMicros && tool.start <= record.start)
  return isBetween ? from : undefined
}
