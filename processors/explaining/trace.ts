// A trace with its arithmetic: each span as it is stored, the price entry it names, its disjoint parts and their products, and
// what was changed after its first write. Made of what the ledger keeps alone, so that it explains the row and not a belief.

import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { usageUnits } from '../../schemas/usage.ts'
import type { FocusPrices } from '../focus/prices.ts'
import type { Card, CompiledEntry } from '../pricing/card.ts'
import { type Component, explainPrice, explainTotal, unpricedUnits } from '../pricing/explain.ts'
import { vectorName } from '../pricing/usage-names.ts'
import { storedUsage } from '../stored-usage.ts'

/** A span as it is stored; counts, times and money as text. Field names are the columns'. */
export interface SpanLine {
  readonly project_id: string
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string
  readonly name: string
  readonly kind: string
  readonly dialect: string
  readonly scope_name: string
  readonly service: string
  readonly start_time: string
  readonly duration_ms: number
  readonly status: string
  readonly failure_class: string
  readonly user_id: string
  readonly session_id: string
  readonly feature: string
  readonly provider: string
  readonly request_model: string
  readonly response_model: string
  readonly model: string
  readonly response_id: string
  readonly input_tokens: string | null
  readonly output_tokens: string | null
  readonly cache_read_tokens: string
  readonly cache_write_tokens: string
  readonly reasoning_tokens: string
  readonly usage_other: Readonly<Record<string, number>>
  readonly usage_rule: string
  readonly cost_status: string
  readonly cost_reason: string
  readonly cost_flags: string
  readonly total_cost: string | null
  readonly pricing_currency: string
  readonly pricing_currency_cost: string | null
  readonly reported_cost: string | null
  readonly reported_cost_source: string
  readonly price_entry: string
  readonly price_book: string
  readonly price_conditions: string
  readonly counted_as: string
  readonly attempt: number
  readonly attempts: number
  readonly wasted_cost: string | null
  readonly revision: number
  /** Attributes by which usage and cost were reported, as sent. */
  readonly reported: Readonly<Record<string, string>>
}

export interface CorrectionLine {
  readonly span_id: string
  readonly revision: number
  readonly corrected_at: string
  readonly reason: string
  readonly evidence: string
  readonly changes: Readonly<Record<string, string>>
  readonly made_by: string
}

/** Where and since when an entry's price holds, for the reader; the rates are in the components. */
export interface EntryLine {
  readonly price_book: string
  readonly entry_id: string
  readonly valid_from: string
  readonly valid_to: string
  readonly recorded_at: string
  readonly source: string
  readonly confidence: string
}

export interface ExplainedSpan {
  readonly span: SpanLine
  /** What was used, by the names of price vectors; totals include their parts. Empty when nothing was reported. */
  readonly usage: Readonly<Record<string, number>>
  /** Disjoint; they add up to the total before its one rounding. Empty when the entry is not known. */
  readonly components: readonly Component[]
  readonly unpricedUnits: readonly string[]
  readonly entry: EntryLine | null
  /** The total worked out anew from the parts; null where there is no entry to do it by. */
  readonly recomputed: string | null
  /** Whether that is the total of the row. */
  readonly agrees: boolean | null
  readonly corrections: readonly CorrectionLine[]
  readonly children: readonly ExplainedSpan[]
}

export interface ExplainedTrace {
  readonly traceId: string
  readonly roots: readonly ExplainedSpan[]
  /** Decimal text of USD: all that is billed in the trace; null when nothing has a cost. */
  readonly totalCost: string | null
  readonly calls: number
  readonly unpricedCalls: number
}

export interface TraceLines {
  readonly traceId: string
  readonly spans: readonly SpanLine[]
  readonly corrections: readonly CorrectionLine[]
  readonly entries: readonly EntryLine[]
  readonly prices: FocusPrices
}

const notCalls: ReadonlySet<string> = new Set(['aggregate', 'duplicate', 'replayed', 'not_a_model_call'])

/** Roots are spans without a parent among them; children come in the order of their start. */
export function explainTrace({ traceId, spans, corrections, entries, prices }: TraceLines): ExplainedTrace {
  const byParent = Map.groupBy(spans, ({ parent_span_id }) => parent_span_id)
  const known = new Set(spans.map(({ span_id }) => span_id))
  const changes = Map.groupBy(corrections, ({ span_id }) => span_id)
  const shown = new Set<string>()
  const explained = (span: SpanLine): ExplainedSpan => {
    shown.add(span.span_id)
    const children = (byParent.get(span.span_id) ?? []).filter(({ span_id }) => !shown.has(span_id))
    return {
      ...arithmetic(span, prices),
      entry:
        entries.find((entry) => entry.entry_id === span.price_entry && entry.price_book === span.price_book) ?? null,
      corrections: changes.get(span.span_id) ?? [],
      children: children.map(explained),
    }
  }
  const roots = spans.filter(({ parent_span_id }) => !known.has(parent_span_id)).map(explained)
  // Parents that run in a circle have no root.
  const rest = spans.filter(({ span_id }) => !shown.has(span_id))
  for (const span of rest) if (!shown.has(span.span_id)) roots.push(explained(span))
  const calls = spans.filter(({ cost_reason }) => !notCalls.has(cost_reason))
  const costs = calls.flatMap(({ total_cost }) => (total_cost === null ? [] : [parsePicoUsd(total_cost)]))
  return {
    traceId,
    roots,
    totalCost: costs.length === 0 ? null : formatPicoUsd(costs.reduce((sum, each) => sum + each, 0n)),
    calls: calls.length,
    unpricedCalls: calls.filter(({ cost_status }) => ['unpriced', 'invalid', 'partial'].includes(cost_status)).length,
  }
}

function arithmetic(
  span: SpanLine,
  prices: FocusPrices,
): Pick<ExplainedSpan, 'span' | 'usage' | 'components' | 'unpricedUnits' | 'recomputed' | 'agrees'> {
  const row = storedUsage(span)
  const usage = Object.fromEntries(
    usageUnits.flatMap(({ name }, slot) => (Number.isNaN(row[slot]) ? [] : [[vectorName(name), row[slot]!]])),
  )
  const price = prices.get(span.price_book, span.price_entry)
  if (price === undefined || !['priced', 'partial', 'estimated'].includes(span.cost_status))
    return { span, usage, components: [], unpricedUnits: [], recomputed: null, agrees: null }
  const card = cardOf(span, price.compiled)
  const recomputed = explainTotal(card, row, 0)
  const stored = span.total_cost ?? span.pricing_currency_cost
  return {
    span,
    usage,
    components: explainPrice(card, row, 0),
    unpricedUnits: unpricedUnits(card, row, 0).map(vectorName),
    recomputed,
    agrees: stored !== null && sameAmount(stored, recomputed),
  }
}

function cardOf({ price_entry, provider, model }: SpanLine, compiled: CompiledEntry): Card {
  const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }
  return { entry: price_entry, provider, model, match: 'exact', ...always, flags: 0, reason: '', ...compiled }
}

function sameAmount(a: string, b: string): boolean {
  return parsePicoUsd(a) === parsePicoUsd(b)
}
