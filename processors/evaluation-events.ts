// Evaluation events that arrive on spans instead of as log records: found by the name of the event.

import { attributeText } from '../schemas/any-value.ts'
import type { SpanBatch } from '../schemas/span-batch.ts'
import { low } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { type EvaluationInput, isEvaluationEvent } from './scores.ts'

const noAttributes: ReadonlyMap<string, unknown> = new Map()

/** Evaluation events of a batch as plain objects; empty for nearly every batch. */
export function evaluationEvents(batch: SpanBatch, strings: StringTable): EvaluationInput[] {
  if (batch.events === 0) return []
  const found: EvaluationInput[] = []
  for (let row = 0; row < batch.rows; row++) {
    for (let event = batch.eventFrom[row]!; event < batch.eventTo[row]!; event++) {
      const name = strings.text(batch.eventName[event]!)
      if (!isEvaluationEvent(name, noAttributes)) continue
      const sent = batch.eventTimeHigh[event]! * 4294967296 + batch.eventTimeLow[event]!
      found.push({
        name,
        attributes: attributesOf(batch, strings, batch.eventAttrFrom[event]!, batch.eventAttrTo[event]!),
        timeMs: sent === 0 ? batch.ingestedMs : Math.floor(sent / 1e6),
        traceId: hex(batch.bytes, batch.tracePos[row]!, 16),
        spanId: hex(batch.bytes, batch.spanPos[row]!, 8),
        scopeName: strings.text(batch.low[low.scope_name]![row]!),
      })
    }
  }
  return found
}

function attributesOf(batch: SpanBatch, strings: StringTable, from: number, to: number): Map<string, string> {
  const attributes = new Map<string, string>()
  for (let i = from; i < to; i++) attributes.set(strings.text(batch.attrKey[i]!), attributeText(batch, i))
  return attributes
}

function hex(bytes: Uint8Array, at: number, size: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, size).toString('hex')
}
