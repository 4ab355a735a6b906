// A selection → the bytes of its answer, in whatever format was asked for.

import { type ExportRecord, recordOf } from '../../processors/datasets/record.ts'
import { shapes } from '../../processors/datasets/shapes.ts'
import { keyPage, type Page, parquetOf, type Reader, rowsOf } from './export.ts'
import { type Format, isDataset, type Selection, selectionOf, type What } from './selection.ts'

export const contentTypes: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  jsonl: 'application/jsonl; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
  'openai-evals': 'application/jsonl; charset=utf-8',
  'openai-evals-classic': 'application/jsonl; charset=utf-8',
  langfuse: 'application/jsonl; charset=utf-8',
}

export interface Answer {
  readonly rows: number
  /** Where the next page goes on; null when this is the last. */
  readonly next: string | null
  readonly body: AsyncIterable<Uint8Array | string>
}

/** One page. What can fail at its start has not failed when it resolves. Rejects with ClickHouseError. */
export async function answerOf(clickhouse: Reader, selection: Selection): Promise<Answer> {
  const page = await keyPage(clickhouse, selection)
  const body =
    selection.format === 'parquet'
      ? await parquetOf(clickhouse, selection, page)
      : await begun(texts(clickhouse, selection, page))
  return { rows: page.keys.length, next: page.next, body }
}

/** The records of one page, in its order. */
export async function* recordsOf(clickhouse: Reader, selection: Selection, page: Page): AsyncGenerator<ExportRecord> {
  const { format, content, expected, datasetName } = selection
  const shape = isDataset(format) ? shapes[format as keyof typeof shapes] : undefined
  for await (const row of rowsOf(clickhouse, selection, page.keys))
    yield shape === undefined ? recordOf(row, content) : shape(row, { expected, datasetName })
}

/** `{"data": […], "next_cursor": …}`, or a record a line. */
async function* texts(clickhouse: Reader, selection: Selection, page: Page): AsyncGenerator<string> {
  if (selection.format !== 'json') {
    for await (const record of recordsOf(clickhouse, selection, page)) yield `${JSON.stringify(record)}\n`
    return
  }
  let before = '{"data":['
  for await (const record of recordsOf(clickhouse, selection, page)) {
    yield `${before}${JSON.stringify(record)}`
    before = ',\n'
  }
  yield `${before === ',\n' ? '' : before}],"next_cursor":${JSON.stringify(page.next)}}\n`
}

/** The same, its first part already made: an error of the first question is still one that a status can tell. */
async function begun<T>(parts: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await parts.next()
  return (async function* () {
    if (!first.done) yield first.value
    yield* parts
  })()
}

const callsOfTrace = 1000
const dayMs = 86_400_000
/** Nothing is kept that is older when it comes. */
const daysMax = 1000

/** A trace and its calls, oldest first, at most 1,000; null when the project has no such trace. Rejects with ClickHouseError. */
export async function traceOf(
  clickhouse: Pick<Reader, 'query'>,
  {
    traceId,
    nowMs,
    ...asked
  }: { readonly project: string; readonly traceId: string; readonly nowMs: number; readonly content: string },
): Promise<ExportRecord | null> {
  const reader: Reader = { query: clickhouse.query, stream: () => Promise.reject(new Error('a trace is not streamed')) }
  const bounds = { nowMs: nowMs + dayMs, limitDefault: callsOfTrace, limitMax: callsOfTrace }
  const from = new Date(nowMs - daysMax * dayMs).toISOString()
  const selected = (what: What): Selection =>
    selectionOf({ trace_id: traceId, from, content: asked.content }, { what, project: asked.project, bounds })
  const read = async (what: What): Promise<ExportRecord[]> => {
    const selection = selected(what)
    const records: ExportRecord[] = []
    for await (const record of recordsOf(reader, selection, await keyPage(reader, selection))) records.push(record)
    return records
  }
  const [trace] = await read('traces')
  return trace === undefined ? null : { ...trace, calls: (await read('calls')).reverse() }
}
