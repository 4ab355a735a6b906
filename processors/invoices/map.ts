// What the user says about names on bills: labels that no rule reads, and accounts that are projects of the ledger.

import { type Dimensions, type Family, InvoiceError, type Meaning, toolFamilies } from './line.ts'

export interface MapFile {
  /** By `provider word\nlabel`, provider '' for all. */
  readonly labels: ReadonlyMap<string, Meaning>
  /** Provider's account → project of the ledger. */
  readonly accounts: ReadonlyMap<string, string>
}

export const emptyMap: MapFile = { labels: new Map(), accounts: new Map() }

/** A kind as bills and the ledger's questions name it. */
export interface Kind {
  readonly family: Family
  readonly dimensions: Partial<Dimensions>
}

const kinds: Readonly<Record<string, Kind>> = {
  input: { family: 'input', dimensions: {} },
  cache_read: { family: 'cache_read', dimensions: {} },
  cache_write: { family: 'cache_write', dimensions: {} },
  cache_write_5m: { family: 'cache_write', dimensions: { ttl: '' } },
  cache_write_1h: { family: 'cache_write', dimensions: { ttl: '1h' } },
  output: { family: 'output', dimensions: {} },
  input_audio: { family: 'input', dimensions: { modality: 'audio' } },
  input_image: { family: 'input', dimensions: { modality: 'image' } },
  input_video: { family: 'input', dimensions: { modality: 'video' } },
  cache_read_audio: { family: 'cache_read', dimensions: { modality: 'audio' } },
  output_audio: { family: 'output', dimensions: { modality: 'audio' } },
  output_image: { family: 'output', dimensions: { modality: 'image' } },
  output_reasoning: { family: 'output', dimensions: {} },
  citation: { family: 'output', dimensions: {} },
  image: { family: 'images', dimensions: {} },
  grounded_request: { family: 'web_search', dimensions: {} },
  requests: { family: 'requests', dimensions: {} },
  other: { family: 'other', dimensions: {} },
  ...Object.fromEntries(toolFamilies.map((family) => [family, { family, dimensions: {} }])),
}

export const kindNames: readonly string[] = Object.keys(kinds)

export function kindOf(name: string): Kind | null {
  return Object.hasOwn(kinds, name) ? (kinds[name] ?? null) : null
}

/** The other way: cache_write with ttl 1h is cache_write_1h, and cache_write of the usual life cache_write_5m. */
export function kindName(family: string, dimensions: Dimensions): string {
  const modality = dimensions.modality ?? ''
  if (family === 'cache_write' && dimensions.ttl !== null)
    return `cache_write_${dimensions.ttl === '' ? '5m' : dimensions.ttl}`
  return modality === '' ? family : `${family}_${modality}`
}

/**
 * A parsed map file: `{ labels: [{ provider?, label, model, kind, tier?, geo?, band?, speed? }], accounts: { bill: project } }`.
 * Throws InvoiceError naming the entry and the field.
 */
export function readMap(value: unknown): MapFile {
  const file = objectIn(value, 'the map')
  for (const name of Object.keys(file))
    if (name !== 'labels' && name !== 'accounts') throw new InvoiceError(`the map has no "${name}": labels, accounts`)
  const labels = new Map<string, Meaning>()
  const entries = file['labels'] ?? []
  if (!Array.isArray(entries)) throw new InvoiceError('labels is no list')
  for (const [i, entry] of entries.entries()) {
    const where = `labels[${i}]`
    const given = objectIn(entry, where)
    const text = (name: string): string | null => textIn(given, name, where)
    for (const name of Object.keys(given)) {
      if (!['provider', 'label', 'model', 'kind', 'tier', 'geo', 'band', 'speed'].includes(name))
        throw new InvoiceError(`${where} has no field "${name}"`)
    }
    const label = text('label')
    if (label === null) throw new InvoiceError(`${where}.label is missing: the text as the bill prints it`)
    const kind = kindOf(text('kind') ?? '')
    if (kind === null) throw new InvoiceError(`${where}.kind: one of ${kindNames.join(', ')}`)
    const said = Object.fromEntries(
      ['tier', 'geo', 'band', 'speed'].flatMap((name) =>
        text(name) === null ? [] : [[name, usualText(name, text(name) ?? '')]],
      ),
    )
    labels.set(`${text('provider') ?? ''}\n${label}`, {
      model: text('model') ?? '',
      family: kind.family,
      dimensions: { ...kind.dimensions, ...said },
      isModelId: true,
    })
  }
  const accounts = Object.entries(objectIn(file['accounts'] ?? {}, 'accounts')).map(([account, project]) => {
    if (typeof project !== 'string') throw new InvoiceError(`accounts.${account}: the name of a project is expected`)
    return [account, project] as const
  })
  return { labels, accounts: new Map(accounts) }
}

/** What the user said about a label; null when nothing. */
export function mapped(map: MapFile, provider: string, label: string): Meaning | null {
  return map.labels.get(`${provider}\n${label}`) ?? map.labels.get(`\n${label}`) ?? null
}

const usualWords: Readonly<Record<string, readonly string[]>> = {
  tier: ['standard', 'default', 'on_demand', 'auto', 'std'],
  geo: ['global', 'not_available', 'none', 'global-standard', 'globalstandard', 'global-batch'],
  band: ['short', '0-200k', '≤ 200k', '<= 200k'],
  speed: ['standard', 'normal'],
  ttl: ['5m'],
  modality: ['text'],
}

/** Spellings of the same place. */
const placeWords: Readonly<Record<string, string>> = {
  datazone: 'data_zone',
  'data-zone': 'data_zone',
  'datazone-standard': 'data_zone',
  'datazone-batch': 'data_zone',
  standard: 'regional',
}

/** A value in lower case, '' for the one that has no price of its own. */
export function usualText(name: string, value: string): string {
  const text = value.trim().toLowerCase()
  if (usualWords[name]?.includes(text) === true) return ''
  return name === 'geo' ? (placeWords[text] ?? text) : text
}

function objectIn(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvoiceError(`${where} is no object`)
  return value as Record<string, unknown>
}

function textIn(given: Record<string, unknown>, name: string, where: string): string | null {
  const value = given[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new InvoiceError(`${where}.${name} is no text`)
  return value
}
