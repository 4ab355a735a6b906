// Makes a rollup the sum of its rows again by an appended row, and records it. A difference counts only when it is there
// twice: an insert reaches the rows a moment before it reaches the rollup.

import { setTimeout as sleep } from 'node:timers/promises'
import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { type ClickHouse, insertSettings } from '../clickhouse/client.ts'
import {
  type Difference,
  differencesIn,
  differencesSql,
  markOf,
  type Rollup,
  rollups,
  type Span,
  widened,
} from './rollups.ts'

export interface Reconciled {
  readonly differences: readonly Difference[]
  /** Decimal text: sum of the absolute differences of cost in the hourly rollup, USD; before any repair. */
  readonly differenceUsd: string
}

export interface ReconcileParts {
  readonly clickhouse: ClickHouse
  /** Only tells; nothing is put right. */
  readonly isDry?: boolean
  /** Runs the work when no other process corrects the ledger; absent: there is no other. */
  readonly inTurn?: <T>(work: () => Promise<T>) => Promise<T>
  /** Between the two looks, ms. */
  readonly againAfterMs?: number
  readonly rollups?: readonly Rollup[]
}

const againAfterMs = 1500

/** Looks at whole hours and days of the span, and puts them right unless `isDry`. Rejects with ClickHouseError. */
export async function reconcile(parts: ReconcileParts, span: Span): Promise<Reconciled> {
  const { clickhouse, inTurn = (work) => work() } = parts
  const found: Difference[] = []
  for (const rollup of parts.rollups ?? rollups) {
    const first = await differencesIn(clickhouse, rollup, span)
    if (first.length === 0) continue
    const lasting = await inTurn(async () => {
      await sleep(parts.againAfterMs ?? againAfterMs)
      const marks = new Set(first.map(({ mark }) => mark))
      const second = (await differencesIn(clickhouse, rollup, span)).filter(({ mark }) => marks.has(mark))
      if (second.length > 0 && parts.isDry !== true) await repair(clickhouse, rollup, span, second)
      return second
    })
    found.push(...lasting)
  }
  return { differences: found, differenceUsd: costOf(found) }
}

function costOf(differences: readonly Difference[]): string {
  let sum = 0n
  for (const { table, counters } of differences) {
    const pico = parsePicoUsd(counters['total_cost'] ?? '0')
    if (table === 'usage_hourly') sum += pico < 0n ? -pico : pico
  }
  return formatPicoUsd(sum)
}

async function repair(
  clickhouse: ClickHouse,
  rollup: Rollup,
  span: Span,
  differences: readonly Difference[],
): Promise<void> {
  const { table, time, dimensions, counters } = rollup
  const names = [time.column, ...dimensions]
  const parameters = { ...widened(rollup, span), marks: differences.map(({ mark }) => mark) }
  const found = `(${differencesSql(rollup)}) AS d WHERE has({marks:Array(String)}, toString(${markOf(rollup)}))`
  const pairs = (columns: readonly string[], value: (column: string) => string): string =>
    columns.map((column) => `'${column}', ${value(column)}`).join(', ')
  await clickhouse.command(
    `INSERT INTO ledger_corrections (project_id, corrected_at, trace_id, span_id, revision, reason, changes, old_cost, new_cost, evidence, made_by)
    SELECT d.project_id, now64(3), '', concat('${table}/', hex(cityHash64(${names.map((name) => `toString(d.${name})`).join(', ')}))),
      toUnixTimestamp(now()), 'reconciled',
      mapFilter((k, v) -> v NOT IN ('', '0'), map(${pairs(names, (name) => `toString(d.${name})`)},
        ${pairs(
          counters.map(([column]) => column),
          (column) => `toString(-d.${column})`,
        )})),
      NULL, NULL, '${table} was not the sum of its rows', 'reconcile'
    FROM ${found}`,
    parameters,
    insertSettings,
  )
  await clickhouse.command(
    `INSERT INTO ${table} (${[...names, ...counters.map(([column]) => column)].join(', ')})
    SELECT ${[
      ...names.map((name) => `d.${name}`),
      ...counters.map(([column]) => (column.endsWith('cost') ? `-d.${column}` : `toInt64(-d.${column})`)),
    ].join(', ')}
    FROM ${found}`,
    parameters,
    { ...insertSettings, insert_deduplicate: 0 },
  )
}
