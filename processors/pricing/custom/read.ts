// Trees of the file and of API bodies → records in one form, and everything wrong with them at once.

import { nearName } from '../../../schemas/near-name.ts'
import { type UsageUnitName, usageUnits } from '../../../schemas/usage.ts'
import { type ConditionTest, conditionNames, type Rates, type Schedule, type When } from '../file.ts'
import { canonicalProvider } from '../provider-names.ts'
import { camel, Fields, type Finding, isMapping, Place, plainInstant, shown, type Tree } from './fields.ts'
import {
  type CustomAlias,
  type CustomDiscount,
  type CustomPlan,
  type CustomPrice,
  type CustomRecord,
  type CustomSettings,
  noSettings,
  planPeriods,
  type RecordKind,
  recordKinds,
  recordLists,
} from './form.ts'

export interface CustomPrices {
  readonly records: readonly CustomRecord[]
  /** Where each record stands in the text. */
  readonly places: ReadonlyMap<CustomRecord, Place>
  readonly settings: CustomSettings
  /** The whole text; its findings are those of all places. */
  readonly top: Place
}

const recordsMax = 10_000
const idForm = 'an id of letters, digits and . _ : / * @ - of at most 256 characters'
const idPattern = /^[A-Za-z0-9*][A-Za-z0-9._:/*@-]{0,255}$/
const modelForm = 'a model id, a prefix such as acme-*, or * for every model'
const modelPattern = /^[^\p{Cc}*]*\*?$/u
const amountForm = 'an amount such as 2.50, not below 0'
const percentForm = 'a percentage off the list from 0 to 100, such as 12.5'
const unitNames: readonly string[] = usageUnits.map(({ name }) => name)
const tokenUnits: ReadonlySet<string> = new Set(
  usageUnits
    .filter(({ name, key, partOf }) => (key === null || partOf !== null) && name !== 'annotatedPages')
    .map(({ name }) => name),
)

/** The whole file; an empty one holds nothing. */
export function readCustomPrices(tree: Tree): CustomPrices {
  const findings: Finding[] = []
  const places = new Map<CustomRecord, Place>()
  const top = new Place(findings, '', '')
  if (tree !== null && !isMapping(tree)) {
    top.say('', `is ${shown(tree)}: it should be a mapping with ${Object.keys(recordLists).join(', ')}`)
    return { records: [], places, settings: noSettings, top }
  }
  const fields = new Fields(top, '', tree ?? {})
  const settings = {
    organisations: namedLists(fields, 'organisations', 'organisation → its projects, such as {acme: [shop, search]}'),
    calendars: namedLists(fields, 'calendars', 'calendar → its dates, such as {holidays: [2026-12-25]}'),
  }
  for (const [list, kind] of Object.entries(recordLists)) {
    const items = fields.list(list, `one ${kind} per item`) ?? []
    if (items.length > recordsMax) fields.say(list, `has ${items.length} items, limit is ${recordsMax}`)
    for (const [i, item] of items.slice(0, recordsMax).entries()) {
      const place = new Place(findings, labelOf(item, list, i), `${list}.${i}`)
      const record = readItem(item, kind, place)
      if (record !== null) places.set(record, place)
    }
  }
  fields.close()
  checkDates(settings.calendars, top)
  return { records: [...places.keys()], places, settings, top }
}

/** One record as the API takes it, with its `kind` (`price` when not given) and the id of the address. */
export function readCustomRecord(tree: Tree, id: string): { record: CustomRecord | null; place: Place } {
  const place = new Place([], '', '')
  const none = { record: null, place }
  if (!isMapping(tree)) {
    place.say('', `is ${shown(tree)}: it should be an object`)
    return none
  }
  const { kind = 'price', ...rest } = tree
  const known = recordKinds.find((each) => each === kind)
  if (known === undefined) {
    place.say('kind', `${shown(kind)} is not one of ${recordKinds.join(', ')}`)
    return none
  }
  if (rest['id'] !== undefined && rest['id'] !== id)
    place.say('id', `${shown(rest['id'])} is not the id of the address, ${shown(id)}`)
  return { record: readItem({ ...rest, id }, known, place), place }
}

function labelOf(item: Tree, list: string, i: number): string {
  const names = isMapping(item) ? [item['id'], item['name'], item['model']].flat() : []
  const name = names.find((each) => typeof each === 'string')
  return `${list}[${i}]${name === undefined ? '' : ` ${shown(name)}`}`
}

/** null when it has findings. */
function readItem(item: Tree, kind: RecordKind, place: Place): CustomRecord | null {
  if (!isMapping(item)) {
    place.say('', `is ${shown(item)}: a ${kind} is a mapping`)
    return null
  }
  const before = place.findings.length
  const fields = new Fields(place, '', item)
  const record = kind === 'alias' ? readAlias(fields) : readOfModels(fields, kind)
  fields.close()
  return place.findings.length === before ? record : null
}

function readBase(fields: Fields) {
  const project = fields.texts('project', 'a project or a list of them')
  const organisation = fields.texts('organisation', 'an organisation or a list of them')
  if (project !== undefined && organisation !== undefined)
    fields.say(
      'organisation',
      'stands beside project: a record is for projects, or for organisations, or without both for all',
    )
  const validFrom = fields.instant('validFrom')
  const validTo = fields.instant('validTo')
  if (validFrom !== undefined && validTo !== undefined && validFrom >= validTo)
    fields.say('validTo', `${validTo} is not after validFrom ${validFrom}`)
  const recordedAt = fields.instant('recordedAt')
  const note = fields.text('note', 'a text of at most 512 characters in one line')
  return {
    ...(project === undefined ? {} : { project }),
    ...(organisation === undefined ? {} : { organisation }),
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validTo === undefined ? {} : { validTo }),
    ...(recordedAt === undefined ? {} : { recordedAt }),
    ...(note === undefined ? {} : { note }),
  }
}

