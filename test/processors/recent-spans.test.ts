// A span sent again is known again; everything else is not, however many there are.

import { describe, expect, test } from 'vitest'
import { TraceDecoder } from '../../collector/otlp/traces.ts'
import { RecentSpans } from '../../processors/recent-spans.ts'
import { SpanBatch } from '../../schemas/span-batch.ts'
import { StringTable } from '../../schemas/string-table.ts'
import { type SpanInput, tracesRequest } from '../otlp-messages.ts'

function door(capacity?: number): {
  recent: RecentSpans
  send: (spans: SpanInput[], project?: string) => [number, number]
} {
  const recent = new RecentSpans(capacity)
  const batch = new SpanBatch()
  const decoder = new TraceDecoder(batch, new StringTable(), recent)
  return {
    recent,
    send(spans, project = 'p') {
      recent.open(project)
      decoder.decode(tracesRequest({ spans }))
      return [batch.rows, batch.repeated]
    },
  }
}

const span = (n: number, given: Partial<SpanInput> = {}): SpanInput => ({
  traceId: (n + 1).toString(16).padStart(32, '0'),
  spanId: (n + 1).toString(16).padStart(16, '0'),
  startMs: 1_790_000_000_000,
  durationMs: 10,
  attributes: { a: 'b' },
  ...given,
})

describe('a span', () => {
  test('that came before is left out, in another request and within one', () => {
    const { send } = door()
    expect(send([span(1), span(2)])).toEqual([2, 0])
    expect(send([span(2), span(3), span(1)])).toEqual([1, 2])
    expect(send([span(4), span(4)])).toEqual([1, 1])
  })

  test('is another one in another project, with another id, time or size', () => {
    const { send } = door()
    send([span(1)])
    expect(send([span(1)], 'q')).toEqual([1, 0])
    for (const given of [
      { spanId: 'ffffffffffffffff' },
      { traceId: 'f'.repeat(32) },
      { startMs: 1_790_000_000_001 },
      { durationMs: 11 },
      { attributes: { a: 'bb' } },
    ])
      expect(send([span(1, given)])).toEqual([1, 0])
    expect(send([span(1)])).toEqual([0, 1])
  })

  test('of a request that was refused did not come', () => {
    const { recent, send } = door()
    send([span(1)])
    send([span(2), span(3)])
    recent.takeBack()
    expect(send([span(1), span(2), span(3)])).toEqual([2, 1])
    expect(send([span(1), span(2), span(3)])).toEqual([0, 3])
  })

  test('of a refused request is forgotten also when the table moved meanwhile', () => {
    const { recent, send } = door()
    send([span(0)])
    const many = Array.from({ length: 5000 }, (_, i) => span(i + 1))
    send(many)
    recent.takeBack()
    expect(recent.epoch).toBe(1)
    expect(send(many)).toEqual([5000, 0])
  })
})

test('memory is bounded: the newest are known, the oldest forgotten', () => {
  const { send } = door(1000)
  for (let n = 0; n < 5000; n++) expect(send([span(n)])).toEqual([1, 0])
  let known = 0
  for (let n = 0; n < 5000; n++) known += send([span(n)], 'asked')[1]
  expect(known).toBe(0)
  const { send: again } = door(1000)
  for (let n = 0; n < 1400; n++) again([span(n)])
  expect(again([span(1399)])).toEqual([0, 1])
  expect(again(Array.from({ length: 500 }, (_, i) => span(900 + i)))).toEqual([0, 500])
  expect(again([span(0)])).toEqual([1, 0])
})

test('ten thousand spans of counted ids are told apart', () => {
  const { send } = door()
  const spans = Array.from({ length: 10_000 }, (_, i) => span(i))
  expect(send(spans)).toEqual([10_000, 0])
  expect(send(spans)).toEqual([0, 10_000])
})
