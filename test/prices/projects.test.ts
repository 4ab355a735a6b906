// Own prices through the pipeline into a real ClickHouse: each project its own, and no request prices by two books.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { Pipeline } from '../../collector/pipeline.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { PriceKeeper } from '../../collector/prices/keeper.ts'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { loadDialects } from '../../collector/registry.ts'
import { StoredBooks } from '../../collector/stored-books.ts'
import { journalTables } from '../../schemas/journal-tables.ts'
import { columnNames } from '../../schemas/table.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { type SpanInput, tracesRequest } from '../otlp-messages.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-projects-'))
const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }
let engine: TestEngine
let keeper: PriceKeeper
let pipeline: Pipeline
let inserts = 0

beforeAll(async () => {
  const file = join(dataDir, 'prices.yaml')
  writeFileSync(
    file,
    `
organisations: {acme: [shop, search]}
prices:
  - {id: all, provider: my-host, model: mine, rates: {input: 1, output: 1}}
  - {id: acme, provider: my-host, model: mine, rates: {input: 2, output: 1}, organisation: acme}
  - {id: shop, provider: my-host, model: mine, rates: {input: 3, output: 1}, project: shop}
plans:
  - {id: free, provider: openai, model: "*", project: lab, fee: {amount: 100, period: month}}
`,
  )
  engine = await startTestEngine()
  keeper = await PriceKeeper.open({ catalogue: loadPriceBook(), file, dataDir, log })
  pipeline = new Pipeline({
    store: {
      async append(records) {
        for (const { table, rows, parts } of records) {
          const into = journalTables[table]!
          const columns = columnNames(into)
          await engine.clickhouse.insert({ table: into.name, columns, body: parts, token: `own-${inserts++}`, rows })
        }
      },
    },
    dialects: await loadDialects(),
    book: () => keeper.book,
    settings: { keepContent: false, retentionDays: 3650, contentRetentionDays: 14 },
    meter: { calls: () => undefined, rejected: () => undefined, scoresWaiting: () => undefined },
  })
}, 60_000)
afterAll(async () => {
  await keeper?.close()
  await engine?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

let spans = 0
function call(traceId: string, provider: string, model: string): SpanInput {
  return {
    traceId,
    spanId: (++spans).toString(16).padStart(16, '0'),
    startMs: Date.parse('2026-11-24T10:00:00Z'),
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.response.model': model,
      'gen_ai.usage.input_tokens': 1000,
      'gen_ai.usage.output_tokens': 10,
    },
  }
}

test('each project is priced by its own, though its spans are alike and come in turns', async () => {
  const projects = ['shop', 'search', 'other', 'lab', 'shop', 'other', 'search']
  for (const [i, project] of projects.entries()) {
    const trace = `${i}`.padStart(32, 'b')
    await pipeline.traces(
      tracesRequest({ spans: [call(trace, 'my-host', 'mine'), call(trace, 'openai', 'gpt-4.1')] }),
      project,
    )
  }
  const rows = await engine.clickhouse.query<Record<string, string>>(
    `SELECT project_id, model, toString(total_cost) AS cost, cost_status,
            extract(price_entry, '^[^@]+') AS entry, count() AS calls, uniqExact(price_book) AS books
     FROM llm_calls GROUP BY ALL ORDER BY project_id, model`,
  )
  expect(
    rows.map(({ project_id, model, cost, entry, calls, books }) =>
      [project_id, model, cost, entry, calls, books].join(' '),
    ),
  ).toEqual([
    expect.stringMatching(/^lab gpt-4\.1 0 plan:free 1 1$/),
    'lab mine 0.00101 price:all 1 1',
    expect.stringMatching(/^other gpt-4\.1 0\.00208 openai\/gpt-4\.1#\d+ 2 1$/),
    'other mine 0.00101 price:all 2 1',
    expect.stringMatching(/^search gpt-4\.1 0\.00208 /),
    'search mine 0.00201 price:acme 2 1',
    expect.stringMatching(/^shop gpt-4\.1 0\.00208 /),
    'shop mine 0.00301 price:shop 2 1',
  ])
  expect(rows.every(({ cost_status }) => cost_status === 'priced')).toBe(true)
}, 60_000)

test('a plan is shown with its fee and the calls it covered, in SQL and in the report', async () => {
  const books = new StoredBooks(log)
  books.offer(keeper.book)
  await books.open(engine.clickhouse, new AbortController().signal)
  const question = loadQueries().find(({ id }) => id === 'fixed_charges')!
  const span = { from: '2026-11-24T00:00:00.000Z', to: '2026-11-25T00:00:00.000Z' }
  expect(await runQuery(engine.clickhouse, question, { project: 'lab', ...span })).toMatchObject([
    { plan: expect.stringMatching(/^plan:free@/), fee: '100', currency: 'USD', period: 'month', calls: 1 },
  ])
  expect(await runQuery(engine.clickhouse, question, { project: 'shop', ...span })).toEqual([])
  let printed = ''
  await runCli({
    argv: ['report', '--project', 'lab', '--from', '2026-11-24', '--to', '2026-11-25'],
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url },
    readFile: () => '',
    out: (text) => {
      printed += text
    },
    err: () => undefined,
  })
  expect(printed).toMatch(
    /Plans, whose fees are in no total below\n.*\n {2}plan:free@\w{8} +100 +USD +month +1 +1000 +10\n/,
  )
}, 60_000)

test('requests while prices change see one book each, and the cost that it gives', async () => {
  const costs = new Map<string, string>()
  let isDone = false
  let requests = 0
  const change = async (i: number): Promise<void> => {
    await keeper.put('race', { provider: 'my-host', model: 'raced', rates: { input: `${i}`, output: '0' } })
    costs.set(keeper.book.version, (i / 1000).toFixed(3))
  }
  await change(1)
  const changing = (async () => {
    for (let i = 2; i <= 20; i++) {
      // Requests come between any two changes, and are under way at each.
      const before = requests
      await vi.waitFor(() => expect(requests).toBeGreaterThan(before + 2), { timeout: 20_000, interval: 1 })
      await change(i)
    }
    isDone = true
  })()
  const sender = async (): Promise<void> => {
    while (!isDone) {
      const trace = `${++requests}`.padStart(32, 'c')
      const same = Array.from({ length: 5 }, () => call(trace, 'my-host', 'raced'))
      await pipeline.traces(tracesRequest({ spans: same }), requests % 2 === 0 ? 'shop' : 'other')
    }
  }
  await Promise.all([changing, sender(), sender(), sender()])
  const rows = await engine.clickhouse.query<{
    trace_id: string
    books: string[]
    costs: (string | null)[]
    calls: string
  }>(
    `SELECT trace_id, groupUniqArray(price_book) AS books, groupUniqArray(toString(total_cost)) AS costs, count() AS calls
     FROM llm_calls WHERE model = 'raced' AND cost_status = 'priced' GROUP BY trace_id`,
  )
  expect(rows.length).toBeGreaterThan(20)
  expect(new Set(rows.flatMap(({ books }) => books)).size).toBeGreaterThan(10)
  for (const { books, costs: found, calls } of rows) {
    expect([books.length, Number(calls)]).toEqual([1, 5])
    expect(found.map(Number)).toEqual([Number(costs.get(books[0]!))])
  }
}, 60_000)
