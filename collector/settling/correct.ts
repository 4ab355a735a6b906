// Changes → rows: of each changed span a copy that cancels what was written and its new state, in one insert, so that the
// rollups follow; and before them a row of ledger_corrections, which says what, from what, to what and why.
//
//   1. ledger_corrections     the change, under the revision it will make
//   2. spans                  both rows, where the span is still as it was found; done twice it does nothing
//
// Killed between the two, the next pass over the trace finds the same change again and writes the same rows.

import { createHash } from 'node:crypto'
import type { Change } from '../../processors/settling/changes.ts'
import { spansTable } from '../../schemas/spans-table.ts'
import { columnNames, type Table } from '../../schemas/table.ts'
import type { ClickHouse } from '../clickhouse/client.ts'
import { encodeRows, type Row } from '../clickhouse/native.ts'
import { fromText, type TextKind } from './from-text.ts'

/** Columns that a correction may change, and how text becomes their value. */
const corrected: Readonly<Record<string, TextKind>> = {
  provider: 'low',
  model: 'low',
  user_id: 'text',
  session_id: 'text',
  feature: 'low',
  team: 'low',
  customer: 'text',
  step: 'low',
  input_class: 'low',
  collection: 'low',
  env: 'low',
  agent_name: 'low',
  tool_name: 'low',
  prompt_name: 'low',
  prompt_version: 'low',
  input_cost: 'decimal',
  cache_read_cost: 'decimal',
  cache_write_cost: 'decimal',
  output_cost: 'decimal',
  other_cost: 'decimal',
  total_cost: 'decimal',
  pricing_currency_cost: 'decimal',
  wasted_cost: 'decimal',
  cost_status: 'low',
  cost_reason: 'low',
  cost_flags: 'low',
  pricing_currency: 'low',
  price_entry: 'low',
  price_book: 'low',
  counted_as: 'text',
  attempt: 'uint16',
  attempts: 'uint16',
  input_tokens: 'countOrNull',
  output_tokens: 'countOrNull',
  cache_read_tokens: 'count',
  cache_write_tokens: 'count',
  reasoning_tokens: 'count',
  usage_other: 'quantities',
  usage_rule: 'low',
  service_tier: 'low',
  price_conditions: 'low',
}

/** What a statement is sent of each change. */
const changesTable = {
  name: 'changes',
  doc: 'Changes of spans, each with what is told of it.',
  columns: [
    { name: 'project_id', type: 'String', doc: 'Project.' },
    { name: 'trace_id', type: 'String', doc: 'Trace.' },
    { name: 'span_id', type: 'String', doc: 'Span.' },
    { name: 'revision', type: 'UInt32', doc: 'Revision that the change makes.' },
    { name: 'changes', type: 'Map(LowCardinality(String), String)', doc: 'New value by column, as text.' },
    { name: 'shown', type: 'Map(LowCardinality(String), String)', doc: '`from → to` by column.' },
    { name: 'reason', type: 'String', doc: 'Why.' },
    { name: 'evidence', type: 'String', doc: 'What it was seen by.' },
    { name: 'old_cost', type: 'String', doc: 'Total before, as text; empty for none.' },
    { name: 'new_cost', type: 'String', doc: 'Total after, as text; empty for none.' },
  ],
} as const satisfies Table

const sentChanges = `input('${changesTable.columns.map(({ name, type }) => `${name} ${type}`).join(', ')}')`

/**
 * At most 1,000 changes: the ids of their traces are one value of a statement, of which a server reads 128 KiB.
 * Rejects with ClickHouseError. Callers take turns: two that write different changes of one span would both cancel it.
 */
export async function writeCorrections(
  clickhouse: Pick<ClickHouse, 'insertSelect'>,
  changes: readonly Change[],
  { nowMs, madeBy }: { readonly nowMs: number; readonly madeBy: string },
): Promise<void> {
  if (changes.length === 0) return
  const body = encodeRows(changesTable, changes.map(sentRow))
  const hash = createHash('sha256')
  for (const part of body) hash.update(part)
  const token = hash.digest('hex')
  await clickhouse.insertSelect({
    sql: correctionsSql,
    parameters: { now: nowMs, by: madeBy },
    body,
    token: `settle-corrections-${token}`,
  })
  await clickhouse.insertSelect({
    sql: pairsSql,
    parameters: { traces: [...new Set(changes.map(({ stored }) => stored.trace_id))] },
    body,
    token: `settle-${token}`,
    settings: { max_threads: 1 },
  })
}

function sentRow(change: Change): Row {
  const { stored, columns, reason, evidence } = change
  return {
    project_id: stored.project_id,
    trace_id: stored.trace_id,
    span_id: stored.span_id,
    revision: stored.revision + 1,
    changes: columns,
    shown: shownChanges(change),
    reason,
    evidence,
    old_cost: stored.total_cost ?? '',
    new_cost: columns['total_cost'] ?? stored.total_cost ?? '',
  }
}

/** Column → `from → to`, as a person reads it; columns that stay as they are are left out. */
function shownChanges({ stored, columns }: Change): Record<string, string> {
  const before: Readonly<Record<string, unknown>> = { ...stored }
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, value]) => {
      const from = before[name] === null ? 'NULL' : String(before[name])
      const to = corrected[name] === 'decimal' && value === '' ? 'NULL' : value
      return from === to ? [] : [[name, `${from} → ${to}`.trim()]]
    }),
  )
}

const correctionsSql = `INSERT INTO ledger_corrections
  (project_id, corrected_at, trace_id, span_id, revision, reason, changes, old_cost, new_cost, evidence, made_by)
SELECT project_id, fromUnixTimestamp64Milli({now:Int64}), trace_id, span_id, revision, reason, shown,
  toDecimal64OrNull(old_cost, 12), toDecimal64OrNull(new_cost, 12), evidence, {by:String}
FROM ${sentChanges}`

/** Cancelling copy and new state of every changed span that is still as it was found. */
const pairsSql = `INSERT INTO spans (${columnNames(spansTable).join(', ')})
SELECT ${spansTable.columns.map(({ name }) => `${expressionOf(name)} AS ${name}_`).join(', ')}
FROM (SELECT * FROM spans FINAL WHERE trace_id IN {traces:Array(String)}) AS s
INNER JOIN (SELECT project_id, trace_id, span_id, revision, changes FROM ${sentChanges}) AS c
  ON s.project_id = c.project_id AND s.trace_id = c.trace_id AND s.span_id = c.span_id
ARRAY JOIN [toInt8(-1), toInt8(1)] AS new_sign
WHERE c.revision = s.revision + 1
ORDER BY s.project_id, s.trace_id, s.span_id, new_sign`

function expressionOf(name: string): string {
  if (name === 'sign') return 'new_sign'
  if (name === 'revision') return 'c.revision'
  const kind = corrected[name]
  if (kind === undefined) return `s.${name}`
  return `if(new_sign = 1 AND mapContains(c.changes, '${name}'), ${fromText[kind](`c.changes['${name}']`)}, s.${name})`
}
