// Azure cost details, actual or amortised, in the spellings of EA and MCA: money by day, meter and resource. Quantities
// count blocks whose size is in the unit of measure or in the name of the meter. Source: Microsoft Cost Management,
// cost-details fields; PricingUnits.csv of the FinOps toolkit.

import { parseFine } from '../exact.ts'
import { currencyOf, dayOf, type InvoiceFormat, numberOf, optionalNumber, textOf } from '../format.ts'
import type { JsonObject } from '../json.ts'
import { azureWords } from '../label-words.ts'
import { dimensionsOf, readWords } from '../labels.ts'
import { type Charge, InvoiceError, type Meaning } from '../line.ts'
import { mapped } from '../map.ts'

const one = parseFine('1')

export default {
  id: 'azure-cost',
  title: 'Azure cost details (CSV)',
  providers: ['azure', 'azure.ai.openai'],
  role: 'cost',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 2,
  csv: {
    required: [
      ['Date', 'UsageDateTime'],
      ['MeterName'],
      ['UnitOfMeasure'],
      ['Quantity', 'UsageQuantity'],
      ['CostInBillingCurrency', 'PreTaxCost', 'Cost'],
    ],
  },
  read({ line, values }, sink, { map }) {
    const meter = textOf(values, 'metername')
    const text = `${textOf(values, 'metercategory')} ${textOf(values, 'metersubcategory')} ${textOf(values, 'productname', 'product')} ${textOf(values, 'consumedservice')}`
    if (!/openai|foundry|cognitive|azure ai|machinelearning/i.test(text)) return
    const day = dayOfAzure(values)
    sink.day(day)
    const type = textOf(values, 'chargetype').toLowerCase()
    const charge: Charge =
      type === '' || type === 'usage'
        ? 'usage'
        : /refund|credit/.test(type)
          ? 'credit'
          : type === 'tax'
            ? 'tax'
            : 'other'
    const isTokens = / tokens?\b/i.test(meter)
    const meaning: Meaning =
      charge !== 'usage'
        ? { model: '', family: 'other', dimensions: {}, isModelId: true }
        : (mapped(map, 'azure', meter) ?? readWords(meter, azureWords, { tier: '', geo: null, band: '' }))
    const amount = numberOf(values, 'costinbillingcurrency', 'pretaxcost', 'cost')
    const quantity = optionalNumber(values, 'quantity', 'usagequantity')
    const block = blockSize(textOf(values, 'unitofmeasure'), meter)
    const payg = optionalNumber(values, 'paygprice')
    const price = optionalNumber(values, 'effectiveprice')
    sink.line({
      ...meaning,
      line,
      day,
      provider: 'azure.ai.openai',
      account: textOf(values, 'subscriptionid', 'subscriptionguid'),
      label: meter === '' ? type : meter,
      dimensions: dimensionsOf(meaning.dimensions),
      charge,
      quantity:
        charge !== 'usage' || quantity === null || (isTokens && block === null)
          ? null
          : (quantity * parseFine(isTokens ? (block ?? '1') : '1')) / one,
      amount,
      ...(payg === null || price === null || quantity === null || payg <= price || payg === 0n
        ? {}
        : { listAmount: (payg * quantity) / one }),
      currency: currencyOf(values, 'billingcurrency', 'billingcurrencycode', 'currency'),
    })
  },
} satisfies InvoiceFormat

function blockSize(unit: string, meter: string): string | null {
  const text = /^1 ?([KM])\b/i.exec(unit)?.[1] ?? / 1([KM]) Tokens/i.exec(meter)?.[1]
  if (text !== undefined) return text.toUpperCase() === 'K' ? '1000' : '1000000'
  const plain = /^(\d+)$/.exec(unit)?.[1]
  return plain ?? null
}

/** `11/02/2026` is month, day, year on every kind of agreement; ISO dates come from newer exports. */
function dayOfAzure(values: JsonObject): string {
  const text = textOf(values, 'date', 'usagedatetime')
  const match = /^(\d\d?)\/(\d\d?)\/(\d{4})$/.exec(text)
  if (match === null) return dayOf(values, 'date', 'usagedatetime')
  const [, month = '', day = '', year = ''] = match
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const at = Date.parse(`${iso}T00:00:00Z`)
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(iso))
    throw new InvoiceError(`Date: "${text}" is no day in the form MM/DD/YYYY`)
  return iso
}
