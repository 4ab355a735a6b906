// spanledger focus over calls that were priced by the real pipeline and stored in a real ClickHouse: the columns and formats
// of both versions, and amounts that add up to the ledger to the last digit.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { compare, formatDecimal, parseDecimal, plus, times, zero } from '../../schemas/decimal.ts'
import { type FocusVersion, focusColumnsOf, focusVersions } from '../../schemas/focus.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { entry } from '../pricing/cards.ts'
import { pricedLedger } from './priced-ledger.ts'

const day = 86_400_000
const today = Math.floor(Date.now() / day) * day
const date = (at: number) => new Date(at).toISOString().slice(0, 10)
const [first, second] = [today - 2 * day, today - day]

const book = new PriceBook(
  [
    {
      provider: 'anthropic',
      entries: [
        entry(
          'anthropic/claude-x#1',
          ['claude-x'],
          { input: '3', cacheRead: '0.3', cacheWrite: '3.75', cacheWrite1h: '6', output: '15', webSearch: '10' },
          {
            bands: [
              {
                rates: {
                  input: '3',
                  cacheRead: '0.3',
                  cacheWrite: '3.75',
                  cacheWrite1h: '6',
                  output: '15',
                  webSearch: '10',
                },
              },
              {
                inputTokens: { over: 1000, inclusive: false },
                rates: {
                  input: '6',
                  cacheRead: '0.6',
                  cacheWrite: '7.5',
                  cacheWrite1h: '12',
                  output: '22.5',
                  webSearch: '10',
                },
              },
            ],
          },
        ),
        entry(
          'anthropic/claude-x#2',
          ['claude-x'],
          { input: '1.5', output: '7.5' },
          { when: { serviceTier: 'batch' } },
        ),
        entry(
          'anthropic/claude-x#3',
          ['claude-x'],
          { input: '3.3', output: '16.5' },
          { when: { dataResidency: ['us', 'eu'] } },
        ),
      ],
    },
    {
      provider: 'groq',
      entries: [
        // 0.111 USD an hour: no call of it is a whole number of picos, and ten seconds are the least.
        entry('groq/whisper#1', ['whisper'], { audioSeconds: '0.111' }, { minimum: { audioSeconds: '10' } }),
        entry('groq/odd#1', ['odd'], { input: '0.00000033', output: '0.0000007' }),
      ],
    },
    {
      provider: 'deepseek',
      entries: [entry('deepseek/v4#1', ['v4'], { input: '2', output: '8' }, { currency: 'CNY' })],
    },
    {
      provider: 'alibaba_cloud',
      entries: [
        entry(
          'alibaba_cloud/qwen-t#1',
          ['qwen-t'],
          {},
          {
            bands: [{ rates: { input: '1', output: '2' } }, { thinking: true, rates: { input: '1', output: '4' } }],
          },
        ),
      ],
    },
    {
      provider: 'openai',
      entries: [
        entry('openai/half#1', ['half'], { input: '1' }),
        entry('openai/gpt-4o-mini#1', ['gpt-4o-mini'], { input: '0.15', output: '0.6' }),
      ],
    },
  ],
  {
    overrides: [
      { ...entry('discount:2026', ['gpt-4o-mini'], {}), provider: 'openai', discount: { percent: '12.5' } },
      {
        ...entry('plan:2026', ['covered'], { input: '0', output: '0' }),
        provider: 'openai',
        plan: { amount: '100', currency: 'USD', period: 'month' },
      },
      { ...entry('own/gpt-4.1', ['gpt-4.1'], { input: '1.5', output: '6' }), provider: 'openai' },
    ],
  },
)

const tokens = (input: number, output: number, more: Record<string, number | string> = {}) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
  ...more,
})

let engine: TestEngine
let folder = ''

