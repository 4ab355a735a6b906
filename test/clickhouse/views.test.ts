// What tools see that expect the tables of the OpenTelemetry exporter for ClickHouse, and what a look-up through a view reads.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spansTable } from '../../schemas/spans-table.ts'
import type { Column } from '../../schemas/table.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertSpans, spanRow } from './span-rows.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

describe('otel_traces', () => {
  test('has the columns and types of the exporter, in its order, and the project', async () => {
    const found = await engine.clickhouse.query<{ name: string; type: string }>('DESCRIBE TABLE otel_traces')
    // opentelemetry-collector-contrib, exporter/clickhouseexporter/example/default_ddl/traces.sql; times are named UTC here.
    expect(found.map(({ name, type }) => `${name} ${type.replaceAll(", 'UTC'", '')}`)).toEqual([
      'Timestamp DateTime64(9)',
      'TraceId String',
      'SpanId String',
      'ParentSpanId String',
      'TraceState String',
      'SpanName LowCardinality(String)',
      'SpanKind LowCardinality(String)',
      'ServiceName LowCardinality(String)',
      'ResourceAttributes Map(LowCardinality(String), String)',
      'ScopeName String',
      'ScopeVersion String',
      'SpanAttributes Map(LowCardinality(String), String)',
      'Duration UInt64',
      'StatusCode LowCardinality(String)',
      'StatusMessage String',
      'Events.Timestamp Array(DateTime64(9))',
      'Events.Name Array(LowCardinality(String))',
      'Events.Attributes Array(Map(LowCardinality(String), String))',
      'Links.TraceId Array(String)',
      'Links.SpanId Array(String)',
      'Links.TraceState Array(String)',
      'Links.Attributes Array(Map(LowCardinality(String), String))',
      'ProjectId String',
    ])
  })

  test('shows every attribute that was moved to a column under its own name, and what was kept as sent', async () => {
    const columns: readonly Column[] = spansTable.columns
    const moved = columns.filter(({ semconv }) => semconv !== undefined)
    const given = Object.fromEntries(
      moved.map(({ name, type }) => [name, /Int|Float/.test(type) ? 7 : `value of ${name}`]),
    )
    given['stream'] = 1
    await insertSpans(engine.clickhouse, [
      spanRow('moved', {
        ...given,
        attributes: { 'app.team': 'x', 'gen_ai.provider.name': 'as sent' },
        resource: { 'service.name': 'shop' },
        span_kind: 'client',
        status: 'error',
      }),
    ])
    const [row] = await engine.clickhouse.query<Record<string, unknown>>(
      "SELECT * FROM otel_traces WHERE SpanId = 'moved'",
    )
    const want = Object.fromEntries(moved.map(({ name, semconv }) => [semconv, String(given[name])]))
    expect(row?.['SpanAttributes']).toEqual({
      ...want,
      'app.team': 'x',
      'gen_ai.provider.name': 'as sent',
      'gen_ai.response.finish_reasons': '["value of finish_reason"]',
      'gen_ai.request.stream': 'true',
    })
    expect(row).toMatchObject({
      SpanKind: 'Client',
      StatusCode: 'Error',
      ResourceAttributes: { 'service.name': 'shop' },
    })
  })

  test('shows nothing of what was not reported', async () => {
    await insertSpans(engine.clickhouse, [
      spanRow('bare', { user_id: '', input_tokens: null, output_tokens: null, parent_span_id: '' }),
    ])
    const [row] = await engine.clickhouse.query(
      "SELECT SpanAttributes, ParentSpanId, StatusCode FROM otel_traces WHERE SpanId = 'bare'",
    )
    expect(row).toEqual({ SpanAttributes: {}, ParentSpanId: '', StatusCode: 'Unset' })
  })

  test('shows events and links as the exporter does', async () => {
    await engine.clickhouse.command(
      `INSERT INTO spans (trace_id, span_id, start_time, retention_days, sign, events, links) VALUES
      ('t', 'with-events', now64(9), 90, 1, [('2026-01-02 03:04:05.000000006', 'exception', {'k': 'v'})], [('lt', 'ls', {'a': 'b'})])`,
      {},
      { async_insert: 0 },
    )
    const [row] = await engine.clickhouse.query(
      "SELECT `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes` FROM otel_traces WHERE SpanId = 'with-events'",
    )
    expect(row).toEqual({
      'Events.Timestamp': ['2026-01-02 03:04:05.000000006'],
      'Events.Name': ['exception'],
      'Events.Attributes': [{ k: 'v' }],
      'Links.TraceId': ['lt'],
      'Links.SpanId': ['ls'],
      'Links.TraceState': [''],
      'Links.Attributes': [{ a: 'b' }],
    })
  })

  test('and its index of times answer the look-up that Grafana makes', async () => {
    const rows = await engine.clickhouse.query(
      `WITH 'trace of moved' AS trace_id,
        (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_start,
        (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_end
      SELECT SpanId, multiply(Duration, 0.000001) AS duration FROM otel_traces
      WHERE TraceId = trace_id AND Timestamp >= trace_start AND Timestamp <= trace_end`,
    )
    expect(rows).toEqual([{ SpanId: 'moved', duration: 0 }])
  })
})

