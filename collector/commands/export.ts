// spanledger export: calls or traces by filter, with what was said and how it was judged, or datasets made of them. The same
// words as GET /api/calls and /api/traces; here all that fits is written, not a page of it.

import { Refusal } from '../../schemas/refusal.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { openTarget, type Target } from '../command-file.ts'
import { keyPage, parquetOf, type Reader } from '../exporting/export.ts'
import { filters, scoredDoc, scoredName } from '../exporting/filters.ts'
import { recordsOf } from '../exporting/lines.ts'
import {
  expectations,
  formatCursor,
  formats,
  orders,
  parameterNames,
  type Selection,
  selectionOf,
  type What,
} from '../exporting/selection.ts'

const pageRows = 5000
const rowsMax = 1_000_000_000
/** Their keys are held. */
const parquetRowsMax = 100_000

/** Flags that cannot have the name of their parameter, which is an option of the configuration. */
const flagOf = (name: string): string => (name === 'content' ? 'content-as' : name.replaceAll('_', '-'))

const listed = new Set(filters.filter(({ kind }) => kind === 'texts').map(({ name }) => name))

export default {
  name: 'export',
  summary: 'Write calls or traces by filter, with content and scores, or datasets made of them',
  arguments: { usage: 'calls|traces', min: 1, max: 1 },
  options: [
    { flag: 'project', value: 'NAME', doc: 'Project (default)' },
    { flag: 'from', value: 'TIME', doc: 'First instant, UTC where it says no offset (7 days before the end)' },
    { flag: 'to', value: 'TIME', doc: 'End, itself not included (now)' },
    ...filters.map(({ name, kind, doc }) => ({
      flag: flagOf(name),
      value: kind === 'texts' ? 'LIST' : kind === 'flag' ? 'true|false' : 'VALUE',
      doc,
    })),
    { flag: scoredName, value: 'true|false', doc: scoredDoc },
    { flag: 'order', value: 'ORDER', doc: `${orders.join(', ')} (newest)` },
    { flag: 'sample-rate', value: 'SHARE', doc: 'Share that is taken, by a hash of the ids and the seed (1)' },
    { flag: 'seed', value: 'TEXT', doc: 'Another one gives another sample' },
    { flag: 'limit', value: 'N', doc: 'At most so many (all)' },
    { flag: 'cursor', value: 'TEXT', doc: 'Go on where an answer or a command ended' },
    { flag: 'content-as', value: 'FORM', doc: 'captured, chat or none (captured)' },
    {
      flag: 'format',
      value: 'FORMAT',
      doc: `${formats.filter((each) => each !== 'json').join(', ')} (jsonl, or what --out ends in)`,
    },
    {
      flag: 'expected',
      value: 'WHICH',
      doc: `Of datasets, answers that are the expected one: ${expectations.join(', ')} (good)`,
    },
    { flag: 'dataset-name', value: 'NAME', doc: 'Of datasets in the shape of Langfuse' },
    { flag: 'out', value: 'FILE', doc: 'File to write, replaced when whole (standard output)' },
  ],
  async run(context) {
    const selection = selectionIn(context)
    const file = context.option('out')
    const target = file === undefined ? null : openTarget(file)
    try {
      const { rows, next } = await withLedger(context.config, (clickhouse) =>
        selection.format === 'parquet'
          ? writeParquet(clickhouse, selection, target)
          : writeLines(clickhouse, selection, target, context),
      )
      target?.finish()
      if (next !== null) context.note(`there is more: go on with --cursor ${next}`)
      if (file !== undefined) context.print({ rows, file, next_cursor: next }, () => `${rows} rows written to ${file}`)
      return exitCode.done
    } catch (error) {
      target?.discard()
      throw error
    }
  },
} satisfies Command

interface Written {
  readonly rows: number
  readonly next: string | null
}

/** Page after page, each from where the one before ended, so that what is held does not grow. */
async function writeLines(
  clickhouse: Reader,
  selection: Selection,
  target: Target | null,
  context: CommandContext,
): Promise<Written> {
  let { after } = selection
  let rows = 0
  for (;;) {
    const part = { ...selection, after, limit: Math.min(pageRows, selection.limit - rows) }
    const page = await keyPage(clickhouse, part)
    for await (const record of recordsOf(clickhouse, part, page)) {
      const line = JSON.stringify(record)
      if (target === null) context.print(record, () => line)
      else target.write(`${line}\n`)
      rows++
    }
    const last = page.keys.at(-1)
    if (page.next === null || last === undefined) return { rows, next: null }
    const { order, fromMs, toMs } = selection
    after = { order, fromMs, toMs, key: [last.value, last.trace_id, last.span_id] }
    if (rows >= selection.limit) return { rows, next: formatCursor(after) }
  }
}

async function writeParquet(clickhouse: Reader, selection: Selection, target: Target | null): Promise<Written> {
  if (target === null) throw new UsageError('--format parquet needs a file: --out FILE.parquet')
  const page = await keyPage(clickhouse, selection)
  for await (const part of await parquetOf(clickhouse, selection, page)) target.write(part)
  return { rows: page.keys.length, next: page.next }
}

/** Throws UsageError that names the flag. */
function selectionIn(context: CommandContext): Selection {
  const what = context.arguments[0]
  if (what !== 'calls' && what !== 'traces')
    throw new UsageError(`export calls or traces, not "${String(what).slice(0, 64)}"`)
  const given: Record<string, unknown> = {}
  for (const name of parameterNames) {
    const value = context.option(flagOf(name))
    if (value !== undefined) given[name] = listed.has(name) ? value.split(',') : value
  }
  given['format'] ??= context.option('out')?.endsWith('.parquet') === true ? 'parquet' : 'jsonl'
  if (given['format'] === 'json') throw new UsageError('--format: a command writes jsonl, a record a line')
  return checked(given, what, context.option('project') ?? 'default')
}

function checked(given: Readonly<Record<string, unknown>>, what: What, project: string): Selection {
  const limit = given['format'] === 'parquet' ? parquetRowsMax : rowsMax
  try {
    const bounds = { nowMs: Date.now() + 1, limitDefault: limit, limitMax: limit }
    return selectionOf(given, { what, project, bounds })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const named = error.message.replace(/^\w+/, (name) => (parameterNames.includes(name) ? `--${flagOf(name)}` : name))
    throw new UsageError(named, { cause: error })
  }
}
