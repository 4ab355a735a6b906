// Langfuse's default prices: a name, a pattern of names, tiers under conditions; USD a token. No provider is named: the
// pattern tells it, or the family of the model.

import type { Rates } from '../pricing/file.ts'
import {
  arrayOf,
  bandsOf,
  ListReader,
  maybeObject,
  objectOf,
  type PriceList,
  type RateTable,
} from '../pricing/price-list.ts'

type Fields = { readonly [name: string]: unknown }

const keys: RateTable = {
  input: ['input', 6],
  input_tokens: ['input', 6],
  total: ['input', 6],
  output: ['output', 6],
  output_tokens: ['output', 6],
  input_cached_tokens: ['cacheRead', 6],
  input_cache_read: ['cacheRead', 6],
  cache_read_input_tokens: ['cacheRead', 6],
  cached_content_token_count: ['cacheRead', 6],
  input_cache_creation: ['cacheWrite', 6],
  input_cache_creation_5m: ['cacheWrite', 6],
  cache_creation_input_tokens: ['cacheWrite', 6],
  input_cache_creation_1h: ['cacheWrite1h', 6],
  input_audio_tokens: ['inputAudio', 6],
  input_audio: ['inputAudio', 6],
  output_audio_tokens: ['outputAudio', 6],
  output_audio: ['outputAudio', 6],
  input_image_tokens: ['inputImage', 6],
  output_image_tokens: ['outputImage', 6],
  web_search_queries: ['webSearchQuery', 3],
  webSearchQueries: ['webSearchQuery', 3],
}
/** Other names of counts that are in the table. */
const sameAs =
  /^(input_text|input_modality|input_cached_text|prompt_?token|promptToken|output_text|output_modality|candidates|thoughts|output_reasoning|input_cached_audio|completion|grounding_?[qQ]ueries)/

const families: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o\d|text-|ft:|davinci|babbage|curie|ada|codex|computer-use)/, 'openai'],
  [/^claude/, 'anthropic'],
  [/^(gemini|gemma)/, 'gcp.gemini'],
]
const tierNames: { readonly [value: string]: string } = { priority: 'priority', flex: 'flex', batch: 'batch' }

export default {
  id: 'langfuse',
  name: 'Langfuse default model prices',
  from: 'github.com/langfuse/langfuse, worker/src/constants/default-model-prices.json',
  read(document) {
    const reader = new ListReader()
    for (const each of arrayOf(document, 'the list')) {
      const model = objectOf(each, 'a model')
      readModel(reader, String(model['modelName']), model)
    }
    return reader.reading()
  },
} satisfies PriceList

function readModel(reader: ListReader, id: string, model: Fields): void {
  const provider = families.find(([family]) => family.test(id))?.[1]
  if (provider === undefined) {
    reader.note(id, 'no provider is named')
    return
  }
  const tiers = arrayOf(model['pricingTiers'] ?? [], `${id} pricingTiers`).map((tier) => objectOf(tier, id))
  const base = tiers.find(({ isDefault }) => isDefault === true)
  if (base === undefined) return
  const higher: { over: number; inclusive: boolean; rates: Rates }[] = []
  const served: { tier: string; rates: Rates }[] = []
  for (const tier of tiers.filter((each) => each !== base)) {
    const rates = ratesOf(reader, tier, `${id} ${String(tier['name'])}`)
    const conditions = arrayOf(tier['conditions'] ?? [], id).map((condition) => objectOf(condition, id))
    const size = conditions.length === 1 ? sizeOf(conditions[0]!) : null
    const name = tierNames[String(tier['name']).toLowerCase()]
    if (size !== null) higher.push({ ...size, rates })
    else if (name !== undefined) served.push({ tier: name, rates })
    else reader.note(id, `a tier "${String(tier['name'])}" under ${JSON.stringify(conditions).slice(0, 80)}`)
  }
  const models = { exact: [id] }
  reader.add({ provider, models, bands: bandsOf(ratesOf(reader, base, id), higher) })
  for (const { tier, rates } of served)
    reader.add({ provider, models, when: { serviceTier: tier }, bands: bandsOf(rates, []) })
}

function ratesOf(reader: ListReader, tier: Fields, where: string): Rates {
  const prices = maybeObject(tier['prices']) ?? {}
  for (const key of Object.keys(prices)) if (keys[key] === undefined && !sameAs.test(key)) reader.note(where, key)
  return reader.rates(prices, keys, where)
}

function sizeOf({ usageDetailPattern, operator, value }: Fields): { over: number; inclusive: boolean } | null {
  if (typeof value !== 'number' || !/^\^?\(?input/.test(String(usageDetailPattern))) return null
  if (operator === 'gt') return { over: value, inclusive: false }
  return operator === 'gte' ? { over: value, inclusive: true } : null
}
