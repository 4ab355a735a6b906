// What must hold of all own prices together, and against the catalogue, before anybody is billed by them.

import { nearName } from '../../../schemas/near-name.ts'
import { compileEntry } from '../card.ts'
import { conditionNames } from '../file.ts'
import { customBookParts } from './compile.ts'
import { type Finding, Place, shown, type Tree } from './fields.ts'
import { type CustomAlias, type CustomRecord, type CustomSettings, noSettings } from './form.ts'
import { readCustomRecord } from './read.ts'

/** What the checks ask of the catalogue. */
export interface CatalogueNames {
  readonly providers: readonly string[]
  /** Canonical ids of a provider's models, for suggestions and patterns. */
  modelsOf(provider: string): readonly string[]
  /** Whether a call that names it could be priced, at whatever time. */
  knows(provider: string, model: string): boolean
  calendarsOf(provider: string): readonly string[]
}

export interface PlacedRecord {
  readonly record: CustomRecord
  readonly place: Place
}

/** One record of the API, for itself and among the others that hold; null when anything is wrong. */
export function checkRecord(
  tree: Tree,
  id: string,
  among: { catalogue: CatalogueNames; settings: CustomSettings; others: readonly PlacedRecord[] },
): { record: CustomRecord | null; findings: readonly Finding[] } {
  const { record, place } = readCustomRecord(tree, id)
  if (record !== null) {
    const all = [...among.others, { record, place }]
    checkCustomPrices(all, among.settings, new Place([], '', ''), among.catalogue)
  }
  return { record: place.findings.length === 0 ? record : null, findings: place.findings }
}

/** What is wrong among records that are sound each for itself. */
export function findingsTogether(
  records: readonly PlacedRecord[],
  settings: CustomSettings,
  catalogue: CatalogueNames,
): readonly Finding[] {
  const findings: Finding[] = []
  const placed = records.map(({ record, place }) => ({ record, place: new Place(findings, place.entry, place.path) }))
  checkCustomPrices(placed, settings, new Place(findings, '', ''), catalogue)
  return findings
}

/** Adds what is wrong to the findings of the places. */
export function checkCustomPrices(
  records: readonly PlacedRecord[],
  settings: CustomSettings,
  top: Place,
  catalogue: CatalogueNames,
): void {
  checkOrganisations(settings, top)
  checkIds(records)
  checkTwice(records)
  for (const { record, place } of records) {
    checkScope(record, settings, place)
    if (record.kind === 'alias') checkTarget(record, records, catalogue, place)
    else {
      checkCalendar(record, settings, catalogue, place)
      if (record.kind === 'discount') checkListed(record, catalogue, place)
      if (record.kind === 'price') checkRates(record, place)
    }
  }
}

function checkOrganisations({ organisations }: CustomSettings, top: Place): void {
  const owners = new Map<string, string>()
  for (const [name, projects] of Object.entries(organisations)) {
    for (const [i, project] of projects.entries()) {
      const other = owners.get(project)
      if (other !== undefined)
        top.say(`organisations.${name}[${i}]`, `project ${shown(project)} is of ${shown(other)} too: a project has one`)
      owners.set(project, name)
    }
  }
}

function checkIds(records: readonly PlacedRecord[]): void {
  const seen = new Map<string, Place>()
  for (const { record, place } of records) {
    const other = seen.get(record.id)
    if (other !== undefined) {
      const advice = 'give each record an id of its own'
      place.say('id', `${shown(record.id)} is the id of ${other.entry} too: ${advice}`)
    } else seen.set(record.id, place)
  }
}

/** Two that are as good as each other: which one prices a call would be chance. */
function checkTwice(records: readonly PlacedRecord[]): void {
  const seen = new Map<string, PlacedRecord>()
  for (const placed of records) {
    for (const key of questionsOf(placed.record)) {
      const other = seen.get(key)
      if (other !== undefined && other.record.id !== placed.record.id) {
        placed.place.say(
          '',
          `says the same calls as ${other.place.entry || shown(other.record.id)} from the same instant: keep one, or let them differ in validFrom, when or scope`,
        )
        break
      }
      seen.set(key, placed)
    }
  }
}

