// One refused call, seen by two instrumentations, sent in two requests with a restart between them, and sent again: one score, of the
// call that carries the money, and no vote.

import { afterAll, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directory = temporaryDirectory()
let collector: CollectorUnderTest | undefined
afterAll(async () => {
  await collector?.stop()
  directory.remove()
})

const traceId = 'cccc0000000000010af7651916cd43dd'
const inner = 'aaaa000000000001'
const outer = 'bbbb000000000001'
/** For a machine that has much to do. */
const patienceMs = 60_000
const startMs = Date.now() - 5000

async function start(env: Readonly<Record<string, string>> = {}): Promise<CollectorUnderTest> {
  collector = await startCollector(directory.path, { SPANLEDGER_SETTLE_AFTER: '1s', ...env })
  return collector
}

async function send(
  to: CollectorUnderTest,
  scope: string,
  spanId: string,
  given: object = {},
  content = '',
): Promise<void> {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4.1-2025-04-14',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 12,
    'gen_ai.response.finish_reasons': ['stop'],
    ...(content === ''
      ? {}
      : { 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content }] }]) }),
  }
  const response = await fetch(`http://${to.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: tracesRequest({
      scope,
      spans: [{ traceId, spanId, startMs, durationMs: 1000, attributes, ...given }],
    }) as Uint8Array<ArrayBuffer>,
  })
  expect(response.status).toBe(200)
}

const refusal = "I'm sorry, but I can't assist with that request."

test('a refusal is one score of the call, whoever saw it and however often it is sent', {
  timeout: 60_000,
}, async () => {
  const first = await start({ SPANLEDGER_CONTENT: 'drop' })
  const scores = (of: CollectorUnderTest): Promise<Record<string, unknown>[]> =>
    ask(
      of.ready.clickhouse_http,
      `SELECT score_id, span_id, value, verdict, label, source, evaluator, resolved, model, toString(span_cost) AS cost FROM current_scores ORDER BY score_id`,
    )
  const score = (spanId: string) => ({
    score_id: `automated-refusal:${traceId}:${spanId}`,
    span_id: spanId,
    value: -1,
    verdict: -1,
    label: 'words',
    source: 'automated',
    evaluator: 'spanledger',
    resolved: 1,
    model: 'gpt-4.1-2025-04-14',
    cost: '0.002096',
  })
  // The wrapper alone saw the words, and nobody knows yet that it is one.
  await send(first, 'gateway', outer, {}, refusal)
  await until(async () => (await scores(first)).length === 1, patienceMs)
  expect(await scores(first)).toEqual([score(outer)])
  expect(await ask(first.ready.clickhouse_http, 'SELECT count() AS n FROM span_content')).toEqual([{ n: '0' }])
  const metrics = await (await fetch(`http://${first.ready.admin}/metrics`)).text()
  expect(metrics).toContain('spanledger_automatic_scores_total{rule="refusal"} 1')
  expect(metrics).toContain('spanledger_automatic_scores_total{rule="too-long"} 0')
  expect((await first.stop()).code).toBe(0)

  const second = await start()
  await send(second, 'sdk', inner, { parentSpanId: outer })
  await until(async () => (await scores(second))[0]?.['span_id'] === inner, patienceMs)
  expect(await scores(second)).toEqual([score(inner)])
  // Sent again after the restart, by a collector that does not know the span.
  await send(second, 'gateway', outer, {}, refusal)
  // The journal keeps the order: once a later one is there, so is what was sent before.
  await send(second, 'sdk', 'aaaa000000000009', { traceId: traceId.replace('1', '9') }, refusal)
  await until(async () => (await scores(second)).length === 2, patienceMs)
  expect((await scores(second)).map((row) => row['span_id'])).toEqual([inner, 'aaaa000000000009'])

  const summary = await (await fetch(`http://${second.ready.api}/api/feedback/summary`)).json()
  expect(summary).toMatchObject({ total: 0, negative: 0, without_verdict: 0 })
  const listed = (await (await fetch(`http://${second.ready.api}/api/feedback?source=automated`)).json()) as object[]
  expect(listed).toMatchObject([
    { name: 'automated-refusal', score: -1 },
    { name: 'automated-refusal', score: -1 },
  ])
})

test('a switched-off rule writes nothing; an unknown one is no configuration', { timeout: 150_000 }, async () => {
  await collector?.stop()
  const quiet = await start({
    SPANLEDGER_AUTOMATIC_FEEDBACK: 'empty-answer,too-long',
    SPANLEDGER_ANSWER_TOKENS_MAX: '10',
  })
  await send(quiet, 'sdk', 'aaaa000000000002', { traceId: traceId.replace('1', '2') }, refusal)
  const names = () =>
    ask(quiet.ready.clickhouse_http, `SELECT name FROM current_scores WHERE span_id = 'aaaa000000000002'`)
  await until(async () => (await names()).length > 0, patienceMs)
  expect(await names()).toEqual([{ name: 'automated-too-long' }])
  await expect(
    startCollector(temporaryDirectory().path, { SPANLEDGER_AUTOMATIC_FEEDBACK: 'refusals' }),
  ).rejects.toThrow('"refusals" is not all, none, or a list of refusal, empty-answer')
})