beforeAll(async () => {
  engine = await startTestEngine()
  folder = mkdtempSync(join(tmpdir(), 'spanledger-focus-'))
  const { send } = await pricedLedger(engine, book, { reportedCostAsCharge: ['deepseek'] })
  const claude = { provider: 'anthropic', model: 'claude-x' }
  await send('alpha', [
    { ...claude, at: first + 1000, attributes: tokens(500, 20) },
    { ...claude, at: first + 2000, attributes: tokens(700, 33) },
    {
      ...claude,
      at: first + 3000,
      attributes: tokens(5000, 11, {
        'gen_ai.usage.cache_read.input_tokens': 3000,
        'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 700,
        'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 300,
        'anthropic.usage.server_tool_use.web_search_requests': 3,
      }),
    },
    // Exactly at the edge: still the lower band.
    { ...claude, at: first + 4000, attributes: tokens(1000, 1) },
    { ...claude, at: first + 5000, attributes: tokens(1001, 1) },
    { ...claude, at: first + 6000, attributes: tokens(40, 4, { 'gen_ai.response.service_tier': 'batch' }) },
    { ...claude, at: first + 7000, attributes: tokens(40, 4, { 'anthropic.usage.inference_geo': 'us' }) },
    { ...claude, at: second + 1000, attributes: tokens(1, 1) },
    { provider: 'groq', model: 'whisper', at: first + 8000, attributes: { 'gen_ai.usage.audio_seconds': 3.5 } },
    { provider: 'groq', model: 'whisper', at: first + 8100, attributes: { 'gen_ai.usage.audio_seconds': 3.5 } },
    { provider: 'groq', model: 'whisper', at: first + 8200, attributes: { 'gen_ai.usage.audio_seconds': 61.7 } },
    { provider: 'alibaba_cloud', model: 'qwen-t', at: first + 8300, attributes: tokens(10, 20) },
    {
      provider: 'alibaba_cloud',
      model: 'qwen-t',
      at: first + 8400,
      attributes: tokens(10, 20, { 'gen_ai.usage.reasoning.output_tokens': 5 }),
    },
    { provider: 'deepseek', model: 'v4', at: first + 9000, attributes: tokens(1234, 5) },
    { provider: 'deepseek', model: 'v4', at: first + 9100, attributes: tokens(10, 1, { 'gen_ai.usage.cost': 0.5 }) },
    { provider: 'openai', model: 'gpt-4.1', at: first + 9500, attributes: tokens(1000, 100) },
    { provider: 'openai', model: 'gpt-4o-mini', at: first + 9510, attributes: tokens(1000, 100) },
    { provider: 'openai', model: 'covered', at: first + 9520, attributes: tokens(1000, 100) },
    // Output has no price: partial.
    { provider: 'openai', model: 'half', at: first + 9600, attributes: tokens(10, 3) },
    {
      provider: 'house',
      model: 'nobody-knows',
      at: first + 9700,
      attributes: tokens(77, 7, { 'gen_ai.usage.images': 2 }),
    },
    { provider: 'house', model: 'nobody-knows', at: first + 9800 },
  ])
  await send('beta "quoted", with comma', [
    ...Array.from({ length: 7 }, (_, i) => ({
      provider: 'groq',
      model: 'odd',
      at: first + 10_000 + i,
      attributes: tokens(1 + i, 3),
    })),
  ])
})

afterAll(async () => {
  await engine?.stop()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

async function focus(...flags: string[]) {
  const said = { out: '', err: '' }
  const code = await runCli({
    argv: ['focus', '--from', date(first), '--to', date(today), ...flags],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
    readFile: () => '',
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  })
  return { code, ...said }
}

type Row = Readonly<Record<string, string>>

/** RFC 4180, so that a comma, a quote or a break in a name is held as well. */
function parseCsv(text: string): Row[] {
  const records: string[][] = []
  let record: string[] = []
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    records.push(record)
    record = []
  }
  const [head = [], ...rest] = records.filter((each) => each.length > 1)
  return rest.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i] ?? '', cell])))
}

async function rowsOf(version: FocusVersion, ...flags: string[]): Promise<Row[]> {
  const { code, out } = await focus('--focus-version', version, ...flags)
  expect(code).toBe(0)
  return parseCsv(out)
}

const sumOf = (rows: readonly Row[], column: string) =>
  formatDecimal(rows.reduce((sum, row) => plus(sum, parseDecimal(row[column] ?? '')), zero))

