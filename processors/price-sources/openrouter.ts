// OpenRouter's list of models: `pricing` in USD a token as text, dearer from a prompt size on. A list price is not what a
// call costs there: the response says that.

import { arrayOf, bandsOf, ListReader, objectOf, type PriceList, type RateTable } from '../pricing/price-list.ts'

const keys: RateTable = {
  prompt: ['input', 6],
  completion: ['output', 6],
  input_cache_read: ['cacheRead', 6],
  input_cache_write: ['cacheWrite', 6],
  input_cache_write_1h: ['cacheWrite1h', 6],
  internal_reasoning: ['reasoning', 6],
  audio: ['inputAudio', 6],
  input_audio_cache: ['cacheReadAudio', 6],
  audio_output: ['outputAudio', 6],
  image: ['inputImage', 6],
  image_output: ['outputImage', 6],
  request: ['requests', 3],
  web_search: ['webSearch', 3],
}

export default {
  id: 'openrouter',
  name: 'OpenRouter models list',
  from: 'openrouter.ai/api/v1/models',
  read(document) {
    const reader = new ListReader()
    for (const each of arrayOf(objectOf(document, 'the list')['data'], 'data')) {
      const { id, pricing } = objectOf(each, 'a model')
      if (typeof id === 'string') readPricing(reader, id, objectOf(pricing, `${id} pricing`))
    }
    return reader.reading()
  },
} satisfies PriceList

function readPricing(reader: ListReader, id: string, pricing: { readonly [name: string]: unknown }): void {
  const { overrides = [], ...own } = pricing
  for (const key of Object.keys(own)) if (keys[key] === undefined) reader.note(id, key)
  // A router asks −1: it charges what the model it chooses charges.
  if (own['prompt'] === '-1') {
    reader.note(id, 'a price that depends on the model it routes to')
    return
  }
  const higher = arrayOf(overrides, `${id} overrides`).flatMap((each) => {
    const { min_prompt_tokens, ...rates } = objectOf(each, `${id} overrides`)
    if (typeof min_prompt_tokens === 'number')
      return [
        {
          over: min_prompt_tokens,
          inclusive: true,
          rates: reader.rates(rates, keys, `${id} from ${min_prompt_tokens}`),
        },
      ]
    reader.note(id, 'an override by something else than the prompt size')
    return []
  })
  reader.add({ provider: 'openrouter', models: { exact: [id] }, bands: bandsOf(reader.rates(own, keys, id), higher) })
}
