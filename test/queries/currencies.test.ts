// Costs in the reporting currency: by the rate of the call's day, beside the stored amount, and never without a rate.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { parseCurrencyRates } from '../../collector/currency-file.ts'
import { storeCurrencies } from '../../collector/currency-store.ts'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { rateRows } from '../../processors/currency-rates.ts'
import { utc } from '../api/rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insert } from './ask.ts'
import { day, hour, midnight } from './ledger.ts'

const date = (daysBack: number) => new Date(midnight - daysBack * day).toISOString().slice(0, 10)

/** As a central bank publishes them: so much for one euro, not on every day. */
const file = `
base: EUR
source: a central bank
rates:
  - { date: ${date(20)}, currency: USD, rate: 1.25 }
  - { date: ${date(20)}, currency: CNY, rate: 8 }
  - { date: ${date(4)}, currency: USD, rate: 1.0867 }
  - { date: ${date(4)}, currency: CNY, rate: 7.85 }
  - { date: ${date(2)}, currency: USD, rate: 1.1 }
`

let engine: TestEngine

async function load(reportingCurrency: string, nowMs: number, text = file): Promise<void> {
  const { rates, findings } = parseCurrencyRates(text, 'rates.yaml')
  expect(findings).toEqual([])
  await storeCurrencies(engine.clickhouse, { rates: rateRows(rates, reportingCurrency), reportingCurrency, nowMs })
}

function call(id: string, daysBack: number, more: Readonly<Record<string, unknown>>): object {
  return {
    project_id: 'default',
    kind: 'llm',
    start_time: utc(midnight - daysBack * day + hour),
    trace_id: `trace ${id}`,
    span_id: id,
    provider: 'openai',
    model: 'm',
    status: 'ok',
    cost_status: 'priced',
    retention_days: 90,
    ingested_at: utc(Date.now()),
    revision: 0,
    sign: 1,
    ...more,
  }
}

beforeAll(async () => {
  engine = await startTestEngine()
  await insert(engine.url, 'spans', [
    call('usd', 4, { total_cost: '1' }),
    // Nothing is published that day: the rate of the day before.
    call('next day', 3, { total_cost: '0.000000000001' }),
    call('later', 1, { total_cost: '2.2' }),
    call('cny', 4, { pricing_currency: 'CNY', pricing_currency_cost: '15.7' }),
    // More than a week after the last rate.
    call('gap', 11, { total_cost: '3' }),
    call('unpriced', 4, { cost_status: 'unpriced', cost_reason: 'unknown_model' }),
    // Our price is in CNY, the charge that stands in USD.
    call('charged', 4, {
      cost_status: 'reported',
      total_cost: '2',
      reported_cost: '2',
      pricing_currency: 'CNY',
      pricing_currency_cost: '15.7',
    }),
  ])
  await load('EUR', 1_790_000_000_000)
})
afterAll(() => engine?.stop())

const rows = async () =>
  Object.fromEntries(
    (
      await engine.clickhouse.query<Record<string, unknown>>(
        'SELECT span_id, total_cost, reporting_currency, reporting_rate, reporting_rate_date, reporting_cost FROM llm_calls_reporting ORDER BY span_id',
      )
    ).map(({ span_id, ...rest }) => [span_id, rest]),
  )

test('each call by the rate of its day, the stored amount untouched, rounded once to a pico', async () => {
  const usd = '0.920217171252415570'
  expect(await rows()).toEqual({
    usd: money('1', usd, date(4), '0.920217171252'),
    'next day': money('0.000000000001', usd, date(4), '0.000000000001'),
    later: money('2.2', '0.909090909090909091', date(2), '2'),
    cny: money(null, '0.127388535031847134', date(4), '2'),
    gap: money('3', null, null, null),
    unpriced: money(null, usd, date(4), null),
    charged: money('2', usd, date(4), '1.840434342505'),
  })
})

