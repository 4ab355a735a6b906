// Own prices in a collector as users run it: a file that changes under it, that breaks, and prices set over the API.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { readChanges } from '../../collector/prices/records.ts'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const directory = temporaryDirectory()
const file = join(directory.path, 'prices.yaml')
const priceOf = (input: string): string =>
  `prices: [{id: own, provider: my-host, model: llama-ft, rates: {input: ${input}, output: 8}}]\n`
let collector: CollectorUnderTest

const start = (env: Record<string, string> = {}): Promise<CollectorUnderTest> =>
  startCollector(join(directory.path, 'data'), { SPANLEDGER_PRICES_FILE: file, ...env })

beforeAll(async () => {
  writeFileSync(file, priceOf('2'))
  collector = await start()
}, 30_000)
afterAll(async () => {
  await collector?.stop()
  directory.remove()
})

let spans = 0
/** Sends a call of 1,000 input and 10 output tokens; its row. */
async function priced(provider: string, model: string): Promise<Record<string, string | null>> {
  const spanId = (++spans).toString(16).padStart(16, 'a')
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.response.model': model,
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 10,
  }
  const body = tracesRequest({ spans: [{ spanId, startMs: Date.now() - 1000, attributes }] })
  const answer = await fetch(`http://${collector.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: body as Uint8Array<ArrayBuffer>,
  })
  expect(answer.status).toBe(200)
  const columns = 'toString(total_cost) AS cost, cost_status, price_entry, price_book, model'
  const sql = `SELECT ${columns} FROM llm_calls WHERE span_id = '${spanId}'`
  await until(async () => (await ask(collector.ready.clickhouse_http, sql)).length > 0)
  return (await ask<Record<string, string | null>>(collector.ready.clickhouse_http, sql))[0]!
}

const metrics = async (): Promise<string> => (await fetch(`http://${collector.ready.admin}/metrics`)).text()
const ready = async () => {
  const answer = await fetch(`http://${collector.ready.admin}/ready`)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const bookInUse = async (): Promise<string> => /price_book="([^"]+)"/.exec(await metrics())?.[1] ?? ''

async function setPrice(id: string, record: object): Promise<{ price_book: string }> {
  const answer = await fetch(`http://${collector.ready.api}/api/prices/overrides/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(record),
  })
  expect(answer.status).toBe(200)
  return (await answer.json()) as { price_book: string }
}

test('a change of the file prices the calls after it, and every entry and book can be read in SQL', async () => {
  const before = await priced('my-host', 'llama-ft')
  expect(before).toMatchObject({ cost: '0.00208', cost_status: 'priced', price_book: await bookInUse() })
  writeFileSync(file, priceOf('3.5'))
  await until(async () => (await bookInUse()) !== before['price_book'])
  const after = await priced('my-host', 'llama-ft')
  expect(after).toMatchObject({ cost: '0.00358', cost_status: 'priced', price_book: await bookInUse() })
  expect(after['price_entry']).not.toBe(before['price_entry'])
  const stored = `SELECT price_book, rates['input'] AS input FROM model_prices WHERE startsWith(entry_id, 'price:own@') ORDER BY input`
  await until(async () => (await ask(collector.ready.clickhouse_http, stored)).length === 2)
  expect(await ask(collector.ready.clickhouse_http, stored)).toEqual([
    { price_book: before['price_book'], input: '2' },
    { price_book: after['price_book'], input: '3.5' },
  ])
}, 60_000)

test('calls priced before are priced anew by reprice, and as they were by its --as-of', async () => {
  const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)
  const reprice = async (flags: readonly string[]): Promise<Record<string, unknown>> => {
    let printed = ''
    await runCli({
      argv: ['reprice', '--from', day(-1), '--to', day(1), '--json', ...flags],
      env: {
        SPANLEDGER_CLICKHOUSE_URL: `http://${collector.ready.clickhouse_http}`,
        SPANLEDGER_DATA_DIR: join(directory.path, 'data'),
        SPANLEDGER_PRICES_FILE: file,
      },
      readFile: () => '',
      out: (text) => {
        printed += text
      },
      err: () => undefined,
    })
    return JSON.parse(printed) as Record<string, unknown>
  }
  expect(await reprice([])).toMatchObject({ calls: 2, changed: 1, difference: '0.0015' })
  const [first] = readChanges(join(directory.path, 'data'))
  expect(await reprice(['--as-of', first?.at ?? ''])).toMatchObject({ calls: 2, changed: 1, difference: '-0.0015' })
}, 60_000)

