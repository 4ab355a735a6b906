// Reads the calls of some slices, slice by slice, the next one being read while one is worked at, so that memory holds two of
// them whatever the window.

import { repricedColumns } from '../../schemas/recosts-table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { questionColumns, startColumn } from './calls.ts'
import { keptColumns } from './recost-block.ts'
import { type CallFilter, inSlice, meant, type Slice } from './slices.ts'

export interface ReadInput {
  readonly clickhouse: Pick<ClickHouse, 'native'>
  readonly filter: CallFilter
  readonly slices: readonly Slice[]
  /** Zone of the days that calls are added up by. */
  readonly tz: string
  readonly statuses: readonly string[]
}

/** Gentle to whoever else is working. */
const readSettings = {
  max_threads: 1,
  max_block_size: '16384',
  do_not_merge_across_partitions_select_final: 1,
} as const

/** An answer in FORMAT Native a slice, in their order. Rejects with ClickHouseError. */
export async function* readSlices(input: ReadInput): AsyncGenerator<Uint8Array> {
  const { slices } = input
  let next = slices.length === 0 ? undefined : readSlice(input, slices[0]!)
  for (let i = 0; i < slices.length; i++) {
    const answer = await next!
    next = i + 1 < slices.length ? readSlice(input, slices[i + 1]!) : undefined
    // Its failure is met at the next turn; until then it is nobody's.
    next?.catch(() => undefined)
    yield answer
  }
}

function readSlice({ clickhouse, filter, tz, statuses }: ReadInput, slice: Slice): Promise<Uint8Array> {
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