function money(total: string | null, rate: string | null, rateDate: string | null, cost: string | null) {
  const trimmed = rate === null ? null : rate.replace(/0+$/, '')
  return {
    total_cost: total,
    reporting_currency: 'EUR',
    reporting_rate: trimmed,
    reporting_rate_date: rateDate,
    reporting_cost: cost,
  }
}

test('the question counts what has no rate, by currency', async () => {
  const query = loadQueries().find(({ id }) => id === 'cost_in_currency')
  if (query === undefined) throw new Error('no cost_in_currency.sql')
  const range = { from: new Date(midnight - 30 * day), to: new Date(midnight) }
  expect(await runQuery(engine.clickhouse, query, range)).toMatchObject([
    {
      cost_currency: 'USD',
      calls: 5,
      cost: '8.200000000001',
      currency: 'EUR',
      converted_cost: '4.760651513758',
      converted_calls: 4,
      calls_without_rate: 1,
      first_rate_date: date(4),
      last_rate_date: date(2),
    },
    { cost_currency: 'CNY', calls: 1, cost: '15.7', converted_cost: '2', calls_without_rate: 0 },
  ])
  // Into a currency that is published but not reported in, and into one nobody knows.
  const [usd] = await runQuery(engine.clickhouse, query, { ...range, currency: 'USD' })
  expect(usd).toMatchObject({ cost_currency: 'USD', converted_cost: '8.200000000001', calls_without_rate: 0 })
  const [gbp] = await runQuery(engine.clickhouse, query, { ...range, currency: 'GBP' })
  expect(gbp).toMatchObject({ converted_cost: null, converted_calls: 0, calls_without_rate: 5 })
})

test('a filter on the view reaches the table', async () => {
  const plan = await engine.clickhouse.query<{ explain: string }>(
    "EXPLAIN indexes = 1 SELECT sum(reporting_cost) FROM llm_calls_reporting WHERE project_id = 'default' AND start_time >= now() - INTERVAL 1 DAY",
  )
  const text = plan.map(({ explain }) => explain).join('\n')
  expect(text).toMatch(/project_id in \['default', 'default'\]/)
})

describe('report --currency', () => {
  const report = async (...flags: string[]) => {
    let out = ''
    const code = await runCli({
      argv: ['report', '--from', date(30), '--to', date(0), ...flags],
      env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
      readFile: () => '',
      out: (text) => {
        out += text
      },
      err: (text) => {
        out += text
      },
    })
    return { code, out }
  }

  test('shows both, and what has no rate', async () => {
    const { code, out } = await report('--currency', 'EUR')
    expect(code).toBe(0)
    expect(out).toContain('Spend   8.200000000001 USD')
    expect(out).toMatch(/Cost in EUR\n.*\n +USD +5 +8\.200000000001 +4\.760651513758 +1 /)
    expect(out).toMatch(/\n +CNY +1 +15\.7 +2 +0 /)
  })

  test('without it, and without a reporting currency, nothing is added', async () => {
    expect((await report()).out).not.toContain('Cost in')
  })

  test('refuses what is no code', async () => {
    expect(await report('--currency', 'Euro')).toMatchObject({
      code: 2,
      out: expect.stringContaining('--currency: "Euro" is not'),
    })
  })
})

test('loaded again, a rate replaces the one of its day; another currency, by way of a third', async () => {
  await load('EUR', 1_790_000_001_000, file.replace('1.0867', '1'))
  expect((await rows())['usd']).toMatchObject({ reporting_rate: '1', reporting_cost: '1' })
  await load('CNY', 1_790_000_002_000)
  const found = await rows()
  expect(found['usd']).toMatchObject({ reporting_currency: 'CNY', reporting_cost: '7.223704794331' })
  // Of that currency already.
  expect(found['cny']).toMatchObject({ reporting_rate: '1', reporting_cost: '15.7' })
  await load('', 1_790_000_003_000)
  expect((await rows())['usd']).toMatchObject({ reporting_currency: '', reporting_rate: null, reporting_cost: null })
})

