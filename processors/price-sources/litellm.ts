// BerriAI/litellm: one object a model, amounts in USD a token, conditions in the names of the keys:
//
//   input_cost_per_token_above_200k_tokens_priority     unit, size, tier

import type { Rates, When } from '../pricing/file.ts'
import { bandsOf, ListReader, maybeObject, objectOf, type PriceList, type RateTable } from '../pricing/price-list.ts'

type Fields = { readonly [name: string]: unknown }

const keys: RateTable = {
  input_cost_per_token: ['input', 6],
  output_cost_per_token: ['output', 6],
  cache_read_input_token_cost: ['cacheRead', 6],
  cache_creation_input_token_cost: ['cacheWrite', 6],
  cache_creation_input_token_cost_above_1hr: ['cacheWrite1h', 6],
  output_cost_per_reasoning_token: ['reasoning', 6],
  input_cost_per_audio_token: ['inputAudio', 6],
  output_cost_per_audio_token: ['outputAudio', 6],
  cache_read_input_audio_token_cost: ['cacheReadAudio', 6],
  input_cost_per_image_token: ['inputImage', 6],
  output_cost_per_image_token: ['outputImage', 6],
  citation_cost_per_token: ['citation', 6],
  input_cost_per_character: ['characters', 6],
  output_cost_per_image: ['images', 0],
  output_cost_per_video_per_second: ['videoSeconds', 0],
  ocr_cost_per_page: ['pages', 3],
  annotation_cost_per_page: ['annotatedPages', 3],
  input_cost_per_request: ['requests', 3],
  code_interpreter_cost_per_session: ['codeSession', 0],
  file_search_cost_per_1k_calls: ['fileSearch', 0],
}

const tiers: { readonly [suffix: string]: string } = { batches: 'batch', flex: 'flex', priority: 'priority' }
/** Read apart, or said otherwise too. */
const known = new Set([
  'input_cost_per_token_cache_hit',
  'tiered_pricing',
  'search_context_cost_per_query',
  'input_cost_per_query',
  'input_cost_per_second',
  'output_cost_per_second',
  'input_cost_per_image',
])
const priceKey = /cost|pricing|multiplier|_per_/
const notPrice = /^(rpm|tpm|litellm_provider|supported|supports)|max_.*_per_|_tokens_per_/

export default {
  id: 'litellm',
  name: 'LiteLLM model price list',
  from: 'github.com/BerriAI/litellm, model_prices_and_context_window.json',
  read(document) {
    const reader = new ListReader()
    for (const [name, value] of Object.entries(objectOf(document, 'the list'))) {
      const model = objectOf(value, name)
      if (name === 'sample_spec' || typeof model['litellm_provider'] !== 'string') continue
      readModel(reader, name, model['litellm_provider'], model)
    }
    return reader.reading()
  },
} satisfies PriceList

function readModel(reader: ListReader, name: string, sent: string, model: Fields): void {
  const place = placeOf(name, sent)
  if (place === null) {
    reader.note(name, 'a path of a deployment in front of the model')
    return
  }
  const { provider, id, region } = place
  const where = `${provider} ${id}`
  for (const key of Object.keys(model))
    if (priceKey.test(key) && !notPrice.test(key) && !known.has(key) && keys[partsOf(key).unit] === undefined)
      reader.note(where, key)
  const inclusive = provider === 'x_ai' || provider === 'xai'
  for (const tier of ['', ...Object.keys(tiers)]) {
    const base = reader.rates(pick(model, 0, tier), keys, where)
    if (tier !== '' && base.input === undefined && base.output === undefined) continue
    const standard = tier === '' ? {} : reader.rates(pick(model, 0, ''), keys, where)
    const sizes = new Set(Object.keys(model).map((key) => partsOf(key).over))
    const higher = [...sizes]
      .filter((over) => over > 0)
      .map((over) => ({ over, inclusive, rates: reader.rates(pick(model, over, tier), keys, where) }))
      .filter(({ rates }) => Object.keys(rates).length > 0)
    const rates =
      tier === '' ? { ...base, ...otherUnits(reader, model, where) } : { ...withoutCache(standard), ...base }
    const when: When = { ...(tier === '' ? {} : { serviceTier: tiers[tier]! }), ...(region === '' ? {} : { region }) }
    add(reader, { provider, id, when, rates, higher: [...higher, ...ranges(reader, model, tier, where)] })
  }
  searches(reader, { provider, id, model, where })
}

function add(
  reader: ListReader,
  card: { provider: string; id: string; when: When; rates: Rates; higher: Parameters<typeof bandsOf>[1] },
): void {
  const [first, ...rest] = card.higher
  // A list of ranges has no base of its own: its first range is.
  const isRanged = Object.keys(card.rates).length === 0 && first?.over === 0
  reader.add({
    provider: card.provider,
    models: { exact: [card.id] },
    ...(Object.keys(card.when).length === 0 ? {} : { when: card.when }),
    bands: isRanged
      ? bandsOf(first.rates, rest)
      : bandsOf(
          card.rates,
          card.higher.filter(({ over }) => over > 0),
        ),
  })
}

