// spanledger report: what was spent, on what, by whom, what a positive answer costs, and what has no price. Asks the
// questions of schemas/queries, as the API and the dashboards do.

/// <reference lib="esnext.temporal" />
import { type ClickHouse, ClickHouseError, connectClickHouse } from '../clickhouse/client.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { type Config, clickHouseUrl } from '../config.ts'
import { formatEndpoint } from '../config-values.ts'
import { loadQueries, type QueryRow, runQuery } from '../queries.ts'

const questions = ['cost_coverage', 'cost_by_model_day', 'cost_by_user', 'cost_per_positive', 'unpriced_calls'] as const
type Question = (typeof questions)[number]
type Answers = Readonly<Record<Question, readonly QueryRow[]>>

interface Scope {
  readonly project: string
  /** UTC, ISO 8601. */
  readonly from: string
  /** Not included. */
  readonly to: string
  readonly tz: string
}

const daysDefault = 7

export default {
  name: 'report',
  summary: 'Print cost by model and day, by user and per positive answer, and what has no price',
  options: [
    { flag: 'from', value: 'TIME', doc: 'First instant, 2026-11-01 or 2026-11-01T09:00 (7 days before the end)' },
    { flag: 'to', value: 'TIME', doc: 'End, itself not included (now)' },
    { flag: 'tz', value: 'ZONE', doc: 'Time zone of days and of times without an offset, such as Europe/Berlin (UTC)' },
    { flag: 'project', value: 'NAME', doc: 'Project (default)' },
  ],
  async run(context) {
    const scope = scopeOf(context)
    const place = placeOf(context.config)
    const clickhouse = connectClickHouse({ url: place.url, database: context.config.clickhouseDatabase })
    try {
      const answers = await ask(clickhouse, scope)
      context.print({ ...scope, ...answers }, () => words(scope, answers))
    } catch (error) {
      throw explained(error, { place: place.shown, database: context.config.clickhouseDatabase })
    } finally {
      await clickhouse.close()
    }
    return exitCode.done
  },
} satisfies Command

async function ask(clickhouse: ClickHouse, { tz, ...scope }: Scope): Promise<Answers> {
  const queries = new Map(loadQueries().map((query) => [query.id, query]))
  const answers = questions.map(async (id) => {
    const query = queries.get(id)
    if (query === undefined) throw new Error(`schemas/queries/${id}.sql is missing`)
    const isByDay = query.params.some(({ name }) => name === 'tz')
    return [id, await runQuery(clickhouse, query, isByDay ? { ...scope, tz } : scope)] as const
  })
  return Object.fromEntries(await Promise.all(answers)) as Record<Question, QueryRow[]>
}

function scopeOf({ option }: CommandContext): Scope {
  const tz = option('tz') ?? 'UTC'
  if (!isZone(tz)) throw new UsageError(`--tz: "${tz}" is not a time zone such as UTC or Europe/Berlin`)
  const now = Temporal.Now.instant()
  const end = option('to') === undefined ? now : instant('to', option('to') ?? '', tz)
  const begin =
    option('from') === undefined ? end.subtract({ hours: 24 * daysDefault }) : instant('from', option('from') ?? '', tz)
  if (Temporal.Instant.compare(begin, end) >= 0) throw new UsageError(`--from ${begin} is not before --to ${end}`)
  const text = (time: Temporal.Instant) => time.toString({ smallestUnit: 'millisecond' })
  return { project: option('project') ?? 'default', from: text(begin), to: text(end), tz }
}

function isZone(tz: string): boolean {
  try {
    // ClickHouse knows names, not offsets.
    return /^[A-Za-z]/.test(tz) && Temporal.Now.zonedDateTimeISO(tz) !== undefined
  } catch {
    // Not a name that anybody knows.
    return false
  }
}

/** A time with an offset is an instant; one without is local, and a day is its first instant. */
function instant(flag: string, text: string, tz: string): Temporal.Instant {
  try {
    if (/T.*(Z|[+-]\d\d:?\d\d)$/.test(text)) return Temporal.Instant.from(text)
    return Temporal.PlainDateTime.from(text, { overflow: 'reject' }).toZonedDateTime(tz).toInstant()
  } catch (error) {
    const form = 'such as 2026-11-01, 2026-11-01T09:00 or 2026-11-01T09:00:00Z'
    throw new UsageError(`--${flag}: "${text.slice(0, 64)}" is not a time ${form}`, { cause: error })
  }
}

/** The server of the configuration, else the engine of the collector that runs on this machine. */
function placeOf(config: Config): { readonly url: string; readonly shown: string } {
  const server = clickHouseUrl(config)
  if (server !== null) return { url: server.reveal(), shown: config.clickhouseUrl?.address ?? '' }
  const endpoint = config.embeddedHttpEndpoint
  if (endpoint.port === 0) {
    throw new UsageError('embedded_http_endpoint has port 0: say which port the running collector took')
  }
  const url = `http://${formatEndpoint(endpoint)}`
  return { url, shown: url }
}

