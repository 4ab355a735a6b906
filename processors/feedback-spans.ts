// Scores that spans carry in their attributes → evaluation events: OpenInference's annotations and evaluations, Logfire's annotation
// spans, Genkit's user engagement. What each judges is told by a link, by the span itself, or by its parent, as each has it.
// Sources: OpenInference spec/annotations.md (2026-08); Logfire 4 and Genkit 1 as their packages write them.

import { attributeTexts } from '../schemas/any-value.ts'
import { low, type SpanBatch } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { jsonObject } from './json-text.ts'
import { feedbackField, feedbackMarks } from './score-keys.ts'
import { type EvaluationInput, metadataText } from './scores.ts'

/** More results on one span are an attack or a mistake. */
const resultsMax = 100
const metadataKeysMax = 50

/** Scores on the spans of a batch; `scoreKeys` are those of its attributes that tell of one. Empty for nearly every batch. */
export function feedbackOnSpans(
  batch: SpanBatch,
  strings: StringTable,
  scoreKeys: ReadonlySet<number>,
): EvaluationInput[] {
  if (scoreKeys.size === 0) return []
  const found: EvaluationInput[] = []
  for (let row = 0; row < batch.rows; row++) {
    if (!hasAny(batch, row, scoreKeys)) continue
    const span = spanOf(batch, strings, row)
    found.push(...openInference(span), ...logfire(span), ...genkit(span))
  }
  return found
}

interface Span {
  readonly attributes: ReadonlyMap<string, string>
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  /** The span that the only link names; undefined without one, or with several. */
  readonly linked: { readonly traceId: string; readonly spanId: string } | undefined
  readonly isEvaluator: boolean
  readonly scopeName: string
  readonly timeMs: number
}

function hasAny(batch: SpanBatch, row: number, scoreKeys: ReadonlySet<number>): boolean {
  for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++) if (scoreKeys.has(batch.attrKey[i]!)) return true
  return false
}

function spanOf(batch: SpanBatch, strings: StringTable, row: number): Span {
  const link = batch.linkFrom[row]!
  const isOne = batch.linkTo[row]! - link === 1
  return {
    attributes: attributeTexts(batch, strings, batch.attrFrom[row]!, batch.attrTo[row]!),
    traceId: batch.hexOf(batch.tracePos[row]!, 16),
    spanId: batch.hexOf(batch.spanPos[row]!, 8),
    parentId: batch.hexOf(batch.parentPos[row]!, 8),
    linked: isOne
      ? { traceId: batch.hexOf(batch.linkTracePos[link]!, 16), spanId: batch.hexOf(batch.linkSpanPos[link]!, 8) }
      : undefined,
    isEvaluator: strings.text(batch.low[low.kind]![row]!) === 'evaluator',
    scopeName: strings.text(batch.low[low.scope_name]![row]!),
    timeMs: Math.floor((batch.endHigh[row]! * 4294967296 + batch.endLow[row]!) / 1e6) || batch.ingestedMs,
  }
}

interface Result {
  readonly scope: string
  readonly isEvaluation: boolean
  readonly fields: Map<string, string>
}

function openInference(span: Span): EvaluationInput[] {
  const results = new Map<string, Result>()
  for (const [key, value] of span.attributes) {
    const [, scope = '', annotations, at = '', , evaluationAt = '', field = ''] = feedbackField.exec(key) ?? []
    if (field === '' || value === '') continue
    const place = `${scope} ${annotations ?? ''} ${at}${evaluationAt}`
    let result = results.get(place)
    if (result === undefined) {
      if (results.size >= resultsMax) continue
      result = { scope, isEvaluation: annotations === undefined, fields: new Map() }
      results.set(place, result)
    }
    result.fields.set(field, value)
  }
  return [...results.values()].filter(({ fields }) => fields.has('name')).map((result) => resultEvent(result, span))
}

function resultEvent({ scope, isEvaluation, fields }: Result, span: Span): EvaluationInput {
  const target = targetOf(scope, isEvaluation, span)
  const name = fields.get('name') ?? ''
  const identifier = fields.get('identifier')
  const metadata = metadataOf(fields.get('metadata'))
  const kind = fields.get('annotator_kind') ?? ''
  return {
    ...base(span, target),
    isOfWords: true,
    attributes: new Map([
      ...metadata.rest,
      ...told('gen_ai.evaluation.name', name),
      ...told('gen_ai.evaluation.score.value', fields.get('score')),
      ...told('gen_ai.evaluation.score.label', fields.get('label')),
      ...told('gen_ai.evaluation.explanation', fields.get('explanation')),
      ...told('gen_ai.evaluation.source', sourceOf(kind, name)),
      ...told('gen_ai.evaluation.evaluator.type', kind),
      ...told('gen_ai.evaluation.evaluator.name', metadata.evaluator),
      ...told('gen_ai.evaluation.evaluator.version', metadata.version),
      // One result, wherever it is written down: target, name and identifier are its identity.
      ...told(
        'gen_ai.evaluation.id',
        identifier &&
          ['openinference', scope, target.traceId, target.spanId, target.sessionId, name, identifier].join(':'),
      ),
      ...told('session.id', target.sessionId),
      ...told('user.id', kind === 'HUMAN' ? span.attributes.get('user.id') : undefined),
    ]),
  }
}

