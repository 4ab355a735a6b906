// spanledger export on a real ClickHouse: more than a page, to a file and to standard output, and wrong use told by its flag.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../collector/cli.ts'
import { startTestEngine, type TestEngine } from './engine.ts'

const calls = 6000
let engine: TestEngine
const dir = mkdtempSync(join(tmpdir(), 'spanledger-export-'))

beforeAll(async () => {
  engine = await startTestEngine()
  // Many at one instant: what is in order of time must be told apart by its ids.
  await engine.clickhouse.command(`INSERT INTO spans (project_id, kind, start_time, ingested_at, trace_id, span_id, model, total_cost, cost_status, retention_days, sign)
    SELECT 'default', 'llm', toStartOfHour(now()) - INTERVAL intDiv(number, 3000) HOUR, now(), lower(hex(intDiv(number, 3))), lower(hex(number)), if(number % 2 = 0, 'even', 'odd'), toDecimal64(number, 12) / 1000, 'priced', 90, 1
    FROM numbers(${calls})`)
  await engine.clickhouse.command(`INSERT INTO span_content (project_id, start_time, trace_id, span_id, input_messages, output_messages, retention_days, ingested_at)
    SELECT project_id, start_time, trace_id, span_id, 'hi', 'Hello', 90, now() FROM spans`)
})
afterAll(async () => {
  await engine?.stop()
  rmSync(dir, { recursive: true })
})

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const { port } = new URL(engine.url)
  let [out, err] = ['', '']
  const code = await runCli({
    argv: ['export', ...argv],
    env: { SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: `127.0.0.1:${port}` },
    readFile: (path) => readFileSync(path, 'utf8'),
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

test('every call once, over several pages, into a file that appears when it is whole', async () => {
  const file = join(dir, 'calls.jsonl')
  expect(await run('calls', '--out', file)).toMatchObject({
    code: 0,
    out: `${calls} rows written to ${file}\n`,
    err: '',
  })
  const records = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(new Set(records.map(({ span_id }) => span_id)).size).toBe(calls)
  const times = records.map(({ start_time }) => start_time as string)
  expect(times).toEqual([...times].sort().reverse())
  expect(records[0]).toMatchObject({ input: 'hi', output: 'Hello', cost_status: 'priced' })
  expect(existsSync(`${file}.part`)).toBe(false)
})

test('datasets, a part at a time, to standard output', async () => {
  const first = await run('calls', '--model', 'even,none', '--order', 'cost', '--limit', '2', '--format', 'langfuse')
  expect(first.code).toBe(0)
  const items = first.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(items.map(({ metadata }) => metadata.total_cost)).toEqual(['5.998', '5.996'])
  const cursor = /--cursor (\S+)/.exec(first.err)?.[1] ?? ''
  const second = await run(
    'calls',
    '--model',
    'even',
    '--limit',
    '1',
    '--cursor',
    cursor,
    '--content-as',
    'none',
    '--json',
  )
  expect(JSON.parse(second.out)).toMatchObject({ total_cost: '5.994', model: 'even' })
})

test('Parquet of all traces', async () => {
  const file = join(dir, 'traces.parquet')
  expect(await run('traces', '--out', file)).toMatchObject({ code: 0, err: '' })
  const [row] = await engine.clickhouse.query(
    `SELECT count() AS traces, sum(calls) AS calls, toString(sum(total_cost)) AS cost FROM format(Parquet, base64Decode({file:String}))`,
    { file: readFileSync(file).toString('base64') },
  )
  expect(row).toEqual({ traces: String(calls / 3), calls: String(calls), cost: '17997' })
})

test.each([
  [['spans'], 'export calls or traces, not "spans"'],
  [['calls', '--min-cost', 'much'], '--min-cost: "much" is not an amount of USD such as 0.25'],
  [['calls', '--content-as', 'all'], '--content-as: "all" is not one of captured, chat, none'],
  [['calls', '--format', 'parquet'], '--format parquet needs a file: --out FILE.parquet'],
  [['calls', '--format', 'json'], '--format: a command writes jsonl, a record a line'],
  [['traces', '--format', 'langfuse'], 'spanledger export calls'],
])('%j is wrong use', async (argv, message) => {
  const { code, err } = await run(...argv)
  expect(err).toContain(message)
  expect(code).toBe(2)
})

test('a file that could not be finished is not there', async () => {
  const file = join(dir, 'none', 'calls.jsonl')
  expect((await run('calls', '--out', file)).code).toBe(3)
  const broken = join(dir, 'broken.jsonl')
  expect((await run('calls', '--out', broken, '--clickhouse-database', 'nowhere')).code).toBe(3)
  expect(existsSync(broken) || existsSync(`${broken}.part`)).toBe(false)
})
