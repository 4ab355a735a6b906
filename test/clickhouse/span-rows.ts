// Rows of `spans` as objects, for tests of what ClickHouse makes of them.

import type { ClickHouse } from '../../collector/clickhouse/client.ts'
import { encodeRows, type Row } from '../../collector/clickhouse/native.ts'
import { spansTable } from '../../schemas/spans-table.ts'
import { columnNames, type Table } from '../../schemas/table.ts'

const nowMs = Date.now()

/** A priced call of 0.75 USD with 100 and 10 tokens, and what is given instead. */
export function spanRow(spanId: string, given: Row = {}): Row {
  return {
    project_id: 'default',
    kind: 'llm',
    start_time: BigInt(nowMs) * 1_000_000n,
    trace_id: `trace of ${spanId}`,
    span_id: spanId,
    name: 'chat',
    status: 'ok',
    model: 'm',
    user_id: 'jane',
    input_tokens: 100,
    output_tokens: 10,
    input_cost: 500_000_000_000n,
    output_cost: 250_000_000_000n,
    total_cost: 750_000_000_000n,
    cost_status: 'priced',
    retention_days: 90,
    ingested_at: nowMs,
    sign: 1,
    ...given,
  }
}

/** `spans` without the columns that rows as objects cannot fill: arrays of tuples. */
const fillable: Table = {
  ...spansTable,
  columns: spansTable.columns.filter(({ type }) => !type.startsWith('Array(Tuple')),
}

let inserts = 0

/** One insert; without a token it has one of its own. */
export function insertSpans(clickhouse: ClickHouse, rows: readonly Row[], token = `spans-${inserts++}`): Promise<void> {
  const body = encodeRows(fillable, rows)
  return clickhouse.insert({ table: 'spans', columns: columnNames(fillable), body, token, rows: rows.length })
}