describe.each(focusVersions)('%s', (version) => {
  test('has the columns of the table in its order, own ones last', async () => {
    const { out } = await focus('--focus-version', version)
    const head = out.slice(0, out.indexOf('\n')).split(',')
    expect(head).toEqual(focusColumnsOf(version).map(({ name }) => name))
    const own = head.findIndex((name) => name.startsWith('x_'))
    expect(head.slice(own).every((name) => name.startsWith('x_') && name.length <= 50)).toBe(true)
    expect(head.slice(0, own)).toEqual([...head.slice(0, own)].sort())
    expect(head.includes('ProviderName')).toBe(version === '1.2')
    expect(head.includes('HostProviderName')).toBe(version === '1.4')
  })

  test('keeps the form of every column', async () => {
    const rows = await rowsOf(version)
    const forms = {
      decimal: /^-?\d+\.\d+$/,
      time: /^\d{4}-\d\d-\d\dT00:00:00Z$/,
      json: /^\{.*\}$/,
      string: /./,
    }
    for (const { name, type, isNullable } of focusColumnsOf(version))
      for (const row of rows) {
        const value = row[name] ?? ''
        if (value === '') expect({ name, isNullable }).toEqual({ name, isNullable: true })
        else expect(`${name} ${value}`).toMatch(new RegExp(`^${name} ${forms[type].source.replaceAll(/^\^|\$$/g, '')}`))
        if (type === 'json' && value !== '') expect(JSON.parse(value)).toBeTypeOf('object')
      }
    expect(rows.every((row) => row['ChargePeriodStart']! < row['ChargePeriodEnd']!)).toBe(true)
  })

  test('costs are price × quantity, exactly, where there is a price', async () => {
    const rows = await rowsOf(version)
    let priced = 0
    for (const row of rows) {
      if (row['ListUnitPrice'] === '') continue
      priced++
      const product = (price: string) => times(parseDecimal(row[price]!), parseDecimal(row['PricingQuantity']!))
      expect(compare(product('ContractedUnitPrice'), parseDecimal(row['ContractedCost']!)), JSON.stringify(row)).toBe(0)
      expect(compare(product('ListUnitPrice'), parseDecimal(row['ListCost']!)), JSON.stringify(row)).toBe(0)
    }
    expect(priced).toBeGreaterThan(15)
  })

  test('rows of a day add up to its calls, to the last digit, in every currency', async () => {
    const rows = await rowsOf(version)
    const ledger = await engine.clickhouse.query<{ day: string; currency: string; total: string; calls: string }>(
      `SELECT toString(day) AS day, if(total_cost IS NULL AND pricing_currency != '', pricing_currency, 'USD') AS currency, count() AS calls,
         sum(ifNull(total_cost, ifNull(pricing_currency_cost, 0))) AS total
       FROM llm_calls WHERE cost_status != 'not_billed' GROUP BY ALL ORDER BY ALL`,
    )
    expect(ledger).toHaveLength(3)
    for (const { day: of, currency, total, calls } of ledger) {
      const own = rows.filter((row) => row['ChargePeriodStart']!.startsWith(of) && row['BillingCurrency'] === currency)
      expect(sumOf(own, 'BilledCost')).toBe(total)
      expect(sumOf(own, 'EffectiveCost')).toBe(total)
      expect(
        sumOf(
          own.filter((row) => row['x_RequestCount'] !== ''),
          'x_RequestCount',
        ),
      ).toBe(calls)
    }
  })

  test('a price id has one SKU and no date, and the same price at a time', async () => {
    const rows = (await rowsOf(version)).filter((row) => row['SkuPriceId'] !== '')
    for (const [id, same] of Map.groupBy(rows, (row) => row['SkuPriceId']!)) {
      expect(id).not.toMatch(/20\d\d-/)
      expect(new Set(same.map((row) => row['SkuId'])).size).toBe(1)
      expect(new Set(same.map((row) => row['ContractedUnitPrice'])).size).toBe(1)
      expect(new Set(same.map((row) => row['SkuPriceDetails'])).size).toBe(1)
    }
  })
})

