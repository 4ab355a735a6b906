// The tables that reach ClickHouse through the journal. A table's place in this list is written in every journal record:
// append to the list, never reorder it.

import { contentTable } from './content-table.ts'
import { logsTable } from './logs-table.ts'
import { scoresTable } from './scores-table.ts'
import { spansTable } from './spans-table.ts'
import type { Table } from './table.ts'

export const journalTables = [spansTable, contentTable, scoresTable, logsTable] as const satisfies readonly Table[]

/** Place of each table in `journalTables`. */
export const journalTable = { spans: 0, span_content: 1, scores: 2, logs: 3 } as const

/** Content goes in before the spans, whose insert drives the materialised views. */
export const insertOrder: readonly number[] = [
  journalTable.span_content,
  journalTable.spans,
  journalTable.scores,
  journalTable.logs,
]
