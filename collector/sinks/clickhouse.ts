// Batches and rows → journal records, by group commit: while one group is being synced, whatever arrives is gathered in the
// other set of blocks and becomes the next group. The writer takes it from the journal to ClickHouse.
//
//      append ─▶ open set ──┐ swap        ┌─▶ journal.append (one write, one fdatasync) ─▶ waiting requests are answered
//                spare set ─┴─────────────┘

import { journalTable, journalTables } from '../../schemas/journal-tables.ts'
import type { SpanBatch } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { ContentBlock } from '../clickhouse/content-block.ts'
import { type Row, RowBlock } from '../clickhouse/native.ts'
import { SpanBlock } from '../clickhouse/span-block.ts'

export interface JournalRecord {
  /** Place in `journalTables`. */
  readonly table: number
  readonly rows: number
  /** Native block; the memory stays the caller's until the append resolves. */
  readonly parts: readonly Uint8Array[]
}

/** What the sink needs of the journal. */
export interface RecordStore {
  append(records: readonly JournalRecord[]): Promise<void>
}

export interface SinkSettings {
  readonly retentionDays: number
  readonly contentRetentionDays: number
}

interface Group {
  readonly spans: SpanBlock
  readonly content: ContentBlock
  /** Rows as objects, by the place of their table in `journalTables`; made when first needed. */
  readonly rows: Map<number, RowBlock>
  waiting: { resolve: () => void; reject: (error: unknown) => void }[]
}

export class ClickHouseSink {
  private readonly store: RecordStore
  private open: Group
  private spare: Group
  private isBusy = false

  constructor(store: RecordStore, strings: StringTable, settings: SinkSettings) {
    this.store = store
    this.open = makeGroup(strings, settings)
    this.spare = makeGroup(strings, settings)
  }

  /** Copies the batch before it returns; resolves once its rows are durable, rejects when none of the group is. */
  append(batch: SpanBatch): Promise<void> {
    this.open.spans.append(batch)
    this.open.content.append(batch)
    return this.wait()
  }

  /** Encodes the rows before it returns; resolves once they are durable. Throws TypeError for a row its table cannot hold. */
  appendRows(table: keyof typeof journalTable, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return Promise.resolve()
    const place = journalTable[table]
    let block = this.open.rows.get(place)
    if (block === undefined) {
      block = new RowBlock(journalTables[place])
      this.open.rows.set(place, block)
    }
    block.append(rows)
    return this.wait()
  }

  /** Resolves once everything appended so far is durable, or has failed. */
  settled(): Promise<void> {
    return this.isBusy ? this.wait() : Promise.resolve()
  }

  private wait(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.open.waiting.push({ resolve, reject }))
    if (!this.isBusy) {
      this.isBusy = true
      // One turn of the event loop gathers the requests that were read in the same poll.
      setImmediate(() => void this.flush())
    }
    return done
  }

  private async flush(): Promise<void> {
    while (this.open.waiting.length > 0) {
      const group = this.open
      this.open = this.spare
      this.spare = group
      try {
        const records = recordsOf(group)
        if (records.length > 0) await this.store.append(records)
        for (const each of group.waiting) each.resolve()
      } catch (error) {
        for (const each of group.waiting) each.reject(error)
      }
      resetGroup(group)
    }
    this.isBusy = false
  }
}

function makeGroup(strings: StringTable, settings: SinkSettings): Group {
  return {
    spans: new SpanBlock(strings, { retentionDays: settings.retentionDays }),
    content: new ContentBlock(strings, { retentionDays: settings.contentRetentionDays }),
    rows: new Map(),
    waiting: [],
  }
}

function recordsOf(group: Group): JournalRecord[] {
  const records: JournalRecord[] = []
  if (group.content.rows > 0)
    records.push({ table: journalTable.span_content, rows: group.content.rows, parts: group.content.parts() })
  if (group.spans.rows > 0)
    records.push({ table: journalTable.spans, rows: group.spans.rows, parts: group.spans.parts() })
  for (const [table, block] of group.rows)
    if (block.rows > 0) records.push({ table, rows: block.rows, parts: block.parts() })
  return records
}

function resetGroup(group: Group): void {
  group.spans.reset()
  group.content.reset()
  for (const block of group.rows.values()) block.reset()
  group.waiting = []
}
