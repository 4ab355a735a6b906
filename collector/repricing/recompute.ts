// The calls of some slices, priced anew and compared with what the ledger has: slice by slice, the next one being read while
// one is priced, so that memory holds two of them whatever the window.

import { repricedColumns } from '../../schemas/recosts-table.ts'
import { costCount, low, type SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { type NativeBlock, readNative } from '../clickhouse/native-reader.ts'
import {
  amountColumns,
  CallPricer,
  type CallPricerOptions,
  costSlots,
  picoOf,
  questionColumns,
  startColumn,
} from './calls.ts'
import { Differences, groupKey } from './differences.ts'
import { type ChangedRow, keptColumns } from './recost-block.ts'
import { type CallFilter, inSlice, meant, type Slice } from './slices.ts'

/**
 * Statuses that a price decides. The others are verdicts on something else and stand: `reported` is the sender's figure,
 * `invalid` usage that cannot be, `not_billed` a span that is no call or was not charged.
 */
export const repricedStatuses = ['priced', 'partial', 'unpriced', 'estimated'] as const

/** Gentle to whoever is working: one thread, and no cache of ours pushes out theirs. */
export const readSettings = {
  max_threads: 1,
  max_block_size: '16384',
  do_not_merge_across_partitions_select_final: 1,
  output_format_native_encode_types_in_binary_format: 0,
} as const

const lowNames = repricedColumns.filter((name) => !(amountColumns as readonly string[]).includes(name)) as Exclude<
  (typeof repricedColumns)[number],
  (typeof amountColumns)[number]
>[]

export interface RecomputeInput extends CallPricerOptions {
  readonly clickhouse: Pick<ClickHouse, 'native'>
  readonly filter: CallFilter
  readonly slices: readonly Slice[]
  /** Zone of the days that differences are added up by. */
  readonly tz: string
  readonly statuses?: readonly string[]
}

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
  const { slices, tz } = input
  const pricer = new CallPricer(input)
  sink.begin?.(pricer.strings)
  const differences = new Differences()
  let next = slices.length === 0 ? undefined : readSlice(input, slices[0]!)
  for (let i = 0; i < slices.length; i++) {
    const answer = await next!
    next = i + 1 < slices.length ? readSlice(input, slices[i + 1]!) : undefined
    // Its failure is met at the next turn; until then it is nobody's.
    next?.catch(() => undefined)
    for (const block of readNative(answer)) compare(block, pricer, { tz, differences, sink })
    await sink.slice?.(i + 1, differences)
  }
  return differences
}

function readSlice(
  { clickhouse, filter, tz, statuses = repricedStatuses }: RecomputeInput,
  slice: Slice,
): Promise<Uint8Array> {
  const where = inSlice(slice)
  const which = meant(filter)
  const columns = [
    ...questionColumns,
    startColumn(slice.isFar === true),
    ...keptColumns,
    ...repricedColumns.filter((name) => !(questionColumns as readonly string[]).includes(name)),
    'toUInt16(toDate(start_time, {tz:String})) AS day',
  ]
  return clickhouse.native(
    `SELECT ${columns.join(', ')} FROM spans FINAL
    WHERE ${where.sql} AND ${which.sql} AND cost_status IN ({statuses:Array(String)})`,
    { ...where.parameters, ...which.parameters, tz, statuses: [...statuses] },
    readSettings,
  )
}

interface Comparing {
  readonly tz: string
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

const dayMs = 86_400_000

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
        day: new Date(day * dayMs).toISOString().slice(0, 10),
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
