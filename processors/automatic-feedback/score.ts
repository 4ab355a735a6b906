// A finding → the score it is: of the call it judges, with the call's own columns, under an id that rule, trace and span make.

import { attributeText } from '../../schemas/any-value.ts'
import { cost, costCount, low, role, type SpanBatch, text } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { runAttributes } from '../evaluation-attributes.ts'
import { resolveScore, type SpanFacts } from '../score-target.ts'
import { blankScore, retentionFrom, type ScoreRow, scoreRetentionDays } from '../scores.ts'
import { automaticEvaluator, type Finding, scoreName } from './rules.ts'

export interface FindingContext {
  readonly projectId: string
  readonly nowMs: number
  /** Of the rules: the collector's. */
  readonly version: string
}

const dayMs = 86_400_000

/** Ids are the same whoever finds it, and whenever: a span that is sent again writes the same row. */
export function automaticId(name: string, traceId: string, spanId: string): string {
  return `${name}:${traceId}:${spanId}`
}

/** Scores of the findings of a batch that was priced. Of a call they are resolved; of a tool or a step, once its trace is quiet. */
export function scoresOfFindings(
  findings: readonly Finding[],
  batch: SpanBatch,
  strings: StringTable,
  context: FindingContext,
): ScoreRow[] {
  return findings.map((finding) => scoreOf(finding, batch, strings, context))
}

function scoreOf(finding: Finding, batch: SpanBatch, strings: StringTable, context: FindingContext): ScoreRow {
  const { row } = finding
  const traceId = batch.hexOf(batch.tracePos[row]!, 16)
  const spanId = batch.hexOf(batch.spanPos[row]!, 8)
  const name = scoreName(finding.rule)
  const endMs = (batch.endHigh[row]! * 4294967296 + batch.endLow[row]!) / 1e6
  const createdAt = Math.floor(Math.min(Math.max(endMs, context.nowMs - scoreRetentionDays * dayMs), context.nowMs))
  const score: ScoreRow = {
    ...blankScore,
    project_id: context.projectId,
    name,
    created_at: createdAt,
    score_id: automaticId(name, traceId, spanId),
    target: 'span',
    trace_id: traceId,
    span_id: spanId,
    given_trace_id: traceId,
    given_span_id: spanId,
    data_type: 'numeric',
    value: -1,
    label: finding.evidence,
    verdict: -1,
    said_verdict: -1,
    source: 'automated',
    evaluator: automaticEvaluator,
    evaluator_version: context.version,
    comment: finding.explanation,
    target_time: context.nowMs,
    retention_days: retentionFrom(createdAt, context),
    version: createdAt,
  }
  if (batch.role[row] !== role.call) return score
  const call = factsOf(row, { traceId, spanId, nowMs: context.nowMs }, batch, strings)
  const findings = { responses: new Map(), traces: new Map([[traceId, [call]]]), sessions: new Map() }
  return resolveScore(score, findings, { nowMs: context.nowMs, waitedMs: 0 }, atOnce) ?? score
}

/** A call that is named and there is not waited for. */
const atOnce = { fallbackMs: 0, quietMs: 0, orphanQuietMs: 0 }

interface Identity {
  readonly traceId: string
  readonly spanId: string
  readonly nowMs: number
}

/** A call of the batch as it will be read back. */
function factsOf(row: number, { traceId, spanId, nowMs }: Identity, batch: SpanBatch, strings: StringTable): SpanFacts {
  const said = (column: keyof typeof low) => strings.text(batch.low[low[column]]![row]!)
  const words = (column: number) => batch.textOf(batch.textStart[column]![row]!, batch.textEnd[column]![row]!)
  const sent = (names: readonly string[]) => {
    for (const name of names)
      for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++)
        if (strings.text(batch.attrKey[i]!) === name) return attributeText(batch, i)
    return ''
  }
  const total = batch.costs[row * costCount + cost.total]!
  return {
    trace_id: traceId,
    span_id: spanId,
    parent_span_id: '',
    kind: said('kind'),
    name: said('name'),
    start_ms: Math.floor((batch.startHigh[row]! * 4294967296 + batch.startLow[row]!) / 1e6),
    ingested_ms: nowMs,
    provider: said('provider'),
    model: said('model'),
    is_call: 1,
    cost_status: said('cost_status'),
    counted_as: '',
    response_id: '',
    total_cost: Number.isNaN(total) ? null : BigInt(total),
    run_name: sent(runAttributes.run_name),
    dataset: sent(runAttributes.dataset),
    item_id: sent(runAttributes.item_id),
    env: said('env'),
    service: said('service'),
    release: said('release'),
    feature: said('feature'),
    team: said('team'),
    customer: words(text.customer),
    prompt_name: said('prompt_name'),
    prompt_version: said('prompt_version'),
    user_id: words(text.user_id),
    session_id: words(text.session_id),
  }
}
