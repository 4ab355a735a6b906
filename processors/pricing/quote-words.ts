// A quote in words, for a terminal: each step on the way to the price, so that it can be worked out on paper.

import type { UsageUnitName } from '../../schemas/usage.ts'
import type { Considered, Lookup, Verdict } from './consider.ts'
import type { SplitStep } from './explain.ts'
import type { ConditionTest, PriceEntry, PriceOverride } from './file.ts'
import type { Quote, QuotedBand } from './quote.ts'
import { namedConditions, namedUnits } from './usage-names.ts'

const reasons: Readonly<Record<string, string>> = {
  unknown_provider: 'no price file is of this provider',
  unknown_model: 'the provider’s file has no entry for this model that is valid at that time',
  no_rate_for_tier: 'the model has no price under these conditions',
  no_rate_for_unit: 'a unit of the call has no rate; the total covers the rest',
  no_usage: 'no usage was given: unknown is not zero',
  usage_not_split: 'how the counts divide into what has different prices is not known',
  bad_quantity: 'a count is below zero, a fraction of a whole thing, greater than its total, or too large',
  cache_exceeds_input: 'more tokens were cached than there was input',
  reasoning_exceeds_output: 'more tokens were reasoning than there was output',
}

const flagWords: Readonly<Record<string, string>> = {
  announced_price: 'the price was announced for that time and not yet seen in force',
  fallback_rate: 'cache or reasoning tokens have no rate of their own and are charged as what they are a part of',
  standard_rate_used: 'a condition was said that nobody has a price for: charged at the standard rate',
  tier_assumed: 'the model has other tiers and none was said: standard assumed',
  usage_semantics_assumed: 'whether input includes the cache was assumed',
  cache_untold:
    'the sender does not tell cached tokens: left out of the input they are not in the cost, within it they cost as others',
  provider_inferred: 'no provider was said: taken for the only one with that model',
}

const flagOf = new Map(namedUnits.map(({ name, flag }) => [name, flag.replaceAll('-', ' ')]))
const conditionFlag = new Map(namedConditions.map(({ name, flag }) => [name, flag.replaceAll('-', ' ')]))

