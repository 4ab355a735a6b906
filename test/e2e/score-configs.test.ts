// Score configurations in a collector as users run it: obeyed by the doors of OTLP, a file that breaks under it, earlier scores
// judged anew by the command.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { logsRequest, tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directory = temporaryDirectory()
const file = join(directory.path, 'scores.yaml')
const fileOf = (threshold: number | string): string => `score_configs:
  - {name: relevance, type: numeric, range: {min: 0, max: 1}, threshold: ${threshold}, on_violation: refuse}
  - {name: toxicity, type: numeric, range: {min: 0, max: 1}, threshold: 0.2, direction: low}
`
let collector: CollectorUnderTest

beforeAll(async () => {
  writeFileSync(file, fileOf(0.7))
  collector = await startCollector(join(directory.path, 'data'), { SPANLEDGER_SCORE_CONFIGS_FILE: file })
}, 30_000)
afterAll(async () => {
  await collector?.stop()
  directory.remove()
})

const eventOf = (name: string, value: number) => ({
  'gen_ai.evaluation.name': name,
  'gen_ai.evaluation.score.value': value,
})

async function post(signal: 'logs' | 'traces', body: Uint8Array): Promise<string> {
  const answer = await fetch(`http://${collector.ready.otlp_http}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: body as Uint8Array<ArrayBuffer>,
  })
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer()).toString('utf8')
}

const scores = (where: string) =>
  ask(
    collector.ready.clickhouse_http,
    `SELECT name, value, verdict, violation, config != '' AS judged FROM all_scores WHERE ${where} ORDER BY name, value`,
  )
const metrics = async (): Promise<string> => (await fetch(`http://${collector.ready.admin}/metrics`)).text()

async function command(argv: readonly string[]): Promise<{ code: number; printed: string; noted: string }> {
  let [printed, noted] = ['', '']
  const code = await runCli({
    argv,
    env: {
      SPANLEDGER_CLICKHOUSE_URL: `http://${collector.ready.clickhouse_http}`,
      SPANLEDGER_SCORE_CONFIGS_FILE: file,
    },
    readFile: () => '',
    out: (text) => {
      printed += text
    },
    err: (text) => {
      noted += text
    },
  })
  return { code, printed, noted }
}

test('log records and span events are judged; what is refused is told in a partial success, and its record is kept', async () => {
  const records = [0.9, 0.5, 2].map((value, i) => ({
    eventName: 'gen_ai.evaluation.result',
    timeMs: Date.now(),
    traceId: '11'.repeat(16),
    spanId: `${i + 1}`.repeat(16),
    attributes: eventOf('relevance', value),
  }))
  const toxic = { ...records[0]!, attributes: eventOf('toxicity', 3) }
  const warning = await post('logs', logsRequest({ records: [...records, toxic] }))
  expect(warning).toContain(
    '1 evaluations were not taken as scores: score 2 of "relevance" is out of its range, 0 to 1 (score configuration relevance@',
  )
  await until(async () => (await scores('1')).length === 3)
  expect(await scores('1')).toMatchObject([
    { name: 'relevance', value: 0.5, verdict: -1, violation: '', judged: 1 },
    { name: 'relevance', value: 0.9, verdict: 1, violation: '', judged: 1 },
    { name: 'toxicity', value: 3, verdict: -1, violation: 'out_of_range', judged: 1 },
  ])
  const kept = "SELECT count() AS n FROM logs WHERE event_name = 'gen_ai.evaluation.result'"
  await until(async () => (await ask<{ n: string }>(collector.ready.clickhouse_http, kept))[0]?.n === '4')

  const events = [0.8, -1].map((value) => ({
    name: 'gen_ai.evaluation.result',
    attributes: eventOf('relevance', value),
  }))
  const span = { traceId: '22'.repeat(16), spanId: '3'.repeat(16), startMs: Date.now() - 1000, events }
  expect(await post('traces', tracesRequest({ spans: [span] }))).toContain(
    '1 evaluations were not taken as scores: score -1',
  )
  await until(async () => (await scores(`given_trace_id = '${span.traceId}'`)).length > 0)
  expect(await scores(`given_trace_id = '${span.traceId}'`)).toMatchObject([{ value: 0.8, verdict: 1 }])
  const stored = `SELECT length(events.name) AS n FROM spans WHERE trace_id = '${span.traceId}'`
  expect(await ask(collector.ready.clickhouse_http, stored)).toEqual([{ n: '2' }])
  // Found by the resolver, so that it does not write while the command below does.
  await until(async () => (await scores(`given_trace_id = '${span.traceId}' AND resolved = 1`)).length > 0)
  expect(await metrics()).toContain('spanledger_scores_refused_total{reason="out_of_range"} 2')
  expect(await metrics()).toContain('spanledger_scores_flagged_total{reason="out_of_range"} 1')
}, 60_000)

test('a wrong file stops nothing: the log, /ready, a metric and check-config say so', async () => {
  writeFileSync(file, fileOf('high'))
  await until(async () => (await metrics()).includes('\nspanledger_score_configs_stale 1\n'))
  expect(await metrics()).toContain('spanledger_score_config_reload_failures_total 1')
  const ready = await fetch(`http://${collector.ready.admin}/ready`)
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      ready: true,
      reasons: [],
      notices: ['the file of score configurations is wrong (1 findings, see the log): the last good one stays in use'],
    },
  ])
  const finding = 'scores.yaml:2: score_configs[0].threshold: must be a number'
  expect(collector.log()).toContain(JSON.stringify([finding]))
  expect(await command(['check-config'])).toMatchObject({ code: 2, noted: expect.stringContaining(finding) })
  expect(await command(['scores', 'rejudge'])).toMatchObject({ code: 2 })
  const listed = await fetch(`http://${collector.ready.api}/api/score-configs`)
  expect(await listed.json()).toMatchObject({
    score_configs: [{ name: 'relevance', threshold: 0.7, source: 'file' }, { name: 'toxicity' }],
    file_findings: [finding],
  })
}, 60_000)

test('a changed file leaves earlier scores as they are until the command judges them anew', async () => {
  expect((await command(['check-config'])).code).toBe(2)
  writeFileSync(file, fileOf(0.4))
  await until(async () => (await metrics()).includes('\nspanledger_score_configs_stale 0\n'))
  const rejected = { project: 'default', name: 'relevance', scores: 3, bad_before: 1, bad_after: 0 }
  const shown = await command(['scores', 'rejudge', '--json'])
  expect(shown.code).toBe(1)
  expect(JSON.parse(shown.printed)).toMatchObject({ stale: [rejected] })
  expect(await scores("name = 'relevance' AND value = 0.5")).toMatchObject([{ verdict: -1 }])
  const done = await command(['scores', 'rejudge', '--write', '--json'])
  expect(done.code).toBe(0)
  expect(JSON.parse(done.printed)).toMatchObject({ changed: [rejected], left: [] })
  expect(await scores("name = 'relevance' AND value = 0.5")).toMatchObject([{ verdict: 1 }])
  expect((await command(['scores', 'rejudge'])).printed).toBe('Every score is judged by the configuration in force.\n')
  expect((await command(['scores', 'again'])).code).toBe(2)
}, 60_000)
