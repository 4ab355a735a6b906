// hot: Attribution a span does not carry itself comes from the nearest span above it in the same request that does: user,
// session, feature, prompt (name and version of one span, never of two).

import { low, type SpanBatch, text } from '../schemas/span-batch.ts'
import type { Charge } from './charge.ts'

const textColumns = [text.user_id, text.session_id] as const
const depthMax = 64

/** Fills empty attribution of all rows from their ancestors in the batch; `charge` has run and knows the parents. */
export function inheritAttribution(batch: SpanBatch, charge: Charge): void {
  if (!charge.hasParents) return
  for (let row = 0; row < batch.rows; row++) {
    const feature = ownerOf(batch.low[low.feature]!, charge.parents, row)
    batch.low[low.feature]![row] = batch.low[low.feature]![feature]!
    const prompt = ownerOf(batch.low[low.prompt_name]!, charge.parents, row)
    batch.low[low.prompt_name]![row] = batch.low[low.prompt_name]![prompt]!
    batch.low[low.prompt_version]![row] = batch.low[low.prompt_version]![prompt]!
    for (let i = 0; i < textColumns.length; i++) inheritText(batch, charge.parents, textColumns[i]!, row)
  }
}

/** The row itself if it has a value, else the nearest row above it that has; the row itself when none has. */
function ownerOf(column: Int32Array, parents: Int32Array, row: number): number {
  if (column[row] !== 0) return row
  let depth = 0
  for (let above = parents[row]!; above >= 0 && depth < depthMax; above = parents[above]!, depth++) {
    if (column[above] !== 0) return above
  }
  return row
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