function readProvider(fields: Fields, name: string, isNeeded: boolean): string {
  const form = 'a provider such as openai or aws.bedrock, or one of your own'
  const given = isNeeded ? fields.needed(name, form) : fields.text(name, form)
  if (given === undefined) return ''
  const provider = canonicalProvider(given)
  if (provider === '')
    fields.say(
      name,
      `${shown(given)} is a framework, which calls of any provider may name: say who bills${name === 'provider' && !isNeeded ? ', or leave it out' : ''}`,
    )
  return provider
}

function readOfModels(fields: Fields, kind: Exclude<RecordKind, 'alias'>): CustomRecord {
  const given = fields.text('id', idForm, idPattern)
  const provider = readProvider(fields, 'provider', true)
  const model = fields.texts('model', modelForm, modelPattern) ?? []
  if (!fields.has('model')) fields.say('model', `is missing: ${modelForm}`)
  if (model.includes('')) fields.say('model', `is empty: ${modelForm}`)
  const id = given ?? `${provider}/${model[0] ?? ''}`
  if (!fields.has('id') && provider !== '' && !idPattern.test(id))
    fields.say('id', `is missing and ${shown(id)} will not do: ${idForm}`)
  const base = { id, provider, model, ...readBase(fields), ...readWhen(fields) }
  if (kind === 'price') return { kind, ...base, ...readRates(fields) } satisfies CustomPrice
  if (kind === 'discount') return { kind, ...base, ...readDiscount(fields) } satisfies CustomDiscount
  return { kind, ...base, ...readFee(fields) } satisfies CustomPlan
}