const unknownTable = [60, 81]

function explained(error: unknown, { place, database }: { place: string; database: string }): unknown {
  if (!(error instanceof ClickHouseError)) return error
  if (error.code === null) {
    return new Error(
      `ClickHouse at ${place} does not answer: start the collector (spanledger serve), or name a server by SPANLEDGER_CLICKHOUSE_URL`,
      { cause: error },
    )
  }
  if (!unknownTable.includes(error.code)) return error
  return new Error(
    `ClickHouse at ${place} has no ledger in the database ${database}: a collector makes it at its start`,
    {
      cause: error,
    },
  )
}

function words(scope: Scope, answers: Answers): string {
  const local = (time: string) =>
    Temporal.Instant.from(time).toZonedDateTimeISO(scope.tz).toPlainDateTime().toString({ smallestUnit: 'minute' })
  return [
    `Project ${scope.project}, ${local(scope.from).replace('T', ' ')} to ${local(scope.to).replace('T', ' ')} (${scope.tz})\n`,
    coverage(answers.cost_coverage[0] ?? {}),
    section('Cost by model and day', answers.cost_by_model_day, {
      day: 'day',
      provider: 'provider',
      model: 'model',
      calls: 'calls',
      unpriced_calls: 'unpriced',
      input_tokens: 'input',
      output_tokens: 'output',
      total_cost: 'cost USD',
    }),
    section('Cost by user', answers.cost_by_user, {
      user_id: 'user',
      calls: 'calls',
      unpriced_calls: 'unpriced',
      input_tokens: 'input',
      output_tokens: 'output',
      total_cost: 'cost USD',
    }),
    section('Cost per positive answer', answers.cost_per_positive, {
      group: 'model',
      calls: 'calls',
      unpriced_calls: 'unpriced',
      votes: 'votes',
      positive: 'positive',
      total_cost: 'cost USD',
      cost_per_positive: 'USD per positive',
    }),
    section('Unpriced calls', answers.unpriced_calls, {
      provider: 'provider',
      model: 'model',
      cost_status: 'status',
      cost_reason: 'reason',
      calls: 'calls',
      input_tokens: 'input',
      output_tokens: 'output',
      trace_id: 'newest trace',
    }),
  ].join('\n')
}

/** The totals, and how much of the calls they cover: never one without the other. */
function coverage(row: QueryRow): string {
  const count = (name: string) => Number(row[name] ?? 0)
  const [calls, priced, unpriced] = [count('calls'), count('priced_calls'), count('unpriced_calls')]
  const cost = row['total_cost'] === null ? 'unknown' : `${shown(row['total_cost'])} USD`
  const share = priced + unpriced === 0 ? '' : `, ${((100 * priced) / (priced + unpriced)).toFixed(1)} % priced`
  const missing = unpriced === 0 ? '' : `, without the whole cost of ${unpriced} unpriced calls`
  return [
    `Spend   ${calls === 0 ? 'no calls' : cost}${missing}`,
    `Calls   ${calls}: ${priced} priced, ${unpriced} unpriced, ${count('not_billed_calls')} not billed${share}`,
    `Errors  ${count('errors')}`,
    '',
  ].join('\n')
}

/** A title and rows under a head: text to the left, numbers to the right, money by its point. */
function section(title: string, rows: readonly QueryRow[], columns: Readonly<Record<string, string>>): string {
  if (rows.length === 0) return `${title}: none\n`
  const blocks = Object.entries(columns).map(([name, head]) => {
    const values = rows.map((row) => row[name])
    const isNumber = name === 'total_cost' || values.every((value) => value === null || typeof value === 'number')
    const cells = isNumber ? byPoint(values.map(shown)) : values.map(shown)
    const width = Math.max(head.length, ...cells.map((cell) => cell.length))
    return [head, ...cells].map((cell) => (isNumber ? cell.padStart(width) : cell.padEnd(width)))
  })
  const lines = blocks[0]?.map((_, i) => `  ${blocks.map((cells) => cells[i]).join('  ')}`.trimEnd()) ?? []
  return `${title}\n${lines.join('\n')}\n`
}

const rounded = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false })

/** What is not known is a dash; a decimal keeps every digit it came with, a ratio four. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'number' && !Number.isInteger(value)) return rounded.format(value)
  // From the wire, and on its way to a terminal.
  return String(value).replaceAll(/\p{Cc}/gu, '�')
}

/** Pads behind the point, so that right-aligned points are above each other. */
function byPoint(cells: readonly string[]): string[] {
  const behind = (cell: string) => (cell.includes('.') ? cell.length - cell.indexOf('.') : 0)
  const most = Math.max(...cells.map(behind))
  return cells.map((cell) => cell + ' '.repeat(most - behind(cell)))
}
