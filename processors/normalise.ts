// hot: Attributes of any dialect → the canonical columns of a batch: identity, attribution, usage, status, content.
// Works a span at a time over integers; text is never made into JavaScript strings on the common path.

import { stringList } from '../schemas/any-value.ts'
import {
  attributeRoom,
  contentCount,
  cost,
  costCount,
  low,
  role,
  type SpanBatch,
  text,
  valueType,
} from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { unit, usageUnitCount } from '../schemas/usage.ts'
import { type CallConditions, ConditionTable } from './conditions.ts'
import { callKinds, type Dialect, type UsageMeaning } from './dialect.ts'
import { failureClass, failureOfFinish } from './failure.ts'
import { fieldCount, fieldWay, placeOf, slotOf, wayOf } from './fields.ts'
import { KeyTable, noSlot } from './key-table.ts'
import { canonicalProvider } from './provider-names.ts'
import { ResourceReader } from './resource-reader.ts'
import { SpanView } from './span-view.ts'
import { type KnownMeaning, settleUsage, usageRules } from './usage-rule.ts'

const countMax = 1e15
const dayMs = 86_400_000
const nanoPerMs = 1_000_000

export interface NormaliseSettings {
  /** False: prompts and answers are dropped before anything is written. */
  readonly keepContent: boolean
}

/** Owns the tables that turn attributes into columns; one per process, used for one batch at a time. */
export class Normaliser {
  readonly conditions = new ConditionTable()
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private readonly settings: NormaliseSettings
  private readonly resources: ResourceReader
  private readonly winners = new Int32Array(fieldCount).fill(-1)
  private readonly present = new Uint8Array(fieldCount)
  private presentCount = 0
  private readonly numbers = new Float64Array(fieldCount).fill(Number.NaN)
  private readonly view: SpanView
  private readonly known: KnownMeaning = { inputIncludesCache: 0, outputIncludesReasoning: 0, isEmitterKnown: false }
  private readonly meanings = new Map<number, UsageMeaning>()
  private readonly providers = new Map<number, number>()
  private readonly ids = new Map<string, number>()
  private generation = -1
  /** Row in which each key was last seen, to find keys sent twice. */
  private seenIn = new Int32Array(1024).fill(-1)

  constructor(batch: SpanBatch, strings: StringTable, dialects: readonly Dialect[], settings: NormaliseSettings) {
    this.batch = batch
    this.strings = strings
    this.keys = new KeyTable(dialects, strings)
    this.settings = settings
    this.resources = new ResourceReader(batch, strings)
    this.view = new SpanView(batch, strings, this.winners, this.numbers)
  }

  /** Fills the canonical columns of all rows. `nowMs` bounds what times are believed. */
  run(nowMs: number): void {
    const { batch, strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.meanings.clear()
      this.providers.clear()
      this.ids.clear()
    }
    this.keys.refresh()
    if (this.seenIn.length < this.keys.slots.length) this.seenIn = new Int32Array(this.keys.slots.length)
    this.seenIn.fill(-1)
    this.clearColumns()
    this.resources.read()
    for (let row = 0; row < batch.rows; row++) this.span(row, nowMs)
  }

  private clearColumns(): void {
    const { batch } = this
    const rows = batch.rows
    for (let i = 0; i < batch.low.length; i++) if (i !== low.name) batch.low[i]!.fill(0, 0, rows)
    for (const column of [text.user_id, text.session_id, text.response_id]) {
      batch.textStart[column]!.fill(0, 0, rows)
      batch.textEnd[column]!.fill(0, 0, rows)
    }
    batch.usage.fill(Number.NaN, 0, rows * usageUnitCount)
    batch.costs.fill(Number.NaN, 0, rows * costCount)
    batch.contentAttr.fill(-1, 0, rows * contentCount)
    batch.temperature.fill(Number.NaN, 0, rows)
    batch.maxTokens.fill(Number.NaN, 0, rows)
    batch.stream.fill(-1, 0, rows)
    for (const column of [
      batch.ttftNano,
      batch.startClamped,
      batch.attempt,
      batch.attempts,
      batch.hasContent,
      batch.badUsage,
      batch.charged,
      batch.condition,
    ]) {
      column.fill(0, 0, rows)
    }
    batch.countedAs.fill(-1, 0, rows)
  }

