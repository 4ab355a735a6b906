// What a comparison says: lines that stand beside each other, and findings that add up to their difference.

import type { Dimensions } from './line.ts'

export const categories = [
  'missing telemetry',
  'counted twice',
  'different price',
  'discount',
  'unmapped name',
  'non-token line',
  'provisional',
  'rounding',
  'unexplained',
] as const
export type Category = (typeof categories)[number]

/** Where a finding or a line belongs. */
export interface Place {
  readonly day: string
  readonly provider: string
  /** Project of the ledger or account of the bill; '' when the two are not compared by it. */
  readonly account: string
  readonly model: string
  readonly kind: string
}

/** Part of a difference, bill − ledger: amount = quantityPart + pricePart, in pico-USD. */
export interface Finding extends Place {
  readonly category: Category
  readonly cause: string
  /** Bill − ledger, in 1e-12 of the kind's unit. */
  readonly quantity: bigint
  readonly quantityPart: bigint
  readonly pricePart: bigint
  /** How it is known: repeated response ids, equal counts, the price book, … */
  readonly evidence: string
  /** Label on the bill, where a name is what is wrong. */
  readonly label: string
}

export function amountOf({ quantityPart, pricePart }: Pick<Finding, 'quantityPart' | 'pricePart'>): bigint {
  return quantityPart + pricePart
}

export type LineState =
  | 'matched'
  | 'explained'
  | 'provisional'
  | 'unmapped'
  | 'only on bill'
  | 'only in ledger'
  | 'unexplained'
  | 'could not ask'

/** Bill and ledger side by side for one day, account, model, kind, tier and place. Amounts in pico-USD. */
export interface Line extends Place {
  readonly tier: string
  readonly geo: string
  readonly label: string
  readonly billQuantity: bigint | null
  readonly ledgerQuantity: bigint | null
  readonly billAmount: bigint | null
  readonly ledgerAmount: bigint | null
  /** Bill − ledger = quantityPart + pricePart. */
  readonly quantityPart: bigint
  readonly pricePart: bigint
  readonly state: LineState
}

/** A rate of the price book for one kind under one set of conditions. */
export interface KnownRate {
  /** Pico-USD for 1e-12 of the unit, as a quotient: what `priceOf` gives for quantities with money. */
  readonly price: readonly [bigint, bigint]
  readonly dimensions: Pick<Dimensions, 'tier' | 'geo' | 'speed' | 'band'>
  /** Valid on the day asked about; others are older or newer. */
  readonly isCurrent: boolean
  /** First day, '' for always. */
  readonly from: string
}

/** What the price book knows, for recognising models, units and prices on a bill; never used as the bill's own figure. */
export interface PriceHints {
  /** Names of models, of the provider and of the makers whose models it may host. */
  models(provider: string): Iterable<string>
  rates(asked: {
    readonly provider: string
    readonly model: string
    readonly family: string
    readonly dimensions: Dimensions
    readonly day: string
  }): readonly KnownRate[]
}

export const noHints: PriceHints = { models: () => [], rates: () => [] }
