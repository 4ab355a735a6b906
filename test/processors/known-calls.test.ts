// A sum whose calls came in an earlier request is known for one when it comes.

import { describe, expect, test } from 'vitest'
import { KnownCalls } from '../../processors/known-calls.ts'
import { outerAt } from '../../schemas/span-batch.ts'
import { Bench } from '../batches.ts'
import { type SpanInput, tracesRequest } from '../otlp-messages.ts'

function span(id: string, parent: string, operation: string, tokens = 0): SpanInput {
  return {
    name: id,
    spanId: id.padEnd(16, '0'),
    parentSpanId: parent === '' ? '' : parent.padEnd(16, '0'),
    attributes: {
      'gen_ai.operation.name': operation,
      ...(tokens > 0 ? { 'gen_ai.usage.input_tokens': tokens, 'gen_ai.usage.output_tokens': 1 } : {}),
    },
  }
}
const call = (id: string, parent: string, tokens = 10): SpanInput => span(id, parent, 'chat', tokens)
const agent = (id: string, parent: string, tokens = 10): SpanInput => span(id, parent, 'invoke_agent', tokens)
const tool = (id: string, parent: string): SpanInput => span(id, parent, 'execute_tool')

/** Requests one after the other; what each span is taken for when it comes. */
function door(capacity?: number): (project: string, spans: readonly SpanInput[]) => string[] {
  const bench = new Bench()
  const known = new KnownCalls(bench.batch, bench.charge, capacity)
  return (project, spans) => {
    bench.rows(tracesRequest({ spans }))
    known.run(project)
    return Array.from({ length: bench.batch.rows }, (_, row) => {
      const verdict = ['billed', 'aggregate', 'duplicate'][bench.charge.verdicts[row]!]
      const carrier = bench.batch.countedAs[row]!
      const at = outerAt(carrier)
      const outer = Buffer.from(bench.batch.outerIds.subarray(at, at + 8)).toString('hex')
      const id = carrier === -1 ? '' : carrier < -1 ? outer : bench.spanId(carrier)
      return id === '' ? String(verdict) : `${verdict}→${id.replace(/0+$/, '')}`
    })
  }
}

describe('a sum over several requests', () => {
  const cases: readonly {
    readonly name: string
    readonly requests: readonly (readonly SpanInput[])[]
    readonly want: readonly (readonly string[])[]
  }[] = [
    {
      name: 'an agent after its calls',
      requests: [[call('a1', 'a')], [call('a2', 'a')], [agent('a', '', 20)]],
      want: [['billed'], ['billed'], ['aggregate→a1']],
    },
    {
      name: 'through spans without usage, each in a request of its own',
      requests: [[call('a1', 'b')], [tool('b', 'c')], [tool('c', 'd')], [agent('d', '')]],
      want: [['billed'], ['billed'], ['billed'], ['aggregate→a1']],
    },
    {
      name: 'through spans without usage that come with the agent, and above the agent',
      requests: [
        [call('a1', 'b')],
        [tool('b', 'c'), agent('c', 'd')],
        [tool('d', 'e'), agent('f', ''), agent('e', 'f')],
      ],
      want: [['billed'], ['billed', 'aggregate→a1'], ['billed', 'aggregate→a1', 'aggregate→a1']],
    },
    {
      name: 'an agent in an agent without calls: the inner one is the only witness',
      requests: [[agent('a', 'b')], [agent('b', '')]],
      want: [['billed'], ['aggregate→a']],
    },
    {
      name: 'above two views of one call, the one that carries the money',
      requests: [[call('a1', 'a2'), call('a2', 'a')], [agent('a', '')]],
      want: [['billed', 'duplicate→a1'], ['aggregate→a1']],
    },
    {
      name: 'an agent before its calls is left to settling',
      requests: [[agent('a', '')], [call('a1', 'a')]],
      want: [['billed'], ['billed']],
    },
    {
      name: 'a call above a call of an earlier request is left to settling: the counts decide',
      requests: [[call('a1', 'a')], [call('a', '')]],
      want: [['billed'], ['billed']],
    },
    {
      name: 'calls without usage and spans beside tell nothing',
      requests: [[span('a1', 'a', 'chat')], [call('9', '')], [agent('a', '')]],
      want: [['billed'], ['billed'], ['billed']],
    },
  ]
  test.each(cases)('$name', ({ requests, want }) => {
    const send = door()
    expect(requests.map((spans) => send('p', spans))).toEqual(want)
  })

  test('is one of its own trace and project', () => {
    const send = door()
    send('p', [call('a1', 'a')])
    expect(send('q', [agent('a', '')])).toEqual(['billed'])
    expect(send('p', [{ ...agent('a', ''), traceId: 'f'.repeat(32) }])).toEqual(['billed'])
    expect(send('p', [agent('a', '')])).toEqual(['aggregate→a1'])
  })

  test('is forgotten beyond the bound, the oldest first', () => {
    const send = door(1000)
    const ids = Array.from({ length: 3000 }, (_, i) => (i + 1).toString(16).padStart(8, 'c'))
    for (const id of ids) send('p', [call(`1${id}`, id)])
    const asAggregate = (id: string): boolean => send('p', [agent(id, '')])[0] !== 'billed'
    expect(asAggregate(ids[0]!)).toBe(false)
    expect(ids.slice(-500).every(asAggregate)).toBe(true)
    expect(ids.filter(asAggregate).length).toBeLessThanOrEqual(1000)
  })
})
