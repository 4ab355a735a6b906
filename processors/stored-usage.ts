// Counts of a stored span → a usage row.

import { unit, usageUnitCount, usageUnits } from '../schemas/usage.ts'

/** Counts as ClickHouse answers them: 64-bit integers as text, NULL as null. Field names are the columns'. */
export interface StoredUsage {
  readonly input_tokens: string | null
  readonly output_tokens: string | null
  readonly cache_read_tokens: string
  readonly cache_write_tokens: string
  readonly reasoning_tokens: string
  readonly usage_other: Readonly<Record<string, number>>
}

/** A new usage row, NaN = not reported. Counts of 0 that are part of a total were perhaps not reported: they change no amount. */
export function storedUsage(span: StoredUsage): Float64Array {
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  if (span.input_tokens !== null) usage[unit.input] = Number(span.input_tokens)
  if (span.output_tokens !== null) usage[unit.output] = Number(span.output_tokens)
  if (span.cache_read_tokens !== '0') usage[unit.cacheRead] = Number(span.cache_read_tokens)
  if (span.cache_write_tokens !== '0') usage[unit.cacheWrite] = Number(span.cache_write_tokens)
  if (span.reasoning_tokens !== '0') usage[unit.reasoning] = Number(span.reasoning_tokens)
  for (const [slot, { key }] of usageUnits.entries())
    if (key !== null && span.usage_other[key] !== undefined) usage[slot] = span.usage_other[key]
  return usage
}
