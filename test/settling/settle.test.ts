// The verdicts find the true calls again, in whatever order and however often the records come.

import { describe, expect, test } from 'vitest'
import { completed } from '../../processors/settling/complete.ts'
import { bearsUsage, type CallRecord, detail, keyOf } from '../../processors/settling/record.ts'
import { settle } from '../../processors/settling/settle.ts'
import { unit } from '../../schemas/usage.ts'
import { dice } from '../dice.ts'
import { shuffled, type TrueCall, usageRow, WorldMaker } from './world.ts'

type Usage = Parameters<typeof usageRow>[0]

const parentOf = ({ project, traceId, parentId }: CallRecord): string => keyOf({ project, traceId, spanId: parentId })

/** Calls that are equal may be taken for each other: the sum is the same. */
function shown({ model, usage }: TrueCall): string {
  return `${model} ${usage.input} ${usage.output}`
}

describe.each(Array.from({ length: 40 }, (_, i) => i + 1))('worlds from %i', (seed) => {
  test('every call is carried once, by a record of it that tells its usage', () => {
    const random = dice(seed * 7919)
    for (let n = 0; n < 25; n++) {
      const world = new WorldMaker(random).make()
      const doubled = world.seen.filter(() => random() < 0.2)
      const records = shuffled([...world.seen, ...doubled], random)
      const verdicts = settle(records.map(({ record }) => record))
      const carriers = new Map<string, string>()
      for (const [i, { record, call }] of records.entries()) {
        if (verdicts[i]!.reason !== '' || !bearsUsage(record.usage)) continue
        if (call === null) throw new Error(`seed ${seed}.${n}: a frame of scope ${record.scope} carries money`)
        carriers.set(keyOf(record), shown(call))
      }
      const told = world.calls.filter(({ isError }) => !isError).map(shown)
      expect([...carriers.values()].sort(), `seed ${seed}.${n}`).toEqual(told.sort())
      const own = new Set(
        records.flatMap(({ record, call }, i) => (call !== null && verdicts[i]!.reason === '' ? [keyOf(record)] : [])),
      )
      expect(own.size, `calls of seed ${seed}.${n}`).toBe(world.calls.length)
    }
  })
})

test('verdicts do not depend on order or repetition', () => {
  const random = dice(20_261_124)
  for (let n = 0; n < 100; n++) {
    const { seen } = new WorldMaker(random).make()
    const asSeen = settle(seen.map(({ record }) => record))
    const wanted = new Map(seen.map(({ record }, i) => [keyOf(record), asSeen[i]]))
    const mixed = shuffled([...seen, ...seen.slice(0, 5)], random).map(({ record }) => record)
    const verdicts = settle(mixed)
    for (const [i, record] of mixed.entries()) expect(verdicts[i]).toEqual(wanted.get(keyOf(record)))
  }
})

test('the carrier is nearest to the provider, and of several the one that knows most', () => {
  const random = dice(4711)
  let nested = 0
  let beside = 0
  for (let n = 0; n < 200; n++) {
    const { seen } = new WorldMaker(random).make()
    const records = seen.map(({ record }) => record)
    const parents = new Map(records.map((record) => [keyOf(record), record]))
    const isAbove = (above: CallRecord, below: CallRecord): boolean => {
      for (let each = parents.get(parentOf(below)); each !== undefined; ) {
        if (each === above) return true
        each = parents.get(parentOf(each))
      }
      return false
    }
    for (const [i, { reason, countedAs }] of settle(records).entries()) {
      const record = records[i]!
      if (reason !== 'duplicate' || countedAs === null || !bearsUsage(record.usage)) continue
      // An event is written within the span of its call.
      if (record.isEvent) continue
      expect(isAbove(countedAs, record)).toBe(false)
      if (isAbove(record, countedAs)) nested++
      else {
        beside++
        expect(detail(countedAs.usage)).toBeGreaterThanOrEqual(detail(record.usage))
      }
    }
  }
  expect([nested > 100, beside > 100]).toEqual([true, true])
})

test('spans of two projects under the same ids are judged apart', () => {
  const record = (project: string, spanId: string, input: number): CallRecord => ({
    project,
    traceId: 't',
    spanId,
    parentId: spanId === 'inner' && project === 'a' ? 'outer' : '',
    scope: spanId,
    resource: 'web',
    role: 'call',
    start: 1000,
    end: 2000,
    requestModel: 'm',
    responseModel: 'm',
    usage: usageRow({ input, output: 10 }),
    responseId: `chatcmpl-${spanId}`,
    isError: false,
  })
  const nested = [record('a', 'inner', 100), record('a', 'outer', 100)]
  const apart = [record('b', 'inner', 100), record('b', 'outer', 70)]
  expect(settle([...nested, ...apart]).map(({ reason }) => reason)).toEqual(['', 'duplicate', '', ''])
  expect(settle([...apart, ...nested]).map(({ reason }) => reason)).toEqual(['', '', '', 'duplicate'])
})

