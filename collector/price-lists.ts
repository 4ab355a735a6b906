// Public price lists from files, folders and the package that somebody installed; each is read by its plug file of
// processors/price-sources/. Development dependencies are not there where the program is used: a list then needs its file.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ListReading, PriceList } from '../processors/pricing/price-list.ts'

const folder = new URL('../processors/price-sources/', import.meta.url)

/** Names of the lists that can be read. */
export function priceListNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

/** One of `priceListNames`; throws an Error where the plug file is not whole. */
export async function loadPriceList(id: string): Promise<PriceList> {
  const { default: list } = (await import(new URL(`${id}.ts`, folder).href)) as { default?: PriceList }
  if (list?.id !== id || typeof list.read !== 'function')
    throw new Error(`price-sources/${id}.ts exports no list of that name`)
  return list
}

/** What a file of the list says, or all files of a folder. Throws RangeError that names the file where it is another form. */
export function readPriceList(list: PriceList, path: string): ListReading {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(path, name))
    : [path]
  if (files.length === 0) throw new RangeError(`${path} has no .json file`)
  return together(files.map((file) => readDocument(list, parsed(file), file)))
}

/** Package of a list, by the list's name. */
const packages: Readonly<Record<string, string>> = { 'genai-prices': '@pydantic/genai-prices' }
/** The package gives one provider at a time; these are its names of those that we have prices of. */
const packageProviders = [
  'openai',
  'anthropic',
  'google',
  'aws',
  'azure',
  'deepseek',
  'x-ai',
  'mistral',
  'cohere',
  'perplexity',
  'groq',
  'together',
  'fireworks',
  'cerebras',
  'moonshotai',
  'zhipuai',
  'voyageai',
  'openrouter',
  'minimax',
]

interface GenaiPrices {
  findProvider(options: { readonly providerId: string }): object | undefined
}

/** What the installed package of the list says; null when the list has none, or it is not installed. */
export async function readInstalledList(list: PriceList): Promise<ListReading | null> {
  const name = packages[list.id]
  if (name === undefined) return null
  let path: string
  try {
    path = createRequire(import.meta.url).resolve(name)
  } catch {
    // Not installed: the caller says what to do.
    return null
  }
  const { findProvider } = (await import(pathToFileURL(path).href)) as GenaiPrices
  const document = packageProviders.flatMap((providerId) => findProvider({ providerId }) ?? [])
  return readDocument(list, document, name)
}

function readDocument(list: PriceList, document: unknown, file: string): ListReading {
  try {
    return list.read(document, basename(file).replace(/\.json$/, ''))
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new RangeError(`${file} is not in the form of ${list.id} (${list.from}): ${cause.message}`, { cause })
  }
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new RangeError(`${file} is not JSON`, { cause })
  }
}

function together(readings: readonly ListReading[]): ListReading {
  return {
    entries: readings.flatMap(({ entries }) => entries),
    notUnderstood: readings.flatMap(({ notUnderstood }) => notUnderstood),
    cleaned: readings.flatMap(({ cleaned }) => cleaned),
  }
}
