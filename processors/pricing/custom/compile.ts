// Records of users → entries and aliases that a price book can choose from.

import { createHash } from 'node:crypto'
import { usageUnits } from '../../../schemas/usage.ts'
import type { OverrideAlias, PriceEntry, PriceOverride, Rates } from '../file.ts'
import type { CustomAlias, CustomDiscount, CustomPlan, CustomPrice, CustomRecord, CustomSettings } from './form.ts'

/** What a price book takes besides the catalogue. */
export interface CustomBookParts {
  readonly overrides: readonly PriceOverride[]
  readonly aliases: readonly OverrideAlias[]
  readonly settings: CustomSettings
}

export interface SeenRecord {
  readonly record: CustomRecord
  /** When the collector first saw it, as `YYYY-MM-DDTHH:MM:SSZ`; what the record itself gives goes before it. */
  readonly seenAt: string
}

export function customBookParts(seen: readonly SeenRecord[], settings: CustomSettings): CustomBookParts {
  return {
    overrides: seen.flatMap(({ record, seenAt }) => (record.kind === 'alias' ? [] : [overrideOf(record, seenAt)])),
    aliases: seen.flatMap(({ record, seenAt }) => (record.kind === 'alias' ? [aliasOf(record, seenAt)] : [])),
    settings,
  }
}

/**
 * Id of the entry, as on the rows it prices: `price:acme-large@3fa9c1d2`. The last part is a hash of the content, so that
 * a changed record has another id, and the same record the same one on every collector.
 */
export function entryIdOf(record: CustomRecord): string {
  const hash = createHash('sha256').update(JSON.stringify(record)).digest('hex')
  return `${record.kind}:${record.id}@${hash.slice(0, 8)}`
}

const everyUnit = usageUnits.map(({ name }) => name)
const nothing: Rates = Object.fromEntries(everyUnit.map((name) => [name, '0']))
const each = Object.fromEntries([...everyUnit, 'tokens'].map((name) => [name, 1]))
/** A fee covers the calls whatever tier or speed served them. */
const whateverTier = { serviceTier: { not: [] }, speed: { not: [] } }

function overrideOf(record: Exclude<CustomRecord, CustomAlias>, seenAt: string): PriceOverride {
  const exact = record.model.filter((name) => !name.endsWith('*'))
  const prefix = record.model.flatMap((name) => (name.endsWith('*') ? [name.slice(0, -1)] : []))
  return {
    id: entryIdOf(record),
    provider: record.provider,
    models: { exact, ...(prefix.length === 0 ? {} : { prefix }) },
    ...datesOf(record, seenAt),
    ...scopeOf(record),
    ...termsOf(record),
    source: [{ what: sourceOf(record) }],
    confidence: 'high',
  }
}

type Terms = Pick<PriceEntry, 'when' | 'bands' | 'per' | 'minimum' | 'currency'> &
  Pick<PriceOverride, 'discount' | 'plan'>

function termsOf(record: CustomPrice | CustomDiscount | CustomPlan): Terms {
  const when = record.when === undefined ? {} : { when: record.when }
  switch (record.kind) {
    case 'price': {
      const higher = (record.bands ?? []).map(({ over, inclusive = false, thinking, rates }) => ({
        ...(over === undefined ? {} : { inputTokens: { over, inclusive } }),
        ...(thinking === undefined ? {} : { thinking }),
        rates,
      }))
      const minimum = record.minimum === undefined ? {} : { minimum: record.minimum }
      return {
        ...when,
        bands: [{ rates: record.rates }, ...higher],
        per: record.per,
        ...minimum,
        currency: record.currency,
      }
    }
    case 'discount': {
      const { percent, units } = record
      return {
        ...when,
        bands: [{ rates: {} }],
        per: {},
        currency: 'USD',
        discount: { percent, ...(units === undefined ? {} : { units }) },
      }
    }
    case 'plan':
      return {
        when: { ...whateverTier, ...record.when },
        bands: [{ rates: nothing }],
        per: each,
        currency: 'USD',
        plan: record.fee ?? null,
      }
  }
}

function aliasOf(record: CustomAlias, seenAt: string): OverrideAlias {
  return {
    id: entryIdOf(record),
    provider: record.provider ?? null,
    name: record.name,
    to: record.to ?? null,
    model: record.model,
    ...datesOf(record, seenAt),
    ...scopeOf(record),
  }
}

function datesOf({ validFrom, validTo, recordedAt }: CustomRecord, seenAt: string) {
  return { validFrom: validFrom ?? null, validTo: validTo ?? null, recordedAt: recordedAt ?? seenAt }
}

function scopeOf({ project, organisation }: CustomRecord): Pick<PriceOverride, 'scope' | 'names'> {
  if (project !== undefined) return { scope: 'project', names: project }
  if (organisation !== undefined) return { scope: 'organisation', names: organisation }
  return { scope: 'installation' }
}

function sourceOf(record: Exclude<CustomRecord, CustomAlias>): string {
  const what = { price: 'own price', discount: 'own discount', plan: 'own plan' }[record.kind]
  const terms =
    record.kind === 'discount'
      ? ` of ${record.percent} %`
      : record.kind === 'plan' && record.fee !== undefined
        ? `, ${record.fee.amount} ${record.fee.currency} a ${record.fee.period}`
        : ''
  return `${what} ${record.id}${terms}${record.note === undefined ? '' : `: ${record.note}`}`
}
