// Spans through the real pipeline, priced by the price book that ships, beside bills: the ledger's own FOCUS export matches
// it, and one call told twice by two instrumentations is found.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { type CallInput, pricedLedger } from '../focus/priced-ledger.ts'

const at = Date.parse('2026-11-02T12:00:00Z')
const tokens = (input: number, output: number, more: Record<string, number | string> = {}) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
  ...more,
})
const terra = { provider: 'openai', model: 'gpt-5.6-terra', at }
const sonnet = { provider: 'anthropic', model: 'claude-sonnet-5', at }

const calls: readonly CallInput[] = [
  {
    ...terra,
    attributes: tokens(1000, 77, { 'gen_ai.usage.cache_read.input_tokens': 300, 'gen_ai.response.id': 'chatcmpl-1' }),
  },
  { ...terra, attributes: tokens(333, 7, { 'gen_ai.response.id': 'chatcmpl-2' }) },
  {
    ...sonnet,
    attributes: tokens(5000, 11, {
      'gen_ai.usage.cache_read.input_tokens': 3000,
      'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 700,
      'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 300,
    }),
  },
  { ...sonnet, attributes: tokens(40, 4, { 'gen_ai.response.service_tier': 'batch' }) },
  { ...sonnet, attributes: tokens(4000, 400, { 'anthropic.usage.inference_geo': 'us' }) },
]

let engine: TestEngine
let folder = ''
let send: Awaited<ReturnType<typeof pricedLedger>>['send']

beforeAll(async () => {
  engine = await startTestEngine()
  folder = mkdtempSync(join(tmpdir(), 'spanledger-invoice-'))
  ;({ send } = await pricedLedger(engine, new PriceBook(loadPriceBook())))
  await send('shop', calls)
  await send(
    'search',
    calls.slice(0, 1).map((call) => ({ ...call, attributes: tokens(70_001, 900) })),
  )
})

afterAll(async () => {
  await engine?.stop()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

async function run(...argv: readonly string[]) {
  let out = ''
  let err = ''
  const code = await runCli({
    argv: [...argv],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
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

interface Answer {
  readonly explained: readonly {
    readonly category: string
    readonly cause: string
    readonly amount: string
    readonly evidence: string
  }[]
  readonly lines: readonly { readonly state: string; readonly kind: string }[]
}

async function invoice(provider: string, file: string) {
  const { code, out, err } = await run('invoice', provider, file, '--json', '--as-of', '2026-11-20T00:00:00Z')
  return { code, err, answer: JSON.parse(out === '' ? err : out) as Answer }
}

test.each(['1.2', '1.4'])("the ledger's own FOCUS %s export matches it, line by line", async (version) => {
  const file = join(folder, `focus-${version}.csv`)
  const exported = await run(
    'focus',
    '--from',
    '2026-11-02',
    '--to',
    '2026-11-03',
    '--focus-version',
    version,
    '--out',
    file,
  )
  expect(exported.code, exported.err).toBe(0)
  const { code, answer, err } = await invoice('focus', file)
  expect({ err, explained: answer.explained.filter(({ category }) => category !== 'rounding') }).toEqual({
    err: '',
    explained: [],
  })
  expect(new Set(answer.lines.map(({ state }) => state))).toEqual(new Set(['matched']))
  expect(answer.lines.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['cache_read', 'cache_write_5m', 'cache_write_1h', 'output']),
  )
  expect(code).toBe(0)
})

test('a call that two instrumentations told of is counted twice, by its response id', async () => {
  // The same answer once more, from another trace.
  await send('shop', [{ ...(calls[1] as CallInput), at: at + 50 }])
  const row = (kind: string, quantity: number, usd: string) =>
    `1793577600,1793664000,2026-11-02T00:00:00,2026-11-03T00:00:00,${usd},usd,${quantity},tokens,"gpt-5.6-terra, ${kind}",`
  const file = join(folder, 'costs.csv')
  writeFileSync(
    file,
    [
      'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id',
      row('input_tokens', 700 + 333 + 70_001, '0.142068'),
      row('cached_input_tokens', 300, '0.00006'),
      row('output_tokens', 77 + 7 + 900, '0.011808'),
    ].join('\n'),
  )
  const { code, answer } = await invoice('openai', file)
  expect(answer.explained).toMatchObject([
    {
      category: 'counted twice',
      cause: 'calls counted twice',
      amount: '-0.00075',
      evidence: expect.stringContaining('response id'),
    },
  ])
  expect(code).toBe(1)
})
