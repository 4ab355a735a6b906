// Scores in the shapes of Langfuse's public API → rows of `scores`. Source: langfuse 62751446 (2026-08), fern/apis server
// `score.yml` and `ingestion.yml`; langfuse-python 4.18 and langfuse-js 5 as recorded.

import { type ScoreSource, scoreSources } from './evaluation-attributes.ts'
import { thumbLabel, verdictOf } from './score-verdict.ts'
import { blankScore, metadataText, plainId, retentionFrom, type ScoreContext, type ScoreRow } from './scores.ts'

/** Body of `POST /api/public/scores`, and of an event `score-create`. */
export interface LangfuseScore {
  readonly id?: unknown
  readonly name?: unknown
  readonly value?: unknown
  readonly dataType?: unknown
  readonly traceId?: unknown
  readonly observationId?: unknown
  readonly sessionId?: unknown
  readonly datasetRunId?: unknown
  readonly runName?: unknown
  readonly datasetName?: unknown
  readonly datasetItemId?: unknown
  readonly comment?: unknown
  readonly metadata?: unknown
  readonly environment?: unknown
  readonly timestamp?: unknown
  readonly source?: unknown
  readonly configId?: unknown
}

/** Why a score cannot be taken; the message says what would be right. */
export class WrongScore extends Error {
  override readonly name = 'WrongScore'
}

const dataTypes = ['NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT', 'CORRECTION'] as const
type DataType = (typeof dataTypes)[number]

const limits = {
  id: 256,
  name: 128,
  label: 256,
  comment: 10_000,
  text: 10_000,
  correction: 65_536,
  metadata: 16_384,
} as const
/** Where the metadata of a score says which run it was sent for. */
export const datasetRunKey = 'dataset_run_id'
const feedbackName = /^(user|human|end_user)[_.\s-]?feedback$/i

/** Throws WrongScore. `newId` gives the id of a score that has none. */
export function scoreFromLangfuse(
  body: LangfuseScore,
  context: ScoreContext & { readonly timeMs: number; newId(): string },
): ScoreRow {
  const name = text(body.name, 'name', limits.name)
  if (name === '') throw new WrongScore('name is missing')
  const ids = {
    given_trace_id: text(body.traceId, 'traceId', limits.id),
    given_span_id: text(body.observationId, 'observationId', limits.id),
    session_id: text(body.sessionId, 'sessionId', limits.id),
  }
  const run = text(body.datasetRunId, 'datasetRunId', limits.id)
  if (ids.given_trace_id === '' && ids.session_id === '' && run === '')
    throw new WrongScore('traceId is missing: name the trace, a sessionId or a datasetRunId that is judged')
  const { dataType, value, label: labelGiven, said } = graded(body)
  const source = sourceOf(body, name)
  // A number of its own scale says nothing; under the name of feedback 1, 0 and -1 are thumbs, as at every door.
  const thumb = dataType === 'NUMERIC' && feedbackName.test(name) ? thumbLabel(value) : ''
  const label = labelGiven || thumb
  const judged = { value, label, isBoolean: dataType === 'BOOLEAN', isThumb: thumb !== '' }
  return {
    ...blankScore,
    project_id: context.projectId,
    name,
    created_at: context.timeMs,
    score_id: text(body.id, 'id', limits.id) || context.newId(),
    target: targetOf(ids),
    trace_id: plainId(ids.given_trace_id),
    span_id: plainId(ids.given_span_id),
    ...ids,
    data_type: dataType.toLowerCase(),
    value,
    label,
    verdict: verdictOf(judged),
    source,
    ...runOf(body),
    comment: text(body.comment, 'comment', limits.comment),
    text: said,
    metadata: metadataOf(body),
    env: text(body.environment, 'environment', limits.name),
    target_time: context.nowMs,
    retention_days: retentionFrom(context.timeMs, context),
    version: context.nowMs,
  }
}

