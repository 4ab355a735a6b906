// One cause after the other, planted into small bills: the rule is tested, not the sample.

import { describe, expect, test } from 'vitest'
import type { LedgerCell } from '../../processors/invoices/ledger.ts'
import { readLedgerCsv } from '../../processors/invoices/ledger.ts'
import { readMap } from '../../processors/invoices/map.ts'
import { causes, compared, imported, ledgerOf, sample, samples, totals } from './inputs.ts'

/** Cost report of OpenAI for 2 November 2026: `project, line item, quantity, dollars`. */
function costs(...rows: readonly (readonly [string, string, number, string])[]): Record<string, string> {
  const results = rows.map(
    ([project, item, quantity, value]) =>
      `{"object":"organization.costs.result","amount":{"value":${value},"currency":"usd"},"line_item":${JSON.stringify(item)},"project_id":${JSON.stringify(project)},"quantity":${quantity},"quantity_unit":"tokens"}`,
  )
  return {
    'costs.json': `{"object":"page","data":[{"object":"bucket","start_time":1793577600,"end_time":1793664000,"results":[${results.join(',')}]}],"has_more":false,"next_page":null}`,
  }
}

const terra = 'gpt-5.6-terra'
const input = `${terra}, input_tokens`
const cached = `${terra}, cached_input_tokens`
const output = `${terra}, output_tokens`

function with_(cells: readonly LedgerCell[], change: Partial<LedgerCell>): LedgerCell[] {
  return cells.map((cell) => ({ ...cell, ...change }))
}

