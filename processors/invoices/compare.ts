// Bill beside ledger: tokens first, then prices, each difference in exactly one finding, so that findings add up to it.
// The order of explanation: what is incomplete or unmapped was set apart before; then tokens (cache split, repeated calls,
// missing telemetry), then prices at equal tokens, then rounding; what is left is unexplained.

import { bookCause, conditionCause, ratioCause } from './causes.ts'
import { type Category, type Finding, noHints, type PriceHints } from './finding.ts'
import { isTokens, usual } from './line.ts'
import { kindName } from './map.ts'
import { knownPrice } from './merge.ts'
import { alike, atPrice, differing, type Part, type Price, priceOf, samePrice, sumOf, take } from './parts.ts'
import type { Group, LedgerPart } from './prepare.ts'
import { type Surplus, surplusCause } from './surplus.ts'

export interface Comparing {
  readonly hints: PriceHints
  /** The export is known to lack rows of this day. */
  readonly isIncomplete: (day: string) => boolean
  /** The bill has lines that no name was found for on this day. */
  readonly hasUnmapped: (day: string) => boolean
  /** Pico-USD that rounding may account for on so many rows; 0 where a source does not round. */
  readonly tolerance: (rows: number) => bigint
}

const inputFamilies = ['input', 'cache_read', 'cache_write']

/** Findings of one day, account and model; their amounts sum to bill − ledger of the group. */
export function compareGroup(group: Group, comparing: Comparing): Finding[] {
  const findings: Finding[] = []
  const context: Context = { group, comparing, findings, ratios: ratiosOf(group) }
  const left: Left[] = []
  const isMoneyOnly = group.bill.some((part) => part.isMoneyOnly)
  if (isMoneyOnly) {
    compareMoney(context)
    return findings
  }
  const families = [...new Set([...group.bill, ...group.ledger].map(({ family }) => family))]
  for (const family of families) left.push(pairFamily(family, context))
  splitCache(left, context)
  for (const each of left) leftOver(each, context)
  return findings
}

interface Context {
  readonly group: Group
  readonly comparing: Comparing
  readonly findings: Finding[]
  readonly ratios: ReadonlyMap<string, readonly [bigint, bigint]>
}

interface Partner {
  readonly dimensions: Part['dimensions']
  readonly price: Price
}

interface Left {
  readonly family: string
  /** What stood for a part of the bill under other conditions: the ledger took such calls for these. */
  readonly partners: ReadonlyMap<Part, Partner>
  readonly bill: Part[]
  readonly ledger: Part[]
  /** The ledger's quantity before pairing, repeated calls taken out. */
  readonly ledgerQuantity: bigint
  readonly billQuantity: bigint
}

/** Quantities of each family on both sides, before anything is taken from them. */
function ratiosOf({ bill, ledger }: Group): Map<string, readonly [bigint, bigint]> {
  const families = [...new Set([...bill, ...ledger].map(({ family }) => family))]
  const of = (parts: readonly Part[], family: string) =>
    sumOf(
      parts.filter((part) => part.family === family),
      'quantity',
    )
  return new Map(families.map((family) => [family, [of(bill, family), of(ledger, family)] as const]))
}

/** Lets equal conditions stand for each other first, then what is left over of both sides, whatever its conditions. */
function pairFamily(family: string, context: Context): Left {
  const { group } = context
  const own = group.bill.filter((part) => part.family === family)
  const ours = group.ledger.filter((part) => part.family === family)
  const billQuantity = sumOf(own, 'quantity')
  if (billQuantity !== sumOf(ours, 'quantity')) takeRepeated(ours, context)
  const ledgerQuantity = sumOf(ours, 'quantity')
  const { bill, ledger } = alike(own, ours)
  const partners = new Map<Part, Partner>()
  const pairs = bill.flatMap((b) => ledger.map((l) => ({ b, l, score: scoreOf(b, l) })))
  for (const { b, l } of pairs.sort((x, y) => x.score - y.score)) {
    const quantity = b.quantity < l.quantity ? b.quantity : l.quantity
    if (quantity <= 0n) continue
    const billPrice = priceOf(b)
    const ourPrice = priceOf(l)
    if (ourPrice !== null && differing(b.dimensions, l.dimensions).length > 0)
      partners.set(b, { dimensions: l.dimensions, price: ourPrice })
    const [charged, counted] = [take(b, quantity), take(l, quantity)]
    pricePair({ b, l, billPrice, ourPrice, difference: (charged.amount ?? 0n) - (counted.amount ?? 0n) }, context)
  }
  return { family, partners, bill: bill.filter(hasRest), ledger: ledger.filter(hasRest), billQuantity, ledgerQuantity }
}

function hasRest({ quantity, amount }: Part): boolean {
  return quantity !== 0n || (amount ?? 0n) !== 0n
}

