// anomalyco/models.dev: providers with models; `cost` in USD per million tokens, higher tiers by prompt size.

import {
  arrayOf,
  bandsOf,
  ListReader,
  maybeObject,
  objectOf,
  type PriceList,
  type RateTable,
} from '../pricing/price-list.ts'

const keys: RateTable = {
  input: ['input', 0],
  output: ['output', 0],
  cache_read: ['cacheRead', 0],
  cache_write: ['cacheWrite', 0],
  reasoning: ['reasoning', 0],
  input_audio: ['inputAudio', 0],
  output_audio: ['outputAudio', 0],
}
const others = new Set(['tiers', 'context_over_200k', 'tier'])

export default {
  id: 'models-dev',
  name: 'models.dev',
  from: 'models.dev/api.json',
  read(document) {
    const reader = new ListReader()
    for (const [provider, value] of Object.entries(objectOf(document, 'the list'))) {
      const models = objectOf(objectOf(value, provider)['models'], `${provider} models`)
      for (const [id, model] of Object.entries(models)) {
        const cost = maybeObject(objectOf(model, id)['cost'])
        if (cost !== null) readCost(reader, provider.replace(/^google-vertex-anthropic$/, 'google-vertex'), id, cost)
      }
    }
    return reader.reading()
  },
} satisfies PriceList

function readCost(reader: ListReader, provider: string, id: string, cost: { readonly [name: string]: unknown }): void {
  const where = `${provider} ${id}`
  for (const key of Object.keys(cost)) if (keys[key] === undefined && !others.has(key)) reader.note(where, key)
  const tiers = cost['tiers'] === undefined ? [] : arrayOf(cost['tiers'], `${where} tiers`)
  const higher = tiers.map((each) => {
    const tier = objectOf(each, `${where} tiers`)
    const over = Number(maybeObject(tier['tier'])?.['size'])
    return { over, inclusive: false, rates: reader.rates(tier, keys, `${where} over ${over}`) }
  })
  // The older form of the same tier.
  const over200k = higher.length === 0 ? maybeObject(cost['context_over_200k']) : null
  if (over200k !== null)
    higher.push({ over: 200_000, inclusive: false, rates: reader.rates(over200k, keys, `${where} over 200000`) })
  reader.add({ provider, models: { exact: [id] }, bands: bandsOf(reader.rates(cost, keys, where), higher) })
}