function targetOf(ids: Pick<ScoreRow, 'given_trace_id' | 'given_span_id' | 'session_id'>): string {
  if (ids.given_trace_id !== '') return ids.given_span_id === '' ? 'trace' : 'span'
  return ids.session_id === '' ? 'run' : 'session'
}

/** In the body, or in its metadata: where the SDKs let their users put what the body has no field for. */
function runOf(body: LangfuseScore): Pick<ScoreRow, 'run_name' | 'dataset' | 'item_id'> {
  const said = (body.metadata ?? {}) as Readonly<Record<string, unknown>>
  const inMetadata = (name: string): string => (typeof said[name] === 'string' ? said[name].slice(0, limits.id) : '')
  return {
    run_name: text(body.runName, 'runName', limits.id) || inMetadata('run_name'),
    dataset: text(body.datasetName, 'datasetName', limits.id) || inMetadata('dataset'),
    item_id: text(body.datasetItemId, 'datasetItemId', limits.id) || inMetadata('item_id'),
  }
}

interface Graded {
  readonly dataType: DataType
  readonly value: number | null
  readonly label: string
  /** Of a text or a correction, which are no grades. */
  readonly said: string
}

function graded({ value, dataType }: LangfuseScore): Graded {
  const given = dataType === undefined || dataType === null ? '' : dataType
  if (given !== '' && !(dataTypes as readonly unknown[]).includes(given))
    throw new WrongScore(`dataType must be one of ${dataTypes.join(', ')}`)
  const type = (given || inferred(value)) as DataType
  const none = { dataType: type, value: null, label: '', said: '' }
  if (type === 'CATEGORICAL' || type === 'TEXT' || type === 'CORRECTION') {
    if (typeof value !== 'string' || value === '') throw new WrongScore(`value of a ${type} score must be a text`)
    if (type === 'CATEGORICAL') return { ...none, label: text(value, 'value', limits.label) }
    return { ...none, said: text(value, 'value', type === 'TEXT' ? limits.text : limits.correction) }
  }
  const number = typeof value === 'boolean' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw new WrongScore(`value of a ${type} score must be a number`)
  if (type === 'BOOLEAN' && number !== 0 && number !== 1)
    throw new WrongScore('value of a BOOLEAN score must be 0 or 1')
  return { ...none, value: number, label: type === 'BOOLEAN' ? (number === 1 ? 'True' : 'False') : '' }
}

function inferred(value: unknown): DataType {
  if (typeof value === 'string') return 'CATEGORICAL'
  return typeof value === 'boolean' ? 'BOOLEAN' : 'NUMERIC'
}

/** People give feedback under its name; everything else that comes by a program is an evaluation. */
function sourceOf({ source, metadata }: LangfuseScore, name: string): ScoreSource {
  const said = (metadata as { source?: unknown } | null | undefined)?.source
  const known = scoreSources.find((each) => each === source || each === said)
  if (known !== undefined) return known
  if (source === 'ANNOTATION') return 'human-review'
  return feedbackName.test(name) ? 'user' : 'eval'
}

function metadataOf({ metadata, datasetRunId }: LangfuseScore): Record<string, string> {
  const run = typeof datasetRunId === 'string' && datasetRunId !== '' ? { [datasetRunKey]: datasetRunId } : {}
  if (metadata === undefined || metadata === null) return run
  if (JSON.stringify(metadata).length > limits.metadata)
    throw new WrongScore(`metadata is over ${limits.metadata} characters`)
  const entries =
    typeof metadata === 'object' && !Array.isArray(metadata) ? Object.entries(metadata) : [['value', metadata]]
  const texts: Record<string, string> = { ...run }
  for (const [key, value] of entries as [string, unknown][])
    Object.defineProperty(texts, key, { value: metadataText(value), enumerable: true, configurable: true })
  return texts
}

function text(value: unknown, field: string, max: number): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new WrongScore(`${field} must be a text`)
  if (value.length > max) throw new WrongScore(`${field} is over ${max} characters`)
  return value
}
