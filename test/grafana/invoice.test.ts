// The panels of the invoice board over two imports of one day: only the newer one counts.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { ask, insert } from '../queries/ask.ts'
import { type BoardFile, committed, queryPanels, sqlOf } from './boards.ts'
import { expand } from './expand.ts'

const board = committed().find((each) => each.board.uid === 'sl-invoice')?.board as BoardFile
const scope = { project_id: 'default', provider: 'openai', day: '2026-11-02' }

let engine: TestEngine

beforeAll(async () => {
  engine = await startTestEngine()
  for (const [import_id, imported_at, amount] of [
    ['a', '2026-11-04 00:00:00', '5'],
    ['b', '2026-11-05 00:00:00', '-0.5'],
  ] as const) {
    const row = { ...scope, import_id, row: 0, account: 'p', model: 'm', kind: 'input' }
    const money = { quantity_part: amount, price_part: '0' }
    await insert(engine.url, 'invoice_findings', [
      { ...row, ...money, category: 'unexplained', cause: 'c', quantity: '7', amount },
    ])
    await insert(engine.url, 'invoice_lines', [
      { ...row, ...money, bill_cost: '2.5', ledger_cost: '3', state: 'unexplained', label: 'm, input' },
    ])
    const sums = { bill_cost: '2.5', ledger_cost: '3', difference: amount, files: ['f.json'], notes: [] }
    await insert(engine.url, 'invoice_imports', [{ ...scope, ...sums, import_id, imported_at }])
  }
})

afterAll(() => engine?.stop())

async function rows(title: string) {
  const panel = queryPanels(board).find((each) => each.title === title)
  if (panel === undefined) throw new Error(`no panel "${title}"`)
  const sql = expand(sqlOf(panel), {
    from: new Date('2026-11-01T00:00:00Z'),
    to: new Date('2026-11-30T00:00:00Z'),
    intervalSeconds: 3600,
    timezone: 'utc',
    variables: { datasource: { value: 'x' }, project: { value: '$__all' } },
  })
  return (await ask(engine.url, sql)).rows
}

test('totals are those of the newest import', async () => {
  expect(await rows('Billed')).toEqual([{ billed: '2.5' }])
  expect(await rows('In the ledger')).toEqual([{ ledger: '3' }])
  expect(await rows('Difference, bill - ledger')).toEqual([{ difference: '-0.5' }])
  expect(await rows('Not explained')).toEqual([{ unexplained: '0.5' }])
})

test('charts and tables show its findings and lines, and no others', async () => {
  expect(await rows('Differences by what they come from')).toEqual([
    { time: '2026-11-02 00:00:00', category: 'unexplained', value: '-0.5' },
  ])
  expect(await rows('Findings')).toMatchObject([{ day: '2026-11-02', cause: 'c', difference: '-0.5', quantity: '7' }])
  expect(await rows('Bill beside ledger')).toMatchObject([{ label: 'm, input', difference: '-0.5', bill_cost: '2.5' }])
  expect(await rows('Imports in force')).toMatchObject([
    { day: '2026-11-02', bill: '2.5', files: 'f.json', imported_at: '2026-11-05 00:00:00.000' },
  ])
})
