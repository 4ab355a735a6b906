// Anthropic, GET /v1/organizations/usage_report/messages: disjoint token classes by UTC bucket, no money, no request counts.
// Source: platform.claude.com, admin API reference, 2026-11.

import type { Fine } from '../exact.ts'
import { arrayOf, countOf, dayOf, type InvoiceFormat, numberOf, objectOf, textOrNull } from '../format.ts'
import type { JsonObject } from '../json.ts'
import { type Dimensions, type Family, InvoiceError, type Sink, unsaid } from '../line.ts'
import { usualText } from '../map.ts'

export default {
  id: 'anthropic-usage',
  title: 'Anthropic usage report (JSON)',
  providers: ['anthropic'],
  role: 'usage',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  json: (bucket) => arrayOf(bucket['results']).some((row) => objectOf(row)['uncached_input_tokens'] !== undefined),
  read({ line, resultLines, values }, sink) {
    const day = dayOf(values, 'starting_at')
    sink.day(day)
    for (const [i, row] of arrayOf(values['results']).entries()) {
      try {
        readResult(objectOf(row), day, resultLines[i] ?? line, sink)
      } catch (error) {
        if (error instanceof InvoiceError) throw new InvoiceError(`result ${i + 1} of ${day}: ${error.message}`)
        throw error
      }
    }
  },
} satisfies InvoiceFormat

function readResult(result: JsonObject, day: string, line: number, sink: Sink): void {
  const written = objectOf(result['cache_creation'])
  const model = textOrNull(result, 'model')
  const dimensions = anthropicDimensions(result)
  const add = (family: Family, quantity: Fine, ttl = ''): void => {
    if (quantity === 0n) return
    sink.line({
      line,
      day,
      provider: 'anthropic',
      account: textOrNull(result, 'workspace_id') ?? (model === null ? null : ''),
      label: model ?? '',
      model: family === 'web_search' ? '' : model,
      family,
      dimensions: { ...dimensions, ttl },
      isModelId: true,
      charge: 'usage',
      quantity,
      amount: null,
      currency: 'USD',
    })
  }
  add('input', numberOf(result, 'uncached_input_tokens'))
  add('cache_read', countOf(result, 'cache_read_input_tokens'))
  add('cache_write', countOf(written, 'ephemeral_5m_input_tokens'))
  add('cache_write', countOf(written, 'ephemeral_1h_input_tokens'), '1h')
  add('output', countOf(result, 'output_tokens'))
  add('web_search', countOf(objectOf(result['server_tool_use']), 'web_search_requests'))
}

/** null where the report was not grouped by it. */
export function anthropicDimensions(result: JsonObject): Dimensions {
  const said = (name: string, field: string): string | null => {
    const value = textOrNull(result, field)
    return value === null ? null : usualText(name, value)
  }
  const window = said('band', 'context_window')
  return {
    ...unsaid,
    tier: said('tier', 'service_tier'),
    geo: said('geo', 'inference_geo'),
    band: window === null || window === '' ? window : 'long',
    speed: said('speed', 'speed'),
  }
}
