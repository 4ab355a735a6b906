import { describe, expect, test } from 'vitest'
import { Bench } from '../batches.ts'
import { type Attributes, type SpanInput, tracesRequest } from '../otlp-messages.ts'

const bench = new Bench()

const usage = (input: number, output: number) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
})
const chat = (spanId: string, parentSpanId: string, input: number, output: number): SpanInput => ({
  name: spanId,
  spanId: spanId.padEnd(16, '0'),
  parentSpanId: parentSpanId === '' ? '' : parentSpanId.padEnd(16, '0'),
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4.1',
    ...(input > 0 ? usage(input, output) : {}),
  },
})
const agent = (spanId: string, parentSpanId: string, input: number, output: number): SpanInput => ({
  ...chat(spanId, parentSpanId, input, output),
  attributes: { 'gen_ai.operation.name': 'invoke_agent', ...(input > 0 ? usage(input, output) : {}) },
})

/** Verdict and carrier of each span, by name: `aggregate→a1`, `duplicate→b2`, or `billed`. */
function verdicts(spans: readonly SpanInput[]): Record<string, string> {
  const rows = bench.rows(tracesRequest({ spans }))
  return Object.fromEntries(
    rows.map((row, index) => {
      const carrier = bench.batch.countedAs[index]!
      const verdict =
        row['verdict'] === undefined
          ? 'billed'
          : `${String(row['verdict'])}→${bench.spanId(carrier).replace(/0+$/, '')}`
      return [String(row['name']), verdict]
    }),
  )
}

describe('money is carried once within a request', () => {
  const cases: readonly {
    readonly name: string
    readonly spans: readonly SpanInput[]
    readonly want: Readonly<Record<string, string>>
  }[] = [
    {
      name: 'an agent that sums its calls',
      spans: [chat('a1', 'a', 10, 1), chat('a2', 'a', 20, 2), agent('a', '', 30, 3)],
      want: { a1: 'billed', a2: 'billed', a: 'aggregate→a1' },
    },
    {
      name: 'an agent whose sum is wrong',
      spans: [chat('a1', 'a', 10, 1), agent('a', '', 999, 3)],
      want: { a1: 'billed', a: 'aggregate→a1' },
    },
    {
      name: 'agents in agents, with a span without usage between',
      spans: [chat('a1', 'b', 10, 1), agent('b', 'c', 0, 0), agent('c', 'd', 10, 1), agent('d', '', 10, 1)],
      want: { a1: 'billed', b: 'billed', c: 'aggregate→a1', d: 'aggregate→a1' },
    },
    { name: 'an agent that is the only carrier', spans: [agent('a', '', 30, 3)], want: { a: 'billed' } },
    {
      name: 'two instrumentations around one call',
      spans: [chat('b', 'a', 10, 1), chat('a', '', 10, 1)],
      want: { b: 'billed', a: 'duplicate→b' },
    },
    {
      name: 'three of them',
      spans: [chat('c', 'b', 10, 1), chat('b', 'a', 10, 1), chat('a', '', 10, 1)],
      want: { c: 'billed', b: 'duplicate→c', a: 'duplicate→c' },
    },
    {
      name: 'a wrapper call that saw no usage',
      spans: [chat('b', 'a', 10, 1), chat('a', '', 0, 0)],
      want: { b: 'billed', a: 'duplicate→b' },
    },
    {
      name: 'a call that sums the calls in it',
      spans: [chat('b', 'a', 10, 1), chat('c', 'a', 20, 2), chat('a', '', 30, 3)],
      want: { b: 'billed', c: 'billed', a: 'aggregate→b' },
    },
    {
      name: 'a call that sums two calls, each instrumented twice',
      spans: [
        chat('c', 'b', 10, 1),
        chat('b', 'a', 10, 1),
        chat('e', 'd', 20, 2),
        chat('d', 'a', 20, 2),
        chat('a', '', 30, 3),
      ],
      want: { c: 'billed', b: 'duplicate→c', e: 'billed', d: 'duplicate→e', a: 'aggregate→c' },
    },
    {
      name: 'a call with an unrelated call in it',
      spans: [chat('b', 'a', 10, 1), chat('a', '', 50, 7)],
      want: { b: 'billed', a: 'billed' },
    },
    {
      name: 'equal calls side by side',
      spans: [chat('a', 'e', 10, 1), chat('b', 'e', 10, 1), agent('e', '', 0, 0)],
      want: { a: 'billed', b: 'billed', e: 'billed' },
    },
    { name: 'a parent that is not in the request', spans: [chat('b', 'f', 10, 1)], want: { b: 'billed' } },
  ]
  test.each(cases)('$name', ({ spans, want }) => {
    expect(verdicts(spans)).toEqual(want)
    expect(verdicts(spans.toReversed())).toEqual(want)
  })

  test('spans that are each other’s parents end', () => {
    expect(Object.keys(verdicts([agent('a', 'b', 10, 1), agent('b', 'a', 10, 1), chat('c', 'c', 5, 1)]))).toHaveLength(
      3,
    )
  })
})

describe('attribution comes down from the spans above', () => {
  test('nearest first, and never over what a span says itself', () => {
    const top = {
      name: 'top',
      spanId: 'a'.repeat(16),
      attributes: { 'gen_ai.workflow.name': 'answer', 'user.id': 'jane', 'session.id': 's1' },
    }
    const middle = {
      name: 'middle',
      spanId: 'b'.repeat(16),
      parentSpanId: 'a'.repeat(16),
      attributes: { 'user.id': 'ada' },
    }
    const call = { ...chat('c', 'b', 10, 1), name: 'call', spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) }
    const other = { ...chat('d', 'f', 10, 1), name: 'other', spanId: 'd'.repeat(16) }
    for (const spans of [
      [top, middle, call, other],
      [other, call, middle, top],
    ]) {
      const rows = Object.fromEntries(bench.rows(tracesRequest({ spans })).map((row) => [row['name'], row]))
      expect(rows['call']).toMatchObject({ feature: 'answer', user_id: 'ada', session_id: 's1' })
      expect(rows['middle']).toMatchObject({ feature: 'answer', user_id: 'ada' })
      expect(rows['other']).not.toHaveProperty('user_id')
    }
  })

  test('a prompt comes with its own version or none, never with that of another', () => {
    const prompt = (name: string, more: Attributes) => ({ 'langfuse.observation.prompt.name': name, ...more })
    const above: SpanInput = {
      name: 'above',
      spanId: 'a'.repeat(16),
      attributes: prompt('greet', { 'langfuse.observation.prompt.version': 7 }),
    }
    const below = (name: string, attributes: Attributes): SpanInput => ({
      name,
      spanId: name.repeat(16),
      parentSpanId: 'a'.repeat(16),
      attributes,
    })
    const spans = [above, below('b', prompt('answer', {})), below('c', {})]
    const [, own, inherited] = bench.rows(tracesRequest({ spans }))
    expect(own).toMatchObject({ prompt_name: 'answer' })
    expect(own).not.toHaveProperty('prompt_version')
    expect(inherited).toMatchObject({ prompt_name: 'greet', prompt_version: '7' })
  })
})
