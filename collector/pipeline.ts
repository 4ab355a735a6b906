// The whole story of a request: decode → normalise → charge → inherit → price → judge → append; answered when its rows are durable.
// Everything up to the append is synchronous, so one batch serves all requests.

import { type AutomaticFeedbackSettings, FindingsOfBatch } from '../processors/automatic-feedback/find.ts'
import { scoresOfFindings } from '../processors/automatic-feedback/score.ts'
import { Charge } from '../processors/charge.ts'
import type { Dialect } from '../processors/dialect.ts'
import { type TokenizerFor, UsageEstimator } from '../processors/estimate.ts'
import { evaluationEvents } from '../processors/evaluation-events.ts'
import { feedbackOnSpans } from '../processors/feedback-spans.ts'
import { inheritAttribution } from '../processors/inherit.ts'
import { KnownCalls } from '../processors/known-calls.ts'
import { Ledger } from '../processors/ledger.ts'
import { LogCalls } from '../processors/log-calls.ts'
import { eventName, type LogInput, logRow, logTime } from '../processors/log-rows.ts'
import { Normaliser } from '../processors/normalise.ts'
import type { PriceBook } from '../processors/pricing/book.ts'
import { canonicalProvider } from '../processors/pricing/provider-names.ts'
import { RecentSpans } from '../processors/recent-spans.ts'
import { isEvaluationEvent, type ScoreRow, scoreFromEvaluationEvent } from '../processors/scores.ts'
import type { AttributionColumn } from '../schemas/attribution.ts'
import type { AutomaticRule } from '../schemas/automatic-rules.ts'
import { Refusal } from '../schemas/refusal.ts'
import { low, SpanBatch } from '../schemas/span-batch.ts'
import { StringTable } from '../schemas/string-table.ts'
import type { ExportOutcome, Receiver } from './otlp/door.ts'
import { encodeLogCalls } from './otlp/log-spans.ts'
import { decodeLogs } from './otlp/logs.ts'
import { TraceDecoder } from './otlp/traces.ts'
import { ClickHouseSink, type RecordStore } from './sinks/clickhouse.ts'

export interface PipelineMeter {
  calls(costStatus: string, count: number): void
  rejected(spans: number): void
  /** Spans that came before, whole and lately, and were left out. */
  repeated?(spans: number): void
  /** A rule wrote a score. */
  automaticScore?(rule: AutomaticRule): void
  /** Scores that do not know their target yet were appended. */
  scoresWaiting(): void
}

export interface PipelineParts {
  readonly store: RecordStore
  readonly dialects: readonly Dialect[]
  /** A book, or what gives the one in force: asked once per request, so that no request sees two. */
  readonly book: PriceBook | (() => PriceBook)
  readonly settings: {
    readonly keepContent: boolean
    readonly retentionDays: number
    readonly contentRetentionDays: number
    readonly attributeMap?: ReadonlyMap<string, AttributionColumn>
  }
  readonly meter: PipelineMeter
  /** Counts calls that reported no usage; absent: they have no price. */
  readonly tokenizerFor?: TokenizerFor
  /** Providers in any spelling, and attributes, whose reported cost stands as the total. */
  readonly reportedCostAsCharge?: readonly string[]
  /** Rules that judge answers, and the version they are of; absent: none. */
  readonly automaticFeedback?: AutomaticFeedbackSettings & { readonly version: string }
  /** A score as it is to be stored, by the configuration of its name. Throws Refusal for one that is not. */
  readonly judgeScore?: (score: ScoreRow) => ScoreRow
  readonly now?: () => number
}

/** An attribute is meant word for word; a provider, which has no point in it unless it is OpenTelemetry's own name, in any spelling. */
function chargeSources(given: readonly string[]): ReadonlySet<string> {
  return new Set(given.flatMap((name) => (name.includes('.') ? [name] : [name, canonicalProvider(name)])))
}

/** Within what one request of spans may hold, with a scope and a resource each. */
const callsPerBatch = 20_000