test('a wrong file stops nothing: the log, /ready and a metric say so, and a right one ends it', async () => {
  const good = await bookInUse()
  writeFileSync(file, priceOf('three'))
  await until(async () => (await metrics()).includes('\nspanledger_price_book_stale 1\n'))
  expect(await metrics()).toContain('spanledger_price_book_reload_failures_total 1')
  expect(await ready()).toEqual({
    status: 200,
    body: {
      ready: true,
      reasons: [],
      notices: [`the file of own prices is wrong (1 findings, see the log): price book ${good} stays in use`],
    },
  })
  const lines = collector
    .log()
    .split('\n')
    .filter((line) => line.includes('own prices is wrong'))
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'error',
    findings: ['prices.yaml:1: prices[0] "own": rates.input: "three" is not an amount such as 2.50, not below 0'],
    price_book: good,
  })
  expect(await priced('my-host', 'llama-ft')).toMatchObject({ cost: '0.00358', price_book: good })

  // It starts with it, too: the last good file is kept.
  expect((await collector.stop()).code).toBe(0)
  collector = await start()
  expect(await metrics()).toContain('\nspanledger_price_book_stale 1\n')
  expect(await priced('my-host', 'llama-ft')).toMatchObject({ cost: '0.00358', price_book: good })

  writeFileSync(file, priceOf('4'))
  await until(async () => (await metrics()).includes('\nspanledger_price_book_stale 0\n'))
  expect(await ready()).toEqual({ status: 200, body: { ready: true, reasons: [] } })
  expect(await priced('my-host', 'llama-ft')).toMatchObject({ cost: '0.00408' })
}, 60_000)

test('prices set over the API are in force with the answer, and after kill -9', async () => {
  const { price_book } = await setPrice('deployment', {
    kind: 'alias',
    provider: 'azure',
    name: 'prod-chat',
    to: 'openai',
    model: 'gpt-4.1',
  })
  const alias = await priced('azure.ai.openai', 'prod-chat')
  expect(alias).toMatchObject({ cost: '0.00208', model: 'gpt-4.1', price_book })
  const discount = await setPrice('deal', { kind: 'discount', provider: 'openai', model: 'gpt-4.1*', percent: '12.5' })
  const off = await priced('azure.ai.openai', 'prod-chat')
  expect(off).toMatchObject({ cost: '0.00182', price_book: discount.price_book })
  expect(off['price_entry']).toMatch(/^discount:deal@[0-9a-f]{8} off openai\/gpt-4\.1#\d+$/)
  await collector.kill()
  collector = await start()
  expect(await priced('azure.ai.openai', 'prod-chat')).toMatchObject(off)
}, 60_000)

test('without a good copy a wrong file is refused, with every finding', async () => {
  const other = temporaryDirectory()
  const wrong = join(other.path, 'wrong.yaml')
  writeFileSync(wrong, 'prices:\n  - {model: m}\n')
  const refused = startCollector(join(other.path, 'data'), { SPANLEDGER_PRICES_FILE: wrong })
  const text = await refused.then(
    () => '',
    (error: Error) => error.message,
  )
  for (const said of [
    'ended with 2 before',
    'wrong.yaml:2: prices[0] \\"m\\": provider: is missing',
    'rates: is missing',
    'has 2 findings',
  ])
    expect(text).toContain(said)
  other.remove()
}, 30_000)