describe('tokens', () => {
  test('everything equal: matched, and nothing found', () => {
    const result = compared(
      'openai',
      costs(['p', input, 1000, '0.002']),
      ledgerOf('openai', [`p,${terra},input,standard,,1000,0.002,1`]),
    )
    expect(result.isMatched).toBe(true)
    expect(result.findings).toEqual([])
    expect(result.lines.map(({ state }) => state)).toEqual(['matched'])
  })

  test('twice the bill in every kind: counted twice', () => {
    const ledger = ledgerOf('openai', [`p,${terra},input,,,2000,0.004,`, `p,${terra},output,,,200,0.0024,`])
    const result = compared('openai', costs(['p', input, 1000, '0.002'], ['p', output, 100, '0.0012']), ledger)
    expect(causes(result)).toEqual({ 'counted twice: calls counted twice': '-0.0032' })
    expect(result.findings[0]?.evidence).toBe('the ledger has exactly 2 times the bill')
  })

  test('calls that the ledger repeats are counted twice, and what is missing besides is missing', () => {
    const [cell] = readLedgerCsv(ledgerOf('openai', [`p,${terra},input,,,900,0.0018,9`]))
    const repeated = with_([cell as LedgerCell], {
      repeatedQuantity: 100n * 10n ** 12n,
      repeatedAmount: 200_000_000n,
      hasIds: true,
    })
    expect(causes(compared('openai', costs(['p', input, 1000, '0.002']), repeated))).toEqual({
      'counted twice: calls counted twice': '-0.0002',
      'missing telemetry: missing telemetry': '0.0004',
    })
  })

  test('ids said to be repeated while the tokens agree are no finding', () => {
    const cells = readLedgerCsv(ledgerOf('openai', [`p,${terra},input,,,1000,0.002,9`]))
    const repeated = with_(cells, { repeatedQuantity: 10n ** 14n, repeatedAmount: 200_000_000n })
    expect(compared('openai', costs(['p', input, 1000, '0.002']), repeated).isMatched).toBe(true)
  })

  test('more than the bill, while every call has an id of its own, is not called counted twice', () => {
    const cells = with_(readLedgerCsv(ledgerOf('openai', [`p,${terra},input,,,1100,0.0022,9`])), { hasIds: true })
    expect(causes(compared('openai', costs(['p', input, 1000, '0.002']), cells))).toEqual({
      'unexplained: more in the ledger than on the bill': '-0.0002',
    })
  })

  test('more than the bill, with more calls than it has requests, is counted twice; with as many, it is not', () => {
    const usage = (requests: number) => ({
      'usage.json': `{"data":[{"start_time":1793577600,"results":[{"object":"organization.usage.completions.result","input_tokens":1000,"output_tokens":0,"num_model_requests":${requests},"project_id":"p","model":"${terra}","batch":false}]}]}`,
    })
    const ledger = ledgerOf('openai', [`p,${terra},input,,,1100,0.0022,`, `p,${terra},requests,,,11,,`])
    expect(causes(compared('openai', usage(10), ledger))).toEqual({ 'counted twice: calls counted twice': '-0.0002' })
    expect(causes(compared('openai', usage(11), ledger))).toEqual({
      'unexplained: more tokens in the ledger than on the bill': '-0.0002',
    })
  })

  test('cached input counted as fresh moves between kinds, and its sum is the same', () => {
    const ledger = ledgerOf('openai', [`p,${terra},input,,,1500,0.003,`])
    expect(
      causes(compared('openai', costs(['p', input, 1000, '0.002'], ['p', cached, 500, '0.0001']), ledger)),
    ).toEqual({
      'different price: cache reads counted as fresh input': '-0.0009',
    })
  })

  test('cached input counted in fresh input too', () => {
    const ledger = ledgerOf('openai', [`p,${terra},input,,,1500,0.003,`, `p,${terra},cache_read,,,500,0.0001,`])
    expect(
      causes(compared('openai', costs(['p', input, 1000, '0.002'], ['p', cached, 500, '0.0001']), ledger)),
    ).toEqual({
      'counted twice: cached tokens counted in fresh input too': '-0.001',
    })
  })

  test('errors that cancel in money are both found', () => {
    const ledger = ledgerOf('openai', [`p,${terra},input,,,500,0.001,`, `p,${terra},output,,,200,0.002,`])
    const bill = costs(['p', input, 1000, '0.002'], ['p', output, 100, '0.001'])
    expect(totals(compared('openai', bill, ledger), 'openai').difference).toBe('0')
    expect(causes(compared('openai', bill, ledger))).toMatchObject({ 'missing telemetry: missing telemetry': '0.001' })
    expect(compared('openai', bill, ledger).isMatched).toBe(false)
  })

  test('a project without any telemetry is missing telemetry, at the price of the bill', () => {
    const ledger = ledgerOf('openai', [`p,${terra},input,,,1000,0.002,`])
    const result = compared('openai', costs(['p', input, 1000, '0.002'], ['q', 'gpt-9, input', 10, '0.5']), ledger)
    expect(causes(result)).toEqual({ 'missing telemetry: missing telemetry': '0.5' })
  })
})

describe('one project of the ledger for several of the bill', () => {
  const [head = '', ...rows] = sample('ledger-day.csv').trim().split('\n')
  const together = [head, ...rows.map((row) => row.split(',').with(2, 'default').join(','))].join('\n')

  test('tokens are compared as a whole, with the same causes', () => {
    const usage = samples(
      'openai-usage-completions.json',
      'openai-usage-embeddings.json',
      'openai-usage-web-search.json',
    )
    expect(causes(compared('openai', { ...samples('openai-costs.json'), ...usage }, together))).toEqual({
      'missing telemetry: missing telemetry': '0.18',
      'different price: batch discount not applied': '-0.7',
    })
    expect(
      causes(compared('anthropic', samples('anthropic-cost-report.json', 'anthropic-usage-messages.json'), together)),
    ).toEqual({
      'different price: inference_geo us uplift 1.1x': '0.03',
      'different price: 1h cache write priced at 5m rate': '0.06',
    })
  })
})

test('a batch job without telemetry is missing at its own price, not at the standard one', () => {
  const bill = costs(['p', input, 1000, '0.002'])
  const usage = {
    'usage.json': JSON.stringify({
      data: [
        {
          start_time: 1793577600,
          results: [
            {
              object: 'organization.usage.completions.result',
              input_tokens: 600,
              output_tokens: 0,
              num_model_requests: 6,
              project_id: 'p',
              model: terra,
              batch: false,
            },
            {
              object: 'organization.usage.completions.result',
              input_tokens: 400,
              output_tokens: 0,
              num_model_requests: 4,
              project_id: 'p',
              model: terra,
              batch: true,
            },
          ],
        },
      ],
    }),
  }
  const files = { 'costs.json': (bill['costs.json'] ?? '').replace('0.002', '0.0016'), ...usage }
  expect(causes(compared('openai', files, ledgerOf('openai', [`p,${terra},input,,,600,0.0012,`])))).toEqual({
    'missing telemetry: missing telemetry': '0.0004',
  })
})

