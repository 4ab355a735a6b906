// Writes a run beside the originals: the changed calls of each slice as one insert into `span_recosts`. A slice written twice
// is the same rows under the same keys, so a run goes on from the last slice it noted.

import { randomBytes } from 'node:crypto'
import { recostsTable } from '../../schemas/recosts-table.ts'
import { columnNames } from '../../schemas/table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { CallPricerOptions } from './calls.ts'
import type { Differences } from './differences.ts'
import { recompute } from './recompute.ts'
import { RecostBlock } from './recost-block.ts'
import { filterOf, type PricingRun, saveRun } from './runs.ts'
import type { CallFilter, Slice } from './slices.ts'

export interface NewRun {
  readonly filter: CallFilter
  readonly slices: readonly Slice[]
  /** Unix milliseconds; null for all that is recorded. */
  readonly asOf: number | null
  /** Versions of the books that price it, one or, where projects have their own, joined by a comma. */
  readonly priceBook: string
}

/** Begins a run; nothing is written yet but the run itself. */
export function createRun(clickhouse: ClickHouse, { filter, slices, asOf, priceBook }: NewRun): Promise<PricingRun> {
  const { fromMs, toMs, ...filters } = filter
  const now = Date.now()
  const run: PricingRun = {
    pricing_run: `${new Date(now).toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}-${randomBytes(2).toString('hex')}`,
    state: 'writing',
    created_at: now,
    updated_at: now,
    window_from: fromMs,
    window_to: toMs,
    filters,
    as_of: asOf,
    price_book: priceBook,
    step: 0,
    slices,
    written: 0,
    prepared: 0,
    published: 0,
    calls: 0,
    changed: 0,
    newly_priced: 0,
    newly_unpriced: 0,
    left_alone: 0,
    original_cost: '0',
    total_cost: '0',
    version: 0,
  }
  return saveRun(clickhouse, run, {})
}

export interface WriteParts extends CallPricerOptions {
  readonly clickhouse: ClickHouse
  readonly tz: string
  readonly onProgress?: (run: PricingRun, done: number) => void
  /** Called between any two writes, for tests that end there. */
  readonly seam?: (point: string) => void | Promise<void>
}

/** Writes what is left of a run; what it then is, and the differences of the slices written now. */
export async function writeRun(
  parts: WriteParts,
  begun: PricingRun,
): Promise<{ readonly run: PricingRun; readonly differences: Differences }> {
  const { clickhouse, onProgress, seam } = parts
  let run = begun
  const first = run.written
  const head = { run: run.pricing_run, computedMs: Date.now() }
  let block: RecostBlock | undefined
  const differences = await recompute(
    { ...parts, filter: filterOf(run), slices: run.slices.slice(first) },
    {
      begin(strings) {
        block = new RecostBlock(strings, head)
      },
      changed: (row) => block?.append(row),
      async slice(done, sums) {
        if (block !== undefined && block.rows > 0) {
          await clickhouse.insert({
            table: recostsTable.name,
            columns: columnNames(recostsTable),
            body: block.parts(),
            // The rows of a slice may be other ones when it is written again, after a late span: never the same token.
            token: `${run.pricing_run}/${first + done}/${head.computedMs}`,
            rows: block.rows,
          })
          block.reset()
        }
        await seam?.(`written ${first + done}`)
        run = await saveRun(clickhouse, run, { written: first + done, calls: begun.calls + sums.totals().calls })
        onProgress?.(run, first + done)
      },
    },
  )
  return { run: await saveRun(clickhouse, run, { ...(await sums(clickhouse, run)), state: 'written' }), differences }
}

async function sums(clickhouse: ClickHouse, { pricing_run }: PricingRun): Promise<Partial<PricingRun>> {
  const [row] = await clickhouse.query<Record<string, string>>(
    `SELECT count() AS changed, countIf(r.original_cost IS NULL AND r.total_cost IS NOT NULL) AS newly_priced,
      countIf(r.original_cost IS NOT NULL AND r.total_cost IS NULL) AS newly_unpriced,
      sum(ifNull(r.original_cost, 0)) AS original, sum(ifNull(r.total_cost, 0)) AS total
    FROM span_recosts AS r FINAL WHERE r.pricing_run = {run:String}`,
    { run: pricing_run },
    { max_threads: 1 },
  )
  return {
    changed: Number(row?.['changed']),
    newly_priced: Number(row?.['newly_priced']),
    newly_unpriced: Number(row?.['newly_unpriced']),
    original_cost: row?.['original'] ?? '0',
    total_cost: row?.['total'] ?? '0',
  }
}