export class Pipeline implements Receiver {
  /** Spans left out of requests that were taken otherwise. */
  rejectedSpans = 0
  private readonly strings = new StringTable()
  private readonly batch = new SpanBatch()
  private readonly recent = new RecentSpans()
  private readonly logCalls: LogCalls
  private readonly decoder: TraceDecoder
  private readonly normaliser: Normaliser
  private readonly charge: Charge
  private readonly known: KnownCalls
  private readonly ledger: Ledger
  private readonly findings: FindingsOfBatch | undefined
  private readonly rulesVersion: string
  private readonly sink: ClickHouseSink
  private readonly settings: PipelineParts['settings']
  private readonly meter: PipelineMeter
  private readonly book: () => PriceBook
  private readonly judgeScore: (score: ScoreRow) => ScoreRow
  private readonly now: () => number

  constructor(parts: PipelineParts) {
    const { strings, batch } = this
    this.settings = parts.settings
    this.meter = parts.meter
    const { book } = parts
    this.book = typeof book === 'function' ? book : () => book
    this.judgeScore = parts.judgeScore ?? ((score) => score)
    this.now = parts.now ?? Date.now
    this.decoder = new TraceDecoder(batch, strings, this.recent)
    this.logCalls = new LogCalls(parts.dialects)
    this.normaliser = new Normaliser(batch, strings, parts.dialects, parts.settings)
    this.charge = new Charge(batch)
    this.known = new KnownCalls(batch, this.charge)
    this.ledger = new Ledger({
      book: this.book(),
      batch,
      strings,
      charge: this.charge,
      conditions: this.normaliser.conditions,
      chargeSources: chargeSources(parts.reportedCostAsCharge ?? []),
      ...(parts.tokenizerFor === undefined
        ? {}
        : { estimator: new UsageEstimator(batch, strings, parts.tokenizerFor) }),
    })
    const rules = parts.automaticFeedback
    this.findings = rules && new FindingsOfBatch(batch, strings, this.charge, rules)
    this.rulesVersion = rules?.version ?? ''
    this.sink = new ClickHouseSink(parts.store, strings, parts.settings)
  }

  /** ExportTraceServiceRequest in protobuf. Rejects with Refusal; a sender may keep or reuse `body` once this returns. */
  async traces(body: Uint8Array, project: string): Promise<ExportOutcome> {
    const { batch, recent } = this
    this.strings.trim()
    recent.open(project)
    try {
      this.decoder.decode(body)
    } catch (error) {
      recent.takeBack()
      throw error
    }
    const { repeated, rejected, rejectMessage } = batch
    const { epoch } = recent
    let message = rejectMessage
    try {
      const { durable, statuses, warning } = this.take(project)
      await Promise.all(durable)
      if (repeated > 0) await this.sink.settled()
      for (const [status, count] of statuses) this.meter.calls(status, count)
      message = [rejectMessage, warning].filter((text) => text !== '').join('; ')
    } catch (error) {
      // Nothing that was remembered since it came may be relied on.
      recent.forget()
      throw error
    }
    // The first sending of a span that was left out here may be the one that failed.
    if (repeated > 0 && recent.epoch !== epoch) throw new Refusal('journal_failed', 'send the request again')
    this.rejectedSpans += rejected
    this.meter.rejected(rejected)
    if (repeated > 0) this.meter.repeated?.(repeated)
    return { rejected, message }
  }

  /** The decoded batch to the sink, priced; what it waits for, and how costs were found. */
  private take(project: string): { durable: Promise<void>[]; statuses: Map<string, number>; warning: string } {
    const { batch } = this
    const nowMs = this.now()
    batch.projectId = this.strings.internText(project)
    batch.ingestedMs = nowMs
    this.normaliser.run(nowMs)
    this.charge.run()
    this.known.run(project)
    inheritAttribution(batch, this.charge)
    this.ledger.use(this.book().forProject(project))
    this.ledger.run()
    const { scores, warning } = this.judged([
      ...this.spanScores(project, nowMs),
      ...this.automaticScores(project, nowMs),
    ])
    const statuses = this.countStatuses()
    const durable = batch.rows > 0 ? [this.sink.append(batch)] : []
    if (scores.length > 0) durable.push(this.appendScores(scores))
    return { durable, statuses, warning }
  }

