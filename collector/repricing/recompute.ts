// The calls of some slices, priced anew and compared with what the ledger has.

import { amountColumns } from '../../schemas/amounts.ts'
import { repricedColumns } from '../../schemas/recosts-table.ts'
import { costCount, low, type SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { type NativeBlock, readNative } from '../clickhouse/native-reader.ts'
import { CallPricer, type CallPricerOptions, costSlots, picoOf } from './calls.ts'
import { Differences, dateOf, groupKey } from './differences.ts'
import { type ReadInput, readSlices } from './read-calls.ts'
import type { ChangedRow } from './recost-block.ts'

/**
 * Statuses that a price decides. The others are verdicts on something else and stand: `reported` is the sender's figure,
 * `invalid` usage that cannot be, `not_billed` a span that is no call or was not charged.
 */
export const repricedStatuses = ['priced', 'partial', 'unpriced', 'estimated'] as const

const lowNames = repricedColumns.filter((name) => !(amountColumns as readonly string[]).includes(name)) as Exclude<
  (typeof repricedColumns)[number],
  (typeof amountColumns)[number]
>[]

export type RecomputeInput = CallPricerOptions & Omit<ReadInput, 'statuses'>

export interface RecomputeSink {
  /** Ids of `batch.low` are of this table. */
  begin?(strings: StringTable): void
  /** A changed call. */
  changed?(row: ChangedRow): void
  /** Slice number `done - 1` is through. */
  slice?(done: number, differences: Differences): Promise<void> | void
}

/** Prices every call of the slices anew; the sums of what changes. Rejects with ClickHouseError. */
export async function recompute(input: RecomputeInput, sink: RecomputeSink = {}): Promise<Differences> {
  const pricer = new CallPricer(input)
  sink.begin?.(pricer.strings)
  const differences = new Differences()
  let done = 0
  for await (const answer of readSlices({ ...input, statuses: repricedStatuses })) {
    for (const block of readNative(answer)) compare(block, pricer, { differences, sink })
    await sink.slice?.(++done, differences)
  }
  return differences
}

interface Comparing {
  readonly differences: Differences
  readonly sink: RecomputeSink
}

function compare(block: NativeBlock, pricer: CallPricer, { differences, sink }: Comparing): void {
  differences.look(block.rows)
  const amounts = amountColumns.map((name) => block.column(name, 'wide'))
  const totals = block.column('total_cost', 'wide')
  const days = block.column('day', 'number').values
  const total = costSlots[amountColumns.indexOf('total_cost')]!
  const book = low.price_book
  for (const { batch, rows } of pricer.price(block)) {
    const before = lowNames.map((name) => {
      const ids = new Int32Array(rows.length)
      pricer.ids(block, name, ids, rows)
      return { ids, now: batch.low[low[name]]!, isBook: low[name] === book, name }
    })
    const keys = new GroupKeys(pricer.strings)
    const idsOf = (name: string): Int32Array => before.find((each) => each.name === name)!.ids
    const [entries, statuses] = [idsOf('price_entry'), idsOf('cost_status')]
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      let isChanged = false
      for (const { ids, now, isBook } of before) if (!isBook && ids[i] !== now[i]) isChanged = true
      for (let a = 0; a < amounts.length && !isChanged; a++) {
        if (!Object.is(picoOf(amounts[a]!, row), batch.costs[i * costCount + costSlots[a]!]!)) isChanged = true
      }
      if (!isChanged) continue
      differences.add(
        keys.of(days[row]!, batch, i, entries[i]!, statuses[i]!),
        picoOf(totals, row),
        batch.costs[i * costCount + total]!,
      )
      sink.changed?.({ batch, at: i, block, row })
    }
  }
}

/** Texts of groups, made once for each distinct one. */
class GroupKeys {
  private readonly strings: StringTable
  private readonly known = new Map<string, string>()

  constructor(strings: StringTable) {
    this.strings = strings
  }

  of(day: number, batch: SpanBatch, at: number, entry: number, status: number): string {
    const id = (name: keyof typeof low): number => batch.low[low[name]]![at]!
    const short = `${day} ${id('provider')} ${id('model')} ${entry} ${id('price_entry')} ${status} ${id('cost_status')}`
    let key = this.known.get(short)
    if (key === undefined) {
      const text = (number: number): string => this.strings.text(number)
      key = groupKey({
        day: dateOf(day),
        provider: text(id('provider')),
        model: text(id('model')),
        original_price_entry: text(entry),
        price_entry: text(id('price_entry')),
        original_cost_status: text(status),
        cost_status: text(id('cost_status')),
      })
      this.known.set(short, key)
    }
    return key
  }
}
