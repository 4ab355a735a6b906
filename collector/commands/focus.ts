// spanledger focus: the ledger as FOCUS cost and usage data, day by day, for the tools that read cloud bills.

/// <reference lib="esnext.temporal" />
import { FocusPrices, ListPrices, type PriceLine } from '../../processors/focus/prices.ts'
import { type FocusGaps, FocusRows, type UsageLine } from '../../processors/focus/rows.ts'
import {
  type FocusRow,
  type FocusVersion,
  focusColumnsOf,
  focusHead,
  focusLine,
  focusVersions,
} from '../../schemas/focus.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { decimalPlaces, focusParquet } from '../clickhouse/focus-parquet.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { openTarget } from '../command-file.ts'
import { instantOf } from '../command-times.ts'
import { loadPriceBook } from '../price-files.ts'
import { loadQueries, type Query, runQuery } from '../queries.ts'

const tagNames = ['env', 'service', 'feature', 'release', 'prompt'] as const
const daysDefault = 7
const exportSettings = {
  output_format_json_quote_64bit_integers: 1,
  max_result_rows: '0',
  max_execution_time: 600,
} as const

interface Request {
  readonly version: FocusVersion
  readonly from: Temporal.Instant
  readonly to: Temporal.Instant
  /** '' for all. */
  readonly project: string
  readonly billingAccount: string
  readonly tags: readonly string[]
}

export default {
  name: 'focus',
  summary: 'Write the ledger as FOCUS cost and usage data, one row a UTC day, model, kind of token and price',
  options: [
    { flag: 'from', value: 'DAY', doc: 'First UTC day, such as 2026-11-01 (7 days before the end)' },
    { flag: 'to', value: 'DAY', doc: 'UTC day after the last (today)' },
    {
      flag: 'focus-version',
      value: 'VERSION',
      doc: `Version of FOCUS, ${focusVersions.join(' or ')} (${focusVersions[0]})`,
    },
    { flag: 'project', value: 'NAME', doc: 'One project (all)' },
    { flag: 'billing-account', value: 'ID', doc: "Your organisation's id at the provider (the provider's name)" },
    {
      flag: 'tags',
      value: 'LIST',
      doc: `What rows are told apart by and tagged with besides: ${tagNames.join(', ')} (none)`,
    },
    {
      flag: 'out',
      value: 'FILE',
      doc: 'File to write, replaced when whole; Parquet when it ends in .parquet (CSV to standard output)',
    },
  ],
  async run(context) {
    const request = requestOf(context)
    const { version } = request
    const file = context.option('out')
    const isParquet = file?.endsWith('.parquet') === true
    const target = file === undefined ? null : openTarget(file)
    const lines: string[] = []
    const objects: FocusObject[] = []
    let rows = 0
    let places = 0
    let gaps: FocusGaps = { unpriced: 0, partial: 0 }
    const write = (text: string): void =>
      target === null || isParquet ? void lines.push(text) : target.write(`${text}\n`)
    try {
      write(focusHead(version))
      await withLedger(context.config, async (clickhouse) => {
        for await (const day of exported(clickhouse, request)) {
          gaps = { unpriced: gaps.unpriced + day.gaps.unpriced, partial: gaps.partial + day.gaps.partial }
          rows += day.rows.length
          for (const row of day.rows) {
            if (context.isJson && target === null) objects.push(objectOf(row, version))
            else write(focusLine(row, version))
            if (isParquet) places = Math.max(places, decimalPlaces(objectOf(row, version), version))
          }
        }
        if (isParquet) target?.write(await focusParquet(clickhouse, lines, version, places))
      })
      target?.finish()
    } catch (error) {
      target?.discard()
      throw error
    }
    tellGaps(context, gaps)
    const summary = {
      focus_version: version,
      from: dayOf(request.from),
      to: dayOf(request.to),
      rows,
      unpriced_calls: gaps.unpriced,
      partial_calls: gaps.partial,
    }
    if (file !== undefined) context.print({ ...summary, file }, () => `${rows} rows written to ${file}`)
    else context.print({ ...summary, data: objects }, () => lines.join('\n'))
    return exitCode.done
  },
} satisfies Command

