// hot: What a span was and how it ended: times within bounds, kind and role, events, status and failure class.

import { attributeRoom, low, role, type SpanBatch, text, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { unit, usageUnitCount } from '../schemas/usage.ts'
import { type FailureClass, failureOfFinish, failureOfText, failureOfType } from './failure.ts'
import { slotOf } from './fields.ts'
import type { KeyTable } from './key-table.ts'
import type { SpanFields } from './span-fields.ts'
import type { Words } from './words.ts'

const dayMs = 86_400_000
/** A start outside of this is clamped: absurd times would need a partition each. */
export const startBackMs = 400 * dayMs
export const startAheadMs = dayMs

const statusUnset = 0
const statusError = 2

export class SpanOutcome {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private readonly fields: SpanFields
  /** Class by error type × 1024 + HTTP status, 0 where the message decides; and by finish reason, 0 for a normal end. */
  private readonly ofType = new Map<number, number>()
  private readonly ofFinish = new Map<number, number>()
  private generation = -1

  constructor(batch: SpanBatch, strings: StringTable, keys: KeyTable, fields: SpanFields) {
    this.batch = batch
    this.strings = strings
    this.keys = keys
    this.fields = fields
  }

  times(row: number, nowMs: number): void {
    const { batch } = this
    const nano = (batch.endHigh[row]! - batch.startHigh[row]!) * 4294967296 + batch.endLow[row]! - batch.startLow[row]!
    batch.durationNano[row] = nano > 0 && nano <= Number.MAX_SAFE_INTEGER ? nano : 0
    const startMs = (batch.startHigh[row]! * 4294967296 + batch.startLow[row]!) / 1e6
    if (startMs >= nowMs - startBackMs && startMs <= nowMs + startAheadMs) return
    batch.sentStart.set(row, ((BigInt(batch.startHigh[row]!) << 32n) | BigInt(batch.startLow[row]!)).toString())
    batch.startClamped[row] = 1
    const clampedMs = startMs < nowMs ? nowMs - startBackMs : nowMs + startAheadMs
    const clamped = BigInt(Math.floor(clampedMs)) * 1_000_000n
    batch.startLow[row] = Number(clamped & 0xffffffffn)
    batch.startHigh[row] = Number(clamped >> 32n)
  }

  /** Kind by the dialect's own word, else by the operation, else by what the span carries; and the role that follows. */
  kind(row: number, words: Words, said: number): void {
    const { batch, keys, fields } = this
    let kind = said
    const type = fields.winners[slotOf.spanType]!
    if (kind === 0 && type >= 0) kind = keys.kindOf(batch.attrKey[type]!, fields.interned(type))
    const operation = fields.winners[slotOf.operation]!
    if (kind === 0 && operation >= 0) kind = keys.kindOf(batch.attrKey[operation]!, batch.low[low.operation]![row]!)
    const at = row * usageUnitCount
    const hasUsage = batch.usage[at + unit.input]! >= 0 || batch.usage[at + unit.output]! >= 0
    if (kind === 0) {
      const isModel = batch.low[low.request_model]![row] !== 0 || batch.low[low.response_model]![row] !== 0
      kind = isModel && (hasUsage || batch.low[low.provider]![row] !== 0) ? words.llm : words.other
    }
    batch.low[low.kind]![row] = kind
    if (!words.callKinds.has(kind)) {
      // A sum of nothing, as of a run that failed, carries no cost of 0.
      const isSum = batch.usage[at + unit.input]! > 0 || batch.usage[at + unit.output]! > 0
      batch.role[row] = isSum ? role.carrier : role.none
      return
    }
    batch.role[row] = batch.low[low.operation]![row] === words.fetchResponse ? role.replay : role.call
    // An embedding has no output to report: its count is known to be 0.
    if (kind === words.embedding && hasUsage && Number.isNaN(batch.usage[at + unit.output]!))
      batch.usage[at + unit.output] = 0
    batch.attempt[row] = 1
    batch.attempts[row] = 1
  }

  events(row: number, words: Words): void {
    const { batch, keys } = this
    for (let event = batch.eventFrom[row]!; event < batch.eventTo[row]!; event++) {
      const name = batch.eventName[event]!
      if (name === words.exception || name === words.operationException) this.exception(row, event, words)
      else if (keys.isContentEvent(name)) {
        for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++)
          batch.attrRoom[i] = attributeRoom.content
        batch.hasContent[row] = 1
      } else if (name === words.firstToken && batch.ttftNano[row] === 0) {
        const wait =
          (batch.eventTimeHigh[event]! - batch.startHigh[row]!) * 4294967296 +
          batch.eventTimeLow[event]! -
          batch.startLow[row]!
        if (wait > 0 && wait <= Number.MAX_SAFE_INTEGER) batch.ttftNano[row] = wait
      }
    }
  }

  status(row: number, words: Words, isErrorByDialect: boolean): void {
    const { batch, strings } = this
    batch.low[low.span_kind]![row] = words.spanKinds[batch.spanKind[row]!] ?? words.spanKinds[0]!
    if (this.generation !== strings.generation) this.renew()
    const finish = batch.low[low.finish_reason]![row]!
    const isError = batch.statusCode[row] === statusError || isErrorByDialect || this.failedUnsaid(row)
    batch.low[low.status]![row] = isError ? words.error : words.ok
    if (isError) batch.low[low.failure_class]![row] = this.classOfError(row, words, finish)
    else if (finish !== 0 && finish !== words.stop) batch.low[low.failure_class]![row] = this.classOfFinish(finish)
  }

  /** Instrumentations that leave the status unset tell a failed call by its error type or HTTP status. */
  private failedUnsaid(row: number): boolean {
    const { batch, fields } = this
    if (batch.statusCode[row] !== statusUnset) return false
    if (batch.role[row] !== role.call && batch.role[row] !== role.replay) return false
    if (fields.numbers[slotOf.httpStatus]! >= 400) return true
    // An error that was handled, and the call answered after all, is no failed call.
    return batch.low[low.error_type]![row] !== 0 && !(batch.usage[row * usageUnitCount + unit.output]! > 0)
  }

  /** A tool's failure is the tool's, whatever the service behind it said; only being stopped is not. */
  private classOfError(row: number, words: Words, finish: number): number {
    const { batch, strings } = this
    const http = this.fields.numbers[slotOf.httpStatus]!
    const type = batch.low[low.error_type]![row]!
    const place = type * 1024 + (http > 0 && http < 1024 ? http : 0)
    let found = this.ofType.get(place)
    if (found === undefined) {
      found = this.idOf(failureOfType(strings.text(type), http > 0 ? http : 0))
      this.ofType.set(place, found)
    }
    if (found === 0) {
      const reason = finish === 0 ? '' : strings.text(finish)
      found = this.idOf(failureOfText(strings.text(type), http > 0 ? http : 0, this.message(row), reason))
    }
    const isTool = batch.low[low.kind]![row] === words.tool
    return isTool && found !== words.cancelled && found !== words.timeout ? words.toolError : found
  }

  private classOfFinish(finish: number): number {
    let found = this.ofFinish.get(finish)
    if (found === undefined) {
      found = this.idOf(failureOfFinish(this.strings.text(finish)))
      this.ofFinish.set(finish, found)
    }
    return found
  }

  private idOf(failure: FailureClass | undefined): number {
    return failure === undefined ? 0 : this.strings.internText(failure)
  }

  private renew(): void {
    this.generation = this.strings.generation
    this.ofType.clear()
    this.ofFinish.clear()
  }

  private message(row: number): string {
    const { batch, fields } = this
    const start = batch.textStart[text.status_message]![row]!
    const end = batch.textEnd[text.status_message]![row]!
    const beside = fields.sent(slotOf.errorMessage)
    return beside === '' ? batch.textOf(start, end) : `${batch.textOf(start, end)}\n${beside}`
  }

  /** An exception event fills in the error type and message that the status leaves out. */
  private exception(row: number, event: number, words: Words): void {
    const { batch, fields } = this
    const errorType = batch.low[low.error_type]!
    const hasMessage = batch.textStart[text.status_message]![row] !== batch.textEnd[text.status_message]![row]
    for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++) {
      const key = batch.attrKey[i]
      if (key === words.exceptionType && errorType[row] === 0) errorType[row] = fields.interned(i)
      else if (key === words.exceptionMessage && !hasMessage && batch.attrType[i] === valueType.string) {
        batch.setText(text.status_message, row, batch.attrStart[i]!, batch.attrEnd[i]!)
      }
    }
  }
}
