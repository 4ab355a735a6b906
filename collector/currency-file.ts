// The file of exchange rates, YAML, JSON or CSV → rates, or everything that is wrong with it.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import { type ReadRates, readRates } from '../processors/currency-rates.ts'

const bytesMax = 16 * 2 ** 20

/** Rates of a file; findings begin with its name. Throws nothing: what cannot be read is a finding. */
export function loadCurrencyRates(file: string): ReadRates {
  let text: string
  try {
    const bytes = readFileSync(file)
    if (bytes.length > bytesMax) return wrong(`${file}: has ${bytes.length} bytes, limit is ${bytesMax}`)
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return wrong(`${file}: is not UTF-8`)
    return wrong(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
  return parseCurrencyRates(text, basename(file))
}

/** The same for text at hand; a name that ends in `.csv` has a head line `date,base,currency,rate` and perhaps `source`. */
export function parseCurrencyRates(text: string, name: string): ReadRates {
  if (name.toLowerCase().endsWith('.csv')) return named(name, readRates({ rates: csvRows(text) }))
  // Scalars stay text: a rate is exact, and 2026-11-02 a day.
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false })
  const problem = document.errors[0]
  if (problem !== undefined) return wrong(`${name}: ${problem.message.split('\n')[0]}`)
  try {
    return named(name, readRates(document.toJS({ maxAliasCount: 0 })))
  } catch {
    return wrong(`${name}: has aliases, which are not read`)
  }
}

function wrong(finding: string): ReadRates {
  return { rates: [], findings: [finding] }
}

function named(name: string, { rates, findings }: ReadRates): ReadRates {
  return { rates, findings: findings.map((finding) => `${name}: ${finding}`) }
}

/** Rows by the names of the head line; a cell may be quoted. */
function csvRows(text: string): Record<string, string>[] {
  const [head = [], ...rows] = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')))
  return rows.map((cells) =>
    Object.fromEntries(cells.flatMap((cell, i) => (cell === '' ? [] : [[head[i] ?? `column ${i + 1}`, cell]]))),
  )
}
