// What does a score judge? From the ids it came with and the spans found under them to the row with the columns of its target.
//
//   1. response id            → the newest call that carries it, wherever it is
//   2. trace id and span id   → that span; a span that is no call takes model and cost from the calls below it
//   3. trace id               → the trace: its root's attribution, the model of its calls when they used one
//   4. session id             → the session, likewise
//   5. id of a run            → no call at all: the name of the run, and its dataset
// An evaluator's own span is where the score was made, not what it judges: calls below one are never the target.

import { datasetRunKey } from './langfuse-scores.ts'
import type { ScoreRow } from './scores.ts'

/** What is copied from a target, as in `spans`. */
export interface Attribution {
  readonly env: string
  readonly service: string
  readonly release: string
  readonly feature: string
  readonly prompt_name: string
  readonly prompt_version: string
  readonly user_id: string
  readonly session_id: string
  readonly team: string
  readonly customer: string
}

/** Which run of which dataset a span belongs to, as its instrumentation says. */
export interface RunFacts {
  readonly run_name: string
  readonly dataset: string
  readonly item_id: string
}

export interface SpanFacts extends Attribution, RunFacts {
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string
  readonly kind: string
  readonly name: string
  readonly start_ms: number
  readonly ingested_ms: number
  readonly provider: string
  readonly model: string
  /** 1 for a row of `llm_calls`. */
  readonly is_call: number
  readonly cost_status: string
  readonly counted_as: string
  readonly response_id: string
  readonly total_cost: bigint | null
}

/** A session; a text is empty where its spans differ, the model is then `mixed`. */
export interface SessionFacts extends Attribution {
  readonly start_ms: number
  readonly ingested_ms: number
  readonly provider: string
  readonly model: string
}

export interface Findings {
  readonly responses: ReadonlyMap<string, readonly SpanFacts[]>
  /** Spans of whole traces, calls first where a trace was too large to be read whole. */
  readonly traces: ReadonlyMap<string, readonly SpanFacts[]>
  readonly sessions: ReadonlyMap<string, SessionFacts>
  /** By the id of the run. */
  readonly runs?: ReadonlyMap<string, Pick<RunFacts, 'run_name' | 'dataset'>>
}

/** How long to wait for what is better before taking what is there. */
export interface Patience {
  /** For the named response or span, before the trace or session is judged instead. */
  readonly fallbackMs: number
  /** Without news of a trace that has its root, before its calls are added up. */
  readonly quietMs: number
  /** The same without a root, and for a session. */
  readonly orphanQuietMs: number
}

export interface Moment {
  readonly nowMs: number
  /** Since the score was first looked at. */
  readonly waitedMs: number
}

/** The score with the columns of its target and the next version; undefined while that cannot be known yet. */
export function resolveScore(
  score: ScoreRow,
  findings: Findings,
  moment: Moment,
  patience: Patience,
): ScoreRow | undefined {
  if (score.target === 'run') return ofRun(score, findings)
  const mayFallBack = moment.waitedMs >= patience.fallbackMs
  if (score.response_id !== '') {
    const call = responseCall(score.response_id, findings)
    if (call !== undefined) return judged(score, 'span', call, [call])
    if (!mayFallBack) return undefined
  }
  const trace = findings.traces.get(score.trace_id)
  if (trace !== undefined && trace.length > 0) return inTrace(score, trace, moment, patience)
  if (score.trace_id !== '' && !mayFallBack) return undefined
  return inSession(score, findings.sessions.get(score.session_id), moment, patience)
}

/** Traces that have to be read before `resolveScore` can decide. */
export function tracesNeeded(score: ScoreRow, responses: Findings['responses']): string[] {
  const carriers = score.response_id === '' ? undefined : responses.get(score.response_id)
  if (carriers?.some((span) => span.is_call === 1)) return []
  const traces = carriers?.map((span) => span.trace_id) ?? []
  return score.trace_id === '' ? traces : [...traces, score.trace_id]
}

/**
 * The call that a score on a span which is none is about: the one that the span repeats, or the only one below it; null where the
 * span repeats a call that is not in its trace, undefined where it is a call itself, or about several or none.
 */
