// The process that kill.test.ts kills: appends numbered rows as fast as the disk takes them, delivers segments to a
// file that stands for ClickHouse, and tells on standard output which rows were acknowledged.
//
//   node kill-child.ts <journal directory> <ClickHouse file> <first row>

import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Journal } from '../../collector/journal/journal.ts'
import { idsIn, record } from './rows.ts'

const [directory = '', database = '', first = '0'] = process.argv.slice(2)
const journal = await Journal.open({
  directory,
  segmentBytes: 32 << 10,
  segmentRows: 100,
  segmentAgeMs: 5,
  sparesMax: 2,
  reserveBytes: 0,
})

async function deliver(): Promise<void> {
  const { signal } = new AbortController()
  for (;;) {
    const segment = await journal.nextSealed(signal)
    if (segment === undefined) return
    fs.appendFileSync(database, `${segment.id} ${(await idsIn(segment)).join(',')}\n`)
    await wait(Math.random() * 4)
    await journal.done(segment)
  }
}

void deliver()
for (let id = Number(first); ; id += 3) {
  await journal.append([record([id, id + 1], { fill: 200 }), record([id + 2], { table: 1, fill: id % 300 })])
  fs.writeSync(1, `${id}\n`)
}
