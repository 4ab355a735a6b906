// The journal's place in tests that want rows in ClickHouse at once: records are inserted as they are appended.

import type { JournalRecord, RecordStore } from '../collector/sinks/clickhouse.ts'
import { journalTables } from '../schemas/journal-tables.ts'
import { columnNames } from '../schemas/table.ts'
import type { TestEngine } from './engine.ts'

let inserts = 0

export function engineStore({ clickhouse }: TestEngine): RecordStore {
  return {
    async append(records: readonly JournalRecord[]) {
      for (const { table, rows, parts } of records) {
        const into = journalTables[table] ?? journalTables[0]
        const token = `engine-store-${inserts++}`
        await clickhouse.insert({ table: into.name, columns: columnNames(into), body: parts, token, rows })
      }
    },
  }
}
