// The exposition is OpenMetrics, holds every metric of the contract, and stays bounded whatever label values come.

import { describe, expect, test } from 'vitest'
import { createMetrics } from '../collector/metrics.ts'
import { Registry, seriesMax } from '../collector/open-metrics.ts'
import { refusals } from '../schemas/refusal.ts'

const errors: string[] = []
const onError = (metric: string, error: unknown): void => {
  errors.push(`${metric}: ${(error as Error).message}`)
}

function makeMetrics() {
  return createMetrics({ version: '1.2.3', priceBook: () => 'abc', onError })
}

/** Lines of one family, comments left out. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(name))
}

describe('OpenMetrics text', () => {
  test('says type, unit and help of each family once, and ends in # EOF', () => {
    const registry = new Registry({ onError })
    registry.counter('a_bytes_total', { help: 'Line\none, "quoted" \\ slashed.' }).add(2)
    registry.gauge('b', { help: 'B.', labels: ['x', 'y'] }).set(-1.5, 'one', 'a "b"\\\n')
    registry.info('c_info', { help: 'C.', labels: () => ({ version: '1' }) })
    const histogram = registry.histogram('d_seconds', { help: 'D.', buckets: [0.1, 1] })
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value)
    expect(registry.expose()).toBe(String.raw`# TYPE a_bytes counter
# UNIT a_bytes bytes
# HELP a_bytes Line\none, \"quoted\" \\ slashed.
a_bytes_total 2
# TYPE b gauge
# HELP b B.
b{x="one",y="a \"b\"\\\n"} -1.5
# TYPE c info
# HELP c C.
c_info{version="1"} 1
# TYPE d_seconds histogram
# UNIT d_seconds seconds
# HELP d_seconds D.
d_seconds_bucket{le="0.1"} 2
d_seconds_bucket{le="1.0"} 3
d_seconds_bucket{le="+Inf"} 4
d_seconds_count 4
d_seconds_sum 7.65
# EOF
`)
  })

  test('every line of the real exposition keeps to the grammar', () => {
    const metrics = makeMetrics()
    metrics.spansQuarantined.add(1, 'clickhouse_252')
    metrics.journalBytes.set(Number.POSITIVE_INFINITY)
    metrics.ledgerDifferenceUsd.set(Number.NaN)
    const text = metrics.expose()
    metrics.close()
    const value = String.raw`(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|\+Inf|-Inf)`
    const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\[\\n"])*"`
    const grammar = new RegExp(
      String.raw`^(?:# TYPE [a-z_]+ (?:counter|gauge|histogram|info)|# UNIT [a-z_]+ [a-z]+|# HELP [a-z_]+ .+|[a-z_]+(?:\{${label}(?:,${label})*\})? ${value}|# EOF)$`,
    )
    const lines = text.split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.filter((line) => !grammar.test(line))).toEqual([])
    expect(lines.indexOf('# EOF')).toBe(lines.length - 1)
    const families = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
    expect(new Set(families).size).toBe(families.length)
  })

  test('a histogram counts a value at its bound inside, in cumulative buckets', () => {
    const metrics = makeMetrics()
    for (const seconds of [0.001, 0.0011, 11]) metrics.ackSeconds.observe(seconds)
    const lines = samples(metrics.expose(), 'spanledger_ack_seconds')
    metrics.close()
    expect(lines[0]).toBe('spanledger_ack_seconds_bucket{le="0.001"} 1')
    expect(lines[1]).toBe('spanledger_ack_seconds_bucket{le="0.0025"} 2')
    expect(lines.at(-4)).toBe('spanledger_ack_seconds_bucket{le="10.0"} 2')
    expect(lines.at(-3)).toBe('spanledger_ack_seconds_bucket{le="+Inf"} 3')
    expect(lines.at(-2)).toBe('spanledger_ack_seconds_count 3')
  })
})

describe('the contract', () => {
  test('has every public metric', () => {
    const metrics = makeMetrics()
    metrics.spansReceived.add(10)
    metrics.spansStored.from(() => 6)
    metrics.spansJournalled.from(() => 1)
    metrics.spansRefused.add(2, 'bad_request')
    metrics.spansQuarantined.from(() => [['clickhouse_27', 1]])
    metrics.calls.add(3, 'priced')
    metrics.journalBytes.from(() => 4096)
    metrics.journalOldestSeconds.from(() => 0.25)
    metrics.insertSeconds.observe(0.2)
    metrics.ackSeconds.observe(0.002)
    metrics.ledgerDifferenceUsd.from(() => 0)
    const text = metrics.expose()
    metrics.close()
    for (const line of [
      'spanledger_spans_received_total 10',
      'spanledger_spans_stored_total 6',
      'spanledger_spans_journalled 1',
      'spanledger_spans_refused_total{reason="bad_request"} 2',
      'spanledger_spans_quarantined_total{reason="clickhouse_27"} 1',
      'spanledger_calls_total{cost_status="priced"} 3',
      'spanledger_calls_total{cost_status="unpriced"} 0',
      'spanledger_journal_bytes 4096',
      'spanledger_journal_oldest_seconds 0.25',
      'spanledger_insert_seconds_bucket{le="0.25"} 1',
      'spanledger_ack_seconds_count 1',
      'spanledger_ledger_difference_usd 0',
      'spanledger_build_info{version="1.2.3",price_book="abc"} 1',
    ]) {
      expect(text).toContain(`\n${line}\n`)
    }
  })

  test('every refusal reason is in sight at 0 before it happens', () => {
    const metrics = makeMetrics()
    const text = metrics.expose()
    metrics.close()
    for (const reason of Object.keys(refusals)) {
      expect(text).toContain(`spanledger_requests_refused_total{door="http",reason="${reason}"} 0\n`)
    }
  })

  test('what was never measured is not shown as 0', () => {
    const metrics = makeMetrics()
    expect(samples(metrics.expose(), 'spanledger_ledger_difference_usd')).toEqual([])
    metrics.close()
  })

  test('tells memory, CPU and the delay of the event loop', async () => {
    const metrics = makeMetrics()
    const value = (name: string): number => Number(samples(metrics.expose(), name)[0]?.split(' ').at(-1))
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(Math.abs(value('process_start_time_seconds') - Date.now() / 1000)).toBeLessThan(3600)
    await new Promise((resolve) => setTimeout(resolve, 30))
    const blockedUntil = performance.now() + 120
    while (performance.now() < blockedUntil) JSON.stringify([1])
    await new Promise((resolve) => setTimeout(resolve, 30))
    const longest = 'spanledger_event_loop_delay_seconds{stat="max"}'
    expect(value(longest)).toBeGreaterThan(0.08)
    // A scrape shows what happened since the one before.
    expect(value(longest)).toBeLessThan(0.08)
    metrics.close()
  })
})

describe('bounds', () => {
  test('label values beyond the limit are counted as other, and nothing is lost from the sum', () => {
    const registry = new Registry({ onError })
    const counter = registry.counter('x_total', { help: 'X.', labels: ['reason'] })
    for (let i = 0; i < 5000; i++) counter.add(1, `reason ${i}`)
    const lines = samples(registry.expose(), 'x_total')
    expect(lines).toHaveLength(seriesMax)
    expect(lines.at(-1)).toBe(`x_total{reason="other"} ${5000 - (seriesMax - 1)}`)
  })

  test('the same holds for callbacks', () => {
    const registry = new Registry({ onError })
    const gauge = registry.gauge('y', { help: 'Y.', labels: ['a'] })
    gauge.from(() => Array.from({ length: 300 }, (_, i): [string, number] => [`value ${i}`, 1]))
    expect(samples(registry.expose(), 'y{')).toHaveLength(seriesMax)
    expect(samples(registry.expose(), 'y{').at(-1)).toBe(`y{a="other"} ${300 - (seriesMax - 1)}`)
  })

  test('a long label value is cut', () => {
    const registry = new Registry({ onError })
    registry.counter('x_total', { help: 'X.', labels: ['reason'] }).add(1, 'r'.repeat(10_000))
    expect(registry.expose().length).toBeLessThan(300)
  })
})

describe('mistakes', () => {
  test('a callback that throws empties its family and is told; the others are served', () => {
    errors.length = 0
    const metrics = makeMetrics()
    metrics.journalBytes.from(() => {
      throw new Error('closed')
    })
    metrics.journalOldestSeconds.from(() => 3)
    const text = metrics.expose()
    metrics.close()
    expect(errors).toEqual(['spanledger_journal_bytes: closed'])
    expect(samples(text, 'spanledger_journal_bytes')).toEqual([])
    expect(text).toContain('spanledger_journal_oldest_seconds 3\n')
    expect(text.endsWith('# EOF\n')).toBe(true)
  })

  test('a counter does not fall, names are checked and taken once', () => {
    const registry = new Registry({ onError })
    const counter = registry.counter('x_total', { help: 'X.' })
    expect(() => counter.add(-1)).toThrow('x_total cannot rise by -1')
    expect(() => counter.add(Number.NaN)).toThrow(RangeError)
    expect(() => registry.counter('x_total', { help: 'X.' })).toThrow('metric x exists already')
    expect(() => registry.counter('x', { help: 'X.' })).toThrow('does not end in _total')
    expect(() => registry.gauge('x-y', { help: 'X.' })).toThrow('not a metric or label name')
    expect(() => registry.histogram('z', { help: 'Z.', buckets: [1, 1] })).toThrow('do not rise')
  })
})
