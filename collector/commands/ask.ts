// spanledger ask: any question of schemas/queries, as the API and the dashboards ask it.

import { Refusal } from '../../schemas/refusal.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { loadQueries, type Query, type QueryRow, runQuery } from '../queries.ts'
import { section } from '../words-table.ts'

export default {
  name: 'ask',
  summary: 'Ask a question of the ledger, such as quality by=release; without one, list them',
  arguments: { usage: '[QUESTION [NAME=VALUE …]]', min: 0, max: 50 },
  options: [{ flag: 'project', value: 'NAME', doc: 'Project (default)' }],
  async run(context) {
    const queries = loadQueries()
    const [id, ...given] = context.arguments
    if (id === undefined) {
      context.print(queries.map(shape), () => list(queries))
      return exitCode.done
    }
    const query = queries.find((each) => each.id === id)
    if (query === undefined)
      throw new UsageError(`there is no question "${id.slice(0, 64)}": spanledger ask lists them`)
    const rows = await asked(context, query, {
      ...paramsOf(query, given),
      project: context.option('project') ?? 'default',
    })
    context.print({ id, title: query.title, rows }, () => words(query, rows))
    return exitCode.done
  },
} satisfies Command

async function asked(
  context: CommandContext,
  query: Query,
  params: Readonly<Record<string, unknown>>,
): Promise<QueryRow[]> {
  try {
    return await withLedger(context.config, (clickhouse) => runQuery(clickhouse, query, params))
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'bad_request')
      throw new UsageError(error.message, { cause: error })
    throw error
  }
}

/** `by=release sources=eval sources=user`; a list may be given several times. */
function paramsOf(query: Query, given: readonly string[]): Record<string, unknown> {
  const params: Record<string, unknown> = {}
  for (const each of given) {
    const at = each.indexOf('=')
    const [name, value] = [each.slice(0, at), each.slice(at + 1)]
    if (at <= 0) throw new UsageError(`"${each.slice(0, 64)}" is not NAME=VALUE, such as by=release`)
    const isList = query.params.find((param) => param.name === name)?.type.startsWith('Array(') ?? false
    if (name === 'project') throw new UsageError('the project is said by --project')
    if (Object.hasOwn(params, name) && !isList) throw new UsageError(`${name} is given more than once`)
    params[name] = isList ? [...((params[name] as string[] | undefined) ?? []), value] : value
  }
  return params
}

function shape({ id, title, description, params }: Query) {
  return { id, title, description, params }
}

function list(queries: readonly Query[]): string {
  const rows = queries.map(({ id, title, params }) => ({
    id,
    title,
    params: params.flatMap(({ name }) => (name === 'project' ? [] : [name])).join(' '),
  }))
  return section('Questions', rows, { id: 'question', title: 'title', params: 'what may be asked' })
}

function words({ title }: Query, rows: readonly QueryRow[]): string {
  // Columns that say nothing in any row only make the lines longer than a terminal.
  const says = (name: string): boolean => rows.some((row) => row[name] !== null && row[name] !== '')
  const columns = Object.keys(rows[0] ?? {}).filter(says)
  return section(title, rows, Object.fromEntries(columns.map((name) => [name, name])))
}
