// One span of a batch as a dialect's own function sees it: raw fields to read, canonical fields to set. Only spans that
// carry a field which a table cannot express get one, so it may be plain rather than fast.

import { attributeText } from '../schemas/any-value.ts'
import { picoOfUsd, picoUsdMax } from '../schemas/money.ts'
import { cost, costCount, low, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { isQuantity, usageUnitCount } from '../schemas/usage.ts'
import type { SpanKindName, UsageMeaning } from './dialect.ts'
import { type FieldName, fields, fieldWay, slotOf } from './fields.ts'
import { jsonObject, parsedJson } from './json-text.ts'
import { canonicalProvider } from './pricing/provider-names.ts'
import { pythonObject } from './python-text.ts'
import { numberOfText, type SpanFields } from './span-fields.ts'

const jsonBytesMax = 1 << 20

/** Reused for every span; the normaliser points it at a row before it calls a dialect. */
export class SpanView {
  row = 0
  meaning: UsageMeaning = {}
  isError = false
  /** Interned; 0 where the dialect's function says none. */
  kind = 0
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly winners: Int32Array
  private readonly numbers: Float64Array
  private readonly told: Map<number, number>

  constructor(batch: SpanBatch, strings: StringTable, { winners, numbers, told }: SpanFields) {
    this.batch = batch
    this.strings = strings
    this.winners = winners
    this.numbers = numbers
    this.told = told
  }

  open(row: number, meaning: UsageMeaning): void {
    this.row = row
    this.meaning = meaning
    this.isError = false
    this.kind = 0
  }

  has(field: FieldName): boolean {
    return this.winners[slotOf[field]]! >= 0
  }

  text(field: FieldName): string | undefined {
    const winner = this.winners[slotOf[field]]!
    return winner < 0 ? undefined : attributeText(this.batch, winner)
  }

  /** Name of the attribute that a field is from; empty for none. */
  keyOf(field: FieldName): string {
    const winner = this.winners[slotOf[field]]!
    return winner < 0 ? '' : this.strings.text(this.batch.attrKey[winner]!)
  }

  /** The field as a number, also where it was sent as text; undefined when it is absent or none. */
  number(field: FieldName): number | undefined {
    const text = this.text(field)
    const value = text === undefined ? Number.NaN : numberOfText(text.trim())
    return Number.isNaN(value) ? undefined : value
  }

  /** The first bytes of a field that was sent as text, as text. */
  head(field: FieldName, bytes: number): string {
    const winner = this.winners[slotOf[field]]!
    if (winner < 0 || this.batch.attrType[winner] !== valueType.string) return ''
    const start = this.batch.attrStart[winner]!
    return this.batch.textOf(start, Math.min(this.batch.attrEnd[winner]!, start + bytes))
  }

  /** Text of any attribute of the batch. */
  attribute(index: number): string {
    return attributeText(this.batch, index)
  }

  /** The field as a JSON object; undefined when it is absent, no object, or larger than `bytesMax`. */
  json(field: FieldName, bytesMax = jsonBytesMax): Readonly<Record<string, unknown>> | undefined {
    const text = this.short(field, bytesMax)
    return text === undefined ? undefined : jsonObject(text)
  }

  /** The field as a JSON list; as `json`. */
  jsonList(field: FieldName, bytesMax = jsonBytesMax): readonly unknown[] | undefined {
    const text = this.short(field, bytesMax)
    const value = text?.startsWith('[') === true ? parsedJson(text) : undefined
    return Array.isArray(value) ? value : undefined
  }

  private short(field: FieldName, bytesMax: number): string | undefined {
    const winner = this.winners[slotOf[field]]!
    if (winner < 0 || this.batch.attrEnd[winner]! - this.batch.attrStart[winner]! > bytesMax) return undefined
    return attributeText(this.batch, winner)
  }

  /** The field as an object, be it JSON or Python's text of one; as `json`. */
  object(field: FieldName, bytesMax = jsonBytesMax): Readonly<Record<string, unknown>> | undefined {
    const text = this.short(field, bytesMax)
    return text === undefined ? undefined : (jsonObject(text) ?? pythonObject(text))
  }

  /** Texts of the attributes of the last events that the span has, the latest first. */
  *lastEventTexts(events: number): Generator<string> {
    const { batch, row } = this
    for (
      let event = batch.eventTo[row]! - 1;
      event >= Math.max(batch.eventFrom[row]!, batch.eventTo[row]! - events);
      event--
    )
      for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++)
        if (batch.attrType[i] === valueType.string) yield attributeText(batch, i)
  }

  /** Attributes of the last event of a name that are numbers or texts; undefined where the span has no such event. */
  lastEvent(name: string): Readonly<Record<string, number | string>> | undefined {
    const { batch, row, strings } = this
    for (let event = batch.eventTo[row]! - 1; event >= batch.eventFrom[row]!; event--) {
      if (strings.text(batch.eventName[event]!) !== name) continue
      const values: Record<string, number | string> = {}
      for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++) {
        const type = batch.attrType[i]
        if (type === valueType.string) values[strings.text(batch.attrKey[i]!)] = attributeText(batch, i)
        else if (type === valueType.integer || type === valueType.double)
          values[strings.text(batch.attrKey[i]!)] = batch.attrNumber[i]!
      }
      return values
    }
    return undefined
  }

  /** A count as it stands now, NaN for none. */
  usage(field: FieldName): number {
    return this.batch.usage[this.row * usageUnitCount + fields[field].at]!
  }

  setProvider(name: string): void {
    this.batch.low[low.provider]![this.row] = this.strings.internText(canonicalProvider(name))
  }

  /** The span's own name. */
  name(): string {
    return this.strings.text(this.batch.low[low.name]![this.row]!)
  }

  /** Name of the instrumentation scope. */
  scope(): string {
    return this.strings.text(this.batch.low[low.scope_name]![this.row]!)
  }

  scopeVersion(): string {
    return this.strings.text(this.batch.low[low.scope_version]![this.row]!)
  }

  provider(): string {
    return this.strings.text(this.batch.low[low.provider]![this.row]!)
  }

  setMeaning(meaning: UsageMeaning): void {
    this.meaning = { ...this.meaning, ...meaning }
  }

  setUsage(field: FieldName, value: unknown): void {
    if (fields[field].way !== fieldWay.usage || value === undefined || value === null) return
    if (!isQuantity(fields[field].at, value)) {
      this.batch.badUsage[this.row] = 1
      return
    }
    this.batch.usage[this.row * usageUnitCount + fields[field].at] = value
  }

  setUsageIfMissing(field: FieldName, value: unknown): void {
    if (Number.isNaN(this.batch.usage[this.row * usageUnitCount + fields[field].at]!)) this.setUsage(field, value)
  }

  /** A count, also one that goes into a total later on. */
  setCountIfMissing(field: FieldName, value: number | undefined): void {
    if (fields[field].way === fieldWay.number) this.setNumberIfMissing(field, value)
    else this.setUsageIfMissing(field, value)
  }

  /** Puts right what its emitter is known to count wrongly; the row's rule says so. */
  mendUsage(field: FieldName, value: number): void {
    this.setUsage(field, value)
    this.setMeaning({ isMended: true })
  }

  /** Whether one attribute was written before another; false where either is missing. */
  isBefore(first: FieldName, second: FieldName): boolean {
    const [one, two] = [this.winners[slotOf[first]]!, this.winners[slotOf[second]]!]
    return one >= 0 && one < two
  }

  /** Leaves the span without counts: those it has are nobody's who saw the answer. */
  forgetUsage(): void {
    const from = this.row * usageUnitCount
    this.batch.usage.fill(Number.NaN, from, from + usageUnitCount)
  }

  setTextIfMissing(field: FieldName, value: unknown): void {
    const { way, at } = fields[field]
    const isTold = way === fieldWay.low && this.batch.low[at]![this.row] !== 0
    if (isTold || this.has(field)) return
    if (typeof value === 'string' || typeof value === 'number') this.setText(field, String(value))
  }

  /** A condition of the price that no attribute says. */
  setConditionIfMissing(field: FieldName, value: string | undefined): void {
    if (value !== undefined && !this.has(field)) this.told.set(slotOf[field], this.strings.internText(value))
  }

  setText(field: FieldName, value: string): void {
    const { way, at } = fields[field]
    if (way === fieldWay.low) this.batch.low[at]![this.row] = this.strings.internText(value)
    else if (way === fieldWay.text) {
      const { start, end } = this.batch.addText(value)
      this.batch.setText(at, this.row, start, end)
    }
  }

  setNumberIfMissing(field: FieldName, value: unknown): void {
    if (typeof value === 'number' && Number.isFinite(value) && !this.has(field)) this.numbers[slotOf[field]] = value
  }

  setStream(isStream: boolean): void {
    this.batch.stream[this.row] = isStream ? 1 : 0
  }

  /** What the span is, whatever its attributes say. */
  setKind(kind: SpanKindName): void {
    this.kind = this.strings.internText(kind)
  }

  setError(): void {
    this.isError = true
  }

  /** An instant in ISO 8601 at which the first token came. */
  setFirstTokenTime(iso: string): void {
    const at = Date.parse(iso)
    if (Number.isNaN(at)) return
    const startMs = (this.batch.startHigh[this.row]! * 4294967296 + this.batch.startLow[this.row]!) / 1e6
    if (at > startMs) this.batch.ttftNano[this.row] = Math.round((at - startMs) * 1e6)
  }

  /** What the sender says the call cost, in pico-USD; an attribute that says it wins, then who says it first. NaN for none. */
  setReportedCost(pico: number, source: string): void {
    if (Number.isNaN(pico) || this.has('reportedCost') || this.has('reportedCostTicks')) return
    if (!Number.isNaN(this.batch.costs[this.row * costCount + cost.reported]!)) return
    this.batch.costs[this.row * costCount + cost.reported] = pico
    this.batch.low[low.reported_cost_source]![this.row] = this.strings.internText(source)
  }

  /**
   * The user's own amounts in USD by part, as numbers or as text; the total is their sum where it is missing. They stand as the
   * charge, unless a part cannot be read and no total is given.
   */
  setChargedCost(amounts: Readonly<Record<string, unknown>>, source: string): void {
    const { batch, row } = this
    const from = row * costCount
    const parts: { readonly at: number; readonly pico: number }[] = []
    let given = Number.NaN
    let isWhole = true
    for (const [name, amount] of Object.entries(amounts)) {
      if (amount === null || amount === undefined) continue
      const pico = picoOfUsd(typeof amount === 'string' ? numberOfText(amount.trim()) : amount)
      const part = partOfCost(name)
      if (part === 'total') given = pico
      else if (Number.isNaN(pico)) isWhole = false
      else parts.push({ at: from + part, pico })
    }
    const sum = parts.reduce((all, { pico }) => all + pico, 0)
    if (sum > picoUsdMax || (Number.isNaN(given) && (parts.length === 0 || !isWhole))) return
    for (const { at, pico } of parts) batch.costs[at] = (Number.isNaN(batch.costs[at]!) ? 0 : batch.costs[at]!) + pico
    const total = Number.isNaN(given) ? sum : given
    batch.costs[from + cost.total] = total
    batch.costs[from + cost.reported] = total
    batch.low[low.reported_cost_source]![row] = this.strings.internText(source)
    batch.charged[row] = 1
  }
}

/**
 * Column of a part by the name users give it: the buckets of a usage object, with or without `_cost`, `prompt` and `completion`,
 * in snake or camel case. The parts of one call do not overlap.
 */
function partOfCost(name: string): number | 'total' {
  const part = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[ _-]?(cost|usd)$/, '')
  if (part === '' || /^total(_tokens)?$/.test(part)) return 'total'
  if (/cache_?read|cached/.test(part)) return cost.cacheRead
  if (/cache_?(creation|write)/.test(part)) return cost.cacheWrite
  if (/^(input|prompt)/.test(part)) return cost.input
  return /^(output|completion|reasoning)/.test(part) ? cost.output : cost.other
}