export function callJudged(score: ScoreRow, { traces }: Findings): SpanFacts | null | undefined {
  const trace = traces.get(score.trace_id) ?? []
  const named = trace.find((span) => span.span_id === score.span_id)
  if (named === undefined || named.is_call === 1) return undefined
  if (named.counted_as !== '')
    return trace.find((span) => span.is_call === 1 && span.span_id === named.counted_as) ?? null
  const below = new Tree(trace).callsBelow(named)
  return below.length === 1 ? below[0] : undefined
}

function responseCall(responseId: string, { responses, traces }: Findings): SpanFacts | undefined {
  const newest = [...(responses.get(responseId) ?? [])].sort((a, b) => b.start_ms - a.start_ms)
  const call = newest.find((span) => span.is_call === 1)
  if (call !== undefined) return call
  // Only a duplicate carries the id; the ledger says which call it repeats.
  for (const span of newest) {
    const counted = traces.get(span.trace_id)?.find((other) => other.is_call === 1 && other.span_id === span.counted_as)
    if (counted !== undefined) return counted
  }
  return undefined
}

function inTrace(
  score: ScoreRow,
  trace: readonly SpanFacts[],
  moment: Moment,
  patience: Patience,
): ScoreRow | undefined {
  const root = rootOf(trace)
  const named = score.span_id === '' ? undefined : trace.find((span) => span.span_id === score.span_id)
  if (named?.is_call === 1) return judged(score, 'span', named, [named])
  if (score.span_id !== '' && named === undefined && moment.waitedMs < patience.fallbackMs) return undefined
  const newest = trace.reduce((latest, span) => Math.max(latest, span.ingested_ms), 0)
  const isWhole = root.parent_span_id === '' || named !== undefined
  if (moment.nowMs - newest < (isWhole ? patience.quietMs : patience.orphanQuietMs)) return undefined
  const tree = new Tree(trace)
  if (named !== undefined && !isEvaluator(named)) {
    const counted = trace.find((span) => span.is_call === 1 && span.span_id === named.counted_as)
    return judged(score, 'span', named, counted === undefined ? tree.callsBelow(named) : [counted])
  }
  const calls = tree.callsOfProduct()
  if (calls.length > 0) return judged(score, 'trace', root, calls)
  if (named !== undefined) return judged(score, 'span', named, [])
  // The trace is an evaluator's own, or has no calls at all.
  const all = trace.filter((span) => span.is_call === 1)
  return judged(score, 'trace', root, all)
}

function inSession(
  score: ScoreRow,
  session: SessionFacts | undefined,
  moment: Moment,
  patience: Patience,
): ScoreRow | undefined {
  if (session === undefined || moment.nowMs - session.ingested_ms < patience.orphanQuietMs) return undefined
  return {
    ...score,
    ...attributed(score, session),
    resolved: 1,
    version: score.version + 1,
    target: 'session',
    target_time: session.start_ms,
    provider: session.provider,
    model: session.model,
    // A session goes on: whatever it has cost by now, and in how many calls, would be wrong tomorrow.
    calls: 0,
    span_cost: null,
  }
}

/** A score of a whole run judges no call: once the run has a name there is nothing more to find, and no figure of calls has it. */
function ofRun(score: ScoreRow, { runs }: Findings): ScoreRow | undefined {
  const found = runs?.get(score.metadata[datasetRunKey] ?? '')
  if (found === undefined) return undefined
  const { run_name, dataset } = score.run_name === '' ? found : score
  return { ...score, target: '', run_name, dataset: dataset || found.dataset, version: score.version + 1 }
}

function judged(score: ScoreRow, target: 'span' | 'trace', span: SpanFacts, calls: readonly SpanFacts[]): ScoreRow {
  const billed = calls.filter((call) => call.cost_status !== 'not_billed')
  const counting = billed.length > 0 ? billed : calls
  return {
    ...score,
    ...attributed(score, withCalls(span, counting)),
    ...inRun(score, span),
    resolved: 1,
    version: score.version + 1,
    target,
    trace_id: span.trace_id,
    span_id: target === 'span' ? span.span_id : '',
    target_time: span.start_ms,
    kind: span.kind,
    provider: only(counting.map((call) => call.provider)) ?? '',
    model: counting.length === 0 ? '' : (only(counting.map((call) => call.model)) ?? 'mixed'),
    calls: counting.length,
    span_cost: sumOf(counting),
  }
}

