// A bill of many rows is summed as it is read: what stays in memory is its distinct lines.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBillFiles } from '../../collector/invoices/read.ts'
import { formatsOf } from '../../processors/invoices/formats.ts'
import { emptyMap } from '../../processors/invoices/map.ts'
import { sample } from './inputs.ts'

const rows = 150_000
const [head = '', row = ''] = sample('bedrock-cur2.csv').split('\n')

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanledger-bill-'))
  const lines = Array.from({ length: rows }, (_, i) => row.replace('session-1', `session-${i}`))
  writeFileSync(join(folder, 'cur.csv'), [head, ...lines].join('\n'))
  writeFileSync(join(folder, 'cur.csv.gz'), gzipSync([head, ...lines].join('\n'), { level: 1 }))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('memory does not grow with rows', async () => {
  const read = () => readBillFiles([join(folder, 'cur.csv')], formatsOf('bedrock'), { map: emptyMap })
  let most = 0
  const before = process.memoryUsage().heapUsed
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed - before)
  }, 20)
  const { bill, files } = await read()
  clearInterval(watch)
  expect(bill.files).toMatchObject([{ name: 'cur.csv', format: 'bedrock-cur', lines: rows }])
  expect(bill.cells).toHaveLength(1)
  expect(bill.cells[0]).toMatchObject({ lines: rows, amount: BigInt(rows) * 3n * 10n ** 30n })
  expect(files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/)
  // The file has about 65 MB; a bill held whole would take several times as much.
  expect(most).toBeLessThan(150 << 20)
})

test('gzip is read as it is, and a file given twice counts once', async () => {
  const path = join(folder, 'cur.csv.gz')
  const { bill, files } = await readBillFiles([path, path], formatsOf('bedrock'), { map: emptyMap })
  expect(files).toHaveLength(1)
  expect(bill.cells[0]?.lines).toBe(rows)
})