function readAlias(fields: Fields): CustomAlias {
  const given = fields.text('id', idForm, idPattern)
  const provider = fields.has('provider') ? readProvider(fields, 'provider', false) : undefined
  const name = fields.needed('name', 'the name that calls report, or a prefix such as openai/*', modelPattern) ?? ''
  const to = fields.has('to') ? readProvider(fields, 'to', false) : undefined
  const model = fields.needed('model', 'the model it stands for', modelPattern) ?? ''
  if (provider === undefined && to === undefined)
    fields.say('to', 'is missing: an alias without provider says the provider of its model')
  if (model.includes('*') && !name.endsWith('*'))
    fields.say(
      'model',
      `${shown(model)} has a star, which stands for what a star in name matched; ${shown(name)} has none`,
    )
  const isSame = (to ?? provider) === provider && model === name
  if (isSame && model !== '') fields.say('model', 'is the name itself')
  const id = given ?? `${provider ?? 'any'}/${name}`
  if (!fields.has('id') && provider !== '' && !idPattern.test(id))
    fields.say('id', `is missing and ${shown(id)} will not do: ${idForm}`)
  return {
    kind: 'alias',
    id,
    ...(provider === undefined ? {} : { provider }),
    name,
    ...(to === undefined ? {} : { to }),
    model,
    ...readBase(fields),
  }
}

function readWhen(fields: Fields): { when?: When } {
  const tree = fields.mapping('when', 'a mapping of conditions, such as {serviceTier: batch}')
  if (tree === undefined) return {}
  const within = fields.within('when', tree)
  const tests: { [name: string]: ConditionTest } = {}
  for (const name of conditionNames) {
    const test = readTest(within, name)
    if (test !== undefined) tests[name] = test
  }
  const schedule = readSchedule(within)
  within.close()
  return { when: { ...tests, ...(schedule === undefined ? {} : { schedule }) } }
}

/** Values compare in lower case; `*` is any value, also none. */
function readTest(fields: Fields, name: string): ConditionTest | undefined {
  const form = 'a value, a list of values, {not: [values]} or * for any; "" is "not reported"'
  const anyText = /^[^\p{Cc}]*$/u
  const value = fields.take(name)
  if (value === undefined) return undefined
  if (value === '*') return { not: [] }
  if (isMapping(value)) {
    if (Array.isArray(value['not']) && value['not'].length === 0 && Object.keys(value).length === 1) return { not: [] }
    const within = fields.within(name, value)
    const not = within.texts('not', form, anyText)
    if (!within.has('not')) within.say('not', `is missing: ${form}`)
    within.close()
    return not === undefined ? undefined : { not: not.map((each) => each.toLowerCase()) }
  }
  const texts = fields.texts(name, form, anyText)?.map((each) => each.toLowerCase())
  return texts?.length === 1 ? texts[0] : texts
}

