// Adopting a run, and undoing it: the ledger's rows, its rollups and its corrections are moved from one state to the other,
// and after a crash at any point to one of the two.
//
//   prepare   slice by slice: rows of the run whose span still is as the run found it take the step's number and the
//             revision they will write. Nothing has changed yet; what had changed meanwhile keeps its step: left alone.
//   publish   slice by slice: corrections, then one INSERT of pairs into `spans`, which the materialised views add up.
//
// Nothing is kept but numbers, because a pair can be made from either state of its span: the columns that a price decides
// come from the run, all others are the same before and after. So a slice of which nobody knows whether it went in is sent
// again, byte for byte the same, with its token: what is there already is dropped, in the table and in each rollup.
// A step once begun is always completed; undoing is a step of its own.

import { originalName, type RepricedColumn, recostsTable, repricedColumns } from '../../schemas/recosts-table.ts'
import { columnNames } from '../../schemas/table.ts'
import { type ClickHouse, insertSettings } from '../clickhouse/client.ts'
import { withClaim } from '../clickhouse/migration-claim.ts'
import { findRun, listRuns, type PricingRun, saveRun } from './runs.ts'
import { inSlice, type Slice } from './slices.ts'

export interface PublishParts {
  readonly clickhouse: ClickHouse
  readonly database: string
  /** Told as it gets on, slices of the phase at hand. */
  readonly onProgress?: (run: PricingRun, phase: 'preparing' | 'publishing', done: number) => void
  /** Ends it between two slices, to be completed later. */
  readonly signal?: AbortSignal
  /** Called between any two writes, for tests that end there. */
  readonly seam?: (point: string) => void | Promise<void>
}

/** What a step may begin from. */
const beginnings = { adopting: ['written', 'undone'], undoing: ['adopted'] } as const
const ends = { adopting: 'adopted', undoing: 'undone' } as const

/**
 * Adopts or undoes a run; what it then is. Waits for its turn, and completes what another left half done first.
 * Rejects with Error when there is no such run or it is in no state for it.
 */
export async function step(parts: PublishParts, id: string, direction: keyof typeof beginnings): Promise<PricingRun> {
  const { clickhouse } = parts
  return inLedgerTurn(parts, async () => {
    const run = await findRun(clickhouse, id)
    if (run === null) throw new Error(`there is no run ${id}: spanledger reprice list shows them`)
    if (run.state === ends[direction]) return run
    if (!(beginnings[direction] as readonly string[]).includes(run.state)) {
      throw new Error(`run ${id} is ${run.state}: only one that is ${beginnings[direction].join(' or ')} can go on so`)
    }
    const begun = await saveRun(clickhouse, run, { state: direction, step: run.step + 1, prepared: 0, published: 0 })
    await parts.seam?.('begun')
    return publish(parts, begun)
  })
}

/** Completes every step that somebody left half done; the runs it completed. */
export async function completeSteps(parts: PublishParts): Promise<PricingRun[]> {
  if ((await listRuns(parts.clickhouse, ['adopting', 'undoing'])).length === 0) return []
  return inLedgerTurn(parts, (completed) => Promise.resolve([...completed]))
}

/**
 * Runs work that corrects the ledger: when no other process does, and with every step completed that was left half done, so
 * that nobody takes the middle of one for a state. `work` is told of those runs.
 */
export function inLedgerTurn<T>(
  parts: PublishParts,
  work: (completed: readonly PricingRun[]) => Promise<T>,
): Promise<T> {
  const { clickhouse, database, signal } = parts
  const turn = async (): Promise<T> => {
    const completed: PricingRun[] = []
    for (const run of await listRuns(clickhouse, ['adopting', 'undoing'])) completed.push(await publish(parts, run))
    return work(completed)
  }
  return withClaim(clickhouse, `${database}.pricing_claims`, turn, signal)
}

