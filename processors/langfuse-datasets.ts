// Datasets, their items and runs in the shapes of Langfuse's public API: bodies → rows, rows → answers.
// Source: langfuse 62751446 (2026-08), fern/apis/server; requests of langfuse-python 3.15, 4.0 and 5.0 and langfuse-js 5.11 as recorded.

import { createHash } from 'node:crypto'
import type { datasetItemsTable, datasetRunItemsTable, datasetsTable } from '../schemas/datasets-table.ts'
import { WrongScore } from './langfuse-scores.ts'
import { plainId } from './scores.ts'

type Row<T extends { readonly columns: readonly { readonly name: string }[] }> = Readonly<
  Record<Exclude<T['columns'][number]['name'], 'created_at' | 'recorded_at' | 'is_deleted'>, string>
>

/** Times in Unix milliseconds; values of JSON as its text, empty for none. */
export type Dataset = Row<typeof datasetsTable> & { readonly created_at: number; readonly recorded_at: number }
export type DatasetItem = Row<typeof datasetItemsTable> & {
  readonly created_at: number
  readonly recorded_at: number
  readonly is_deleted: number
}
export type RunItem = Row<typeof datasetRunItemsTable> & { readonly recorded_at: number }
export interface Run extends Omit<RunItem, 'trace_id' | 'span_id' | 'item_id' | 'recorded_at'> {
  readonly created_at: number
  readonly updated_at: number
}

export const datasetLimits = { name: 256, id: 255, description: 10_000, metadata: 65_536, value: 1_048_576 } as const

export type Body = Readonly<Record<string, unknown>>

/** The dataset a body says, made at `nowMs` if it was not there `before`. Throws WrongScore. */
export function datasetOf(body: Body, before: Dataset | undefined, { project, nowMs }: Place): Dataset {
  const name = oneLine(body, 'name', datasetLimits.name)
  // To accept a schema and not to check it would be a promise that is not kept.
  for (const schema of ['inputSchema', 'expectedOutputSchema'])
    if (isGiven(body[schema])) throw new WrongScore(`${schema} is not checked here: leave it out`)
  return {
    project_id: project,
    name,
    created_at: before?.created_at ?? nowMs,
    recorded_at: later(before, nowMs),
    description: text(body, 'description', datasetLimits.description),
    metadata: json(body, 'metadata', datasetLimits.metadata),
  }
}

interface Place {
  readonly project: string
  readonly nowMs: number
}

/** The item a body says; what it leaves out stays as it was `before`. Throws WrongScore. */
export function itemOf(body: Body, before: DatasetItem | undefined, place: Place & { newId(): string }): DatasetItem {
  const dataset = oneLine(body, 'datasetName', datasetLimits.name)
  const kept = before?.is_deleted === 0 ? before : undefined
  if (kept !== undefined && kept.dataset !== dataset)
    throw new WrongScore(`id is that of an item of the dataset "${kept.dataset}": an id is of one dataset`)
  const status = isGiven(body['status']) ? body['status'] : (kept?.status ?? 'ACTIVE')
  if (status !== 'ACTIVE' && status !== 'ARCHIVED') throw new WrongScore('status must be ACTIVE or ARCHIVED')
  const said = (name: string, was: string | undefined, most: number): string =>
    isGiven(body[name]) ? json(body, name, most) : (was ?? '')
  return {
    project_id: place.project,
    item_id: text(body, 'id', datasetLimits.id) || place.newId(),
    dataset,
    created_at: kept?.created_at ?? place.nowMs,
    recorded_at: later(before, place.nowMs),
    input: said('input', kept?.input, datasetLimits.value),
    expected_output: said('expectedOutput', kept?.expected_output, datasetLimits.value),
    metadata: said('metadata', kept?.metadata, datasetLimits.metadata),
    source_trace_id: plainId(text(body, 'sourceTraceId', 256)) || (kept?.source_trace_id ?? ''),
    source_span_id: plainId(text(body, 'sourceObservationId', 256)) || (kept?.source_span_id ?? ''),
    status,
    is_deleted: 0,
  }
}

