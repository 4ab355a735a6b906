// hot: Attribution a span does not carry itself comes from the nearest span above it in the same request that does. Prompt name and
// version are of one span, never of two.

import { low, type SpanBatch, text } from '../schemas/span-batch.ts'
import type { Charge } from './charge.ts'

const lowColumns = [
  low.feature,
  low.team,
  low.step,
  low.input_class,
  low.collection,
  low.env,
  low.agent_name,
  low.tool_name,
] as const
const textColumns = [text.user_id, text.session_id, text.customer] as const

/** Fills empty attribution of all rows from their ancestors in the batch; `charge` has run, it knows parents and their order. */
export function inheritAttribution(batch: SpanBatch, charge: Charge): void {
  if (!charge.hasParents) return
  const { parents, order } = charge
  // From the top, so that a parent has what it inherits before its children ask.
  for (let place = batch.rows - 1; place >= 0; place--) {
    const row = order[place]!
    const above = parents[row]!
    if (above < 0) continue
    for (let i = 0; i < lowColumns.length; i++) {
      const column = batch.low[lowColumns[i]!]!
      if (column[row] === 0) column[row] = column[above]!
    }
    const prompts = batch.low[low.prompt_name]!
    if (prompts[row] === 0 && prompts[above] !== 0) {
      prompts[row] = prompts[above]!
      batch.low[low.prompt_version]![row] = batch.low[low.prompt_version]![above]!
    }
    for (let i = 0; i < textColumns.length; i++) {
      const start = batch.textStart[textColumns[i]!]!
      const end = batch.textEnd[textColumns[i]!]!
      if (start[row] !== end[row]) continue
      start[row] = start[above]!
      end[row] = end[above]!
    }
  }
}
