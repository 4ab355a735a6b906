// Anthropic, GET /v1/organizations/cost_report, and the analytics cost report: money by UTC day as decimal text in cents,
// no quantities. Source: platform.claude.com, admin API reference and usage-cost-analytics, 2026-11.

import {
  arrayOf,
  currencyOf,
  dayOf,
  type InvoiceFormat,
  numberOf,
  objectOf,
  optionalNumber,
  textOf,
  textOrNull,
} from '../format.ts'
import type { JsonObject } from '../json.ts'
import { type BillLine, type Family, InvoiceError } from '../line.ts'
import { type MapFile, mapped } from '../map.ts'
import { anthropicDimensions } from './anthropic-usage.ts'

export const anthropicTokenTypes: Readonly<Record<string, readonly [Family, string]>> = {
  uncached_input_tokens: ['input', ''],
  cache_read_input_tokens: ['cache_read', ''],
  'cache_creation.ephemeral_5m_input_tokens': ['cache_write', ''],
  'cache_creation.ephemeral_1h_input_tokens': ['cache_write', '1h'],
  output_tokens: ['output', ''],
}

/** Analytics reports give at most so many groups a bucket, and no row for the rest. */
const groupsMax = 100

export default {
  id: 'anthropic-cost',
  title: 'Anthropic cost report (JSON)',
  providers: ['anthropic'],
  role: 'cost',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  json: (bucket) => {
    const rows = arrayOf(bucket['results'])
    return rows.some((row) => {
      const { amount, object, cost_type } = objectOf(row)
      return typeof amount === 'string' && object === undefined && cost_type !== undefined
    })
  },
  read({ line, resultLines, values }, sink, { map }) {
    const day = dayOf(values, 'starting_at')
    sink.day(day)
    const rows = arrayOf(values['results'])
    const isAnalytics = rows.some((row) => objectOf(row)['list_amount'] !== undefined)
    if (isAnalytics && rows.length >= groupsMax)
      sink.note({
        kind: 'incomplete',
        day,
        text: `${rows.length} groups in one bucket: the report stops at ${groupsMax} and the rest is missing`,
      })
    for (const [i, row] of rows.entries()) {
      try {
        sink.line(lineOf(objectOf(row), day, resultLines[i] ?? line, map))
      } catch (error) {
        if (error instanceof InvoiceError) throw new InvoiceError(`result ${i + 1} of ${day}: ${error.message}`)
        throw error
      }
    }
  },
} satisfies InvoiceFormat

function lineOf(result: JsonObject, day: string, line: number, map: MapFile): BillLine {
  const label = textOf(result, 'description', 'token_type', 'cost_type')
  const type = textOf(result, 'cost_type')
  const [family, ttl] = anthropicTokenTypes[textOf(result, 'token_type')] ?? []
  const other: Family | null = type === 'web_search' ? 'web_search' : type === '' || type === 'tokens' ? null : 'other'
  const list = optionalNumber(result, 'list_amount')
  const said = mapped(map, 'anthropic', label)
  return {
    line,
    day,
    provider: 'anthropic',
    account: textOrNull(result, 'workspace_id') ?? (type === '' ? null : ''),
    label,
    isModelId: true,
    model: family === undefined && other !== null ? '' : textOrNull(result, 'model'),
    family: family ?? other,
    ...said,
    dimensions: { ...anthropicDimensions(result), ttl: ttl ?? '', ...said?.dimensions },
    charge: 'usage',
    quantity: null,
    amount: numberOf(result, 'amount') / 100n,
    ...(list === null ? {} : { listAmount: list / 100n }),
    currency: currencyOf(result, 'currency'),
  }
}
