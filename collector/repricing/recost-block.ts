// hot: Changed calls → an open Native block of `span_recosts`.

import { amountColumns } from '../../schemas/amounts.ts'
import { originalName, recostsTable, repricedColumns } from '../../schemas/recosts-table.ts'
import { costCount, low, type SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { LowColumn, StringColumn } from '../clickhouse/columns.ts'
import { FixedColumn } from '../clickhouse/fixed-column.ts'
import { emitBlockHead } from '../clickhouse/native.ts'
import type { NativeBlock } from '../clickhouse/native-reader.ts'
import { PartList } from '../clickhouse/part-list.ts'
import { costSlots } from './calls.ts'

/** What is the same for all rows of a block. */
export interface RecostHead {
  readonly run: string
  readonly computedMs: number
}

/** One changed row: where it is in the batch it was priced in, and in the block it was read from. */
export interface ChangedRow {
  readonly batch: SpanBatch
  readonly at: number
  readonly block: NativeBlock
  readonly row: number
}

interface RecostColumn {
  append(changed: ChangedRow): void
  reset(): void
  emitPrefix(out: PartList): void
  emitData(out: PartList): void
}

/** Text columns read for the block besides those of the question. */
export const keptColumns = [
  'start_time',
  'trace_id',
  'span_id',
  'kind',
  'env',
  'service',
  'feature',
  'prompt_name',
  'prompt_version',
  'user_id',
  'retention_days',
  'revision',
] as const

export class RecostBlock {
  rows = 0
  private readonly columns: readonly RecostColumn[]
  private readonly out = new PartList()

  constructor(strings: StringTable, head: RecostHead) {
    this.columns = recostsTable.columns.map(({ name, type }) => recostColumn(name, type, strings, head))
  }

  append(changed: ChangedRow): void {
    for (const column of this.columns) column.append(changed)
    this.rows++
  }

  /** Native bytes of the block; the memory is the block's until `reset`. */
  parts(): readonly Uint8Array[] {
    const { out } = this
    out.reset()
    emitBlockHead(out, this.columns.length, this.rows)
    recostsTable.columns.forEach(({ name, type }, i) => {
      out.addText(name)
      out.addText(type)
      this.columns[i]!.emitPrefix(out)
      this.columns[i]!.emitData(out)
    })
    out.close()
    return out.parts
  }

  reset(): void {
    for (const column of this.columns) column.reset()
    this.rows = 0
  }
}

const originals: ReadonlyMap<string, string> = new Map(repricedColumns.map((name) => [originalName(name), name]))

function recostColumn(name: string, type: string, strings: StringTable, head: RecostHead): RecostColumn {
  const before = originals.get(name)
  if (type === 'LowCardinality(String)') {
    if (name === 'pricing_run') return lowColumn(strings, () => strings.internText(head.run))
    if (before !== undefined) return lowColumn(strings, readId(strings, before))
    if ((repricedColumns as readonly string[]).includes(name)) {
      const ids = low[name as keyof typeof low]
      return lowColumn(strings, ({ batch, at }) => batch.low[ids]![at]!)
    }
    return lowColumn(strings, readId(strings, name))
  }
  if (type === 'String') return textColumn(name)
  if (type.startsWith('Nullable(Decimal')) return before === undefined ? newAmount(name) : copiedAmount(before)
  if (name === 'start_time') return startTime()
  if (name === 'computed_at') return plain(8, (cells) => cells.appendInteger(head.computedMs))
  if (name === 'step') return plain(4, (cells) => cells.append32(0))
  if (name === 'revision') return plain(4, (cells, { block, row }) => cells.append32(number(block, name, row)))
  if (name === 'retention_days') return plain(2, (cells, { block, row }) => cells.append16(number(block, name, row)))
  throw new Error(`span_recosts.${name} has no encoder`)
}

function number(block: NativeBlock, name: string, row: number): number {
  return block.column(name, 'number').values[row]!
}

function readId(strings: StringTable, name: string): (changed: ChangedRow) => number {
  return ({ block, row }) => {
    const { keys, index } = block.column(name, 'low')
    const key = index[row]!
    return strings.intern(keys.bytes, keys.from[key]!, keys.end[key]!)
  }
}

function lowColumn(strings: StringTable, id: (changed: ChangedRow) => number): RecostColumn {
  const cells = new LowColumn(strings)
  return {
    append: (changed) => cells.append(id(changed)),
    reset: () => cells.reset(),
    emitPrefix: (out) => cells.emitPrefix(out),
    emitData: (out) => cells.emitData(out),
  }
}

const noPrefix = (): void => undefined

function textColumn(name: string): RecostColumn {
  const cells = new StringColumn()
  return {
    append({ block, row }) {
      const { bytes, from, end } = block.column(name, 'string')
      cells.append(bytes, from[row]!, end[row]!)
    },
    reset: () => cells.reset(),
    emitPrefix: noPrefix,
    emitData: (out) => cells.emit(out),
  }
}

function plain(width: 1 | 2 | 4 | 8, write: (cells: FixedColumn, changed: ChangedRow) => void): RecostColumn {
  const cells = new FixedColumn(width)
  return {
    append: (changed) => write(cells, changed),
    reset: () => cells.reset(),
    emitPrefix: noPrefix,
    emitData: (out) => cells.emit(out),
  }
}

function startTime(): RecostColumn {
  return plain(8, (cells, { block, row }) => {
    const { low: lowHalves, high } = block.column('start_time', 'wide')
    cells.appendHalves(lowHalves[row]!, high[row]!)
  })
}

function nullable(write: (nulls: FixedColumn, cells: FixedColumn, changed: ChangedRow) => void): RecostColumn {
  const nulls = new FixedColumn(1)
  const cells = new FixedColumn(8)
  return {
    append: (changed) => write(nulls, cells, changed),
    reset() {
      nulls.reset()
      cells.reset()
    },
    emitPrefix: noPrefix,
    emitData(out) {
      nulls.emit(out)
      cells.emit(out)
    },
  }
}

function newAmount(name: string): RecostColumn {
  const slot = costSlots[(amountColumns as readonly string[]).indexOf(name)]!
  return nullable((nulls, cells, { batch, at }) => {
    const pico = batch.costs[at * costCount + slot]!
    nulls.append8(Number.isNaN(pico) ? 1 : 0)
    cells.appendInteger(Number.isNaN(pico) ? 0 : pico)
  })
}

function copiedAmount(name: string): RecostColumn {
  return nullable((nulls, cells, { block, row }) => {
    const from = block.column(name, 'wide')
    const isNull = from.nulls?.[row] === 1
    nulls.append8(isNull ? 1 : 0)
    cells.appendHalves(isNull ? 0 : from.low[row]!, isNull ? 0 : from.high[row]!)
  })
}
