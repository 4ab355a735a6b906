// A usage report has the tokens of a day and a cost report its money; laid over each other they are one side of the
// comparison. Where a report has one amount for several parts, it is divided by what each part costs.

import { divideRounded } from './exact.ts'
import type { PriceHints } from './finding.ts'
import { type Dimensions, dimensionNames, type Note } from './line.ts'
import { atPrice, collapsed, differing, type Part, type Price, priceOf, sumOf } from './parts.ts'
import type { ReadCell } from './prepare.ts'

export interface Merging {
  readonly provider: string
  readonly day: string
  readonly model: string
  readonly cells: readonly ReadCell[]
  readonly ledger: readonly Part[]
  readonly hints: PriceHints
  /** Whether a cell is of a source that has money. */
  readonly isFinance: (cell: ReadCell) => boolean
  /** Whether the import has money at all: tokens without any are then unpaid, else merely not priced. */
  readonly hasMoney: boolean
  readonly notes: Note[]
}

export function merged(merging: Merging): Part[] {
  const { cells } = merging
  const families = [...new Set(cells.map(({ family }) => family).filter((family) => family !== 'all'))]
  const parts = families.flatMap((family) => {
    const own = cells.filter((cell) => cell.family === family)
    const finance = own.filter((cell) => cell.amount !== null)
    const usage = own.filter((cell) => cell.amount === null)
    // Amounts of a usage report stand in until a source with money has some.
    const costs = finance.some(merging.isFinance) ? finance.filter(merging.isFinance) : finance
    const counts = [...usage, ...finance.filter((cell) => !costs.includes(cell))]
    return overlay(family, counts, costs, merging)
  })
  const whole = cells.filter(({ family, amount }) => family === 'all' && amount !== null)
  const priced =
    whole.length === 0
      ? parts
      : shared(
          parts,
          whole.reduce((all, { amount }) => all + (amount ?? 0n), 0n),
          merging,
        )
  return priced.map((part) => (part.amount === null ? ownPrice(part, merging) : part))
}

function partOf(cell: ReadCell): Part {
  return {
    family: cell.family,
    isMoneyOnly: cell.quantity === null,
    reckoned: cell.reckoned,
    dimensions: cell.dimensions,
    quantity: cell.quantity ?? 0n,
    amount: cell.amount,
    lines: cell.cell.lines,
    label: cell.cell.label,
  }
}

function overlay(family: string, usage: readonly ReadCell[], costs: readonly ReadCell[], merging: Merging): Part[] {
  const counts = usage.filter(({ quantity }) => quantity !== null).map(partOf)
  if (costs.length === 0) return counts
  // The tokens of the usage report go before those worked out from the price.
  const isCounted = costs.every(({ cell, quantity }) => quantity !== null && cell.quantity !== null)
  const money = collapsed(costs.map(partOf), new Set())
  if (counts.length === 0) return money
  const [reported, charged] = [sumOf(counts, 'quantity'), sumOf(money, 'quantity')]
  if (isCounted && reported !== charged) {
    const text = `${merging.model} ${family}: the usage report has ${reported / 10n ** 12n}, the cost report ${charged / 10n ** 12n}; the latter is compared`
    merging.notes.push({ kind: 'warning', day: merging.day, text })
    return money
  }
  for (const part of counts) part.amount = null
  const left: Part[] = []
  for (const cost of money) {
    const fits = counts.filter((part) => differing(part.dimensions, cost.dimensions).length === 0)
    if (fits.length === 0) left.push({ ...cost, isMoneyOnly: true })
    else if (fits.length === 1 && fits[0] !== undefined) {
      fits[0].amount = (fits[0].amount ?? 0n) + (cost.amount ?? 0n)
      fits[0].label = cost.label
    } else if (!divided(fits, cost.amount ?? 0n, merging)) return [blended(counts, money), ...left]
  }
  return [...counts, ...left]
}

