// spanledger report and spanledger ask over the ledger drawn in ledger.ts: what they print, and how they end when they cannot.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi } from '../../collector/api/server.ts'
import { runCli } from '../../collector/cli.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insert } from './ask.ts'
import { calls, day, midnight, scoreRow, seed, spanRow, traceId, wholeLedger } from './ledger.ts'

let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  await seed(engine.url)
  await insert(engine.url, 'scores', [
    scoreRow('01', { verdict: 1 }),
    scoreRow('02', { verdict: 1 }),
    scoreRow('03', { verdict: -1, model: 'gpt-4.1-mini' }),
  ])
})

afterAll(() => engine?.stop())

function report(flags: readonly string[], env: Record<string, string> = {}) {
  return run(['report', ...flags], env)
}

async function run(argv: readonly string[], env: Record<string, string> = {}) {
  let out = ''
  let err = ''
  const code = await runCli({
    argv: [...argv],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url, ...env },
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

const date = (at: number) => new Date(at).toISOString().slice(0, 10)
const wholeRange = ['--from', date(wholeLedger.from), '--to', date(wholeLedger.to)]

test('prints totals with what they cover, and every table aligned', async () => {
  const { code, out, err } = await report(wholeRange)
  const [first, second] = [date(midnight - 2 * day), date(midnight - day)]
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toBe(`Project default, ${date(wholeLedger.from)} 00:00 to ${date(wholeLedger.to)} 00:00 (UTC)

Spend   1.96875 USD, without the whole cost of 2 unpriced calls
Calls   8: 5 priced, 2 unpriced, 1 not billed, 71.4 % priced
Errors  2

Cost by model and day
  day         provider  model         calls  unpriced  input  output  cost USD
  ${first}  openai    gpt-4.1           2         0   1100     210   0.75
  ${second}  openai    gpt-4.1           1         0    100      10   1
  ${second}  openai    gpt-4.1-mini      2         0    200      10   0.1875
  ${second}  house     house-model       2         2    200      20   0.03125
  ${second}  house     o'brien           1         0      -       -   -

Cost by user
  user    calls  unpriced  input  output  cost USD
  cyd         1         0    100      10   1
  ada         4         1   1300     220   0.6875
  bob         2         0    100      10   0.25
  [none]      1         1    100      10   0.03125

Cost per positive answer
  model         calls  unpriced  votes  positive  cost USD  USD per positive
  gpt-4.1           3         0      2         2   1.75                0.875
  gpt-4.1-mini      2         0      1         0   0.1875              -
  house-model       2         2      0         0   0.03125             -
  o'brien           1         0      0         0   -                   -

Unpriced calls
  provider  model        status    reason         calls  input  output  newest trace
  house     house-model  partial   unit_no_price      1    100      10  ${traceId('06')}
  house     house-model  unpriced  no_price           1    100      10  ${traceId('05')}
`)
})

test('with --json: one object, money as exact text, unknown as null', async () => {
  const { code, out } = await report([...wholeRange, '--json'])
  expect(code).toBe(0)
  const answer = JSON.parse(out) as Record<string, Record<string, unknown>[]>
  expect(answer).toMatchObject({ project: 'default', tz: 'UTC', from: `${date(wholeLedger.from)}T00:00:00.000Z` })
  expect(answer['cost_coverage']).toMatchObject([{ total_cost: '1.96875', calls: 8, unpriced_calls: 2 }])
  expect(answer['cost_by_model_day']?.at(-1)).toMatchObject({ model: "o'brien", total_cost: null })
  expect(answer['quality']?.[0]).toMatchObject({ group: 'gpt-4.1', cost_per_positive: 0.875 })
})

test('what the command says of quality is what the API answers, digit for digit', async () => {
  const answer = JSON.parse((await report([...wholeRange, '--json'])).out) as Record<string, unknown>
  const nothing = () => undefined
  const api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: async () => undefined,
    project: () => 'default',
    version: '0',
    log: { error: nothing, limited: nothing },
  })
  try {
    const { from, to } = answer as { readonly from: string; readonly to: string }
    for (const [name, by] of [
      ['quality', 'model'],
      ['quality_by_prompt', 'prompt'],
      ['quality_by_release', 'release'],
    ] as const) {
      const asked = new URLSearchParams({ by, from, to })
      const response = await fetch(`http://127.0.0.1:${api.endpoint.port}/api/queries/quality?${asked}`)
      expect(await response.json(), by).toMatchObject({ id: 'quality', rows: answer[name] })
      expect(answer[name], by).not.toEqual([])
    }
    // The same question by all else it knows, and over time.
    for (const by of ['all', 'provider', 'feature', 'service', 'env', 'release', 'team', 'customer', 'user']) {
      const given = { by, from, to, step: 'day', sources: 'user' }
      const words = Object.entries(given).map(([name, value]) => `${name}=${value}`)
      const { code, out } = await run(['ask', 'quality', ...words, '--json'])
      const response = await fetch(
        `http://127.0.0.1:${api.endpoint.port}/api/queries/quality?${new URLSearchParams(given)}`,
      )
      expect({ by, code, answer: JSON.parse(out) }).toEqual({ by, code: 0, answer: await response.json() })
    }
  } finally {
    await api.close()
  }
})