async function publish(parts: PublishParts, begun: PricingRun): Promise<PricingRun> {
  const { clickhouse, onProgress, signal, seam } = parts
  let run = begun
  onProgress?.(run, 'preparing', run.prepared)
  for (let at = run.prepared; at < run.slices.length; at++) {
    signal?.throwIfAborted()
    await clickhouse.command(prepareSql(run, run.slices[at]!), sliceParameters(run, at), writeSettings(null))
    await seam?.(`prepared ${at}`)
    run = await saveRun(clickhouse, run, { prepared: at + 1 })
    onProgress?.(run, 'preparing', at + 1)
  }
  const columns = await spanColumns(clickhouse)
  onProgress?.(run, 'publishing', run.published)
  for (let at = run.published; at < run.slices.length; at++) {
    signal?.throwIfAborted()
    const slice = run.slices[at]!
    const token = `${run.pricing_run}/${run.step}/${at}`
    if ((await rowsReady(clickhouse, run, at)) > 0) {
      await seam?.(`before corrections ${at}`)
      await clickhouse.command(
        correctionsSql(run, slice),
        sliceParameters(run, at),
        writeSettings(`${token}/corrections`),
      )
      await seam?.(`before spans ${at}`)
      await clickhouse.command(pairsSql(run, slice, columns), sliceParameters(run, at), writeSettings(`${token}/spans`))
      await seam?.(`after spans ${at}`)
    }
    run = await saveRun(clickhouse, run, { published: at + 1 })
    onProgress?.(run, 'publishing', at + 1)
  }
  await seam?.('before the end')
  return saveRun(clickhouse, run, {
    state: ends[run.state as keyof typeof ends],
    left_alone: await leftAlone(clickhouse, run),
  })
}

function sliceParameters(run: PricingRun, at: number): Record<string, unknown> {
  return { ...inSlice(run.slices[at]!).parameters, run: run.pricing_run, step: run.step, last: run.step - 1 }
}

/** One block an insert, so that its token says exactly whether it is there; one thread leaves the other to the live path. */
function writeSettings(token: string | null) {
  return {
    ...insertSettings,
    ...(token === null ? { insert_deduplicate: 0 as const } : { insert_deduplication_token: token }),
    max_threads: 1,
    max_insert_threads: '1',
    max_insert_block_size: '10000000',
    min_insert_block_size_rows: '10000000',
    min_insert_block_size_bytes: '0',
    do_not_merge_across_partitions_select_final: 1,
  } as const
}