/** Gives each part what it costs at known prices, when that sums to the amount; else leaves all as it was. */
function divided(parts: readonly Part[], amount: bigint, merging: Merging): boolean {
  const worth = parts.map((part) => worthOf(part, merging))
  if (worth.some((each) => each === null)) return false
  const total = worth.reduce<bigint>((all, each) => all + (each ?? 0n), 0n)
  const gap = total > amount ? total - amount : amount - total
  if (gap * 1_000_000n > amount) return false
  let rest = amount
  for (const [i, part] of parts.entries()) {
    const share = i === parts.length - 1 ? rest : (worth[i] ?? 0n)
    part.amount = (part.amount ?? 0n) + share
    rest -= share
  }
  return true
}

/** One part of all: what the cost report does not tell apart, nothing does. */
function blended(counts: readonly Part[], money: readonly Part[]): Part {
  const [first] = counts
  const names = new Set(
    dimensionNames.filter((name) => counts.some((part) => part.dimensions[name] !== first?.dimensions[name])),
  )
  const amount = sumOf(money, 'amount')
  const [part] = collapsed(
    counts.map((each) => ({ ...each, amount: 0n })),
    names,
  )
  return { ...(part as Part), amount, label: money[0]?.label ?? '' }
}

/** What a part costs at the ledger's price for such tokens, else at the price book's; null when neither has one. */
export function worthOf(
  part: Part,
  merging: Pick<Merging, 'ledger' | 'hints' | 'provider' | 'model' | 'day'>,
): bigint | null {
  const price = knownPrice(part, merging)
  return price === null ? null : atPrice(part.quantity, price)
}

export function knownPrice(
  { family, dimensions }: Pick<Part, 'family' | 'dimensions'>,
  { ledger, hints, provider, model, day }: Pick<Merging, 'ledger' | 'hints' | 'provider' | 'model' | 'day'>,
): Price | null {
  const same = ledger.filter(
    (part) =>
      part.family === family &&
      differing(dimensions, part.dimensions).length === 0 &&
      part.amount !== null &&
      part.quantity > 0n,
  )
  if (same.length > 0) return priceOf({ quantity: sumOf(same, 'quantity'), amount: sumOf(same, 'amount') })
  const rates = hints
    .rates({ provider, model, family, dimensions, day })
    .filter((rate) => rate.isCurrent && isUsualIn(rate.dimensions, dimensions))
  return rates[0]?.price ?? null
}

function isUsualIn(rate: Pick<Dimensions, 'tier' | 'geo' | 'speed' | 'band'>, asked: Dimensions): boolean {
  return (['tier', 'geo', 'speed', 'band'] as const).every((name) => rate[name] === (asked[name] ?? ''))
}

/** One amount over every kind, divided in the proportion of what each costs at known prices. */
function shared(parts: readonly Part[], amount: bigint, merging: Merging): Part[] {
  if (parts.length > 0 && parts.every((part) => part.amount !== null) && sumOf(parts, 'amount') === amount)
    return [...parts]
  const isReckoned =
    parts.every(({ reckoned }) => reckoned !== null) &&
    parts.reduce((all, part) => all + (part.reckoned ?? 0n), 0n) === amount
  const worth = parts.map((part) => (isReckoned ? part.reckoned : worthOf(part, merging)) ?? 0n)
  const total = worth.reduce((all, each) => all + each, 0n)
  if (total === 0n && parts.length > 1) {
    const text = `${merging.model}: one amount for all its tokens, and no price to divide it by: it stands with ${parts.at(-1)?.family}`
    merging.notes.push({ kind: 'warning', day: merging.day, text })
  }
  const [first] = parts
  if (first === undefined) {
    const cell = merging.cells[0]
    return cell === undefined ? [] : [{ ...partOf(cell), isMoneyOnly: true, amount }]
  }
  let rest = amount
  return parts.map((part, i) => {
    const isLast = i === parts.length - 1
    const share = isLast ? rest : total === 0n ? 0n : divideRounded(amount * (worth[i] ?? 0n), total)
    rest -= share
    return { ...part, amount: share }
  })
}

/** Tokens without money: unpaid where the import has money, else worth what our price makes of them. */
function ownPrice(part: Part, merging: Merging): Part {
  return { ...part, amount: merging.hasMoney ? 0n : worthOf(part, merging) }
}
