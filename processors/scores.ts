// Evaluation events in any spelling, and feedback sent to the API → rows of `scores`, not yet resolved: what they judge is
// named as the sender named it.

import { createHash } from 'node:crypto'
import { picoOfUsd } from '../schemas/money.ts'
import type { scoresTable } from '../schemas/scores-table.ts'
import {
  feedbackComment,
  plainText,
  readGrade,
  readSource,
  runAttributes,
  type ScoreSource,
  SentAttributes,
  setOwn,
} from './evaluation-attributes.ts'
import { implicitSignal } from './implicit-signals.ts'
import { isTruthLabel, thumbLabel, verdictOf } from './score-verdict.ts'

type Column = (typeof scoresTable.columns)[number]
type Cell<Type extends string> = Type extends `Nullable(${infer Inner})`
  ? Cell<Inner> | null
  : Type extends `Decimal${string}`
    ? bigint
    : Type extends `Map(${string}`
      ? Readonly<Record<string, string>>
      : Type extends `Array(${string}`
        ? readonly string[]
        : Type extends `${'DateTime64' | 'UInt' | 'Int' | 'Float'}${string}`
          ? number
          : string

/** One row of `scores` by column name: times in Unix milliseconds, money in pico-USD. */
export type ScoreRow = { readonly [C in Column as C['name']]: Cell<C['type']> }

/** Scores outlive the spans they judge: the rollups are kept as long. */
export const scoreRetentionDays = 400

const dayMs = 86_400_000

/**
 * How long a row is kept, in days from `createdAt`, so that its retention counts from its arrival: a score that tells of long ago, or
 * whose sender counts milliseconds as nanoseconds, would be dropped on the spot.
 */
export function retentionFrom(
  createdAt: number,
  { nowMs, retentionDays = scoreRetentionDays }: Omit<ScoreContext, 'projectId'>,
): number {
  return retentionDays + Math.max(0, Math.ceil((nowMs - createdAt) / dayMs) - 1)
}

/** Longer explanations are cut: the event keeps them whole, in `logs` or on its span. */
const commentMax = 65_536
/** Texts in columns of low cardinality are cut here. */
const lowTextMax = 256

export interface EvaluationInput {
  /** Event name: the field, else the attribute `event.name`. */
  readonly name: string
  /** Values as sent, or their text. */
  readonly attributes: ReadonlyMap<string, unknown>
  /** When the event happened. */
  readonly timeMs: number
  /** Context of the record, or the span that carries the event; lower hex, may be empty. */
  readonly traceId: string
  readonly spanId: string
  readonly body?: string
  readonly scopeName?: string
  /** Span that carries it, where that is not the one it judges: a part of what tells two results apart. */
  readonly carrier?: string
  /** An explanation without value and label is a score as well, of words. */
  readonly isOfWords?: boolean
}

export interface ScoreContext {
  readonly projectId: string
  readonly nowMs: number
  readonly retentionDays?: number
}

const resultEvent = 'gen_ai.evaluation.result'
const evaluationPrefix = 'gen_ai.evaluation.'
/** Withdrawn proposal (semantic-conventions 1322), still sent by Azure samples; and two that applications made up. */
const feedbackEvents = new Set(['gen_ai.evaluation.user_feedback', 'gen_ai.user.feedback', 'human.feedback'])
const feedbackName = /^(user|human|end_user)[_.\s-]?feedback$/i

/** True for an event that `scoreFromEvaluationEvent` should see; without a name, its attributes decide. */
export function isEvaluationEvent(name: string, attributes: ReadonlyMap<string, unknown>): boolean {
  if (name === '') return attributes.has('gen_ai.evaluation.name')
  return name.startsWith(evaluationPrefix) || feedbackEvents.has(name)
}

/**
 * The score an event carries; undefined when it has neither value nor label nor error.
 * An event that is sent again gives the same id and version, so it stays one score and never undoes a later change.
 * Source: semantic-conventions-genai 2026-08, event gen_ai.evaluation.result, and what senders make of it.
 */
