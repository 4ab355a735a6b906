// Reads the price files; processors do no I/O, so this hands them the catalogue as a value.

import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { checkPriceFiles } from '../processors/pricing/check.ts'
import type { PriceFile } from '../processors/pricing/file.ts'

const shipped = new URL('../processors/prices/', import.meta.url)
/** The program's own files once they were found sound: they do not change while it runs. */
let sound: readonly PriceFile[] | undefined

/**
 * The files of a folder, by default the catalogue that ships with the program; the order of names.
 * Throws an Error naming every finding when a file is not JSON, not of its name, or not sound.
 */
export function loadPriceBook(folder: URL | string = shipped): PriceFile[] {
  if (folder === shipped && sound !== undefined) return [...sound]
  const { files, findings } = readPriceFiles(folder)
  if (findings.length > 0) throw new Error(findings.join('\n'))
  const unsound = checkPriceFiles(files)
  if (unsound.length > 0) throw new Error(`prices are not sound:\n${unsound.join('\n')}`)
  if (folder === shipped) sound = files
  return [...files]
}

/** The files that can be read, and what keeps the others from it; whether their content is sound is another question. */
export function readPriceFiles(folder: URL | string = shipped): { files: PriceFile[]; findings: string[] } {
  const base = typeof folder === 'string' ? pathToFileURL(folder.replace(/\/*$/, '/')) : folder
  const files: PriceFile[] = []
  const findings: string[] = []
  for (const name of readdirSync(base).sort()) {
    if (!name.endsWith('.json')) continue
    const file = parsed(readFileSync(new URL(name, base), 'utf8'))
    if (file === null) findings.push(`${name}: not JSON`)
    else if (`${file.provider}.json` !== name) findings.push(`${name}: holds the prices of "${file.provider}"`)
    else if (!Array.isArray(file.entries)) findings.push(`${name}: has no list of entries`)
    else files.push(file)
  }
  return { files, findings }
}

function parsed(text: string): PriceFile | null {
  try {
    return JSON.parse(text) as PriceFile // its parts are checked by checkPriceFiles
  } catch {
    // Said by the caller, who knows the name.
    return null
  }
}