test('what is missing on one day and too much on the day beside it was booked to another day', () => {
  const first = costs(['p', input, 1000, '0.002'])['costs.json'] ?? ''
  const second = first.replaceAll('1793577600', '1793664000').replace('"end_time":1793664000', '"end_time":1793750400')
  const ledger = [
    ledgerOf('openai', [`p,${terra},input,,,900,0.0018,`]),
    ledgerOf('openai', [`p,${terra},input,,,1100,0.0022,`], '2026-11-03').split('\n')[1],
  ].join('\n')
  const result = compared('openai', { 'a.json': first, 'b.json': second }, ledger)
  expect(result.findings.map(({ day, cause, quantityPart }) => [day, cause, quantityPart])).toEqual([
    ['2026-11-02', 'booked to the neighbouring day', 200_000_000n],
    ['2026-11-03', 'booked to the neighbouring day', -200_000_000n],
  ])
})

describe('prices at equal tokens', () => {
  test('a price the book has for another time is named by its day', () => {
    // Until 30 July 2026 this model cost 2.5 a million.
    const result = compared(
      'openai',
      costs(['p', input, 1_000_000, '2.5']),
      ledgerOf('openai', [`p,${terra},input,,,1000000,2,`]),
    )
    expect(causes(result)).toEqual({ 'different price: bill charges an older price': '0.5' })
  })

  test('a price in no book is told as the ratio it is', () => {
    const result = compared(
      'openai',
      costs(['p', input, 1000, '0.0026']),
      ledgerOf('openai', [`p,${terra},input,,,1000,0.002,`]),
    )
    expect(causes(result)).toEqual({ 'different price: bill price is 1.3 x ours': '0.0006' })
  })

  test('calls without a price in the ledger', () => {
    const result = compared(
      'openai',
      costs(['p', input, 1000, '0.002']),
      ledgerOf('openai', [`p,${terra},input,,,1000,,`]),
    )
    expect(causes(result)).toEqual({ 'different price: not priced in the ledger': '0.002' })
  })

  test('one factor below one on every line is a discount; a power of ten is a unit', () => {
    const ledger = ledgerOf('openai', [
      `p,${terra},input,,,1000,0.002,`,
      `p,${terra},cache_read,,,1000,0.0002,`,
      `p,${terra},output,,,1000,0.012,`,
      `p,,web_search,,,3,0.03,`,
    ])
    const bill = (factor: (text: number) => string) =>
      costs(
        ['p', input, 1000, factor(0.002)],
        ['p', cached, 1000, factor(0.0002)],
        ['p', output, 1000, factor(0.012)],
        // Tools are charged in full.
        ['p', 'web search tool calls', 3, '0.03'],
      )
    expect(
      causes(
        compared(
          'openai',
          bill((usd) => (usd * 0.87).toFixed(8)),
          ledger,
        ),
      ),
    ).toEqual({
      'discount: bill is 0.87 x ours on every line': '-0.001846',
    })
    expect(
      causes(
        compared(
          'openai',
          bill((usd) => (usd * 100).toFixed(8)),
          ledger,
        ),
      ),
    ).toEqual({
      'unexplained: every line is off by 100: a unit or currency read wrong': '1.4058',
    })
  })

  test('tokens and price differ at once: quantity at our price, price on what was billed', () => {
    const result = compared(
      'openai',
      costs(['p', input, 1000, '0.003']),
      ledgerOf('openai', [`p,${terra},input,,,900,0.0018,`]),
    )
    expect(causes(result)).toEqual({
      'missing telemetry: missing telemetry': '0.0002',
      'different price: bill price is 1.5 x ours': '0.001',
    })
  })
})

