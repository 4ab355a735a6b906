// Portkey-AI/models: one file a provider, one object a model. Amounts are US cents a token or a call; regions, tiers and prompt
// sizes are nested in `custom_pricing`. A price of 0 beside others stands for none there.

import type { Rates, When } from '../pricing/file.ts'
import { bandsOf, ListReader, maybeObject, objectOf, type PriceList, type RateTable } from '../pricing/price-list.ts'

type Fields = { readonly [name: string]: unknown }

const tokenKeys: RateTable = {
  request_token: ['input', 4],
  response_token: ['output', 4],
  cache_read_input_token: ['cacheRead', 4],
  cache_write_input_token: ['cacheWrite', 4],
  request_audio_token: ['inputAudio', 4],
  response_audio_token: ['outputAudio', 4],
  cache_read_audio_input_token: ['cacheReadAudio', 4],
  request_image_token: ['inputImage', 4],
  response_image_token: ['outputImage', 4],
  reasoning_token: ['reasoning', 4],
}
const unitKeys: RateTable = {
  cache_write_1h: ['cacheWrite1h', 4],
  web_search: ['webSearch', 1],
  file_search: ['fileSearch', 1],
  search: ['searchUnit', 1],
}
const readApart = new Set(['additional_units', 'image'])
const modes: { readonly [mode: string]: string } = { standard: '', batch: 'batch', flex: 'flex', priority: 'priority' }
/** Their names for what canonicalProvider does not know by them. */
const providers: { readonly [file: string]: string } = {
  dashscope: 'alibaba_cloud',
  'z-ai': 'z_ai',
  'perplexity-ai': 'perplexity',
  'azure-openai': 'azure.ai.openai',
}
/** Which of our conditions a region of theirs is. */
const regionIs: { readonly [file: string]: 'dataResidency' | 'region' } = {
  openai: 'dataResidency',
  anthropic: 'dataResidency',
}

export default {
  id: 'portkey',
  name: 'Portkey models',
  from: 'github.com/Portkey-AI/models, pricing/<provider>.json, a file or the folder',
  read(document, file) {
    const reader = new ListReader()
    for (const [id, value] of Object.entries(objectOf(document, file)))
      if (id !== 'default') readModel(reader, file, id, objectOf(value, id))
    return reader.reading()
  },
} satisfies PriceList

function readModel(reader: ListReader, file: string, id: string, model: Fields): void {
  const where = `${file} ${id}`
  const card = { provider: providers[file] ?? file, models: { exact: [id] } }
  const config = maybeObject(model['pricing_config'])
  const custom = maybeObject(model['custom_pricing'])
  const regions = maybeObject(custom?.['regions'])
  if (regions === null) {
    const rates = ratesOf(reader, config?.['pay_as_you_go'], where)
    reader.add({ ...card, bands: bandsOf(rates, []) })
    const batch = ratesOf(reader, config?.['batch_config'], `${where} batch`)
    reader.add({ ...card, when: { serviceTier: 'batch' }, bands: bandsOf(batch, []) })
    return
  }
  const edges = maybeObject(custom?.['context_tier_map']) ?? {}
  for (const [region, value] of Object.entries(regions)) {
    const places = region === 'default' ? null : region.split(',')
    for (const [mode, priced] of Object.entries(maybeObject(maybeObject(value)?.['execution_modes']) ?? {})) {
      const tier = modes[mode]
      if (tier === undefined) {
        reader.note(where, `execution mode ${mode}`)
        continue
      }
      const when: When = {
        ...(tier === '' ? {} : { serviceTier: tier }),
        ...(places === null ? {} : { [regionIs[file] ?? 'region']: places }),
      }
      const bands = bandsOfMode(reader, objectOf(priced, where), edges, `${where} ${region} ${mode}`)
      reader.add({ ...card, ...(Object.keys(when).length === 0 ? {} : { when }), bands })
    }
  }
}

function bandsOfMode(reader: ListReader, priced: Fields, edges: Fields, where: string) {
  const sizes = maybeObject(priced['context_tiers'])
  if (sizes === null)
    return bandsOf(ratesOf(reader, maybeObject(priced['pricing_config'])?.['pay_as_you_go'], where), [])
  const bands = Object.entries(edges).flatMap(([edge, name]) => {
    const size = maybeObject(maybeObject(sizes[String(name)])?.['pricing_config'])
    return size === null
      ? []
      : [
          {
            over: Number(edge),
            inclusive: false,
            rates: ratesOf(reader, size['pay_as_you_go'], `${where} over ${edge}`),
          },
        ]
  })
  const [base, ...higher] = bands.toSorted((a, b) => a.over - b.over)
  return bandsOf(base?.rates ?? {}, higher)
}

function ratesOf(reader: ListReader, sent: unknown, where: string): Rates {
  const config = maybeObject(sent)
  if (config === null) return {}
  const units = maybeObject(config['additional_units']) ?? {}
  for (const key of Object.keys(config))
    if (tokenKeys[key] === undefined && !readApart.has(key)) reader.note(where, key)
  for (const key of Object.keys(units)) if (unitKeys[key] === undefined) reader.note(where, `additional_units ${key}`)
  if (config['image'] !== undefined) reader.note(where, 'images by quality and size')
  const rates = { ...reader.rates(prices(config), tokenKeys, where), ...reader.rates(prices(units), unitKeys, where) }
  const isFree = Object.values(rates).every((rate) => rate === '0')
  // Nothing but zeros is what an unknown model looks like there.
  return isFree ? {} : Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== '0'))
}

/** `{ price: 0.0002 }` → 0.0002. */
function prices(units: Fields): Fields {
  return Object.fromEntries(Object.entries(units).map(([key, value]) => [key, maybeObject(value)?.['price']]))
}
