// OpenRouter, GET /api/v1/activity, and the activity CSV: credits (USD), requests and normalised tokens by UTC day, model
// and endpoint. Prompt tokens have cached ones in them, completion tokens reasoning; cached tokens are not told.

import type { Fine } from '../exact.ts'
import { countOf, dayOf, type InvoiceFormat, numberOf, textOf } from '../format.ts'
import type { Family } from '../line.ts'
import { unsaid } from '../line.ts'

export default {
  id: 'openrouter-activity',
  title: 'OpenRouter activity (JSON, CSV)',
  providers: ['openrouter'],
  role: 'cost',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  csv: { required: [['Date'], ['Slug'], ['Usage'], ['Requests'], ['Prompt Tokens'], ['Completion Tokens']] },
  json: (row) => row['model_permaslug'] !== undefined && row['prompt_tokens'] !== undefined,
  read({ line, values }, sink) {
    const day = dayOf(values, 'date')
    sink.day(day)
    const label = textOf(values, 'model', 'slug', 'model_permaslug')
    const add = (family: Family, quantity: Fine | null, amount: Fine | null): void =>
      sink.line({
        line,
        day,
        provider: 'openrouter',
        account: null,
        label,
        model: label === '' ? null : label,
        family,
        dimensions: unsaid,
        isModelId: true,
        charge: 'usage',
        quantity,
        amount,
        currency: 'USD',
      })
    add('all_input', countOf(values, 'prompt_tokens', 'prompttokens'), null)
    add('output', countOf(values, 'completion_tokens', 'completiontokens'), null)
    add('requests', countOf(values, 'requests'), null)
    // One amount for input and output together.
    add('all', null, numberOf(values, 'usage'))
  },
} satisfies InvoiceFormat