const of = (rows: readonly Row[], model: string, kind: string) =>
  rows.filter((row) => row['x_Model'] === model && row['x_TokenKind'] === kind)

test('bands, tiers and regions are prices of their own, cache lifetimes kinds of their own', async () => {
  const rows = (await rowsOf('1.4', '--project', 'alpha')).filter((row) =>
    row['ChargePeriodStart']!.startsWith(date(first)),
  )
  const seen = rows
    .filter((row) => row['x_Model'] === 'claude-x')
    .map((row) =>
      [row['SkuPriceId'], row['ContractedUnitPrice'], row['ConsumedQuantity'], row['PricingUnit']].join(' '),
    )
  expect(seen.sort()).toEqual(
    [
      'anthropic/claude-x/input/standard 3.0 2200.0 1000000 Tokens',
      'anthropic/claude-x/output/standard 15.0 54.0 1000000 Tokens',
      'anthropic/claude-x/input/standard/over_1000 6.0 2001.0 1000000 Tokens',
      'anthropic/claude-x/cache_read/standard/over_1000 0.6 3000.0 1000000 Tokens',
      'anthropic/claude-x/cache_write/standard/over_1000 7.5 700.0 1000000 Tokens',
      'anthropic/claude-x/cache_write_1h/standard/over_1000 12.0 300.0 1000000 Tokens',
      'anthropic/claude-x/output/standard/over_1000 22.5 12.0 1000000 Tokens',
      'anthropic/claude-x/web_search/standard/over_1000 10.0 3.0 1000 Requests',
      'anthropic/claude-x/input/batch 1.5 40.0 1000000 Tokens',
      'anthropic/claude-x/output/batch 7.5 4.0 1000000 Tokens',
      'anthropic/claude-x/input/us/standard 3.3 40.0 1000000 Tokens',
      'anthropic/claude-x/output/us/standard 16.5 4.0 1000000 Tokens',
    ].sort(),
  )
  expect(of(rows, 'claude-x', 'cache_write')[0]).toMatchObject({ x_CacheTtl: '5m' })
  expect(of(rows, 'claude-x', 'cache_write_1h')[0]).toMatchObject({ x_CacheTtl: '1h' })
  expect(rows.find((row) => row['RegionId'] === 'us')).toMatchObject({ RegionName: 'us', x_TokenKind: 'input' })
})

test('what the ledger rounds call by call is a row of its own', async () => {
  const [rounding] = of(await rowsOf('1.4'), 'odd', 'rounding')
  expect(rounding).toMatchObject({
    ChargeCategory: 'Adjustment',
    x_CostSource: 'rounding',
    PricingQuantity: '',
    SkuPriceId: '',
    ConsumedQuantity: '',
  })
  expect(Math.abs(Number(rounding?.['BilledCost']))).toBeLessThan(1e-11)
})

test('a least quantity is billed call by call, and what was heard is told as well', async () => {
  const rows = await rowsOf('1.4')
  const [heard] = of(rows, 'whisper', 'audio_seconds')
  // 10 + 10 + 61.7 billed, 68.7 heard.
  expect(heard).toMatchObject({
    ConsumedQuantity: '68.7',
    ConsumedUnit: 'Seconds',
    PricingUnit: 'Hours',
    ContractedUnitPrice: '0.111',
  })
  expect(Number(heard?.['PricingQuantity'])).toBeCloseTo(81.7 / 3600, 11)
  // An hour has no end in decimals.
  expect(Math.abs(Number(of(rows, 'whisper', 'rounding')[0]?.['BilledCost']))).toBeLessThan(1e-11)
})

test('a call that thought is another price', async () => {
  const ids = (await rowsOf('1.4')).filter((row) => row['x_Model'] === 'qwen-t').map((row) => row['SkuPriceId'])
  expect(ids.sort()).toEqual([
    'alibaba_cloud/qwen-t/input/standard',
    'alibaba_cloud/qwen-t/input/standard/thinking',
    'alibaba_cloud/qwen-t/output/standard',
    'alibaba_cloud/qwen-t/output/standard/thinking',
  ])
})