/** Columns of the table as it is, which may be newer than this program: a copy of a row is of the whole row. */
async function spanColumns(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'spans'
    AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position`,
  )
  return rows.map(({ name }) => name)
}

const keys = ['project_id', 'kind', 'start_time', 'trace_id', 'span_id'] as const
const onKeys = keys.map((name) => `s.${name} = r.${name}`).join(' AND ')

type Side = 'before' | 'after'

/** The run's name of a column as the step finds it, or leaves it. */
function sideOf({ step: number }: PricingRun, side: Side, column: RepricedColumn): string {
  const isRun = (number % 2 === 1) === (side === 'after')
  return isRun ? column : originalName(column)
}

/** The span is, in what a price decides, as the run says it is on one side of the step. */
function isAs(run: PricingRun, side: Side): string {
  return repricedColumns
    .map((column) => {
      const other = sideOf(run, side, column)
      return column.endsWith('cost') ? `ifNull(s.${column}, -1) = ifNull(r.${other}, -1)` : `s.${column} = r.${other}`
    })
    .join(' AND ')
}

function recostsOf(slice: Slice, step: '{last:UInt32}' | '{step:UInt32}'): string {
  return `(SELECT * FROM span_recosts FINAL WHERE pricing_run = {run:String} AND ${inSlice(slice).sql} AND step = ${step})`
}

/** Of a span, what tells whether it is still as it was found. */
const spanState = [
  ...keys,
  ...repricedColumns.filter((name) => !(keys as readonly string[]).includes(name)),
  'revision',
]

function prepareSql(run: PricingRun, slice: Slice): string {
  const names = columnNames(recostsTable)
  const values = names.map((name) => {
    if (name === 'step') return '{step:UInt32} AS step'
    if (name === 'revision') return 'toUInt32(s.revision + 1) AS revision'
    // The later row wins, also within a millisecond.
    if (name === 'computed_at') return 'greatest(now64(3), r.computed_at + INTERVAL 1 MILLISECOND) AS computed_at'
    return `r.${name} AS ${name}`
  })
  return `INSERT INTO span_recosts (${names.join(', ')}) SELECT ${values.join(', ')}
    FROM (SELECT ${spanState.join(', ')} FROM spans FINAL WHERE ${inSlice(slice).sql}) AS s
    INNER JOIN ${recostsOf(slice, '{last:UInt32}')} AS r ON ${onKeys}
    WHERE s.revision = r.revision AND ${isAs(run, 'before')}`
}

function correctionsSql(run: PricingRun, slice: Slice): string {
  const changes = repricedColumns.map((column) => {
    const [from, to] = [sideOf(run, 'before', column), sideOf(run, 'after', column)].map((name) =>
      column.endsWith('cost') ? `ifNull(toString(r.${name}), 'NULL')` : `toString(r.${name})`,
    )
    return `'${column}', if(${from} = ${to}, '', concat(${from}, ' → ', ${to}))`
  })
  const reason = run.step % 2 === 1 ? 'reprice' : 'reprice_undone'
  return `INSERT INTO ledger_corrections (project_id, corrected_at, trace_id, span_id, revision, reason, changes, old_cost, new_cost, evidence, made_by)
    SELECT r.project_id, r.computed_at, r.trace_id, r.span_id, r.revision, '${reason}',
      mapFilter((k, v) -> v != '', map(${changes.join(', ')})),
      r.${sideOf(run, 'before', 'total_cost')}, r.${sideOf(run, 'after', 'total_cost')}, {run:String}, 'reprice'
    FROM ${recostsOf(slice, '{step:UInt32}')} AS r`
}

function pairsSql(run: PricingRun, slice: Slice, columns: readonly string[]): string {
  const values = columns.map((name) => {
    if (name === 'sign') return 'pair AS sign'
    if (name === 'revision') return 'r.revision AS revision'
    if (!(repricedColumns as readonly string[]).includes(name)) return `s.${name} AS ${name}`
    const column = name as RepricedColumn
    return `if(pair = 1, r.${sideOf(run, 'after', column)}, r.${sideOf(run, 'before', column)}) AS ${name}`
  })
  return `INSERT INTO spans (${columns.join(', ')}) SELECT ${values.join(', ')}
    FROM (SELECT ${columns.join(', ')} FROM spans FINAL WHERE ${inSlice(slice).sql}) AS s
    INNER JOIN ${recostsOf(slice, '{step:UInt32}')} AS r ON ${onKeys}
    ARRAY JOIN [toInt8(-1), toInt8(1)] AS pair
    WHERE (s.revision + 1 = r.revision AND ${isAs(run, 'before')}) OR (s.revision = r.revision AND ${isAs(run, 'after')})`
}

async function rowsReady(clickhouse: ClickHouse, run: PricingRun, at: number): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    `SELECT count() AS rows FROM ${recostsOf(run.slices[at]!, '{step:UInt32}')}`,
    sliceParameters(run, at),
    { max_threads: 1 },
  )
  return Number(row?.rows ?? 0)
}

/** Rows of the run that the step did not take. */
async function leftAlone(clickhouse: ClickHouse, { pricing_run, step: number }: PricingRun): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM span_recosts FINAL WHERE pricing_run = {run:String} AND step = {last:UInt32}',
    { run: pricing_run, last: number - 1 },
    { max_threads: 1 },
  )
  return Number(row?.rows ?? 0)
}
