// FOCUS cost and usage, 1.0 to 1.4, CSV: one row a charge. Model, kind and tier are read from the `x_` columns of exports
// that have them, else the row is unmapped until the map names its SkuPriceId. Source: FOCUS_Spec v1.2 and 1.4.

import { type Fine, parseFine } from '../exact.ts'
import { currencyOf, dayOf, type InvoiceFormat, numberOf, optionalNumber, textOf } from '../format.ts'
import type { JsonObject } from '../json.ts'
import { type Charge, type Dimensions, type Meaning, unsaid } from '../line.ts'
import { kindOf, mapped, usualText } from '../map.ts'

const charges: Readonly<Record<string, Charge>> = { usage: 'usage', credit: 'credit', tax: 'tax' }

const providers: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  aws: 'aws.bedrock',
  amazonwebservices: 'aws.bedrock',
  microsoft: 'azure.ai.openai',
  microsoftazure: 'azure.ai.openai',
  azure: 'azure.ai.openai',
  google: 'gcp.vertex_ai',
  googlecloud: 'gcp.vertex_ai',
  openrouter: 'openrouter',
  deepseek: 'deepseek',
  xai: 'x_ai',
  mistralai: 'mistral_ai',
}

export default {
  id: 'focus',
  title: 'FOCUS 1.0 to 1.4 (CSV)',
  providers: ['focus'],
  role: 'cost',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 2,
  csv: {
    required: [['BilledCost'], ['BillingCurrency'], ['ChargePeriodStart'], ['ChargeCategory'], ['ServiceName']],
  },
  read({ line, values }, sink, { map }) {
    const day = dayOf(values, 'chargeperiodstart')
    sink.day(day)
    const charge = charges[textOf(values, 'chargecategory').toLowerCase()] ?? 'other'
    const label = textOf(values, 'skupriceid', 'chargedescription', 'skuid', 'servicename')
    const meaning =
      charge === 'usage'
        ? (mapped(map, 'focus', label) ?? meaningOf(values))
        : { model: '', family: 'other' as const, dimensions: {}, isModelId: true }
    const amount = numberOf(values, 'billedcost')
    const list = optionalNumber(values, 'listcost')
    const seller = textOf(values, 'hostprovidername', 'serviceprovidername', 'providername', 'invoiceissuername')
    const name = seller.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
    sink.line({
      ...meaning,
      line,
      day,
      provider: textOf(values, 'xprovider') || (providers[name] ?? name),
      account: textOf(values, 'subaccountid'),
      label,
      dimensions: { ...dimensionsOf(values), ...meaning.dimensions },
      charge,
      quantity: charge === 'usage' ? quantityOf(values) : null,
      amount,
      ...(list === null ? {} : { listAmount: list }),
      currency: currencyOf(values, 'billingcurrency'),
    })
  },
} satisfies InvoiceFormat

function meaningOf(values: JsonObject): Meaning {
  const kind = kindOf(textOf(values, 'xtokenkind') || textOf(values, 'skumeter'))
  const model = textOf(values, 'xmodel')
  return {
    model:
      model === ''
        ? kind === null || ['input', 'output', 'cache_read', 'cache_write'].includes(kind.family)
          ? null
          : ''
        : model,
    family: kind?.family ?? null,
    dimensions: kind?.dimensions ?? {},
    isModelId: true,
  }
}

function dimensionsOf(values: JsonObject): Dimensions {
  const said = (name: string, column: string): string | null => {
    const text = textOf(values, column)
    return text === '' ? null : usualText(name, text)
  }
  return {
    ...unsaid,
    tier: said('tier', 'xservicetier'),
    ttl: said('ttl', 'xcachettl') ?? '',
    geo: said('geo', 'xgeo') ?? said('geo', 'regionid'),
  }
}

/** Raw tokens where given, else units priced times the number in the unit's name. */
function quantityOf(values: JsonObject): Fine | null {
  const consumed = optionalNumber(values, 'consumedquantity')
  if (consumed !== null) return consumed
  const priced = optionalNumber(values, 'pricingquantity')
  const size = /^(\d+) /.exec(textOf(values, 'pricingunit'))?.[1]
  return priced === null || size === undefined ? null : (priced * parseFine(size)) / parseFine('1')
}
