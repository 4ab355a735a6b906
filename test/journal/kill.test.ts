// kill -9 under load, on the real file system: every acknowledged row is delivered exactly once, counted as ClickHouse
// counts (what comes under a token it has seen is thrown away).

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Journal } from '../../collector/journal/journal.ts'
import { drain } from './rows.ts'

const rowsPerAppend = 3
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-kill-'))
const directory = path.join(root, 'journal')
const database = path.join(root, 'clickhouse')
let child: ChildProcess | null = null

afterEach(() => {
  child?.kill('SIGKILL')
  fs.rmSync(root, { recursive: true, force: true })
})

/** Starts the child and kills it after it has acknowledged `acks` appends; returns what it acknowledged. */
async function runAndKill(first: number, acks: number): Promise<number[]> {
  const script = path.join(import.meta.dirname, 'kill-child.ts')
  const running = spawn(process.execPath, [script, directory, database, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child = running
  let output = ''
  const ended = new Promise<void>((resolve) => running.on('close', () => resolve()))
  running.stdout.on('data', (data: Buffer) => {
    output += data.toString('latin1')
    if (output.split('\n').length > acks) running.kill('SIGKILL')
  })
  await ended
  expect(running.signalCode).toBe('SIGKILL')
  return output.split('\n').slice(0, -1).map(Number)
}

test('five lives of a collector, each killed at work', async () => {
  const acknowledged: number[] = []
  let first = 0
  for (const acks of [30, 170, 1, 90, 250]) {
    const appends = await runAndKill(first, acks)
    expect(appends.length).toBeGreaterThanOrEqual(acks)
    for (const id of appends) for (let i = 0; i < rowsPerAppend; i++) acknowledged.push(id + i)
    // The append under way when it died may have been written: its rows must not get other meaning.
    first = Math.max(...appends) + 2 * rowsPerAppend
  }

  const stored = new Map<string, number[]>()
  const insert = (token: string, ids: number[]): void => {
    if (!stored.has(token)) stored.set(token, ids)
  }
  for (const line of fs.readFileSync(database, 'latin1').split('\n').slice(0, -1)) {
    const [token = '', ids = ''] = line.split(' ')
    insert(token, ids.split(',').map(Number))
  }
  const journal = await Journal.open({ directory, segmentBytes: 32 << 10, reserveBytes: 0 })
  expect(journal.stats()).toMatchObject({ lostRecords: 0, damagedFiles: 0 })
  for (const { id, ids } of await drain(journal)) insert(id, [...ids])
  await journal.close()

  const rows = [...stored.values()].flat()
  const distinct = new Set(rows)
  expect(distinct.size).toBe(rows.length)
  expect(acknowledged.filter((id) => !distinct.has(id))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(1500)
})
