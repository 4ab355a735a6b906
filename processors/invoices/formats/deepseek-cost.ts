// DeepSeek, cost-*.csv of the usage ZIP: one sum an hour and model, over all kinds of tokens.

import { currencyOf, dayOf, type InvoiceFormat, numberOf, textOf } from '../format.ts'
import { unsaid } from '../line.ts'

export default {
  id: 'deepseek-cost',
  title: 'DeepSeek costs (CSV)',
  providers: ['deepseek'],
  role: 'cost',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 2,
  csv: { required: [['start_time_iso'], ['model'], ['wallet_type'], ['cost'], ['currency']] },
  read({ line, values }, sink) {
    const day = dayOf(values, 'starttimeiso')
    sink.day(day)
    const model = textOf(values, 'model')
    sink.line({
      line,
      day,
      provider: 'deepseek',
      account: null,
      label: model,
      model: model === '' ? null : model,
      family: 'all',
      dimensions: unsaid,
      isModelId: true,
      charge: 'usage',
      quantity: null,
      amount: numberOf(values, 'cost'),
      currency: currencyOf(values, 'currency'),
    })
  },
} satisfies InvoiceFormat
