// Reads the price files; processors do no I/O, so this hands them the catalogue as a value.

import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { checkPriceFiles } from '../processors/pricing/check.ts'
import type { PriceFile } from '../processors/pricing/file.ts'

/**
 * The files of a folder, by default the catalogue that ships with the program; the order of names.
 * Throws an Error naming every finding when a file is not JSON, not of its name, or not sound.
 */
export function loadPriceBook(folder: URL | string = new URL('../processors/prices/', import.meta.url)): PriceFile[] {
  const base = typeof folder === 'string' ? pathToFileURL(folder.replace(/\/*$/, '/')) : folder
  const files: PriceFile[] = []
  for (const name of readdirSync(base).sort()) {
    if (!name.endsWith('.json')) continue
    const file = parse(readFileSync(new URL(name, base), 'utf8'), name)
    if (`${file.provider}.json` !== name) throw new Error(`${name}: holds the prices of "${file.provider}"`)
    files.push(file)
  }
  const findings = checkPriceFiles(files)
  if (findings.length > 0) throw new Error(`prices are not sound:\n${findings.join('\n')}`)
  return files
}

function parse(text: string, name: string): PriceFile {
  try {
    return JSON.parse(text) as PriceFile // checked as a whole by checkPriceFiles
  } catch (cause) {
    throw new Error(`${name}: not JSON`, { cause })
  }
}
