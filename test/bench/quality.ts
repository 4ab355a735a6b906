// Figures of quality over a large ledger: how long `quality` by model takes over 30 days, and the feedback of one trace, at a
// quarter, a half and the whole of its size; and whether the figures are those of a plain recomputation that joins nothing away.
// Estimate: a million scores read newest first and grouped by ballot, about a second of CPU; the calls from their hourly rollup,
// half a million rows of it, some 20 ms. One trace: an index on its id, a few granules.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, connectClickHouse } from '../../collector/clickhouse/client.ts'
import { EmbeddedClickHouse } from '../../collector/clickhouse/embedded.ts'
import { migrate } from '../../collector/clickhouse/migrate.ts'
import { loadQueries, type QueryRow, runQuery } from '../../collector/queries.ts'
import { cpuSeconds } from './processes.ts'
import { daysOfCalls, QualityLedger, type Size } from './quality-ledger.ts'

export interface QualityFigure extends Size {
  /** Of the shortest and the median of the runs; CPU is the engine's. */
  readonly byModel: Timing
  readonly trace: Timing
  /** Lines that differ from a plain recomputation; must be none. */
  readonly different: number
}

interface Timing {
  readonly ms: readonly [least: number, median: number]
  readonly cpuSeconds: number
}

const runs = 5

/** Makes the ledger in a directory of its own, measures it at three sizes, and removes it. */
export async function* measureQuality(whole: Size): AsyncGenerator<QualityFigure> {
  const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-bench-quality-'))
  const endpoints = { httpEndpoint: '127.0.0.1:0', nativeEndpoint: '127.0.0.1:0' }
  // A machine that is busy making rows answers late; nobody has to be told.
  const engine = await EmbeddedClickHouse.start({ dataDir, ...endpoints, healthTimeoutMs: 120_000 })
  const clickhouse = connectClickHouse({ url: engine.httpUrl, database: 'spanledger', requestTimeoutMs: 1_800_000 })
  try {
    await migrate(engine.httpUrl, { database: 'spanledger', cluster: '' }, 'bench')
    const endMs = Math.floor(Date.now() / 3_600_000) * 3_600_000
    const ledger = new QualityLedger(clickhouse, whole, endMs)
    for (const [parts, rest, share] of [
      [4, 0, 0.25],
      [4, 2, 0.5],
      [2, 1, 1],
    ] as const) {
      await ledger.grow(parts, rest)
      await ledger.changeScores()
      await ledger.settleParts()
      const range = { from: new Date(endMs - daysOfCalls * 86_400_000), to: new Date(endMs) }
      const ask = asking(clickhouse)
      const byModel = await timed(engine.pid, () => ask('quality', range))
      const trace = await someTrace(clickhouse)
      yield {
        calls: whole.calls * share,
        scores: whole.scores * share,
        byModel,
        trace: await timed(engine.pid, () => ask('feedback_list', { traces: [trace] })),
        different: differences(await ask('quality', range), await plainly(clickhouse, range)),
      }
    }
  } finally {
    await clickhouse.close()
    await engine.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function asking(
  clickhouse: ClickHouse,
): (id: string, params: Readonly<Record<string, unknown>>) => Promise<QueryRow[]> {
  const queries = new Map(loadQueries().map((query) => [query.id, query]))
  return (id, params) => runQuery(clickhouse, queries.get(id)!, params)
}

async function someTrace(clickhouse: ClickHouse): Promise<string> {
  const [row] = await clickhouse.query<{ id: string }>(
    "SELECT trace_id AS id FROM scores WHERE target = 'trace' ORDER BY score_id LIMIT 1 OFFSET 1000",
  )
  return row?.id ?? ''
}

async function timed(pid: number, run: () => Promise<unknown>): Promise<Timing> {
  await run()
  const taken: number[] = []
  const cpu = cpuSeconds(pid)
  for (let n = 0; n < runs; n++) {
    const from = performance.now()
    await run()
    taken.push(performance.now() - from)
  }
  const used = (cpuSeconds(pid) - cpu) / runs
  taken.sort((a, b) => a - b)
  return { ms: [taken[0]!, taken[Math.floor(runs / 2)]!], cpuSeconds: used }
}

interface Plain {
  readonly model: string
  readonly calls: string
  readonly total_cost: string | null
  readonly votes: string
  readonly positive: string
  readonly rated_calls: string
}

/**
 * The same figures without rollup, view or column that was made for them: each state of a row told apart by argMax, votes by window,
 * rated calls by looking at every call.
 */
async function plainly(
  clickhouse: ClickHouse,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Plain[]> {
  const bounds = { from: from.getTime(), to: to.getTime() }
  const settings = { max_bytes_before_external_group_by: '800000000', max_execution_time: 1200, max_threads: 1 }
  const within = (column: string) =>
    `${column} >= fromUnixTimestamp64Milli({from:Int64}) AND ${column} < fromUnixTimestamp64Milli({to:Int64})`
  const newest = `SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY score_id ORDER BY version DESC) AS place FROM scores
    WHERE ${within('target_time')}) WHERE place = 1 AND is_deleted = 0`
  const counted = `SELECT *, row_number() OVER (PARTITION BY if(author_id = '', score_id, author_id), name, trace_id, span_id
    ORDER BY created_at DESC, cityHash64(score_id) % 1048576 DESC) AS nth FROM (${newest})`
  const calls = `SELECT trace_id, span_id, argMax(model, version) AS model, argMax(cost_reason, version) AS reason,
    argMax((total_cost, 0), version).1 AS cost FROM spans WHERE ${within('start_time')} GROUP BY trace_id, span_id
    HAVING reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')`
  return clickhouse.query<Plain>(
    `SELECT c.model AS model, c.calls AS calls, c.total_cost AS total_cost, v.votes AS votes, v.positive AS positive, c.rated AS rated_calls
FROM (
  SELECT model, count() AS calls, sum(cost) AS total_cost,
    countIf((trace_id, model) IN (SELECT trace_id, model FROM (${newest}) WHERE target = 'trace')
      OR span_id IN (SELECT span_id FROM (${newest}) WHERE target = 'span')) AS rated
  FROM (${calls}) GROUP BY model
) AS c LEFT JOIN (
  SELECT model, count() AS votes, countIf(verdict = 1) AS positive FROM (${counted}) WHERE nth = 1 GROUP BY model
) AS v ON v.model = c.model`,
    bounds,
    settings,
  )
}

function differences(rows: readonly QueryRow[], plain: readonly Plain[]): number {
  const columns = ['calls', 'total_cost', 'votes', 'positive', 'rated_calls'] as const
  const text = (value: unknown): string => (value === null ? '' : String(value))
  const own = new Map(rows.filter((row) => row['calls'] !== null).map((row) => [String(row['group']), row]))
  const wrong = plain.filter((line) =>
    columns.some((column) => text(own.get(line.model)?.[column]) !== text(line[column])),
  )
  for (const line of wrong) console.error('differs:', line, own.get(line.model))
  return wrong.length + Math.abs(own.size - plain.length)
}
