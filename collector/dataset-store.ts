// Datasets, their items and runs in ClickHouse, where every collector of one database finds what another was told.

import { type Dataset, type DatasetItem, type Run, type RunItem, runIdOf } from '../processors/langfuse-datasets.ts'
import { datasetItemsTable, datasetRunItemsTable, datasetsTable } from '../schemas/datasets-table.ts'
import { columnNames, type Table } from '../schemas/table.ts'
import type { ClickHouse } from './clickhouse/client.ts'
import { type Listed, listed, type Page } from './clickhouse/paging.ts'
import { timeText } from './clickhouse/time-text.ts'

export type DatasetReader = Pick<ClickHouse, 'query'>
export type DatasetWriter = Pick<ClickHouse, 'command'>

const times = new Set(['created_at', 'recorded_at'])

/** Columns of a table as numbers and texts. */
function listOf(table: Table): string {
  return table.columns
    .map(({ name }) => (times.has(name) ? `toUnixTimestamp64Milli(t.${name}) AS ${name}` : `t.${name} AS ${name}`))
    .join(', ')
}

/** Datasets by name, newest word of each. Rejects with ClickHouseError. */
export function readDatasets(reader: DatasetReader, project: string, names?: readonly string[]): Promise<Dataset[]> {
  return read<Dataset>(
    reader,
    `SELECT ${listOf(datasetsTable)} FROM datasets AS t FINAL
WHERE t.project_id = {project:String}${names === undefined ? '' : ' AND t.name IN {names:Array(String)}'}
ORDER BY t.created_at DESC, name`,
    { project, ...(names === undefined ? {} : { names }) },
  )
}

/** The newest word of an item, a deletion included; undefined when there never was one. Rejects with ClickHouseError. */
export async function readItem(reader: DatasetReader, project: string, id: string): Promise<DatasetItem | undefined> {
  const [found] = await read<DatasetItem>(
    reader,
    `SELECT ${listOf(datasetItemsTable)} FROM dataset_items AS t
WHERE t.project_id = {project:String} AND t.item_id = {id:String} ORDER BY t.recorded_at DESC LIMIT 1`,
    { project, id },
  )
  return found
}

export interface ItemFilter {
  readonly dataset: string
  readonly sourceTrace: string
  readonly sourceSpan: string
  /** Items as they were then; absent: as they are. */
  readonly atMs?: number
}

/** Items that are there, newest first. Rejects with ClickHouseError. */
export async function readItems(
  reader: DatasetReader,
  project: string,
  { dataset, sourceTrace, sourceSpan, atMs }: ItemFilter,
  { limit, offset }: Page,
): Promise<Listed<DatasetItem>> {
  // Which version of which item first: contents of a page are read and no others.
  const there = `SELECT k.item_id AS item_id, max(k.recorded_at) AS at, argMax(k.created_at, k.recorded_at) AS made
  FROM dataset_items AS k
  WHERE k.project_id = {project:String}
    AND ({dataset:String} = '' OR k.dataset = {dataset:String})
    AND k.recorded_at <= fromUnixTimestamp64Milli({at:Int64})
  GROUP BY item_id
  HAVING argMax(k.is_deleted, k.recorded_at) = 0
    AND ({trace:String} = '' OR argMax(k.source_trace_id, k.recorded_at) = {trace:String})
    AND ({span:String} = '' OR argMax(k.source_span_id, k.recorded_at) = {span:String})`
  const params = {
    project,
    dataset,
    trace: sourceTrace,
    span: sourceSpan,
    at: atMs ?? 4_102_444_800_000,
    limit,
    offset,
  }
  const [rows, counted] = await Promise.all([
    read<DatasetItem>(
      reader,
      `SELECT ${listOf(datasetItemsTable)} FROM dataset_items AS t
WHERE t.project_id = {project:String} AND (t.item_id, t.recorded_at) IN (
  SELECT item_id, at FROM (${there}) ORDER BY made DESC, item_id LIMIT {limit:UInt32} OFFSET {offset:UInt32}
)
ORDER BY created_at DESC, item_id LIMIT 1 BY item_id`,
      params,
    ),
    read<{ readonly total: number }>(reader, `SELECT count() AS total FROM (${there})`, params),
  ])
  return { rows, total: counted[0]?.total ?? 0 }
}

