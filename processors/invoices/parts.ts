// Quantities with their money, and how they are divided: exact, with every remainder kept.

import { divideRounded, sameRatio } from './exact.ts'
import { type DimensionName, type Dimensions, dimensionNames } from './line.ts'

/** Mutable: pairing takes from it until nothing is left. */
export interface Part {
  readonly family: string
  dimensions: Dimensions
  /** 1e-12 of the unit. */
  quantity: bigint
  /** Pico-USD; null = no price (ledger) or no money on the source (bill). */
  amount: bigint | null
  /** Rows behind the amount, each of which may have been rounded. */
  lines: number
  label: string
  /** An amount whose tokens nothing tells. */
  readonly isMoneyOnly: boolean
  /** Pico-USD that a usage report itself reckons, beside a cost report that is the charge. */
  readonly reckoned: bigint | null
}

export interface Taken {
  readonly quantity: bigint
  readonly amount: bigint | null
}

/** Takes a quantity with its share of the money; what is left keeps the rest to the last pico. */
export function take(part: Part, quantity: bigint): Taken {
  const whole = part.quantity === quantity
  const amount =
    part.amount === null ? null : whole ? part.amount : divideRounded(part.amount * quantity, part.quantity)
  part.quantity -= quantity
  if (part.amount !== null && amount !== null) part.amount -= amount
  return { quantity, amount }
}

export type Price = readonly [bigint, bigint]

/** Pico-USD a 1e-12 unit, as a quotient; null without money or quantity. */
export function priceOf({ quantity, amount }: Pick<Part, 'quantity' | 'amount'>): Price | null {
  return amount === null || quantity <= 0n || amount < 0n ? null : [amount, quantity]
}

export function atPrice(quantity: bigint, [numerator, denominator]: Price): bigint {
  return divideRounded(quantity * numerator, denominator)
}

export function samePrice(a: Price | null, b: Price | null): boolean {
  if (a === null || b === null) return a === b
  return sameRatio(a, b)
}

/** Dimensions both sides speak of and differ in. */
export function differing(bill: Dimensions, ledger: Dimensions): DimensionName[] {
  return dimensionNames.filter((name) => bill[name] !== null && ledger[name] !== null && bill[name] !== ledger[name])
}

/** Parts of equal dimensions made one; `names` are first set to null, because one side does not tell them apart. */
export function collapsed(parts: readonly Part[], names: ReadonlySet<DimensionName>): Part[] {
  const merged = new Map<string, Part>()
  for (const part of parts) {
    const dimensions = Object.fromEntries(
      dimensionNames.map((name) => [name, names.has(name) ? null : part.dimensions[name]]),
    ) as Record<DimensionName, string | null>
    const key = [
      part.family,
      part.amount === null,
      part.isMoneyOnly,
      ...dimensionNames.map((name) => dimensions[name] ?? '\u0001'),
    ].join('\u0000')
    const known = merged.get(key)
    if (known === undefined) merged.set(key, { ...part, dimensions })
    else {
      known.quantity += part.quantity
      known.lines += part.lines
      if (known.amount !== null && part.amount !== null) known.amount += part.amount
    }
  }
  return [...merged.values()]
}

/** Both sides without the dimensions that some part does not speak of, family by family. */
export function alike<T extends Part>(
  bill: readonly Part[],
  ledger: readonly T[],
): { readonly bill: Part[]; readonly ledger: Part[] } {
  const families = new Set([...bill, ...ledger].map(({ family }) => family))
  const sides = [...families].map((family) => {
    const own = bill.filter((part) => part.family === family)
    const ours = ledger.filter((part) => part.family === family)
    const names = new Set(
      [...own, ...ours].flatMap(({ dimensions }) => dimensionNames.filter((name) => dimensions[name] === null)),
    )
    return { bill: collapsed(own, names), ledger: collapsed(ours, names) }
  })
  return { bill: sides.flatMap((side) => side.bill), ledger: sides.flatMap((side) => side.ledger) }
}

export function sumOf(parts: readonly Part[], field: 'quantity' | 'amount'): bigint {
  return parts.reduce((all, part) => all + (part[field] ?? 0n), 0n)
}