  private span(row: number, nowMs: number): void {
    const { batch } = this
    this.times(row, nowMs)
    this.resources.apply(row)
    const scope = batch.scope[row]!
    const scopeName = batch.scopeName[scope]!
    batch.low[low.scope_name]![row] = scopeName
    batch.low[low.scope_version]![row] = batch.scopeVersion[scope]!
    const scopeDialect = this.keys.dialectOfScope(scopeName)
    const markDialect = this.collect(row, scopeDialect)
    this.store(row)
    const dialect = scopeDialect >= 0 ? scopeDialect : markDialect
    const provider = this.provider(row)
    let meaning = dialect < 0 ? {} : this.meaning(dialect, scopeName, batch.scopeVersion[scope]!, provider)
    const view = this.view
    view.open(row, meaning)
    if (dialect >= 0) {
      const spoken = this.keys.dialects[dialect]!
      batch.low[low.dialect]![row] = this.id(spoken.id)
      if (spoken.read !== undefined && this.hasRaw()) {
        spoken.read(view)
        meaning = view.meaning
      }
    }
    this.numbersToColumns(row)
    this.usage(row, meaning, scopeDialect >= 0)
    this.kind(row)
    this.events(row)
    this.status(row, view.isError)
    this.forget()
  }

  /** Finds the attribute that wins each field; returns the strongest dialect that an attribute gives away. */
  private collect(row: number, scopeDialect: number): number {
    const { batch, keys, winners, seenIn } = this
    const { attrKey, attrRoom } = batch
    const { slots, ranks, marks } = keys
    let marked = -1
    let markWeight = -1
    const to = batch.attrTo[row]!
    for (let i = batch.attrFrom[row]!; i < to; i++) {
      const key = attrKey[i]!
      let slot = slots[key]!
      if (slot === noSlot.unseen) slot = keys.resolve(key)
      if (scopeDialect < 0 && marks[key]! >= 0) {
        const weight = keys.dialects[marks[key]!]!.weight
        if (weight > markWeight) {
          markWeight = weight
          marked = marks[key]!
        }
      }
      if (seenIn[key] === row) this.dropEarlier(row, i)
      seenIn[key] = row
      if (slot < 0) {
        if (slot === noSlot.content) {
          attrRoom[i] = attributeRoom.content
          batch.hasContent[row] = 1
        }
        continue
      }
      const winner = winners[slot]!
      if (winner < 0) {
        this.present[this.presentCount++] = slot
        winners[slot] = i
      } else if (ranks[key]! <= ranks[attrKey[winner]!]!) winners[slot] = i
      if (wayOf[slot] === fieldWay.content) {
        attrRoom[i] = attributeRoom.content
        batch.hasContent[row] = 1
      }
    }
    return marked
  }

  /** A key sent twice: the last one counts, in every encoding. */
  private dropEarlier(row: number, last: number): void {
    const { batch } = this
    for (let i = batch.attrFrom[row]!; i < last; i++) {
      if (batch.attrKey[i] === batch.attrKey[last]) batch.attrRoom[i] = attributeRoom.dropped
    }
  }

  /** Writes each field that is present to its column; the convention's own names are not repeated in `attributes`. */
  private store(row: number): void {
    const { batch, winners, strings } = this
    for (let p = 0; p < this.presentCount; p++) {
      const slot = this.present[p]!
      const i = winners[slot]!
      const place = placeOf[slot]!
      switch (wayOf[slot]) {
        case fieldWay.low:
          if (batch.attrType[i] === valueType.string) {
            batch.low[place]![row] = strings.intern(batch.bytes, batch.attrStart[i]!, batch.attrEnd[i]!)
            this.moved(i)
          } else this.storeOther(row, slot, i)
          break
        case fieldWay.text:
          if (batch.attrType[i] === valueType.string) {
            batch.setText(place, row, batch.attrStart[i]!, batch.attrEnd[i]!)
            this.moved(i)
          } else if (batch.attrType[i] !== valueType.empty) {
            const added = batch.addText(this.textOf(i))
            batch.setText(place, row, added.start, added.end)
          }
          break
        case fieldWay.usage: {
          const value = this.numberOf(i)
          if (Number.isNaN(value) || value < 0 || value > countMax || !Number.isInteger(value)) batch.badUsage[row] = 1
          else batch.usage[row * usageUnitCount + place] = value
          break
        }
        case fieldWay.number:
          this.numbers[slot] = this.numberOf(i)
          break
        case fieldWay.content:
          batch.contentAttr[row * contentCount + place] = i
          break
        default:
          break
      }
    }
  }

