// What past calls would have cost on another model, or by another price list. Nothing is written.

import { bandFor } from '../../processors/pricing/card.ts'
import { formatPicoUsd, type PicoUsd } from '../../schemas/money.ts'
import { cost, costCount, low } from '../../schemas/span-batch.ts'
import { unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { type NativeBlock, readNative } from '../clickhouse/native-reader.ts'
import { CallPricer, type CallPricerOptions, type PricedRows, picoOf, textOf } from './calls.ts'
import { dateOf, Sum } from './differences.ts'
import { type ReadInput, readSlices } from './read-calls.ts'

/** Calls with usage of their own, whoever priced them. */
const statuses = ['priced', 'partial', 'unpriced', 'estimated', 'reported'] as const

export interface WhatIfGroup {
  /** Local date of the calls. */
  readonly day: string
  /** As the ledger has them. */
  readonly provider: string
  readonly model: string
  readonly calls: number
  /** Those with a cost on both sides; the amounts are theirs. */
  readonly compared: number
  readonly original_cost: string
  readonly whatif_cost: string
  readonly difference: string
}

export interface WhatIfAnswer {
  readonly groups: readonly WhatIfGroup[]
  readonly total: Omit<WhatIfGroup, 'day' | 'provider' | 'model'>
  /** Without a cost in the ledger; what they would have cost. */
  readonly unpriced_before: { readonly calls: number; readonly whatif_cost: string }
  /** Without a cost by the other price, by reason; what they did cost. */
  readonly unpriced_then: readonly { readonly reason: string; readonly calls: number; readonly original_cost: string }[]
  /** Calls of which some unit has no price then, and the units. */
  readonly partial: number
  readonly units_without_rate: readonly { readonly unit: string; readonly calls: number }[]
  /** What was assumed while pricing, and for how many calls. */
  readonly flags: readonly { readonly flag: string; readonly calls: number }[]
  readonly price_book: string
}

class Group {
  calls = 0
  compared = 0
  readonly before = new Sum()
  readonly after = new Sum()

  /** Amounts NaN for none. */
  compare(before: PicoUsd, after: PicoUsd): void {
    this.calls++
    if (!Number.isNaN(before) && !Number.isNaN(after)) this.compared++
    this.before.add(before)
    this.after.add(after)
  }

  data(): Omit<WhatIfGroup, 'day' | 'provider' | 'model'> {
    const [before, after] = [this.before.value, this.after.value]
    return {
      calls: this.calls,
      compared: this.compared,
      original_cost: formatPicoUsd(before),
      whatif_cost: formatPicoUsd(after),
      difference: formatPicoUsd(after - before),
    }
  }
}

/** Units that are charged as what they are a part of where they have no rate. */
const merged = new Set<string>(['cacheRead', 'cacheWrite', 'cacheWrite1h', 'cacheReadAudio', 'reasoning'])

/** Prices the calls of the slices as `instead` or by the books given. Rejects with ClickHouseError. */
export async function whatIf(
  input: CallPricerOptions & Omit<ReadInput, 'statuses'>,
  onSlice: (done: number) => void = () => undefined,
): Promise<WhatIfAnswer> {
  const pricer = new CallPricer(input)
  const comparison = new Comparison(pricer)
  let done = 0
  for await (const answer of readSlices({ ...input, statuses })) {
    for (const block of readNative(answer)) for (const priced of pricer.price(block)) comparison.add(block, priced)
    onSlice(++done)
  }
  return comparison.answer()
}

class Comparison {
  private readonly pricer: CallPricer
  private readonly groups = new Map<string, Group>()
  private readonly total = new Group()
  /** Without a cost in the ledger; by the reason, without one then. */
  private readonly neverPriced = new Group()
  private readonly reasons = new Map<string, Group>()
  private readonly flags = new Map<string, number>()
  private readonly lacking = new Map<string, number>()
  private partial = 0
  private book = ''

  constructor(pricer: CallPricer) {
    this.pricer = pricer
  }

  add(block: NativeBlock, priced: PricedRows): void {
    const { strings } = this.pricer
    const { batch, rows, book } = priced
    const totals = block.column('total_cost', 'wide')
    const groupOf = this.groupsOf(block)
    const reasons = batch.low[low.cost_reason]!
    const statuses = batch.low[low.cost_status]!
    const [partial, lacksRate] = [strings.internText('partial'), strings.internText('no_rate_for_unit')]
    this.book = book.version
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at]!
      const before = picoOf(totals, row)
      const after = batch.costs[at * costCount + cost.total]!
      const into = [groupOf(row), this.total]
      if (Number.isNaN(after)) this.aside(groupIn(this.reasons, strings.text(reasons[at]!)), into, before, after)
      else if (Number.isNaN(before)) this.aside(this.neverPriced, into, before, after)
      else for (const each of into) each.compare(before, after)
      if (statuses[at] === partial) this.partial++
      if (reasons[at] === lacksRate)
        for (const name of unitsWithoutRate(this.pricer, priced, at)) count(this.lacking, name, 1)
    }
    this.countFlags(batch.low[low.cost_flags]!, rows.length)
  }

  answer(): WhatIfAnswer {
    const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      groups: sorted(this.groups).map(([key, each]) => {
        const [day = '', provider = '', model = ''] = JSON.parse(key) as string[]
        return { day, provider, model, ...each.data() }
      }),
      total: this.total.data(),
      unpriced_before: { calls: this.neverPriced.calls, whatif_cost: formatPicoUsd(this.neverPriced.after.value) },
      unpriced_then: sorted(this.reasons).map(([reason, { calls, before }]) => ({
        reason,
        calls,
        original_cost: formatPicoUsd(before.value),
      })),
      partial: this.partial,
      units_without_rate: sorted(this.lacking).map(([name, calls]) => ({ unit: name, calls })),
      flags: sorted(this.flags).map(([flag, calls]) => ({ flag, calls })),
      price_book: this.book,
    }
  }

  /** A call that has a cost on one side only. */
  private aside(apart: Group, into: readonly Group[], before: number, after: number): void {
    apart.compare(before, after)
    for (const each of into) each.calls++
  }

  /** The group of a row of the block; its text is made once for each distinct one. */
  private groupsOf(block: NativeBlock): (row: number) => Group {
    const days = block.column('day', 'number').values
    const [providers, models] = [block.column('provider', 'low'), block.column('model', 'low')]
    const known = new Map<number, Group>()
    return (row) => {
      const [day, provider, model] = [days[row]!, providers.index[row]!, models.index[row]!]
      const short = (day * 65_536 + provider) * 65_536 + model
      let found = known.get(short)
      if (found === undefined) {
        const key = [dateOf(day), textOf(providers, provider), textOf(models, model)]
        found = groupIn(this.groups, JSON.stringify(key))
        known.set(short, found)
      }
      return found
    }
  }

  private countFlags(ids: Int32Array, rows: number): void {
    const counts = new Map<number, number>()
    for (let at = 0; at < rows; at++) counts.set(ids[at]!, (counts.get(ids[at]!) ?? 0) + 1)
    for (const [id, calls] of counts) {
      if (id === 0) continue
      for (const flag of this.pricer.strings.text(id).split(',')) count(this.flags, flag, calls)
    }
  }
}

function groupIn(groups: Map<string, Group>, key: string): Group {
  let found = groups.get(key)
  if (found === undefined) {
    found = new Group()
    groups.set(key, found)
  }
  return found
}

function count(counts: Map<string, number>, name: string, calls: number): void {
  counts.set(name, (counts.get(name) ?? 0) + calls)
}

function unitsWithoutRate(pricer: CallPricer, priced: PricedRows, at: number): string[] {
  const resolution = pricer.cardOf(priced, at)
  if (resolution.kind === 'miss') return []
  const { usage } = priced.batch
  const from = at * usageUnitCount
  const { rate } = bandFor(resolution.card, usage[from + unit.input]!, usage[from + unit.reasoning]!)
  return usageUnits.flatMap(({ name }, slot) =>
    usage[from + slot]! > 0 && Number.isNaN(rate[slot]!) && !merged.has(name) ? [name] : [],
  )
}