/** What is left of an item that was deleted: that there was one. */
export function deletedItem(item: DatasetItem, nowMs: number): DatasetItem {
  const nothing = { input: '', expected_output: '', metadata: '', source_trace_id: '', source_span_id: '' }
  return { ...item, ...nothing, recorded_at: later(item, nowMs), is_deleted: 1 }
}

/** The result a body says, of an item that was found. Throws WrongScore. */
export function runItemOf(body: Body, item: DatasetItem, { project, nowMs }: Place): RunItem {
  const run = oneLine(body, 'runName', datasetLimits.name)
  const trace = plainId(text(body, 'traceId', 256))
  if (trace === '') throw new WrongScore('traceId is missing: name the trace that answers the item')
  return {
    project_id: project,
    trace_id: trace,
    span_id: plainId(text(body, 'observationId', 256)),
    run_id: runIdOf(project, item.dataset, run),
    item_id: item.item_id,
    run_name: run,
    dataset: item.dataset,
    recorded_at: nowMs,
    description: text(body, 'runDescription', datasetLimits.description),
    metadata: json(body, 'metadata', datasetLimits.metadata),
  }
}

/** As Langfuse and its SDKs derive it, so that a run has one id whoever says it; the name of a dataset is its id here. */
export function runIdOf(project: string, dataset: string, run: string): string {
  const said = JSON.stringify(['langfuse-experiment-v1', project, dataset, run])
  return createHash('sha256').update(said).digest('hex').slice(0, 16)
}

export function datasetShape(row: Dataset): object {
  return {
    id: row.name,
    name: row.name,
    description: row.description === '' ? null : row.description,
    metadata: parsedJson(row.metadata),
    inputSchema: null,
    expectedOutputSchema: null,
    projectId: row.project_id,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.recorded_at),
  }
}

export function itemShape(row: DatasetItem): object {
  return {
    id: row.item_id,
    status: row.status,
    input: parsedJson(row.input),
    expectedOutput: parsedJson(row.expected_output),
    metadata: parsedJson(row.metadata),
    sourceTraceId: row.source_trace_id === '' ? null : row.source_trace_id,
    sourceObservationId: row.source_span_id === '' ? null : row.source_span_id,
    datasetId: row.dataset,
    datasetName: row.dataset,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.recorded_at),
    version: iso(row.recorded_at),
    mediaReferences: [],
  }
}

export function runItemShape(row: RunItem): object {
  return {
    id: createHash('sha256')
      .update(JSON.stringify([row.project_id, row.trace_id, row.span_id, row.run_id, row.item_id]))
      .digest('hex')
      .slice(0, 32),
    datasetRunId: row.run_id,
    datasetRunName: row.run_name,
    datasetItemId: row.item_id,
    traceId: row.trace_id,
    observationId: row.span_id === '' ? null : row.span_id,
    createdAt: iso(row.recorded_at),
    updatedAt: iso(row.recorded_at),
  }
}

export function runShape(row: Run): object {
  return {
    id: row.run_id,
    name: row.run_name,
    description: row.description === '' ? null : row.description,
    metadata: parsedJson(row.metadata),
    datasetId: row.dataset,
    datasetName: row.dataset,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** Later than what was there, whatever clocks say. */
function later(before: { readonly recorded_at: number } | undefined, nowMs: number): number {
  return Math.max(nowMs, (before?.recorded_at ?? 0) + 1)
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function parsedJson(said: string): unknown {
  return said === '' ? null : JSON.parse(said)
}

function json(body: Body, name: string, most: number): string {
  if (!isGiven(body[name])) return ''
  const said = JSON.stringify(body[name])
  if (said.length > most) throw new WrongScore(`${name} is over ${most} characters of JSON`)
  return said
}

function text(body: Body, name: string, most: number): string {
  const value = body[name] ?? ''
  if (typeof value !== 'string') throw new WrongScore(`${name} must be a text`)
  if (value.length > most) throw new WrongScore(`${name} is over ${most} characters`)
  return value
}

function oneLine(body: Body, name: string, most: number): string {
  const value = text(body, name, most)
  if (value.trim() === '' || /\p{Cc}/u.test(value)) throw new WrongScore(`${name} must be a text in one line`)
  return value
}