  /** A text field that came as something else: finish reasons as a list, numbers, JSON-quoted words. */
  private storeOther(row: number, slot: number, i: number): void {
    const { batch } = this
    if (slot === slotOf.finishReasons) {
      const reasons = stringList(batch, i)
      if (reasons === undefined) return
      batch.low[low.finish_reason]![row] = this.strings.internText(reasons.join(','))
      if (reasons.length === 1 && !reasons[0]!.includes(',')) this.moved(i)
      return
    }
    if (batch.attrType[i] !== valueType.empty) batch.low[placeOf[slot]!]![row] = this.strings.internText(this.textOf(i))
  }

  /** Marks an attribute as held by a column, when it has the name under which the column is shown again. */
  private moved(i: number): void {
    if (this.keys.isShown(this.batch.attrKey[i]!)) this.batch.attrRoom[i] = attributeRoom.column
  }

  private provider(row: number): number {
    const { batch, winners, strings } = this
    const column = batch.low[low.provider]!
    let sent = column[row]!
    const vendor = winners[slotOf.vendor]!
    if (sent === 0 && vendor >= 0) sent = this.interned(vendor)
    if (sent === 0) return 0
    let canonical = this.providers.get(sent)
    if (canonical === undefined) {
      canonical = strings.internText(canonicalProvider(strings.text(sent)))
      this.providers.set(sent, canonical)
    }
    column[row] = canonical
    const winner = winners[slotOf.provider]!
    if (canonical !== sent && winner >= 0) batch.attrRoom[winner] = attributeRoom.attributes
    return canonical
  }

  private meaning(dialect: number, scopeName: number, scopeVersion: number, provider: number): UsageMeaning {
    const place = ((dialect * 4096 + (scopeVersion & 4095)) * 65536 + (scopeName & 65535)) * 65536 + (provider & 65535)
    let meaning = this.meanings.get(place)
    if (meaning === undefined) {
      const { strings } = this
      const emitter = {
        scope: strings.text(scopeName),
        scopeVersion: strings.text(scopeVersion),
        provider: strings.text(provider),
      }
      meaning = this.keys.dialects[dialect]!.meaning?.(emitter) ?? {}
      this.meanings.set(place, meaning)
    }
    return meaning
  }

  private numbersToColumns(row: number): void {
    const { batch, numbers } = this
    const maxTokens = numbers[slotOf.maxTokens]!
    if (Number.isSafeInteger(maxTokens) && maxTokens >= 0) {
      batch.maxTokens[row] = maxTokens
      this.movedNumber(slotOf.maxTokens, valueType.integer)
    }
    const temperature = numbers[slotOf.temperature]!
    if (Number.isFinite(temperature)) {
      batch.temperature[row] = temperature
      this.movedNumber(slotOf.temperature, valueType.double)
    }
    const stream = this.winners[slotOf.stream]!
    if (stream >= 0) {
      const isBoolean = batch.attrType[stream] === valueType.boolean
      batch.stream[row] = isBoolean ? batch.attrNumber[stream]! : /^true$/i.test(this.textOf(stream)) ? 1 : 0
      if (isBoolean) this.moved(stream)
    }
    const ttft = numbers[slotOf.ttftSeconds]! * 1e9
    const ttftNano = Number.isNaN(ttft)
      ? Number.isNaN(numbers[slotOf.ttftMs]!)
        ? numbers[slotOf.ttftNano]!
        : numbers[slotOf.ttftMs]! * 1e6
      : ttft
    if (ttftNano > 0 && ttftNano < Number.MAX_SAFE_INTEGER) batch.ttftNano[row] = Math.round(ttftNano)
    this.reportedCost(row)
    this.callConditions(row)
  }

  private movedNumber(slot: number, type: number): void {
    const i = this.winners[slot]!
    if (i >= 0 && this.batch.attrType[i] === type) this.moved(i)
  }

  private reportedCost(row: number): void {
    const { batch } = this
    const amount = this.numbers[slotOf.reportedCost]!
    const currency = this.winners[slotOf.reportedCurrency]!
    if (!(amount >= 0) || amount > 9000 || batch.charged[row] === 1) return
    if (currency >= 0 && this.textOf(currency) !== 'USD') return
    batch.costs[row * costCount + cost.reported] = Math.round(amount * 1e12)
    batch.low[low.reported_cost_source]![row] = batch.attrKey[this.winners[slotOf.reportedCost]!]!
  }

  private callConditions(row: number): void {
    const tier = this.batch.low[low.service_tier]![row]!
    if (tier === 0 && !this.hasCondition()) return
    const sent = (slot: number): string => {
      const winner = this.winners[slot]!
      return winner < 0 ? '' : this.textOf(winner)
    }
    const conditions: Partial<CallConditions> = {
      serviceTier: this.strings.text(tier),
      speed: sent(slotOf.speed),
      region: sent(slotOf.region),
      dataResidency: sent(slotOf.dataResidency),
      searchContextSize: sent(slotOf.searchContextSize),
    }
    this.batch.condition[row] = this.conditions.id(conditions)
  }

