// Repricing runs as rows of `pricing_runs`, and the claim that lets one process at a time move one on.

import { pricingRunsTable } from '../../schemas/pricing-runs-table.ts'
import { columnNames } from '../../schemas/table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import type { CallFilter, Slice } from './slices.ts'

export type RunState = 'writing' | 'written' | 'adopting' | 'adopted' | 'undoing' | 'undone'

export interface PricingRun {
  readonly pricing_run: string
  readonly state: RunState
  /** Times: Unix milliseconds. */
  readonly created_at: number
  readonly updated_at: number
  readonly window_from: number
  readonly window_to: number
  readonly filters: Readonly<Record<string, string>>
  readonly as_of: number | null
  readonly price_book: string
  readonly step: number
  readonly slices: readonly Slice[]
  readonly written: number
  readonly prepared: number
  readonly published: number
  readonly calls: number
  readonly changed: number
  readonly newly_priced: number
  readonly newly_unpriced: number
  readonly left_alone: number
  /** Decimal text. */
  readonly original_cost: string
  readonly total_cost: string
  readonly version: number
}

type RunRow = Readonly<Record<string, string | number | null | Record<string, string>>>

const times = ['created_at', 'updated_at', 'window_from', 'window_to', 'as_of']

export function filterOf({ window_from, window_to, filters }: PricingRun): CallFilter {
  return { fromMs: window_from, toMs: window_to, ...filters }
}

/** Runs, newest first; all, or those in some states. */
export async function listRuns(
  clickhouse: Pick<ClickHouse, 'query'>,
  states: readonly RunState[] = [],
): Promise<PricingRun[]> {
  return readRuns(clickhouse, states.length === 0 ? '1' : 'state IN ({states:Array(String)})', { states: [...states] })
}

/** null when there is none of that id. */
export async function findRun(clickhouse: Pick<ClickHouse, 'query'>, id: string): Promise<PricingRun | null> {
  const [run] = await readRuns(clickhouse, 'pricing_run = {id:String}', { id })
  return run ?? null
}

async function readRuns(
  clickhouse: Pick<ClickHouse, 'query'>,
  where: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<PricingRun[]> {
  const columns = columnNames(pricingRunsTable).map((name) =>
    times.includes(name) ? `toUnixTimestamp64Milli(r.${name}) AS ${name}` : `r.${name} AS ${name}`,
  )
  const rows = await clickhouse.query<RunRow>(
    `SELECT ${columns.join(', ')} FROM pricing_runs AS r FINAL WHERE ${where} ORDER BY pricing_run DESC`,
    parameters,
  )
  return rows.map(runOf)
}

const texts = ['pricing_run', 'state', 'price_book', 'original_cost', 'total_cost']

function runOf(row: RunRow): PricingRun {
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) {
    if (name === 'slices') found[name] = JSON.parse(String(value))
    else found[name] = texts.includes(name) || name === 'filters' || value === null ? value : Number(value)
  }
  return found as unknown as PricingRun
}

/** Writes the run again with what is new; what it now is. */
export async function saveRun(
  clickhouse: Pick<ClickHouse, 'command'>,
  run: PricingRun,
  news: Partial<PricingRun>,
): Promise<PricingRun> {
  const next: PricingRun = { ...run, ...news, updated_at: Date.now(), version: run.version + 1 }
  const row = Object.fromEntries(
    Object.entries(next).map(([name, value]) => {
      if (times.includes(name)) return [name, value === null ? null : new Date(Number(value)).toISOString()]
      return [name, name === 'slices' ? JSON.stringify(value) : value]
    }),
  )
  await clickhouse.command(
    `INSERT INTO pricing_runs (${columnNames(pricingRunsTable).join(', ')}) FORMAT JSONEachRow ${JSON.stringify(row)}`,
    {},
    { async_insert: 0, date_time_input_format: 'best_effort', input_format_json_read_numbers_as_strings: 1 },
  )
  return next
}
