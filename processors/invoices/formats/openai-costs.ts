// OpenAI, GET /v1/organization/costs, and the cost CSV of the dashboard: money by UTC day, project and line item, in
// dollars with up to 30 decimals. Source: openai-openapi, 2026-08-21; header of the CSV as exported in 2026.

import { parseFine } from '../exact.ts'
import {
  arrayOf,
  currencyOf,
  dayOf,
  dayOfUnix,
  type InvoiceFormat,
  numberOf,
  objectOf,
  optionalNumber,
  type ReadContext,
  textOf,
  textOrNull,
} from '../format.ts'
import type { JsonObject } from '../json.ts'
import { dimensionsOf, readLineItem } from '../labels.ts'
import { type BillLine, InvoiceError } from '../line.ts'
import { mapped } from '../map.ts'

const unitFactors: Readonly<Record<string, string>> = {
  '': '1',
  tokens: '1',
  '1000_tokens': '1000',
  images: '1',
  characters: '1',
  duration_seconds: '1',
  duration_minutes: '60',
  duration_hours: '3600',
  gibibyte_hours: '1',
}

export default {
  id: 'openai-costs',
  title: 'OpenAI costs (JSON, dashboard CSV)',
  providers: ['openai'],
  role: 'cost',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  csv: { required: [['start_time'], ['amount_value'], ['amount_currency'], ['line_item']] },
  json: (bucket) =>
    arrayOf(bucket['results']).some((row) => textOf(objectOf(row), 'object') === 'organization.costs.result'),
  read({ line, resultLines, values }, sink, context) {
    if (values['results'] === undefined) {
      const iso = textOf(values, 'starttimeiso')
      const day = iso === '' ? dayOfUnix(values, 'starttime') : dayOf(values, 'starttimeiso')
      sink.day(day)
      if (textOf(values, 'amountvalue') === '') return
      const currency = currencyOf(values, 'amountcurrency')
      const rest = { amount: numberOf(values, 'amountvalue'), currency, account: textOf(values, 'projectid') }
      sink.line(
        lineOf(
          { line, day, label: textOf(values, 'lineitem'), unit: textOf(values, 'quantityunit'), values, ...rest },
          context,
        ),
      )
      return
    }
    const day = dayOfUnix(values, 'start_time')
    sink.day(day)
    for (const [i, row] of arrayOf(values['results']).entries()) {
      const result = objectOf(row)
      const amount = objectOf(result['amount'])
      try {
        sink.line(
          lineOf(
            {
              line: resultLines[i] ?? line,
              day,
              label: textOf(result, 'line_item'),
              unit: textOf(result, 'quantity_unit'),
              values: result,
              amount: numberOf(amount, 'value'),
              currency: currencyOf(amount, 'currency'),
              account: textOrNull(result, 'project_id'),
            },
            context,
          ),
        )
      } catch (error) {
        if (error instanceof InvoiceError) throw new InvoiceError(`result ${i + 1} of ${day}: ${error.message}`)
        throw error
      }
    }
  },
} satisfies InvoiceFormat

interface Read {
  readonly line: number
  readonly day: string
  readonly label: string
  readonly unit: string
  readonly values: JsonObject
  readonly amount: bigint
  readonly currency: string
  readonly account: string | null
}

function lineOf({ unit, values, ...read }: Read, { map }: ReadContext): BillLine {
  const factor = unitFactors[unit]
  const count = optionalNumber(values, 'quantity')
  const meaning = mapped(map, 'openai', read.label) ?? readLineItem(read.label)
  return {
    ...read,
    ...meaning,
    provider: 'openai',
    dimensions: dimensionsOf(meaning.dimensions),
    charge: 'usage',
    quantity: count === null || factor === undefined ? null : (count * parseFine(factor)) / parseFine('1'), // A unit nobody knows: the money stands, the quantity is not guessed.
  }
}
