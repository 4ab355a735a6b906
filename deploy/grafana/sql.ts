// The SQL of dashboard panels. A question of `schemas/queries` becomes a panel by swapping its parameters for Grafana's
// macros and variables, so that board, API and command line give one number. Charts read `usage`: the calls themselves,
// or in long ranges the hourly rollup for whole hours and the calls for the two broken ones, with the same totals.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { readFileSync } from 'node:fs'

/** The variables that narrow a board, and the column each of them narrows. */
const scopes = { project: 'project_id', env: 'env', service: 'service', model: 'model' } as const

export type Scope = keyof typeof scopes
const everyScope: readonly Scope[] = ['project', 'env', 'service', 'model']

/** A column with its empty value named: Grafana takes an empty choice for "All". */
export function named(column: string): string {
  return `if(${column} = '', '[none]', ${column})`
}

/** What the variables of a board leave of a table. `project_id` stays bare, it leads the sorting key; it is never empty. */
export function scoped(alias: string, names: readonly Scope[] = everyScope): string {
  return names
    .map((name) => {
      const column = `${alias}.${scopes[name]}`
      return `$__conditionalAll(${name === 'project' ? column : named(column)} IN (\${${name}:singlequote}), $${name})`
    })
    .join('\n  AND ')
}

/** The reader's time zone; Grafana calls UTC `utc`, which ClickHouse refuses. */
export const timeZone = "if('${__timezone}' = 'utc', 'UTC', '${__timezone}')"

/**
 * The text of `schemas/queries/<name>.sql` for a panel: the range is the board's, `project` widens to all its variables
 * (in `spans`, which a question reads beside its calls, to the project alone) or to the `names` given, the time zone is the
 * reader's, and every
 * other parameter keeps its default unless given here, or is `chosen` by the variable of that name. Throws when a parameter is left over.
 */
export function question(
  name: string,
  values: Readonly<Record<string, string>> = {},
  names?: readonly Scope[],
  chosen: Readonly<Record<string, string>> = {},
): string {
  const file = readFileSync(new URL(`../../schemas/queries/${name}.sql`, import.meta.url), 'utf8')
  const parameters: Record<string, string> = { tz: timeZone, from: '$__fromTime', to: '$__toTime', ...values }
  for (const [, parameter = '', text = ''] of file.matchAll(/^-- param: (\w+) .+? = (.+)$/gm)) {
    parameters[parameter] ??= text
  }
  return file
    .replace(/^\s*--.*\n/gm, '')
    .trim()
    .replace(/(\w+)\.(\w+) >= \{from:[^}]+\}\s+AND \1\.\2 < \{to:[^}]+\}/g, '$$__timeFilter($1.$2)')
    .replace(/(\w+)\.project_id = \{project:String\}/g, (_, alias: string) => {
      return scoped(alias, names ?? (file.includes(`FROM spans AS ${alias}\n`) ? ['project'] : everyScope))
    })
    .replace(
      /\((?:empty\(\{(\w+):[^}]+\}\)|\{(\w+):[^}]+\} = '') OR ([\w.]+) (?:IN|=) \{\w+:[^}]+\}\)/g,
      (condition, list: string | undefined, one: string | undefined, column: string) => {
        const variable = chosen[list ?? one ?? '']
        return variable === undefined
          ? condition
          : `$__conditionalAll(${column} IN (\${${variable}:singlequote}), $${variable})`
      },
    )
    .replace(/(?<!\$)\{(\w+):[^}]+\}/g, (placeholder, parameter: string) => {
      const text = parameter === 'project' ? undefined : parameters[parameter]
      if (text === undefined) throw new Error(`${name}.sql: no value for ${placeholder} in a panel`)
      return text
    })
}

/** Some columns of a question, in their order; what it sets is set for the whole. */
export function pick(columns: readonly string[], sql: string, end = ''): string {
  const [, inner = sql, settings = ''] = /^([\s\S]*?)(\nSETTINGS [^\n]*)?$/.exec(sql) ?? []
  return `SELECT ${columns.map((column) => (column.includes(' AS ') ? column : `q.${column} AS ${column}`)).join(', ')}
FROM
(
${inner}
) AS q${end}
LIMIT 1000${settings}`
}

