// What an exporter sends again, because it saw no answer or will not believe it, is stored once; and it is never answered for
// when the first sending did not become durable.

import { expect, test } from 'vitest'
import { Pipeline } from '../collector/pipeline.ts'
import { loadPriceBook } from '../collector/price-files.ts'
import { loadDialects } from '../collector/registry.ts'
import type { JournalRecord } from '../collector/sinks/clickhouse.ts'
import { PriceBook } from '../processors/pricing/book.ts'
import { Refusal } from '../schemas/refusal.ts'
import { tracesRequest } from './otlp-messages.ts'

const dialects = await loadDialects()
const book = new PriceBook(loadPriceBook())

/** A pipeline whose appends wait until they are let go, or fail. */
function held(): {
  pipeline: Pipeline
  stored: number[]
  repeated: number[]
  waiting: { resolve: () => void; reject: (error: Error) => void }[]
} {
  const stored: number[] = []
  const repeated: number[] = []
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  const append = (records: readonly JournalRecord[]): Promise<void> =>
    new Promise((resolve, reject) =>
      waiting.push({
        reject,
        resolve() {
          stored.push(...records.map(({ rows }) => rows))
          resolve()
        },
      }),
    )
  const pipeline = new Pipeline({
    store: { append },
    dialects,
    book: () => book,
    settings: { keepContent: true, retentionDays: 90, contentRetentionDays: 14 },
    meter: {
      calls: () => undefined,
      rejected: () => undefined,
      repeated: (spans) => repeated.push(spans),
      scoresWaiting: () => undefined,
    },
  })
  return { pipeline, stored, repeated, waiting }
}

const span = { spanId: 'aaaa000000000001', startMs: Date.now() - 1000 }
const request = tracesRequest({ spans: [span] })
const withAnother = tracesRequest({ spans: [span, { ...span, spanId: 'aaaa000000000002' }] })

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('a request sent again is answered with success and stored once', async () => {
  const { pipeline, stored, repeated, waiting } = held()
  const first = pipeline.traces(request, 'p')
  await turns()
  waiting.shift()?.resolve()
  await first
  await pipeline.traces(request, 'p')
  expect([stored, repeated, waiting]).toEqual([[1], [1], []])
})

test('one sent again while the first is on its way is answered after it', async () => {
  const { pipeline, stored, waiting } = held()
  const first = pipeline.traces(request, 'p')
  await turns()
  const order: string[] = []
  const second = pipeline.traces(request, 'p').then(() => order.push('second'))
  const third = pipeline.traces(withAnother, 'p').then(() => order.push('third'))
  await turns()
  expect(order).toEqual([])
  waiting.shift()?.resolve()
  await first
  await turns()
  waiting.shift()?.resolve()
  await Promise.all([second, third])
  expect(stored).toEqual([1, 1])
})

test('when the first could not be stored, what repeated it is to be sent again, and is then stored', async () => {
  const { pipeline, stored, waiting } = held()
  const first = pipeline.traces(request, 'p').catch((error: unknown) => error)
  await turns()
  const second = pipeline.traces(request, 'p').catch((error: unknown) => error)
  const third = pipeline.traces(withAnother, 'p').catch((error: unknown) => error)
  await turns()
  waiting.shift()?.reject(new Error('disk'))
  await turns()
  waiting.shift()?.resolve()
  expect(await first).toEqual(new Error('disk'))
  for (const refusal of [await second, await third]) {
    expect(refusal).toBeInstanceOf(Refusal)
    expect((refusal as Refusal).rule.retryable).toBe(true)
  }
  const again = pipeline.traces(request, 'p')
  await turns()
  waiting.shift()?.resolve()
  await again
  expect(stored).toEqual([1, 1])
})

test('a request that cannot be read takes nothing with it', async () => {
  const { pipeline, stored, waiting } = held()
  await expect(pipeline.traces(withAnother.slice(0, withAnother.length - 3), 'p')).rejects.toThrow(Refusal)
  const whole = pipeline.traces(withAnother, 'p')
  await turns()
  waiting.shift()?.resolve()
  await whole
  expect(stored).toEqual([2])
})
