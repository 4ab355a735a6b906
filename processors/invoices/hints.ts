// The price book as hints for reading bills: which models it knows, and what a kind of theirs costs under each condition.

import type { UsageUnitName } from '../../schemas/usage.ts'
import type { BookEntry } from '../pricing/book.ts'
import { picoFraction } from '../pricing/card.ts'
import type { ConditionTest } from '../pricing/file.ts'
import type { KnownRate, PriceHints } from './finding.ts'
import { modelKey } from './labels.ts'
import { usualText } from './map.ts'

/** Usage unit by kind, where the book prices it. */
const units: Readonly<Record<string, UsageUnitName>> = {
  input: 'input',
  cache_read: 'cacheRead',
  cache_write: 'cacheWrite',
  cache_write_1h: 'cacheWrite1h',
  output: 'output',
  input_audio: 'inputAudio',
  input_image: 'inputImage',
  input_video: 'inputVideo',
  cache_read_audio: 'cacheReadAudio',
  output_audio: 'outputAudio',
  output_image: 'outputImage',
  web_search: 'webSearch',
  file_search: 'fileSearch',
  code_session: 'codeSession',
  search_unit: 'searchUnit',
  images: 'images',
  characters: 'characters',
  audio_seconds: 'audioSeconds',
  video_seconds: 'videoSeconds',
  pages: 'pages',
}

const perUnit = 10n ** 12n

/** Entries in USD alone; superseded ones are left out. */
export function priceHints(entries: readonly BookEntry[]): PriceHints {
  const superseded = new Set(entries.flatMap(({ supersedes }) => supersedes ?? []))
  const byModel = new Map<string, BookEntry[]>()
  const models = new Set<string>()
  for (const entry of entries) {
    if (entry.currency !== 'USD' || superseded.has(entry.id)) continue
    for (const name of entry.models.exact) {
      models.add(name)
      // Tools are not billed by model: any entry of the provider may say what they cost.
      for (const key of [`${entry.provider}\n${modelKey(name)}`, `${entry.provider}\n`]) {
        const known = byModel.get(key)
        if (known === undefined) byModel.set(key, [entry])
        else if (known.at(-1) !== entry && !known.includes(entry)) known.push(entry)
      }
    }
  }
  return {
    models: () => models,
    rates({ provider, model, family, dimensions, day }) {
      const name =
        family === 'cache_write' && dimensions.ttl === '1h'
          ? 'cache_write_1h'
          : [family, dimensions.modality ?? ''].filter((each) => each !== '').join('_')
      const unit = units[name]
      if (unit === undefined) return []
      return (byModel.get(`${provider}\n${model}`) ?? []).flatMap((entry) => ratesOf(entry, unit, day))
    },
  }
}

function ratesOf(entry: BookEntry, unit: UsageUnitName, day: string): KnownRate[] {
  const noon = `${day}T12:00:00Z`
  const isCurrent =
    (entry.validFrom === null || entry.validFrom <= noon) && (entry.validTo === null || entry.validTo > noon)
  return entry.bands.flatMap((band, i): KnownRate[] => {
    const price = band.rates[unit]
    const per = entry.per[unit] ?? entry.per['tokens']
    if (price === undefined || per === undefined) return []
    const { numerator, denominator } = picoFraction(price, per)
    return geosOf(entry).map((geo) => ({
      price: [numerator, denominator * perUnit],
      dimensions: {
        tier: usualText('tier', one(entry.when?.serviceTier)),
        geo,
        speed: usualText('speed', one(entry.when?.speed)),
        band: i === 0 ? '' : 'long',
      },
      isCurrent,
      from: entry.validFrom?.slice(0, 10) ?? '',
    }))
  })
}

/** Each place an entry holds for: by residency, kind of deployment or region. Of regions bills tell global ones from others. */
function geosOf({ when }: BookEntry): string[] {
  const named = [when?.dataResidency, when?.deploymentType].find((test) => places(test).length > 0)
  if (named !== undefined) return [...new Set(places(named).map((place) => usualText('geo', place)))]
  const regions = places(when?.region)
  if (regions.length > 0) {
    if (regions.some((region) => region === '' || region === 'global')) return ['']
    return [regions.every((region) => region.includes('gov')) ? 'gov' : 'regional']
  }
  const region = when?.region
  const excluded = typeof region === 'object' && region !== null && 'not' in region ? region.not : []
  return [excluded.includes('global') ? 'regional' : '']
}

function places(test: ConditionTest | null | undefined): readonly string[] {
  if (typeof test === 'string') return [test]
  return test !== null && test !== undefined && !('not' in test) ? test : []
}

function one(test: ConditionTest | null | undefined): string {
  if (typeof test === 'string') return test
  return Array.isArray(test) ? String(test.find((each) => each !== '') ?? '') : ''
}
