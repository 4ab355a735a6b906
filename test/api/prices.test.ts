// /api/prices…: what is in force, what is set and ended, and how wrong prices are answered; kept over a restart.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { PriceKeeper } from '../../collector/prices/keeper.ts'
import { entry } from '../pricing/cards.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }
const catalogue = [
  {
    provider: 'openai',
    entries: [
      entry('openai/big#1', ['big'], { input: '2', output: '8' }),
      entry('openai/big#2', ['big'], { input: '1', output: '4' }, { when: { serviceTier: 'batch' } }),
      entry('openai/old#1', ['old'], { input: '2' }, { validTo: '2026-01-01T00:00:00Z' }),
      entry('openai/old#2', ['old'], { input: '1' }, { validFrom: '2026-01-01T00:00:00Z' }),
    ],
  },
]

let dataDir = ''
let file = ''
let keeper: PriceKeeper
let api: Api

async function start(): Promise<void> {
  keeper = await PriceKeeper.open({ catalogue, file, dataDir, log })
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async () => undefined,
    project: (headers) => String(headers['x-project'] ?? 'default'),
    version: '0',
    log,
    prices: keeper,
    now: () => Date.parse('2026-11-24T00:00:00Z'),
  })
}

async function stop(): Promise<void> {
  await api.close()
  await keeper.close()
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'spanledger-price-api-'))
  file = join(dataDir, 'prices.yaml')
  writeFileSync(
    file,
    'organisations: {acme: [shop]}\nprices: [{id: filed, provider: h, model: m, rates: {input: 1}}]\n',
  )
  await start()
})
afterEach(async () => {
  await stop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

const own = { provider: 'my-host', model: ['mine', 'mine-*'], rates: { input: 2, output: 8 } }

test('a price that is set is in force at once, kept over a restart, and ended by a deletion', async () => {
  const before = (await send('GET', '/api/prices/overrides')).body.price_book
  const put = await send(
    'PUT',
    '/api/prices/overrides/mine',
    '{"provider":"my-host","model":"mine","rates":{"input":0.10}}',
  )
  expect(put).toMatchObject({
    status: 200,
    body: {
      override: { id: 'mine', source: 'api', record: { kind: 'price', model: ['mine'], rates: { input: '0.1' } } },
    },
  })
  expect(put.body.price_book).not.toBe(before)
  const question = '/api/prices?provider=my-host&model=mine'
  const chosen = { entry: put.body.override.entry, match: 'override', reason: '' }
  expect((await send('GET', question)).body).toMatchObject({ price_book: put.body.price_book, total: 1, chosen })
  await stop()
  await start()
  expect((await send('GET', question)).body).toMatchObject({ price_book: put.body.price_book, total: 1, chosen })

  const ended = await send('DELETE', '/api/prices/overrides/mine')
  expect(ended).toEqual({ status: 200, body: { status: 'ended', price_book: before } })
  expect((await send('GET', question)).body.chosen).toEqual({ entry: null, match: null, reason: 'unknown_provider' })
  expect((await send('DELETE', '/api/prices/overrides/mine')).status).toBe(404)
})

test('what was known at an instant can be asked for', async () => {
  await send('PUT', '/api/prices/overrides/mine', own)
  const ids = async (query: string): Promise<string[]> =>
    (await send('GET', `/api/prices/overrides${query}`)).body.overrides.map(({ id }: { id: string }) => id)
  expect(await ids('')).toEqual(['filed', 'mine'])
  expect(await ids('?as_of=2020-01-01')).toEqual([])
  expect((await send('GET', '/api/prices/overrides?as_of=soon')).body.detail).toMatch(/^as_of is not an instant/)
})

test('what is answered can be sent again as it is', async () => {
  const { body } = await send('PUT', '/api/prices/overrides/mine', {
    ...own,
    bands: [{ over: 1000, rates: { input: 3, output: 9 } }],
    when: { serviceTier: 'batch', speed: '*' },
    organisation: 'acme',
  })
  const again = await send('PUT', '/api/prices/overrides/mine', body.override.record)
  expect(again.body).toEqual(body)
})

test('YAML is taken as JSON is', async () => {
  const yaml = 'kind: discount\nprovider: openai\nmodel: big\npercent: 12.5\n'
  const { body } = await send('PUT', '/api/prices/overrides/d', yaml, { 'content-type': 'application/yaml' })
  expect(body.override.record).toEqual({ kind: 'discount', provider: 'openai', model: ['big'], percent: '12.5' })
  const { entries } = (await send('GET', '/api/prices?provider=OpenAI&model=big')).body
  expect(
    entries.map(({ id, bands }: { id: string; bands: { rates: object }[] }) => [id.split('@')[0], bands[0]?.rates]),
  ).toEqual([
    ['openai/big#1', { input: '2', output: '8' }],
    ['openai/big#2', { input: '1', output: '4' }],
    ['discount:d', { input: '1.75', output: '7' }],
    ['discount:d', { input: '0.875', output: '3.5' }],
  ])
})

test.each<[string, string, unknown, number, string]>([
  [
    'PUT',
    'x',
    { model: 'm', rates: { input: 'two' } },
    400,
    'provider: is missing: a provider such as openai or aws.bedrock, or one of your own; rates.input: "two" is not an amount such as 2.50, not below 0',
  ],
  ['PUT', 'x', { ...own, kind: 'gift' }, 400, 'kind: "gift" is not one of price, discount, plan, alias'],
  ['PUT', 'x', { ...own, id: 'y' }, 400, 'id: "y" is not the id of the address, "x"'],
  ['PUT', '%20', own, 400, 'id: " " is not an id of letters, digits and . _ : / * @ - of at most 256 characters'],
  [
    'PUT',
    'x',
    { ...own, organisation: 'umbrella' },
    400,
    'organisation[0]: "umbrella" is not among organisations, which says what projects it has',
  ],
  ['PUT', 'x', '{"provider": ', 400, 'line 1: Flow map must end with a }'],
  ['PUT', 'x', '[]', 400, 'is a list: it should be an object'],
  ['PUT', 'x', undefined, 400, 'the body is empty: send a record as JSON or YAML'],
  ['PUT', 'filed', own, 409, '"filed" is in prices.yaml: change it there'],
  ['DELETE', 'filed', undefined, 409, '"filed" is in prices.yaml: change it there'],
  ['DELETE', 'nobody', undefined, 404, 'no own price has the id "nobody"'],
])('%s %s %j is answered %i', async (method, id, body, status, detail) => {
  const answer = await send(method, `/api/prices/overrides/${id}`, body)
  expect([answer.status, answer.body.detail]).toEqual([status, detail])
  expect(keeper.known().map(({ record }) => record.id)).toEqual(['filed'])
})

test('findings name their fields', async () => {
  const { body } = await send('PUT', '/api/prices/overrides/x', { ...own, rates: { input: -1 }, bands: [{}] })
  expect(body.findings.map(({ field }: { field: string }) => field)).toEqual([
    'rates.input',
    'bands[0].over',
    'bands[0].rates.input',
  ])
})

test('a body that is too large, or of another type, is refused', async () => {
  const large = { ...own, note: 'x'.repeat(300_000) }
  expect((await send('PUT', '/api/prices/overrides/x', large)).status).toBe(413)
  expect((await send('PUT', '/api/prices/overrides/x', 'a', { 'content-type': 'text/plain' })).status).toBe(415)
})

test('a file is checked as it would be, and changes nothing', async () => {
  await send('PUT', '/api/prices/overrides/mine', own)
  const { version } = keeper.book
  const validate = (text: string) => send('POST', '/api/prices/validate', text, { 'content-type': 'application/yaml' })
  expect((await validate('prices: [{provider: h, model: m, rates: {input: 1}}]')).body).toEqual({
    valid: true,
    records: 1,
    findings: [],
  })
  const wrong = await validate(
    'prices:\n  - {provider: h, model: m, rates: {input: x}}\naliases:\n  - {id: mine, provider: openai, name: n, model: big}\n',
  )
  expect(wrong.status).toBe(200)
  expect(wrong.body.findings).toEqual([
    {
      entry: 'prices[0] "m"',
      field: 'rates.input',
      message: '"x" is not an amount such as 2.50, not below 0',
      line: 2,
    },
    {
      entry: 'aliases[0] "mine"',
      field: 'id',
      message: '"mine" is the id of "mine" set by the API too: give each record an id of its own',
      line: 4,
    },
  ])
  expect(keeper.book.version).toBe(version)
})

test('entries are those of the instant, of the project, and what they leave out is counted', async () => {
  await send('PUT', '/api/prices/overrides/mine', { ...own, project: 'shop' })
  const ids = async (query: string, project = 'default'): Promise<string[]> =>
    (await send('GET', `/api/prices?${query}`, undefined, { 'x-project': project })).body.entries.map(
      ({ id }: { id: string }) => id.split('@')[0],
    )
  expect(await ids('model=old')).toEqual(['openai/old#2'])
  expect(await ids('model=old&at=2025-06-01')).toEqual(['openai/old#1'])
  expect(await ids('provider=my-host')).toEqual([])
  expect(await ids('provider=my-host', 'shop')).toEqual(['price:mine'])
  expect((await send('GET', '/api/prices?limit=2')).body).toMatchObject({ total: 4, entries: [{}, {}] })
  expect((await send('GET', '/api/prices?limit=0')).status).toBe(400)
  expect((await send('GET', '/api/prices?at=then')).status).toBe(400)
})

test('a plan shows its fixed charge, and is seen by the projects of its organisation alone', async () => {
  const plan = {
    kind: 'plan',
    provider: 'openai',
    model: '*',
    organisation: 'acme',
    fee: { amount: 5000, currency: 'EUR', period: 'month' },
  }
  await send('PUT', '/api/prices/overrides/seat', plan)
  const ask = async (project: string) =>
    (await send('GET', '/api/prices?provider=openai&model=big', undefined, { 'x-project': project })).body
  const seen = await ask('shop')
  expect(seen.chosen.entry).toMatch(/^plan:seat@/)
  expect(seen.entries.find(({ id }: { id: string }) => id.startsWith('plan:'))).toMatchObject({
    scope: { organisation: ['acme'] },
    fixed_charge: { amount: '5000', currency: 'EUR', period: 'month' },
  })
  expect((await ask('desk')).chosen.entry).toBe('openai/big#1')
})

test('what a record says of when it is known goes before when it was seen', async () => {
  await send('PUT', '/api/prices/overrides/mine', { ...own, recordedAt: '2026-01-01' })
  const ids = async (asOf: string): Promise<string[]> =>
    (await send('GET', `/api/prices/overrides?as_of=${asOf}`)).body.overrides.map(({ id }: { id: string }) => id)
  expect(await ids('2026-01-02')).toEqual(['mine'])
  expect(await ids('2025-12-31')).toEqual([])
})

test('a suggestion is an override that can be set as it is', async () => {
  const ask = async (query: string) => (await send('GET', `/api/prices/suggest?${query}`)).body
  expect(await ask('provider=openai&model=big')).toMatchObject({ priced: true, entry: 'openai/big#1', override: null })
  expect(await ask('provider=openai&model=nothing')).toMatchObject({
    priced: false,
    reason: 'unknown_model',
    override: null,
  })
  const found = await ask('provider=azure&model=big')
  expect(found).toMatchObject({
    provider: 'azure.ai.openai',
    priced: false,
    reason: 'unknown_provider',
    suggestion: { provider: 'openai', model: 'big' },
  })
  const { id, body } = found.override
  expect((await send('PUT', `/api/prices/overrides/${encodeURIComponent(id)}`, body)).status).toBe(200)
  expect(await ask('provider=azure&model=big')).toMatchObject({ priced: true, entry: 'openai/big#1' })
  expect((await send('GET', '/api/prices/suggest?provider=x')).body.detail).toMatch(/model/)
})

test('/openapi.json describes the routes', async () => {
  const { paths } = (await send('GET', '/openapi.json')).body
  expect(Object.keys(paths).filter((path) => path.startsWith('/api/prices'))).toEqual([
    '/api/prices',
    '/api/prices/suggest',
    '/api/prices/overrides',
    '/api/prices/overrides/{id}',
    '/api/prices/validate',
  ])
})
