// Evaluation events that arrive on spans instead of as log records: found by the name of the event.

import { attributeTexts } from '../schemas/any-value.ts'
import { low, type SpanBatch } from '../schemas/span-batch.ts'
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
        attributes: attributeTexts(batch, strings, batch.eventAttrFrom[event]!, batch.eventAttrTo[event]!),
        timeMs: sent === 0 ? batch.ingestedMs : Math.floor(sent / 1e6),
        traceId: batch.hexOf(batch.tracePos[row]!, 16),
        spanId: batch.hexOf(batch.spanPos[row]!, 8),
        scopeName: strings.text(batch.low[low.scope_name]![row]!),
      })
    }
  }
  return found
}
