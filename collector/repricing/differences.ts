// What a run changes, added up by day, model and price entry: exact, in integers of pico-USD.

import { formatPicoUsd, type PicoUsd } from '../../schemas/money.ts'

export interface DifferenceGroup {
  /** Local date of the calls. */
  readonly day: string
  /** As priced anew. */
  readonly provider: string
  readonly model: string
  readonly original_price_entry: string
  readonly price_entry: string
  readonly original_cost_status: string
  readonly cost_status: string
  readonly calls: number
  /** Decimal text; null when no call of the group had one. */
  readonly original_cost: string | null
  readonly total_cost: string | null
  /** Of what is known on either side. */
  readonly difference: string
}

export interface DifferenceTotals {
  /** Looked at. */
  readonly calls: number
  readonly changed: number
  readonly newly_priced: number
  readonly newly_unpriced: number
  /** Of the changed calls. */
  readonly original_cost: string
  readonly total_cost: string
  readonly difference: string
}

export type DifferenceKey = Pick<
  DifferenceGroup,
  'day' | 'provider' | 'model' | 'original_price_entry' | 'price_entry' | 'original_cost_status' | 'cost_status'
>

/** A sum of pico-USD: doubles as long as they are exact, then integers of any size. */
export class Sum {
  count = 0
  private small = 0
  private large = 0n

  add(pico: PicoUsd): void {
    if (Number.isNaN(pico)) return
    this.count++
    const next = this.small + pico
    if (Number.isSafeInteger(next)) this.small = next
    else {
      this.large += BigInt(this.small) + BigInt(pico)
      this.small = 0
    }
  }

  get value(): bigint {
    return this.large + BigInt(this.small)
  }
}

class Group {
  calls = 0
  readonly before = new Sum()
  readonly after = new Sum()
}

export class Differences {
  private readonly groups = new Map<string, Group>()
  private readonly total = new Group()
  private looked = 0
  private pricedNow = 0
  private pricedNoMore = 0

  look(calls: number): void {
    this.looked += calls
  }

  /** One changed call; `key` is the text of its group, as `groupKey` makes it. Amounts NaN for NULL. */
  add(key: string, before: PicoUsd, after: PicoUsd): void {
    let group = this.groups.get(key)
    if (group === undefined) {
      group = new Group()
      this.groups.set(key, group)
    }
    for (const each of [group, this.total]) {
      each.calls++
      each.before.add(before)
      each.after.add(after)
    }
    if (Number.isNaN(before) && !Number.isNaN(after)) this.pricedNow++
    if (!Number.isNaN(before) && Number.isNaN(after)) this.pricedNoMore++
  }

  totals(): DifferenceTotals {
    const { before, after, calls } = this.total
    return {
      calls: this.looked,
      changed: calls,
      newly_priced: this.pricedNow,
      newly_unpriced: this.pricedNoMore,
      original_cost: formatPicoUsd(before.value),
      total_cost: formatPicoUsd(after.value),
      difference: formatPicoUsd(after.value - before.value),
    }
  }

  /** By day, then provider, model and entries. */
  list(): DifferenceGroup[] {
    return [...this.groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { calls, before, after }]) => ({
        ...(JSON.parse(key) as DifferenceKey),
        calls,
        original_cost: before.count === 0 ? null : formatPicoUsd(before.value),
        total_cost: after.count === 0 ? null : formatPicoUsd(after.value),
        difference: formatPicoUsd(after.value - before.value),
      }))
  }
}

const dayMs = 86_400_000

/** Date of a day number. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

export function groupKey(key: DifferenceKey): string {
  const { day, provider, model, original_price_entry, price_entry, original_cost_status, cost_status } = key
  return JSON.stringify({
    day,
    provider,
    model,
    original_price_entry,
    price_entry,
    original_cost_status,
    cost_status,
  })
}