function requestOf({ option }: CommandContext): Request {
  const version = focusVersions.find((each) => each === (option('focus-version') ?? focusVersions[0]))
  if (version === undefined)
    throw new UsageError(`--focus-version: "${option('focus-version')}" is not ${focusVersions.join(' or ')}`)
  const today = Temporal.Now.instant().round({ smallestUnit: 'hour', roundingIncrement: 24, roundingMode: 'floor' })
  const to = option('to') === undefined ? today : midnightOf('to', option('to') ?? '')
  const from =
    option('from') === undefined ? to.subtract({ hours: 24 * daysDefault }) : midnightOf('from', option('from') ?? '')
  if (Temporal.Instant.compare(from, to) >= 0)
    throw new UsageError(`--from ${dayOf(from)} is not before --to ${dayOf(to)}`)
  const tags = (option('tags') ?? '').split(',').filter((tag) => tag !== '')
  const unknown = tags.find((tag) => !tagNames.some((name) => name === tag))
  if (unknown !== undefined) throw new UsageError(`--tags: "${unknown}" is none of ${tagNames.join(', ')}`)
  return { version, from, to, project: option('project') ?? '', billingAccount: option('billing-account') ?? '', tags }
}

function midnightOf(flag: string, text: string): Temporal.Instant {
  const instant = instantOf(flag, text, 'UTC')
  if (!instant.toString().endsWith('T00:00:00Z'))
    throw new UsageError(`--${flag}: a row is a whole UTC day: give a day, such as ${dayOf(instant)}`)
  return instant
}

interface ExportedDay {
  readonly rows: readonly FocusRow[]
  readonly gaps: FocusGaps
}

/** Day by day, so that memory does not grow with the range. */
async function* exported(clickhouse: ClickHouse, request: Request): AsyncGenerator<ExportedDay> {
  const queries = new Map(
    loadQueries(new URL('../../schemas/exports/', import.meta.url)).map((query) => [query.id, query]),
  )
  const asked = (id: string): Query => {
    const query = queries.get(id)
    if (query === undefined) throw new Error(`schemas/exports/${id}.sql is missing`)
    return query
  }
  const { project } = request
  // Whole numbers as text, as they may be sums; and an export is allowed more than a question of the API.
  const ledger: Pick<ClickHouse, 'query'> = {
    query: (sql, parameters, settings) => clickhouse.query(sql, parameters, { ...settings, ...exportSettings }),
  }
  const catalogue = new ListPrices(loadPriceBook())
  const whole = { project, from: request.from.toString(), to: request.to.toString() }
  for (const { day } of await runQuery<{ day: string }>(ledger, asked('focus_days'), whole)) {
    const from = Temporal.Instant.from(`${day}T00:00:00Z`)
    const range = { project, from: from.toString(), to: from.add({ hours: 24 }).toString() }
    const prices = new FocusPrices(await runQuery<PriceLine>(ledger, asked('focus_prices'), range), catalogue)
    const lines = await runQuery<UsageLine>(ledger, asked('focus_usage'), {
      ...range,
      edges: prices.edges(),
      single: prices.single(),
      tags: request.tags,
    })
    const rows = new FocusRows(prices, { billingAccount: request.billingAccount })
    for (const line of lines) rows.add(line)
    yield { rows: rows.rows(), gaps: rows.gaps }
  }
}

/** Never silent: a bill that lacks calls, or has rows without an amount, says so. */
function tellGaps({ note }: CommandContext, { unpriced, partial }: FocusGaps): void {
  if (unpriced > 0)
    note(
      `${unpriced} calls have no known cost: their rows have x_CostSource "unpriced" and an amount of 0 that stands for nothing`,
    )
  if (partial > 0)
    note(`${partial} calls have units without a price: those units are rows with x_CostSource "unpriced"`)
}

type FocusObject = Record<string, string | null>

function objectOf(row: FocusRow, version: FocusVersion): FocusObject {
  return Object.fromEntries(focusColumnsOf(version).map(({ name, value }) => [name, value(row, version)]))
}

function dayOf(instant: Temporal.Instant): string {
  return instant.toString().slice(0, 10)
}