describe('spanledger ask', () => {
  test('lists the questions, and prints the answer to one', async () => {
    expect((await run(['ask'])).out).toMatch(/feedback_agreement +Do judges agree with people\? +from to flagged/)
    const { code, out } = await run(['ask', 'quality', 'by=model', `from=${date(wholeLedger.from)}`])
    expect(code).toBe(0)
    expect(out).toMatch(/^Quality and cost\n +group +calls +/)
    expect(out).toMatch(/\n +gpt-4.1 +3 +3 +0 +1 +/)
  })

  test.each([
    [['nothing'], /^spanledger: there is no question "nothing"/],
    [['quality', 'by'], /"by" is not NAME=VALUE/],
    [['quality', 'by=planet'], /by is "planet"; it may be all, model/],
    [['quality', 'by=env', 'by=model'], /by is given more than once/],
    [['quality', 'planet=mars'], /quality has no parameter "planet"/],
    [['quality', 'project=other'], /said by --project/],
    [['quality', 'from=yesterday'], /from is "yesterday"; it must be a time/],
  ])('%j is wrong use', async (words, error) => {
    const { code, out, err } = await run(['ask', ...words])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(error)
  })
})

test('quality of prompts and releases is told where votes have them', async () => {
  await insert(engine.url, 'scores', [
    scoreRow('01', { project_id: 'releases', release: '1.2', prompt_name: 'help', prompt_version: '3', verdict: 1 }),
    scoreRow('02', { project_id: 'releases', release: '1.2', verdict: -1, name: 'tone' }),
  ])
  const { out } = await report([...wholeRange, '--project', 'releases'])
  expect(out).toMatch(/Quality by version of a prompt\n +prompt +.*\n +help@3 +- +- +1 +1 +1 /)
  expect(out).toMatch(/Pass rate by release\n +release +.*\n +1.2 +- +- +2 +1 +0.5 /)
  const { out: tone } = await report([...wholeRange, '--project', 'releases', '--score', 'tone'])
  expect(tone).toMatch(/Pass rate by release\n +release +.*\n +1.2 +- +- +1 +0 +0 /)
})

test('a day is a day of the time zone', async () => {
  const flags = ['--from', date(midnight - day), '--to', date(midnight), '--tz', 'Asia/Tokyo']
  const { out } = await report(flags)
  // From 15 h UTC of the day before to 15 h UTC: the call of 23 h is in.
  expect(out).toContain('Calls   7: 4 priced, 2 unpriced, 1 not billed')
  expect(out).toMatch(new RegExp(`${date(midnight - day)} +openai +gpt-4.1 +2 +0 +\\d+ +\\d+ +1.25`))
})

test('times with an offset are instants', async () => {
  const { out } = await report([
    '--from',
    `${date(midnight - 2 * day)}T12:00:00+02:00`,
    '--to',
    `${date(midnight - 2 * day)}T10:00:01Z`,
  ])
  expect(out).toContain('Calls   1: 1 priced')
})

test('without calls it says so, and no cost of 0', async () => {
  const { code, out } = await report(['--project', 'nobody'])
  expect(code).toBe(0)
  expect(out).toContain('Spend   no calls')
  expect(out).toContain('Cost by user: none')
  expect(out).not.toContain('0 USD')
})

test('what was sent cannot move the cursor of a terminal', async () => {
  const unpriced = calls.find(({ id }) => id === '05')
  if (unpriced === undefined) throw new Error('no call 05')
  await insert(engine.url, 'spans', [spanRow({ ...unpriced, project_id: 'odd', model: 'gpt\u001b[2J' })])
  const { out } = await report(['--project', 'odd', ...wholeRange])
  expect(out).toContain('gpt�[2J')
  expect(out).not.toContain('\u001b')
  expect(out).toContain('Spend   unknown, without the whole cost of 1 unpriced calls')
})

describe('wrong use ends with 2', () => {
  test.each([
    [['--from', 'yesterday'], '--from: "yesterday" is not a time'],
    [['--to', '2026-02-30'], '--to: "2026-02-30" is not a time'],
    [['--tz', 'Mars/Olympus'], '--tz: "Mars/Olympus" is not a time zone'],
    [['--tz', '+02:00'], '--tz: "+02:00" is not a time zone'],
    [['--from', '2026-11-02', '--to', '2026-11-01'], 'is not before'],
  ])('%j', async (flags, message) => {
    const { code, out, err } = await report(flags)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})

describe('what cannot run ends with 3', () => {
  test('nobody answers', async () => {
    const url = 'http://user:Canary-7f3a@127.0.0.1:1'
    const { code, out, err } = await report([], { SPANLEDGER_CLICKHOUSE_URL: url })
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/ClickHouse at http:\/\/127\.0\.0\.1:1 does not answer: start the collector/)
    expect(err).not.toContain('Canary')
  })

  test('no collector runs on this machine', async () => {
    const env = { SPANLEDGER_CLICKHOUSE_URL: '', SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: '127.0.0.1:1' }
    const { code, err } = await report([], env)
    expect(code).toBe(3)
    expect(err).toContain('ClickHouse at http://127.0.0.1:1 does not answer')
  })

  test('the server holds no ledger', async () => {
    const { code, err } = await report([], { SPANLEDGER_CLICKHOUSE_DATABASE: 'elsewhere' })
    expect(code).toBe(3)
    expect(err).toContain('has no ledger in the database elsewhere')
  })
})
