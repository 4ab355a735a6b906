// Journal: MB/s made durable and CPU seconds per GB, for groups of 150 parts, one group in flight.
//
// Estimate: a checksum runs at 4 GB/s and the kernel copies at about 5 GB/s, so 0.25 + 0.2 CPU s/GB, plus the block
// layer's share. At 100 µs–1 ms a sync, 1 MiB groups end between 800 and 3,000 MB/s on a disk that takes as much.
// Variants: files used again (the journal once it is warm), fresh preallocated files, a plain growing file. All sync.
//
//   node test/bench/journal.ts [MiB per variant, default 1024] [directory]

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { nodeFiles, writeAll } from '../../collector/journal/files.ts'
import { Journal, type JournalRecord } from '../../collector/journal/journal.ts'
import { encodeRecordHeader, recordHeaderBytes } from '../../collector/journal/layout.ts'

const total = Number(process.argv[2] ?? 1024) * 2 ** 20
const root = fs.mkdtempSync(path.join(process.argv[3] ?? os.tmpdir(), 'journal-bench-'))
const rounds = 3
const partCount = 150
const memory = new Uint8Array(2 << 20).map((_, i) => (i * 2654435761) >>> 24)

/** A record of about `bytes` in `partCount` parts of uneven sizes, as the columns of a block are. */
function makeRecord(bytes: number): { table: number; rows: number; parts: Uint8Array[] } {
  const mean = bytes / partCount
  const parts = Array.from({ length: partCount }, (_, i) =>
    memory.subarray(i, i + Math.floor(mean * (0.5 + (i % 11) / 10))),
  )
  return { table: 0, rows: 1000, parts }
}

function sizeOf(record: { parts: readonly Uint8Array[] }): number {
  return record.parts.reduce((sum, part) => sum + part.length, 0)
}

interface Measure {
  readonly seconds: number
  readonly cpuUser: number
  readonly cpuSystem: number
  readonly latencies: readonly number[]
}

async function measure(groupSize: number, step: () => Promise<void>): Promise<Measure> {
  const latencies: number[] = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let bytes = 0; bytes < total; bytes += groupSize) {
    const before = performance.now()
    await step()
    latencies.push(performance.now() - before)
  }
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { seconds, cpuUser: user / 1e6, cpuSystem: system / 1e6, latencies: latencies.sort((a, b) => a - b) }
}

function print(name: string, { seconds, cpuUser, cpuSystem, latencies }: Measure): void {
  const at = (share: number): string => (latencies[Math.floor(share * (latencies.length - 1))] ?? 0).toFixed(1)
  const gigabytes = total / 1e9
  console.log(
    name.padEnd(46),
    `${(total / 1e6 / seconds).toFixed(0).padStart(5)} MB/s`,
    `CPU ${(cpuUser / gigabytes).toFixed(2)} user + ${(cpuSystem / gigabytes).toFixed(2)} system s/GB`,
    `group p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms`,
  )
}

/** Takes and drops sealed segments, unread by anybody: gives the files back. */
async function discard(journal: Journal, signal: AbortSignal): Promise<void> {
  for (;;) {
    const segment = await journal.nextSealed(signal)
    if (segment === undefined) return
    await journal.done(segment)
  }
}

/** As in service: a reader takes segments, reads, checks and ends them, while appends go on. */
async function journalInService(record: JournalRecord): Promise<void> {
  const journal = await openJournal('service', 4)
  const stop = new AbortController()
  const reader = discard(journal, stop.signal)
  for (let bytes = 0; bytes < 96 << 20; bytes += sizeOf(record)) await journal.append([record])
  print('journal, files used again, read and done', await measure(sizeOf(record), () => journal.append([record])))
  stop.abort()
  await reader
  await journal.close()
}

/** First without a reader, every file made new; then the reader alone; then again into the files that came free. */
async function journalApart(record: JournalRecord): Promise<void> {
  const journal = await openJournal('apart', 1e9)
  print('journal, every file made new', await measure(sizeOf(record), () => journal.append([record])))
  print('journal, read, checked and done', await measureDrain(journal))
  print('journal, files used again', await measure(sizeOf(record), () => journal.append([record])))
  await journal.close()
}

function openJournal(name: string, sparesMax: number): Promise<Journal> {
  const directory = path.join(root, name)
  return Journal.open({ directory, segmentRows: 1e9, backlogRows: 1e9, sparesMax, reserveBytes: 0 })
}

async function measureDrain(journal: Journal): Promise<Measure> {
  const { signal } = new AbortController()
  await journal.seal()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const latencies: number[] = []
  while (journal.stats().segments > 0) {
    const before = performance.now()
    const segment = await journal.nextSealed(signal)
    latencies.push(performance.now() - before)
    if (segment !== undefined) await journal.done(segment)
  }
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - start) / 1000
  return { seconds, cpuUser: user / 1e6, cpuSystem: system / 1e6, latencies: latencies.sort((a, b) => a - b) }
}

async function plainFile(record: JournalRecord, options: { sync: boolean }): Promise<void> {
  const file = path.join(root, 'plain')
  const fd = await nodeFiles.open(file, 'create')
  const header = Buffer.alloc(recordHeaderBytes)
  let at = 0
  const result = await measure(sizeOf(record), async () => {
    encodeRecordHeader(header, 0, '0011223344556677', { ...record, index: 0, group: 0, appendedUnixMs: 0 })
    await writeAll(nodeFiles, fd, [header, ...record.parts], at)
    at += header.length + sizeOf(record)
    if (options.sync) await nodeFiles.fdatasync(fd)
  })
  print(options.sync ? 'plain growing file' : 'plain growing file, never synced', result)
  await nodeFiles.close(fd)
  fs.unlinkSync(file)
}

console.log(`node ${process.version}, ${os.cpus().length} × ${os.cpus()[0]?.model}, ${total / 2 ** 20} MiB a variant`)
try {
  for (const groupBytes of [64 << 10, 1 << 20]) {
    const record = makeRecord(groupBytes)
    console.log(`\ngroups of ${sizeOf(record)} bytes in ${partCount} parts`)
    for (let round = 0; round < rounds; round++) {
      await journalInService(record)
      await journalApart(record)
      await plainFile(record, { sync: true })
      await plainFile(record, { sync: false })
      fs.rmSync(root, { recursive: true })
      fs.mkdirSync(root)
    }
  }
} finally {
  fs.rmSync(root, { recursive: true, force: true })
}
