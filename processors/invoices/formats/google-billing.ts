// Google Cloud billing export, standard or detailed, a row a line as JSON or CSV: Vertex AI and the Gemini API. Stored in
// UTC, billed by Pacific days. Credits are negative amounts within a row. Source: docs.cloud.google.com/billing, 2026-11.

import { type Fine, parseFine } from '../exact.ts'
import { arrayOf, currencyOf, type InvoiceFormat, numberOf, objectOf, optionalNumber, textOf } from '../format.ts'
import { type JsonObject, type JsonValue, parseExact } from '../json.ts'
import { googleWords } from '../label-words.ts'
import { dimensionsOf, readWords } from '../labels.ts'
import { type Charge, InvoiceError, type Meaning } from '../line.ts'
import { mapped } from '../map.ts'

const vertex = 'C7E2-9256-1C43'

export default {
  id: 'google-billing',
  title: 'Google Cloud billing export (NDJSON, JSON, CSV)',
  providers: ['google', 'gcp', 'vertex', 'gemini'],
  role: 'cost',
  zone: 'America/Los_Angeles',
  parts: 'add',
  finalAfterDays: 2,
  csv: { required: [['sku.description', 'sku_description'], ['usage_start_time'], ['cost'], ['currency']] },
  json: (row) => row['sku'] !== undefined && row['usage_start_time'] !== undefined,
  read({ line, values: raw }, sink, { map }) {
    const values = raw['sku'] === undefined ? nested(raw) : raw
    const service = objectOf(values['service'])
    const provider = providerOf(service)
    if (provider === null) return
    const day = pacificDay(textOf(values, 'usage_start_time'))
    sink.day(day)
    const sku = textOf(objectOf(values['sku']), 'description')
    const type = textOf(values, 'cost_type')
    const charge: Charge = type === '' || type === 'regular' ? 'usage' : type === 'tax' ? 'tax' : 'other'
    const meaning: Meaning =
      charge === 'usage'
        ? (mapped(map, 'google', sku) ?? readWords(sku.replaceAll('_', ' '), googleWords, { tier: '' }))
        : { model: '', family: 'other', dimensions: {}, isModelId: true }
    const common = {
      line,
      day,
      provider,
      account: textOf(objectOf(values['project']), 'id'),
      currency: currencyOf(values, 'currency'),
    }
    const list = optionalNumber(values, 'cost_at_list')
    sink.line({
      ...common,
      ...meaning,
      label: sku === '' ? type : sku,
      dimensions: dimensionsOf(meaning.dimensions),
      charge,
      quantity: charge === 'usage' ? quantityOf(objectOf(values['usage']), meaning) : null,
      amount: numberOf(values, 'cost'),
      listAmount: list,
    })
    for (const credit of arrayOf(values['credits'])) {
      const given = objectOf(credit)
      sink.line({
        ...common,
        label: textOf(given, 'name', 'type'),
        model: '',
        family: 'other',
        isModelId: true,
        dimensions: dimensionsOf({}),
        charge: /DISCOUNT|COMMITTED/i.test(textOf(given, 'type')) ? 'discount' : 'credit',
        quantity: null,
        amount: numberOf(given, 'amount'),
      })
    }
  },
} satisfies InvoiceFormat

function providerOf(service: JsonObject): string | null {
  const name = textOf(service, 'description')
  if (textOf(service, 'id') === vertex || /vertex ai|agent platform/i.test(name)) return 'gcp.vertex_ai'
  return /gemini api|generative language/i.test(name) ? 'gcp.gemini' : null
}

/** `usage.amount` is tokens for token SKUs; one that says otherwise is not guessed at. */
function quantityOf(usage: JsonObject, { family }: Meaning): Fine | null {
  const unit = textOf(usage, 'unit')
  const amount = optionalNumber(usage, 'amount')
  if (amount === null || family === 'other') return null
  if (unit === '' || unit === 'count' || unit === 'tokens') return amount
  const scaled = /^(\d+|[kM]) (?:count|tokens)$/i.exec(unit)?.[1]
  if (scaled === undefined) return null
  return (amount * parseFine(/k/i.test(scaled) ? '1000' : /m/i.test(scaled) ? '1000000' : scaled)) / parseFine('1')
}

/** Columns of a CSV, `sku.description` or `sku_description`, back in the shape of a row. */
function nested(values: JsonObject): JsonObject {
  const text = (name: string): JsonValue => values[name] ?? null
  const credits = textOf(values, 'credits')
  const parsed: JsonValue = credits.startsWith('[') ? parsedCredits(credits) : []
  return {
    service: { id: text('serviceid'), description: text('servicedescription') },
    sku: { id: text('skuid'), description: text('skudescription') },
    project: { id: text('projectid') },
    usage_start_time: text('usagestarttime'),
    usage: { amount: text('usageamount'), unit: text('usageunit') },
    cost: text('cost'),
    cost_at_list: text('costatlist'),
    cost_type: text('costtype'),
    currency: text('currency'),
    credits: parsed,
  }
}

function parsedCredits(text: string): JsonValue {
  try {
    return parseExact(text)
  } catch {
    throw new InvoiceError(`credits: not JSON: "${text.slice(0, 40)}"`)
  }
}

const pacific = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles', dateStyle: 'short' })
/** Rows are by the hour, so few instants are asked for, again and again. */
const days = new Map<string, string>()

function pacificDay(time: string): string {
  const known = days.get(time)
  if (known !== undefined) return known
  const text = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(time) ? time.replace(' UTC', 'Z').replace(' ', 'T') : ''
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  if (Number.isNaN(at))
    throw new InvoiceError(`usage_start_time: "${time.slice(0, 40)}" is no time such as 2026-11-02T17:00:00Z`)
  const day = pacific.format(at)
  if (days.size > 20_000) days.clear()
  days.set(time, day)
  return day
}