/** What a record answers, one text for each name and scope; equal texts are a conflict. */
function questionsOf(record: CustomRecord): readonly string[] {
  const when = record.kind === 'alias' ? {} : (record.when ?? {})
  const conditions = [...conditionNames.map((name) => when[name] ?? null), when.schedule ?? null]
  const names = record.kind === 'alias' ? [record.name] : record.model
  const { project, organisation, validFrom, recordedAt } = record
  const scopes = [...(project ?? []).map((name) => `p ${name}`), ...(organisation ?? []).map((name) => `o ${name}`)]
  return (scopes.length === 0 ? [''] : scopes).flatMap((scope) =>
    names.map((name) =>
      JSON.stringify([
        record.kind === 'alias',
        record.provider ?? '',
        name,
        scope,
        validFrom ?? '',
        recordedAt ?? '',
        conditions,
      ]),
    ),
  )
}

function checkScope({ organisation }: CustomRecord, { organisations }: CustomSettings, place: Place): void {
  for (const [i, name] of (organisation ?? []).entries()) {
    if (Object.hasOwn(organisations, name)) continue
    place.say(`organisation[${i}]`, `${shown(name)} is not among organisations, which says what projects it has`)
  }
}

function checkCalendar(
  { when, provider }: Exclude<CustomRecord, CustomAlias>,
  { calendars }: CustomSettings,
  catalogue: CatalogueNames,
  place: Place,
): void {
  const name = when?.schedule?.exceptCalendar
  if (name === undefined) return
  const known = [...Object.keys(calendars), ...catalogue.calendarsOf(provider)]
  if (known.includes(name)) return
  const advice = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`
  place.say('when.schedule.exceptCalendar', `${shown(name)} is no calendar: ${advice}; give its dates under calendars`)
}

function checkListed(
  record: Extract<CustomRecord, { kind: 'discount' }>,
  catalogue: CatalogueNames,
  place: Place,
): void {
  const { provider, model } = record
  if (!catalogue.providers.includes(provider)) {
    const near = nearName(provider, catalogue.providers)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    place.say('provider', `${shown(provider)} has no price list to take a discount off${hint}`)
    return
  }
  const models = catalogue.modelsOf(provider)
  for (const [i, pattern] of model.entries()) {
    const isListed = pattern.endsWith('*')
      ? models.some((name) => name.startsWith(pattern.slice(0, -1)))
      : catalogue.knows(provider, pattern)
    if (!isListed) place.say(fieldOf(model, i), `${shown(pattern)} ${unlisted(provider, pattern, models)}`)
  }
}

function checkRates(record: Extract<CustomRecord, { kind: 'price' }>, place: Place): void {
  const [override] = customBookParts([{ record, seenAt: '1970-01-01T00:00:00Z' }], noSettings).overrides
  if (override === undefined) return
  try {
    compileEntry(override)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    place.say('rates', `${error.message.replace(`${override.id}: `, '')}: write fewer digits, or a smaller per`)
  }
}

function checkTarget(
  { provider, to, model }: CustomAlias,
  records: readonly PlacedRecord[],
  catalogue: CatalogueNames,
  place: Place,
): void {
  const target = to ?? provider ?? ''
  const isOwn = records.some(({ record }) => {
    if (record.provider !== undefined && record.provider !== target) return false
    const names = record.kind === 'alias' ? [record.name] : record.model
    return names.some((name) => (name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : name === model))
  })
  if (isOwn || model.includes('*') || catalogue.knows(target, model)) return
  place.say(
    'model',
    `${shown(model)} ${unlisted(target, model, catalogue.modelsOf(target))}; or give it a price of your own`,
  )
}

function unlisted(provider: string, model: string, models: readonly string[]): string {
  const near = nearName(model.replace(/\*$/, ''), models)
  return `is no model of ${shown(provider)} in the price book${near === undefined ? '' : `; did you mean ${near}?`}`
}

function fieldOf(list: readonly string[], i: number): string {
  return list.length === 1 ? 'model' : `model[${i}]`
}