describe('names, credits and what has no tokens', () => {
  test('a line item that no rule reads is unmapped, with its amount; the map file settles it', () => {
    const bill = costs(['p', `${terra}, turbo tokens`, 1000, '0.01'])
    const ledger = ledgerOf('openai', [`p,${terra},output,,,1000,0.012,`])
    const result = compared('openai', bill, ledger)
    expect(causes(result)).toEqual({
      'unmapped name: kind not known': '0.01',
      'unexplained: only in the ledger': '-0.012',
    })
    expect(result.lines.map(({ state, label }) => [state, label])).toContainEqual([
      'unmapped',
      `${terra}, turbo tokens`,
    ])
    const map = readMap({ labels: [{ label: `${terra}, turbo tokens`, model: terra, kind: 'output' }] })
    expect(causes(compared('openai', bill, ledger, { map }))).toEqual({
      'different price: bill price is 0.8333 x ours': '-0.002',
    })
  })

  test('an account of the bill is a project of the ledger when the map says so', () => {
    const map = readMap({ accounts: { proj_1: 'shop', proj_2: 'search' } })
    const ledger = ledgerOf('openai', [`shop,${terra},input,,,1000,0.002,`, `search,${terra},input,,,500,0.001,`])
    const result = compared(
      'openai',
      costs(['proj_1', input, 1000, '0.002'], ['proj_2', input, 700, '0.0014']),
      ledger,
      { map },
    )
    expect(result.findings.map(({ account, quantity }) => [account, quantity / 10n ** 12n])).toEqual([['search', 200n]])
  })

  test('tax is a line without tokens, a credit a discount', () => {
    const head =
      'lineItem/UsageStartDate,lineItem/UsageType,lineItem/UsageAmount,lineItem/UnblendedCost,lineItem/LineItemType,lineItem/ProductCode,lineItem/CurrencyCode'
    const bill = {
      'cur.csv': `${head}\n2026-11-02T00:00:00Z,,0,1.5,Tax,AmazonBedrock,USD\n2026-11-02T00:00:00Z,,0,-4,Credit,AmazonBedrock,USD\n2026-11-02T00:00:00Z,BoxUsage:m5,1,9,Usage,AmazonEC2,USD\n`,
    }
    expect(causes(compared('bedrock', bill, []))).toEqual({
      'non-token line: tax': '1.5',
      'discount: credit on the bill': '-4',
    })
  })

  test('an amount below the list price of the same row is a discount of that much', () => {
    const head =
      'Date,SubscriptionId,MeterCategory,MeterName,UnitOfMeasure,Quantity,EffectivePrice,PayGPrice,CostInBillingCurrency,BillingCurrency,ChargeType'
    const bill = {
      'azure.csv': `${head}\n11/02/2026,s,Azure OpenAI,gpt 4.1 Inp glbl Tokens,1K,1000,0.0018,0.002,1.8,USD,Usage\n`,
    }
    expect(causes(compared('azure', bill, ledgerOf('azure.ai.openai', ['p,gpt-4.1,input,,,1000000,2,'])))).toEqual({
      'discount: charged less than the list price': '-0.2',
    })
  })
})