  /** ExportLogsServiceRequest in protobuf. Every record is kept; evaluation events become scores as well, calls become spans. */
  async logs(body: Uint8Array, project: string): Promise<ExportOutcome> {
    const nowMs = this.now()
    const records = decodeLogs(body)
    const context = {
      projectId: project,
      nowMs,
      retentionDays: this.settings.contentRetentionDays,
      keepContent: this.settings.keepContent,
      isContent: (record: LogInput, key: string) => this.logCalls.isContent(record, key),
    }
    const scores: ScoreRow[] = []
    for (const record of records) {
      const name = eventName(record)
      if (!isEvaluationEvent(name, record.attributes)) continue
      const timeMs = Number(logTime(record, nowMs) / 1_000_000n)
      const { scopeName } = record.source
      const event = {
        name,
        attributes: record.attributes,
        timeMs,
        traceId: record.traceId,
        spanId: record.spanId,
        body: record.body,
        scopeName,
      }
      const score = scoreFromEvaluationEvent(event, { projectId: project, nowMs })
      if (score !== undefined) scores.push(score)
    }
    const rows = records.map((record) => logRow(record, context))
    const calls = records.flatMap((record) => this.logCalls.callOf(record, nowMs) ?? [])
    const spans: Promise<unknown>[] = []
    for (let from = 0; from < calls.length; from += callsPerBatch)
      spans.push(this.traces(encodeLogCalls(calls.slice(from, from + callsPerBatch)), project))
    const judged = this.judged(scores)
    await Promise.all([this.sink.appendRows('logs', rows), this.appendScores(judged.scores), ...spans])
    return { rejected: 0, message: judged.warning }
  }

  /** Scores from any door; resolves when they are durable. */
  async appendScores(scores: readonly ScoreRow[]): Promise<void> {
    if (scores.length === 0) return
    await this.sink.appendRows('scores', scores)
    if (scores.some(({ resolved }) => resolved === 0)) this.meter.scoresWaiting()
  }

  /** What is to be stored, and what the sender is told of the rest. Nothing is lost: the record or span that told of it is kept. */
  private judged(sent: readonly ScoreRow[]): { scores: ScoreRow[]; warning: string } {
    const scores: ScoreRow[] = []
    const problems: string[] = []
    for (const score of sent) {
      try {
        scores.push(this.judgeScore(score))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        problems.push(error.message)
      }
    }
    const warning =
      problems.length === 0 ? '' : `${problems.length} evaluations were not taken as scores: ${problems[0]}`
    return { scores, warning }
  }

  private spanScores(project: string, nowMs: number): ScoreRow[] {
    const scores: ScoreRow[] = []
    const { batch, strings } = this
    const onSpans = feedbackOnSpans(batch, strings, this.normaliser.scoreKeys)
    for (const event of [...evaluationEvents(batch, strings), ...onSpans]) {
      const score = scoreFromEvaluationEvent(event, { projectId: project, nowMs })
      if (score !== undefined) scores.push(score)
    }
    return scores
  }

  private automaticScores(project: string, nowMs: number): ScoreRow[] {
    const found = this.findings?.run() ?? []
    if (found.length === 0) return []
    for (const { rule } of found) this.meter.automaticScore?.(rule)
    const context = { projectId: project, nowMs, version: this.rulesVersion }
    return scoresOfFindings(found, this.batch, this.strings, context)
  }

  private countStatuses(): Map<string, number> {
    const counts = new Map<number, number>()
    const column = this.batch.low[low.cost_status]!
    for (let row = 0; row < this.batch.rows; row++) counts.set(column[row]!, (counts.get(column[row]!) ?? 0) + 1)
    return new Map([...counts].map(([id, count]) => [this.strings.text(id), count]))
  }
}