function readSchedule(fields: Fields): Schedule | undefined {
  const tree = fields.mapping('schedule', 'a mapping with zone, days, hours and exceptCalendar')
  if (tree === undefined) return undefined
  const within = fields.within('schedule', tree)
  const zone = within.needed('zone', 'an IANA time zone such as Europe/Berlin') ?? 'UTC'
  if (!isZone(zone)) within.say('zone', `${shown(zone)} is no IANA time zone, such as Europe/Berlin`)
  const dayForm = 'a weekday from 1 for Monday to 7 for Sunday'
  const days = within.list('days', `weekdays, ${dayForm}`)?.map((day, i) => {
    const number = within.wholeOf(day, `days[${i}]`, dayForm)
    if (number !== undefined && !(number >= 1 && number <= 7)) within.say(`days[${i}]`, `${number} is not ${dayForm}`)
    return number ?? 1
  })
  const hoursForm = 'clock hours such as 09:00-18:00, the end not included'
  const hours = within.texts('hours', hoursForm, /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/)
  for (const each of hours ?? []) if (each.slice(0, 5) === each.slice(6)) within.say('hours', `${shown(each)} is empty`)
  const exceptCalendar = within.text('exceptCalendar', 'the name of a calendar')
  within.close()
  return {
    zone,
    ...(days === undefined ? {} : { days }),
    ...(hours === undefined ? {} : { hours }),
    ...(exceptCalendar === undefined ? {} : { exceptCalendar }),
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function readRates(fields: Fields): Pick<CustomPrice, 'rates' | 'per' | 'currency'> & Partial<CustomPrice> {
  const form = 'a mapping of units and amounts, such as {input: 2, output: 8}'
  const given = fields.mapping('rates', form)
  if (given === undefined && !fields.has('rates')) fields.say('rates', `is missing: ${form}`)
  const rates = amounts(fields, 'rates', given ?? {})
  if (given !== undefined && Object.keys(given).length === 0) fields.say('rates', `is empty: ${form}`)
  const bands = readBands(fields, rates)
  const least = fields.mapping('minimum', 'a mapping of units and least quantities, such as {audioSeconds: 10}')
  const minimum = least === undefined ? undefined : amounts(fields, 'minimum', least)
  const currency = fields.text('currency', 'a currency code of three capitals such as EUR', /^[A-Z]{3}$/) ?? 'USD'
  return {
    rates,
    ...(bands === undefined ? {} : { bands }),
    per: readPer(fields, rates),
    ...(minimum === undefined ? {} : { minimum }),
    currency,
  }
}

function readBands(fields: Fields, base: Rates): CustomPrice['bands'] {
  const list = fields.list('bands', 'higher bands, each {over: TOKENS, rates: {…}}')
  let before = { over: 0, thinking: false }
  return list?.flatMap((item, i) => {
    if (!isMapping(item)) {
      fields.say(`bands[${i}]`, `is ${shown(item)}: a band is a mapping with over and rates`)
      return []
    }
    const band = fields.within(`bands[${i}]`, item)
    const form = 'a number of input tokens above which the band holds, cached ones included'
    const written = band.take('over')
    const thinking = band.flag('thinking') ?? false
    if (written === undefined && !thinking) band.say('over', `is missing: ${form}`)
    const over = written === undefined ? undefined : (band.wholeOf(written, 'over', form) ?? 0)
    // At one edge the band for thinking calls comes behind the one for all.
    const isRising = (over ?? 0) > before.over || ((over ?? 0) === before.over && thinking && !before.thinking)
    if ((written !== undefined || thinking) && !isRising)
      band.say('over', `${over ?? 0} is not above ${before.over}: bands rise`)
    before = { over: over ?? 0, thinking }
    const inclusive = band.flag('inclusive') ?? false
    const rates = amounts(band, 'rates', band.mapping('rates', 'a mapping of units and amounts') ?? {})
    for (const name of Object.keys(base))
      if (!(name in rates)) band.say(`rates.${name}`, 'is missing: a band lists every rate, also one that stays')
    for (const name of Object.keys(rates))
      if (!(name in base)) band.say(`rates.${name}`, 'is not among the rates of the first band')
    band.close()
    return [{ ...(over === undefined ? {} : { over, inclusive }), ...(thinking ? { thinking } : {}), rates }]
  })
}

/** Unit → decimal text, in the order of units, so that equal records are equal texts. */
function amounts(
  fields: Fields,
  at: string,
  tree: { readonly [key: string]: Tree },
): { [unit in UsageUnitName]?: string } {
  const found = new Map<string, string>()
  for (const [written, value] of Object.entries(tree)) {
    const name = unitOf(fields, at, written)
    if (name === undefined) continue
    if (found.has(name)) fields.say(`${at}.${written}`, 'is given twice')
    const plain = fields.decimalOf(value, `${at}.${written}`, amountForm)
    // Also when it is wrong: it is not missing besides.
    found.set(name, plain ?? '0')
  }
  return Object.fromEntries(unitNames.flatMap((name) => (found.has(name) ? [[name, found.get(name)!]] : [])))
}

function unitOf(fields: Fields, at: string, written: string): UsageUnitName | undefined {
  const name = camel(written).replace(/(?<=.)Tokens$/, '')
  if (unitNames.includes(name)) return name as UsageUnitName
  const near = nearName(name, unitNames)
  fields.say(
    `${at}.${written}`,
    `is no unit; ${near === undefined ? `there are ${unitNames.join(', ')}` : `did you mean ${near}?`}`,
  )
  return undefined
}

/** Tokens are priced by the million, everything else by the piece or second, unless said otherwise. */
function readPer(fields: Fields, rates: Rates): CustomPrice['per'] {
  const form = 'a whole number from 1, how many units a rate is for'
  const given = fields.take('per')
  const said = new Map<string, number>()
  const keep = (name: string, at: string, value: Tree): void => {
    const count = fields.wholeOf(value, at, form)
    if (count === 0) fields.say(at, `0 is not ${form}`)
    else if (count !== undefined) said.set(name, count)
  }
  if (isMapping(given)) {
    for (const [written, value] of Object.entries(given)) {
      const name = written === 'tokens' ? written : unitOf(fields, 'per', written)
      if (name !== undefined) keep(name, `per.${written}`, value)
    }
  } else if (given !== undefined) keep('tokens', 'per', given)
  const others = Object.keys(rates).filter((name) => !tokenUnits.has(name))
  return {
    tokens: said.get('tokens') ?? 1_000_000,
    ...Object.fromEntries(
      unitNames.flatMap((name) => {
        const count = said.get(name) ?? (others.includes(name) ? 1 : undefined)
        return count === undefined ? [] : [[name, count]]
      }),
    ),
  }
}

function readDiscount(fields: Fields): Pick<CustomDiscount, 'percent' | 'units'> {
  const value = fields.take('percent')
  if (value === undefined) fields.say('percent', `is missing: ${percentForm}`)
  const bare = typeof value === 'string' ? value.replace(/ ?%$/, '') : value
  const percent = bare === undefined ? '0' : (fields.decimalOf(bare, 'percent', percentForm) ?? '0')
  if (!(Number(percent) <= 100)) fields.say('percent', `${percent} is not ${percentForm}`)
  const units = fields
    .texts('units', 'a unit or a list of them')
    ?.flatMap((name, i) => unitOf(fields, `units[${i}]`, name) ?? [])
  return { percent, ...(units === undefined ? {} : { units }) }
}

function readFee(fields: Fields): Pick<CustomPlan, 'fee'> {
  const form = 'a fee such as {amount: 5000, currency: USD, period: month}'
  const tree = fields.mapping('fee', form)
  if (tree === undefined) return {}
  const within = fields.within('fee', tree)
  const amount = within.decimal('amount', amountForm)
  if (!within.has('amount')) within.say('amount', `is missing: ${form}`)
  const currency = within.text('currency', 'a currency code of three capitals such as EUR', /^[A-Z]{3}$/) ?? 'USD'
  const period = within.needed('period', `one of ${planPeriods.join(', ')}`)
  const known = planPeriods.find((each) => each === period)
  if (period !== undefined && known === undefined)
    within.say('period', `${shown(period)} is not one of ${planPeriods.join(', ')}`)
  within.close()
  return { fee: { amount: amount ?? '0', currency, period: known ?? 'month' } }
}

function namedLists(fields: Fields, name: string, form: string): { [name: string]: readonly string[] } {
  const tree = fields.mapping(name, form)
  if (tree === undefined) return {}
  const within = fields.within(name, tree)
  // Names in these mappings are the user's: they are kept as written.
  return Object.fromEntries(Object.keys(tree).map((key) => [key, within.texts(camel(key), form) ?? []]))
}

function checkDates(calendars: CustomSettings['calendars'], place: Place): void {
  for (const [name, dates] of Object.entries(calendars)) {
    for (const [i, date] of dates.entries()) {
      if (date.length !== 10 || plainInstant(date) === undefined)
        place.say(`calendars.${name}[${i}]`, `${shown(date)} is not a date such as 2026-12-25`)
    }
  }
}