describe('completeness', () => {
  test('a report that says there is more is incomplete, and what it lacks is not said to be counted twice', () => {
    const cut = {
      'costs.json': (costs(['p', input, 1000, '0.002'])['costs.json'] ?? '').replace(
        '"has_more":false',
        '"has_more":true',
      ),
    }
    const result = compared('openai', cut, ledgerOf('openai', [`p,${terra},input,,,2000,0.004,`]))
    expect(result.notes).toMatchObject([
      { kind: 'incomplete', text: 'costs.json: has_more is true and the next page was not given' },
    ])
    expect(causes(result)).toEqual({ 'unexplained: only in the ledger': '-0.002' })
  })

  test('the page after it makes it whole', () => {
    const text = costs(['p', input, 1000, '0.002'])['costs.json'] ?? ''
    const next = text.replaceAll('1793577600', '1793664000').replace('"end_time":1793664000', '"end_time":1793750400')
    const pages = { 'a.json': text.replace('"has_more":false', '"has_more":true'), 'b.json': next }
    expect(imported('openai', pages).notes).toEqual([])
    expect(imported('openai', { 'both.json': `${pages['a.json']}\n${pages['b.json']}` }).days).toEqual([
      '2026-11-02',
      '2026-11-03',
    ])
  })

  test('an ungrouped total beside the groups is compared with their sum, and added to nothing', () => {
    const grouped = costs(['p', input, 1000, '0.002'])
    const total = { 'total.json': (costs(['', '', 1500, '0.003'])['costs.json'] ?? '').replaceAll('""', 'null') }
    const bill = imported('openai', { ...total, ...grouped })
    expect(bill.cells).toHaveLength(1)
    expect(bill.notes).toMatchObject([
      {
        kind: 'incomplete',
        text: 'the total of 2026-11-02 in total.json is 0.003, the groups in costs.json sum to 0.002',
      },
    ])
  })

  test('a hundred groups in a bucket of the analytics report are as many as it can have', () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({
      amount: '1.0',
      list_amount: '1.0',
      currency: 'USD',
      cost_type: 'tokens',
      token_type: 'output_tokens',
      model: 'claude-sonnet-5',
      workspace_id: `w${i}`,
    }))
    const text = JSON.stringify({
      data: [{ starting_at: '2026-11-02T00:00:00Z', ending_at: '2026-11-03T00:00:00Z', results: rows }],
      has_more: false,
    })
    expect(imported('anthropic', { 'cost.json': text }).notes).toMatchObject([
      { kind: 'incomplete', day: '2026-11-02' },
    ])
  })

  test('two downloads of one day that differ contradict each other', () => {
    const newer = costs(['p', input, 1000, '0.0021'])['costs.json'] ?? ''
    expect(() => imported('openai', { ...costs(['p', input, 1000, '0.002']), 'newer.json': newer })).toThrow(
      'costs.json and newer.json both have 2026-11-02 and differ (0.002 and 0.0021): give the newer one alone',
    )
  })

  test('days that ended just before are provisional, and no cause is claimed for them', () => {
    const asOf = Date.parse('2026-11-03T09:00:00Z')
    const result = compared(
      'openai',
      costs(['p', input, 1000, '0.002']),
      ledgerOf('openai', [`p,${terra},input,,,2000,0.004,`]),
      { asOf },
    )
    expect(result.findings.map(({ category }) => category)).toEqual(['provisional'])
    expect(result.lines.map(({ state }) => state)).toEqual(['provisional'])
  })

  test('cells know the line they come from', () => {
    const { cells } = imported('openai', samples('openai-costs.json'))
    const text = sample('openai-costs.json').split('\n')
    for (const { firstLine, label } of cells) {
      const item = text.slice(firstLine - 1).find((line) => line.includes('line_item'))
      expect(text[firstLine - 1]?.trim(), label).toBe('{')
      expect(item).toContain(label)
    }
  })

  test('another currency is kept apart, its tokens compared', () => {
    const bill = Object.fromEntries(
      Object.entries(costs(['p', input, 1000, '0.0017'])).map(([name, text]) => [name, text.replace('"usd"', '"eur"')]),
    )
    const result = compared('openai', bill, ledgerOf('openai', [`p,${terra},input,,,900,0.0018,`]))
    expect(result.totals[0]?.bill).toBeNull()
    expect([...(result.totals[0]?.otherCurrencies ?? [])]).toEqual([['EUR', 1_700_000_000n]])
    expect(causes(result)).toEqual({ 'missing telemetry: missing telemetry': '0.0002' })
  })
})

