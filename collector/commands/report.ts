// spanledger report: what was spent, on what, by whom, how good it was, and what has no price. Asks the
// questions of schemas/queries, as the API and the dashboards do.

/// <reference lib="esnext.temporal" />
import type { ClickHouse } from '../clickhouse/client.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { periodOf, periodOptions } from '../command-times.ts'
import { loadQueries, type QueryRow, runQuery } from '../queries.ts'
import { section, shown } from '../words-table.ts'

const questions = ['cost_coverage', 'fixed_charges', 'cost_by_model_day', 'cost_by_user', 'unpriced_calls'] as const
/** One question, asked by several dimensions. */
const qualities = { quality: 'model', quality_by_prompt: 'prompt', quality_by_release: 'release' } as const
type Question = (typeof questions)[number] | keyof typeof qualities
type Answers = Readonly<Record<Question, readonly QueryRow[]>> & {
  /** Absent: no currency was asked for. */
  readonly cost_in_currency?: readonly QueryRow[]
}

interface Scope {
  readonly project: string
  /** UTC, ISO 8601. */
  readonly from: string
  /** Not included. */
  readonly to: string
  readonly tz: string
  /** Costs are shown in it besides; '' for none. */
  readonly currency: string
  /** Name of the scores that say how good an answer was; '' for all. */
  readonly score: string
}

export default {
  name: 'report',
  summary: 'Print cost by model and day and by user, quality beside it, and what has no price',
  options: [
    ...periodOptions,
    { flag: 'project', value: 'NAME', doc: 'Project (default)' },
    { flag: 'score', value: 'NAME', doc: 'Count scores of this name alone for quality (all votes)' },
    {
      flag: 'currency',
      value: 'CODE',
      doc: 'Show costs in this currency as well, by the rates that were loaded (reporting_currency)',
    },
  ],
  async run(context) {
    const scope = scopeOf(context)
    const answers = await withLedger(context.config, (clickhouse) => ask(clickhouse, scope))
    context.print({ ...scope, ...answers }, () => words(scope, answers))
    return exitCode.done
  },
} satisfies Command

async function ask(clickhouse: ClickHouse, { tz, currency, score, ...scope }: Scope): Promise<Answers> {
  const queries = new Map(loadQueries().map((query) => [query.id, query]))
  const one = async (id: string, own: QueryRow = {}): Promise<QueryRow[]> => {
    const query = queries.get(id)
    if (query === undefined) throw new Error(`schemas/queries/${id}.sql is missing`)
    const takes = (name: string): boolean => query.params.some((param) => param.name === name)
    const more = { ...(takes('tz') ? { tz } : {}), ...(takes('currency') ? { currency } : {}) }
    return runQuery(clickhouse, query, { ...scope, ...more, ...own })
  }
  const asked: readonly string[] = currency === '' ? questions : [...questions, 'cost_in_currency']
  const answers = [
    ...asked.map(async (id) => [id, await one(id)] as const),
    ...Object.entries(qualities).map(async ([name, by]) => [name, await one('quality', { by, name: score })] as const),
  ]
  return Object.fromEntries(await Promise.all(answers)) as Record<Question | 'cost_in_currency', QueryRow[]>
}

function scopeOf(context: CommandContext): Scope {
  const { from, to, tz } = periodOf(context)
  const text = (time: Temporal.Instant) => time.toString({ smallestUnit: 'millisecond' })
  const currency = context.option('currency') ?? context.config.reportingCurrency
  if (!/^([A-Z]{3})?$/.test(currency)) {
    throw new UsageError(`--currency: "${currency.slice(0, 64)}" is not a currency code such as EUR`)
  }
  return {
    project: context.option('project') ?? 'default',
    from: text(from),
    to: text(to),
    tz,
    currency,
    score: context.option('score') ?? '',
  }
}

function words(scope: Scope, answers: Answers): string {
  const local = (time: string) =>
    Temporal.Instant.from(time).toZonedDateTimeISO(scope.tz).toPlainDateTime().toString({ smallestUnit: 'minute' })
  return [
    `Project ${scope.project}, ${local(scope.from).replace('T', ' ')} to ${local(scope.to).replace('T', ' ')} (${scope.tz})\n`,
    coverage(answers.cost_coverage[0] ?? {}),
    ...(answers.fixed_charges.length === 0
      ? []
      : [
          section('Plans, whose fees are in no total below', answers.fixed_charges, {
            plan: 'plan',
            fee: 'fee',
            currency: 'in',
            period: 'a',
            calls: 'calls',
            input_tokens: 'input',
            output_tokens: 'output',
          }),
        ]),
    ...(answers.cost_in_currency === undefined
      ? []
      : [
          section(`Cost in ${scope.currency}`, answers.cost_in_currency, {
            cost_currency: 'in',
            calls: 'calls',
            cost: 'cost',
            converted_cost: scope.currency,
            calls_without_rate: 'without a rate',
            first_rate_date: 'rates from',
            last_rate_date: 'to',
          }),
        ]),
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
    section('Cost per positive answer', answers.quality, {
      group: 'model',
      calls: 'calls',
      unpriced_calls: 'unpriced',
      ...votes,
      total_cost: 'cost USD',
      cost_per_positive: 'USD per positive',
    }),
    ...judged('Quality by version of a prompt', 'prompt', answers.quality_by_prompt),
    ...judged('Pass rate by release', 'release', answers.quality_by_release),
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

const votes = { votes: 'votes', positive: 'positive' } as const

/** Groups that somebody judged; nothing where no call names one, which is most often so. */
function judged(title: string, dimension: string, rows: readonly QueryRow[]): string[] {
  const named = rows.filter((row) => row['group'] !== '[none]' && Number(row['votes']) > 0)
  if (named.length === 0) return []
  const columns = {
    group: dimension,
    calls: 'calls',
    rated_share: 'rated',
    ...votes,
    pass_rate: 'pass rate',
    pass_rate_low: 'from',
    pass_rate_high: 'to',
    avg_cost: 'USD a call',
    cost_per_positive: 'USD per positive',
  }
  return [section(title, named, columns)]
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
