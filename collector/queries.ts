// The questions of schemas/queries, for API, reports and dashboards alike. A file is its SQL under a head of comments:
//
//   -- title: Cost by user
//   -- param: limit UInt32 = 50          name, ClickHouse type, default as an SQL expression
//   -- choice: by = model user           the values a parameter may have, where they are few
//   -- What the numbers mean.
//   SELECT … {limit:UInt32} …

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal } from '../schemas/refusal.ts'
import type { ClickHouse } from './clickhouse/client.ts'
import { boundValue, type ParamOfQuestion } from './query-values.ts'

export interface QueryParam extends ParamOfQuestion {
  /** SQL expression that stands in when the parameter is not given. */
  readonly default: string
}

export interface Query {
  /** Name of the file without `.sql`. */
  readonly id: string
  readonly title: string
  /** The comments under the head: what the numbers mean. */
  readonly description: string
  readonly params: readonly QueryParam[]
  readonly sql: string
}

export type QueryRow = Record<string, unknown>

/** Numbers up to 2^53 are numbers; decimals are their exact text. */
const answerSettings = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_decimals: 1,
  max_execution_time: 30,
  max_result_rows: '100000',
  result_overflow_mode: 'throw',
  // What a question joins may be on another shard.
  distributed_product_mode: 'global',
} as const

const defaultDir = new URL('../schemas/queries/', import.meta.url)

/** Every question of a folder, by id. Throws Error naming the file whose head is not whole. */
export function loadQueries(dir: URL | string = defaultDir): Query[] {
  const folder = typeof dir === 'string' ? dir : fileURLToPath(dir)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => parseQuery(file.slice(0, -'.sql'.length), readFileSync(join(folder, file), 'utf8')))
}

/** A question from its text. Throws Error for a missing title, a malformed parameter, or one used and not declared. */
export function parseQuery(id: string, text: string): Query {
  const title = /^-- title: (\S.*)\n/.exec(text)?.[1]
  if (title === undefined) throw new Error(`${id}.sql does not begin with "-- title: …"`)
  const params: QueryParam[] = []
  const description: string[] = []
  for (const line of text.split('\n').slice(1)) {
    if (line !== '' && !line.startsWith('--')) break
    const declared = /^-- param: (\w+) (.+?) = (.+)$/.exec(line)
    if (declared !== null) params.push({ name: declared[1]!, type: declared[2]!, default: declared[3]! })
    else if (line.startsWith('-- param:')) throw new Error(`${id}.sql: not "-- param: name type = default": ${line}`)
    else if (line.startsWith('-- choice:')) addChoices(id, line, params)
    else if (line.startsWith('-- ')) description.push(line.slice('-- '.length))
  }
  for (const [, name, type] of text.matchAll(/\{(\w+):([^}]+)\}/g)) {
    if (!params.some((param) => param.name === name && param.type === type))
      throw new Error(`${id}.sql uses {${name}:${type}} and does not declare it`)
  }
  return { id, title, description: description.join(' '), params, sql: text }
}

function addChoices(id: string, line: string, params: QueryParam[]): void {
  const [, name = '', values = ''] = /^-- choice: (\w+) = (.+)$/.exec(line) ?? []
  const at = params.findIndex((param) => param.name === name)
  const param = params[at]
  if (param === undefined) throw new Error(`${id}.sql: not "-- choice: name = values" of a parameter above: ${line}`)
  params[at] = { ...param, choices: values.split(' ') }
}

/**
 * Rows of an answer. A parameter that is not given, or undefined, takes its default; times may be ISO 8601.
 * Throws Refusal('bad_request') for a parameter the question does not have, or a value that it cannot have; rejects with ClickHouseError.
 */
export async function runQuery<T = QueryRow>(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: Query,
  params: Readonly<Record<string, unknown>> = {},
): Promise<T[]> {
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(params)) {
    const param = query.params.find((each) => each.name === name)
    if (param === undefined) {
      const known = query.params.map((each) => each.name).join(', ')
      throw new Refusal('bad_request', `${query.id} has no parameter "${name.slice(0, 64)}"; it has ${known}`)
    }
    if (value !== undefined) given[name] = boundValue(param, value)
  }
  const sql = query.sql.replaceAll(/\{(\w+):([^}]+)\}/g, (placeholder, name: string, type: string) => {
    if (name in given) return placeholder
    const expression = query.params.find((param) => param.name === name)?.default ?? 'NULL'
    return `CAST((${expression}) AS ${type})`
  })
  return clickhouse.query<T>(sql, given, answerSettings)
}