describe('days, units and names of the clouds', () => {
  test('a Google hour after midnight UTC is the day before in California', () => {
    const row = (start: string) =>
      `{"service":{"description":"Vertex AI"},"sku":{"description":"Gemini 3 Flash Text Input - Predictions"},"usage_start_time":"${start}","cost":1,"currency":"USD","usage":{"amount":10,"unit":"count"}}`
    const bill = imported('google', {
      'a.ndjson': `${row('2026-11-02T07:00:00Z')}\n${row('2026-11-02T08:00:00Z')}\n${row('2026-11-03 07:59:59 UTC')}`,
    })
    expect(bill.cells.map(({ day, lines }) => [day, lines])).toEqual([
      ['2026-11-01', 1],
      ['2026-11-02', 2],
    ])
  })

  test('units of the marketplace are what makes the price a known one, or are refused', () => {
    const head =
      'line_item_usage_start_date,line_item_usage_type,line_item_usage_amount,line_item_unblended_cost,line_item_line_item_type,line_item_product_code,line_item_line_item_description'
    const row = (amount: string, cost: string) =>
      `2026-11-02T00:00:00Z,USE1-MP:USE1_OutputTokenCount_Global-Units,${amount},${cost},Usage,abc,Claude Sonnet 5 (Amazon Bedrock Edition)`
    const ledger = ledgerOf('aws.bedrock', ['p,anthropic.claude-sonnet-5-v1:0,output,,,500000,5,'])
    for (const [amount, cost] of [
      ['0.5', '5'],
      ['500', '5'],
      ['500000', '5'],
    ] as const) {
      expect(compared('bedrock', { 'cur.csv': `${head}\n${row(amount, cost)}` }, ledger).isMatched).toBe(true)
    }
    const odd = compared('bedrock', { 'cur.csv': `${head}\n${row('0.02', '5')}` }, ledger)
    expect(odd.notes[0]?.text).toContain('fits no known price')
  })

  test.each([
    ['azure', 'gpt 4o 1120 Batch Inp glbl Tokens', ['gpt 4o 1120', 'input', 'batch']],
    ['azure', 'GPT 5 Mini cchd Inpt Glbl 1M Tokens', ['gpt 5 mini', 'cache_read', '']],
    ['azure', '5.6 sol LongCo Cd Wr PP DZ 1M Tokens', ['5.6 sol', 'cache_write', 'priority']],
    ['azure', '56sol ShCo Cd Wr Fl Gl 1M Tokens', ['56sol', 'cache_write', 'flex']],
  ] as const)('%s reads %s', (_, meter, [model, family, tier]) => {
    const head = 'date,meterCategory,meterName,unitOfMeasure,quantity,costInBillingCurrency,billingCurrency,chargeType'
    const [cell] = imported('azure', {
      'mca.csv': `\uFEFF${head}\n11/02/2026,Foundry Models,${meter},1M,2,3,USD,Usage\n`,
    }).cells
    expect(cell).toMatchObject({ model, family, dimensions: { tier }, quantity: 2n * 10n ** 36n })
  })

  test('the place of a deployment has a price of its own, in any spelling', () => {
    const head =
      'Date,SubscriptionId,MeterCategory,MeterName,UnitOfMeasure,Quantity,CostInBillingCurrency,BillingCurrency,ChargeType'
    const bill = { 'azure.csv': `${head}\n11/02/2026,s,Azure OpenAI,gpt 4.1 Inp DZ Tokens,1K,1000,2.2,USD,Usage\n` }
    const ours = (geo: string, usd: string) => ledgerOf('azure.ai.openai', [`p,gpt-4.1,input,,${geo},1000000,${usd},`])
    expect(compared('azure', bill, ours('datazone-standard', '2.2')).isMatched).toBe(true)
    expect(causes(compared('azure', bill, ours('global-standard', '2')))).toEqual({
      'different price: region data_zone uplift 1.1x': '0.2',
    })
    // A place that is not known is no difference of place; what the bill charged is in the price book under these.
    expect(causes(compared('azure', bill, ours('', '1.1')))).toEqual({
      'different price: data_zone or regional uplift not applied': '1.1',
    })
  })

  test('what LiteLLM answered from its own cache, and what failed, is no charge of a provider', () => {
    const [text = ''] = Object.values(samples('litellm-spendlogs.ndjson'))
    const cachedToo = text.replaceAll('"cache_hit": "False"', '"cache_hit": "True"')
    expect(imported('litellm', { 'a.ndjson': cachedToo }).cells).toEqual([])
  })
})
