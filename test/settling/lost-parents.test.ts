// A step between an agent and its calls never came: whether the agent's counts are theirs, by the trace, the times and the sum alone.

import { expect, test } from 'vitest'
import type { CallRecord } from '../../processors/settling/record.ts'
import { settle } from '../../processors/settling/settle.ts'
import { usageRow } from './world.ts'

const defaults: CallRecord = {
  project: 'p',
  traceId: 't',
  spanId: '',
  parentId: '',
  scope: 's',
  resource: 'web',
  role: 'call',
  start: 1_000_000,
  end: 2_000_000,
  requestModel: 'm',
  responseModel: 'm',
  usage: usageRow({ input: 0, output: 0 }),
  responseId: '',
  isError: false,
}

type Told = Partial<CallRecord> & { input: number; output: number }

const agent = ({ input, output, ...told }: Told): CallRecord => ({
  ...defaults,
  role: 'carrier',
  usage: usageRow({ input, output }),
  spanId: 'agent',
  ...told,
})

const call = (spanId: string, { input, output, ...told }: Told): CallRecord => ({
  ...defaults,
  spanId,
  parentId: `step of ${spanId}`,
  start: 1_100_000,
  end: 1_900_000,
  usage: usageRow({ input, output }),
  ...told,
})

const two = [call('a', { input: 100, output: 10 }), call('b', { input: 200, output: 20 })]

test.each<[string, CallRecord[], string[]]>([
  ['adds up', [agent({ input: 300, output: 30 }), ...two], ['aggregate', '', '']],
  ['counts more', [agent({ input: 301, output: 30 }), ...two], ['', '', '']],
  ['counts some of them', [agent({ input: 250, output: 25 }), ...two], ['aggregate', '', '']],
  ['is of another trace', [agent({ input: 300, output: 30, traceId: 'u' }), ...two], ['', '', '']],
  ['is of another process', [agent({ input: 300, output: 30, resource: 'worker' }), ...two], ['', '', '']],
  ['had ended before', [agent({ input: 300, output: 30, end: 1_500_000 }), ...two], ['', '', '']],
  [
    'has calls beside it whose parents came',
    [agent({ input: 100, output: 10 }), call('a', { input: 100, output: 10, parentId: '' })],
    ['', ''],
  ],
])('an agent that %s', (_, records, reasons) => {
  expect(settle(records).map(({ reason }) => reason)).toEqual(reasons)
  expect(
    settle([...records].reverse())
      .map(({ reason }) => reason)
      .reverse(),
  ).toEqual(reasons)
})

test('an agent inside an agent has its own calls, which the outer one counts or not', () => {
  const inner = agent({ spanId: 'inner', input: 200, output: 20, start: 1_500_000, end: 1_800_000 })
  const calls = [
    call('a', { input: 100, output: 10, end: 1_400_000 }),
    call('b', { input: 200, output: 20, start: 1_550_000, end: 1_700_000 }),
  ]
  for (const outer of [agent({ input: 100, output: 10 }), agent({ input: 300, output: 30 })]) {
    const verdicts = settle([outer, inner, ...calls])
    expect(verdicts.map(({ reason }) => reason)).toEqual(['aggregate', 'aggregate', '', ''])
    expect(verdicts[1]!.countedAs?.spanId).toBe('b')
  }
})

test('two records of a lost call count once', () => {
  const [a] = two
  const seen = { ...a!, spanId: 'sdk', parentId: 'a', scope: 'sdk' }
  const verdicts = settle([agent({ input: 100, output: 10 }), a!, seen])
  expect(verdicts.map(({ reason }) => reason)).toEqual(['aggregate', 'duplicate', ''])
  expect(verdicts[0]!.countedAs?.spanId).toBe('sdk')
})

test('of a client and its gateway, traces of their own, the gateway carries the money', () => {
  const id = { responseId: 'chatcmpl-1', input: 100, output: 10 }
  const client = call('client', { ...id, parentId: '', resource: 'app', start: 1_000_000, end: 2_000_000 })
  const gateway = call('gateway', { ...id, traceId: 'u', resource: 'gateway', start: 1_200_000, end: 1_800_000 })
  expect(settle([client, gateway]).map(({ reason }) => reason)).toEqual(['duplicate', ''])
  expect(settle([gateway, client]).map(({ reason }) => reason)).toEqual(['', 'duplicate'])
})
