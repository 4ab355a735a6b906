// The sample exports beside the sample ledger day: exactly the differences planted in it, without a database and through a
// real engine, the command and the views that dashboards read.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { readLedgerCsv } from '../../processors/invoices/ledger.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { ask, insert } from '../queries/ask.ts'
import { causes, compared, sample, samplePath, samples, totals } from './inputs.ts'

interface Planted {
  readonly bill: string
  readonly ledger: string
  readonly difference: string
  readonly explained: readonly { readonly cause: string; readonly amount: string }[]
}

const expected = JSON.parse(sample('expected.json')) as {
  openai: Planted
  anthropic: Planted
  other_totals: Record<string, string>
}
const ledger = sample('ledger-day.csv')

const sources: Readonly<Record<string, readonly string[]>> = {
  openai: [
    'openai-costs.json',
    'openai-usage-completions.json',
    'openai-usage-embeddings.json',
    'openai-usage-web-search.json',
  ],
  anthropic: ['anthropic-cost-report.json', 'anthropic-usage-messages.json'],
}

function usd(text: string): string {
  return String(Number(text))
}

/** By cause alone, as the sample has it. */
function planted(result: Parameters<typeof causes>[0]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(causes(result)).map(([key, amount]) => [key.replace(/^[^:]*: /, ''), amount]),
  )
}

describe.each(['openai', 'anthropic'] as const)('%s', (provider) => {
  const { bill, ledger: ours, difference, explained } = expected[provider]
  const wanted = Object.fromEntries(explained.map(({ cause, amount }) => [cause, usd(amount)]))

  test('usage and cost report: the planted differences and nothing else', () => {
    const result = compared(provider, samples(...(sources[provider] ?? [])), ledger)
    expect(totals(result, provider)).toEqual({ bill: usd(bill), ledger: usd(ours), difference: usd(difference) })
    expect(planted(result)).toEqual(wanted)
    expect(result.notes).toEqual([])
  })

  test('the cost report alone: the same sums, with what it cannot tell apart named as such', () => {
    const [cost = ''] = sources[provider] ?? []
    const result = compared(provider, samples(cost), ledger)
    expect(totals(result, provider).difference).toBe(usd(difference))
    expect(planted(result)).toEqual(
      provider === 'openai' ? { 'missing telemetry': '0.18', 'batch or flex discount not applied': '-0.7' } : wanted,
    )
  })

  test('the usage report alone: tokens compared, at our prices', () => {
    const result = compared(provider, samples(...(sources[provider] ?? []).slice(1)), ledger)
    expect(totals(result, provider).bill).toBeNull()
    expect(planted(result)).toEqual(wanted)
  })
})

test('the dashboard CSV of costs is the same bill as the API', () => {
  const { days: one, ...rest } = compared('openai', samples('openai-costs.json'), ledger)
  expect(one).toEqual(['2026-11-02'])
  const { days, ...csv } = compared('openai', samples('openai-costs-dashboard.csv'), ledger)
  // It has a row for a day on which nothing was used.
  expect(days).toEqual(['2026-11-01', '2026-11-02'])
  expect(csv).toEqual(rest)
})

test('the same day in two exports is counted once, and said', () => {
  const both = compared('openai', samples('openai-costs.json', 'openai-costs-dashboard.csv'), ledger)
  expect(totals(both, 'openai').bill).toBe('5.59')
  expect(both.notes.map(({ text }) => text)).toEqual([
    'openai-costs-dashboard.csv: 2026-11-02 is in openai-costs.json too, taken once',
  ])
})

test('the console of Anthropic has no batch line: the calls of the ledger are not called counted twice', () => {
  const result = compared('anthropic', samples('anthropic-console-cost.csv', 'anthropic-console-usage.csv'), ledger)
  expect(causes(result)).toEqual({
    'unexplained: used, and no money for it on the bill': '-0.12',
    'different price: inference_geo us uplift 1.1x': '0.03',
    'different price: 1h cache write priced at 5m rate': '0.06',
    'unexplained: only in the ledger': '-0.45',
  })
})

test.each([
  ['bedrock', ['bedrock-cur2.csv'], ['bedrock_net_of_credit', 'bedrock_usage']],
  ['google', ['gcp-billing-detailed.ndjson'], ['gcp_net_of_credits', 'gcp_cost']],
  ['azure', ['azure-cost-details.csv'], ['azure', 'azure']],
  ['openrouter', ['openrouter-activity.json'], ['openrouter', 'openrouter']],
  ['openrouter', ['openrouter-activity.csv'], ['openrouter', 'openrouter']],
  ['deepseek', ['deepseek-amount.csv', 'deepseek-cost.csv'], ['deepseek', 'deepseek']],
  ['deepseek', ['deepseek-amount.csv'], ['deepseek', 'deepseek']],
  ['litellm', ['litellm-spendlogs.ndjson'], ['litellm', 'litellm']],
] as const)('%s %j sums to the total of the sample', (provider, files, [net, gross]) => {
  const result = compared(provider, samples(...files), [])
  const sum = (field: 'bill' | 'billBeforeCredits') =>
    formatPicoUsd(result.totals.reduce((all, each) => all + (each[field] ?? 0n), 0n))
  expect([sum('bill'), sum('billBeforeCredits')]).toEqual([
    usd(expected.other_totals[net] ?? ''),
    usd(expected.other_totals[gross] ?? ''),
  ])
})

