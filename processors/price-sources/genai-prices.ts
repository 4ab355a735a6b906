// pydantic/genai-prices: providers with models, a match rule and one price set, or several under a date or a clock time.
// Amounts are USD per million tokens; a tier holds for input above its start, and moves the whole request.

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

const keys: RateTable = {
  input_mtok: ['input', 0],
  output_mtok: ['output', 0],
  cache_read_mtok: ['cacheRead', 0],
  cache_write_mtok: ['cacheWrite', 0],
  cache_write_5m_mtok: ['cacheWrite', 0],
  cache_write_1h_mtok: ['cacheWrite1h', 0],
  input_audio_mtok: ['inputAudio', 0],
  output_audio_mtok: ['outputAudio', 0],
  cache_audio_read_mtok: ['cacheReadAudio', 0],
  input_image_mtok: ['inputImage', 0],
  output_image_mtok: ['outputImage', 0],
  input_video_mtok: ['inputVideo', 0],
  output_reasoning_mtok: ['reasoning', 0],
  output_citation_mtok: ['citation', 0],
  requests_kcount: ['requests', 0],
  web_searches_kcount: ['webSearch', 0],
  storage_searches_kcount: ['fileSearch', 0],
  audio_hours: ['audioSeconds', 0],
  input_audio_hours: ['audioSeconds', 0],
  input_document_kpages: ['pages', 0],
  input_annotated_document_kpages: ['annotatedPages', 0],
}

export default {
  id: 'genai-prices',
  name: 'genai-prices',
  from: 'github.com/pydantic/genai-prices, prices/data.json; or the package @pydantic/genai-prices itself',
  read(document) {
    const reader = new ListReader()
    for (const each of arrayOf(document, 'the list')) {
      const { id, models } = objectOf(each, 'a provider')
      for (const model of arrayOf(models, `${String(id)} models`))
        readModel(reader, String(id), objectOf(model, 'a model'))
    }
    return reader.reading()
  },
} satisfies PriceList

function readModel(reader: ListReader, provider: string, model: { readonly [name: string]: unknown }): void {
  const id = String(model['id'])
  const where = `${provider} ${id}`
  const models = namesOf(reader, id, maybeObject(model['match']), where)
  const sets = Array.isArray(model['prices']) ? model['prices'] : [{ prices: model['prices'] }]
  for (const [i, set] of sets.entries()) {
    const { constraint, prices } = objectOf(set, where)
    const dated = maybeObject(constraint)
    const from = instantOf(dated?.['start_date'])
    const clock = dated !== null && from === null ? clockOf(dated) : null
    if (dated !== null && from === null && clock === null) {
      reader.note(where, `a price under ${JSON.stringify(constraint)}`)
      continue
    }
    const later = sets
      .slice(i + 1)
      .map((other) => instantOf(maybeObject(maybeObject(other)?.['constraint'])?.['start_date']))
    reader.add({
      provider,
      models,
      validFrom: from,
      validTo: clock === null ? (later.find((at) => at !== null) ?? null) : null,
      ...(clock === null ? {} : { when: { schedule: { zone: 'UTC', hours: [clock] } } }),
      bands: priceBands(reader, objectOf(prices, where), where),
    })
  }
}

function priceBands(reader: ListReader, prices: { readonly [name: string]: unknown }, where: string) {
  const flat: { [key: string]: unknown } = {}
  const tiers = new Map<number, { [key: string]: unknown }>()
  for (const [key, value] of Object.entries(prices)) {
    if (keys[key] === undefined) reader.note(where, `the unit ${key}`)
    const tiered = maybeObject(value)
    flat[key] = tiered === null ? value : tiered['base']
    for (const tier of tiered === null ? [] : arrayOf(tiered['tiers'], where)) {
      const { start, price } = objectOf(tier, where)
      tiers.set(Number(start), { ...tiers.get(Number(start)), [key]: price })
    }
  }
  const base: Rates = reader.rates(flat, keys, where)
  const higher = [...tiers].map(([over, rates]) => ({
    over,
    inclusive: false,
    rates: reader.rates(rates, keys, `${where} over ${over}`),
  }))
  return bandsOf(base, higher)
}

/** `equals` is an id and `starts_with` a prefix; looser rules are not ours. */
function namesOf(
  reader: ListReader,
  id: string,
  match: { readonly [name: string]: unknown } | null,
  where: string,
): { exact: string[]; prefix?: string[] } {
  const exact = new Set([id])
  const rules = match === null ? [] : Array.isArray(match['or']) ? match['or'].map(maybeObject) : [match]
  const loose = new Set<string>()
  for (const rule of rules) {
    if (typeof rule?.['equals'] === 'string') exact.add(rule['equals'])
    else for (const name of Object.keys(rule ?? {})) loose.add(name)
  }
  if (loose.size > 0) reader.note(where, `names by ${[...loose].join(', ')}: only the exact ones are taken`)
  return { exact: [...exact] }
}

function instantOf(date: unknown): string | null {
  return typeof date === 'string' && /^\d{4}-\d\d-\d\d$/.test(date) ? `${date}T00:00:00Z` : null
}

function clockOf(constraint: { readonly [name: string]: unknown }): string | null {
  const [start, end] = [constraint['start_time'], constraint['end_time']].map((time) =>
    typeof time === 'string' ? (/^(\d\d:\d\d):00(?:Z|\+00:00)?$/.exec(time)?.[1] ?? '') : '',
  )
  return start && end ? `${start}-${end}` : null
}