describe('a file says what is wrong with it', () => {
  test.each<[string, string, string]>([
    ['rates.yaml', 'rates: 3', 'rates.yaml: rates: must be a list'],
    ['rates.yaml', '[]', 'rates.yaml: must be an object with a list `rates`'],
    ['rates.yaml', '{', 'rates.yaml: '],
    [
      'r.yaml',
      'rates: [{ date: 2026-02-30, base: EUR, currency: USD, rate: 1 }]',
      'r.yaml: rates[0]: date: "2026-02-30" is not a day such as',
    ],
    [
      'r.yaml',
      'rates: [{ date: 2026-02-03, base: EUR, currency: usd, rate: 1 }]',
      'rates[0]: currency: "usd" is not a currency code such as USD',
    ],
    [
      'r.yaml',
      'rates: [{ date: 2026-02-03, base: EUR, currency: USD, rate: 0 }]',
      'rates[0]: rate: "0" is not a decimal above 0',
    ],
    ['r.yaml', 'rates: [{ date: 2026-02-03, base: EUR, currency: USD, rate: 1e3 }]', 'rates[0]: rate: "1e3" is not'],
    [
      'r.yaml',
      'rates: [{ date: 2026-02-03, currency: USD, rate: 1 }]',
      'rates[0]: base: is missing, expected a currency code',
    ],
    [
      'r.yaml',
      'rates: [{ date: 2026-02-03, base: USD, currency: USD, rate: 1 }]',
      'rates[0]: currency: USD is the base itself',
    ],
    ['r.yaml', 'rates: [{ date: 2026-02-03, base: EUR, currency: USD, rate: 1, note: x }]', 'rates[0]: note: unknown'],
    ['r.yaml', 'rate: []', 'rate: unknown, expected base, source or rates'],
    [
      'r.csv',
      'date,base,currency,rate\n2026-02-03,EUR,USD,1.1\n2026-02-03,EUR,USD,1.2',
      'rates[1]: rate: 1.2 differs from the 1.1 of rates[0]',
    ],
    ['r.csv', 'date,base,currency\n2026-02-03,EUR,USD', 'rates[0]: rate: is missing'],
  ])('%s %j', (name, text, finding) => {
    expect(parseCurrencyRates(text, name).findings.join('\n')).toContain(finding)
  })

  test('JSON and CSV read like YAML, and a rate keeps its digits', () => {
    const rate = { date: '2026-02-03', base: 'EUR', currency: 'USD', rate: '1.100000000000000001', source: 'bank, the' }
    const json = JSON.stringify({ rates: [{ ...rate, rate: 0 }] }).replace('"rate":0', `"rate":${rate.rate}`)
    const yaml = `source: bank, the\nrates:\n  - { date: 2026-02-03, base: EUR, currency: USD, rate: ${rate.rate} }`
    expect(parseCurrencyRates(json, 'r.json')).toEqual({ rates: [rate], findings: [] })
    expect(parseCurrencyRates(yaml, 'r.yaml')).toEqual({ rates: [rate], findings: [] })
    const csv = `date,base,currency,rate\r\n"2026-02-03",EUR,USD,${rate.rate}\r\n`
    expect(parseCurrencyRates(csv, 'r.csv')).toEqual({ rates: [{ ...rate, source: '' }], findings: [] })
  })

  test('by way of a third currency, divided once', () => {
    const given = ['USD 1.0867', 'GBP 0.8412'].map((each) => {
      const [currency = '', rate = ''] = each.split(' ')
      return { date: '2026-11-02', base: 'EUR', currency, rate, source: 'bank' }
    })
    const gbp = rateRows(given, 'GBP').filter((row) => row.reporting_currency === 'GBP')
    expect(gbp).toEqual([
      { reporting_currency: 'GBP', currency: 'EUR', day: '2026-11-02', rate: '0.8412', source: 'bank', derived: '' },
      {
        reporting_currency: 'GBP',
        currency: 'USD',
        day: '2026-11-02',
        rate: '0.774086684457531978',
        source: 'bank',
        derived: '0.8412 / 1.0867 (by way of EUR)',
      },
    ])
  })
})
