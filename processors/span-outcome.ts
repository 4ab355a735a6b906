// hot: What a span was and how it ended: times within bounds, kind and role, events, status and failure class.

import { attributeRoom, low, role, type SpanBatch, text, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { unit, usageUnitCount } from '../schemas/usage.ts'
import { failureClass, failureOfFinish } from './failure.ts'
import { slotOf } from './fields.ts'
import type { KeyTable } from './key-table.ts'
import type { SpanFields } from './span-fields.ts'
import type { Words } from './words.ts'

const dayMs = 86_400_000
/** A start outside of this is clamped: absurd times would need a partition each. */
export const startBackMs = 400 * dayMs
export const startAheadMs = dayMs

export class SpanOutcome {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly keys: KeyTable
  private readonly fields: SpanFields

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
  kind(row: number, words: Words): void {
    const { batch, keys, fields } = this
    let kind = 0
    const type = fields.winners[slotOf.spanType]!
    if (type >= 0) kind = keys.kindOf(batch.attrKey[type]!, fields.interned(type))
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
      batch.role[row] = hasUsage ? role.carrier : role.none
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
      if (name === words.exception) this.exception(row, event, words)
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
    const isError = batch.statusCode[row] === 2 || isErrorByDialect
    batch.low[low.status]![row] = isError ? words.error : words.ok
    if (isError) {
      const http = this.fields.numbers[slotOf.httpStatus]!
      const errorType = strings.text(batch.low[low.error_type]![row]!)
      const why = failureClass(errorType, http > 0 ? http : 0, this.message(row))
      batch.low[low.failure_class]![row] = strings.internText(why)
      return
    }
    const finish = batch.low[low.finish_reason]![row]!
    if (finish === 0 || finish === words.stop) return
    const why = failureOfFinish(strings.text(finish))
    if (why !== undefined) batch.low[low.failure_class]![row] = strings.internText(why)
  }

  private message(row: number): string {
    return this.batch.textOf(
      this.batch.textStart[text.status_message]![row]!,
      this.batch.textEnd[text.status_message]![row]!,
    )
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