  private hasCondition(): boolean {
    const { winners } = this
    return (
      winners[slotOf.speed]! >= 0 ||
      winners[slotOf.region]! >= 0 ||
      winners[slotOf.dataResidency]! >= 0 ||
      winners[slotOf.searchContextSize]! >= 0
    )
  }

  private usage(row: number, meaning: UsageMeaning, isEmitterKnown: boolean): void {
    const { batch, numbers, known } = this
    const at = row * usageUnitCount
    const { usage } = batch
    const short = numbers[slotOf.cacheWrite5mTokens]!
    const long = usage[at + unit.cacheWrite1h]!
    if (Number.isNaN(usage[at + unit.cacheWrite]!) && (short >= 0 || long >= 0)) {
      usage[at + unit.cacheWrite] = (short >= 0 ? short : 0) + (long >= 0 ? long : 0)
    }
    known.inputIncludesCache = meaning.inputIncludesCache === undefined ? 0 : meaning.inputIncludesCache ? 1 : -1
    known.outputIncludesReasoning =
      meaning.outputIncludesReasoning === undefined ? 0 : meaning.outputIncludesReasoning ? 1 : -1
    known.isEmitterKnown = isEmitterKnown
    const inputBefore = usage[at + unit.input]!
    const outputBefore = usage[at + unit.output]!
    const rule = settleUsage(usage, at, numbers[slotOf.totalTokens]!, known)
    if (rule > 0) batch.low[low.usage_rule]![row] = this.id(usageRules[rule]!)
    if (numbers[slotOf.extraInputTokens]! > 0) usage[at + unit.input]! += numbers[slotOf.extraInputTokens]!
    if (numbers[slotOf.extraOutputTokens]! > 0) usage[at + unit.output]! += numbers[slotOf.extraOutputTokens]!
    // What was sent stays in `attributes` unless the column holds exactly it; a sent 0 stays, to tell it from nothing.
    this.movedCount(slotOf.inputTokens, usage[at + unit.input] === inputBefore)
    this.movedCount(slotOf.outputTokens, usage[at + unit.output] === outputBefore)
    this.movedCount(slotOf.cacheReadTokens, usage[at + unit.cacheRead]! > 0)
    this.movedCount(slotOf.cacheWriteTokens, usage[at + unit.cacheWrite]! > 0)
    this.movedCount(slotOf.reasoningTokens, usage[at + unit.reasoning]! > 0)
  }

  private movedCount(slot: number, isVerbatim: boolean): void {
    const i = this.winners[slot]!
    if (i >= 0 && isVerbatim && this.batch.attrType[i] === valueType.integer) this.moved(i)
  }

  private kind(row: number): void {
    const { batch, keys, winners, strings } = this
    let kind = 0
    const type = winners[slotOf.spanType]!
    if (type >= 0) kind = keys.kindOf(batch.attrKey[type]!, this.interned(type))
    const operation = winners[slotOf.operation]!
    if (kind === 0 && operation >= 0) kind = keys.kindOf(batch.attrKey[operation]!, batch.low[low.operation]![row]!)
    const hasUsage =
      !Number.isNaN(batch.usage[row * usageUnitCount + unit.input]!) ||
      !Number.isNaN(batch.usage[row * usageUnitCount + unit.output]!)
    const isModel = batch.low[low.request_model]![row] !== 0 || batch.low[low.response_model]![row] !== 0
    if (kind === 0) kind = this.id(isModel && (hasUsage || batch.low[low.provider]![row] !== 0) ? 'llm' : 'other')
    batch.low[low.kind]![row] = kind
    const isCall = callKinds.has(strings.text(kind))
    batch.role[row] = isCall ? role.call : hasUsage ? role.carrier : role.none
    if (isCall && batch.low[low.operation]![row] === this.id('fetch_response')) batch.role[row] = role.replay
    if (isCall) {
      batch.attempt[row] = 1
      batch.attempts[row] = 1
    }
  }

