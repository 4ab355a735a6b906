// The ledger's side of an invoice comparison, asked day by day and project by project.

/// <reference lib="esnext.temporal" />
import { parseFine, picoOfFine } from '../../processors/invoices/exact.ts'
import type { LedgerCell } from '../../processors/invoices/ledger.ts'
import { usual } from '../../processors/invoices/line.ts'
import { kindOf, usualText } from '../../processors/invoices/map.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { loadQueries, type Query, runQuery } from '../queries.ts'

interface LedgerRow {
  readonly day: string
  readonly provider: string
  readonly model: string
  readonly kind: string
  readonly tier: string
  readonly geo: string
  readonly speed: string
  readonly band: string
  readonly is_priced: number
  readonly quantity: string
  readonly cost: string | null
  readonly calls: number
  readonly repeated_quantity: string
  readonly repeated_cost: string
  readonly has_ids: number
}

export interface LedgerDays {
  readonly cells: readonly LedgerCell[]
  /** Projects with calls on these days. */
  readonly projects: readonly string[]
}

/** Usage and cost of the days of a zone, by project; one question at a time, so that a month is as light as a day. */
export async function readLedgerDays(
  clickhouse: ClickHouse,
  { days, zone, project }: { readonly days: readonly string[]; readonly zone: string; readonly project: string | null },
): Promise<LedgerDays> {
  const query = loadQueries().find(({ id }) => id === 'invoice_ledger_day')
  if (query === undefined) throw new Error('schemas/queries/invoice_ledger_day.sql is missing')
  // A day of ten million calls takes its time; sums of calls by response id may go to disk.
  const patient: Pick<ClickHouse, 'query'> = {
    query: (sql, parameters, settings) => clickhouse.query(sql, parameters, { ...settings, ...daySettings }),
  }
  const cells: LedgerCell[] = []
  const seen = new Set<string>()
  for (const day of days) {
    const range = rangeOf(day, zone)
    for (const each of project === null ? await projectsOf(clickhouse, range) : [project]) {
      const rows = await runQuery<LedgerRow>(patient, query as Query, { project: each, tz: zone, ...range })
      if (rows.length > 0) seen.add(each)
      for (const row of rows) cells.push(cellOf(row, each))
    }
  }
  return { cells, projects: [...seen].sort() }
}

const daySettings = {
  max_execution_time: 600,
  max_bytes_before_external_group_by: '500000000',
} as const

interface Range {
  readonly from: string
  readonly to: string
}

function rangeOf(day: string, zone: string): Range {
  const date = Temporal.PlainDate.from(day)
  const at = (each: Temporal.PlainDate): string =>
    each.toZonedDateTime(zone).toInstant().toString({ smallestUnit: 'millisecond' })
  return { from: at(date), to: at(date.add({ days: 1 })) }
}

async function projectsOf(clickhouse: ClickHouse, { from, to }: Range): Promise<string[]> {
  const rows = await clickhouse.query<{ project_id: string }>(
    `SELECT DISTINCT project_id FROM usage_hourly
    WHERE hour >= toStartOfHour(parseDateTimeBestEffort({from:String}, 'UTC')) AND hour < parseDateTimeBestEffort({to:String}, 'UTC')
    ORDER BY project_id`,
    { from, to },
  )
  return rows.map(({ project_id }) => project_id)
}

function cellOf(row: LedgerRow, project: string): LedgerCell {
  const kind = kindOf(row.kind)
  if (kind === null) throw new Error(`invoice_ledger_day.sql: kind "${row.kind}" is not known`)
  return {
    day: row.day,
    provider: row.provider,
    account: project,
    model: row.model,
    family: kind.family,
    dimensions: {
      ...usual,
      ...kind.dimensions,
      tier: usualText('tier', row.tier),
      geo: row.geo === '?' ? null : usualText('geo', row.geo),
      speed: usualText('speed', row.speed),
      band: row.band,
    },
    quantity: picoOf(row.quantity),
    amount: row.is_priced === 1 && row.cost !== null ? picoOf(row.cost) : null,
    calls: BigInt(row.calls) * 10n ** 12n,
    repeatedQuantity: picoOf(row.repeated_quantity),
    repeatedAmount: picoOf(row.repeated_cost),
    hasIds: row.has_ids === 1,
  }
}

function picoOf(text: string): bigint {
  return picoOfFine(parseFine(text))
}