test.each([
  ["otel_traces WHERE TraceId = 'x'", 'ix_trace'],
  ["otel_traces_trace_id_ts WHERE TraceId = 'x'", 'ix_trace'],
  ["llm_calls WHERE trace_id = 'x'", 'ix_trace'],
  ["llm_calls WHERE session_id = 'x'", 'ix_session'],
  ["llm_calls WHERE user_id = 'x'", 'ix_user'],
])('a look-up through a view uses the index: %s', async (from, index) => {
  const plan = await engine.clickhouse.query<{ explain: string }>(`EXPLAIN indexes = 1 SELECT * FROM ${from}`)
  expect(plan.map(({ explain }) => explain.trim())).toContain(`Name: ${index}`)
})

test('a time range reads only its weeks through llm_calls', async () => {
  const plan = await engine.clickhouse.query<{ explain: string }>(
    "EXPLAIN indexes = 1 SELECT sum(total_cost) FROM llm_calls WHERE project_id = 'p' AND kind = 'llm' AND start_time >= toDateTime64('2020-01-01 00:00:00', 9) AND start_time < toDateTime64('2020-01-02 00:00:00', 9)",
  )
  expect(plan.map(({ explain }) => explain.trim()).filter((line) => line.startsWith('Parts: 0/'))).not.toEqual([])
})

test('current_scores is the newest state of each score, without the deleted and those that break their configuration', async () => {
  const row = (id: string, version: number, value: number, isDeleted = 0, violation = ''): string =>
    `('default', '${id}', now64(3), now64(3), ${version}, ${value}, ${isDeleted}, 90, '${violation}')`
  const broken = row('broken', 1, 7, 0, 'out_of_range')
  await engine.clickhouse.command(
    `INSERT INTO scores (project_id, score_id, created_at, target_time, version, value, is_deleted, retention_days, violation) VALUES
    ${[row('kept', 2, 0.5), row('kept', 1, 0.1), row('gone', 1, 1), row('gone', 2, 1, 1), broken].join(', ')}`,
    {},
    { async_insert: 0 },
  )
  await engine.clickhouse.command(
    `INSERT INTO scores (project_id, score_id, created_at, target_time, version, value, is_deleted, retention_days, violation) VALUES ${row('gone', 1, 1)}`,
    {},
    { async_insert: 0 },
  )
  expect(await engine.clickhouse.query('SELECT score_id, value FROM current_scores')).toEqual([
    { score_id: 'kept', value: 0.5 },
  ])
  expect(await engine.clickhouse.query('SELECT score_id FROM all_scores ORDER BY score_id')).toEqual([
    { score_id: 'broken' },
    { score_id: 'kept' },
  ])
})

test('votes: what a score says, whose ballot it is on, and no failed evaluation or signal among them', async () => {
  const columns = { project_id: 'v', created_at: '2026-11-01 10:00:00', target_time: '2026-11-01 10:00:00', version: 1 }
  const score = (score_id: string, more: Readonly<Record<string, unknown>>) =>
    JSON.stringify({ ...columns, retention_days: 90, name: 'n', target: 'trace', trace_id: 't', score_id, ...more })
  const rows = [
    score('a1', { author_id: 'ada', verdict: -1, calls: 3 }),
    score('a2', { author_id: 'ada', verdict: 1, calls: 3, created_at: '2026-11-01 10:00:01' }),
    score('a3', { author_id: 'ada', verdict: 1, each_counts: 1 }),
    score('b', { verdict: 0, label: 'neutral' }),
    score('c', { target: 'span', span_id: 's', kind: 'llm', value: 0.4 }),
    score('d', { error_type: 'Timeout' }),
    score('e', { name: 'automated-refusal', verdict: -1 }),
    score('f', { name: 'implicit-copy', verdict: 1 }),
  ]
  await engine.clickhouse.command(`INSERT INTO scores FORMAT JSONEachRow ${rows.join('\n')}`, {}, { async_insert: 0 })
  const votes = await engine.clickhouse.query<{ id: string; vote: number | null; calls: number; ballot: string }>(
    "SELECT score_id AS id, vote, calls, ballot FROM votes WHERE project_id = 'v' ORDER BY given, id",
  )
  const said = votes.map(({ id, vote, calls }) => [id, vote, calls]).sort()
  expect(said).toEqual([
    ['a1', -1, 3],
    ['a2', 1, 3],
    ['a3', 1, 0],
    ['b', 0, 0],
    ['c', null, 1],
  ])
  expect(votes.at(-1)?.id).toBe('a2')
  const ballots = Map.groupBy(votes, ({ ballot }) => ballot)
  expect([...ballots.values()].map((each) => each.map(({ id }) => id).sort())).toContainEqual(['a1', 'a2'])
  expect(ballots.size).toBe(4)
})