/** Fewest differing conditions first, and of these, equal prices. */
function scoreOf(b: Part, l: Part): number {
  return differing(b.dimensions, l.dimensions).length * 2 + (samePrice(priceOf(b), priceOf(l)) ? 0 : 1)
}

/** Calls that the ledger has more than once, by its own evidence. */
function takeRepeated(parts: readonly LedgerPart[], { group, findings }: Context): void {
  for (const part of parts) {
    const quantity = part.repeatedQuantity < part.quantity ? part.repeatedQuantity : part.quantity
    if (quantity <= 0n) continue
    const amount = part.amount === null ? 0n : part.repeatedAmount
    part.quantity -= quantity
    if (part.amount !== null) part.amount -= amount
    findings.push({
      ...placeOf(group, part),
      category: 'counted twice',
      cause: 'calls counted twice',
      quantity: -quantity,
      quantityPart: -amount,
      pricePart: 0n,
      evidence: 'the same response id and usage, or the same usage as the calling span, more than once in the ledger',
      label: '',
    })
  }
}

interface Pair {
  readonly b: Part
  readonly l: Part
  readonly billPrice: Price | null
  readonly ourPrice: Price | null
  readonly difference: bigint
}

/** At equal tokens a difference is one of price. */
function pricePair({ b, l, billPrice, ourPrice, difference }: Pair, context: Context): void {
  if (difference === 0n && l.amount !== null) return
  const { group, comparing, findings } = context
  const add = (category: Category, cause: string, evidence: string): void => {
    findings.push({
      ...placeOf(group, b),
      category,
      cause,
      evidence,
      quantity: 0n,
      quantityPart: 0n,
      pricePart: difference,
      label: b.label,
    })
  }
  const simple = plainCause(difference, { b, l, billPrice }, comparing)
  if (simple !== null) add(...simple)
  else if (billPrice !== null && ourPrice !== null) {
    const { cause, evidence } = priceCause({ b, l, billPrice, ourPrice }, context)
    add('different price', cause, evidence)
  } else add('unexplained', 'an amount without a price', 'no quantity on one side')
}

/** Differences that are none of two prices; null for those that are. */
function plainCause(
  difference: bigint,
  { b, l, billPrice }: Pick<Pair, 'b' | 'l' | 'billPrice'>,
  { tolerance }: Comparing,
): readonly [Category, string, string] | null {
  if (l.amount === null) return ['different price', 'not priced in the ledger', 'the calls have no cost']
  if (size(difference) <= tolerance(b.lines + l.lines))
    return ['rounding', 'rounded on the bill', 'within half a unit a row']
  if (billPrice?.[0] === 0n)
    return ['unexplained', 'used, and no money for it on the bill', 'tokens on the usage report alone']
  return null
}

function priceCause(
  {
    b,
    l,
    billPrice,
    ourPrice,
  }: { b: Pick<Part, 'family' | 'dimensions'>; l: Pick<Part, 'dimensions'>; billPrice: Price; ourPrice: Price },
  { group, comparing }: Context,
) {
  const names = differing(b.dimensions, l.dimensions)
  const asked = { provider: group.provider, bill: b.dimensions, ledger: l.dimensions, billPrice, ourPrice }
  if (names.length > 0) return { cause: conditionCause(names, asked), evidence: 'the bill names the condition' }
  const { provider, model, day } = group
  const rates = comparing.hints.rates({ provider, model, family: b.family, dimensions: b.dimensions, day })
  const book = bookCause(billPrice, ourPrice, rates)
  if (book !== null) return { cause: book, evidence: 'implied price is in the price book' }
  return { cause: ratioCause(billPrice, ourPrice), evidence: 'implied price, in no entry of the price book' }
}

/** Input that one side has as fresh and the other as cached: the sum is the same, the price is not. */
function splitCache(left: readonly Left[], context: Context): void {
  const { group, findings } = context
  const input = left.filter(({ family }) => inputFamilies.includes(family))
  for (const from of input) {
    for (const to of input) {
      if (from === to) continue
      for (const b of from.bill) {
        for (const l of to.ledger) {
          const quantity = b.quantity < l.quantity ? b.quantity : l.quantity
          if (quantity <= 0n || l.amount === null) continue
          const [charged, counted] = [take(b, quantity), take(l, quantity)]
          findings.push({
            ...placeOf(group, b),
            category: 'different price',
            cause: `${words(from.family)} counted as ${words(to.family)}`,
            evidence: 'the sum of all input is the same',
            quantity: 0n,
            quantityPart: 0n,
            pricePart: (charged.amount ?? 0n) - (counted.amount ?? 0n),
            label: b.label,
          })
        }
      }
    }
  }
}

function words(family: string): string {
  return family === 'input' ? 'fresh input' : family === 'cache_read' ? 'cache reads' : 'cache writes'
}