/** As of which instant the book is asked, for the head. */
export function quoteWords(quote: Quote, asOf: string): string {
  const sections = [
    head(quote, asOf),
    section('1 Name', nameLines(quote)),
    section('2 Entries considered', quote.lookups.flatMap(lookupLines)),
    section('3 Price', priceLines(quote)),
    section('4 Quantities, each token in one of them', quantityLines(quote)),
    section('5 Amounts: quantity × price ÷ per', amountLines(quote)),
    section('6 Total', totalLines(quote)),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`.trimEnd())].join('\n')
}

function head({ provider, model, at, usage, conditions, priceBook }: Quote, asOf: string): string {
  const counts = Object.entries(usage).map(([name, count]) => `${unitWords(name as UsageUnitName)} ${grouped(count)}`)
  const said = conditions.map(({ name, said: value }) => `${conditionFlag.get(name)} ${value}`)
  return [
    `Call   ${provider.given === '' ? '(no provider)' : provider.given} ${model} at ${at}`,
    `Usage  ${counts.length === 0 ? 'none given' : counts.join(', ')}`,
    ...(said.length === 0 ? [] : [`Under  ${said.join(', ')}`]),
    `Book   ${priceBook}, ${asOf}`,
  ].join('\n')
}

function nameLines({ provider, model, card, conditions, lookups }: Quote): string[] {
  const { given, canonical } = provider
  const read = conditions.filter(({ said, read: value }) => said !== value)
  const tried = lookups.at(-1)?.name
  return [
    canonical === '' ? `provider  "${given}" sells nothing itself` : `provider  "${given}" is ${canonical}`,
    ...(card !== null && card.match === 'inferred'
      ? [`          ${card.provider} is the only one with this model`]
      : []),
    ...(tried !== undefined && tried !== model
      ? [
          model.endsWith(tried)
            ? `model     "${model}" without what stands in front is "${tried}"`
            : `model     "${model}" is ${tried}`,
        ]
      : []),
    ...(card !== null && card.model !== (tried ?? model) ? [`model     "${tried ?? model}" is ${card.model}`] : []),
    ...(card === null ? [] : [`match     ${card.match}`]),
    ...read.map(
      ({ name, said, read: value }) =>
        `${conditionFlag.get(name)}: "${said}" is read as ${value === '' ? 'nothing special' : `"${value}"`}`,
    ),
  ]
}

function lookupLines({ isOverride, scope, name, match, target, entries }: Lookup): string[] {
  const where = isOverride ? `your own prices (${scope})` : 'catalogue'
  const how = match === 'exact' ? `exact id ${name}` : `${match} ${name} → ${target}`
  const width = Math.max(0, ...entries.map(({ entry }) => entry.id.length))
  return [
    `${where}, ${how}`,
    ...entries.map((each) => `  ${each.entry.id.padEnd(width)}  ${verdictWords(each)}`),
    ...(entries.length === 0 ? ['  no entry'] : []),
  ]
}

function verdictWords({ entry, verdict }: Considered): string {
  const what = conditionsOf(entry)
  const about = what === '' ? '' : ` (for ${what})`
  const { discount, plan } = entry as PriceOverride // an entry of the catalogue has neither
  const off = discount === undefined ? '' : `: ${discount.percent} % off what the catalogue gives`
  const paid = plan === undefined ? '' : ': covered by a plan'
  return verdict.kind === 'chosen' ? `chosen${about}${off}${paid}` : `no: ${obstacleWords(verdict)}`
}

function obstacleWords(verdict: Exclude<Verdict, { kind: 'chosen' }>): string {
  switch (verdict.kind) {
    case 'not_known_yet':
      return `recorded on ${verdict.recordedAt}, after the book asked for`
    case 'superseded':
      return `superseded by ${verdict.by}`
    case 'not_valid_then':
      return `valid ${span(verdict)}`
    case 'schedule_off':
      return 'its days and hours do not hold then'
    case 'condition_not_met': {
      const { condition, value, wants } = verdict
      return `${conditionFlag.get(condition)} is ${value === '' ? 'not said' : `"${value}"`}, it is for ${testWords(wants)}`
    }
    case 'outranked':
      return `${verdict.by} ${
        {
          more_conditions: 'names more conditions',
          recorded_later: 'was recorded later',
          starts_later: 'starts later',
          order: 'goes first',
        }[verdict.why]
      }`
    default:
      return verdict satisfies never
  }
}

function priceLines({ card }: Quote): string[] {
  if (card === null) return []
  const { entry, band, currency } = card
  const what = conditionsOf(entry)
  return [
    `entry       ${entry.id}`,
    `valid       ${span(entry)}${entry.announced === true ? ', announced' : ''}`,
    `recorded    ${entry.recordedAt}${entry.supersedes === undefined ? '' : `, supersedes ${entry.supersedes}`}`,
    `confidence  ${entry.confidence}`,
    ...(what === '' ? [] : [`for         ${what}`]),
    ...entry.source.map(
      ({ what: text, read, quote }, i) =>
        `${i === 0 ? 'source' : '      '}      ${text}${read === undefined ? '' : `, read ${read}`}${quote === undefined ? '' : `: “${quote}”`}`,
    ),
    ...(currency === 'USD' ? [] : [`currency    ${currency}, which is not converted`]),
    `band        ${bandWords(band)}`,
  ]
}

function bandWords({ count, over, inclusive, thinking, next }: QuotedBand): string {
  if (count === 1) return 'one price for every size of prompt'
  const from =
    over === null ? '' : `${inclusive ? 'from' : 'over'} ${grouped(over)} input tokens${inclusive ? ' on' : ''}`
  const to = next === null ? '' : `${next.inclusive ? 'below' : 'up to'} ${grouped(next.over)} input tokens`
  const parts = [from, to, thinking ? 'for calls that used reasoning tokens' : ''].filter((part) => part !== '')
  return `${parts.length === 0 ? 'the base rates' : parts.join(', ')}; the whole call is charged by it`
}

function quantityLines({ usage, split, unpricedUnits }: Quote): string[] {
  const width = Math.max(0, ...split.quantities.map(({ unit }) => unitWords(unit).length))
  const lines = split.quantities.map(({ unit, quantity }) => {
    const equation = equationOf(unit, usage[unit], split.steps)
    const lacks = unpricedUnits.includes(unit) ? '   no rate' : ''
    return `${unitWords(unit).padEnd(width)}  ${equation === '' ? '' : `${equation} = `}${grouped(quantity)}${lacks}`
  })
  const stays = split.steps.flatMap((step) =>
    step.kind === 'stays'
      ? [
          `${unitWords(step.part)} ${grouped(step.quantity)} has no rate of its own and stays inside ${unitWords(step.unit)}`,
        ]
      : [],
  )
  return [...lines, ...stays]
}

/** `20,000 − 15,000 (cache read) + 500 (cache write, no rate of its own)`, '' where nothing happened. */
function equationOf(unit: UsageUnitName, reported: number | undefined, steps: readonly SplitStep[]): string {
  const own = steps.filter((step) => step.unit === unit && step.kind !== 'stays')
  if (own.length === 0) return ''
  const terms = own.map((step) => {
    switch (step.kind) {
      case 'leaves':
        return ` − ${grouped(step.quantity)} (${unitWords(step.part)})`
      case 'joins':
        return ` + ${grouped(step.quantity)} (${unitWords(step.part)}, no rate of its own)`
      case 'raised':
        return `, at least ${grouped(step.quantity)}`
      default:
        return ''
    }
  })
  return `${grouped(reported ?? 0)}${terms.join('')}`
}

function amountLines({ components, card }: Quote): string[] {
  const currency = card?.currency ?? 'USD'
  const name = Math.max(0, ...components.map(({ component }) => component.length))
  const quantity = Math.max(0, ...components.map((each) => grouped(Number(each.quantity)).length))
  const price = Math.max(0, ...components.map((each) => each.price.length))
  const per = Math.max(0, ...components.map((each) => grouped(Number(each.per)).length))
  return components.map(
    (each) =>
      `${each.component.padEnd(name)}  ${grouped(Number(each.quantity)).padStart(quantity)} × ${each.price.padEnd(price)} ÷ ${grouped(Number(each.per)).padStart(per)} = ${each.isRounded ? `${each.exact} ≈ ` : ''}${each.amountUsd} ${currency}`,
  )
}

function totalLines({ status, reason, flags, total, exactTotal, card, suggestion, components }: Quote): string[] {
  const currency = card?.currency ?? 'USD'
  const sum =
    components.length < 2
      ? ''
      : `${components.map(({ isRounded, exact, amountUsd }) => (isRounded ? exact : amountUsd)).join(' + ')} = `
  const rounded = exactTotal?.isRounded === true ? `${exactTotal.text}, rounded half up once to ` : ''
  return [
    ...(total === null ? [] : [`${sum}${rounded}${total} ${currency}`]),
    `${status}${reason === '' ? '' : `, ${reason}: ${reasons[reason] ?? reason}`}`,
    ...(total !== null && currency !== 'USD'
      ? ['no total in USD: another currency is never converted into the price']
      : []),
    ...flags.map((flag) => `flag ${flag}: ${flagWords[flag] ?? flag}`),
    ...(suggestion === null ? [] : [`did you mean ${suggestion.provider} ${suggestion.model}?`]),
  ]
}

function conditionsOf({ when = {} }: PriceEntry): string {
  const named = namedConditions.flatMap(({ name }) => {
    const test = when[name]
    return test === undefined || test === null ? [] : [`${conditionFlag.get(name)} ${testWords(test)}`]
  })
  const { schedule } = when
  if (!schedule) return named.join(', ')
  const { days, hours, zone, exceptCalendar } = schedule
  const when_ = [
    ...(days === undefined ? [] : [`on days ${days.join('')} (1 = Monday)`]),
    ...(hours === undefined ? [] : [`at ${hours.join(' and ')}`]),
    zone,
    ...(exceptCalendar === undefined ? [] : [`not on ${exceptCalendar}`]),
  ]
  return [...named, when_.join(' ')].join(', ')
}

function testWords(test: ConditionTest): string {
  if (typeof test === 'string') return test === '' ? 'nothing said' : `"${test}"`
  const values = 'not' in test ? test.not : test
  const list = values.map((value) => (value === '' ? 'nothing said' : `"${value}"`)).join(', ')
  if (!('not' in test)) return `one of ${list}`
  return test.not.length === 0 ? 'any' : `anything but ${list}`
}

function span({ validFrom, validTo }: { readonly validFrom: string | null; readonly validTo: string | null }): string {
  if (validFrom === null && validTo === null) return 'at any time'
  return [validFrom === null ? '' : `from ${validFrom}`, validTo === null ? '' : `until before ${validTo}`]
    .filter((part) => part !== '')
    .join(' ')
}

function unitWords(name: UsageUnitName): string {
  return flagOf.get(name) ?? name
}

/** 1234567.5 → 1,234,567.5 */
function grouped(count: number): string {
  const [whole = '', decimals] = String(count).split('.')
  return `${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}${decimals === undefined ? '' : `.${decimals}`}`
}
