// Anthropic console, usage CSV: tokens by UTC day, model id and key. Keys are names, workspaces too.

import type { Fine } from '../exact.ts'
import { countOf, dayOf, type InvoiceFormat, textOf } from '../format.ts'
import type { Family } from '../line.ts'
import { consoleDimensions } from './anthropic-console-cost.ts'

const columns = [
  ['usageinputtokensnocache', 'input', ''],
  ['usageinputtokenscacheread', 'cache_read', ''],
  ['usageinputtokenscachewrite5m', 'cache_write', ''],
  ['usageinputtokenscachewrite1h', 'cache_write', '1h'],
  ['usageoutputtokens', 'output', ''],
  ['websearchcount', 'web_search', ''],
] as const satisfies readonly (readonly [string, Family, string])[]

export default {
  id: 'anthropic-console-usage',
  title: 'Anthropic console usage (CSV)',
  providers: ['anthropic'],
  role: 'usage',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  csv: {
    required: [['usage_date_utc'], ['model_version'], ['usage_input_tokens_no_cache'], ['usage_output_tokens']],
  },
  read({ line, values }, sink) {
    const day = dayOf(values, 'usagedateutc')
    sink.day(day)
    const model = textOf(values, 'modelversion')
    for (const [column, family, ttl] of columns) {
      const quantity: Fine = countOf(values, column)
      if (quantity === 0n) continue
      sink.line({
        line,
        day,
        provider: 'anthropic',
        account: textOf(values, 'workspace'),
        label: model,
        model: family === 'web_search' ? '' : model,
        family,
        dimensions: { ...consoleDimensions(values), ttl },
        isModelId: true,
        charge: 'usage',
        quantity,
        amount: null,
        currency: 'USD',
      })
    }
  },
} satisfies InvoiceFormat
