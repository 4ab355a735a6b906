// Anthropic console, cost CSV: money by UTC day, display name of the model and token type, each row rounded to cents.

import { dayOf, type InvoiceFormat, numberOf, optionalNumber, textOf } from '../format.ts'
import type { JsonObject } from '../json.ts'
import { type Dimensions, type Family, unsaid } from '../line.ts'
import { mapped, usualText } from '../map.ts'

const tokenTypes: Readonly<Record<string, readonly [Family, string]>> = {
  input_no_cache: ['input', ''],
  input_cache_read: ['cache_read', ''],
  input_cache_write_5m: ['cache_write', ''],
  input_cache_write_1h: ['cache_write', '1h'],
  output: ['output', ''],
}

export default {
  id: 'anthropic-console-cost',
  title: 'Anthropic console cost (CSV)',
  providers: ['anthropic'],
  role: 'cost',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  decimals: 2,
  csv: { required: [['usage_date_utc'], ['model'], ['token_type'], ['cost_usd']] },
  read({ line, values }, sink, { map }) {
    const day = dayOf(values, 'usagedateutc')
    sink.day(day)
    const label = [textOf(values, 'model'), textOf(values, 'tokentype') || textOf(values, 'costtype')].join(', ')
    const said = mapped(map, 'anthropic', label)
    const [family, ttl] = tokenTypes[textOf(values, 'tokentype')] ?? []
    const type = textOf(values, 'costtype')
    const other: Family | null =
      type === 'web_search' ? 'web_search' : type === '' || /^tokens?$/.test(type) ? null : 'other'
    sink.line({
      line,
      day,
      provider: 'anthropic',
      account: textOf(values, 'workspace'),
      label,
      model: family === undefined && other !== null ? '' : textOf(values, 'model'),
      family: family ?? other,
      isModelId: false,
      ...said,
      dimensions: { ...consoleDimensions(values), ttl: ttl ?? '', ...said?.dimensions },
      charge: 'usage',
      quantity: null,
      amount: numberOf(values, 'costusd'),
      listAmount: optionalNumber(values, 'listpriceusd'),
      currency: 'USD',
    })
  },
} satisfies InvoiceFormat

/** `usage_type` reads "standard" in one file and "message" in the other; only batch and priority are tiers. */
export function consoleDimensions(values: JsonObject): Dimensions {
  const type = textOf(values, 'usagetype').toLowerCase()
  const window = textOf(values, 'contextwindow')
  return {
    ...unsaid,
    tier: type === 'message' ? '' : usualText('tier', type),
    geo: usualText('geo', textOf(values, 'inferencegeo')),
    band: window === '' ? null : usualText('band', window) === '' ? '' : 'long',
    speed: usualText('speed', textOf(values, 'speed')),
  }
}
