// A collector as users run it, told whose figure is the charge and what to report in.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { tracesRequest } from '../otlp-messages.ts'
import { ask, type CollectorUnderTest, startCollector, temporaryDirectory, until } from './collector.ts'

const folder = temporaryDirectory()
let collector: CollectorUnderTest | undefined

afterAll(async () => {
  await collector?.kill()
  folder.remove()
})

test('a named source is the charge, rates of a sound file are in force, and a wrong one leaves them', async () => {
  const now = Date.now()
  const rates = join(folder.path, 'rates.csv')
  const good = `date,base,currency,rate,source\n${new Date(now - 60_000).toISOString().slice(0, 10)},USD,EUR,0.5,bank\n`
  writeFileSync(rates, good)
  const env = {
    SPANLEDGER_REPORTED_COST_AS_CHARGE: 'OpenRouter, gen_ai.usage.cost',
    SPANLEDGER_CURRENCY_RATES_FILE: rates,
    SPANLEDGER_REPORTING_CURRENCY: 'EUR',
  }
  collector = await startCollector(join(folder.path, 'data'), env)
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4.1',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 10,
    'gen_ai.usage.cost': 0.003,
  }
  const response = await fetch(`http://${collector.ready.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(tracesRequest({ spans: [{ startMs: now - 60_000, attributes }] })),
  })
  expect(response.status).toBe(200)
  const seen = async () =>
    ask(
      collector?.ready.clickhouse_http ?? '',
      'SELECT cost_status, total_cost, computed_cost, reporting_currency, reporting_cost FROM llm_calls_reporting WHERE reporting_cost IS NOT NULL',
    )
  const call = {
    cost_status: 'reported',
    total_cost: '0.003',
    computed_cost: '0.00208',
    reporting_currency: 'EUR',
    reporting_cost: '0.0015',
  }
  await until(async () => (await seen()).length > 0)
  expect(await seen()).toEqual([call])
  await collector.stop()

  writeFileSync(rates, good.replace('0.5', 'half'))
  collector = await startCollector(join(folder.path, 'data'), env)
  await until(async () => (await seen()).length > 0)
  expect(await seen()).toEqual([call])
  expect(collector.log()).toContain('rates.csv: rates[0]: rate: \\"half\\" is not a decimal above 0')
})