test('a carrier knows what any record of its call tells, and no more', () => {
  const random = dice(20_261_125)
  let taken = 0
  for (let n = 0; n < 400; n++) {
    const { seen } = new WorldMaker(random).make()
    const verdicts = settle(seen.map(({ record }) => record))
    for (const [i, { record, call }] of seen.entries()) {
      if (verdicts[i]!.reason !== '' || call === null || !bearsUsage(record.usage)) continue
      const others = seen.filter((_, at) => verdicts[at]!.reason === 'duplicate' && verdicts[at]!.countedAs === record)
      const usage =
        completed(
          record,
          others.map((other) => other.record),
        ) ?? record.usage
      const known = [record, ...others.map((other) => other.record)]
      for (const name of ['cacheRead', 'reasoning'] as const) {
        const told = known.some((each) => each.usage[unit[name]]! > 0)
        expect(usage[unit[name]]! || 0).toBe(told ? call.usage[name] : 0)
        if (told && !(record.usage[unit[name]]! > 0)) taken++
      }
      expect([usage[unit.input], usage[unit.output]]).toEqual([call.usage.input, call.usage.output])
    }
  }
  expect(taken).toBeGreaterThan(20)
})

test.each<[string, Usage, Usage, Usage]>([
  [
    'a split',
    { input: 100, output: 9 },
    { input: 100, output: 9, cacheRead: 40 },
    { input: 100, output: 9, cacheRead: 40 },
  ],
  [
    'an input without its cache',
    { input: 60, output: 9 },
    { input: 100, output: 9, cacheRead: 40 },
    { input: 100, output: 9, cacheRead: 40 },
  ],
  [
    'an output without reasoning',
    { input: 60, output: 9 },
    { input: 60, output: 12, reasoning: 3 },
    { input: 60, output: 12, reasoning: 3 },
  ],
  [
    'a lifetime',
    { input: 60, output: 9, cacheWrite: 50 },
    { input: 60, output: 9, cacheWrite: 50, cacheWrite1h: 20 },
    { input: 60, output: 9, cacheWrite: 50, cacheWrite1h: 20 },
  ],
  [
    'searches',
    { input: 60, output: 9 },
    { input: 60, output: 10, webSearch: 2 },
    { input: 60, output: 9, webSearch: 2 },
  ],
])('%s is taken from a twin', (_, carrier, twin, wanted) => {
  const { record } = new WorldMaker(dice(1)).make().seen[0]!
  const [one, other] = [carrier, twin].map((usage) => ({ ...record, usage: usageRow(usage) }))
  expect(completed(one!, [other!])).toEqual(usageRow(wanted))
  expect(completed({ ...record, usage: usageRow(wanted) }, [other!])).toBeNull()
})

test('an input that was only assumed to include the cache is that of a twin which has more by just the cache', () => {
  const { record } = new WorldMaker(dice(1)).make().seen[0]!
  const told = { ...record, usage: usageRow({ input: 100, output: 9, cacheRead: 40 }) }
  const whole = { ...record, usage: usageRow({ input: 140, output: 9, cacheRead: 40 }) }
  expect(completed({ ...told, isAssumed: true }, [whole])).toEqual(whole.usage)
  expect(completed(told, [whole])).toBeNull()
  const otherwise = { ...record, usage: usageRow({ input: 150, output: 9, cacheRead: 40 }) }
  expect(completed({ ...told, isAssumed: true }, [otherwise])).toBeNull()
})

test('an agent repeats a call of another trace only where it names its answer and has its counts', () => {
  const { record } = new WorldMaker(dice(1)).make().seen[0]!
  const usage = usageRow({ input: 100, output: 9 })
  const call: CallRecord = {
    ...record,
    traceId: 'a',
    spanId: '1',
    parentId: '',
    role: 'call',
    responseId: 'resp_1',
    usage,
  }
  const agent: CallRecord = { ...call, traceId: 'b', spanId: '2', role: 'carrier' }
  const reasons = (...records: CallRecord[]): string[] => settle(records).map(({ reason }) => reason)
  expect(reasons(call, agent)).toEqual(['', 'aggregate'])
  expect(reasons(agent, call)).toEqual(['aggregate', ''])
  expect(reasons({ ...agent, responseId: 'resp_2' }, call)).toEqual(['', ''])
  expect(reasons({ ...agent, usage: usageRow({ input: 200, output: 9 }) }, call)).toEqual(['', ''])
})