  private events(row: number): void {
    const { batch, keys } = this
    for (let event = batch.eventFrom[row]!; event < batch.eventTo[row]!; event++) {
      const name = batch.eventName[event]!
      if (keys.isContentEvent(name)) {
        for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++)
          batch.attrRoom[i] = attributeRoom.content
        batch.hasContent[row] = 1
      } else if (name === this.id('exception')) this.exception(row, event)
      else if (name === this.id('First Token Stream Event')) {
        const wait =
          (batch.eventTimeHigh[event]! - batch.startHigh[row]!) * 4294967296 +
          batch.eventTimeLow[event]! -
          batch.startLow[row]!
        if (wait > 0 && batch.ttftNano[row] === 0) batch.ttftNano[row] = wait
      }
    }
    if (!this.settings.keepContent) batch.hasContent[row] = 0
  }

  private exception(row: number, event: number): void {
    const { batch } = this
    for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++) {
      const key = batch.attrKey[i]
      if (key === this.id('exception.type') && batch.low[low.error_type]![row] === 0)
        batch.low[low.error_type]![row] = this.interned(i)
      else if (
        key === this.id('exception.message') &&
        batch.textStart[text.status_message]![row] === batch.textEnd[text.status_message]![row]
      ) {
        batch.setText(text.status_message, row, batch.attrStart[i]!, batch.attrEnd[i]!)
      }
    }
  }

  private status(row: number, isErrorByDialect: boolean): void {
    const { batch, strings, numbers } = this
    const isError = batch.statusCode[row] === 2 || isErrorByDialect
    batch.low[low.status]![row] = this.id(isError ? 'error' : 'ok')
    batch.low[low.span_kind]![row] = this.id(spanKindNames[batch.spanKind[row]!] ?? 'unspecified')
    const finish = batch.low[low.finish_reason]![row]!
    if (isError) {
      const http = numbers[slotOf.httpStatus]!
      const message = batch.textOf(
        batch.textStart[text.status_message]![row]!,
        batch.textEnd[text.status_message]![row]!,
      )
      batch.low[low.failure_class]![row] = this.id(
        failureClass(strings.text(batch.low[low.error_type]![row]!), Number.isNaN(http) ? 0 : http, message),
      )
    } else if (finish !== 0 && finish !== this.id('stop')) {
      const failure = failureOfFinish(strings.text(finish))
      if (failure !== undefined) batch.low[low.failure_class]![row] = this.id(failure)
    }
  }

  private times(row: number, nowMs: number): void {
    const { batch } = this
    const nano = (batch.endHigh[row]! - batch.startHigh[row]!) * 4294967296 + batch.endLow[row]! - batch.startLow[row]!
    batch.durationNano[row] = nano > 0 && nano <= Number.MAX_SAFE_INTEGER ? nano : 0
    const startMs = (batch.startHigh[row]! * 4294967296 + batch.startLow[row]!) / nanoPerMs
    const clampedMs = Math.min(Math.max(startMs, nowMs - 400 * dayMs), nowMs + dayMs)
    if (clampedMs === startMs) return
    batch.sentStart.set(row, ((BigInt(batch.startHigh[row]!) << 32n) | BigInt(batch.startLow[row]!)).toString())
    batch.startClamped[row] = 1
    const clamped = BigInt(Math.floor(clampedMs)) * 1_000_000n
    batch.startLow[row] = Number(clamped & 0xffffffffn)
    batch.startHigh[row] = Number(clamped >> 32n)
  }

  private forget(): void {
    for (let p = 0; p < this.presentCount; p++) {
      const slot = this.present[p]!
      this.winners[slot] = -1
      this.numbers[slot] = Number.NaN
    }
    // A dialect's function may have set these without an attribute of that field.
    this.numbers[slotOf.temperature] = Number.NaN
    this.numbers[slotOf.maxTokens] = Number.NaN
    this.presentCount = 0
  }

  private hasRaw(): boolean {
    for (let p = 0; p < this.presentCount; p++) if (wayOf[this.present[p]!] === fieldWay.raw) return true
    return false
  }

  private numberOf(i: number): number {
    const { batch } = this
    switch (batch.attrType[i]) {
      case valueType.integer:
      case valueType.double:
        return batch.attrNumber[i]!
      case valueType.string: {
        const sent = this.textOf(i).trim()
        return /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(sent) ? Number(sent) : Number.NaN
      }
      default:
        return Number.NaN
    }
  }

  private interned(i: number): number {
    const { batch } = this
    if (batch.attrType[i] === valueType.string)
      return this.strings.intern(batch.bytes, batch.attrStart[i]!, batch.attrEnd[i]!)
    return this.strings.internText(this.textOf(i))
  }

  private textOf(i: number): string {
    return this.view.attribute(i)
  }

  /** Interned id of a word the program itself uses. */
  private id(word: string): number {
    let id = this.ids.get(word)
    if (id === undefined) {
      id = this.strings.internText(word)
      this.ids.set(word, id)
    }
    return id
  }
}

const spanKindNames = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
