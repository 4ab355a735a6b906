import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { InsertRequest } from '../collector/clickhouse/client.ts'
import { readQuarantine, redrive } from '../collector/quarantine.ts'
import { MemoryDisk } from './journal/memory-disk.ts'
import { idsOf, record } from './journal/rows.ts'
import { type Bench, empty, expectBalance, runDry, setUp } from './writer-bench.ts'

describe('bad data', () => {
  test('one bad block of 64 is found in 2·log2 inserts; the others are stored, it is kept with its reason', async () => {
    const bench = await setUp()
    const ids = Array.from({ length: 64 }, (_, i) => i)
    for (const id of ids) await bench.journal.append([record([id]), record([id], { table: 1 })])
    bench.clickHouse.badIds.add(37)
    const quarantined: unknown[] = []
    await runDry(bench)

    // Both tables hold an id 37.
    expect(bench.clickHouse.idsOf('spans')).toEqual(ids.filter((id) => id !== 37))
    expect(bench.clickHouse.idsOf('span_content')).toEqual(ids.filter((id) => id !== 37))
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(2 * (1 + 2 * 6))
    const tokens = bench.clickHouse.requests.map(({ token }) => token)
    expect(new Set(tokens).size).toBe(tokens.length)

    for await (const block of readQuarantine(bench.quarantineDir)) {
      quarantined.push(block.note)
      expect(idsOf([await block.body()])).toEqual([37])
    }
    const segment = tokens[0]!.replace('-span_content', '')
    expect(quarantined).toMatchObject([
      { table: 'span_content', rows: 1, reason: 'clickhouse_27', segment, record: 75, bytes: 24 },
      { table: 'spans', token: `${segment}-spans/74-74`, message: 'Code: 27. DB::Exception' },
    ])
    expect(bench.writer.stats()).toMatchObject({
      insertedRows: [63, 63, 0],
      quarantinedRows: [1, 1, 0],
      quarantinedByReason: [
        { table: 'span_content', reason: 'clickhouse_27', rows: 1 },
        { table: 'spans', reason: 'clickhouse_27', rows: 1 },
      ],
      health: { state: 'ok' },
    })
    expectBalance(bench)
    await bench.journal.close()
  })

  test('one bad row of a block of 1,000 costs one row, where blocks can be sliced', async () => {
    const asked: unknown[] = []
    const bench = await setUp({
      sliceBlock: (body, from, to) => {
        const ids = idsOf([body]).slice(from, to)
        return Buffer.concat(record(ids, { fill: 1 }).parts)
      },
      onQuarantine: (block) => asked.push(block),
    })
    const ids = Array.from({ length: 1000 }, (_, i) => i)
    await bench.journal.append([record(ids, { fill: 1 })])
    bench.clickHouse.badIds.add(700)
    await runDry(bench)
    expect(bench.clickHouse.idsOf('spans').sort((a, b) => a - b)).toEqual(ids.filter((id) => id !== 700))
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(1 + 2 * 10)
    const token = `${bench.clickHouse.requests[0]!.token}/0-0.700-700`
    expect(asked).toEqual([{ table: 'spans', rows: 1, reason: 'clickhouse_27', token }])
    expectBalance(bench)
    await bench.journal.close()
  })

  test('a segment of nothing but bad blocks ends, at a limited cost', async () => {
    const bench = await setUp({ partsMax: 10 })
    for (let id = 0; id < 64; id++) {
      await bench.journal.append([record([id])])
      bench.clickHouse.badIds.add(id)
    }
    await runDry(bench)
    expect(bench.clickHouse.requests.length).toBeLessThanOrEqual(16)
    expect(bench.writer.stats()).toMatchObject({ insertedRows: [0, 0, 0], quarantinedRows: [64, 0, 0] })
    let kept = 0
    for await (const { note } of readQuarantine(bench.quarantineDir)) kept += note.rows
    expect(kept).toBe(64)
    await bench.journal.close()
  })

  test('killed between the halves, and the cause is gone at the next start: every row once', async () => {
    const first = await setUp()
    for (let id = 0; id < 16; id++) await first.journal.append([record([id])])
    first.clickHouse.badIds.add(13)
    first.clickHouse.answer = async () => {
      // The first part that is stored is the last thing this process sees.
      first.clickHouse.failure = new Error('killed')
    }
    const stopFirst = first.start()
    await first.until(() => first.clickHouse.failure !== null && first.journal.stats().segments === 1)
    const content = first.disk.content()
    await stopFirst()
    expect(first.clickHouse.idsOf('spans').length).toBeGreaterThan(0)

    first.clickHouse.badIds.clear()
    first.clickHouse.failure = null
    first.clickHouse.answer = async () => undefined
    const { clickHouse, quarantineDir } = first
    const second = await setUp({}, { disk: new MemoryDisk(content), clickHouse, quarantineDir })
    await runDry(second)
    expect(clickHouse.idsOf('spans').sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i))
    expect(fs.readdirSync(path.join(quarantineDir, 'taken-apart'))).toEqual([])
    expectBalance(second)
    await second.journal.close()
  })

  test('a bad block is quarantined once however often the process dies before the segment is done', async () => {
    let content = new Map<string, Buffer>()
    let from: Partial<Bench> = {}
    for (let life = 0; life < 3; life++) {
      const bench = await setUp({}, { ...from, disk: new MemoryDisk(content) })
      if (life === 0) for (let id = 0; id < 4; id++) await bench.journal.append([record([id])])
      bench.clickHouse.badIds.add(2)
      bench.clickHouse.answer = async () => undefined
      const done = bench.journal.done.bind(bench.journal)
      let snapshot = new Map<string, Buffer>()
      bench.journal.done = async (segment) => {
        snapshot = bench.disk.content()
        await done(segment)
      }
      await runDry(bench)
      content = snapshot
      from = { clickHouse: bench.clickHouse, quarantineDir: bench.quarantineDir }
      const notes = []
      for await (const { note } of readQuarantine(bench.quarantineDir)) notes.push(note)
      expect(notes).toHaveLength(1)
      expect(bench.clickHouse.idsOf('spans')).toEqual([0, 1, 3])
    }
  })

  test('a full quarantine pauses the writer: rows stay in the journal until there is room', async () => {
    const bench = await setUp({ quarantineBytesMax: 30 })
    await bench.journal.append([record([1])])
    await bench.journal.append([record([2])])
    await bench.journal.append([record([3])])
    for (const id of [1, 2]) bench.clickHouse.badIds.add(id)
    const stop = bench.start()
    await bench.until(() => bench.health.length > 0)
    expect(bench.health[0]).toMatchObject({ state: 'paused', problem: { table: 'quarantine' } })
    expect(bench.journal.stats().rows).toBe(3)
    await stop()
    expectBalance(bench)

    const { clickHouse, quarantineDir } = bench
    clickHouse.badIds.delete(2)
    const next = await setUp(
      { quarantineBytesMax: 30 },
      { disk: new MemoryDisk(bench.disk.content()), clickHouse, quarantineDir },
    )
    await runDry(next)
    expect(clickHouse.idsOf('spans')).toEqual([2, 3])
    await next.journal.close()
  })

  test('a quarantine that is emptied by hand while the writer waits lets it go on', async () => {
    const bench = await setUp({ quarantineBytesMax: 30 })
    for (const id of [1, 2, 3]) await bench.journal.append([record([id])])
    for (const id of [1, 2]) bench.clickHouse.badIds.add(id)
    const stop = bench.start()
    await bench.until(() => bench.health.length > 0)
    const folder = path.join(bench.quarantineDir, 'spans')
    for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name))
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.idsOf('spans')).toEqual([3])
    expect(bench.health.map(({ state }) => state)).toEqual(['paused', 'ok'])
    expectBalance(bench)
    await bench.journal.close()
  })

  test('quarantine is closed to others, and is emptied by sending it again', async () => {
    const bench = await setUp()
    for (let id = 0; id < 4; id++) await bench.journal.append([record([id])])
    bench.clickHouse.badIds.add(1).add(2)
    await runDry(bench)
    await bench.journal.close()
    const files = fs.readdirSync(path.join(bench.quarantineDir, 'spans')).map((name) => path.join('spans', name))
    expect(files).toHaveLength(4)
    for (const file of files) expect(fs.statSync(path.join(bench.quarantineDir, file)).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.join(bench.quarantineDir, 'spans')).mode & 0o777).toBe(0o700)

    bench.clickHouse.badIds.delete(1)
    const send = (block: Omit<InsertRequest, 'columns'>): Promise<void> =>
      bench.clickHouse.insert({ ...block, columns: [] }, new AbortController().signal)
    const result = await redrive(bench.quarantineDir, send)
    expect([result.rows, result.refused.map(({ note }) => note.rows)]).toEqual([1, [1]])
    expect(bench.clickHouse.idsOf('spans').sort()).toEqual([0, 1, 3])
    expect(fs.readdirSync(path.join(bench.quarantineDir, 'spans'))).toHaveLength(2)
  })
})
