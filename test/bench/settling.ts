// How fast settling puts calls right that two instrumentations told twice, in requests that came apart: whole passes, that is
// reading, deciding, and the pairs with their reasons and rollups, against an embedded engine.

import { settlePass } from '../../collector/settling/pass.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import type { TestEngine } from '../engine.ts'

const project = 'bench-settling'
const callsPerSecond = 1000

/** `calls` traces of a call and the span around it, told alike by two scopes, while `callsPerSecond` of them begin. */
export async function measureSettling(
  { clickhouse }: TestEngine,
  calls: number,
): Promise<{ changesPerSecond: number }> {
  const startMs = Date.now() - 3_600_000
  const rows = Array.from({ length: calls }, (_, i) => {
    const call = {
      project_id: project,
      trace_id: i.toString(16).padStart(32, '0'),
      service: 'web',
      provider: 'openai',
      request_model: 'gpt-4.1',
      start_time: BigInt(startMs + Math.floor((i * 1000) / callsPerSecond)) * 1_000_000n,
      duration_ns: 1_000_000_000n,
      attempt: 1,
      attempts: 1,
      response_id: `answer-${i}`,
      input_tokens: 100 + ((i * 7919) % 4001),
    }
    return [
      spanRow(`a${i}`, { ...call, scope_name: 'sdk', parent_span_id: `b${i}` }),
      spanRow(`b${i}`, { ...call, scope_name: 'gateway' }),
    ]
  })
  await insertSpans(clickhouse, rows.flat())
  const untilMs = Date.now() + 1000
  let changes = 0
  const startedAt = performance.now()
  for (let sinceMs = 0, isMore = true; isMore; ) {
    const pass = await settlePass({ clickhouse, price: async () => [], now: Date.now }, { sinceMs, untilMs })
    changes += pass.changes
    sinceMs = pass.sinceMs
    isMore = pass.isMore && pass.traces > 0
  }
  if (changes !== calls) throw new Error(`${changes} changes of ${calls} calls told twice`)
  return { changesPerSecond: (changes / (performance.now() - startedAt)) * 1000 }
}
