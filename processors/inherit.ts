// hot: Attribution a span does not carry itself comes from the nearest span above it in the same request that does: user,
// session, feature, prompt, release.

import { low, type SpanBatch, text } from '../schemas/span-batch.ts'
import type { Charge } from './charge.ts'

const lowColumns = [low.feature, low.prompt_name, low.prompt_version] as const
const textColumns = [text.user_id, text.session_id] as const
const depthMax = 64

/** Fills empty attribution of all rows from their ancestors in the batch; `charge` has run and knows the parents. */
export function inheritAttribution(batch: SpanBatch, charge: Charge): void {
  if (!charge.hasParents) return
  for (let row = 0; row < batch.rows; row++) {
    for (let i = 0; i < lowColumns.length; i++) {
      const column = batch.low[lowColumns[i]!]!
      if (column[row] === 0) column[row] = inheritedId(column, charge.parents, row)
    }
    for (let i = 0; i < textColumns.length; i++) inheritText(batch, charge.parents, textColumns[i]!, row)
  }
}

function inheritedId(column: Int32Array, parents: Int32Array, row: number): number {
  let depth = 0
  for (let above = parents[row]!; above >= 0 && depth < depthMax; above = parents[above]!, depth++) {
    if (column[above] !== 0) return column[above]!
  }
  return 0
}

function inheritText(batch: SpanBatch, parents: Int32Array, column: number, row: number): void {
  const start = batch.textStart[column]!
  const end = batch.textEnd[column]!
  if (start[row] !== end[row]) return
  let depth = 0
  for (let above = parents[row]!; above >= 0 && depth < depthMax; above = parents[above]!, depth++) {
    if (start[above] === end[above]) continue
    start[row] = start[above]!
    end[row] = end[above]!
    return
  }
}