export function scoreFromEvaluationEvent(event: EvaluationInput, context: ScoreContext): ScoreRow | undefined {
  const sent = new SentAttributes(event.attributes)
  const name = low(sent.take('gen_ai.evaluation.name') || nameOfEvent(event.name))
  const implicit = implicitSignal(name)
  const isFeedback = implicit !== undefined || feedbackEvents.has(event.name) || feedbackName.test(name)
  const grade = readGrade(sent, isFeedback)
  const errorType = sent.take('error.type') || grade.errorType
  const explanation = sent.take('gen_ai.evaluation.explanation')
  const isGraded = grade.value !== null || grade.label !== '' || errorType !== '' || implicit !== undefined
  const words = isGraded || event.isOfWords !== true ? '' : explanation
  if (!isGraded && words === '') return undefined
  const failed = errorType !== ''
  if (failed && grade.value !== null) sent.putBack('gen_ai.evaluation.score.value', String(grade.value))
  const value = failed ? null : (grade.value ?? implicit?.value ?? null)
  const isThumb = isFeedback && value !== null && thumbLabel(value) !== ''
  const label = grade.label || (implicit?.signal ?? (isThumb ? thumbLabel(value) : ''))
  const isBoolean = grade.isBoolean || ((value === 0 || value === 1) && isTruthLabel(label))
  const createdAt = clamp(event.timeMs, context.nowMs - scoreRetentionDays * dayMs, context.nowMs + dayMs)
  const source = readSource(sent, isFeedback)
  const ids = { ...readTarget(sent), given_trace_id: event.traceId, given_span_id: event.spanId }
  return {
    ...blankScore,
    project_id: context.projectId,
    name,
    created_at: createdAt,
    score_id: sent.take('gen_ai.evaluation.id', 'log.record.uid') || contentId(event),
    target: targetNamed(ids),
    trace_id: event.traceId,
    span_id: event.spanId,
    ...ids,
    data_type: isBoolean ? 'boolean' : typeOf(value, label, words),
    value,
    label: low(label),
    text: cut(words, commentMax),
    verdict: failed ? 0 : verdictOf({ value, label, isBoolean, isThumb }),
    source,
    author_id: source === 'user' || source === 'human-review' ? sent.take('user.id', 'enduser.id') : '',
    evaluator: low(
      sent.take(
        'gen_ai.evaluation.evaluator.name',
        'gen_ai.evaluation.evaluator.id',
        'gen_ai.evaluation.evaluator_id',
        'aws.bedrock_agentcore.evaluator.id',
      ),
    ),
    evaluator_version: low(sent.take('gen_ai.evaluation.evaluator.version')),
    error_type: low(errorType),
    run_name: low(sent.take(...runAttributes.run_name)),
    dataset: low(sent.take(...runAttributes.dataset)),
    item_id: sent.take(...runAttributes.item_id),
    eval_cost: sent.takeCost('gen_ai.evaluation.cost', 'gen_ai.evaluation.evaluator.cost'),
    comment: cut(
      words !== '' ? '' : explanation || (isFeedback ? feedbackComment(sent, event.body ?? '') : ''),
      commentMax,
    ),
    metadata: sent.rest(),
    // When it came, until the target is known: so the resolver finds late events.
    target_time: context.nowMs,
    retention_days: retentionFrom(createdAt, context),
    version: Math.min(createdAt, context.nowMs),
  }
}

function typeOf(value: number | null, label: string, words: string): string {
  if (words !== '') return 'text'
  return value === null && label !== '' ? 'categorical' : 'numeric'
}

/** Feedback as the API takes it, checked: AgentCost's fields and ours. */
export interface FeedbackBody {
  readonly score: -1 | 0 | 1
  readonly trace_id?: string | null
  readonly span_id?: string | null
  readonly response_id?: string | null
  readonly session_id?: string | null
  readonly id?: string | null
  readonly name?: string | null
  readonly source?: ScoreSource | null
  readonly comment?: string | null
  readonly user_id?: string | null
  readonly run_name?: string | null
  readonly dataset?: string | null
  readonly item_id?: string | null
  readonly evaluator?: string | null
  readonly evaluator_version?: string | null
  /** USD that the evaluation has cost. */
  readonly cost?: number | null
  readonly tags?: readonly string[] | null
  readonly metadata?: Readonly<Record<string, unknown>> | null
}

/** The score a piece of feedback is. `id` of the body is its idempotency key; without one `newId` is asked. */
export function scoreFromFeedback(body: FeedbackBody, context: ScoreContext & { newId(): string }): ScoreRow {
  const source = body.source ?? 'user'
  const name = body.name || (source === 'user' ? 'user_feedback' : source)
  const label = implicitSignal(name)?.signal ?? thumbLabel(body.score)
  const metadata: Record<string, string> = {}
  for (const [key, value] of Object.entries(body.metadata ?? {})) setOwn(metadata, key, metadataText(value))
  const sentText = (key: string) => (Object.hasOwn(body.metadata ?? {}, key) ? plainText(body.metadata?.[key]) : '')
  const ids = {
    given_trace_id: body.trace_id ?? '',
    given_span_id: body.span_id ?? '',
    response_id: body.response_id ?? '',
    session_id: body.session_id ?? '',
  }
  return {
    ...blankScore,
    project_id: context.projectId,
    name,
    created_at: context.nowMs,
    score_id: body.id || context.newId(),
    target: targetNamed(ids),
    trace_id: plainId(ids.given_trace_id),
    span_id: plainId(ids.given_span_id),
    ...ids,
    data_type: 'numeric',
    value: body.score || 0,
    label,
    verdict: verdictOf({ value: body.score, label, isBoolean: false, isThumb: true }),
    source,
    author_id: body.user_id ?? '',
    run_name: body.run_name ?? '',
    dataset: body.dataset ?? '',
    item_id: body.item_id ?? '',
    evaluator: body.evaluator ?? '',
    evaluator_version: body.evaluator_version ?? '',
    eval_cost: typeof body.cost === 'number' ? BigInt(picoOfUsd(body.cost)) : null,
    comment: body.comment ?? '',
    tags: [...(body.tags ?? [])],
    metadata,
    target_time: context.nowMs,
    // AgentCost's way to say which prompt was judged; the target, once found, knows better.
    prompt_name: low(sentText('prompt_id')),
    prompt_version: low(sentText('prompt_version')),
    retention_days: context.retentionDays ?? scoreRetentionDays,
    version: context.nowMs,
  }
}