/** What is known of results: as SDKs have said apart from their spans, and else from the scores that they brought. */
const results = `(
  SELECT ${listOf(datasetRunItemsTable)} FROM dataset_run_items AS t FINAL
  WHERE t.project_id = {project:String} AND t.dataset = {dataset:String} AND ({run:String} = '' OR t.run_name = {run:String})
  UNION ALL
  SELECT s.project_id, s.trace_id, '' AS span_id, '' AS run_id, s.item_id, s.run_name, s.dataset,
    toUnixTimestamp64Milli(min(s.created_at)) AS recorded_at, '' AS description, '' AS metadata
  FROM all_scores AS s
  WHERE s.project_id = {project:String} AND s.dataset = {dataset:String} AND s.run_name != '' AND s.item_id != ''
    AND s.trace_id != '' AND ({run:String} = '' OR s.run_name = {run:String})
  GROUP BY s.project_id, s.trace_id, s.item_id, s.run_name, s.dataset
)`

export interface RunFilter {
  readonly dataset: string
  /** Empty: every run. */
  readonly run: string
}

/** Results of runs, newest first. Rejects with ClickHouseError. */
export async function readRunItems(
  reader: DatasetReader,
  project: string,
  { dataset, run }: RunFilter,
  page: Page,
): Promise<Listed<RunItem>> {
  const { rows, total } = await pageOf<RunItem>(
    reader,
    `SELECT *, count() OVER () AS total
FROM (SELECT * FROM ${results} ORDER BY run_id = '' LIMIT 1 BY trace_id, item_id, run_name)
ORDER BY recorded_at DESC, item_id, trace_id`,
    { project, dataset, run },
    page,
  )
  return { rows: rows.map(withId), total }
}

/** Runs of a dataset, newest first. Rejects with ClickHouseError. */
export async function readRuns(
  reader: DatasetReader,
  project: string,
  { dataset, run }: RunFilter,
  page: Page,
): Promise<Listed<Run>> {
  const { rows, total } = await pageOf<Run>(
    reader,
    `SELECT r.project_id AS project_id, max(r.run_id) AS run_id, r.run_name AS run_name, r.dataset AS dataset,
  min(r.recorded_at) AS created_at, max(r.recorded_at) AS updated_at,
  argMaxIf(r.description, r.recorded_at, r.description != '') AS description,
  argMaxIf(r.metadata, r.recorded_at, r.metadata != '') AS metadata, count() OVER () AS total
FROM ${results} AS r
GROUP BY project_id, run_name, dataset
ORDER BY created_at DESC, run_name`,
    { project, dataset, run },
    page,
  )
  return { rows: rows.map(withId), total }
}

/** Runs that only scores tell of have the id that anybody would give them. */
function withId<T extends Pick<RunItem, 'project_id' | 'run_id' | 'dataset' | 'run_name'>>(row: T): T {
  return row.run_id === '' ? { ...row, run_id: runIdOf(row.project_id, row.dataset, row.run_name) } : row
}

/** Durable when it resolves. Rejects with ClickHouseError. */
export function writeDataset(writer: DatasetWriter, row: Dataset): Promise<void> {
  return insert(writer, datasetsTable, row)
}

/** Durable when it resolves. Rejects with ClickHouseError. */
export function writeItem(writer: DatasetWriter, row: DatasetItem): Promise<void> {
  return insert(writer, datasetItemsTable, row)
}

/** Durable when it resolves. Rejects with ClickHouseError. */
export function writeRunItem(writer: DatasetWriter, row: RunItem): Promise<void> {
  return insert(writer, datasetRunItemsTable, row)
}

function insert(writer: DatasetWriter, table: Table, row: Readonly<Record<string, unknown>>): Promise<void> {
  const cells = table.columns.map(({ name }) => [
    name,
    times.has(name) ? timeText(new Date(Number(row[name]))) : row[name],
  ])
  return writer.command(
    `INSERT INTO ${table.name} (${columnNames(table).join(', ')}) SETTINGS async_insert = 0 FORMAT JSONEachRow\n${JSON.stringify(Object.fromEntries(cells))}`,
  )
}

function pageOf<T extends object>(
  reader: DatasetReader,
  sql: string,
  params: Readonly<Record<string, unknown>>,
  page: Page,
): Promise<Listed<T>> {
  const asked = `${sql} LIMIT {limit:UInt32} OFFSET {offset:UInt32}`
  return listed((at) => read<T>(reader, asked, { ...params, ...at }), page)
}

async function read<T>(reader: DatasetReader, sql: string, params: Readonly<Record<string, unknown>>): Promise<T[]> {
  const settings = { output_format_json_quote_64bit_integers: 0, max_execution_time: 30 } as const
  return reader.query<T>(sql, params, settings)
}
