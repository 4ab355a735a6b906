// What past calls would have cost on another model, or by another price list. Nothing is written.

import { bandFor } from '../../processors/pricing/card.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { cost, costCount, low } from '../../schemas/span-batch.ts'
import { unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { readNative } from '../clickhouse/native-reader.ts'
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
  const groups = new Map<string, Group>()
  const total = new Group()
  const neverPriced = new Group()
  const reasons = new Map<string, Group>()
  const flags = new Map<string, number>()
  const lacking = new Map<string, number>()
  let partial = 0
  let book = ''
  let done = 0
  const group = (map: Map<string, Group>, key: string): Group => {
    let found = map.get(key)
    if (found === undefined) {
      found = new Group()
      map.set(key, found)
    }
    return found
  }
  for await (const answer of readSlices({ ...input, statuses })) {
    for (const block of readNative(answer)) {
      const days = block.column('day', 'number').values
      const totals = block.column('total_cost', 'wide')
      const [providers, models] = [block.column('provider', 'low'), block.column('model', 'low')]
      for (const priced of pricer.price(block)) {
        const { batch, rows } = priced
        const text = (id: number): string => pricer.strings.text(id)
        const [status, reason, flagged] = [low.cost_status, low.cost_reason, low.cost_flags].map(
          (column) => batch.low[column]!,
        )
        const partialId = pricer.strings.internText('partial')
        const lacksRate = pricer.strings.internText('no_rate_for_unit')
        const flagCounts = new Map<number, number>()
        const known = new Map<number, Group>()
        book = priced.book.version
        for (let at = 0; at < rows.length; at++) {
          const row = rows[at]!
          const [provider, model] = [providers.index[row]!, models.index[row]!]
          const short = (days[row]! * 4096 + provider) * 65_536 + model
          let own = known.get(short)
          if (own === undefined) {
            const key = JSON.stringify([dateOf(days[row]!), textOf(providers, provider), textOf(models, model)])
            own = group(groups, key)
            known.set(short, own)
          }
          const before = picoOf(totals, row)
          const after = batch.costs[at * costCount + cost.total]!
          const isCompared = !Number.isNaN(before) && !Number.isNaN(after)
          for (const each of [own, total]) {
            each.calls++
            if (!isCompared) continue
            each.compared++
            each.before.add(before)
            each.after.add(after)
          }
          if (!isCompared) {
            const apart = Number.isNaN(after) ? group(reasons, text(reason![at]!)) : neverPriced
            apart.calls++
            apart.before.add(before)
            apart.after.add(after)
          }
          flagCounts.set(flagged![at]!, (flagCounts.get(flagged![at]!) ?? 0) + 1)
          if (status![at] === partialId) partial++
          if (reason![at] === lacksRate)
            for (const name of unitsWithoutRate(pricer, priced, at)) lacking.set(name, (lacking.get(name) ?? 0) + 1)
        }
        for (const [id, calls] of flagCounts)
          for (const flag of text(id).split(',')) if (flag !== '') flags.set(flag, (flags.get(flag) ?? 0) + calls)
      }
    }
    onSlice(++done)
  }
  const counted = (map: ReadonlyMap<string, number>): [string, number][] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    groups: [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => {
        const [day = '', provider = '', model = ''] = JSON.parse(key) as string[]
        return { day, provider, model, ...each.data() }
      }),
    total: total.data(),
    unpriced_before: { calls: neverPriced.calls, whatif_cost: formatPicoUsd(neverPriced.after.value) },
    unpriced_then: [...reasons].map(([reason, { calls, before }]) => ({
      reason,
      calls,
      original_cost: formatPicoUsd(before.value),
    })),
    partial,
    units_without_rate: counted(lacking).map(([name, calls]) => ({ unit: name, calls })),
    flags: counted(flags).map(([flag, calls]) => ({ flag, calls })),
    price_book: book,
  }
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