/** What is left of a score that was deleted: its key, and nothing that anybody wrote. */
export function tombstoneOf(row: ScoreRow, nowMs: number): ScoreRow {
  const { project_id, name, created_at, score_id, retention_days } = row
  // +1 may be a resolution that is under way.
  const version = Math.max(nowMs, row.version + 2)
  return {
    ...blankScore,
    project_id,
    name,
    created_at,
    score_id,
    target_time: created_at,
    retention_days,
    version,
    is_deleted: 1,
  }
}

/** Text that `metadataValue` reads back as the same JSON value; strings stay as they are where they can. */
export function metadataText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  return metadataValue(value) === value ? value : JSON.stringify(value)
}

export function metadataValue(text: string): unknown {
  if (!/^(?:[[{"\d-]|true$|false$|null$)/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON after all: "-", "3 pages", "{name}". The text is the value.
    return text
  }
}

/** Ids as spans carry them: hex in lower case, UUIDs without dashes; anything else as it is. */
export function plainId(id: string): string {
  const isHex = /^(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(id)
  return isHex ? id.replaceAll('-', '').toLowerCase() : id
}

/** A row in which nothing is known yet. */
export const blankScore: ScoreRow = {
  project_id: '',
  name: '',
  created_at: 0,
  score_id: '',
  target: '',
  trace_id: '',
  span_id: '',
  response_id: '',
  given_trace_id: '',
  given_span_id: '',
  data_type: '',
  value: null,
  label: '',
  verdict: 0,
  said_verdict: 0,
  config: '',
  violation: '',
  each_counts: 0,
  source: '',
  author_id: '',
  evaluator: '',
  evaluator_version: '',
  error_type: '',
  run_name: '',
  dataset: '',
  item_id: '',
  eval_cost: null,
  comment: '',
  text: '',
  tags: [],
  metadata: {},
  resolved: 0,
  target_time: 0,
  kind: '',
  env: '',
  service: '',
  release: '',
  feature: '',
  provider: '',
  model: '',
  prompt_name: '',
  prompt_version: '',
  user_id: '',
  session_id: '',
  team: '',
  customer: '',
  calls: 0,
  span_cost: null,
  retention_days: 0,
  version: 0,
  is_deleted: 0,
}

function readTarget(sent: SentAttributes): { readonly response_id: string; readonly session_id: string } {
  return {
    response_id: sent.take('gen_ai.response.id'),
    session_id: sent.take('session.id', 'gen_ai.conversation.id'),
  }
}

function targetNamed(ids: {
  readonly response_id: string
  readonly session_id: string
  readonly given_trace_id: string
  readonly given_span_id: string
}): string {
  if (ids.response_id !== '' || (ids.given_trace_id !== '' && ids.given_span_id !== '')) return 'span'
  if (ids.given_trace_id !== '') return 'trace'
  return ids.session_id === '' ? '' : 'session'
}

/** `gen_ai.evaluation.relevance` → `relevance`. */
function nameOfEvent(event: string): string {
  if (feedbackEvents.has(event)) return 'user_feedback'
  if (event === resultEvent || !event.startsWith(evaluationPrefix)) return ''
  return event.slice(evaluationPrefix.length)
}

/** Over everything the sender said of the score, not over who carried it here. */
function contentId(event: EvaluationInput): string {
  const attributes = [...event.attributes]
    .map(([key, value]) => [key, plainText(value)])
    .sort(([a], [b]) => (a! < b! ? -1 : 1))
  const said = [
    event.name,
    event.timeMs,
    event.traceId,
    event.spanId,
    event.body ?? '',
    event.scopeName ?? '',
    attributes,
    ...(event.carrier === undefined ? [] : [event.carrier]),
  ]
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32)
}

function low(text: string): string {
  return cut(text, lowTextMax)
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, most).toWellFormed()
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(Math.floor(value), least), most)
}