/** A stretch of time: its ends, and the calls within it by their bare start. */
interface Window {
  readonly from: string
  readonly to: string
  readonly filter: string
}

const shown: Window = { from: '$__fromTime', to: '$__toTime', filter: '$__timeFilter(c.start_time)' }

const beforeFrom = '($__fromTime - ($__toTime - $__fromTime))'
/** As long as the range shown, and over when that begins. */
export const windowBefore: Window = {
  from: beforeFrom,
  to: '$__fromTime',
  filter: `c.start_time >= ${beforeFrom} AND c.start_time < $__fromTime`,
}

/** Longer ranges read the rollup: a week of calls is a second's work up to 40 million of them. */
const long = `$__toTime - $__fromTime > ${7 * 86_400}`

/**
 * A measure by its name in panels: how one call counts, and what sums it in `usage_hourly`, where `priced_calls` are the
 * calls with a cost, the partly priced ones among them.
 */
const measures = {
  calls: { call: '1', hour: 'r.calls' },
  priced_calls: {
    call: "c.cost_status IN ('priced', 'reported', 'estimated')",
    hour: 'r.priced_calls - r.partial_calls + r.other_currency_calls',
  },
  unpriced_calls: {
    call: "c.cost_status IN ('unpriced', 'partial', 'invalid')",
    hour: 'r.unpriced_calls + r.partial_calls',
  },
  costed_calls: { call: 'isNotNull(c.total_cost)', hour: 'r.priced_calls' },
  errors: { call: "c.status = 'error'", hour: 'r.errors' },
  input_tokens: { call: 'c.input_tokens', hour: 'r.input_tokens' },
  cache_read_tokens: { call: 'c.cache_read_tokens', hour: 'r.cache_read_tokens' },
  cache_write_tokens: { call: 'c.cache_write_tokens', hour: 'r.cache_write_tokens' },
  output_tokens: { call: 'c.output_tokens', hour: 'r.output_tokens' },
  reasoning_tokens: { call: 'c.reasoning_tokens', hour: 'r.reasoning_tokens' },
  total_cost: { call: 'ifNull(c.total_cost, 0)', hour: 'r.total_cost' },
} as const

export type Measure = keyof typeof measures

/** Money summed out of `usage`: NULL, not 0, where no call had a cost. */
export const spend = 'if(sum(u.costed_calls) > 0, sum(u.total_cost), NULL)'

/**
 * A table expression `u` with one row a call or rollup row: `at` (time), the dimensions named, and the measures named as
 * numbers to be summed. Counts are signed, because a correction takes away what it replaces. Tokens stay NULL where a
 * call did not report them; the rollup cannot tell and sums what was reported.
 */
export function usage(dimensions: readonly string[], names: readonly Measure[], window = shown): string {
  const firstHour = `toStartOfHour(${window.from} + 3599, 'UTC')`
  const lastHour = `toStartOfHour(${window.to}, 'UTC')`
  const columns = (alias: 'c' | 'r', time: string) =>
    [
      `toDateTime(${time}, 'UTC') AS at`,
      ...dimensions.map((dimension) => `toString(${alias}.${dimension}) AS ${dimension}`),
      ...names.map((name) => `CAST(${measures[name][alias === 'c' ? 'call' : 'hour']}, '${typeOf(name)}') AS ${name}`),
    ].join(',\n    ')
  return `(
  SELECT
    ${columns('c', 'c.start_time')}
  FROM llm_calls AS c
  WHERE ${window.filter}
  AND (NOT (${long}) OR c.start_time < ${firstHour} OR c.start_time >= ${lastHour})
  AND ${scoped('c')}
  UNION ALL
  SELECT
    ${columns('r', 'r.hour')}
  FROM usage_hourly AS r
  WHERE ${long}
  AND r.hour >= ${firstHour} AND r.hour < ${lastHour}
  AND ${scoped('r')}
) AS u`
}

function typeOf(name: Measure): string {
  if (name === 'total_cost') return 'Decimal(38, 12)'
  return name.endsWith('_tokens') ? 'Nullable(Int64)' : 'Int64'
}