/** The target's attribution; what it does not say stays as the sender of the score said it. */
function attributed(score: ScoreRow, from: Attribution): Attribution {
  const { env, service, release, feature, user_id, team, customer } = from
  const prompt = from.prompt_name === '' ? score : from
  return {
    env,
    service,
    release,
    feature,
    user_id,
    session_id: from.session_id || score.session_id,
    team,
    customer,
    prompt_name: prompt.prompt_name,
    prompt_version: prompt.prompt_version,
  }
}

/** The run as the score's sender names it; else that of the span judged. */
function inRun(score: ScoreRow, span: RunFacts): RunFacts {
  const { run_name, dataset, item_id } = score.run_name === '' && score.item_id === '' ? span : score
  return { run_name, dataset: dataset || span.dataset, item_id: item_id || span.item_id }
}

/** What a span does not say of itself, its calls say, where they agree. */
function withCalls(span: SpanFacts, calls: readonly SpanFacts[]): Attribution {
  const said = (key: keyof Attribution): string => span[key] || only(calls.map((call) => call[key])) || ''
  const prompt = only(calls.map((call) => `${call.prompt_name}\0${call.prompt_version}`))?.split('\0') ?? ['', '']
  return {
    env: said('env'),
    service: said('service'),
    release: said('release'),
    feature: said('feature'),
    user_id: said('user_id'),
    session_id: said('session_id'),
    team: said('team'),
    customer: said('customer'),
    prompt_name: span.prompt_name || prompt[0]!,
    prompt_version: span.prompt_name === '' ? prompt[1]! : span.prompt_version,
  }
}

/** Null as soon as one of them is unknown: a part of a cost is not the cost. */
function sumOf(calls: readonly SpanFacts[]): bigint | null {
  let sum: bigint | null = calls.length === 0 ? null : 0n
  for (const { total_cost } of calls) sum = sum === null || total_cost === null ? null : sum + total_cost
  return sum
}

function only(texts: readonly string[]): string | undefined {
  const [first] = texts
  return texts.every((text) => text === first) ? first : undefined
}

function rootOf(trace: readonly SpanFacts[]): SpanFacts {
  const ids = new Set(trace.map((span) => span.span_id))
  const rank = (span: SpanFacts) => (span.parent_span_id === '' ? 0 : ids.has(span.parent_span_id) ? 2 : 1)
  const before = (a: SpanFacts, b: SpanFacts) =>
    rank(a) - rank(b) || Number(isEvaluator(a)) - Number(isEvaluator(b)) || a.start_ms - b.start_ms
  return trace.reduce((best, span) => (before(span, best) < 0 ? span : best))
}

function isEvaluator(span: SpanFacts): boolean {
  return span.kind === 'evaluator' || (span.is_call === 0 && /^(?:evaluat|eval\b|judge)/i.test(span.name))
}

/** Parents and children of one trace; ends whatever loop the ids make. */
class Tree {
  private readonly trace: readonly SpanFacts[]
  private readonly children = new Map<string, SpanFacts[]>()

  constructor(trace: readonly SpanFacts[]) {
    this.trace = trace
    for (const span of trace) {
      const siblings = this.children.get(span.parent_span_id)
      if (siblings === undefined) this.children.set(span.parent_span_id, [span])
      else siblings.push(span)
    }
  }

  /** Calls below a span, those of evaluators left out. */
  callsBelow(span: SpanFacts): SpanFacts[] {
    return this.walk(span, (below) => !isEvaluator(below)).filter((below) => below.is_call === 1)
  }

  /** All calls but those of evaluators. */
  callsOfProduct(): SpanFacts[] {
    const judging = new Set<SpanFacts>()
    for (const span of this.trace) {
      if (isEvaluator(span) && !judging.has(span)) for (const below of this.walk(span, () => true)) judging.add(below)
    }
    return this.trace.filter((span) => span.is_call === 1 && !judging.has(span))
  }

  private walk(from: SpanFacts, isOpen: (span: SpanFacts) => boolean): SpanFacts[] {
    const seen = new Set([from])
    for (const span of seen) {
      for (const child of this.children.get(span.span_id) ?? []) if (isOpen(child)) seen.add(child)
    }
    return [...seen]
  }
}
