// Where the time of a span goes between the request's bytes and the insert body, on one thread.
// Estimate: 18 attributes × (key compared, value noted) ≈ 1.5 µs, 75 columns × 10–20 ns ≈ 1.2 µs, the rest below 1 µs.

import { ContentBlock } from '../../collector/clickhouse/content-block.ts'
import { SpanBlock } from '../../collector/clickhouse/span-block.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { FindingsOfBatch } from '../../processors/automatic-feedback/find.ts'
import { Ledger } from '../../processors/ledger.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { automaticRules } from '../../schemas/automatic-rules.ts'
import { Bench } from '../batches.ts'
import { makeTemplates, type PayloadName, stamp } from './payload.ts'

const steps = ['decode', 'normalise', 'charge', 'price', 'judge', 'append', 'emit'] as const

export interface CoreResult {
  readonly payload: PayloadName
  readonly spansPerSecond: number
  readonly microseconds: Readonly<Record<(typeof steps)[number], number>>
  readonly bytesPerSpan: number
}

/** Times `rounds` requests of 500 spans, after as many to warm up. */
export function measureCore(payload: PayloadName, rounds: number): CoreResult {
  const bench = new Bench()
  const { batch, strings } = bench
  const ledger = new Ledger({
    book: new PriceBook(loadPriceBook()),
    batch,
    strings,
    charge: bench.charge,
    conditions: bench.normaliser.conditions,
  })
  const findings = new FindingsOfBatch(batch, strings, bench.charge, {
    rules: new Set(automaticRules),
    outputTokensMax: 0,
  })
  const spans = new SpanBlock(strings, { retentionDays: 90 })
  const content = new ContentBlock(strings, { retentionDays: 14 })
  const bodies = makeTemplates({ payload, perRequest: 500, count: 10 }).map((template, n) => {
    const body = Buffer.alloc(template.body.length)
    stamp(template, body, n * 500, 7)
    return body
  })
  const spent = new Float64Array(steps.length)
  let bytes = 0
  let count = 0
  const round = (n: number): void => {
    const nowMs = Date.now()
    const work = [
      () => bench.decoder.decode(bodies[n % bodies.length]!),
      () => bench.normaliser.run(nowMs),
      () => bench.charge.run(),
      () => ledger.run(),
      () => findings.run(),
      () => {
        spans.append(batch)
        content.append(batch)
      },
      () => {
        if (spans.rows < 1500) return
        for (const part of spans.parts()) bytes += part.length
        if (content.rows > 0) for (const part of content.parts()) bytes += part.length
        spans.reset()
        content.reset()
      },
    ]
    for (const [step, run] of work.entries()) {
      const from = performance.now()
      run()
      spent[step]! += performance.now() - from
    }
    count += batch.rows
  }
  for (let n = 0; n < rounds; n++) round(n)
  spent.fill(0)
  bytes = 0
  count = 0
  for (let n = 0; n < rounds; n++) round(n)
  const total = spent.reduce((sum, ms) => sum + ms, 0)
  const microseconds = Object.fromEntries(
    steps.map((step, i) => [step, Number(((spent[i]! * 1000) / count).toFixed(2))]),
  ) as CoreResult['microseconds']
  return {
    payload,
    spansPerSecond: Math.round((count / total) * 1000),
    microseconds,
    bytesPerSpan: Math.round(bytes / count),
  }
}