test('amounts that no known price explains stand without a unit price', async () => {
  await insertSpans(engine.clickhouse, [
    spanRow('elsewhere', {
      project_id: 'gamma',
      start_time: BigInt(first) * 1_000_000n,
      provider: 'openai',
      model: 'gone',
      price_entry: 'openai/gone#1',
      price_book: 'a book that is nowhere',
    }),
  ])
  const rows = await rowsOf('1.4', '--project', 'gamma')
  expect(
    rows.map((row) => [
      row['x_TokenKind'],
      row['BilledCost'],
      row['ConsumedQuantity'],
      row['SkuPriceId'],
      row['ListUnitPrice'],
    ]),
  ).toEqual([
    ['input', '0.5', '100.0', '', ''],
    ['output', '0.25', '10.0', '', ''],
  ])
})

test("a user's own price is the contracted one, beside the catalogue's list price", async () => {
  const [input] = of(await rowsOf('1.2'), 'gpt-4.1', 'input')
  // gpt-4.1 costs 2 USD for a million input tokens in the catalogue.
  expect(input).toMatchObject({
    ContractedUnitPrice: '1.5',
    ContractedCost: '0.0015',
    BilledCost: '0.0015',
    ListUnitPrice: '2.0',
    ListCost: '0.002',
  })
})

test('a discount is a contracted price; calls that a plan covers cost nothing, and say so', async () => {
  const rows = await rowsOf('1.4')
  expect(of(rows, 'gpt-4o-mini', 'input')[0]).toMatchObject({
    ContractedUnitPrice: '0.13125',
    BilledCost: '0.00013125',
    ListUnitPrice: '0.15',
    ListCost: '0.00015',
    x_PriceEntry: 'discount:2026 off openai/gpt-4o-mini#1',
  })
  expect(of(rows, 'covered', 'input')[0]).toMatchObject({
    BilledCost: '0.0',
    ConsumedQuantity: '1000.0',
    x_CostSource: 'covered',
    SkuPriceId: '',
  })
})

test('another currency stays what it is', async () => {
  const [input] = of(await rowsOf('1.2'), 'v4', 'input')
  expect(input).toMatchObject({ BillingCurrency: 'CNY', PricingCurrency: 'CNY', BilledCost: '0.002468' })
})

test('a charge that the sender reported stands as it is, in USD, without a unit price', async () => {
  const [charge] = (await rowsOf('1.4')).filter((row) => row['x_CostSource'] === 'reported')
  expect(charge).toMatchObject({
    x_Model: 'v4',
    x_TokenKind: 'total',
    BillingCurrency: 'USD',
    BilledCost: '0.5',
    ListUnitPrice: '',
    SkuPriceId: '',
    ConsumedQuantity: '1.0',
    ConsumedUnit: 'Requests',
    x_PriceEntry: '',
  })
})

test('calls without a price have rows that claim no price, and are counted aloud', async () => {
  const { err } = await focus()
  expect(err).toMatch(/^2 calls have no known cost/m)
  expect(err).toMatch(/^1 calls have units without a price/m)
  const unpriced = (await rowsOf('1.4')).filter((row) => row['x_CostSource'] === 'unpriced')
  const none = {
    BilledCost: '0.0',
    ListUnitPrice: '',
    ContractedUnitPrice: '',
    PricingQuantity: '',
    PricingUnit: '',
    SkuPriceId: '',
  }
  expect(
    unpriced
      .map((row) => `${row['x_Model']} ${row['x_TokenKind']} ${row['ConsumedQuantity']} ${row['ConsumedUnit']}`)
      .sort(),
  ).toEqual([
    'half output 3.0 Tokens',
    'nobody-knows image 2.0 Images',
    'nobody-knows input 77.0 Tokens',
    'nobody-knows output 7.0 Tokens',
    'nobody-knows request 1.0 Requests',
  ])
  for (const row of unpriced) expect(row).toMatchObject(none)
  // 1.2 knows no usage without a price: nothing at one unit of the currency, which is no price of a token.
  const [old] = (await rowsOf('1.2')).filter((row) => row['x_CostSource'] === 'unpriced')
  expect(old).toMatchObject({ PricingQuantity: '0.0', PricingUnit: 'Units', ListUnitPrice: '1.0', BilledCost: '0.0' })
})