interface Target {
  readonly traceId: string
  readonly spanId: string
  readonly sessionId: string
}

/** A link goes before the span itself. An evaluator without one judges nothing that is known: its parent need not be it. */
function targetOf(scope: string, isEvaluation: boolean, span: Span): Target {
  const none = { traceId: '', spanId: '', sessionId: '' }
  if (scope === 'session') return { ...none, sessionId: span.attributes.get('session.id') ?? '' }
  const isBlind = isEvaluation && span.isEvaluator
  const at = span.linked ?? (isBlind ? none : { traceId: span.traceId, spanId: span.spanId })
  return scope === 'trace' ? { ...none, traceId: at.traceId } : { ...none, ...at }
}

function sourceOf(kind: string, name: string): string {
  if (kind === 'HUMAN') return /feedback|thumb|satisfaction/i.test(name) ? 'user' : 'human-review'
  return kind === 'CODE' ? 'automated' : 'eval'
}

function metadataOf(json: string | undefined): {
  readonly rest: readonly (readonly [string, string])[]
  readonly evaluator: string | undefined
  readonly version: string | undefined
} {
  const members = jsonObject(json ?? '') ?? {}
  const textOf = (key: string): string | undefined => {
    const value = members[key]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  const taken = new Set(['evaluator', 'evaluator_version'])
  const rest = Object.entries(members)
    .filter(([key]) => !taken.has(key))
    .slice(0, metadataKeysMax)
    .map(([key, value]) => [key, metadataText(value)] as const)
  return { rest, evaluator: textOf('evaluator'), version: textOf('evaluator_version') }
}

/** Logfire: the parent is judged; a number is a score, a text a label, a truth value an assertion. */
function logfire(span: Span): EvaluationInput[] {
  const name = span.attributes.get(feedbackMarks.logfire)
  if (!name || span.attributes.get('logfire.span_type') !== 'annotation') return []
  return [
    {
      ...base(span, { traceId: span.traceId, spanId: span.parentId }),
      isOfWords: true,
      attributes: new Map([
        ...told('gen_ai.evaluation.name', name),
        ...told('gen_ai.evaluation.score.value', span.attributes.get(name)),
        ...told('gen_ai.evaluation.explanation', span.attributes.get('logfire.feedback.comment')),
        ...told('gen_ai.evaluation.source', 'human-review'),
        ...told('user.id', span.attributes.get('user.id')),
      ]),
    },
  ]
}

const genkitValues: Readonly<Record<string, string>> = { positive: '1', negative: '-1', accepted: '1', rejected: '-1' }

/** Genkit: the span of the flow above is judged by its user, with a thumb or by taking what was offered. */
function genkit(span: Span): EvaluationInput[] {
  const { attributes } = span
  if (attributes.get(feedbackMarks.genkit) !== 'userEngagement') return []
  const sent = (key: string): string => attributes.get(`genkit:metadata:${key}`) ?? ''
  const isFeedback = sent('subtype') === 'userFeedback'
  const value = isFeedback ? sent('feedbackValue') : sent('acceptanceValue')
  return [
    {
      ...base(span, { traceId: span.traceId, spanId: span.parentId }),
      isOfWords: true,
      attributes: new Map([
        ...told('gen_ai.evaluation.name', isFeedback ? 'user_feedback' : 'user_acceptance'),
        ...told('gen_ai.evaluation.score.value', genkitValues[value.toLowerCase()]),
        ...told('gen_ai.evaluation.score.label', isFeedback ? undefined : value),
        ...told('gen_ai.evaluation.explanation', sent('textFeedback')),
        ...told('gen_ai.evaluation.source', 'user'),
        ...told('user.id', attributes.get('user.id')),
      ]),
    },
  ]
}

function base(
  { timeMs, scopeName, traceId: carrierTrace, spanId: carrierSpan }: Span,
  { traceId, spanId }: { readonly traceId: string; readonly spanId: string },
): Pick<EvaluationInput, 'name' | 'timeMs' | 'traceId' | 'spanId' | 'scopeName' | 'body'> {
  // Who carries a result is part of what tells it from another one: some are sent twice, of different spans.
  return {
    name: 'gen_ai.evaluation.result',
    timeMs,
    traceId,
    spanId,
    scopeName,
    body: `${carrierTrace}:${carrierSpan}`,
  }
}

function told(key: string, value: string | undefined): [string, string][] {
  return value === undefined || value === '' ? [] : [[key, value]]
}
