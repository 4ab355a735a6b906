// The users of deploy/clickhouse/users.xml on a real engine: what each may do, and that their settings exist.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, insert, send } from '../queries/ask.ts'
import { calls, spanRow } from '../queries/ledger.ts'
import { passwords, type Server, startServer } from './server.ts'

const writer = { user: 'spanledger', password: passwords.spanledger }
const reader = { user: 'grafana', password: passwords.grafana }

let server: Server

beforeAll(async () => {
  server = await startServer()
  await insert(server.url, 'spans', [spanRow(calls[0] as (typeof calls)[number])], writer)
})

afterAll(() => server?.stop())

describe('grafana', () => {
  test('reads figures, through views and rollups too', async () => {
    for (const table of ['spans', 'llm_calls', 'otel_traces', 'otel_traces_trace_id_ts', 'usage_hourly']) {
      expect((await ask(server.url, `SELECT count() AS rows FROM ${table}`, reader)).rows, table).toEqual([
        { rows: '1' },
      ])
    }
    await ask(server.url, 'SELECT * FROM current_scores', reader)
  })

  test.each(['span_content', 'logs'])('does not see what people wrote: %s', async (table) => {
    await expect(ask(server.url, `SELECT * FROM ${table}`, reader)).rejects.toThrow(/Not enough privileges/)
  })

  test.each([
    'INSERT INTO spans (trace_id) VALUES (1)',
    'DELETE FROM spans WHERE 1',
    'TRUNCATE TABLE usage_hourly',
    'DROP VIEW llm_calls',
    'CREATE TABLE t (a Int8) ORDER BY a',
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
  ])('cannot change or fetch anything: %s', async (sql) => {
    await expect(send(server.url, sql, reader)).rejects.toThrow(/Not enough privileges|readonly/)
  })

  test('may set what the data source sends, within limits', async () => {
    await ask(server.url, 'SELECT 1 SETTINGS max_execution_time = 64', reader)
    const filters = "{'llm_calls': 'service = \\'web\\''}"
    const sql = `SELECT count() AS rows FROM llm_calls SETTINGS additional_table_filters = ${filters}`
    expect((await ask(server.url, sql, reader)).rows).toEqual([{ rows: '1' }])
    for (const setting of ['max_execution_time = 3600', 'max_memory_usage = 9000000000', 'readonly = 0']) {
      await expect(ask(server.url, `SELECT 1 SETTINGS ${setting}`, reader)).rejects.toThrow(
        /shouldn't be|Cannot modify/,
      )
    }
  })

  test('needs the password', async () => {
    await expect(ask(server.url, 'SELECT 1', { user: 'grafana', password: '' })).rejects.toThrow(
      /Authentication failed/,
    )
  })
})

test('spanledger makes and fills the tables, and nothing in other databases', async () => {
  await insert(server.url, 'span_content', [{ project_id: 'default', trace_id: 'a', span_id: 'b' }], writer)
  await expect(send(server.url, 'CREATE DATABASE elsewhere', writer)).rejects.toThrow(/Not enough privileges/)
  await expect(send(server.url, "CREATE USER other IDENTIFIED BY 'x'", writer)).rejects.toThrow(/Not enough privileges/)
})

test('every setting of the profiles is one that ClickHouse has', async () => {
  const users = readFileSync(new URL('../../deploy/clickhouse/users.xml', import.meta.url), 'utf8')
  const profiles = /<profiles>([\s\S]*)<\/profiles>/.exec(users)?.[1] ?? ''
  const names = [...profiles.matchAll(/<(\w+)>\d+</g)].map(([, name = '']) => name).filter((name) => name !== 'max')
  expect(names).toContain('readonly')
  const known = await ask(server.url, 'SELECT name FROM system.settings', reader)
  expect(known.rows.map((row) => row['name'])).toEqual(expect.arrayContaining(names))
})

test('every setting of the server file is one that ClickHouse has', async () => {
  const file = readFileSync(new URL('../../deploy/clickhouse/server.xml', import.meta.url), 'utf8')
  const names = [...file.matchAll(/^ {2}<(\w+)>[^<]+<\//gm)].map(([, name = '']) => name)
  expect(names).toContain('mark_cache_size')
  const known = await ask(server.url, 'SELECT name FROM system.server_settings', writer)
  const settings = known.rows.map((row) => row['name'])
  expect(settings).toEqual(expect.arrayContaining(names.filter((name) => name !== 'timezone')))
})
