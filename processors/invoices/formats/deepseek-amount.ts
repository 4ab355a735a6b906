// DeepSeek, amount-*.csv of the usage ZIP: quantities and the price of each by hour, model and type. Read as UTC, which
// the export does not say.

import { parseFine } from '../exact.ts'
import { dayOf, type InvoiceFormat, numberOf, optionalNumber, textOf } from '../format.ts'
import { type Family, unsaid } from '../line.ts'

const types: Readonly<Record<string, Family>> = {
  input_cache_hit_tokens: 'cache_read',
  input_cache_miss_tokens: 'input',
  output_tokens: 'output',
  request_count: 'requests',
}

export default {
  id: 'deepseek-amount',
  title: 'DeepSeek amounts (CSV)',
  providers: ['deepseek'],
  role: 'usage',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 2,
  csv: { required: [['start_time_iso'], ['model'], ['type'], ['amount'], ['price']] },
  read({ line, values }, sink) {
    const day = dayOf(values, 'starttimeiso')
    sink.day(day)
    const type = textOf(values, 'type')
    const model = textOf(values, 'model')
    const quantity = numberOf(values, 'amount')
    const price = optionalNumber(values, 'price')
    const family = types[type] ?? null
    sink.line({
      line,
      day,
      provider: 'deepseek',
      account: null,
      label: `${model}, ${type}`,
      model: model === '' ? null : model,
      family,
      dimensions: unsaid,
      isModelId: true,
      charge: 'usage',
      quantity,
      // Price is for one token; their product is what the cost file sums.
      amount: price === null ? null : (quantity * price) / parseFine('1'),
      currency: 'USD',
    })
  },
} satisfies InvoiceFormat
