// How a page is read when ClickHouse gives less than was asked for: answers that are too large, one that never comes, rows that have gone.

import { afterEach, expect, test } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { ClickHouseError } from '../../collector/clickhouse/client.ts'
import { rowsOf } from '../../collector/exporting/export.ts'
import { selectionOf } from '../../collector/exporting/selection.ts'
import type { Key } from '../../collector/exporting/statements.ts'

const nowMs = Date.parse('2026-11-24T12:00:00Z')
const keys: Key[] = Array.from({ length: 250 }, (_, i) => ({
  value: '',
  trace_id: `t${i}`,
  span_id: 's',
  start_time: '2026-11-24 11:00:00.000000000',
}))
const bounds = { nowMs, limitDefault: 1000, limitMax: 1000 }
const selection = selectionOf({}, { what: 'calls', project: 'default', bounds })

type Asked = (traces: readonly string[]) => readonly object[]

/** A ClickHouse of which only the rows are of interest. */
function fake(answer: Asked) {
  const sizes: number[] = []
  const query = async <T>(sql: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<T[]> => {
    const traces = parameters['traces'] as string[] | undefined
    if (traces === undefined) return (sql.includes('AS value') ? keys : []) as T[]
    sizes.push(traces.length)
    return answer(traces) as T[]
  }
  return { query, sizes }
}

const row = (trace_id: string, bytes = 10) => ({
  trace_id,
  span_id: 's',
  input_messages: 'x'.repeat(bytes),
  scores: [],
})

async function read(answer: Asked): Promise<{ ids: unknown[]; sizes: number[] }> {
  const { query, sizes } = fake(answer)
  const ids: unknown[] = []
  for await (const each of rowsOf({ query }, selection, keys)) ids.push(each['trace_id'])
  return { ids, sizes }
}

const all = keys.map(({ trace_id }) => trace_id)

test('small rows come in few statements, in the order of their keys', async () => {
  const { ids, sizes } = await read((traces) => traces.map((id) => row(id)).reverse())
  expect(ids).toEqual(all)
  expect(sizes).toEqual([100, 150])
})

test('large rows come in smaller batches', async () => {
  const { ids, sizes } = await read((traces) => traces.map((id) => row(id, 400_000)))
  expect(ids).toEqual(all)
  // About 8 MiB each, once it is known how large they are.
  expect(Math.max(...sizes.slice(1))).toBe(20)
})

test('an answer over its limit is asked for in parts', async () => {
  const { ids, sizes } = await read((traces) => {
    if (traces.length > 10) throw new ClickHouseError('config', 396, 'too large')
    return traces.map((id) => row(id))
  })
  expect(ids).toEqual(all)
  expect(sizes.slice(0, 3)).toEqual([100, 25, 6])
})

test('one row that is too large alone is an error, not left out', async () => {
  const tooLarge = read(() => {
    throw new ClickHouseError('config', 396, 'too large')
  })
  await expect(tooLarge).rejects.toThrow('too large')
})

test('a row that has gone since its key was read is left out', async () => {
  const { ids } = await read((traces) => traces.filter((id) => id !== 't7').map((id) => row(id)))
  expect(ids).toEqual(all.filter((id) => id !== 't7'))
})

let api: Api | undefined
afterEach(() => api?.close())

async function ask(answer: Asked, path: string): Promise<Response> {
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: fake(answer),
    appendScores: async () => undefined,
    project: () => 'default',
    version: '1',
    now: () => nowMs,
    log: { error: () => undefined, limited: () => undefined },
  })
  return fetch(`http://127.0.0.1:${api.endpoint.port}${path}`)
}

test('a database that fails at once is a 503', async () => {
  const away: Asked = () => {
    throw new ClickHouseError('world', null, 'away')
  }
  expect((await ask(away, '/api/calls?limit=1000')).status).toBe(503)
})

test('one that fails on the way ends the answer, which no reader takes for whole', async () => {
  let asked = 0
  const response = await ask((traces) => {
    if (asked++ > 0) throw new ClickHouseError('world', null, 'away')
    return traces.map((id) => row(id))
  }, '/api/calls?limit=1000&format=jsonl')
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
})

test('Parquet where it is not offered is refused', async () => {
  expect((await ask(() => [], '/api/calls?format=parquet')).status).toBe(400)
})