test('FOCUS names its providers: each is laid beside its own part of the ledger', () => {
  for (const file of ['focus-1.2.csv', 'focus-1.4.csv']) {
    const result = compared('focus', samples(file), ledger)
    expect(totals(result, 'openai')).toEqual({ bill: '5.55', ledger: '6.11', difference: '-0.56' })
    expect(causes({ findings: result.findings.filter(({ provider }) => provider === 'openai') })).toMatchObject({
      'missing telemetry: missing telemetry': '0.18',
      'different price: batch discount not applied': '-0.7',
      'unexplained: only in the ledger': '-0.04',
    })
  }
})

describe('in the database', () => {
  let engine: TestEngine

  beforeAll(async () => {
    engine = await startTestEngine()
    await insert(engine.url, 'spans', readLedgerCsv(ledger).map(spanOf))
  })

  afterAll(() => engine?.stop())

  async function invoice(...argv: readonly string[]) {
    let out = ''
    let err = ''
    const code = await runCli({
      argv: ['invoice', ...argv, '--json', '--as-of', '2026-11-23T00:00:00Z'],
      env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
      readFile: () => '',
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
    return {
      code,
      err,
      answer: JSON.parse(out === '' ? err : out) as {
        explained: { category: string; cause: string; amount: string }[]
        totals: unknown[]
      },
    }
  }

  test.each(['openai', 'anthropic'] as const)(
    '%s: the command finds what was planted, and exits with 1',
    async (provider) => {
      const { code, answer, err } = await invoice(provider, ...(sources[provider] ?? []).map(samplePath))
      const { bill, ledger: ours, difference, explained } = expected[provider]
      expect({ code, err }).toEqual({ code: 1, err: '' })
      expect(answer.totals).toMatchObject([
        { provider, bill: usd(bill), ledger: usd(ours), difference: usd(difference) },
      ])
      expect(Object.fromEntries(answer.explained.map(({ cause, amount }) => [cause, amount]))).toEqual(
        Object.fromEntries(explained.map(({ cause, amount }) => [cause, usd(amount)])),
      )
    },
  )

  test('an import of the same day replaces the one before, which stays readable with its hashes', async () => {
    const count = async (sql: string) => (await ask(engine.url, sql)).rows
    await invoice('openai', ...(sources['openai'] ?? []).map(samplePath))
    await invoice('openai', samplePath('openai-costs-dashboard.csv'))
    const found = await count(
      `SELECT cause, toString(sum(amount)) AS amount FROM current_invoice_findings WHERE provider = 'openai' GROUP BY cause ORDER BY cause`,
    )
    expect(found).toEqual([
      { cause: 'batch or flex discount not applied', amount: '-0.7' },
      { cause: 'missing telemetry', amount: '0.18' },
    ])
    const imports = await count(
      `SELECT arrayStringConcat(files, ' ') AS files, arrayAll(h -> match(h, '^[0-9a-f]{64}$'), hashes) AS hashed,
        toString(bill_cost) AS bill, toString(ledger_cost) AS ledger, toString(difference) AS difference
      FROM invoice_imports FINAL WHERE provider = 'openai' AND day = '2026-11-02' ORDER BY import_id`,
    )
    expect(imports.at(-1)).toEqual({
      files: 'openai-costs-dashboard.csv',
      hashed: 1,
      bill: '5.59',
      ledger: '6.11',
      difference: '-0.52',
    })
    expect(imports.length).toBeGreaterThanOrEqual(2)
  })

  test('--dry-run stores nothing; a wrong provider, a missing file and a bill of another provider end as they should', async () => {
    const before = (await ask(engine.url, 'SELECT count() AS n FROM invoice_imports')).rows
    expect((await invoice('anthropic', samplePath('anthropic-cost-report.json'), '--dry-run')).code).toBe(1)
    expect((await ask(engine.url, 'SELECT count() AS n FROM invoice_imports')).rows).toEqual(before)
    expect((await invoice('nobody', samplePath('anthropic-cost-report.json'))).code).toBe(2)
    expect((await invoice('openai', '/no/such/file.json')).code).toBe(2)
    expect((await invoice('openai', samplePath('anthropic-cost-report.json'))).code).toBe(3)
  })
})

/** A row of the sample ledger as one call with that much usage and cost. */
function spanOf(cell: ReturnType<typeof readLedgerCsv>[number], row: number): Record<string, unknown> {
  const tokens = Number(cell.quantity / 10n ** 12n)
  const cost = formatPicoUsd(cell.amount ?? 0n)
  const id = String(row).padStart(16, '0')
  const columns: Readonly<Record<string, Record<string, unknown>>> = {
    input: { input_tokens: tokens, input_cost: cost },
    cache_read: { input_tokens: tokens, cache_read_tokens: tokens, cache_read_cost: cost },
    cache_write: { input_tokens: tokens, cache_write_tokens: tokens, cache_write_cost: cost },
    output: { output_tokens: tokens, output_cost: cost },
    web_search: { usage_other: { web_search_calls: tokens }, other_cost: cost },
  }
  return {
    project_id: cell.account === '' ? 'default' : cell.account,
    kind: 'llm',
    start_time: `2026-11-02 0${row % 10}:00:00`,
    trace_id: id,
    span_id: id,
    provider: cell.provider,
    model: cell.model,
    service_tier: cell.dimensions.tier,
    status: 'ok',
    cost_status: 'priced',
    total_cost: cost,
    retention_days: 4000,
    sign: 1,
    ...columns[cell.family],
  }
}
