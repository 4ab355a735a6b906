// AWS cost and usage report, CUR 2.0 and classic: Bedrock rows by day, account and usage type. Two styles of usage types:
// `USE1-Claude4.6Sonnet-input-tokens`, and the marketplace's `USE1-MP:USE1_InputTokenCount-Units`, which has the model in
// the description alone and does not say how many tokens a unit is. Source: docs.aws.amazon.com, Bedrock cost management.

import { parseFine } from '../exact.ts'
import { currencyOf, dayOf, type InvoiceFormat, numberOf, optionalNumber, textOf } from '../format.ts'
import type { JsonObject } from '../json.ts'
import { bedrockWords } from '../label-words.ts'
import { dimensionsOf, readWords } from '../labels.ts'
import { type Charge, InvoiceError, type Meaning } from '../line.ts'
import { mapped } from '../map.ts'

const charges: Readonly<Record<string, Charge>> = {
  usage: 'usage',
  discountedusage: 'usage',
  savingsplancoveredusage: 'usage',
  credit: 'credit',
  refund: 'credit',
  tax: 'tax',
  edpdiscount: 'discount',
  privateratediscount: 'discount',
  bundleddiscount: 'discount',
  savingsplannegation: 'discount',
  distributordiscount: 'discount',
}

const one = parseFine('1')

export default {
  id: 'bedrock-cur',
  title: 'AWS cost and usage report (CUR 2.0 or classic, CSV)',
  providers: ['bedrock', 'aws', 'aws.bedrock'],
  role: 'cost',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 2,
  csv: {
    required: [
      ['line_item_usage_start_date', 'lineItem/UsageStartDate'],
      ['line_item_usage_type', 'lineItem/UsageType'],
      ['line_item_usage_amount', 'lineItem/UsageAmount'],
      ['line_item_unblended_cost', 'lineItem/UnblendedCost'],
      ['line_item_line_item_type', 'lineItem/LineItemType'],
    ],
  },
  read({ line, values }, sink, { map }) {
    if (!isBedrock(values)) return
    const day = dayOf(values, 'lineitemusagestartdate')
    sink.day(day)
    const type = textOf(values, 'lineitemlineitemtype')
    const charge = charges[type.toLowerCase()] ?? 'other'
    const usageType = textOf(values, 'lineitemusagetype')
    const text = textOf(values, 'lineitemlineitemdescription', 'productproductname')
    const label =
      charge === 'usage' && usageType !== '' ? usageType : [type, text].filter((each) => each !== '').join(': ')
    const meaning: Meaning =
      charge === 'usage'
        ? (mapped(map, 'bedrock', usageType) ?? meaningOf(usageType, text))
        : { model: '', family: 'other', dimensions: {}, isModelId: true }
    const blocks = blockSize(textOf(values, 'pricingunit'), text)
    const amount = optionalNumber(values, 'lineitemusageamount')
    if (charge === 'usage' && amount === null)
      throw new InvoiceError('line_item_usage_amount is missing: a decimal number is expected')
    sink.line({
      ...meaning,
      line,
      day,
      provider: 'aws.bedrock',
      account: textOf(values, 'lineitemusageaccountid'),
      label,
      dimensions: dimensionsOf(meaning.dimensions),
      charge,
      quantity: charge === 'usage' && amount !== null ? (amount * parseFine(blocks ?? '1')) / one : null,
      ...(blocks === null && charge === 'usage' ? { isBlocks: true } : {}),
      amount: numberOf(values, 'lineitemunblendedcost'),
      currency: currencyOf(values, 'lineitemcurrencycode'),
    })
  },
} satisfies InvoiceFormat

/** By product, usage type or name: models of the marketplace are sold under codes of their own. */
function isBedrock(values: JsonObject): boolean {
  return [
    'lineitemproductcode',
    'productservicecode',
    'lineitemusagetype',
    'lineitemlineitemdescription',
    'productproductname',
    'product',
  ].some((name) => /bedrock|TokenCount|tokens_|-input-tokens|-output-tokens/i.test(textOf(values, name)))
}

function meaningOf(usageType: string, description: string): Meaning {
  const region = /^[A-Z]{2,4}\d*-/.exec(usageType)?.[0] ?? ''
  const market = /^MP:(?:[A-Z]{2,4}\d_)?(.*)$/.exec(usageType.slice(region.length))
  const words = (market?.[1] ?? usageType.slice(region.length))
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/Write1h/, 'Write 1h')
  const read = readWords(market === null ? usageType.slice(region.length) : words, bedrockWords, { geo: 'regional' })
  if (market === null) return read
  const product = /^(.*?) \(Amazon Bedrock Edition\)/.exec(description)?.[1] ?? null
  return { ...read, model: read.model === '' ? product : null }
}

/** Tokens a unit of the amount stands for, as far as the bill says so; null leaves it to the price. */
function blockSize(unit: string, description: string): string | null {
  if (/^1k|1,?000 /i.test(unit)) return '1000'
  if (/^1m/i.test(unit)) return '1000000'
  if (/^tokens?$/i.test(unit)) return '1'
  if (/per million|per 1M\b/i.test(description)) return '1000000'
  if (/per thousand|per 1K\b/i.test(description)) return '1000'
  return null
}