/** A tier has its own rates; what it does not list costs what it costs otherwise, but for the cache. */
function withoutCache({ cacheRead, cacheWrite, cacheWrite1h, ...rates }: Rates): Rates {
  return rates
}

/** `bedrock/eu-west-1/anthropic.claude…` has its region in front, others their provider. */
function placeOf(name: string, sent: string): { provider: string; id: string; region: string } | null {
  const provider = /^vertex_ai/.test(sent)
    ? 'vertex_ai'
    : /^bedrock/.test(sent)
      ? 'bedrock'
      : sent.replace(/^text-completion-/, '')
  const words = name.split('/')
  if (words[0] === sent || words[0] === provider) words.shift()
  if (provider === 'bedrock' && words.length > 1) {
    const [region = '', ...rest] = words
    return /^[a-z]+(-[a-z]+)+-\d$/.test(region) && rest.length === 1 ? { provider, id: rest[0]!, region } : null
  }
  if (words.length > 1 && ['azure', 'openai', 'anthropic', 'vertex_ai'].includes(provider)) return null
  return { provider, id: words.join('/'), region: '' }
}

/** `unit`, size and tier of a key. */
function partsOf(key: string): { unit: string; over: number; tier: string } {
  const match = /^(.*?)(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?$/.exec(key)
  const [, unit = key, thousands = '0', tier = ''] = match ?? []
  return { unit, over: Number(thousands) * 1000, tier }
}

function pick(model: Fields, over: number, tier: string): Fields {
  return Object.fromEntries(
    Object.entries(model).flatMap(([key, value]) => {
      const parts = partsOf(key)
      return parts.over === over && parts.tier === tier && typeof value !== 'object' ? [[parts.unit, value]] : []
    }),
  )
}

function ranges(
  reader: ListReader,
  model: Fields,
  tier: string,
  where: string,
): { over: number; inclusive: boolean; rates: Rates }[] {
  if (tier !== '' || !Array.isArray(model['tiered_pricing'])) return []
  return model['tiered_pricing'].flatMap((each) => {
    const fields = maybeObject(each)
    const over = Array.isArray(fields?.['range']) ? Number(fields['range'][0]) : Number.NaN
    if (fields === null || Number.isNaN(over)) {
      reader.note(where, 'a range without its edges')
      return []
    }
    return [{ over, inclusive: false, rates: reader.rates(fields, keys, `${where} over ${over}`) }]
  })
}

/** Keys whose unit depends on what the model does. */
function otherUnits(reader: ListReader, model: Fields, where: string): Rates {
  const { mode } = model
  const table: RateTable =
    mode === 'audio_transcription'
      ? { input_cost_per_second: ['audioSeconds', 0] }
      : mode === 'image_generation' || mode === 'image_edit'
        ? { input_cost_per_image: ['images', 0] }
        : mode === 'rerank'
          ? { input_cost_per_query: ['searchUnit', 3] }
          : mode === 'video_generation'
            ? { output_cost_per_second: ['videoSeconds', 0] }
            : {}
  const rates = reader.rates(model, table, where)
  // Seconds are published by the hour with us: 3,600 of them.
  if (rates.audioSeconds === undefined) return rates
  const hour = reader.amount(Number((Number(model['input_cost_per_second']) * 3600).toPrecision(12)), 0, where)
  return { ...rates, ...(hour === null ? {} : { audioSeconds: hour }) }
}

/** One fee whatever the context is a fee by call; three are conditions of it. */
function searches(
  reader: ListReader,
  { provider, id, model, where }: { provider: string; id: string; model: Fields; where: string },
): void {
  const fees = maybeObject(model['search_context_cost_per_query'])
  if (fees === null) return
  const sizes = ['low', 'medium', 'high'] as const
  const [low, medium, high] = sizes.map((size) => reader.amount(fees[`search_context_size_${size}`], 3, where))
  const entry = reader.entries.find((each) => each.models.exact[0] === id && each.when === undefined)
  if (entry === undefined) return
  if (low === medium && medium === high && low != null) {
    reader.entries[reader.entries.indexOf(entry)] = {
      ...entry,
      bands: entry.bands.map((band) => ({ ...band, rates: { ...band.rates, webSearch: low } })),
    }
    return
  }
  if (provider !== 'perplexity') {
    reader.note(where, 'search_context_cost_per_query by size')
    return
  }
  for (const [i, fee] of [low, medium, high].entries())
    if (fee != null)
      reader.add({
        provider,
        models: entry.models,
        when: { searchContextSize: sizes[i]! },
        bands: entry.bands.map((band) => ({ ...band, rates: { ...band.rates, requests: fee } })),
      })
}