test('names a CSV has to quote, one project, tags, a file', async () => {
  const out = join(folder, 'focus.csv')
  const { code, out: said } = await focus(
    '--project',
    'beta "quoted", with comma',
    '--tags',
    'env,service',
    '--out',
    out,
  )
  const rows = parseCsv(readFileSync(out, 'utf8'))
  expect({ code, said }).toEqual({ code: 0, said: `${rows.length} rows written to ${out}\n` })
  expect(new Set(rows.map((row) => row['SubAccountId']))).toEqual(new Set(['beta "quoted", with comma']))
  expect(JSON.parse(rows[0]?.['Tags'] ?? '')).toEqual({})
})

test('as Parquet: the same values, decimals exact, times as times, NULL for what is not there', async () => {
  const out = join(folder, 'focus.parquet')
  expect(await focus('--out', out)).toMatchObject({ code: 0 })
  await engine.clickhouse.command(
    "CREATE TABLE parquet (BilledCost Decimal(38, 18), ListUnitPrice Nullable(Decimal(38, 18)), ChargePeriodStart DateTime64(3, 'UTC'), x_Model Nullable(String), InvoiceId Nullable(String), SubAccountId Nullable(String)) ENGINE = Memory",
  )
  const query = 'INSERT INTO parquet SETTINGS input_format_skip_unknown_fields = 1 FORMAT Parquet'
  const sent = await fetch(`${engine.url}/?database=spanledger&query=${encodeURIComponent(query)}`, {
    method: 'POST',
    body: readFileSync(out),
  })
  expect(await sent.text()).toBe('')
  const read = await engine.clickhouse.query<Record<string, string | null>>(
    'SELECT toString(BilledCost) AS cost, toString(ListUnitPrice) AS list, toString(toDate(ChargePeriodStart)) AS day, x_Model AS model, InvoiceId AS invoice, SubAccountId AS project FROM parquet',
  )
  const number = (text: string) => (text === '' ? null : formatDecimal(parseDecimal(text)))
  const written = await rowsOf('1.2')
  expect(
    read.map((row) => [
      number(row['cost'] ?? ''),
      number(row['list'] ?? ''),
      row['day'],
      row['model'],
      row['invoice'],
      row['project'],
    ]),
  ).toEqual(
    written.map((row) => [
      number(row['BilledCost'] ?? ''),
      number(row['ListUnitPrice'] ?? ''),
      row['ChargePeriodStart']?.slice(0, 10),
      row['x_Model'],
      null,
      row['SubAccountId'],
    ]),
  )
})

test('read back as a bill, every provider comes out without a difference', async () => {
  const file = join(folder, 'bill.csv')
  await focus('--project', 'alpha', '--out', file)
  let out = ''
  await runCli({
    argv: ['invoice', 'focus', file, '--dry-run', '--project', 'alpha', '--json'],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: () => undefined,
  })
  const { totals } = JSON.parse(out) as { totals: { provider: string; difference: string }[] }
  expect(totals.map(({ provider }) => provider)).toEqual([
    'alibaba_cloud',
    'anthropic',
    'deepseek',
    'groq',
    'house',
    'openai',
  ])
  for (const { provider, difference } of totals) expect([provider, difference]).toEqual([provider, '0'])
})

describe('wrong use ends with 2', () => {
  test.each([
    [['--focus-version', '1.0'], '--focus-version: "1.0" is not 1.2 or 1.4'],
    [['--from', '2026-11-02T10:00'], '--from: a row is a whole UTC day'],
    [['--tags', 'shoe'], '--tags: "shoe" is none of'],
    [['--to', '2026-01-01', '--from', '2026-01-01'], 'is not before'],
  ])('%j', async (flags, message) => {
    const { code, err } = await focus(...flags)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})
