// hot: The numbers of one span: token counts brought to one meaning, limits, first token, the sender's own cost, and the
// conditions the call was served under.

import { picoOfTicks, picoOfUsd } from '../schemas/money.ts'
import { cost, costCount, low, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { isCount, unit, usageUnitCount } from '../schemas/usage.ts'
import type { UsageMeaning } from './dialect.ts'
import { slotOf } from './fields.ts'
import type { ConditionTable } from './pricing/conditions.ts'
import { SpanConditions } from './span-conditions.ts'
import type { SpanFields } from './span-fields.ts'
import { type KnownMeaning, settleUsage } from './usage-rule.ts'
import type { Words } from './words.ts'

export class SpanUsage {
  private readonly spanConditions: SpanConditions
  private readonly batch: SpanBatch
  private readonly fields: SpanFields
  private readonly known: KnownMeaning = {
    inputIncludesCache: 0,
    outputIncludesReasoning: 0,
    isEmitterKnown: false,
    tellsCache: false,
    hidesCache: false,
    totalTellsReasoning: false,
    isMended: false,
  }

  constructor(batch: SpanBatch, strings: StringTable, fields: SpanFields) {
    this.batch = batch
    this.fields = fields
    this.spanConditions = new SpanConditions(batch, strings, fields)
  }

  get conditions(): ConditionTable {
    return this.spanConditions.table
  }

  /** `isFramework`: who writes is known to fill a form of its own, in which zeros stand for what it was not told. */
  run(row: number, words: Words, meaning: UsageMeaning, isEmitterKnown: boolean, isFramework: boolean): void {
    if (isFramework) this.forgetZeros(row * usageUnitCount)
    this.settings(row)
    this.firstToken(row)
    this.reportedCost(row)
    this.spanConditions.run(row)
    this.tokens(row, words, meaning, isEmitterKnown)
  }

  private settings(row: number): void {
    const { batch, fields } = this
    const maxTokens = fields.numbers[slotOf.maxTokens]!
    if (Number.isSafeInteger(maxTokens) && maxTokens >= 0) {
      batch.maxTokens[row] = maxTokens
      fields.movedAs(slotOf.maxTokens, valueType.integer)
    }
    const temperature = fields.numbers[slotOf.temperature]!
    if (Number.isFinite(temperature)) {
      batch.temperature[row] = temperature
      fields.movedAs(slotOf.temperature, valueType.double)
    }
    const stream = fields.winners[slotOf.stream]!
    if (stream < 0) return
    const isBoolean = batch.attrType[stream] === valueType.boolean
    batch.stream[row] = isBoolean ? batch.attrNumber[stream]! : /^true$/i.test(fields.sent(slotOf.stream)) ? 1 : 0
    if (isBoolean) fields.moved(stream)
  }

  private firstToken(row: number): void {
    const { numbers } = this.fields
    const seconds = numbers[slotOf.ttftSeconds]!
    const ms = numbers[slotOf.ttftMs]!
    const nano = seconds >= 0 ? seconds * 1e9 : ms >= 0 ? ms * 1e6 : numbers[slotOf.ttftNano]!
    if (nano > 0 && nano < Number.MAX_SAFE_INTEGER) this.batch.ttftNano[row] = Math.round(nano)
  }

  private reportedCost(row: number): void {
    const { batch, fields } = this
    if (batch.charged[row] === 1) return
    const ticks = fields.numbers[slotOf.reportedCostTicks]!
    const field = Number.isNaN(ticks) ? slotOf.reportedCost : slotOf.reportedCostTicks
    const pico = Number.isNaN(ticks) ? picoOfUsd(fields.numbers[slotOf.reportedCost]) : picoOfTicks(ticks)
    if (Number.isNaN(pico)) return
    const currency = field === slotOf.reportedCost ? fields.sent(slotOf.reportedCurrency) : ''
    if (currency !== '' && currency.toUpperCase() !== 'USD') return
    batch.costs[row * costCount + cost.reported] = pico
    batch.low[low.reported_cost_source]![row] = batch.attrKey[fields.winners[field]!]!
  }

  private tokens(row: number, words: Words, meaning: UsageMeaning, isEmitterKnown: boolean): void {
    const { batch, fields, known } = this
    const { numbers } = fields
    const { usage } = batch
    const at = row * usageUnitCount
    this.addLifetimes(row, at)
    known.inputIncludesCache = signOf(meaning.inputIncludesCache)
    known.outputIncludesReasoning = signOf(meaning.outputIncludesReasoning)
    known.isEmitterKnown = isEmitterKnown
    known.tellsCache = meaning.tellsCache === true
    known.hidesCache = meaning.hidesCache === true
    known.totalTellsReasoning = meaning.totalTellsReasoning === true
    known.isMended = meaning.isMended === true
    const input = usage[at + unit.input]!
    const output = usage[at + unit.output]!
    const rule = settleUsage(usage, at, numbers[slotOf.totalTokens]!, known)
    if (rule === 0) return
    const isRunning = meaning.addsUpRounds === true
    batch.low[low.usage_rule]![row] = (isRunning ? words.usageRulesOfRounds : words.usageRules)[rule]!
    usage[at + unit.input]! += this.sentCount(row, slotOf.extraInputTokens)
    usage[at + unit.output]! += this.sentCount(row, slotOf.extraOutputTokens)
    // Settling needs the sums that were sent.
    if (isRunning) return
    // What was sent stays in `attributes` unless the column holds just that; a sent 0 stays, to tell it from nothing.
    if (usage[at + unit.input] === input) fields.movedAs(slotOf.inputTokens, valueType.integer)
    if (usage[at + unit.output] === output) fields.movedAs(slotOf.outputTokens, valueType.integer)
    if (usage[at + unit.cacheRead]! > 0) fields.movedAs(slotOf.cacheReadTokens, valueType.integer)
    if (usage[at + unit.cacheWrite]! > 0) fields.movedAs(slotOf.cacheWriteTokens, valueType.integer)
    if (usage[at + unit.reasoning]! > 0) fields.movedAs(slotOf.reasoningTokens, valueType.integer)
  }

  /** No call takes nothing and gives nothing: some emitters write zeros for a stream that told no usage. */
  private forgetZeros(at: number): void {
    const { usage } = this.batch
    if (usage[at + unit.input] !== 0 || usage[at + unit.output] !== 0) return
    for (let slot = 0; slot < usageUnitCount; slot++) if (usage[at + slot]! > 0) return
    usage.fill(Number.NaN, at, at + usageUnitCount)
  }

  /** Cache writes reported only by lifetime are their sum. */
  private addLifetimes(row: number, at: number): void {
    const { usage } = this.batch
    if (!Number.isNaN(usage[at + unit.cacheWrite]!)) return
    const long = usage[at + unit.cacheWrite1h]!
    if (Number.isNaN(this.fields.numbers[slotOf.cacheWrite5mTokens]) && Number.isNaN(long)) return
    usage[at + unit.cacheWrite] = this.sentCount(row, slotOf.cacheWrite5mTokens) + (long >= 0 ? long : 0)
  }

  /** A count that goes into a total: 0 when it was not sent, or is none, which the row then says. */
  private sentCount(row: number, slot: number): number {
    const sent = this.fields.numbers[slot]!
    if (isCount(sent)) return sent
    if (!Number.isNaN(sent)) this.batch.badUsage[row] = 1
    return 0
  }
}

function signOf(value: boolean | undefined): number {
  if (value === undefined) return 0
  return value ? 1 : -1
}
