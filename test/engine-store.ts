// The journal's place in tests that want rows in ClickHouse at once: records are inserted as they are appended.

import type { JournalRecord, RecordStore } from '../collector/sinks/clickhouse.ts'
import { journalTables } from '../schemas/journal-tables.ts'
import { columnNames } from '../schemas/table.ts'
import type { TestEngine } from './engine.ts'

let inserts = 0

/** Keeps what is appended, and inserts all of a table at once when it is told to: thousands of requests in a few inserts. */
export function gatheringStore({ clickhouse }: TestEngine): RecordStore & { flush(): Promise<void> } {
  const gathered = new Map<number, { rows: number; parts: Uint8Array[] }>()
  return {
    async append(records: readonly JournalRecord[]) {
      for (const { table, rows, parts } of records) {
        const all = gathered.get(table) ?? { rows: 0, parts: [] }
        gathered.set(table, all)
        all.rows += rows
        // A sink reuses its memory.
        for (const part of parts) all.parts.push(part.slice())
      }
    },
    async flush() {
      for (const [table, { rows, parts }] of gathered) {
        const into = journalTables[table] ?? journalTables[0]
        const token = `engine-store-${inserts++}`
        await clickhouse.insert({ table: into.name, columns: columnNames(into), body: parts, token, rows })
      }
      gathered.clear()
    },
  }
}

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
