import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { inspectJournal, readJournal } from '../../collector/journal/inspect.ts'
import { Journal } from '../../collector/journal/journal.ts'
import { drain, idsOf, record, take } from './rows.ts'

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-inspect-'))
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

test('a running journal is read beside its process and left as it is', async () => {
  const journal = await Journal.open({ directory: root, segmentBytes: 64 << 10, segmentRows: 3, reserveBytes: 0 })
  await journal.append([record([1, 2]), record([3], { table: 2 })])
  await journal.append([record([4, 5])])
  await journal.done(await take(journal))
  await journal.append([record([6, 7, 8])])
  await journal.append([record([9], { table: 1 })])
  // Until the seal mark of the second segment is on the disk.
  const waiting = await take(journal)
  journal.putBack(waiting)
  while ((await inspectJournal(root)).segments[0]?.state !== 'sealed')
    await new Promise((resolve) => setImmediate(resolve))

  const { segments, damaged } = await inspectJournal(root)
  expect(segments).toMatchObject([
    { id: waiting.id, state: 'sealed', records: 1, lost: 0, torn: 0 },
    { state: 'open', records: 1, lost: 0, torn: 0 },
  ])
  expect(segments.map(({ rows }) => rows.slice(0, 3))).toEqual([
    [3, 0, 0],
    [0, 1, 0],
  ])
  expect(damaged).toEqual([])

  const blocks = []
  for await (const { table, rows, body } of readJournal(root)) blocks.push([table, rows, idsOf([body])])
  expect(blocks).toEqual([
    [0, 3, [6, 7, 8]],
    [1, 1, [9]],
  ])
  await journal.append([record([10])])
  expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([6, 7, 8, 10, 9])
  await journal.close()
  expect((await inspectJournal(root)).segments).toEqual([])
})
