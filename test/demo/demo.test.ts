// End to end: a collector on free ports, an application with official clients and instrumentations, a provider that bills, and
// ClickHouse asked by SQL. What the ledger says must be what was billed, line by line.

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CollectorProcess } from '../../deploy/demo/collector-process.ts'
import type { DemoResult } from '../../deploy/demo/demo.ts'
import { runDemo } from '../../deploy/demo/demo.ts'

const run = promisify(execFile)
const printed: string[] = []
let dataDir: string
let collector: CollectorProcess
let demo: DemoResult

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanledger-demo-test-'))
  collector = await CollectorProcess.start(dataDir)
  demo = await runDemo({ ...collector.endpoints, print: (text) => printed.push(text), withUnreported: true })
}, 120_000)

afterAll(async () => {
  await collector?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const callOf = (responseId: string | null) => demo.calls.find((call) => call.responseId === responseId)
const traceOf = (name: string) => demo.report.workflows.filter((workflow) => workflow.name === name)

describe('the ledger', () => {
  test('is the invoice, line by line and to the last digit', () => {
    const odd = demo.comparison.lines.filter(({ kind }) => !['equal', 'failed', 'unknown'].includes(kind))
    expect(odd).toEqual([])
    expect(demo.comparison.isEqual).toBe(true)
    expect(demo.comparison.ledgerPicoUsd).toBe(demo.comparison.invoicePicoUsd - demo.comparison.unknownPicoUsd)
    expect(demo.comparison.lines.filter(({ kind }) => kind === 'equal')).toHaveLength(15)
  })

  test('has the amounts that were worked out by hand', () => {
    // Cached prompt of gpt-4o-mini: 134 × 0.15 + 1,280 × 0.075 + 31 × 0.60 = 134.7 USD per million.
    // Streamed Claude with cache writes: 9 × 3 + 100 × 3.75 + 1,397 × 6 + 30 × 15 = 9,234 USD per million.
    // The same read back: 10 × 3 + 1,497 × 0.30 + 31 × 15 = 944.1. Embedding: 18 × 0.02 = 0.36.
    const amounts = demo.calls.map(({ picoUsd }) => picoUsd)
    for (const want of [134_700_000n, 9_234_000_000n, 944_100_000n, 360_000n]) expect(amounts).toContain(want)
  })

  test('keeps a call of unknown cost as unknown', () => {
    const [trace] = traceOf('live-chat-untraced')
    const calls = demo.calls.filter(({ traceId }) => traceId === trace?.traceId)
    expect(calls).toMatchObject([{ usage: null, picoUsd: null, costStatus: 'unpriced', costReason: 'no_usage' }])
  })

  test('does not bill what failed', () => {
    const failed = demo.calls.filter(({ status }) => status === 'error')
    expect(failed).toMatchObject([
      { provider: 'openai', costStatus: 'not_billed', costReason: 'failed_no_usage', picoUsd: null },
      { provider: 'anthropic', costStatus: 'not_billed', failureClass: 'rate_limit', picoUsd: null },
    ])
  })

  test('counts a call that was answered at the second attempt once', () => {
    // triage: an answer; a 529 and an answer; a 429.
    const traces = traceOf('triage').map(({ traceId }) => traceId)
    const calls = demo.calls.filter(({ traceId }) => traces.includes(traceId))
    expect(calls.map(({ costStatus }) => costStatus)).toEqual(['priced', 'priced', 'not_billed'])
  })
})

describe('scores', () => {
  test('are all there, on what they judge', () => {
    expect(demo.scores).toHaveLength(demo.report.scores.length)
    expect(demo.scores.every(({ isResolved }) => isResolved)).toBe(true)
    for (const sent of demo.report.scores) {
      const call = callOf(sent.responseId)
      expect(demo.scores).toContainEqual(
        expect.objectContaining({
          name: sent.name,
          value: sent.value,
          traceId: sent.traceId ?? call?.traceId,
          spanId: sent.spanId ?? call?.spanId ?? '',
        }),
      )
    }
  })

  test('carry the cost and the model of the call', () => {
    const byResponse = demo.scores.find(({ name }) => name === 'relevance')
    const call = demo.calls.find(({ spanId }) => spanId === byResponse?.spanId)
    expect(byResponse).toMatchObject({ label: 'relevant', target: 'span', picoUsd: call?.picoUsd })
    expect(byResponse?.model).toContain('claude-sonnet-4-6')
  })

  test('of a person judge the whole trace', () => {
    const thumbs = demo.scores.filter(({ target }) => target === 'trace')
    const said = thumbs.map(({ name, value, source }) => `${name} ${value} ${source}`).sort()
    expect(said).toEqual(['tone 1 human-review', 'user_feedback -1 user', 'user_feedback 1 user'])
    expect(thumbs.every(({ picoUsd }) => picoUsd !== null)).toBe(true)
  })
})

test('the printed tables say so in words', () => {
  const text = printed.join('\n')
  expect(text).toContain('Equal to the last digit: 0.01612881 USD in the ledger, the same on the invoice.')
  expect(text).toContain('0.00002085 USD more for 1 call whose instrumentation reports no usage')
  expect(text).toContain('failed_no_usage rate_limit')
})

test('the command uses the collector that is running, beside an earlier run', async () => {
  const { host } = new URL(collector.endpoints.clickhouseHttp)
  const { stdout } = await run(
    process.execPath,
    [fileURLToPath(new URL('../../deploy/demo/demo.ts', import.meta.url))],
    {
      env: {
        ...process.env,
        SPANLEDGER_ADMIN_ENDPOINT: collector.admin,
        SPANLEDGER_OTLP_HTTP_ENDPOINT: new URL(collector.endpoints.otlpHttp).host,
        SPANLEDGER_API_ENDPOINT: new URL(collector.endpoints.api).host,
        SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: host,
      },
    },
  )
  expect(stdout).toContain('Equal to the last digit: 0.01612881 USD in the ledger, the same on the invoice.')
  expect(stdout).not.toContain('unknown')
  expect(stdout).toContain(`curl -s ${collector.endpoints.api}/api/feedback`)
}, 120_000)

test('Ctrl-C stops the collector in order', async () => {
  const startMs = performance.now()
  expect(await collector.stop()).toBe(0)
  expect(performance.now() - startMs).toBeLessThan(5000)
})