/** What one side has and the other does not. */
function leftOver(left: Left, context: Context): void {
  const { group, comparing, findings } = context
  for (const part of left.bill) if (hasRest(part)) leftOnBill(part, left, context)
  for (const part of left.ledger) {
    if (!hasRest(part)) continue
    const surplus: Surplus = {
      ...left,
      part,
      group,
      ratios: context.ratios,
      isIncomplete: comparing.isIncomplete(group.day),
      hasUnmapped: comparing.hasUnmapped(group.day),
    }
    findings.push({
      ...placeOf(group, part),
      ...surplusCause(surplus),
      quantity: -part.quantity,
      quantityPart: -(part.amount ?? 0n),
      pricePart: 0n,
      label: '',
    })
  }
}

function leftOnBill(part: Part, left: Left, context: Context): void {
  const { group, comparing, findings } = context
  const isTool = !isTokens(part.family) && part.family !== 'all_input'
  if (part.quantity === 0n) {
    findings.push({
      ...placeOf(group, part),
      category: 'unexplained',
      cause: 'an amount without a quantity',
      evidence: 'no tokens on the bill',
      label: part.label,
      quantity: 0n,
      quantityPart: 0n,
      pricePart: part.amount ?? 0n,
    })
    return
  }
  const partner = left.partners.get(part)
  const price = sameConditionsPrice(part, context) ?? partner?.price ?? ourPriceOf(part, context) ?? priceOf(part)
  const amount = part.amount ?? 0n
  const quantityPart = price === null ? amount : atPrice(part.quantity, price)
  const place = { ...placeOf(group, part), label: part.label }
  const isUnseenTool = isTool && left.ledgerQuantity === 0n
  findings.push({
    ...place,
    category: isUnseenTool ? 'non-token line' : 'missing telemetry',
    cause: isUnseenTool ? `${part.family} not in the ledger` : 'missing telemetry',
    evidence: missingEvidence(left, group),
    quantity: part.quantity,
    quantityPart: part.amount === null ? 0n : quantityPart,
    pricePart: 0n,
  })
  // The rest of these tokens' money: the bill's price against ours.
  const pricePart = part.amount === null ? 0n : amount - quantityPart
  const billPrice = priceOf(part)
  if (pricePart === 0n || price === null || billPrice === null) return
  const ours = { dimensions: partner?.dimensions ?? part.dimensions }
  const isRounding = size(pricePart) <= comparing.tolerance(part.lines)
  const { cause } = priceCause({ b: part, l: ours, billPrice, ourPrice: price }, context)
  findings.push({
    ...place,
    category: isRounding ? 'rounding' : billPrice[0] === 0n ? 'unexplained' : 'different price',
    cause: isRounding ? 'rounded on the bill' : billPrice[0] === 0n ? 'used, and no money for it on the bill' : cause,
    evidence: 'price of the missing calls',
    quantity: 0n,
    quantityPart: 0n,
    pricePart,
  })
}

function missingEvidence({ ledgerQuantity }: Left, { requests, calls }: Group): string {
  if (requests !== null && calls !== null && requests > calls)
    return `${(requests - calls) / 10n ** 12n} more requests on the bill than calls in the ledger`
  return ledgerQuantity === 0n ? 'nothing of this kind in the ledger' : 'more tokens on the bill'
}

/** What the ledger has for tokens of these very conditions. */
function sameConditionsPrice(part: Part, { group }: Context): Price | null {
  const { provider, model, day } = group
  return knownPrice(part, { ledger: group.ledger, hints: noHints, provider, model, day })
}

/** Of tokens of these conditions: the ledger's, else the price book's. */
function ourPriceOf(part: Part, { group, comparing }: Context): Price | null {
  const { provider, model, day } = group
  return knownPrice(part, { ledger: group.ledger, hints: comparing.hints, provider, model, day })
}

/** Where a source has no tokens, only sums can be compared. */
function compareMoney({ group, comparing, findings }: Context): void {
  const difference = sumOf(group.bill, 'amount') - sumOf(group.ledger, 'amount')
  if (difference === 0n) return
  const lines = group.bill.reduce((all, part) => all + part.lines, 0)
  const isRounding = size(difference) <= comparing.tolerance(lines)
  findings.push({
    ...placeOf(group, { family: '', dimensions: usual }),
    category: isRounding ? 'rounding' : 'unexplained',
    cause: isRounding ? 'rounded on the bill' : 'money differs, and the export has no tokens',
    evidence: 'give the usage report too',
    quantity: 0n,
    quantityPart: 0n,
    pricePart: difference,
    label: group.bill[0]?.label ?? '',
  })
}

function placeOf(
  { day, provider, account, model }: Group,
  { family, dimensions }: Pick<Part, 'family' | 'dimensions'>,
) {
  return { day, provider, account, model, kind: family === '' ? '' : kindName(family, dimensions) }
}

function size(amount: bigint): bigint {
  return amount < 0n ? -amount : amount
}
