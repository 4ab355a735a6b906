// hot: Calls as the ledger has them → the same calls priced anew. The question is put to the same processors/ledger.ts that
// priced them when they arrived, with the columns it wrote turned back into what it was asked; there is no second arithmetic.
//
//   reported model    response_model, else request_model         usage NULL      not reported
//   provider          '' where it was inferred                   usage 0         not reported, for a part of a total
//   conditions        price_conditions                           instant         end of the span

import { verdict } from '../../processors/charge.ts'
import { Ledger } from '../../processors/ledger.ts'
import type { PriceBook, Resolution } from '../../processors/pricing/book.ts'
import { ConditionTable, parseConditions } from '../../processors/pricing/conditions.ts'
import { cost, costCount, low, role, SpanBatch } from '../../schemas/span-batch.ts'
import { StringTable } from '../../schemas/string-table.ts'
import { unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import {
  type LowCells,
  type MapCells,
  type NativeBlock,
  type WideCells,
  wideNumber,
} from '../clickhouse/native-reader.ts'

/** What a reader of calls selects, beside what it needs for itself. */
export const questionColumns = [
  'project_id',
  'kind',
  'duration_ns',
  'status',
  'provider',
  'request_model',
  'response_model',
  'usage_rule',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'usage_other',
  'cost_flags',
  'cost_status',
  // Rows of before price_conditions was kept: the tier had a column from the beginning.
  `CAST(if(price_conditions = '' AND service_tier != '', toJSONString(map('serviceTier', toString(service_tier))), toString(price_conditions)), 'LowCardinality(String)') AS conditions`,
] as const

/** When a span began, as it was sent: the row of one whose start was clamped says so in its attributes, which cost to read. */
export function startColumn(isFar: boolean): string {
  const key = "attributes['spanledger.start_time_unix_nano']"
  const stored = 'toUnixTimestamp64Nano(start_time)'
  return `${isFar ? `if(${key} = '', ${stored}, toInt64OrZero(${key}))` : stored} AS began`
}

/** Slots of `amountColumns`, in their order. */
export const costSlots = [
  cost.input,
  cost.cacheRead,
  cost.cacheWrite,
  cost.output,
  cost.other,
  cost.total,
  cost.pricingCurrency,
] as const

/** The model that calls are priced as, in place of their own. */
export interface Instead {
  readonly provider: string
  readonly model: string
}

export interface CallPricerOptions {
  /** The book that prices the calls of a project. */
  readonly bookFor: (project: string) => PriceBook
  readonly instead?: Instead
}

/** Rows of a block that share a project, priced: row i of `batch` is row `rows[i]` of the block. */
export interface PricedRows {
  readonly batch: SpanBatch
  readonly rows: Int32Array
  readonly book: PriceBook
}

const inferred = 'provider_inferred'
const slotByKey: ReadonlyMap<string, number> = new Map(
  usageUnits.flatMap(({ key }, slot) => (key === null ? [] : [[key, slot] as const])),
)

export class CallPricer {
  readonly strings = new StringTable()
  private readonly batch = new SpanBatch()
  private readonly conditions = new ConditionTable()
  private readonly charge = { verdicts: new Uint8Array(0) }
  private ledger: Ledger | null = null
  private readonly options: CallPricerOptions

  constructor(options: CallPricerOptions) {
    this.options = options
  }

  /** Prices a block, one project at a time; `batch` and `rows` are valid until the next. */
  *price(block: NativeBlock): Generator<PricedRows> {
    // Ids of the block before are of no use any more.
    this.strings.trim()
    const projects = block.column('project_id', 'low')
    for (let key = 0; key < projects.keys.from.length; key++) {
      const rows = rowsOf(projects, key)
      if (rows.length === 0) continue
      const book = this.options.bookFor(textOf(projects, key))
      this.fill(block, rows)
      this.ledgerFor(book).run()
      this.keepEstimates(block, rows)
      yield { batch: this.batch, rows, book }
    }
  }

  /** Usage that was counted by a tokenizer stays an estimate at any price. */
  private keepEstimates(block: NativeBlock, rows: Int32Array): void {
    const before = block.column('cost_status', 'low')
    const isEstimate = keysAs(before, (text) => (text === 'estimated' ? 1 : 0))
    const statuses = this.batch.low[low.cost_status]!
    const [estimated, priced, partial] = ['estimated', 'priced', 'partial'].map((word) => this.strings.internText(word))
    for (let i = 0; i < rows.length; i++) {
      if (isEstimate[before.index[rows[i]!]!] === 0) continue
      if (statuses[i] === priced || statuses[i] === partial) statuses[i] = estimated!
    }
  }

  /** The card that priced a row of the batch at hand, or why there is none. */
  cardOf({ batch, book }: PricedRows, at: number): Resolution {
    const text = (name: 'provider' | 'response_model' | 'request_model'): string =>
      this.strings.text(batch.low[low[name]]![at]!)
    const endMs = Math.floor((batch.endHigh[at]! * 4294967296 + batch.endLow[at]!) / 1e6)
    const conditions = this.conditions.get(batch.condition[at]!)
    return book.resolve(text('provider'), text('response_model') || text('request_model'), conditions, endMs)
  }

  private ledgerFor(book: PriceBook): Ledger {
    const { batch, strings, charge, conditions } = this
    this.ledger ??= new Ledger({ book, batch, strings, charge, conditions })
    this.ledger.use(book)
    return this.ledger
  }

  private fill(block: NativeBlock, rows: Int32Array): void {
    const { batch } = this
    const count = rows.length
    batch.open(new Uint8Array(0))
    while (batch.rows < count) {
      batch.reserveRow()
      batch.rows++
    }
    if (this.charge.verdicts.length < count) this.charge.verdicts = new Uint8Array(count * 2).fill(verdict.none)
    for (const ids of batch.low) ids.fill(0, 0, count)
    batch.usage.fill(Number.NaN, 0, count * usageUnitCount)
    batch.costs.fill(Number.NaN, 0, count * costCount)
    batch.badUsage.fill(0, 0, count)
    batch.charged.fill(0, 0, count)
    batch.role.fill(role.call, 0, count)
    this.names(block, rows)
    this.ends(block, rows)
    this.tokens(block, rows)
    this.others(block.column('usage_other', 'map'), rows)
    const conditions = block.column('conditions', 'low')
    const numbers = keysAs(conditions, (text) => this.conditions.id(parseConditions(text)))
    for (let i = 0; i < count; i++) batch.condition[i] = numbers[conditions.index[rows[i]!]!]!
  }

  private names(block: NativeBlock, rows: Int32Array): void {
    const { batch } = this
    for (const name of ['kind', 'status', 'usage_rule'] as const) this.ids(block, name, batch.low[low[name]]!, rows)
    const { instead } = this.options
    if (instead !== undefined) {
      batch.low[low.provider]!.fill(this.strings.internText(instead.provider), 0, rows.length)
      batch.low[low.request_model]!.fill(this.strings.internText(instead.model), 0, rows.length)
      return
    }
    for (const name of ['provider', 'request_model', 'response_model'] as const)
      this.ids(block, name, batch.low[low[name]]!, rows)
    const flags = block.column('cost_flags', 'low')
    const isInferred = keysAs(flags, (text) => (text.split(',').includes(inferred) ? 1 : 0))
    const providers = batch.low[low.provider]!
    for (let i = 0; i < rows.length; i++) if (isInferred[flags.index[rows[i]!]!] === 1) providers[i] = 0
  }

  /** A text column of the block as ids of our table. */
  ids(block: NativeBlock, name: string, into: Int32Array, rows: Int32Array): void {
    const cells = block.column(name, 'low')
    const { keys } = cells
    const known = new Int32Array(keys.from.length)
    for (let i = 0; i < known.length; i++) known[i] = this.strings.intern(keys.bytes, keys.from[i]!, keys.end[i]!)
    for (let i = 0; i < rows.length; i++) into[i] = known[cells.index[rows[i]!]!]!
  }

  private ends(block: NativeBlock, rows: Int32Array): void {
    const { batch } = this
    const start = block.column('began', 'wide')
    const duration = block.column('duration_ns', 'wide')
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const sum = start.low[row]! + duration.low[row]!
      batch.endLow[i] = sum
      batch.endHigh[i] = start.high[row]! + duration.high[row]! + (sum >= 4294967296 ? 1 : 0)
    }
  }

  private tokens(block: NativeBlock, rows: Int32Array): void {
    const { usage } = this.batch
    const put = (name: string, slot: number, isPart: boolean): void => {
      const cells = block.column(name, 'wide')
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        if (cells.nulls?.[row] === 1) continue
        const value = wideNumber(cells, row)
        if (value !== 0 || !isPart) usage[i * usageUnitCount + slot] = value
      }
    }
    put('input_tokens', unit.input, false)
    put('output_tokens', unit.output, false)
    put('cache_read_tokens', unit.cacheRead, true)
    put('cache_write_tokens', unit.cacheWrite, true)
    put('reasoning_tokens', unit.reasoning, true)
  }

  private others(cells: MapCells, rows: Int32Array): void {
    const { usage } = this.batch
    if (cells.values.length === 0) return
    // A unit that this program does not know is priced by nobody.
    const slots = keysAs(cells.keys, (text) => slotByKey.get(text) ?? -1)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      for (let at = row === 0 ? 0 : cells.ends[row - 1]!; at < cells.ends[row]!; at++) {
        const slot = slots[cells.keys.index[at]!]!
        if (slot >= 0) usage[i * usageUnitCount + slot] = cells.values[at]!
      }
    }
  }
}

/** Amount of a Decimal(18, 12) cell as pico-USD, NaN for NULL. */
export function picoOf(cells: WideCells, row: number): number {
  return cells.nulls?.[row] === 1 ? Number.NaN : wideNumber(cells, row)
}

const decoder = new TextDecoder()

export function textOf({ keys }: LowCells, key: number): string {
  return decoder.decode(keys.bytes.subarray(keys.from[key]!, keys.end[key]!))
}

/** A number for each distinct text of a column. */
function keysAs(cells: LowCells, numberOf: (text: string) => number): Int32Array {
  return Int32Array.from({ length: cells.keys.from.length }, (_, key) => numberOf(textOf(cells, key)))
}

function rowsOf({ index }: LowCells, key: number): Int32Array {
  let count = 0
  for (let row = 0; row < index.length; row++) if (index[row] === key) count++
  const rows = new Int32Array(count)
  let at = 0
  for (let row = 0; row < index.length; row++) if (index[row] === key) rows[at++] = row
  return rows
}
