// Writes the dashboards that are committed beside this file: `node deploy/grafana/generate.ts`. A test holds them to it.

import { mkdirSync, writeFileSync } from 'node:fs'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { invoiceBoard } from './invoice.ts'
import { qualityBoard } from './quality.ts'
import { spendBoard } from './spend.ts'
import { traceBoard } from './trace.ts'

/** File name in `dashboards/` → its text. */
export function dashboards(): ReadonlyMap<string, string> {
  const text = (board: Dashboard) => `${JSON.stringify(board, null, 2)}\n`
  return new Map([
    ['invoice.json', text(invoiceBoard())],
    ['quality.json', text(qualityBoard())],
    ['spend.json', text(spendBoard())],
    ['trace.json', text(traceBoard())],
  ])
}

if (import.meta.main) {
  const folder = new URL('./dashboards/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of dashboards()) writeFileSync(new URL(name, folder), text)
}
